"""What single permissions are good for to someone who wants more of them.

Sources: Kubernetes' "RBAC Good Practices" (privilege escalation risks); the pages on the Node and RBAC authorizers, the
kubelet's authorization, user impersonation, certificate signing requests, TLS and token bootstrapping, and Pod Security
admission; KEP-2862
(nodes/proxy); the changelog of 1.35 (``create`` for WebSocket upgrades to exec and attach).
"""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from seawall.analysis.access.matching import CompiledRule
from seawall.model.version import NEWEST, KubernetesVersion, parse_version

_RBAC = "rbac.authorization.k8s.io"
_CERTIFICATES = "certificates.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
#: Since then a WebSocket upgrade to exec and its kin needs ``create``; before, ``get`` was enough.
STREAMS_NEED_CREATE = parse_version("1.35")
#: Since then MutatingAdmissionPolicies are served by default.
MUTATING_POLICIES = parse_version("1.36")


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
    BE_SOME_ACCOUNT = 9
    ESCALATE_ROLES = 10
    EDIT_ROLES = 11
    HOLD_ROLE = 12
    BIND_ROLES = 13
    MAKE_BINDINGS = 14
    ESCALATE_CLUSTER_ROLES = 15
    EDIT_CLUSTER_ROLES = 16
    BIND_CLUSTER_ROLES = 17
    MAKE_CLUSTER_BINDINGS = 18
    MAKE_REQUESTS = 19
    APPROVE_REQUESTS = 20
    APPROVE_FOR_CLIENTS = 21
    PROXY_NODES = 22
    CHANGE_REQUESTS = 23
    MAKE_POLICIES = 24
    BIND_POLICIES = 25
    MAKE_VOLUMES = 26
    MAKE_CLAIMS = 27
    LABEL_NAMESPACES = 28
    MAP_CLOUD_IDENTITIES = 29
    BE_SOME_USER = 30
    BIND_OWN_ROLES = 31
    NODE_CLIENTS = 32


COUNT = len(Capability)
ALL = (1 << COUNT) - 1


class Need(Struct, frozen=True, gc=False):
    """Verbs, any of which on any of some resources gives the capability, in a range of versions.

    ``name`` is the only object that counts; ``one_will_do`` says that a single object, whichever, gives all of it.
    """

    capability: Capability
    verbs: tuple[str, ...]
    group: str
    resources: tuple[str, ...]
    name: str = ""
    one_will_do: bool = False
    since: KubernetesVersion | None = None
    until: KubernetesVersion | None = None

    def holds_at(self, version: KubernetesVersion) -> bool:
        """Whether it is so at this version."""
        return (self.since is None or version >= self.since) and (self.until is None or version < self.until)


def _need(
    capability: Capability, verbs: str, group: str, resources: str, *, name: str = "", one: bool = False,
    since: KubernetesVersion | None = None, until: KubernetesVersion | None = None,
) -> Need:  # fmt: skip
    return Need(capability, tuple(verbs.split()), group, tuple(resources.split()), name, one, since, until)


