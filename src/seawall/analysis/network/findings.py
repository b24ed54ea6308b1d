"""What rules ask of policies, computed on the index."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.analysis.network.form import Action, Direction, PodSet, Policy, Rule, Tier
from seawall.analysis.network.index import Index
from seawall.analysis.network.reach import Reach
from seawall.analysis.network.world import Workload
from seawall.model.paths import Path
from seawall.model.reach import format_ports


def _rules(policy: Policy) -> Iterator[tuple[Direction, Rule]]:
    for direction in Direction:
        for rule in policy.rules(direction) or ():
            yield direction, rule


def empty_peers(reach: Reach) -> Iterator[tuple[Policy, Path]]:
    """Peers that mean no pod that is known, though the namespaces that they mean have some."""
    ends = reach.index.ends
    for number, policy in enumerate(reach.index.policies):
        if not reach.index.subjects[number]:
            continue
        for direction, rule in _rules(policy):
            for i, peer in enumerate(rule.peers or ()):
                if not isinstance(peer, PodSet) or not peer.pods or ends.peer(peer, direction) & ends.real_pods:
                    continue
                if ends.select(PodSet(peer.namespace, peer.namespaces, ())) & ends.real_pods:
                    yield policy, (*rule.path, "from" if direction is Direction.INGRESS else "to", i)


def shadowed(reach: Reach) -> Iterator[tuple[Policy, Path, bool]]:
    """Rules that decide no connection of any pod, and whether those before them do the same (or the opposite)."""
    index = reach.index
    for direction in Direction:
        watch = _Watch(index, direction)
        for number, policy in enumerate(index.policies):
            for rule in policy.rules(direction) or ():
                if index.subjects[number] and id(rule) in watch.met and id(rule) not in watch.decided:
                    yield policy, rule.path, id(rule) not in watch.opposed


class _Watch:
    """Plays the rules of every group of pods in order, and notes which of them ever decide."""

    def __init__(self, index: Index, direction: Direction) -> None:
        self.index, self.direction = index, direction
        self.met: set[int] = set()
        self.decided: set[int] = set()
        self.opposed: set[int] = set()
        seen: set[tuple[int, ...]] = set()
        for bit, each in enumerate(index.ends.classes):
            policies = index.selecting[direction][bit]
            named = tuple(sorted(each.named.items())) if direction is Direction.INGRESS else ()
            key = (*policies, hash(named))
            if policies and key not in seen:
                seen.add(key)
                self._play(policies, bit)

    def _play(self, policies: tuple[int, ...], bit: int) -> None:
        """``settled`` holds who is decided, by atom of ports and by what was decided."""
        target = self.index.ends.classes[bit] if self.direction is Direction.INGRESS else None
        settled: dict[Action, list[tuple[int, int]]] = {action: [] for action in Action}
        isolated = any(self.index.policies[n].tier is Tier.NAMESPACE for n in policies)
        tier = None
        for number in policies:
            policy = self.index.policies[number]
            if policy.tier is not tier:
                tier, settled[Action.PASS] = policy.tier, []
            if tier is Tier.BASELINE and isolated:
                continue
            for rule in policy.rules(self.direction) or ():
                for mask, ends in self.index.effect(rule, self.direction, target):
                    self._meet(rule, mask, ends, settled)

    def _meet(self, rule: Rule, mask: int, ends: int, settled: dict[Action, list[tuple[int, int]]]) -> None:
        self.met.add(id(rule))
        left = [(mask, ends)]
        for action, parts in settled.items():
            for other_mask, other_ends in parts:
                before = left
                left = _cut(left, other_mask, other_ends)
                if action is not rule.action and left != before:
                    self.opposed.add(id(rule))
        if left:
            self.decided.add(id(rule))
            settled[rule.action] += left


def _cut(parts: list[tuple[int, int]], mask: int, ends: int) -> list[tuple[int, int]]:
    """Some sets of (ports, ends) without another."""
    found: list[tuple[int, int]] = []
    for own_mask, own_ends in parts:
        if not own_mask & mask or not own_ends & ends:
            found.append((own_mask, own_ends))
            continue
        if own_ends & ~ends:
            found.append((own_mask, own_ends & ~ends))
        if own_mask & ~mask:
            found.append((own_mask & ~mask, own_ends & ends))
    return found


def wide_rules(reach: Reach) -> Iterator[tuple[Policy, Path, str]]:
    """Allowing ingress rules that name peers and yet mean every pod; with the ports."""
    index = reach.index
    pods = index.ends.pods & index.ends.real_pods
    if len({each.namespace for each in index.ends.classes}) < 2:
        return
    for number, policy in enumerate(index.policies):
        if not index.subjects[number] or policy.tier is not Tier.NAMESPACE:
            continue
        for rule in policy.ingress or ():
            meant = 0
            for peer in rule.peers or ():
                meant |= index.ends.peer(peer, Direction.INGRESS) if isinstance(peer, PodSet) else 0
            if rule.peers is not None and meant and pods & ~meant == 0:
                masks = 0
                for mask, _ in index.effect(rule, Direction.INGRESS, None):
                    masks |= mask
                named = sorted(match.name for match in rule.ports or () if match.name)
                shown = "every port" if rule.ports is None else format_ports(reach.ports(masks)) if masks else ""
                yield policy, rule.path, shown or ", ".join(named) or "no port"


def host_network_subjects(reach: Reach) -> Iterator[tuple[Policy, Workload]]:
    """Policies whose selectors match the labels of pods in their node's network."""
    from seawall.analysis.network.ends import matches

    hosted = [(w, pod) for w in reach.world.workloads for pod in w.pods if pod.host_network]
    for policy in reach.index.policies:
        told: set[str] = set()
        subject = policy.subject
        for workload, pod in hosted if subject is not None else ():
            assert subject is not None  # noqa: S101 - said in the line above
            if subject.namespace is not None:
                namespace = subject.namespace == pod.namespace
            else:
                namespace = matches(subject.namespaces, reach.world.namespaces[pod.namespace])
            if namespace and matches(subject.pods, pod.labels) and workload.label not in told:
                told.add(workload.label)
                yield policy, workload


def without_dns(reach: Reach) -> Iterator[tuple[Workload, str]]:
    """Workloads with a pod that may connect to something, but to nothing on port 53; with the protocol it lacks."""
    index = reach.index
    names = {"UDP": index.ports.mask("UDP", 53, 53), "TCP": index.ports.mask("TCP", 53, 53)}
    servers = _dns_servers(reach)
    for number, workload in enumerate(reach.world.workloads):
        for bit in reach.bits(number):
            if index.ends.host >> bit & 1 or not index.selecting[Direction.EGRESS][bit]:
                continue
            parts = index.let_out(bit)
            open_masks = 0
            for mask, ends in parts:
                if ends & (servers or index.targets() | index.ends.targets_outside):
                    open_masks |= mask
            if parts and not open_masks & names["UDP"]:
                yield workload, "53/UDP" if open_masks & names["TCP"] else "53/UDP or 53/TCP"
                break


def _dns_servers(reach: Reach) -> int:
    found = 0
    for number, workload in enumerate(reach.world.workloads):
        if any(pod.labels.get("k8s-app") == "kube-dns" for pod in workload.pods):
            found |= reach.index.ends.workload_classes[number]
    return found
