"""What everyone can become: the fixed point of stealing tokens, starting pods, taking on identities and changing roles.

Identities and hubs ("any account of a namespace", "root on a node", "everything in a namespace", "cluster-admin") are
nodes of a graph; an edge is one step, with the permission that allows it. Steps that need two permissions count also
where one of them comes with an identity taken on before, so edges are added until nothing changes.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from seawall.analysis.access.capabilities import Capability, Gift, gift_of
from seawall.analysis.access.components import condense
from seawall.analysis.access.index import AccessIndex
from seawall.analysis.access.matching import compile_rule
from seawall.model.access import MASTERS, Grant, Subject, actor_of, parse_account
from seawall.model.kube.rbac import PolicyRule

HubKind = Literal["admin", "namespace", "accounts", "pods", "node"]


class Hub(Struct, frozen=True, gc=False, order=True):
    """A place that is no identity: what it leads to, and in which namespace (empty: in all)."""

    kind: HubKind
    namespace: str = ""

    def __str__(self) -> str:
        where = f" of namespace {self.namespace}" if self.namespace else ""
        return {
            "admin": "cluster-admin",
            "namespace": f"every right{where}",
            "accounts": f"any service account{where}",
            "pods": f"the inside of any pod{where}",
            "node": "root on any node",
        }[self.kind]


Point = Subject | Hub
ADMIN, NODE = Hub("admin"), Hub("node")
#: The key under which hubs that are reached are kept beside the namespaces; no namespace has that name.
_REACHED = "\0"


class Step(Struct, frozen=True, gc=False):
    """One step: what is gained, how, and the grants (with the index of their rule) that allow it."""

    source: Point
    target: Point
    how: str
    grants: tuple[tuple[Grant, int], ...] = ()


class Facts(Struct, frozen=True):
    """What the closure needs to know of the cluster besides access.

    ``accounts`` are all service accounts, ``running`` those whose token some pod mounts, ``tokens`` those with a
    long-lived token Secret (by namespace and name of the Secret), ``guarded`` the namespaces whose Pod Security level
    keeps pods from the node.
    """

    accounts: frozenset[Subject]
    running: frozenset[Subject]
    tokens: Mapping[tuple[str, str], Subject]
    guarded: frozenset[str]
    namespaces: frozenset[str]


_C = Capability


def _has(mask: int, *wanted: Capability) -> bool:
    return all(mask >> capability & 1 for capability in wanted)


class Closure:
    """Everyone's reach. Build once, ask often."""

    def __init__(self, index: AccessIndex, facts: Facts) -> None:
        self.facts = facts
        self._numbers: dict[Point, int] = {}
        self._points: list[Point] = []
        self._edges: list[dict[int, Step]] = []
        self._masks: list[dict[str, int]] = []
        self._proofs: dict[tuple[int, str, Capability], tuple[Grant, int]] = {}
        self._gifts: dict[PolicyRule, Gift] = {}
        self._bits: dict[Hub, int] = {}
        self._add_points(index)
        self._add_memberships()
        self._add_grants(index)
        self._add_hubs()
        self._close()

    def _number(self, point: Point) -> int:
        number = self._numbers.get(point)
        if number is None:
            number = self._numbers[point] = len(self._points)
            self._points.append(point)
            self._edges.append({})
            self._masks.append({})
        return number

    def _add_points(self, index: AccessIndex) -> None:
        for subject in (*index.subjects, *sorted(self.facts.accounts), Subject("Group", MASTERS)):
            self._number(subject)

    def _add_memberships(self) -> None:
        for point in list(self._points):
            if not isinstance(point, Subject):
                continue
            for group in actor_of(point).groups:
                other = Subject("Group", group)
                if other != point and other in self._numbers:
                    self._edge(point, other, "is in the group")
            if point.kind == "User" and (account := parse_account(point.name)) is not None:
                self._edge(point, account, "is the account")
        self._edge(Subject("Group", MASTERS), ADMIN, "the API server lets its members do everything")

    def _edge(self, source: Point, target: Point, how: str, grants: tuple[tuple[Grant, int], ...] = ()) -> bool:
        """Add a step unless there is one already; tells whether it is new."""
        if source == target:
            return False
        edges, number = self._edges[self._number(source)], self._number(target)
        if number in edges:
            return False
        edges[number] = Step(source, target, how, grants)
        return True

    def _add_grants(self, index: AccessIndex) -> None:
        for grant in index.grants:
            for position, rule in enumerate(grant.rules):
                gift = self._gifts.get(rule)
                if gift is None:
                    gift = self._gifts[rule] = gift_of(compile_rule(rule))
                if not gift.mask and not gift.named:
                    continue
                for subject in dict.fromkeys(grant.subjects):
                    self._give(subject, grant, position, gift)

    def _give(self, subject: Subject, grant: Grant, position: int, gift: Gift) -> None:
        number = self._number(subject)
        masks = self._masks[number]
        fresh = gift.mask & ~masks.get(grant.namespace, 0)
        if fresh:
            masks[grant.namespace] = masks.get(grant.namespace, 0) | fresh
            for capability in Capability:
                if fresh >> capability & 1:
                    self._proofs[number, grant.namespace, capability] = (grant, position)
        for capability, names in gift.named:
            self._give_named(subject, grant, position, capability, names)

    def _give_named(
        self, subject: Subject, grant: Grant, position: int, capability: Capability, names: Iterable[str]
    ) -> None:
        proof = ((grant, position),)
        for name in sorted(names):
            for target, how in self._named_targets(capability, grant.namespace, name):
                self._edge(subject, target, how, proof)

    def _named_targets(self, capability: Capability, namespace: str, name: str) -> Iterator[tuple[Point, str]]:
        homes = [namespace] if namespace else sorted({each.namespace for each in self.facts.accounts})
        accounts = [each for home in homes if (each := Subject("ServiceAccount", name, home)) in self.facts.accounts]
        if capability is _C.TOKEN_REQUEST:
            yield from ((each, "requests a token for it") for each in accounts)
        elif capability is _C.BE_ACCOUNTS:
            yield from ((each, "impersonates it") for each in accounts)
        elif capability is _C.BE_USERS and not namespace:
            yield Subject("User", name), "impersonates it"
        elif capability is _C.BE_GROUPS and not namespace:
            yield Subject("Group", name), "impersonates a member"
        elif capability is _C.READ_SECRETS:
            for home in homes:
                owner = self.facts.tokens.get((home, name))
                if owner is not None:
                    yield owner, f"reads its token from the Secret {home}/{name}"

    def _add_hubs(self) -> None:
        """What hubs lead to; those of a namespace are made for every namespace that is known."""
        for account in sorted(self.facts.accounts):
            home = account.namespace
            self._edge(Hub("accounts", home), account, "one of them")
            self._edge(Hub("accounts"), account, "one of them")
            self._edge(Hub("namespace", home), Hub("accounts", home), "requests tokens, starts pods")
            if account in self.facts.running:
                self._edge(Hub("pods", home), account, "reads the token that is mounted")
                self._edge(Hub("pods"), account, "reads the token that is mounted")
                self._edge(NODE, account, "reads the tokens of all pods on the node")
        for namespace in sorted(self.facts.namespaces - self.facts.guarded):
            self._edge(Hub("namespace", namespace), NODE, "starts a privileged pod: no Pod Security level forbids it")
        self._edge(ADMIN, NODE, "starts a privileged pod")
        self._edge(ADMIN, Hub("accounts"), "requests tokens")
        for point in list(self._points):
            if isinstance(point, Subject) and point.kind != "ServiceAccount":
                self._edge(ADMIN, point, "impersonates it")

    def _close(self) -> None:
        """Add the steps that an identity's own permissions allow, then those that take permissions of several."""
        for number, masks in enumerate(self._masks):
            for namespace in [place for place in masks if place != _REACHED]:
                self._apply(number, namespace, masks.get("", 0) | masks[namespace], 0)
        changed = True
        while changed:
            changed = False
            merged = condense([list(edges) for edges in self._edges], self._masks)
            for number, masks in enumerate(merged):
                reached = masks.get(_REACHED, 0)
                for namespace in [place for place in masks if place != _REACHED]:
                    changed |= self._apply(number, namespace, masks.get("", 0) | masks[namespace], reached, 2)

    def _apply(self, number: int, namespace: str, mask: int, reached: int, least: int = 1) -> bool:
        """Add what a mask leads to and is not ``reached`` yet, by ``least`` permissions or more; tells if it did."""
        source = self._points[number]
        added = False
        for wanted, target, how in self._gains(namespace, mask):
            goal = self._number(target)
            if len(wanted) < least or reached >> self._bit(target) & 1 or goal in self._edges[number]:
                continue
            proof = tuple(self._proof(number, namespace, capability) for capability in wanted)
            added |= self._edge(source, target, how, tuple(each for each in proof if each is not None))
        return added

    def _bit(self, hub: Hub) -> int:
        """The bit that tells whether a hub is reached; it is carried along like a capability."""
        bit = self._bits.get(hub)
        if bit is None:
            bit = self._bits[hub] = len(self._bits)
            self._masks[self._number(hub)][_REACHED] = 1 << bit
        return bit

    def _proof(self, number: int, namespace: str, capability: Capability) -> tuple[Grant, int] | None:
        return self._proofs.get((number, namespace, capability)) or self._proofs.get((number, "", capability))

    def _gains(self, namespace: str, mask: int) -> Iterator[tuple[tuple[Capability, ...], Hub, str]]:
        """What a set of capabilities in a namespace (empty: everywhere) leads to."""
        for wanted, kind, how in _IN_NAMESPACE:
            if _has(mask, *wanted):
                yield wanted, Hub(kind, namespace), how
        if _has(mask, _C.RUN_PODS):
            weak = (
                namespace not in self.facts.guarded if namespace else bool(self.facts.namespaces - self.facts.guarded)
            )
            if weak:
                yield (_C.RUN_PODS,), NODE, "starts a privileged pod: no Pod Security level forbids it"
            elif _has(mask, _C.LABEL_NAMESPACES):
                yield (
                    (_C.RUN_PODS, _C.LABEL_NAMESPACES),
                    NODE,
                    "takes the Pod Security label off, starts a privileged one",
                )
            elif _has(mask, _C.MAKE_VOLUMES):
                yield (_C.RUN_PODS, _C.MAKE_VOLUMES), NODE, "mounts the node's files through a volume of its own"
        if not namespace:
            for wanted, target, how in _EVERYWHERE:
                if _has(mask, *wanted):
                    yield wanted, target, how
        elif namespace == "kube-system" and _has(mask, _C.MAP_CLOUD_IDENTITIES):
            yield (_C.MAP_CLOUD_IDENTITIES,), ADMIN, "maps its cloud identity to system:masters in aws-auth"

    # Questions

    def reach(self, subject: Point) -> dict[Point, Step]:
        """Everything that a point can become, each with the last step of a shortest way to it."""
        start = self._numbers.get(subject)
        if start is None:
            return {}
        found: dict[int, Step] = {}
        queue = deque([start])
        while queue:
            current = queue.popleft()
            for number, step in self._edges[current].items():
                if number != start and number not in found:
                    found[number] = step
                    queue.append(number)
        return {self._points[number]: step for number, step in found.items()}

    def path(self, source: Point, target: Point) -> list[Step]:
        """A shortest way, step by step; empty where there is none."""
        reached = self.reach(source)
        steps: list[Step] = []
        while target != source:
            step = reached.get(target)
            if step is None:
                return []
            steps.append(step)
            target = step.source
        return steps[::-1]

    def who_reaches(self, target: Point) -> list[Point]:
        """Everything that can become the target."""
        goal = self._numbers.get(target)
        if goal is None:
            return []
        back: dict[int, list[int]] = defaultdict(list)
        for number, edges in enumerate(self._edges):
            for other in edges:
                back[other].append(number)
        found, queue = {goal}, deque([goal])
        while queue:
            for number in back[queue.popleft()]:
                if number not in found:
                    found.add(number)
                    queue.append(number)
        return [self._points[number] for number in sorted(found) if number != goal]

    def subjects_beyond_themselves(self) -> list[tuple[str, int]]:
        """For every identity that can become others, how many: worst first."""
        counts = self._reach_counts()
        found = [
            (str(point), counts[number])
            for number, point in enumerate(self._points)
            if isinstance(point, Subject) and counts[number]
        ]
        return sorted(found, key=lambda each: (-each[1], each[0]))

    def _reach_counts(self) -> list[int]:
        """How many identities each point reaches, itself left out: bitsets gathered over the components."""
        own = [{"": 1 << number} if isinstance(point, Subject) else {} for number, point in enumerate(self._points)]
        merged = condense([list(edges) for edges in self._edges], own)
        return [(masks.get("", 0) & ~(1 << number)).bit_count() for number, masks in enumerate(merged)]

    @property
    def points(self) -> Sequence[Point]:
        """All identities and hubs."""
        return tuple(self._points)


