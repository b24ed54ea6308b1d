"""Roles by which one gets past admission, or decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.grants import GOOD_PRACTICES, told
from seawall.model.finding import Severity
from seawall.model.rule import Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.rbac import Role
    from seawall.model.rule import Context

_WILDCARD = "Roles that cover every resource are told by rbac-wildcard-resources, those that the API server keeps pass."
_ADMISSION = "admissionregistration.k8s.io"
_CHANGES = ("create", "update", "patch", "delete", "deletecollection")


@rule(
    "rbac-admission-policies-write",
    title="Role may change admission policies",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="To delete or unbind a policy lifts what it forbids; a policy of one's own refuses what it likes, and one that "
    "mutates makes pods privileged as they are created.",
    remediation="Leave admission policies and their bindings to the administrators and their pipeline.",
    controls="cis:5.1.12 mitre-attack:T1562.001 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/",),
    since="1.26",
    notes=f"Policies that mutate are served by default since 1.36. {_WILDCARD}",
)
def rbac_admission_policies_write(role: Role, ctx: Context) -> Hits:
    kinds = ["validatingadmissionpolicies", "validatingadmissionpolicybindings"]
    if ctx.version >= (1, 32):
        kinds += ["mutatingadmissionpolicies", "mutatingadmissionpolicybindings"]
    yield from told(role, ctx, [(_ADMISSION, kind) for kind in kinds], _CHANGES, "change")


@rule(
    "rbac-namespace-label",
    title="Role may take the Pod Security level off namespaces",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The level stands in a label of the namespace: whoever may change the label, and create pods there, starts "
    "privileged ones. Network policies that select namespaces by label are passed the same way.",
    remediation="Remove update and patch on namespaces, or keep the label by an admission policy.",
    controls="mitre-attack:T1562.001 mitre-attack:T1611 nsa-cisa:pod-security",
    references=(f"{GOOD_PRACTICES}#namespace-modification",),
    since="1.23",
    notes=_WILDCARD,
)
def rbac_namespace_label(role: Role, ctx: Context) -> Hits:
    yield from told(role, ctx, (("", "namespaces"),), ("update", "patch"), "label")


@rule(
    "rbac-namespace-delete",
    title="Role may delete namespaces",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="One request deletes everything in a namespace: workloads, Secrets and, with most storage classes, the data.",
    remediation="Remove delete and deletecollection on namespaces.",
    controls="mitre-attack:T1485 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",),
    default=False,
    notes=_WILDCARD,
)
def rbac_namespace_delete(role: Role, ctx: Context) -> Hits:
    yield from told(role, ctx, (("", "namespaces"),), ("delete", "deletecollection"), "delete")


@rule(
    "rbac-quota-write",
    title="Role may lift quotas",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Without quotas and limits one tenant uses up the nodes of all.",
    remediation="Leave quotas and limit ranges to the administrators.",
    controls="mitre-attack:T1496 nsa-cisa:resource-limits",
    references=("https://kubernetes.io/docs/concepts/policy/resource-quotas/",),
    default=False,
    notes=_WILDCARD,
)
def rbac_quota_write(role: Role, ctx: Context) -> Hits:
    verbs = ("update", "patch", "delete", "deletecollection")
    yield from told(role, ctx, (("", "resourcequotas"), ("", "limitranges")), verbs, "change")


@rule(
    "rbac-flow-schema-write",
    title="Role may starve the API server",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="Flow schemas and priority levels decide whose requests are served: one that takes in all requests with one "
    "seat stops the control plane.",
    remediation="Leave flow control to the administrators.",
    controls="mitre-attack:T1499 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/cluster-administration/flow-control/",),
    notes=_WILDCARD,
)
def rbac_flow_schema_write(role: Role, ctx: Context) -> Hits:
    group = "flowcontrol.apiserver.k8s.io"
    targets = ((group, "flowschemas"), (group, "prioritylevelconfigurations"))
    yield from told(role, ctx, targets, _CHANGES, "change")
