"""What a rule of a role allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seawall.model.kube.rbac import PolicyRule, Role

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


def is_built_in(role: Role) -> bool:
    """Whether the API server itself keeps the role as it is; a name alone does not make it so."""
    own = role.metadata.labels.get(_BOOTSTRAP_LABEL) == "rbac-defaults"
    return own and (role.metadata.name.startswith("system:") or role.metadata.name in _BUILT_IN)


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
