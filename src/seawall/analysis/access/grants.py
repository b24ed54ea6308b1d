"""What a rule of a role allows, as the rules about roles ask it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit

if TYPE_CHECKING:
    from seawall.model.kube.rbac import PolicyRule, Role
    from seawall.model.rule import Context

RBAC_GROUP = "rbac.authorization.k8s.io"
GOOD_PRACTICES = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"
RBAC_REFERENCE = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/"
CHANGES = ("create", "update", "patch", "delete", "deletecollection")

#: A resource with its API group.
Target = tuple[str, str]

CONTROLLERS: tuple[Target, ...] = (
    ("", "replicationcontrollers"),
    ("apps", "deployments"),
    ("apps", "daemonsets"),
    ("apps", "statefulsets"),
    ("apps", "replicasets"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
)
_BOOTSTRAP_LABEL = "kubernetes.io/bootstrapping"
_BUILT_IN = frozenset(("cluster-admin", "admin", "edit"))


def stream_verbs(ctx: Context) -> tuple[str, ...]:
    """The verbs that let one exec, attach or forward ports: get alone was enough over WebSocket until 1.35."""
    return ("create",) if ctx.version >= (1, 35) else ("create", "get")


def is_built_in(role: Role) -> bool:
    """Whether the API server itself keeps the role as it is; a name alone does not make it so."""
    own = role.metadata.labels.get(_BOOTSTRAP_LABEL) == "rbac-defaults"
    return own and (role.metadata.name.startswith("system:") or role.metadata.name in _BUILT_IN)


#: Groups of measurements, which are only read.
_METRICS = ("metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io")


def wildcard_severity(r: PolicyRule) -> Severity | None:
    """How bad a wildcard is: less where every group of the rule is an extension's, least where nothing runs by it.

    None where the rule takes in groups of Kubernetes or OpenShift themselves.
    """
    own = (".k8s.io", ".openshift.io")
    if not r.api_groups or any("." not in g or (g.endswith(own) and g not in _METRICS) for g in r.api_groups):
        return None
    from seawall.analysis.access.operators import OPERATED

    acting = {group for group, _ in OPERATED}
    return Severity.LOW if acting.isdisjoint(r.api_groups) else Severity.MEDIUM


#: What Kubernetes and its extensions ask for; other words grant nothing unless an authorizer of one's own knows them.
_VERBS = frozenset(
    ("get", "list", "watch", *CHANGES, "use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "*")
)


def has_effect(r: PolicyRule) -> bool:
    """Whether a rule has a verb that is asked for; those with a colon are newer kinds of impersonation and the like."""
    return any(verb in _VERBS or ":" in verb for verb in r.verbs)


def is_unknown(r: PolicyRule) -> bool:
    """Whether a rule names resources that Kubernetes does not have, in its own groups alone."""
    from seawall.model.kube.resources import all_resources

    if not r.resources or any("*" in resource for resource in r.resources):
        return False
    ours = all_resources()
    groups = {"*"}.union(each.group for each in ours)
    names = {each.name for each in ours}
    return groups.issuperset(r.api_groups) and names.isdisjoint(each.partition("/")[0] for each in r.resources)


def grants(r: PolicyRule, group: str, resource: str, verbs: Iterable[str]) -> bool:
    """Whether a rule allows any of the verbs on a resource (the API's RuleAllows, for any name)."""
    if "*" not in r.api_groups and group not in r.api_groups:
        return False
    _, slash, subresource = resource.partition("/")
    if not {"*", resource, f"*/{subresource}" if slash else resource}.intersection(r.resources):
        return False
    return "*" in r.verbs or not set(verbs).isdisjoint(r.verbs)


def names(r: PolicyRule, targets: Iterable[Target], verbs: Iterable[str]) -> list[str]:
    """The resources that a rule names and allows any of the verbs on.

    The wildcard is left to the rules about it, so that a role that may do everything is not told of twenty times.
    """
    return [
        resource
        for group, resource in targets
        if resource in r.resources and grants(r, group, resource, verbs) and "*" not in r.resources
    ]


def told(
    role: Role, ctx: Context, targets: Iterable[Target], verbs: Iterable[str], what: str, *,
    in_namespace: Severity | None = None, named: bool = True,
) -> Iterator[Hit]:  # fmt: skip
    """A hit at each rule that names any of the targets (also as ``*/subresource``) and allows any of the verbs.

    ``what`` is told with the resources behind it. In a Role the severity is ``in_namespace`` where that is given;
    without ``named``, rules that are limited by resourceNames pass.
    """
    if not role.rules or is_built_in(role):
        return
    targets, verbs = tuple(targets), tuple(verbs)
    for i, r in numbered(role.rules):
        if "*" in r.resources or (r.resource_names and not named):
            continue
        found = [resource for group, resource in targets if grants(r, group, resource, verbs)]
        if found:
            narrow = ctx.resource is not None and ctx.resource.kind.name == "Role"
            severity = in_namespace if narrow else None
            yield Hit(f"the role may {what} {', '.join(found)}", f"rules[{i}].resources", severity=severity)
