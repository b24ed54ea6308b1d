"""What single permissions are good for to someone who wants more of them.

Sources: Kubernetes' "RBAC Good Practices" (privilege escalation risks); the pages on the Node and RBAC authorizers, the
kubelet's authorization, certificate signing requests and Pod Security admission; KEP-2862 (nodes/proxy).
"""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from seawall.analysis.access.matching import CompiledRule
from seawall.model.version import KubernetesVersion

_RBAC = "rbac.authorization.k8s.io"
_CERTIFICATES = "certificates.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_AUTHENTICATION = "authentication.k8s.io"


class Capability(IntEnum):
    """A use of permissions; the numbers are bits of masks."""

    EVERYTHING = 0
    TOKEN_REQUEST = 1
    RUN_PODS = 2
    ENTER_PODS = 3
    READ_SECRETS = 4
    MAKE_SECRETS = 5
    BE_USERS = 6
    BE_GROUPS = 7
    BE_ACCOUNTS = 8
    ESCALATE_ROLES = 9
    EDIT_ROLES = 10
    BIND_ROLES = 11
    MAKE_BINDINGS = 12
    ESCALATE_CLUSTER_ROLES = 13
    EDIT_CLUSTER_ROLES = 14
    BIND_CLUSTER_ROLES = 15
    MAKE_CLUSTER_BINDINGS = 16
    MAKE_REQUESTS = 17
    APPROVE_REQUESTS = 18
    APPROVE_FOR_CLIENTS = 19
    PROXY_NODES = 20
    CHANGE_REQUESTS = 21
    MAKE_VOLUMES = 22
    LABEL_NAMESPACES = 23
    MAP_CLOUD_IDENTITIES = 24


COUNT = len(Capability)


class Need(Struct, frozen=True, gc=False):
    """Verbs, any of which on any of some resources gives the capability. ``name`` is the only object that counts."""

    capability: Capability
    verbs: tuple[str, ...]
    group: str
    resources: tuple[str, ...]
    name: str = ""
    until: KubernetesVersion | None = None
    cluster_only: bool = False


def _need(
    capability: Capability, verbs: str, group: str, resources: str, *, name: str = "", cluster_only: bool = False
) -> Need:
    return Need(capability, tuple(verbs.split()), group, tuple(resources.split()), name, None, cluster_only)


_C = Capability
_WRITE = "create update patch"
NEEDS: tuple[Need, ...] = (
    _need(_C.TOKEN_REQUEST, "create", "", "serviceaccounts/token"),
    _need(_C.RUN_PODS, "create", "", "pods"),
    _need(_C.RUN_PODS, _WRITE, "", "replicationcontrollers"),
    _need(_C.RUN_PODS, _WRITE, "apps", "deployments daemonsets statefulsets replicasets"),
    _need(_C.RUN_PODS, _WRITE, "batch", "jobs cronjobs"),
    _need(_C.RUN_PODS, _WRITE, "argoproj.io", "rollouts workflows"),
    _need(_C.ENTER_PODS, "get create", "", "pods/exec pods/attach"),
    _need(_C.ENTER_PODS, "update patch", "", "pods/ephemeralcontainers pods"),
    _need(_C.READ_SECRETS, "get list watch", "", "secrets"),
    _need(_C.MAKE_SECRETS, _WRITE, "", "secrets"),
    _need(_C.BE_USERS, "impersonate", "", "users", cluster_only=True),
    _need(_C.BE_GROUPS, "impersonate", "", "groups", cluster_only=True),
    _need(_C.BE_ACCOUNTS, "impersonate", "", "serviceaccounts"),
    _need(_C.ESCALATE_ROLES, "escalate", _RBAC, "roles"),
    _need(_C.EDIT_ROLES, _WRITE, _RBAC, "roles"),
    _need(_C.BIND_ROLES, "bind", _RBAC, "roles clusterroles"),
    _need(_C.MAKE_BINDINGS, _WRITE, _RBAC, "rolebindings"),
    _need(_C.ESCALATE_CLUSTER_ROLES, "escalate", _RBAC, "clusterroles", cluster_only=True),
    _need(_C.EDIT_CLUSTER_ROLES, _WRITE, _RBAC, "clusterroles", cluster_only=True),
    _need(_C.BIND_CLUSTER_ROLES, "bind", _RBAC, "clusterroles", cluster_only=True),
    _need(_C.MAKE_CLUSTER_BINDINGS, _WRITE, _RBAC, "clusterrolebindings", cluster_only=True),
    _need(_C.MAKE_REQUESTS, "create", _CERTIFICATES, "certificatesigningrequests", cluster_only=True),
    _need(
        _C.APPROVE_REQUESTS, "update patch", _CERTIFICATES, "certificatesigningrequests/approval", cluster_only=True
    ),
    _need(
        _C.APPROVE_FOR_CLIENTS, "approve", _CERTIFICATES, "signers",
        name="kubernetes.io/kube-apiserver-client", cluster_only=True,
    ),
    _need(_C.PROXY_NODES, "get create", "", "nodes/proxy", cluster_only=True),
    _need(_C.CHANGE_REQUESTS, _WRITE, _ADMISSION, "mutatingwebhookconfigurations", cluster_only=True),
    _need(_C.MAKE_VOLUMES, "create", "", "persistentvolumes", cluster_only=True),
    _need(_C.LABEL_NAMESPACES, "update patch", "", "namespaces"),
    _need(_C.MAP_CLOUD_IDENTITIES, "update patch", "", "configmaps", name="aws-auth"),
)  # fmt: skip


class Gift(Struct, frozen=True, gc=False):
    """What one rule gives: capabilities over every object as bits, and those over named objects."""

    mask: int
    named: tuple[tuple[Capability, frozenset[str]], ...]


def gift_of(rule: CompiledRule) -> Gift:
    """The capabilities in a rule, wherever it is granted."""
    if rule.verbs is None and rule.groups is None and rule.resources is None and not rule.names:
        return Gift((1 << COUNT) - 1, ())
    mask = 0
    named: list[tuple[Capability, frozenset[str]]] = []
    for need in NEEDS:
        if rule.verbs is not None and rule.verbs.isdisjoint(need.verbs):
            continue
        if not any(rule.covers(need.group, *what.split("/")) for what in need.resources):
            continue
        if not rule.names:
            mask |= 1 << need.capability
        elif need.name:
            if need.name in rule.names or f"{need.name.partition('/')[0]}/*" in rule.names:
                mask |= 1 << need.capability
        elif need.verbs != ("create",):
            # A create that names its object is never allowed, except where the name stands in the URL.
            named.append((need.capability, rule.names))
        elif any("/" in what for what in need.resources):
            named.append((need.capability, rule.names))
    return Gift(mask, tuple(named))
