"""What a reader must know of an answer: where it depends on something that no object says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from seawall.analysis.network.ends import CONTROLLER, GATEWAY
from seawall.analysis.network.form import Action, AddressSet, Direction, NodeSet, PodSet, Policy, Rule, Tier
from seawall.analysis.network.ranges import EVERYWHERE
from seawall.analysis.network.reach import Reach
from seawall.analysis.network.world import NAME_LABEL
from seawall.model.kube.base import InvalidField
from seawall.model.reach import Note

_SHOWN = 5


def notes(reach: Reach) -> Iterator[Note]:
    """All that applies to an answer."""
    yield from _host_network(reach)
    yield from _variants(reach)
    yield from _namespaces(reach)
    yield from _addresses(reach)
    yield from _equal_priorities(reach)
    yield from _controllers(reach)
    yield from _services(reach)


def _names(labels: Iterable[str]) -> str:
    found = list(labels)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more


def _host_network(reach: Reach) -> Iterator[Note]:
    found = [workload.label for workload in reach.world.workloads if workload.host_network]
    if found:
        yield Note(
            f"pods in their node's network are held by no policy that can be relied on: what reaches {_names(found)}, "
            "and what they reach, depends on the CNI"
        )


def _variants(reach: Reach) -> Iterator[Note]:
    ends = reach.index.ends
    found = [w.label for n, w in enumerate(reach.world.workloads) if (ends.workload_classes[n]).bit_count() > 1]
    if found:
        yield Note(f"policies tell pods of one workload apart; what any of its pods may do is told of {_names(found)}")


def _namespaces(reach: Reach) -> Iterator[Note]:
    """Namespaces of which only the name is known, where policies ask for other labels."""
    asked = {
        term.key
        for policy in reach.index.policies
        for each in [policy.subject, *(p for d in Direction for r in policy.rules(d) or () for p in r.peers or ())]
        if isinstance(each, PodSet)
        for term in each.namespaces
    }
    unknown = [name for name in sorted(reach.world.namespaces) if name not in reach.world.namespace_objects]
    if unknown and asked - {NAME_LABEL}:
        yield Note(
            f"policies select namespaces by {_names(sorted(asked - {NAME_LABEL}))}, and of {_names(unknown)} no "
            "Namespace object was read: they are taken to have no labels but their name"
        )


def _addresses(reach: Reach) -> Iterator[Note]:
    unknown = any(not each.addresses and not each.host_network for each in reach.index.ends.classes)
    for policy in reach.index.policies:
        for rule in (rule for direction in Direction for rule in policy.rules(direction) or ()):
            for peer in rule.peers or ():
                if isinstance(peer, NodeSet) and not reach.world.nodes():
                    yield Note(
                        "a rule names nodes, of which none is known: it is read as matching none", policy.resource.ref
                    )
                partial = isinstance(peer, AddressSet) and peer.covers_pods and EVERYWHERE[4] not in peer.ranges
                if partial and unknown:
                    yield Note(
                        "a rule names addresses that pods may have too; pods of unknown address are read as not meant",
                        policy.resource.ref,
                    )


class Clash(NamedTuple):
    """Two policies of one tier and priority whose rules say different things of the same connections."""

    first: Policy
    second: Policy
    direction: Direction
    rule: Rule
    other: Rule


def equal_priorities(reach: Reach) -> Iterator[Clash]:
    """Policies whose order is undefined, and matters."""
    index = reach.index
    for number, first in enumerate(index.policies):
        if first.tier is Tier.NAMESPACE:
            continue
        for at in range(number + 1, len(index.policies)):
            second = index.policies[at]
            if (second.tier, second.priority) != (first.tier, first.priority):
                break
            if index.subjects[number] & index.subjects[at]:
                yield from _clash(reach, first, second)


def _clash(reach: Reach, first: Policy, second: Policy) -> Iterator[Clash]:
    for direction in Direction:
        for rule in first.rules(direction) or ():
            for other in second.rules(direction) or ():
                if rule.action is not other.action and _meet(reach, rule, other, direction):
                    yield Clash(first, second, direction, rule, other)
                    return


def _meet(reach: Reach, rule: Rule, other: Rule, direction: Direction) -> bool:
    """Whether two rules can match one connection; ports by name are taken to meet any."""
    index = reach.index
    named = any(match.name for match in (*(rule.ports or ()), *(other.ports or ())))
    mine = index.effect(rule, direction, None)
    theirs = index.effect(other, direction, None)
    return any(a & b and (named or m & n) for m, a in mine for n, b in theirs)


def _equal_priorities(reach: Reach) -> Iterator[Note]:
    for clash in equal_priorities(reach):
        words = {Action.ALLOW: "allows", Action.DENY: "denies", Action.PASS: "passes on"}
        yield Note(
            f"{clash.first.title} and {clash.second.title} have equal priority, and one {words[clash.rule.action]} "
            f"what the other {words[clash.other.action]}: which wins is undefined; read in the order of their names",
            clash.first.resource.ref,
        )


def _controllers(reach: Reach) -> Iterator[Note]:
    for controller in (CONTROLLER, GATEWAY):
        seen = set()
        for target in reach.controller_targets(controller):
            label, (protocol, port) = target.workload.label, target.port
            if (label, port) in seen:
                continue
            seen.add((label, port))
            number = reach.number(label)
            allowed = reach.from_controller(number) if number is not None else 0
            if not target.declared:
                yield Note(
                    f"{controller.label} is led to {protocol} {port} of {label}, a port that no container declares"
                )
            elif not allowed & reach.index.ports.mask(protocol, port, port):
                yield Note(
                    f"{controller.label} is led to {protocol} {port} of {label}, but no policy lets just any pod in: "
                    "whether the real controller may is not known"
                )


def _services(reach: Reach) -> Iterator[Note]:
    for entry in reach.entries:
        for backend in entry.backends:
            if (backend.namespace, backend.service) not in reach.services.by_name:
                yield Note(
                    f"leads to Service {backend.namespace}/{backend.service}, which is not known", entry.resource.ref
                )
    for resource in reach.services.by_name.values():
        try:
            view: Any = resource.view
            if view.spec.type == "ExternalName":
                yield Note(f"stands for the outside name {view.spec.external_name}", resource.ref)
        except InvalidField:
            continue
