"""Between containers that see each other's processes: of one pod, or (hostPID) of one node.

A process may look into /proc/PID/root of another when it is the same user with at least the same capabilities in the
same user namespace, or has SYS_PTRACE. Source: ptrace(2), "Ptrace access mode checking".
"""

from __future__ import annotations

from collections import defaultdict

from seawall.analysis.paths.building import Draft
from seawall.analysis.paths.kinds import STEP_KINDS
from seawall.analysis.paths.settings import Settings, Way
from seawall.analysis.paths.units import Unit
from seawall.model.attack import Place, PlaceKind, Trace


def add_shared_processes(draft: Draft, units: list[Unit]) -> None:
    """All such steps."""
    on_node: dict[Place, list[Unit]] = defaultdict(list)
    for unit in units:
        for node in unit.nodes:
            on_node[node].append(unit)
        if unit.spec.share_process_namespace:
            _within(draft, unit)
    for unit in units:
        if unit.spec.host_pid and not unit.in_user_namespace and not unit.sandboxed:
            _neighbours(draft, unit, on_node)


def _within(draft: Draft, unit: Unit) -> None:
    path = (*unit.base, "spec", "shareProcessNamespace")
    boxes = list(unit.boxes())
    kind = STEP_KINDS["share-process-namespace"]
    for source in boxes:
        settings = Settings(draft, source)
        way = settings.way(path, "shareProcessNamespace", kind.rule, False)
        for target in boxes:
            if source is not target and _may_look(settings, Settings(draft, target)):
                draft.step(
                    source.place, target.place, kind.id, kind.title, removables=way.removables, traces=way.traces
                )


def _may_look(settings: Settings, other: Settings) -> bool:
    """Whether a process of the first can enter one of the second."""
    if settings.capability("SYS_PTRACE") and settings.root():
        return True
    mine, theirs = user_of(settings), user_of(other)
    return mine == theirs and not (other.privileged() and not settings.privileged())


def user_of(settings: Settings) -> int | None:
    """The user that a container is told to run as; None where its image says."""
    own = settings.context.run_as_user
    return own if own is not None else settings.pod.security_context.run_as_user


def _neighbours(draft: Draft, unit: Unit, on_node: dict[Place, list[Unit]]) -> None:
    """Into pods on the same node that have no more capabilities: what they hold. Several nodes: through a place."""
    kind = STEP_KINDS["host-pid-neighbour"]
    boxes = [box for box in unit.boxes() if Settings(draft, box).root() == 1.0]
    if not boxes:
        return
    for node in unit.nodes:
        hub = Place(PlaceKind.PERMISSION, f"the processes on {node} as root of a container")
        for other in on_node.get(node, ()) if hub not in draft else ():
            if not other.in_user_namespace and not other.sandboxed and any(map(_is_plain, _all(draft, other))):
                draft.step(hub, other.place, "permission-reaches", f"a pod of {other.place.name} runs there")
        for box in boxes:
            path = (*unit.base, "spec", "hostPID")
            settings = Settings(draft, box)
            way: Way = settings.way(path, "hostPID", kind.rule, False)
            traces = (*way.traces, Trace(unit.ref, box.path, "runs as root"))
            draft.step(box.place, hub, kind.id, kind.title, removables=way.removables, traces=traces)


def _all(draft: Draft, unit: Unit) -> list[Settings]:
    return [Settings(draft, box) for box in unit.boxes()]


def _is_plain(settings: Settings) -> bool:
    """Whether a container has no capability beside the usual, so that root of another can enter it."""
    context = settings.context
    return not context.privileged and not context.capabilities.add
