"""What everyone can become: the fixed point of stealing tokens, starting pods, taking on identities and changing roles.

Identities and hubs ("any account of a namespace", "root on a node", "everything in a namespace", "cluster-admin") are
nodes of a graph; an edge is one step, with the permission that allows it. Steps that need two permissions count also
where one of them comes with an identity taken on before, so edges are added until nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from seawall.analysis.access.capabilities import (
    ALL,
    CLUSTER_ONLY,
    COUNT,
    IN_NAMESPACES,
    Capability,
    Gift,
    gift_of,
    needs_at,
)
from seawall.analysis.access.components import gather
from seawall.analysis.access.gains import at_once, combines, gains
from seawall.analysis.access.holdings import Holdings, Proof
from seawall.analysis.access.index import AccessIndex
from seawall.analysis.access.matching import compile_rule
from seawall.analysis.access.named import named_targets
from seawall.analysis.access.points import (
    ADMIN,
    BOOTSTRAP_GROUP,
    BOOTSTRAPPERS,
    CONTROLLER_MANAGER,
    KUBELETS,
    NODE,
    NODE_USER,
    USERS,
    Facts,
    Hub,
    Point,
    Step,
)
from seawall.analysis.access.singles import ROLE_KINDS, single_gains
from seawall.analysis.access.ways import Ways
from seawall.model.access import MASTERS, Grant, Subject, actor_of, parse_account
from seawall.model.finding import ResourceRef
from seawall.model.kube.rbac import PolicyRule
from seawall.model.version import NEWEST, KubernetesVersion

_C = Capability
#: The key under which hubs that are reached are kept beside the namespaces; no namespace has that name.
_REACHED = "\0"
_RBAC = "rbac.authorization.k8s.io/v1"
_NEW_BINDING = "(a new binding)"


class Edge(Struct, frozen=True, gc=False):
    """A step between numbered points. What it takes may be held by what was reached in rounds before.

    The round of a membership is -1, that of what an identity may do alone or with its groups 0.
    """

    how: str
    grants: tuple[Proof, ...] = ()
    wanted: tuple[int, ...] = ()
    namespace: str = ""
    round: int = 0
    assumed: bool = False


class Closure(Ways):
    """Everyone's reach at a Kubernetes version. Build once, ask often."""

    def __init__(self, index: AccessIndex, facts: Facts, version: KubernetesVersion = NEWEST) -> None:
        super().__init__()
        self.facts = facts
        self._needs = needs_at(version)
        self._index = index
        self._held = Holdings()
        self._masks = self._held.masks
        self._gifts: dict[PolicyRule, Gift] = {}
        self._bits: dict[Hub, int] = {}
        self._round = 0
        self._add_points()
        self._add_memberships()
        self._add_grants()
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

    def _add_points(self) -> None:
        nodes = [Subject("User", f"{NODE_USER}{name}") for name in sorted(self.facts.on_node)]
        known = (*self._index.subjects, *sorted(self.facts.accounts), *nodes)
        for subject in (*known, Subject("Group", MASTERS), CONTROLLER_MANAGER):
            self._number(subject)

    def _add_memberships(self) -> None:
        for point in list(self._points):
            if isinstance(point, Subject):
                self._add_groups(point)
        self._edge(Subject("Group", MASTERS), ADMIN, Edge("the API server lets its members do everything"))
        kept = "requests the token of kube-system's clusterrole-aggregation-controller, by roles that are always there"
        self._edge(CONTROLLER_MANAGER, ADMIN, Edge(kept))

    def _add_groups(self, point: Subject) -> None:
        for group in actor_of(point).groups:
            other = Subject("Group", group)
            if other != point and other in self._numbers:
                self._edge(point, other, Edge("is in the group", round=-1))
        account = parse_account(point.name) if point.kind == "User" else None
        if account is not None:
            self._edge(point, account, Edge("is the account", round=-1))
            self._edge(account, point, Edge("is the user", round=-1))

    def _edge(self, source: Point, target: Point, edge: Edge) -> bool:
        """Add a step unless there is one already; tells whether it is new."""
        if source == target:
            return False
        edges, number = self._edges[self._number(source)], self._number(target)
        if number in edges:
            return False
        edges[number] = edge
        return True

    # What grants give

    def _add_grants(self) -> None:
        self._written = self._written_by_name()
        for grant in self._index.grants:
            subjects = tuple(dict.fromkeys(grant.subjects))
            for subject in subjects:
                self._note_held(subject, grant)
            for position, rule in enumerate(grant.rules):
                gift = self._gift(rule)
                if gift.mask or gift.named:
                    for subject in subjects:
                        self._give(subject, grant, position, gift)

    def _note_held(self, point: Point, grant: Grant) -> None:
        """Who holds a role gains what is written into it."""
        kind, name = grant.role.kind, grant.role.name
        if grant.namespace and kind == "Role":
            self._held.give(self._number(point), grant.namespace, 1 << _C.HOLD_ROLE, (grant, -1))
        if (f"hold {kind}", name) in self._written:
            self._held.give_single(self._number(point), grant.namespace, f"hold {kind}", name, (grant, -1))

    def _written_by_name(self) -> frozenset[tuple[str, str]]:
        """The roles that some rule lets one write to by name: who holds them counts."""
        gifts = (self._gift(rule) for grant in self._index.grants for rule in grant.rules)
        return frozenset(
            (f"hold {ROLE_KINDS[capability].partition(' ')[2]}", name)
            for gift in gifts
            for capability, names in gift.named
            if capability in ROLE_KINDS and capability is not _C.BIND_OWN_ROLES
            for name in names
        )

    def _gift(self, rule: PolicyRule) -> Gift:
        gift = self._gifts.get(rule)
        if gift is None:
            gift = self._gifts[rule] = gift_of(compile_rule(rule), self._needs)
        return gift

    def _give(self, point: Point, grant: Grant, position: int, gift: Gift) -> None:
        number = self._number(point)
        self._held.give(number, grant.namespace, gift.mask & ~(1 << _C.HOLD_ROLE), (grant, position))
        for capability, names in gift.named:
            for name in sorted(names):
                self._give_named(point, number, (grant, position), capability, name)

    def _give_named(self, point: Point, number: int, proof: Proof, capability: Capability, name: str) -> None:
        place = proof[0].namespace
        if capability is _C.LABEL_NAMESPACES:
            if place in ("", name):
                self._held.give(number, name, 1 << capability, proof)
        elif capability is _C.BE_GROUPS and not place:
            if name == MASTERS:
                self._held.give(number, place, 1 << capability, proof)
            else:
                self._held.give_single(number, place, "group", name, proof)
        elif capability is _C.BIND_ROLES and name in self._index.roles:
            self._held.give_single(number, place, "role", name, proof)
        elif capability in ROLE_KINDS:
            if not place or capability not in CLUSTER_ONLY:
                self._held.give_single(number, place, ROLE_KINDS[capability], name, proof)
        else:
            for target, how in named_targets(self.facts, capability, place, name):
                self._edge(point, target, Edge(how, (proof,)))

    # What hubs lead to

    def _add_hubs(self) -> None:
        for account in sorted(self.facts.accounts):
            home = account.namespace
            for hub in (Hub("accounts", home), Hub("accounts")):
                self._edge(hub, account, Edge("one of them"))
            if account in self.facts.running:
                for hub in (Hub("pods", home), Hub("pods")):
                    self._edge(hub, account, Edge("reads the token that is mounted"))
                self._edge(NODE, account, Edge("reads the tokens of all pods on the node"))
        for (home, name), owner in sorted(self.facts.tokens.items()):
            for hub in (Hub("tokens", home), Hub("tokens")):
                self._edge(hub, owner, Edge(f"its token is in the Secret {home}/{name}"))
        for namespace in sorted(self.facts.privileged):
            for hub in (Hub("pods", namespace), Hub("pods")):
                self._edge(hub, NODE, Edge(f"a privileged pod runs in {namespace}"))
        self._add_nodes()
        self._add_roles()
        for namespace in sorted(self.facts.namespaces):
            masks = self._masks[self._number(Hub("namespace", namespace))]
            masks[namespace], masks[""] = IN_NAMESPACES, 1 << _C.BE_SOME_ACCOUNT
        self._masks[self._number(Hub("namespace"))][""] = IN_NAMESPACES & ~(1 << _C.EVERYTHING)
        self._edge(ADMIN, NODE, Edge("starts a privileged pod"))
        self._edge(ADMIN, Hub("accounts"), Edge("requests tokens"))
        for point in list(self._points):
            if isinstance(point, Subject) and point.kind != "ServiceAccount":
                self._edge(ADMIN, point, Edge("impersonates it"))
                if point != Subject("Group", MASTERS):
                    self._edge(USERS, point, Edge("one of them"))

    def _add_roles(self) -> None:
        """What binding the Roles of a namespace, or of any, to oneself gives."""
        for (home, name), rules in sorted(self._index.own_roles.items()):
            grant = _new_grant("Role", name, home, rules)
            for hub in (Hub("roles", home), Hub("roles")):
                self._hold(hub, grant)

    def _add_nodes(self) -> None:
        for name, accounts in sorted(self.facts.on_node.items()):
            kubelet = Subject("User", f"{NODE_USER}{name}")
            self._edge(NODE, kubelet, Edge("reads the kubelet's credentials"))
            for account in sorted(accounts):
                self._edge(kubelet, account, Edge("the Node authorizer gives it the tokens of pods on the node"))
            self._edge(KUBELETS, kubelet, Edge("one of them"))
        for point in list(self._points):
            if isinstance(point, Subject) and point.kind == "Group" and point.name.startswith(BOOTSTRAP_GROUP):
                self._edge(BOOTSTRAPPERS, point, Edge("the token names the group"))
        if self.facts.control_plane:
            self._edge(NODE, ADMIN, Edge("reads the keys of the cluster's CA on a node of the control plane"))

    # The fixed point

    def _close(self) -> None:
        """Add the steps that an identity's own permissions allow, then those that take permissions of several."""
        for number in range(len(self._points)):
            masks = self._masks[number]
            for namespace in [place for place in masks if place != _REACHED]:
                self._apply(number, namespace, masks.get("", 0) | masks[namespace], 0, lambda wanted: True)
        for number in range(len(self._points)):
            self._with_groups(number)
        everything = 1 << self._bit(ADMIN)
        changed = True
        while changed:
            changed = False
            self._round += 1
            merged, fresh = gather([list(edges) for edges in self._edges], self._masks)
            for number, (masks, places) in enumerate(zip(merged, fresh, strict=True)):
                reached, everywhere = masks.get(_REACHED, 0), masks.get("", 0)
                if reached & everything:
                    continue
                for namespace in places:
                    mask = everywhere | masks[namespace]
                    if namespace != _REACHED and combines(mask):
                        changed |= self._apply(number, namespace, mask, reached, _in_turn)

    def _with_groups(self, number: int) -> None:
        """Steps that take several permissions at once, some of them by a group."""
        held = [self._masks[other] for other, edge in self._edges[number].items() if edge.round < 0]
        held = [masks for masks in (self._masks[number], *held) if masks]
        if len(held) < 2:
            return
        for namespace in {place for masks in held for place in masks if place != _REACHED}:
            mask = 0
            for masks in held:
                mask |= masks.get("", 0) | masks.get(namespace, 0)
            self._apply(number, namespace, mask, 0, at_once)

    def _apply(
        self, number: int, namespace: str, mask: int, reached: int, counts: Callable[[tuple[int, ...]], bool]
    ) -> bool:
        """Add what a mask leads to and is not ``reached`` yet, by sets that count; tells if it did."""
        if not mask:
            return False
        source = self._points[number]
        added = False
        for wanted, target, how, assumed in gains(namespace, mask, self.facts):
            if counts(wanted):
                added |= self._gain(number, source, namespace, wanted, target, how, reached, assumed)
        if mask > ALL and counts((_C.BE_GROUPS, _C.BE_SOME_ACCOUNT)):
            added |= self._apply_single(number, source, namespace, mask, reached)
        return added

    def _gain(
        self, number: int, source: Point, namespace: str, wanted: tuple[int, ...], target: Point, how: str,
        reached: int, assumed: bool = False,
    ) -> bool:  # fmt: skip
        if isinstance(target, Hub) and reached >> self._bit(target) & 1:
            return False
        # Whoever has every right of a namespace needs no grant for any.
        taken = () if isinstance(source, Hub) and source.kind == "namespace" else wanted
        return self._edge(source, target, Edge(how, (), taken, namespace, self._round, assumed))

    def _apply_single(self, number: int, source: Point, namespace: str, mask: int, reached: int) -> bool:
        """Groups that are impersonated beside some user; roles that are bound, or written to, by name."""
        added = False
        found = single_gains(self._held.single, namespace, mask, self._index.own_roles, self._index.roles)
        for wanted, target, how in list(found):
            if isinstance(target, Hub) and target.name:
                self._add_role_hub(target)
            added |= self._gain(number, source, namespace, wanted, target, how, reached)
        return added

    def _add_role_hub(self, hub: Hub) -> None:
        """The rights of one role in a namespace (empty: everywhere), as a point of its own."""
        if hub in self._numbers:
            return
        number = self._number(hub)
        if hub.kind == "roles" and hub.namespace:
            self._hold(hub, _new_grant("Role", hub.name, hub.namespace, self._index.own_roles[hub.namespace, hub.name]))
        else:
            grant = _new_grant("ClusterRole", hub.name, hub.namespace, self._index.roles[hub.name])
            self._hold(hub, grant, everywhere=hub.kind == "roles")
        for place, mask in list(self._masks[number].items()):
            self._apply(number, place, self._masks[number].get("", 0) | mask, 0, lambda wanted: True)

    def _hold(self, hub: Hub, grant: Grant, everywhere: bool = False) -> None:
        """Give a hub what a role grants; ``everywhere``: by a binding in each namespace, not one of the cluster."""
        self._note_held(hub, grant)
        for position, rule in enumerate(grant.rules):
            gift = self._gift(rule)
            if everywhere:
                named = tuple(each for each in gift.named if each[0] not in CLUSTER_ONLY)
                gift = Gift(gift.mask & IN_NAMESPACES, named)
            if gift.mask or gift.named:
                self._give(hub, grant, position, gift)

    def _bit(self, hub: Hub) -> int:
        """The bit that tells whether a hub is reached; it is carried along like a capability."""
        bit = self._bits.get(hub)
        if bit is None:
            bit = self._bits[hub] = len(self._bits)
            masks = self._masks[self._number(hub)]
            masks[_REACHED] = masks.get(_REACHED, 0) | 1 << bit
        return bit

    def steps_by_name(self) -> Iterator[Step]:
        """The steps that rest on roles bound or written to by name, and those that go on from such a role's rights."""
        for number, edges in enumerate(self._edges):
            source = self._points[number]
            for target, edge in edges.items():
                ends = (source, self._points[target])
                named = any(isinstance(each, Hub) and each.kind in ("role", "roles") for each in ends)
                if named or any(wanted >= COUNT for wanted in edge.wanted):
                    yield self._step(number, target)

    # Proofs

    def _step(self, source: int, target: int) -> Step:
        edge = self._edges[source][target]
        grants = edge.grants or tuple(dict.fromkeys(self._proofs_of(source, edge)))
        return Step(self._points[source], self._points[target], edge.how, grants, edge.assumed)

    def _proofs_of(self, number: int, edge: Edge) -> Iterable[Proof]:
        """A grant for each capability that the step takes, of the nearest identity that holds it."""
        left = dict.fromkeys(edge.wanted)
        for each in self._nearest(number, edge.round):
            for capability in list(left):
                proof = self._held.proof(each, edge.namespace, capability)
                if proof is not None:
                    del left[capability]
                    yield proof
            if not left:
                return

    def _nearest(self, start: int, before: int) -> Iterator[int]:
        """A point and what it reaches by steps of earlier rounds, nearest first."""
        seen, queue = {start}, [start]
        for number in queue:
            yield number
            for other, edge in self._edges[number].items():
                if other not in seen and edge.round < before:
                    seen.add(other)
                    queue.append(other)


def _new_grant(kind: str, name: str, namespace: str, rules: tuple[PolicyRule, ...]) -> Grant:
    """What somebody gains who binds a role to itself."""
    binding = ResourceRef(_RBAC, "RoleBinding" if namespace else "ClusterRoleBinding", _NEW_BINDING, namespace or None)
    role = ResourceRef(_RBAC, kind, name, namespace if kind == "Role" else None)
    return Grant(binding, role, namespace, (), rules)


def _in_turn(wanted: tuple[int, ...]) -> bool:
    """Whether several permissions are needed, for one request after the other."""
    return len(wanted) > 1 and not at_once(wanted)
