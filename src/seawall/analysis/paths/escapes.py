"""From a container to its node by the kernel: capabilities, the node's processes, Windows host processes."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.analysis.paths.building import Draft
from seawall.analysis.paths.settings import Settings, Way, both
from seawall.analysis.paths.units import Box, Unit
from seawall.model.attack import Place, PlaceKind


def nodes_of(draft: Draft, unit: Unit) -> Place:
    """The node of a workload; where its pods are on several, a place that stands for all of them."""
    if len(unit.nodes) == 1:
        return unit.nodes[0]
    place = Place(PlaceKind.PERMISSION, f"root on the nodes of {unit.place.name}", unit.namespace)
    if place not in draft:
        for node in unit.nodes:
            draft.step(place, node, "workload-node", f"a pod of it runs on node {node.name}")
    return place


def add_escapes(draft: Draft, box: Box) -> None:
    """All steps of a container by the kernel."""
    settings = Settings(draft, box)
    if box.container.security_context.windows_options.host_process or (
        box.unit.spec.security_context.windows_options.host_process
    ):
        own = box.container.security_context.windows_options.host_process is not None
        base = box.path if own else (*box.unit.base, "spec")
        path = (*base, "securityContext", "windowsOptions", "hostProcess")
        way = settings.way(path, f"hostProcess of container {box.container.name}", "windows-host-process", False)
        _add(draft, box, "escape-windows", [way], 1.0)
        return
    root = settings.root()
    if root:
        for kind, ways in _by_kernel(settings):
            _add(draft, box, kind, ways, root)


def _by_kernel(settings: Settings) -> Iterator[tuple[str, list[Way]]]:
    host_pid = settings.host_pid()
    node_kernel = not settings.unit.in_user_namespace and not settings.unit.sandboxed
    privileged = settings.privileged() if node_kernel else []
    yield "escape-mount", privileged
    yield "escape-core-pattern", privileged
    yield "escape-module", settings.kernel("SYS_MODULE")
    admin, ptrace = settings.kernel("SYS_ADMIN"), settings.kernel("SYS_PTRACE")
    yield "escape-nsenter", [*both(host_pid, privileged), *both(host_pid, both(_added(admin), _added(ptrace)))]
    yield "escape-ptrace", both(host_pid, ptrace)
    yield "escape-sys-admin", admin
    yield "escape-open-by-handle", settings.kernel("DAC_READ_SEARCH")
    yield "escape-bpf", both(_added(settings.kernel("BPF")), _added(settings.kernel("PERFMON")))
    devices = list(_memory_devices(settings))
    yield "escape-raw-io", both(_added(settings.kernel("SYS_RAWIO")), devices)


def _added(ways: list[Way]) -> list[Way]:
    """The ways that are not by ``privileged``, which is told of by itself."""
    return [way for way in ways if not way.traces or way.traces[0].path[-1] != "privileged"]


def _memory_devices(settings: Settings) -> Iterator[Way]:
    for number, mount, _, volume in settings.mounts():
        path = volume.host_path.path.rstrip("/") if volume.host_path is not None else ""
        if path in ("/dev", "/dev/mem", "/dev/kmem", "/dev/port"):
            where = (*settings.box.path, "volumeMounts", number)
            yield settings.way(where, f"mount {mount.mount_path} of {settings.box.container.name}", "host-path-volume")


def _add(draft: Draft, box: Box, kind: str, ways: list[Way], root: float) -> None:
    from seawall.analysis.paths.kinds import STEP_KINDS

    known = STEP_KINDS[kind]
    for way in ways:
        draft.step(
            box.place,
            nodes_of(draft, box.unit),
            kind,
            known.title,
            removables=way.removables,
            traces=way.traces,
            likelihood=known.likelihood * root,
        )
