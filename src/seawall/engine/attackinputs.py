"""Hands what the analyses of access and network know to that of paths, in its terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from seawall.analysis.access import AccessIndex, Closure, Point, Step, facts_of
from seawall.analysis.access.capabilities import CLUSTER_ONLY, NEEDS, Capability, Need, gift_of
from seawall.analysis.access.gains import gains
from seawall.analysis.access.judging import own_bindings
from seawall.analysis.access.matching import CompiledRule, compile_rule
from seawall.analysis.access.points import Facts
from seawall.analysis.network.exposure import exposures
from seawall.analysis.network.form import AddressRange
from seawall.analysis.network.index import Options
from seawall.analysis.network.match import EndMatch
from seawall.analysis.network.mesh import build_mesh
from seawall.analysis.network.reach import Reach
from seawall.analysis.paths.inputs import Escalation, Gain, Inputs, Right
from seawall.analysis.paths.services import METADATA
from seawall.model.access import Grant, Subject
from seawall.model.kube.rbac import PolicyRule
from seawall.model.reach import EndKind
from seawall.model.resource import Inventory
from seawall.model.version import KubernetesVersion, parse_version

_C = Capability
#: What a need is called as a deed; needs of one capability that differ in what they do have names of their own.
_DEEDS = {
    _C.TOKEN_REQUEST: "request tokens",
    _C.MAKE_SECRETS: "create secrets",
    _C.BE_USERS: "impersonate users",
    _C.BE_GROUPS: "impersonate groups",
    _C.BE_ACCOUNTS: "impersonate accounts",
    _C.BE_SOME_ACCOUNT: "impersonate some account",
    _C.BE_SOME_USER: "impersonate some user",
    _C.ESCALATE_ROLES: "escalate roles",
    _C.EDIT_ROLES: "change roles",
    _C.BIND_ROLES: "bind cluster roles",
    _C.BIND_OWN_ROLES: "bind roles",
    _C.MAKE_BINDINGS: "create role bindings",
    _C.ESCALATE_CLUSTER_ROLES: "escalate cluster roles",
    _C.EDIT_CLUSTER_ROLES: "change cluster roles",
    _C.BIND_CLUSTER_ROLES: "bind any cluster role",
    _C.MAKE_CLUSTER_BINDINGS: "create cluster role bindings",
    _C.MAKE_REQUESTS: "request certificates",
    _C.NODE_CLIENTS: "request certificates of nodes",
    _C.APPROVE_REQUESTS: "approve certificates",
    _C.APPROVE_FOR_CLIENTS: "approve for the signer of clients",
    _C.PROXY_NODES: "proxy to nodes",
    _C.CHANGE_REQUESTS: "write mutating webhooks",
    _C.MAKE_POLICIES: "write mutating policies",
    _C.BIND_POLICIES: "bind mutating policies",
    _C.MAKE_VOLUMES: "create volumes",
    _C.MAKE_CLAIMS: "create volume claims",
    _C.LABEL_NAMESPACES: "change namespaces",
    _C.MAP_CLOUD_IDENTITIES: "write aws-auth",
}
_ENTER = {
    "pods/exec": "exec into pods",
    "pods/attach": "attach to pods",
    "pods/ephemeralcontainers": "add containers to pods",
    "pods": "patch pods",
}


#: What lets one read logs, which the analysis of access has no capability for.
_LOGS = (
    (Need(_C.PROXY_NODES, ("get",), "", ("nodes/log",)), "read logs of nodes"),
    (Need(_C.PROXY_NODES, ("get",), "", ("pods/log",)), "read logs of pods"),
)


@lru_cache(maxsize=8)
def _deeds(version: KubernetesVersion) -> tuple[tuple[Need, str, str], ...]:
    """Every need at a version, split where deeds differ, with the deed and the capability that it is for."""
    found: list[tuple[Need, str, str]] = []
    for need in NEEDS:
        if not need.holds_at(version):
            continue
        if need.capability is _C.ENTER_PODS:
            found += [(_split(need, need.verbs, what), _ENTER[what], need.capability.name) for what in need.resources]
        elif need.capability is _C.READ_SECRETS:
            found.append((_split(need, ("get",), "secrets"), "get secrets", need.capability.name))
            found.append((_split(need, ("list", "watch"), "secrets"), "list secrets", need.capability.name))
        elif need.capability is _C.RUN_PODS:
            deed = "create pods" if need.resources == ("pods",) else f"write {' '.join(need.resources)}"
            found.append((need, deed, need.capability.name))
        else:
            found.append((need, _DEEDS[need.capability], need.capability.name))
    found += [(need, deed, "READ_LOGS") for need, deed in _LOGS]
    return tuple(found)


def _split(need: Need, verbs: tuple[str, ...], resource: str) -> Need:
    return Need(need.capability, verbs, need.group, (resource,), need.name, need.one_will_do, need.since, need.until)


class _Deed:
    """What one rule gives, whoever holds it: deed, capability, name, verbs, resources."""

    def __init__(self, version: KubernetesVersion) -> None:
        self._deeds = _deeds(version)
        self._known: dict[PolicyRule, list[tuple[str, str, str, tuple[str, ...], tuple[str, ...]]]] = {}

    def of(self, rule: PolicyRule) -> list[tuple[str, str, str, tuple[str, ...], tuple[str, ...]]]:
        found = self._known.get(rule)
        if found is None:
            found = self._known[rule] = list(self._find(rule, compile_rule(rule)))
        return found

    def _find(
        self, rule: PolicyRule, compiled: CompiledRule
    ) -> Iterator[tuple[str, str, str, tuple[str, ...], tuple[str, ...]]]:
        if compiled.verbs is None and compiled.groups is None and compiled.resources is None and not compiled.names:
            yield "do everything", "EVERYTHING", "", (), ()
            return
        if not rule.resources:
            return
        for need, deed, capability in self._deeds:
            gift = gift_of(compiled, (need,))
            verbs = tuple(verb for verb in rule.verbs if verb in need.verbs)
            resources = tuple(each for each in rule.resources if each in need.resources)
            if gift.mask:
                yield deed, capability, "", verbs, resources
            for _, names in gift.named:
                for name in sorted(names):
                    yield deed, capability, name, verbs, resources


def rights_of(grants: Iterable[Grant], version: KubernetesVersion) -> Iterator[Right]:
    """What every grant gives each of its subjects."""
    deeds = _Deed(version)
    only_whole = {each.name for each in CLUSTER_ONLY}
    for grant in grants:
        for number, rule in enumerate(grant.rules):
            for deed, capability, name, verbs, resources in deeds.of(rule):
                if grant.namespace and capability in only_whole:
                    continue
                place = grant.namespace
                if capability == "LABEL_NAMESPACES" and name:
                    if place not in ("", name):
                        continue
                    place, name = name, ""
                for subject in dict.fromkeys(grant.subjects):
                    yield Right(subject, deed, capability, place, name, grant, number, verbs, resources)


class _Gains:
    """What capabilities lead to, as the analysis of access has it."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def __call__(self, namespace: str, capabilities: frozenset[str]) -> Iterator[Gain]:
        mask = sum(1 << Capability[name] for name in capabilities if name in Capability.__members__)
        for wanted, hub, how, assumed in gains(namespace, mask, self._facts):
            yield Gain(tuple(each.name for each in wanted), hub.kind, hub.namespace, how, assumed, str(hub))