_C = Capability
_CHANGE = "update patch"
_WRITE = f"create {_CHANGE}"
_STREAMS = "pods/exec pods/attach"
NEEDS: tuple[Need, ...] = (
    _need(_C.TOKEN_REQUEST, "create", "", "serviceaccounts/token"),
    _need(_C.RUN_PODS, "create", "", "pods"),
    _need(_C.RUN_PODS, _WRITE, "", "replicationcontrollers", one=True),
    _need(_C.RUN_PODS, _WRITE, "apps", "deployments daemonsets statefulsets replicasets", one=True),
    _need(_C.RUN_PODS, _WRITE, "batch", "cronjobs", one=True),
    _need(_C.RUN_PODS, "create", "batch", "jobs"),
    _need(_C.RUN_PODS, _WRITE, "argoproj.io", "rollouts workflows cronworkflows", one=True),
    _need(_C.ENTER_PODS, "create", "", _STREAMS),
    _need(_C.ENTER_PODS, "get", "", _STREAMS, until=STREAMS_NEED_CREATE),
    _need(_C.ENTER_PODS, _CHANGE, "", "pods/ephemeralcontainers pods"),
    _need(_C.READ_SECRETS, "get list watch", "", "secrets"),
    _need(_C.MAKE_SECRETS, "create", "", "secrets"),
    _need(_C.BE_USERS, "impersonate", "", "users"),
    _need(_C.BE_GROUPS, "impersonate", "", "groups"),
    _need(_C.BE_ACCOUNTS, "impersonate", "", "serviceaccounts"),
    _need(_C.BE_SOME_ACCOUNT, "impersonate", "", "serviceaccounts", one=True),
    _need(_C.BE_SOME_USER, "impersonate", "", "users", one=True),
    _need(_C.ESCALATE_ROLES, "escalate", _RBAC, "roles"),
    _need(_C.EDIT_ROLES, _CHANGE, _RBAC, "roles"),
    _need(_C.BIND_ROLES, "bind", _RBAC, "clusterroles"),
    _need(_C.BIND_OWN_ROLES, "bind", _RBAC, "roles"),
    _need(_C.MAKE_BINDINGS, "create", _RBAC, "rolebindings"),
    _need(_C.ESCALATE_CLUSTER_ROLES, "escalate", _RBAC, "clusterroles"),
    _need(_C.EDIT_CLUSTER_ROLES, _CHANGE, _RBAC, "clusterroles"),
    _need(_C.BIND_CLUSTER_ROLES, "bind", _RBAC, "clusterroles"),
    _need(_C.MAKE_CLUSTER_BINDINGS, "create", _RBAC, "clusterrolebindings"),
    _need(_C.MAKE_REQUESTS, "create", _CERTIFICATES, "certificatesigningrequests"),
    _need(_C.NODE_CLIENTS, "create", _CERTIFICATES, "certificatesigningrequests/nodeclient"),
    _need(_C.APPROVE_REQUESTS, _CHANGE, _CERTIFICATES, "certificatesigningrequests/approval"),
    _need(_C.APPROVE_FOR_CLIENTS, "approve", _CERTIFICATES, "signers", name="kubernetes.io/kube-apiserver-client"),
    _need(_C.PROXY_NODES, "get create", "", "nodes/proxy"),
    _need(_C.CHANGE_REQUESTS, _WRITE, _ADMISSION, "mutatingwebhookconfigurations", one=True),
    _need(_C.MAKE_POLICIES, _WRITE, _ADMISSION, "mutatingadmissionpolicies", one=True, since=MUTATING_POLICIES),
    _need(_C.BIND_POLICIES, _WRITE, _ADMISSION, "mutatingadmissionpolicybindings", one=True, since=MUTATING_POLICIES),
    _need(_C.MAKE_VOLUMES, "create", "", "persistentvolumes"),
    _need(_C.MAKE_CLAIMS, "create", "", "persistentvolumeclaims"),
    _need(_C.LABEL_NAMESPACES, _CHANGE, "", "namespaces"),
    _need(_C.MAP_CLOUD_IDENTITIES, _CHANGE, "", "configmaps", name="aws-auth"),
)
#: What concerns the whole cluster: a RoleBinding cannot grant it.
CLUSTER_ONLY = (
    _C.BE_USERS, _C.BE_SOME_USER, _C.BE_GROUPS, _C.ESCALATE_CLUSTER_ROLES, _C.EDIT_CLUSTER_ROLES, _C.BIND_CLUSTER_ROLES,
    _C.MAKE_CLUSTER_BINDINGS, _C.MAKE_REQUESTS, _C.APPROVE_REQUESTS, _C.APPROVE_FOR_CLIENTS, _C.PROXY_NODES,
    _C.CHANGE_REQUESTS, _C.MAKE_POLICIES, _C.BIND_POLICIES, _C.MAKE_VOLUMES, _C.NODE_CLIENTS,
)  # fmt: skip
IN_NAMESPACES = ALL & ~sum(1 << capability for capability in CLUSTER_ONLY)


class Gift(Struct, frozen=True, gc=False):
    """What one rule gives: capabilities over every object as bits, and those over named objects."""

    mask: int
    named: tuple[tuple[Capability, frozenset[str]], ...] = ()


def needs_at(version: KubernetesVersion = NEWEST) -> tuple[Need, ...]:
    """The needs that hold at a version."""
    return tuple(need for need in NEEDS if need.holds_at(version))


def gift_of(rule: CompiledRule, needs: tuple[Need, ...] = NEEDS) -> Gift:
    """The capabilities in a rule, wherever it is granted."""
    if rule.verbs is None and rule.groups is None and rule.resources is None and not rule.names:
        return Gift(ALL)
    mask = 0
    named: list[tuple[Capability, frozenset[str]]] = []
    for need in needs:
        verbs = need.verbs if rule.verbs is None else rule.verbs.intersection(need.verbs)
        if not verbs or not any(rule.covers(need.group, *what.split("/")) for what in need.resources):
            continue
        if not rule.names or _covers_the_one(need, rule.names):
            mask |= 1 << need.capability
        elif need.name or (set(verbs) == {"create"} and not any("/" in what for what in need.resources)):
            # A create that names its object is never allowed, except where the name stands in the URL.
            continue
        elif need.one_will_do:
            mask |= 1 << need.capability
        else:
            named.append((need.capability, rule.names))
    return Gift(mask, tuple(named))


def _covers_the_one(need: Need, names: frozenset[str]) -> bool:
    """Whether the only object that counts is among the names; a signer also by its domain."""
    domain = f"{need.name.partition('/')[0]}/*" if need.capability is _C.APPROVE_FOR_CLIENTS else ""
    return bool(need.name) and (need.name in names or domain in names)
