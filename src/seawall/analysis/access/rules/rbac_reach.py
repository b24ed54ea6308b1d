"""Roles and bindings: rights by which one reaches further, and grants that are not what they seem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.grants import GOOD_PRACTICES, RBAC_REFERENCE, Target, is_built_in, names, stream_verbs
from seawall.analysis.access.judging import view_of
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.model.kube.rbac import Role
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_OWN_KEPT = "The roles that the API server keeps itself, and wildcards, which have rules of their own, are left out."


def _named(role: Role, targets: Iterable[Target], verbs: Iterable[str], what: str) -> Hits:
    """A hit for each rule of a role that allows any of the verbs on resources that it names."""
    if is_built_in(role):
        return
    targets, verbs = tuple(targets), tuple(verbs)
    for i, r in numbered(role.rules):
        found = [] if r.resource_names else names(r, targets, verbs)
        if found:
            yield Hit(f"the role may {what} {', '.join(found)}", f"rules[{i}].resources")


@rule(
    "rbac-token-create",
    title="Role may make tokens of service accounts",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Whoever has the role gives itself a token of any account in its reach, and so the rights of the strongest "
    "one.",
    remediation="Remove create on serviceaccounts/token, or name the accounts in resourceNames.",
    controls="cis:5.1.13 mitre-attack:T1528 nsa-cisa:rbac",
    aliases="C-0282 prowler:rbac_minimize_service_account_token_creation",
    references=(f"{GOOD_PRACTICES}#token-request",),
    notes=_OWN_KEPT,
)
def rbac_token_create(role: Role, ctx: Context) -> Hits:
    yield from _named(role, (("", "serviceaccounts/token"),), ("create",), "make tokens by")


@rule(
    "rbac-ephemeral-containers",
    title="Role may put debug containers into pods",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="A debug container of an image of one's choice runs beside the program, with the pod's identity, volumes and "
    "processes: it is pods/exec by another name.",
    remediation="Remove pods/ephemeralcontainers from the rule; grant it for the time of an incident.",
    controls="mitre-attack:T1609 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/",),
    notes=_OWN_KEPT,
)
def rbac_ephemeral_containers(role: Role, ctx: Context) -> Hits:
    yield from _named(role, (("", "pods/ephemeralcontainers"),), ("update", "patch"), "change")


@rule(
    "rbac-port-forward",
    title="Role may reach ports of pods past the network",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Port-forwarding goes through the API server: no network policy holds it, and ports that listen on 127.0.0.1 "
    "are reached too.",
    remediation="Remove create on pods/portforward.",
    controls="mitre-attack:T1090 nsa-cisa:rbac",
    aliases="C-0063",
    references=("https://kubernetes.io/docs/reference/kubectl/generated/kubectl_port-forward/",),
    notes=_OWN_KEPT,
)
def rbac_port_forward(role: Role, ctx: Context) -> Hits:
    yield from _named(role, (("", "pods/portforward"),), stream_verbs(ctx), "use")


@rule(
    "rbac-volume-create",
    title="Role may make volumes of the node's files",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="A PersistentVolume may be any path of a node; a pod that claims it reads and writes there, where no Pod "
    "Security level sees it.",
    remediation="Leave volumes to the storage drivers, and remove create on persistentvolumes.",
    controls="cis:5.1.9 mitre-attack:T1611 nsa-cisa:rbac",
    aliases="C-0278 prowler:rbac_minimize_pv_creation_access",
    references=(f"{GOOD_PRACTICES}#persistent-volume-creation",),
    notes=_OWN_KEPT,
)
def rbac_volume_create(role: Role, ctx: Context) -> Hits:
    yield from _named(role, (("", "persistentvolumes"),), ("create",), "make")


@rule(
    "rbac-events-delete",
    title="Role may delete events",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Events tell what was started, and where: an attacker deletes the traces.",
    remediation="Remove delete and deletecollection on events.",
    controls="mitre-attack:T1070 nsa-cisa:rbac",
    aliases="C-0031",
    references=(GOOD_PRACTICES,),
    notes=_OWN_KEPT,
)
def rbac_events_delete(role: Role, ctx: Context) -> Hits:
    targets = (("", "events"), ("events.k8s.io", "events"))
    yield from _named(role, targets, ("delete", "deletecollection"), "delete")


@rule(
    "rbac-nodes-write",
    title="Role may change nodes",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="Labels and taints decide where pods run: whoever may change them draws secret-bearing pods to a node that it "
    "has, or keeps all pods off the others.",
    remediation="Remove update, patch and delete on nodes.",
    controls="mitre-attack:T1499 nsa-cisa:rbac",
    aliases="kyverno:protect-node-taints kyverno:restrict-node-label-creation",
    references=(GOOD_PRACTICES,),
    notes=_OWN_KEPT,
)
def rbac_nodes_write(role: Role, ctx: Context) -> Hits:
    targets = (("", "nodes"), ("", "nodes/status"))
    yield from _named(role, targets, ("update", "patch", "delete", "deletecollection", "create"), "change")


@rule(
    "rbac-coredns-write",
    title="Role may change the cluster's names",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role",
    why="Whoever edits CoreDNS' settings answers every pod's question for any name with an address of its own.",
    remediation="Remove update and patch on the ConfigMap coredns.",
    controls="mitre-attack:T1557 mitre-attack:T1584.002 nsa-cisa:rbac",
    aliases="C-0037",
    references=("https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/",),
    notes="Judged for Roles of kube-system; cluster-wide rights on ConfigMaps have a rule of their own.",
)
def rbac_coredns_write(role: Role, ctx: Context) -> Hits:
    if role.metadata.namespace != "kube-system" or is_built_in(role):
        return
    for i, r in numbered(role.rules):
        named = names(r, (("", "configmaps"),), ("update", "patch", "delete", "deletecollection"))
        if named and (not r.resource_names or "coredns" in r.resource_names):
            yield Hit("the role may change CoreDNS' settings", f"rules[{i}].resources")


@rule(
    "binding-role-missing",
    title="Binding of a role that does not exist",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="inventory",
    why="The binding grants nothing until someone creates a role of that name; whoever may create roles, but not "
    "bindings, then decides what the subjects may do.",
    remediation="Create the role, correct the name, or remove the binding.",
    controls="mitre-attack:T1098.006 nsa-cisa:rbac",
    references=(RBAC_REFERENCE,),
    notes="Judged where roles of the kind are known: any in the namespace, or any ClusterRole of a cluster's dump.",
)
def binding_role_missing(inventory: Inventory, ctx: Context) -> Hits:
    bindings = inventory.of_kind("RoleBinding", "ClusterRoleBinding")
    listed = any(role.uid for role in inventory.of_kind("ClusterRole")) if bindings else False
    known = {namespace_of(role) for role in inventory.of_kind("Role")} if bindings else set()
    for binding in bindings:
        ref = view_of(binding).role_ref
        if ref.kind == "Role":
            judged = namespace_of(binding) in known
            missing = inventory.get("Role", binding.ref.namespace, ref.name) is None
        else:
            judged = listed and bool(binding.uid)
            missing = inventory.get("ClusterRole", None, ref.name) is None
        if judged and missing and ref.name:
            yield Hit(f"there is no {ref.kind} {ref.name!r}", "roleRef.name", resource=binding)