#: Since then a kubelet may request tokens only for audiences that pods on its node mount one for.
#: Source: the feature gate ServiceAccountNodeAudienceRestriction, on by default.
_AUDIENCES_RESTRICTED = parse_version("1.33")
_BY_NAME = frozenset(
    ("BIND_ROLES", "BIND_OWN_ROLES", "ESCALATE_ROLES", "EDIT_ROLES", "ESCALATE_CLUSTER_ROLES", "EDIT_CLUSTER_ROLES",
     "BE_GROUPS")
)  # fmt: skip


def _escalations(
    index: AccessIndex, facts: Facts, version: KubernetesVersion, rights: Iterable[Right]
) -> Iterator[Escalation]:
    """Steps by roles or groups that are named; the closure is made only where some right names one."""
    if not any(each.capability == "BIND_OWN_ROLES" or (each.name and each.capability in _BY_NAME) for each in rights):
        return
    for step in Closure(index, facts, version).steps_by_name():
        source, target = _end(step.source), _end(step.target)
        proofs = tuple((_holder(step, grant), grant, rule) for grant, rule in step.grants if grant.subjects)
        yield Escalation(source, target, step.how, proofs)


def _end(point: Point) -> Subject | Gain:
    return point if isinstance(point, Subject) else Gain((), point.kind, point.namespace, "", name=str(point))


def _holder(step: Step, grant: Grant) -> Subject:
    return step.source if isinstance(step.source, Subject) and step.source in grant.subjects else grant.subjects[0]


class _Traffic:
    """Who reaches whom over the network."""

    def __init__(self, inventory: Inventory) -> None:
        mesh = build_mesh(inventory)
        options = Options(
            ports=mesh.ports(),
            outside=EndMatch(METADATA).addresses,
            fact=mesh.fact if mesh.present else None,
            gate=mesh.gate if mesh.present else None,
        )
        self.reach = Reach(inventory, options)

    def sources(self, label: str) -> Iterator[tuple[str, int]]:
        for each in self.reach.connections(lambda end: end.type is EndKind.WORKLOAD, lambda end: end.label == label):
            yield each.source.label, each.ports[0].first

    def out(self, label: str, address: str, port: int) -> bool:
        number = self.reach.number(label)
        if number is None:
            return False
        wanted: AddressRange = EndMatch(address).addresses[0]
        mask = self.reach.index.ports.mask("TCP", port, port)
        ends = self.reach.index.ends
        for bit in range(ends.size):
            if ends.targets_outside >> bit & 1 and ends.ranges[bit].version == wanted.version:
                here = ends.ranges[bit]
                if here.first <= wanted.first <= here.last and self.reach.between(number, ~bit) & mask:
                    return True
        return False


def inputs_of(
    inventory: Inventory,
    index: AccessIndex,
    version: KubernetesVersion,
    exploited: Mapping[str, tuple[str, ...]] | None = None,
) -> Inputs:
    """Everything that the graph of an inventory is built from."""
    facts = facts_of(inventory)
    traffic = _Traffic(inventory)
    rights = tuple(rights_of(index.grants, version))
    return Inputs(
        inventory=inventory,
        rights=rights,
        escalations=tuple(_escalations(index, facts, version, rights)),
        gains=_Gains(facts),
        accounts=facts.accounts,
        fixed=own_bindings(inventory),
        open=facts.open,
        unread=facts.namespaces - facts.open - facts.guarded,
        exposures=tuple(exposures(traffic.reach)),
        sources=traffic.sources,
        reaches_out=traffic.out,
        exploited=exploited,
        any_token=version < _AUDIENCES_RESTRICTED,
    )
