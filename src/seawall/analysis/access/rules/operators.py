"""Roles by which one lets an operator do what one may not do oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.grants import is_built_in
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.analysis.access.operators import Gives, Operated
    from seawall.model.kube.rbac import PolicyRule, Role
    from seawall.model.rule import Context

_WRITE = frozenset(("create", "update", "patch", "*"))
_NOTES = (
    "Judged by a table of well-known operators. The operator's own role, which has finalizers or status of the "
    "resource in the same rules, passes, as do wildcards, which have rules of their own."
)


def _written(r: PolicyRule) -> Iterator[Operated]:
    """The resources of the table that a rule lets one write."""
    if _WRITE.isdisjoint(r.verbs) or "*" in r.resources:
        return
    # The table is large: it is imported when a role is judged.
    from seawall.analysis.access.operators import OPERATED

    for group in r.api_groups:
        for resource in r.resources:
            found = OPERATED.get((group, resource))
            if found is not None:
                yield found


def _is_the_operators(role: Role) -> bool:
    """Whether the role is the operator's own: it also writes status or finalizers."""
    parts = [what for r in role.rules for what in r.resources if not _WRITE.isdisjoint(r.verbs)]
    return any(what.endswith(("/finalizers", "/status")) for what in parts)


def _hits(role: Role, *wanted: Gives) -> Hits:
    if not role.rules or is_built_in(role) or _is_the_operators(role):
        return
    for i, r in numbered(role.rules):
        found = [each for each in _written(r) if each.gives in wanted]
        if found:
            told = "; ".join(f"{each.resource}: {each.operator} {each.how}" for each in found)
            yield Hit(f"the role may write {told}", f"rules[{i}].resources")


@rule(
    "rbac-operator-pods",
    title="Role lets an operator run pods",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The operator starts pods from what the resource says, under an account that its author chooses: it is to "
    "create pods by another name, often past the checks of the author.",
    remediation="Leave these resources to the deployment pipeline, and keep strong accounts out of the namespace.",
    controls="cis:5.1.4 mitre-attack:T1610 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/extend-kubernetes/operator/",),
    notes=_NOTES,
)
def rbac_operator_pods(role: Role, ctx: Context) -> Hits:
    yield from _hits(role, "pods")


@rule(
    "rbac-operator-rights",
    title="Role lets an operator apply objects with its own rights",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The operator applies what the resource says as itself, and most are as good as cluster-admin: whoever writes "
    "the resource has their rights.",
    remediation="Limit what the operator takes from whom (projects, impersonation, a service account each), or leave "
    "the resource to the administrators.",
    controls="mitre-attack:T1098.006 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/extend-kubernetes/operator/",),
    notes=_NOTES,
)
def rbac_operator_rights(role: Role, ctx: Context) -> Hits:
    yield from _hits(role, "rights")


@rule(
    "rbac-operator-secrets",
    title="Role lets an operator fetch secrets",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The operator reads secrets or signs certificates with an identity of its own and puts the result where the "
    "author of the resource can read it.",
    remediation="Limit the identity by namespace, and leave stores and issuers to the administrators.",
    controls="mitre-attack:T1555 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/extend-kubernetes/operator/",),
    default=False,
    notes=_NOTES,
)
def rbac_operator_secrets(role: Role, ctx: Context) -> Hits:
    yield from _hits(role, "secrets")


@rule(
    "rbac-operator-nodes",
    title="Role lets an operator change nodes or proxies",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The operator runs what the resource says as root on nodes, or as code in the proxies that all traffic passes.",
    remediation="Leave these resources to the administrators.",
    controls="mitre-attack:T1611 mitre-attack:T1557 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/extend-kubernetes/operator/",),
    notes=_NOTES,
)
def rbac_operator_nodes(role: Role, ctx: Context) -> Hits:
    yield from _hits(role, "nodes", "proxies")
