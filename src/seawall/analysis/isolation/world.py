"""What is where: units on nodes, as pods are bound, as they could be scheduled, or as their wishes for nodes tell."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from seawall.analysis.isolation.escape import way_out
from seawall.analysis.isolation.nodes import NodeFacts, nodes_of
from seawall.analysis.isolation.scheduling import Demand, dicts, is_dedicating, kept_off, takes
from seawall.analysis.isolation.sensitivity import Judge, Judgement, Level, tenant_of
from seawall.analysis.isolation.units import Unit, Units
from seawall.model.kube.base import InvalidField
from seawall.model.kube.node import Taint
from seawall.model.programs import APISERVER, find_program
from seawall.model.resource import Inventory, namespace_of
from seawall.model.standing import Standing, Unknown
from seawall.model.version import NEWEST, KubernetesVersion

#: Handlers of runtimes that share the node's kernel.
_PLAIN_RUNTIMES = frozenset(("", "runc", "crun", "docker", "containerd", "nvidia", "youki"))
ANY_NODE = "any node"
#: Labels that every node has: asking for them keeps nobody apart.
COMMON = frozenset(
    ("kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch")
)  # fmt: skip


class Options(Struct, frozen=True):
    """Labels that tell the pool of a node and the tenant of a workload, before the usual ones; and levels by
    ``ns/name[Kind]``, ``ns/name`` or ``ns``."""

    pool_labels: tuple[str, ...] = ()
    tenant_labels: tuple[str, ...] = ()
    levels: Mapping[str, Level] = {}


class World:
    """An inventory as isolation sees it. Build once, ask often.

    ``placement`` is ``bound`` where pods are on nodes, ``possible`` where nodes are known and no pod is bound,
    ``presumed`` where there are no nodes either. ``on`` counts the pods of each unit (by label) on each node.

    Raises (on construction):
        NotRead: nodes, workloads or accounts were not read.
    """

    def __init__(
        self,
        inventory: Inventory,
        standing: Standing | None = None,
        options: Options | None = None,
        version: KubernetesVersion = NEWEST,
    ) -> None:
        self.inventory = inventory
        self.standing: Standing = standing or Unknown()
        self.options = options or Options()
        self.version = version
        self.nodes: dict[str, NodeFacts] = nodes_of(inventory, self.options.pool_labels)
        self.units = Units(inventory)
        self.namespaces = _namespaces(inventory)
        self._judge = Judge(self.standing, self.namespaces, self.options.levels)
        self._judged: dict[str, Judgement] = {}
        self.on: dict[str, dict[str, int]] = {name: {} for name in self.nodes}
        self.placement = self._place()

    def judgement(self, unit: Unit) -> Judgement:
        """The level of a unit, worked out once."""
        found = self._judged.get(unit.label)
        if found is None:
            found = self._judged[unit.label] = self._judge.judge(unit)
        return found

    def leave_out_unread(self) -> None:
        """Take out units of which something that counts cannot be read, and note them in ``units.unread``.

        For who judges all together and must not fail for one; rules fail for that one alone.

        Raises:
            InvalidField: that of a taint of a node.
        """
        for node in self.nodes.values():
            for taint in node.taints:
                _ = taint.key, taint.value, taint.effect
        for unit in list(self.units):
            try:
                self.judgement(unit)
                way_out(unit.spec)
                for each in unit.demand.tolerations:
                    _ = each.key, each.operator, each.value, each.effect
            except InvalidField as invalid:
                self.units.unread.append((unit.resource, invalid))
                del self.units.by_label[unit.label]
                for here in self.on.values():
                    here.pop(unit.label, None)

    def tenant(self, unit: Unit) -> str:
        """Whose a unit is."""
        return tenant_of(unit, self.namespaces, self.options.tenant_labels)

    def sandbox(self, unit: Unit) -> str:
        """The runtime class that puts a wall around a unit's pods; empty where they share the node's kernel.

        A class that was not read is taken for a sandbox, as nobody names the usual runtime.
        """
        name = unit.spec.runtime_class_name or ""
        handler = self._handlers.get(name, name)
        return "" if handler in _PLAIN_RUNTIMES else name

    @cached_property
    def _handlers(self) -> dict[str, str]:
        if "RuntimeClass" in self.inventory.unread:
            return {}
        classes: dict[str, Any] = {each.ref.name: each.view for each in self.inventory.of_kind("RuntimeClass")}
        return {name: view.handler for name, view in classes.items()}

    def on_node(self, name: str) -> list[Unit]:
        """The units on a node."""
        return [self.units.by_label[label] for label in self.on.get(name, ())]

    @cached_property
    def idle(self) -> list[Unit]:
        """Where pods are bound: the units that have none on any node now."""
        return [unit for unit in self.units if self.placement == "bound" and not unit.nodes]

    @cached_property
    def restricted(self) -> bool | None:
        """Whether the API server runs NodeRestriction; None where nothing tells."""
        for unit in self.units:
            for container in unit.spec.containers if "apiserver" in unit.label else ():
                try:
                    program = find_program(container)
                except InvalidField:
                    continue
                if program is not None and program.name == APISERVER:
                    off = "NodeRestriction" in program.items("disable-admission-plugins")
                    return "NodeRestriction" in program.items("enable-admission-plugins") and not off
        return None

    def _place(self) -> str:
        bound = False
        for unit in self.units:
            for pod in unit.pods:
                if pod.node:
                    bound = True
                    here = self.on.setdefault(pod.node, {})
                    here[unit.label] = here.get(unit.label, 0) + 1
        for name in self.on:
            self.nodes.setdefault(name, NodeFacts(name))
        if bound:
            return "bound"
        if self.nodes:
            for unit in self.units:
                for node in self.nodes.values():
                    if takes(unit.demand, node.name, node.labels, node.taints):
                        self.on[node.name][unit.label] = 1
            return "possible"
        self._presume()
        return "presumed"

    def _presume(self) -> None:
        """Nodes of which only the wishes of workloads are known: one a set of labels, with the taints tolerated."""
        taints: dict[str, dict[Taint, None]] = {}
        wishes: dict[str, Demand] = {}
        for unit in self.units:
            name = wish(unit.demand)
            wishes.setdefault(name, unit.demand)
            kept = taints.setdefault(name, {})
            if name != ANY_NODE:
                kept.update(dict.fromkeys(presumed_taints(unit.demand)))
        for name, demand in wishes.items():
            labels = dict(demand.selector)
            self.nodes[name] = NodeFacts(name, labels, tuple(taints[name]), name)
            self.on[name] = {}
            for unit in self.units:
                own = wish(unit.demand)
                fits = own in (name, ANY_NODE) or (
                    unit.demand.terms is None and unit.demand.selector.items() <= labels.items()
                )
                if fits and kept_off(unit.demand.tolerations, taints[name]) is None:
                    self.on[name][unit.label] = 1


def wish(demand: Demand) -> str:
    """The nodes that pods ask for, in words; labels that every node has do not count."""
    parts = [f"{key}={value}" for key, value in sorted(demand.selector.items()) if key not in COMMON]
    for term in demand.terms or ():
        told = [_told(each) for each in dicts(term.get("matchExpressions"))]
        parts += [" and ".join(each for each in told if each)] if any(told) else []
    return f"nodes with {', '.join(parts)}" if parts else ANY_NODE


def _told(expression: Mapping[str, Any]) -> str:
    key, values = str(expression.get("key")), expression.get("values")
    if key in COMMON:
        return ""
    listed = "|".join(map(str, values)) if isinstance(values, list) and values else ""
    words = {"In": f"{key}={listed}", "NotIn": f"{key} not {listed}", "Exists": key, "DoesNotExist": f"no {key}"}
    return words.get(str(expression.get("operator")), f"{key} {expression.get('operator')} {listed}")


def presumed_taints(demand: Demand) -> list[Taint]:
    """The taints that pods tolerate by name, as their nodes are likely to have them."""
    found = (Taint(each.key, each.value, each.effect or "NoSchedule") for each in demand.tolerations if each.key)
    return [taint for taint in found if is_dedicating(taint)]


def _namespaces(inventory: Inventory) -> dict[str, dict[str, str]]:
    """Labels and annotations of each namespace; those that cannot be read are left out."""
    found: dict[str, dict[str, str]] = {}
    for each in inventory.namespaces() if "Namespace" not in inventory.unread else ():
        try:
            found[each.ref.name] = {**each.metadata.annotations, **each.metadata.labels}
        except InvalidField:
            continue
    return found


def secrets_by_namespace(inventory: Inventory) -> dict[str, set[str]]:
    """The names of all Secrets that were read; empty where they were not."""
    found: dict[str, set[str]] = {}
    for each in inventory.of_kind("Secret") if "Secret" not in inventory.unread else ():
        found.setdefault(namespace_of(each), set()).add(each.ref.name)
    return found
