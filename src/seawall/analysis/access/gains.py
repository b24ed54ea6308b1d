"""What sets of capabilities lead to, in one namespace and in the whole cluster."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.analysis.access.capabilities import Capability
from seawall.analysis.access.points import ADMIN, BOOTSTRAPPERS, EVERYTHING, KUBELETS, NODE, USERS, Facts, Hub, HubKind

_C = Capability
Wanted = tuple[Capability, ...]
#: What is needed, where it leads, how, and whether it rests on something that was not read.
Gain = tuple[Wanted, Hub, str, bool]
#: What a single request takes: one identity must hold all of it, with its groups.
AT_ONCE = frozenset(
    (
        _C.ESCALATE_ROLES,
        _C.BIND_ROLES,
        _C.ESCALATE_CLUSTER_ROLES,
        _C.BIND_CLUSTER_ROLES,
        _C.BE_GROUPS,
        _C.BIND_OWN_ROLES,
        _C.NODE_CLIENTS,
    )
)

_POD = "starts a pod under the account"
_PRIVILEGED = "starts a privileged pod: no Pod Security level forbids it"
_UNREAD = "starts a privileged pod, if no Pod Security level forbids it: the namespace was not read"
_IN_NAMESPACE: tuple[tuple[Wanted, HubKind, str], ...] = (
    ((_C.TOKEN_REQUEST,), "accounts", "requests a token"),
    ((_C.RUN_PODS,), "accounts", _POD),
    ((_C.BE_ACCOUNTS,), "accounts", "impersonates it"),
    ((_C.READ_SECRETS, _C.MAKE_SECRETS), "accounts", "makes a token Secret for it and reads it"),
    ((_C.READ_SECRETS,), "tokens", "reads the Secret"),
    ((_C.ENTER_PODS,), "pods", "runs commands in it, or changes its image"),
    ((_C.ESCALATE_ROLES, _C.EDIT_ROLES, _C.HOLD_ROLE), "namespace", "writes any right into a role that it holds"),
    ((_C.ESCALATE_ROLES, _C.EDIT_ROLES, _C.MAKE_BINDINGS), "namespace", "binds a role and writes any right into it"),
    ((_C.BIND_ROLES, _C.MAKE_BINDINGS), "namespace", "binds any role to itself"),
    ((_C.BIND_OWN_ROLES, _C.MAKE_BINDINGS), "roles", "binds them to itself"),
)
_EVERYWHERE: tuple[tuple[Wanted, Hub, str], ...] = (
    ((_C.ESCALATE_CLUSTER_ROLES, _C.EDIT_CLUSTER_ROLES), ADMIN, "writes any right into a cluster role that it holds"),
    ((_C.BIND_CLUSTER_ROLES, _C.MAKE_CLUSTER_BINDINGS), ADMIN, "binds cluster-admin to itself"),
    ((_C.BE_GROUPS, _C.BE_SOME_USER), ADMIN, "impersonates a member of system:masters"),
    ((_C.BE_GROUPS, _C.BE_SOME_ACCOUNT), ADMIN, "impersonates a member of system:masters"),
    ((_C.BE_USERS,), USERS, "impersonates it"),
    (
        (_C.MAKE_REQUESTS, _C.APPROVE_REQUESTS, _C.APPROVE_FOR_CLIENTS),
        USERS,
        "signs a certificate of that user (only the group system:masters is refused)",
    ),
    ((_C.MAKE_REQUESTS, _C.NODE_CLIENTS), KUBELETS, "asks for a certificate of that node, which is approved unseen"),
    ((_C.PROXY_NODES,), Hub("pods"), "runs commands in any pod through the kubelet, unseen by the audit log"),
    ((_C.CHANGE_REQUESTS,), Hub("accounts"), "changes pods as they are created, their account too"),
    ((_C.CHANGE_REQUESTS,), NODE, "makes pods privileged as they are created"),
    ((_C.MAKE_POLICIES, _C.BIND_POLICIES), Hub("accounts"), "changes pods as they are created, their account too"),
    ((_C.MAKE_POLICIES, _C.BIND_POLICIES), NODE, "makes pods privileged as they are created"),
)
#: A controller of kube-system that may write any right into a role; its binding is always there.
AGGREGATOR = "clusterrole-aggregation-controller"
IMPERSONATES_AGGREGATOR = f"impersonates kube-system's {AGGREGATOR}, which may write any right into a role"
#: Source: "Authenticating with Bootstrap Tokens" of Kubernetes' documentation; kubeadm turns it on.
_TOKEN = "makes a bootstrap token, a Secret in kube-system, if the API server takes such tokens"  # noqa: S105
_AWS = "maps its cloud identity to system:masters in aws-auth"


#: What several requests take, by identities taken on in turn.
_IN_TURN: tuple[Wanted, ...] = (
    (_C.READ_SECRETS, _C.MAKE_SECRETS),
    (_C.RUN_PODS, _C.LABEL_NAMESPACES),
    (_C.RUN_PODS, _C.MAKE_VOLUMES, _C.MAKE_CLAIMS),
    (_C.MAKE_REQUESTS, _C.APPROVE_REQUESTS, _C.APPROVE_FOR_CLIENTS),
    (_C.MAKE_POLICIES, _C.BIND_POLICIES),
)
_IN_TURN_BITS = tuple(sum(1 << each for each in wanted) for wanted in _IN_TURN)


def combines(mask: int) -> bool:
    """Whether a mask holds anything that several requests take: the quick answer, which is mostly no."""
    return any(mask & bits == bits for bits in _IN_TURN_BITS)


def at_once(wanted: tuple[int, ...]) -> bool:
    """Whether all of it is needed for one request."""
    return not AT_ONCE.isdisjoint(wanted)


def has(mask: int, wanted: tuple[int, ...]) -> bool:
    """Whether all of them are in the mask."""
    return all(mask >> capability & 1 for capability in wanted)


def gains(namespace: str, mask: int, facts: Facts) -> Iterator[Gain]:
    """What a set of capabilities in a namespace (empty: everywhere) leads to."""
    if not namespace and has(mask, (_C.EVERYTHING,)):
        yield (_C.EVERYTHING,), ADMIN, EVERYTHING, False
        return
    for wanted, kind, how in _IN_NAMESPACE:
        if has(mask, wanted):
            yield wanted, Hub(kind, namespace), how, False
    if has(mask, (_C.RUN_PODS,)):
        yield from _to_the_node(namespace, mask, facts)
    if namespace in ("", "kube-system"):
        if has(mask, (_C.BE_ACCOUNTS,)):
            yield (_C.BE_ACCOUNTS,), ADMIN, IMPERSONATES_AGGREGATOR, False
        if facts.aws_auth and has(mask, (_C.MAP_CLOUD_IDENTITIES,)):
            yield (_C.MAP_CLOUD_IDENTITIES,), ADMIN, _AWS, False
        if has(mask, (_C.MAKE_SECRETS,)):
            yield (_C.MAKE_SECRETS,), BOOTSTRAPPERS, _TOKEN, True
    if not namespace:
        for wanted, target, how in _EVERYWHERE:
            if has(mask, wanted):
                yield wanted, target, how, False


def _to_the_node(namespace: str, mask: int, facts: Facts) -> Iterator[Gain]:
    """Ways past Pod Security for who may run pods: none set, label taken off, or a volume that it does not look at."""
    if namespace in facts.open if namespace else facts.open:
        yield (_C.RUN_PODS,), NODE, _PRIVILEGED, False
        return
    if has(mask, (_C.LABEL_NAMESPACES,)):
        yield (
            (_C.RUN_PODS, _C.LABEL_NAMESPACES),
            NODE,
            "takes the Pod Security label off, starts a privileged pod",
            False,
        )
    elif has(mask, (_C.MAKE_VOLUMES, _C.MAKE_CLAIMS)):
        wanted = (_C.RUN_PODS, _C.MAKE_VOLUMES, _C.MAKE_CLAIMS)
        yield wanted, NODE, "mounts the node's files through a volume of its own", False
    elif namespace not in facts.guarded if namespace else facts.namespaces - facts.guarded:
        yield (_C.RUN_PODS,), NODE, _UNREAD, True
