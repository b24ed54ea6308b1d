"""Roles that give more than their reader sees, or less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.grants import RBAC_GROUP, RBAC_REFERENCE, grants, is_built_in
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.rbac import PolicyRule, Role
    from seawall.model.rule import Context

_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
#: What the user-facing roles are not meant to hold: admin may read Secrets and change roles, view may do neither.
_READING = frozenset(("get", "list", "watch"))
_STRONG = (
    ((RBAC_GROUP, "clusterroles"), ("escalate", "bind")),
    ((RBAC_GROUP, "roles"), ("escalate", "bind")),
    (("", "users"), ("impersonate",)),
    (("", "groups"), ("impersonate",)),
    (("", "nodes/proxy"), ("get", "create")),
    (("admissionregistration.k8s.io", "mutatingwebhookconfigurations"), ("create", "update", "patch")),
    ((RBAC_GROUP, "clusterrolebindings"), ("create", "update", "patch")),
)


def _widens(r: PolicyRule, into: str) -> str:
    """What a rule adds to a user-facing role that its holders should not have; empty where it is harmless."""
    for target, verbs in _STRONG:
        if grants(r, *target, verbs):
            return f"{'/'.join(verbs)} on {target[1]}"
    if into == "view":
        if grants(r, "", "secrets", _READING):
            return "Secrets"
        written = [verb for verb in r.verbs if verb not in _READING]
        return f"the verbs {', '.join(written)}" if written and (r.resources or r.non_resource_urls) else ""
    return ""


@rule(
    "rbac-aggregated-danger",
    title="Role adds dangerous rights to everyone's role",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="By its label the controller adds the rules to admin, edit or view: everyone who holds one of these has the "
    "right at once, and no binding shows it.",
    remediation="Take the label off, and bind the role to those who need it.",
    controls="mitre-attack:T1098.006 nsa-cisa:rbac",
    references=(f"{RBAC_REFERENCE}#aggregated-clusterroles",),
    notes="Judged for the labels aggregate-to-admin, -edit and -view: rights that lead to cluster-admin, and for view "
    "Secrets and verbs that change things. The roles that the API server keeps pass.",
)
def rbac_aggregated_danger(role: Role, ctx: Context) -> Hits:
    if is_built_in(role):
        return
    into = [name for name in ("view", "edit", "admin") if role.metadata.labels.get(f"{_AGGREGATE}{name}") == "true"]
    if not into:
        return
    for i, r in numbered(role.rules):
        added = _widens(r, into[0])
        if added:
            yield Hit(f"everyone with the role {into[0]} is given {added}", f"rules[{i}]")


@rule(
    "rbac-names-without-effect",
    title="Rule names objects where no name is seen",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Authorization sees no name on create and deletecollection: a rule with resourceNames allows neither, and who "
    "finds out makes the next one too wide.",
    remediation="Put these verbs in a rule without resourceNames, if they are needed.",
    references=(f"{RBAC_REFERENCE}#referring-to-resources",),
    default=False,
    notes="A create of a subresource (serviceaccounts/token, pods/exec) names its object.",
)
def rbac_names_without_effect(role: Role, ctx: Context) -> Hits:
    for i, r in numbered(role.rules):
        whole = [what for what in r.resources if "/" not in what]
        verbs = [verb for verb in r.verbs if verb == "deletecollection" or (verb == "create" and whole)]
        if r.resource_names and verbs:
            yield Hit(f"{' and '.join(verbs)} of {', '.join(whole)} is not allowed by this rule", f"rules[{i}].verbs")
