"""What falls with each node, namespace or pool: reads the inputs, asks the analysis, and accounts for everything."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from seawall.analysis.isolation import GIVEN, LEVELS, Blast, By, Level, Options, World
from seawall.engine.reading import Reading, ReadOptions
from seawall.engine.standing import ClusterStanding, standing_for
from seawall.model.isolation import Estate, Falls
from seawall.model.kube.base import InvalidField
from seawall.model.paths import format_path
from seawall.model.resource import Inventory, NotRead, Resource
from seawall.model.version import NEWEST, KubernetesVersion

__all__ = ["LEVELS", "By", "Isolation", "Level", "Options"]

_PLACEMENTS = {
    "possible": "no pod is bound to a node: told is where the scheduler may put them, each on every node that takes it",
    "presumed": "there are no nodes in the input: told is what can meet on nodes with the labels that workloads ask "
    "for; taints are presumed where pods tolerate them by name",
}
#: Of workloads that have no pods so many are named.
_NAMED = 3


class Isolation:
    """The isolation of what was read. Ask it for rows as often as wanted."""

    def __init__(
        self, options: ReadOptions, chosen: Options | None = None, version: KubernetesVersion | None = None
    ) -> None:
        self.reading = Reading(options)
        self.inventory: Inventory = self.reading.inventory()
        self.version = version or max(self.reading.versions, default=NEWEST)
        self.options = chosen or Options()
        self.standing: ClusterStanding = standing_for(self.inventory, self.version)
        self.problem = ""
        #: Objects with a field of the wrong type, where one is such that nothing could be judged with it.
        self.left_out: list[Resource] = []
        self.world: World | None = None
        try:
            try:
                self.world = self._build()
            except InvalidField:
                self.left_out = [each for each in self.inventory.resources if each.problems]
                rest = (each for each in self.inventory.resources if not each.problems)
                self.inventory = Inventory(rest, self.inventory.unread)
                self.standing = standing_for(self.inventory, self.version)
                self.world = self._build()
        except NotRead as missing:
            self.problem = f"isolation was not judged: {missing}"

    def _build(self) -> World:
        world = World(self.inventory, self.standing, self.options, self.version)
        world.leave_out_unread()
        return world

    def estate(self, by: By = "node") -> Estate:
        """What falls with each node, namespace or pool."""
        if self.world is None:
            return judge_world(World(Inventory(()), options=self.options), by)
        found = judge_world(self.world, by)
        return structs.replace(found, notes=(*found.notes, *self._notes()))

    def _notes(self) -> list[str]:
        found = []
        if self.standing.problem:
            found.append(self.standing.problem)
        for kind, what in (("Secret", "Secrets"), ("PersistentVolume", "volumes")):
            if kind in self.inventory.unread:
                found.append(
                    f"{what} were not read ({self.inventory.unread[kind].reason}): only those named by pods count"
                )
        return found

    def problems(self) -> list[str]:
        """Why answers may be wrong, a line each; empty where all was read."""
        lines = [str(error) for error in self.reading.errors]
        lines += [f"{path}: not judged: needs rendering ({what})" for path, what in self.reading.unrendered]
        lines += [f"{each.ref}: a field of it has the wrong type: left out" for each in self.left_out]
        if self.problem:
            lines.append(self.problem)
        elif self.world is not None:
            lines += [
                f"{resource.ref}: {format_path(invalid.path)} has the wrong type: not judged"
                for resource, invalid in self.world.units.unread
            ]
            if not lines and not self.world.units.by_label and not self.world.nodes:
                lines.append("no workloads and no nodes were found: name the files, folder or snapshot with them")
        return lines


def judge_world(world: World, by: By) -> Estate:
    """What falls in a world, with what a reader must know."""
    blast = Blast(world)
    nodes = blast.rows("node")
    rows: list[Falls] = nodes if by == "node" else blast.rows(by)
    notes = [_PLACEMENTS[world.placement]] if world.placement in _PLACEMENTS and world.units.by_label else []
    idle = [unit.label for unit in world.idle if unit.replicas]
    if idle:
        more = f" and {len(idle) - _NAMED} more" if len(idle) > _NAMED else ""
        notes.append(
            f"{len(idle)} workloads have no pod on a node now and count nowhere: {', '.join(idle[:_NAMED])}{more}"
        )
    unknown = [name for name, facts in world.nodes.items() if facts.resource is None and world.placement == "bound"]
    if unknown:
        notes.append(
            f"{len(unknown)} nodes are known only by pods that name them: their labels and taints were not read"
        )
    notes += _misnamed(world)
    unread = tuple(resource.ref for resource, _ in world.units.unread)
    return Estate(world.placement, by, tuple(rows), blast.total(nodes), tuple(notes), unread)


def _misnamed(world: World) -> Iterator[str]:
    """Levels that people gave and that count for nothing: misspelt ones, and those of workloads that are not there."""
    own = [(unit.label, {**unit.labels, **unit.annotations}.get(GIVEN)) for unit in world.units]
    around = [(f"the namespace {name}", labels.get(GIVEN)) for name, labels in sorted(world.namespaces.items())]
    wrong = [(label, value) for label, value in own + around if value and value.lower() not in LEVELS]
    for label, value in wrong[:_NAMED]:
        yield f"{GIVEN} of {label} is {value[:40]!r}, which is none of {', '.join(LEVELS)}: it counts for nothing"
    if len(wrong) > _NAMED:
        yield f"{GIVEN} is no level of {len(wrong) - _NAMED} more"
    for what, level in world.options.levels.items():
        if not any(what in (unit.label, unit.label.rpartition("[")[0], unit.namespace) for unit in world.units):
            yield f"--{level} {what} names no workload and no namespace that was read"