_ACTS = "requests a token"
_IN_NAMESPACE: tuple[tuple[tuple[Capability, ...], HubKind, str], ...] = (
    ((_C.TOKEN_REQUEST,), "accounts", _ACTS),
    ((_C.RUN_PODS,), "accounts", "starts a pod under the account"),
    ((_C.BE_ACCOUNTS,), "accounts", "impersonates it"),
    ((_C.READ_SECRETS, _C.MAKE_SECRETS), "accounts", "makes a token Secret for it and reads it"),
    ((_C.ENTER_PODS,), "pods", "runs commands in it, or changes its image"),
    ((_C.ESCALATE_ROLES, _C.EDIT_ROLES), "namespace", "writes any right into a role"),
    ((_C.BIND_ROLES, _C.MAKE_BINDINGS), "namespace", "binds any role to itself"),
)
_EVERYWHERE: tuple[tuple[tuple[Capability, ...], Hub, str], ...] = (
    ((_C.EVERYTHING,), ADMIN, "may do everything"),
    ((_C.ESCALATE_CLUSTER_ROLES, _C.EDIT_CLUSTER_ROLES), ADMIN, "writes any right into a cluster role"),
    ((_C.BIND_CLUSTER_ROLES, _C.MAKE_CLUSTER_BINDINGS), ADMIN, "binds cluster-admin to itself"),
    ((_C.BE_GROUPS, _C.BE_USERS), ADMIN, "impersonates a member of system:masters"),
    ((_C.BE_GROUPS, _C.BE_ACCOUNTS), ADMIN, "impersonates a member of system:masters"),
    ((_C.MAKE_REQUESTS, _C.APPROVE_REQUESTS, _C.APPROVE_FOR_CLIENTS), ADMIN, "signs itself a certificate of any user"),
    ((_C.PROXY_NODES,), Hub("pods"), "runs commands in any pod through the kubelet, unseen by the audit log"),
    ((_C.CHANGE_REQUESTS,), Hub("accounts"), "changes pods as they are created, their account too"),
    ((_C.CHANGE_REQUESTS,), NODE, "makes pods privileged as they are created"),
)
