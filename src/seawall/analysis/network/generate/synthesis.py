"""The whole of it: needs gathered, policies written, and both evaluated against what was observed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from seawall.analysis.network.drafts import count_pairs
from seawall.analysis.network.form import Direction, Problem
from seawall.analysis.network.generate.declared import Declared
from seawall.analysis.network.generate.directory import Directory
from seawall.analysis.network.generate.needs import Needs, Peer, unit_peer
from seawall.analysis.network.generate.observed import Observed, Placed, Placer, Seen, describe
from seawall.analysis.network.generate.platform import Platform, add_dns
from seawall.analysis.network.generate.policies import MANAGED_BY, OWN, BadName, Generated, Writer
from seawall.analysis.network.generate.scraping import Scraping
from seawall.analysis.network.generate.units import Unit, Units
from seawall.analysis.network.generate.verify import Replay, Wider, replay_all, wider, with_policies
from seawall.analysis.network.reach import Reach
from seawall.model.flow import FlowRecord
from seawall.model.kube.base import InvalidField
from seawall.model.reach import Note
from seawall.model.resource import Resource, namespace_of

#: Left alone unless they are asked for by name: closing them can stop the cluster.
SYSTEM = frozenset(("kube-system", "kube-public", "kube-node-lease"))
_SYSTEM_PREFIX = "openshift-"


class Request(Struct, frozen=True):
    """What to write. ``namespaces`` empty means all but the system's; ``width`` is the prefix length by which outside
    IPv4 addresses are grouped, None for one address a block."""

    namespaces: tuple[str, ...] = ()
    use_manifests: bool = True
    use_flows: bool = False
    isolate_unobserved: bool = False
    width: int | None = None


class Proof(Struct, gc=False):
    """What the evaluation says: pairs of different workloads with any port open, and what became of the flows."""

    pairs_before: int
    pairs_after: int
    possible: int
    replay: Replay
    wider: list[Wider]


class Result(Struct, gc=False):
    """Everything there is to tell.

    ``silent`` are directions of covered workloads for which nothing is known; ``withheld`` namespaces that stay open by
    default, for the workloads named; ``unknown`` flows with an end that was not read, at a workload that is covered.
    """

    policies: list[Generated]
    proof: Proof
    covered: list[str]
    unobserved: list[str]
    not_holdable: list[str]
    silent: list[tuple[str, Direction]]
    withheld: dict[str, list[str]]
    left_alone: list[str]
    unknown: list[str]
    denied: list[tuple[str, Seen]]
    skipped: Counter[str]
    unresolved: list[str]
    notes: list[Note]
    stale: list[str]
    bad_names: list[str]
    problems: list[Problem]
    overflow: int = 0


class Synthesis:
    """One run over a cluster that was read; flows are added before :meth:`finish`."""

    def __init__(self, reach: Reach, request: Request) -> None:
        self._reach, self._request = reach, request
        self._units, self._needs, self._directory = Units(reach.world), Needs(), Directory(reach)
        self._observed = Observed(self._directory)

    def add(self, records: Iterable[FlowRecord]) -> None:
        """Add observed flows."""
        self._observed.add_all(records)

    def finish(self) -> Result:
        """Write the policies and evaluate them."""
        declared = Declared(self._reach, self._units, self._needs, self._directory)
        if self._request.use_manifests:
            declared.read()
            Platform(declared).read()
            Scraping(declared).read()
        placed = Placed([], [])
        if self._request.use_flows:
            placed = Placer(self._directory, self._units, self._needs, self._request.width).place(self._observed)
        scope = [unit for unit in self._units.all if self._in_scope(unit.namespace)]
        dns = [(unit_peer(p) if isinstance(p, Unit) else p, ports) for p, ports in add_dns(declared, scope)]
        covered = [unit for unit in scope if unit.number in self._needs.seen]
        self._note(placed)
        return self._evaluate(scope, covered, dns, placed)

    def _in_scope(self, namespace: str) -> bool:
        if self._request.namespaces:
            return namespace in self._request.namespaces
        return namespace not in SYSTEM and not namespace.startswith(_SYSTEM_PREFIX)

    def _note(self, placed: Placed) -> None:
        if placed.health:
            self._needs.note(
                f"{placed.health} flows from nodes to ports of probes are taken for health checks: the kubelet always "
                "reaches the pods of its own node, so that no rule is needed"
            )

    def _evaluate(
        self,
        scope: list[Unit],
        covered: list[Unit],
        dns: Sequence[tuple[Peer, Sequence[tuple[str, int]]]],
        placed: Placed,
    ) -> Result:
        own, others = self._existing()
        numbers = {unit.number for unit in covered}
        writer = Writer(self._units, self._needs, ((namespace_of(r), r.ref.name) for r in others))
        policies, withheld, bad = self._write(writer, scope, numbers, dns)
        names = {(each.namespace, each.name) for each in policies}
        replaced = {id(r) for r in own if (namespace_of(r), r.ref.name) in names}
        stale = [str(r.ref) for r in own if id(r) not in replaced and self._in_scope(namespace_of(r))]
        after, drafted = with_policies(self._reach, [each.value for each in policies], replaced)
        workloads = len(self._reach.world.workloads)
        proof = Proof(
            count_pairs(self._reach),
            count_pairs(after),
            workloads * (workloads - 1),
            replay_all(self._reach, after, placed.checked),
            list(wider(after, self._units, covered, {id(policy.resource) for policy in drafted.policies})),
        )
        return Result(
            policies=policies,
            proof=proof,
            covered=[unit.label for unit in covered],
            unobserved=[u.label for u in scope if u.number not in numbers],
            not_holdable=[w.label for w in self._units.host_network if self._in_scope(w.namespace)],
            silent=[(u.label, d) for u in covered for d in Direction if self._is_silent(u, d, dns)],
            withheld=withheld,
            left_alone=[each for each in self._units.by_namespace if not self._in_scope(each)],
            unknown=sorted(describe(key) for key in placed.unknown if self._holds(key, numbers)),
            denied=sorted(((describe(key), seen) for key, seen in self._observed.denied.items()), key=lambda i: i[0]),
            skipped=self._observed.skipped + Counter({_NOT_HELD: placed.outside_scope}),
            unresolved=sorted(self._needs.unresolved),
            notes=list(self._needs.notes),
            stale=stale,
            bad_names=bad,
            problems=drafted.problems,
            overflow=self._observed.overflow,
        )

    def _write(
        self,
        writer: Writer,
        scope: list[Unit],
        numbers: set[int],
        dns: Sequence[tuple[Peer, Sequence[tuple[str, int]]]],
    ) -> tuple[list[Generated], dict[str, list[str]], list[str]]:
        """The policies, the namespaces that stay open by default with why, and names that no policy can have."""
        policies: list[Generated] = []
        withheld: dict[str, list[str]] = {}
        bad: list[str] = []
        for namespace in dict.fromkeys(unit.namespace for unit in scope):
            units = self._units.by_namespace[namespace]
            unknown = [unit.label for unit in units if unit.number not in numbers]
            try:
                if unknown and not self._request.isolate_unobserved:
                    withheld[namespace] = unknown
                else:
                    policies.append(writer.default(namespace, dns))
            except BadName as error:
                bad.append(str(error))
            for unit in units:
                try:
                    if unit.number in numbers:
                        policies += [writer.policy(unit, direction) for direction in Direction]
                except BadName as error:
                    bad.append(str(error))
        return policies, withheld, bad

    def _is_silent(self, unit: Unit, direction: Direction, dns: Sequence[tuple[Peer, object]]) -> bool:
        peers = {peer for peer, _ in dns} if direction is Direction.EGRESS else set()
        return not self._needs.of(unit, direction).keys() - peers

    def _holds(self, key: tuple[object, ...], numbers: set[int]) -> bool:
        """Whether a flow has an end at a unit that is covered."""
        units = [self._units.of.get(getattr(end, "text", "")) for end in key[:2]]
        return any(unit is not None and unit.number in numbers for unit in units)

    def _existing(self) -> tuple[list[Resource], list[Resource]]:
        """NetworkPolicies that were read: of earlier runs, and others."""
        own: list[Resource] = []
        others: list[Resource] = []
        for resource in self._reach.inventory.of_kind("NetworkPolicy"):
            try:
                is_own = resource.metadata.labels.get(MANAGED_BY) == OWN
            except InvalidField:
                is_own = False
            (own if is_own else others).append(resource)
        return own, others


_NOT_HELD = "between ends that no policy holds"
