"""Roles that lead to more rights than they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.grants import GOOD_PRACTICES, RBAC_GROUP, RBAC_REFERENCE, grants, is_built_in, names
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.model.kube.rbac import Role
    from seawall.model.rule import Context

_PREVENTION = f"{RBAC_REFERENCE}#privilege-escalation-prevention-and-bootstrapping"
_KEPT = "The roles that the API server keeps itself are left out."
_ROLES = ((RBAC_GROUP, "roles"), (RBAC_GROUP, "clusterroles"))
_BINDINGS = ((RBAC_GROUP, "rolebindings"), (RBAC_GROUP, "clusterrolebindings"))
_IDENTITIES = (
    ("", "users"),
    ("", "groups"),
    ("", "serviceaccounts"),
    ("authentication.k8s.io", "uids"),
)
#: Resources on which peers look for the verb impersonate, which it means nothing on.
NOT_IDENTITIES = {
    *("secrets", "configmaps", "pods", "pods/log", "services", "endpoints", "endpointslices"),
    *("ingresses", "networkpolicies", "roles", "clusterroles", "rolebindings", "clusterrolebindings"),
    *("deployments", "daemonsets", "statefulsets", "replicasets", "replicationcontrollers", "jobs", "cronjobs"),
    *("mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
}


def _verb(role: Role, ctx: Context, verb: str, targets: Iterable[tuple[str, str]], message: str) -> Hits:
    """Hits at the rules that allow a verb on any of the targets; critical in a ClusterRole without resourceNames."""
    wide = ctx.resource.kind.name == "ClusterRole"
    for i, r in numbered(role.rules):
        if any(grants(r, *target, (verb,)) for target in targets) and not is_built_in(role):
            named = bool(r.resource_names) and "*" not in r.resource_names
            severity = Severity.CRITICAL if wide and not named else Severity.HIGH
            yield Hit(message, f"rules[{i}].verbs", severity=severity)


@rule(
    "rbac-escalate",
    title="Role may raise its own rights",
    severity=Severity.CRITICAL,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The verb escalate lets one write rights into a role that one does not have: it leads to cluster-admin.",
    remediation="Remove the verb escalate.",
    controls="cis:5.1.8 mitre-attack:T1098.006 nsa-cisa:rbac",
    aliases="KSV-0050 CKV_K8S_158 CKV2_K8S_1 C-0191 kyverno:restrict-escalation-verbs-roles",
    references=(_PREVENTION,),
    notes=f"A Role, and a rule that is limited by resourceNames, is high. {_KEPT}",
)
def rbac_escalate(role: Role, ctx: Context) -> Hits:
    yield from _verb(role, ctx, "escalate", _ROLES, "the role may write rights into roles that it does not have")


@rule(
    "rbac-bind",
    title="Role may grant roles that it does not have",
    severity=Severity.CRITICAL,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="With the verb bind one may grant anyone a role with rights that one does not have: it leads to cluster-admin.",
    remediation="Remove the verb bind, or limit it to harmless roles by resourceNames.",
    controls="cis:5.1.8 mitre-attack:T1098.006 nsa-cisa:rbac",
    aliases="KSV-0050 CKV_K8S_157 CKV2_K8S_1 C-0191 kyverno:restrict-escalation-verbs-roles",
    references=(_PREVENTION,),
    notes="A Role, and a rule that is limited by resourceNames, is high. On bindings, where Kubernetes does not ask "
    f"for the verb but other tools look for it, it is medium. {_KEPT}",
)
def rbac_bind(role: Role, ctx: Context) -> Hits:
    hits = list(_verb(role, ctx, "bind", _ROLES, "the role may grant roles that it does not have"))
    yield from hits
    told = {hit.path for hit in hits}
    for i, r in numbered(role.rules):
        path = f"rules[{i}].verbs"
        if path not in told and names(r, _BINDINGS, ("bind", "escalate")) and not is_built_in(role):
            yield Hit("the role allows bind or escalate on bindings", path, severity=Severity.MEDIUM)


@rule(
    "rbac-impersonate",
    title="Role may act as others",
    severity=Severity.CRITICAL,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="impersonate lets one act as any user, group or service account: it leads to cluster-admin.",
    remediation="Remove the verb, or limit it by resourceNames.",
    controls="cis:5.1.8 mitre-attack:T1078 nsa-cisa:rbac",
    aliases="KSV-0043 CKV2_K8S_3 C-0065 C-0191 kyverno:restrict-escalation-verbs-roles",
    references=("https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/",),
    notes=f"A Role, and a rule that is limited by resourceNames, is high. {_KEPT}",
)
def rbac_impersonate(role: Role, ctx: Context) -> Hits:
    yield from _verb(role, ctx, "impersonate", _IDENTITIES, "the role may act as others")


@rule(
    "rbac-impersonate-misplaced",
    title="impersonate on things that are no identities",
    severity=Severity.INFO,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="On these resources the verb has no effect today; whoever wrote it meant rights that the role does not show, "
    "and the next edit may give them.",
    remediation="Remove the verb from the rule.",
    aliases="KSV-0041 KSV-0048 KSV-0049 KSV-0050 KSV-0056 KSV-0113 KSV-0114 KSV-0115",
    references=("https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/",),
    default=False,
)
def rbac_impersonate_misplaced(role: Role, ctx: Context) -> Hits:
    for i, r in numbered(role.rules):
        placed = sorted(NOT_IDENTITIES.intersection(r.resources))
        if "impersonate" in r.verbs and placed:
            yield Hit(f"impersonate has no effect on {', '.join(placed)}", f"rules[{i}].verbs")


#: Of what is the cluster's a Role can grant nothing: such a rule is told, low, only where it names the resource.
_IN_A_ROLE = "In a Role, which grants nothing of the cluster, it is low, and a wildcard is not told."


def _cluster_severity(role: Role, ctx: Context, *resources: str) -> tuple[Severity | None, bool]:
    """The severity of rights over the cluster's resources (None: the rule's own), and whether they are to be told."""
    if ctx.resource.kind.name == "ClusterRole":
        return None, not is_built_in(role)
    named = any(resource in r.resources for r in role.rules for resource in resources)
    return Severity.LOW, named and not is_built_in(role)


def _grants_any_role(role: Role, bindings: str, targets: Iterable[tuple[str, str]]) -> bool:
    """Whether the rules together let one create such bindings to any of the roles."""
    create = any(grants(r, RBAC_GROUP, bindings, ("create",)) for r in role.rules)
    unlimited = [r for r in role.rules if not r.resource_names or "*" in r.resource_names]
    return create and any(grants(r, *target, ("bind",)) for r in unlimited for target in targets)


@rule(
    "rbac-grant-any-role",
    title="Role may give anyone any role in its namespace",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="To create role bindings and to bind roles at will comes to being cluster-admin of the namespace.",
    remediation="Remove bind or the creation of role bindings, or limit bind by resourceNames.",
    controls="cis:5.1.8 mitre-attack:T1098.006 nsa-cisa:rbac",
    aliases="KSV-0051",
    references=(_PREVENTION,),
    notes=_KEPT,
)
def rbac_grant_any_role(role: Role, ctx: Context) -> Hits:
    if not is_built_in(role) and _grants_any_role(role, "rolebindings", _ROLES):
        yield Hit("the role may create role bindings to any role", "rules")


@rule(
    "rbac-grant-any-cluster-role",
    title="Role may give anyone any role of the cluster",
    severity=Severity.CRITICAL,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="To create cluster role bindings and to bind cluster roles at will is to be cluster-admin.",
    remediation="Remove bind or the creation of cluster role bindings, or limit bind by resourceNames.",
    controls="cis:5.1.8 mitre-attack:T1098.006 nsa-cisa:rbac",
    aliases="KSV-0052",
    references=(_PREVENTION,),
    notes=f"{_IN_A_ROLE} {_KEPT}",
)
def rbac_grant_any_cluster_role(role: Role, ctx: Context) -> Hits:
    severity, wanted = _cluster_severity(role, ctx, "clusterrolebindings")
    if wanted and _grants_any_role(role, "clusterrolebindings", _ROLES[1:]):
        yield Hit("the role may create cluster role bindings to any role", "rules", severity=severity)


@rule(
    "rbac-bindings-write",
    title="Role may add subjects to bindings",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Whoever has the role hands on every right that he holds, to accounts that nobody looks at.",
    remediation="Leave bindings to the administrators and their pipeline.",
    controls="mitre-attack:T1098.006 nsa-cisa:rbac",
    aliases="KSV-0055",
    references=(_PREVENTION,),
    notes=f"The API server lets one hand on only rights that one holds. {_KEPT}",
)
def rbac_bindings_write(role: Role, ctx: Context) -> Hits:
    for i, r in numbered(role.rules):
        if names(r, _BINDINGS, ("update", "patch")) and not is_built_in(role):
            yield Hit("the role may change who is given roles", f"rules[{i}].verbs")


@rule(
    "rbac-nodes-proxy",
    title="Role reaches kubelets through the API server",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="By nodes/proxy one runs commands in every pod of a node, past admission and past the audit log of exec; the "
    "verb get is enough.",
    remediation="Remove nodes/proxy; for metrics grant nodes/metrics and nodes/stats.",
    controls="cis:5.1.10 mitre-attack:T1609 nsa-cisa:rbac",
    aliases="KSV-0047 CKV2_K8S_2 C-0279 kyverno:restrict-clusterrole-nodesproxy "
    "prowler:rbac_minimize_node_proxy_subresource_access",
    references=(f"{GOOD_PRACTICES}#access-to-proxy-subresource-of-nodes",),
    notes=f"{_IN_A_ROLE} {_KEPT}",
)
def rbac_nodes_proxy(role: Role, ctx: Context) -> Hits:
    severity, wanted = _cluster_severity(role, ctx, "nodes/proxy", "nodes/*")
    if not wanted:
        return
    for i, r in numbered(role.rules):
        named = {"nodes/proxy", "nodes/*", "*/proxy"}.intersection(r.resources)
        if named and {"", "*"}.intersection(r.api_groups) and r.verbs:
            message = "the role reaches kubelets through the API server"
            yield Hit(message, f"rules[{i}].resources", severity=severity)


@rule(
    "rbac-csr-approve",
    title="Role may sign certificates",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Whoever approves signing requests makes certificates for any user or node, which cannot be withdrawn.",
    remediation="Remove the approval, or limit the signers by resourceNames.",
    controls="cis:5.1.11 mitre-attack:T1550 nsa-cisa:rbac",
    aliases="CKV_K8S_156 C-0280 kyverno:restrict-clusterrole-csr prowler:rbac_minimize_csr_approval_access",
    references=(f"{GOOD_PRACTICES}#csrs-and-certificate-issuing",),
    notes=f"Both rights are needed: to update the approval, and approve on a signer. {_IN_A_ROLE} {_KEPT}",
)
def rbac_csr_approve(role: Role, ctx: Context) -> Hits:
    group = "certificates.k8s.io"
    approval = "certificatesigningrequests/approval"
    updates = [i for i, r in numbered(role.rules) if grants(r, group, approval, ("update", "patch"))]
    approves = any(grants(r, group, "signers", ("approve",)) for r in role.rules)
    severity, wanted = _cluster_severity(role, ctx, approval)
    if updates and approves and wanted:
        yield Hit("the role may approve signing requests", f"rules[{updates[0]}].resources", severity=severity)


@rule(
    "rbac-webhooks-write",
    title="Role may change admission webhooks",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="A webhook of one's own sees every object that is written, Secrets included, and may change it; to delete one "
    "lifts the cluster's policies.",
    remediation="Leave webhooks and admission policies to the administrators and their pipeline.",
    controls="cis:5.1.12 mitre-attack:T1562.001 nsa-cisa:rbac",
    aliases="KSV-0114 CKV_K8S_155 C-0281 kyverno:restrict-clusterrole-mutating-validating-admission-webhooks "
    "prowler:rbac_minimize_webhook_config_access",
    references=(f"{GOOD_PRACTICES}#control-admission-webhooks",),
    notes=f"{_IN_A_ROLE} {_KEPT}",
)
def rbac_webhooks_write(role: Role, ctx: Context) -> Hits:
    kinds = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
    targets = [("admissionregistration.k8s.io", kind) for kind in kinds]
    severity, wanted = _cluster_severity(role, ctx, *kinds)
    if not wanted:
        return
    for i, r in numbered(role.rules):
        found = names(r, targets, ("create", "update", "patch", "delete", "deletecollection"))
        if found:
            yield Hit(f"the role may change {' and '.join(found)}", f"rules[{i}].resources", severity=severity)
