"""Roles that may change or destroy what others rely on, and bindings that give roles to too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.grants import CHANGES, CONTROLLERS, GOOD_PRACTICES, RBAC_REFERENCE, is_built_in, names
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seawall.analysis.access.grants import Target
    from seawall.model.kube.rbac import Role, RoleBinding
    from seawall.model.rule import Context

_WILDCARD = "Roles that cover every resource are told by rbac-wildcard-resources."
_DELETES = ("delete", "deletecollection")
_NETWORKING: tuple[Target, ...] = (
    ("", "services"),
    ("", "endpoints"),
    ("discovery.k8s.io", "endpointslices"),
    ("networking.k8s.io", "networkpolicies"),
    ("networking.k8s.io", "ingresses"),
)
#: Roles that every authenticated user has anyway.
_EVERYONES = frozenset(
    ("system:basic-user", "system:discovery", "system:public-info-viewer", "system:openshift:public-info-viewer")
)


def _named(role: Role, targets: Sequence[Target], verbs: Sequence[str], what: str) -> Hits:
    """Hits at the rules that name any of the targets with any of the verbs."""
    for i, r in numbered(role.rules):
        found = names(r, targets, verbs)
        if found and not is_built_in(role):
            yield Hit(f"the role may {what} {', '.join(found)}", f"rules[{i}].verbs")


@rule(
    "rbac-wildcard-everything",
    title="Role may do everything",
    severity=Severity.CRITICAL,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Every verb on every resource of every group is cluster-admin by another name, which reviews and bindings' "
    "checks do not look for.",
    remediation="List the verbs, resources and API groups that the subject needs.",
    controls="cis:5.1.3 mitre-attack:T1098.006 nsa-cisa:rbac",
    aliases="KSV-0044 C-0187",
    references=(GOOD_PRACTICES,),
    notes="A Role, which reaches one namespace, is high. The roles that the API server keeps itself are left out.",
)
def rbac_wildcard_everything(role: Role, ctx: Context) -> Hits:
    severity = Severity.CRITICAL if ctx.resource.kind.name == "ClusterRole" else Severity.HIGH
    for i, r in numbered(role.rules):
        if "*" in r.api_groups and "*" in r.resources and "*" in r.verbs and not is_built_in(role):
            yield Hit("the role may do everything", f"rules[{i}]", severity=severity)


@rule(
    "rbac-wildcard-groups",
    title="Role covers every API group",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="A resource of the same name in a group that is added to the cluster later falls under the role.",
    remediation="List the API groups that the subject needs.",
    controls="cis:5.1.3 nsa-cisa:rbac",
    aliases="CKV_K8S_49",
    references=(GOOD_PRACTICES,),
    default=False,
    notes=f"{_WILDCARD} The roles that the API server keeps itself are left out.",
)
def rbac_wildcard_groups(role: Role, ctx: Context) -> Hits:
    for i, r in numbered(role.rules):
        if "*" in r.api_groups and r.resources and "*" not in r.resources and not is_built_in(role):
            yield Hit("the role covers every API group", f"rules[{i}].apiGroups")


@rule(
    "rbac-secrets-write",
    title="Role may change Secrets",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Whoever changes a Secret chooses the password, certificate or token that programs use next; whoever creates "
    "one gets a token of any service account of the namespace.",
    remediation="Remove the verbs, or name the Secrets in resourceNames.",
    controls="cis:5.1.2 mitre-attack:T1552.007 nsa-cisa:rbac",
    aliases="KSV-0041 KSV-0113",
    references=(GOOD_PRACTICES,),
    notes=_WILDCARD,
)
def rbac_secrets_write(role: Role, ctx: Context) -> Hits:
    yield from _named(role, (("", "secrets"),), CHANGES, "change")


@rule(
    "rbac-workload-delete",
    title="Role may delete workloads",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Whoever has the role switches services off, or removes the pods that would show what he did.",
    remediation="Leave the deletion of workloads to the deployment pipeline.",
    controls="mitre-attack:T1485 nsa-cisa:rbac",
    aliases="KSV-0048 C-0007",
    references=(GOOD_PRACTICES,),
    default=False,
    notes=_WILDCARD,
)
def rbac_workload_delete(role: Role, ctx: Context) -> Hits:
    yield from _named(role, (("", "pods"), *CONTROLLERS), _DELETES, "delete")


@rule(
    "rbac-pod-log-delete",
    title="Role may delete logs of pods",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Logs are what shows an attack; the right to delete them serves to cover one up.",
    remediation="Leave pods/log with the verbs get and list.",
    controls="mitre-attack:T1070 nsa-cisa:rbac",
    aliases="KSV-0042",
    references=(RBAC_REFERENCE,),
    notes="Kubernetes has no such verb today; servers that extend it may.",
)
def rbac_pod_log_delete(role: Role, ctx: Context) -> Hits:
    yield from _named(role, (("", "pods/log"),), _DELETES, "delete")


@rule(
    "rbac-config-maps-write",
    title="Role may change ConfigMaps",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="ConfigMaps hold scripts, addresses and switches: whoever changes them changes what programs do.",
    remediation="Name the ConfigMaps in resourceNames, or leave them to the deployment pipeline.",
    controls="mitre-attack:T1565 nsa-cisa:rbac",
    aliases="KSV-0049",
    references=(GOOD_PRACTICES,),
    default=False,
    notes=f"Rules with resourceNames pass. {_WILDCARD}",
)
def rbac_config_maps_write(role: Role, ctx: Context) -> Hits:
    for i, r in numbered(role.rules):
        if names(r, (("", "configmaps"),), CHANGES) and not r.resource_names and not is_built_in(role):
            yield Hit("the role may change configmaps", f"rules[{i}].verbs")


@rule(
    "rbac-aws-auth-write",
    title="Role may change who logs in to an EKS cluster",
    severity=Severity.CRITICAL,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The ConfigMap aws-auth maps AWS identities to users: whoever changes it makes his own one of system:masters.",
    remediation="Remove the verbs; use EKS access entries, and delete the ConfigMap.",
    controls="mitre-attack:T1098.006 nsa-cisa:rbac",
    aliases="KSV-0115",
    references=("https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html",),
)
def rbac_aws_auth_write(role: Role, ctx: Context) -> Hits:
    for i, r in numbered(role.rules):
        if names(r, (("", "configmaps"),), CHANGES) and "aws-auth" in r.resource_names:
            yield Hit("the role may change the ConfigMap aws-auth", f"rules[{i}].resourceNames")


@rule(
    "rbac-networking-write",
    title="Role may redirect traffic",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Whoever changes Services, endpoints or ingresses takes in the requests of others; whoever changes network "
    "policies opens what they closed.",
    remediation="Leave these resources to the deployment pipeline.",
    controls="mitre-attack:T1557 nsa-cisa:rbac",
    aliases="KSV-0056",
    references=(GOOD_PRACTICES,),
    default=False,
    notes=_WILDCARD,
)
def rbac_networking_write(role: Role, ctx: Context) -> Hits:
    yield from _named(role, _NETWORKING, CHANGES, "change")


@rule(
    "rbac-service-status",
    title="Role may give Services any external address",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="By status.loadBalancer.ingress of a Service one takes in the traffic of the cluster's pods to any address "
    "(CVE-2020-8554).",
    remediation="Remove services/status; cloud controllers alone need it.",
    controls="mitre-attack:T1557 nsa-cisa:rbac",
    aliases="CKV2_K8S_4",
    references=("https://github.com/kubernetes/kubernetes/issues/97076",),
    notes=_WILDCARD,
)
def rbac_service_status(role: Role, ctx: Context) -> Hits:
    yield from _named(role, (("", "services/status"),), ("update", "patch"), "change")


@rule(
    "authenticated-binding",
    title="Rights for everyone with a login",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="RoleBinding ClusterRoleBinding",
    why="system:authenticated takes in every user and every service account of the cluster; on some clouds, everyone "
    "with an account there.",
    remediation="Bind the role to the group or account that needs it.",
    controls="mitre-attack:T1078 nsa-cisa:rbac",
    aliases="KSV-01011 C-0265 kyverno:restrict-binding-system-groups",
    references=(f"{RBAC_REFERENCE}#discovery-roles",),
    notes="The roles that everyone is given by default pass.",
)
def authenticated_binding(binding: RoleBinding, ctx: Context) -> Hits:
    if binding.role_ref.name in _EVERYONES:
        return
    for i, subject in numbered(binding.subjects):
        if subject.name == "system:authenticated":
            yield Hit(f"everyone with a login is given the role {binding.role_ref.name!r}", f"subjects[{i}]")


@rule(
    "default-account-binding",
    title="Rights for the default service account",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="RoleBinding ClusterRoleBinding",
    why="Every pod of the namespace that names no account runs as this one: an attacker in any of them has the rights.",
    remediation="Make a service account for the workload and bind the role to that.",
    controls="cis:5.1.5 mitre-attack:T1078 nsa-cisa:rbac",
    aliases="CKV_K8S_42 C-0189",
    references=("https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",),
)
def default_account_binding(binding: RoleBinding, ctx: Context) -> Hits:
    for i, subject in numbered(binding.subjects):
        if subject.kind == "ServiceAccount" and subject.name == "default":
            yield Hit(f"the default service account is given the role {binding.role_ref.name!r}", f"subjects[{i}]")


@rule(
    "admin-binding",
    title="Administrator of many namespaces or of everything in one",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="RoleBinding ClusterRoleBinding",
    why="admin and edit, bound for the whole cluster, read every Secret and run pods in every namespace; "
    "cluster-admin in a namespace lifts its quotas and grants all of it on.",
    remediation="Bind a role with the rights that the subject needs, in the namespaces where it needs them.",
    controls="cis:5.1.1 mitre-attack:T1078 nsa-cisa:rbac",
    aliases="KSV-0111",
    references=(f"{RBAC_REFERENCE}#user-facing-roles",),
    notes="cluster-admin for the whole cluster is told by cluster-admin-binding.",
)
def admin_binding(binding: RoleBinding, ctx: Context) -> Hits:
    whole = ctx.resource.kind.name == "ClusterRoleBinding"
    if binding.role_ref.name in (("admin", "edit") if whole else ("cluster-admin",)):
        reach = "every namespace" if whole else "the namespace"
        yield Hit(f"subjects are given {binding.role_ref.name} of {reach}", "roleRef")


@rule(
    "namespace-admin-binding",
    title="Administrator of a namespace",
    severity=Severity.INFO,
    scope=Scope.RBAC,
    on="RoleBinding",
    why="admin and edit read every Secret of the namespace and run pods as any of its accounts.",
    remediation="Bind a role with the rights that the subject needs.",
    controls="cis:5.1.1 mitre-attack:T1078 nsa-cisa:rbac",
    aliases="KSV-0111",
    references=(f"{RBAC_REFERENCE}#user-facing-roles",),
    default=False,
)
def namespace_admin_binding(binding: RoleBinding, ctx: Context) -> Hits:
    if binding.role_ref.name in ("admin", "edit"):
        yield Hit(f"subjects are given {binding.role_ref.name} of the namespace", "roleRef")
