"""Who shares nodes with whom: sensitive and untrusted workloads, tenants, code of others without a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.analysis.isolation.judging import TENANT_KEYS, blast_of, field, listed, may_mistrust, settle, world_of
from seawall.model.finding import Confidence, Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.analysis.isolation.nodes import NodeFacts
    from seawall.analysis.isolation.units import Unit
    from seawall.analysis.isolation.world import World
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_NIST = "https://doi.org/10.6028/NIST.SP.800-190"
_MULTI = "https://kubernetes.io/docs/concepts/security/multi-tenancy/"
_SANDBOX = "https://kubernetes.io/docs/concepts/containers/runtime-class/"
_LEVELS = (
    "A workload's level is that of the label or annotation seawall.dev/sensitivity (sensitive, untrusted, ordinary) of "
    "it or its namespace; else it is inferred, and the message says from what."
)
_KINDS = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "ReplicationController")


@rule(
    "sensitive-beside-untrusted",
    title="Sensitive workload shares nodes with an untrusted one",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="Containers of a node share its kernel: whoever breaks out of the workload that strangers reach reads the "
    "memory, volumes, Secrets and tokens of the sensitive one beside it.",
    remediation="Give one of them nodes of its own, by a taint and an affinity; `seawall isolation plan` writes both.",
    controls="mitre-attack:T1611",
    references=(_NIST, _MULTI),
    notes="High where the untrusted pod takes its node by its settings alone, low in a cluster of one node. Where no "
    "pod is bound to a node it is low, and told only of workloads that are sensitive by more than the data store "
    f"that they run. Untrusted pods in a sandbox are left out. {_LEVELS}",
)
def sensitive_beside_untrusted(inventory: Inventory, ctx: Context) -> Hits:
    if len(inventory.of_kind(*_KINDS)) < 2 or not ctx.once(may_mistrust):
        return
    world = world_of(ctx)
    untrusted = {u.label: u for u in world.units if world.judgement(u).level == "untrusted" and not world.sandbox(u)}
    if not untrusted:
        settle(world)
        return
    together: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for name, here in world.on.items():
        strangers = [label for label in here if label in untrusted]
        for label in here if strangers else ():
            nodes, others = together.setdefault(label, ({}, {}))
            nodes[name] = None
            others.update(dict.fromkeys(strangers))
    for label, (on, others) in together.items():
        unit = world.units.by_label[label]
        if world.judgement(unit).level == "sensitive":
            yield from _beside(world, ctx, unit, list(on), [untrusted[other] for other in others])
    settle(world)


def _beside(world: World, ctx: Context, unit: Unit, nodes: list[str], others: list[Unit]) -> Iterator[Hit]:
    judged = world.judgement(unit)
    bound = world.placement == "bound"
    if not bound and not judged.given and judged.reason.startswith("it runs"):
        return
    blast = blast_of(ctx)
    others.sort(key=lambda each: (not blast.escape(each), each.label))
    first = others[0]
    way = blast.escape(first)
    where = f"runs on {listed(nodes)} beside" if bound else "is kept off no node of"
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    severity = Severity.LOW if not bound or len(world.nodes) == 1 else Severity.HIGH if way else Severity.MEDIUM
    sure = judged.given and world.judgement(first).given
    yield Hit(
        f"it is sensitive ({judged.reason}) and {where} {first.label}, which is untrusted "
        f"({world.judgement(first).reason}{f'; {way}' if way else ''}){more}",
        field(unit, "nodeSelector"),
        resource=unit.resource,
        severity=severity,
        confidence=Confidence.HIGH if sure else Confidence.MEDIUM,
        related=tuple((each.resource.ref, world.judgement(each).reason) for each in others[:3]),
    )


@rule(
    "tenant-pool-shared",
    title="Workload on nodes that are kept for another tenant",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="The nodes were set apart so that a breach of one tenant stays with it; with a pod of another tenant among "
    "them it does not, in either direction.",
    remediation="Taint the nodes with NoSchedule for their tenant, and move the workload to nodes of its own.",
    controls="mitre-attack:T1611",
    references=(_MULTI,),
    notes="Judged where a label or taint of a node (tenant, team, owner, customer, dedicated, namespace) names a "
    "tenant that has workloads. DaemonSets and namespaces of the cluster itself are left out.",
)
def tenant_pool_shared(inventory: Inventory, ctx: Context) -> Hits:
    nodes = inventory.of_kind("Node")
    if not nodes or not inventory.of_kind("Pod"):
        return
    world = world_of(ctx)
    tenants = {world.tenant(unit) for unit in world.units} | {unit.namespace for unit in world.units}
    broken: dict[str, list[str]] = {}
    for facts in world.nodes.values():
        told = _kept_for(facts, tenants)
        for unit in world.on_node(facts.name) if told is not None and world.placement == "bound" else ():
            if not unit.daemon and told is not None and not _belongs(world, unit, told[0]):
                broken.setdefault(unit.label, []).append(f"{facts.name} ({told[1]})")
    for label, on in broken.items():
        unit = world.units.by_label[label]
        message = f"it is of tenant {world.tenant(unit)} and runs on {listed(on)}"
        yield Hit(message, field(unit, "nodeSelector"), resource=unit.resource)
    settle(world)


def _kept_for(facts: NodeFacts, tenants: set[str]) -> tuple[str, str] | None:
    """The tenant that a node is kept for, with the label or taint that says so."""
    found = [(t.value, f"taint {t}") for t in facts.taints if t.key.rpartition("/")[2].lower() in TENANT_KEYS]
    found += [(v, f"label {k}={v}") for k, v in facts.labels.items() if k.rpartition("/")[2].lower() in TENANT_KEYS]
    return next((each for each in found if each[0] in tenants), None)


def _belongs(world: World, unit: Unit, tenant: str) -> bool:
    from seawall.analysis.isolation.sensitivity import SYSTEM

    return tenant in (world.tenant(unit), unit.namespace) or world.tenant(unit) == SYSTEM


@rule(
    "untrusted-without-sandbox",
    title="Code of others runs without a sandbox",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="Build runners, notebooks and plugins run what others wrote; under the usual runtime one hole in the kernel "
    "takes it to the node and to every pod there.",
    remediation="Name a RuntimeClass of gVisor, Kata or another sandbox in runtimeClassName.",
    controls="mitre-attack:T1611",
    references=(_SANDBOX,),
    notes="Judged for workloads with the label seawall.dev/sensitivity=untrusted (theirs or their namespace's) and "
    "for images that run code of others: runners of CI, builders of images, notebooks. High where the pod takes its "
    "node by its settings alone, low where it has a user namespace. A runtime class that was not read counts as a "
    "sandbox.",
)
def untrusted_without_sandbox(inventory: Inventory, ctx: Context) -> Hits:
    if not inventory.of_kind(*_KINDS) or not ctx.once(may_mistrust):
        return
    world = world_of(ctx)
    for unit in world.units:
        judged = world.judgement(unit)
        if judged.level != "untrusted" or world.sandbox(unit) or not (judged.given or "runs code" in judged.reason):
            continue
        way = blast_of(ctx).escape(unit)
        walled = unit.spec.host_users is False
        name = unit.spec.runtime_class_name
        what = f"the runtime class {name!r} is no sandbox" if name else "it has no runtime class"
        yield Hit(
            f"{what}, and it is untrusted: {judged.reason}{f'; {way}' if way else ''}",
            field(unit, "runtimeClassName"),
            resource=unit.resource,
            severity=Severity.HIGH if way else Severity.LOW if walled else None,
            confidence=Confidence.HIGH if judged.given else Confidence.MEDIUM,
        )
    settle(world)
