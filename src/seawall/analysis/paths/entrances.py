"""Ways in from outside, and between workloads over the network."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.analysis.paths.building import Draft
from seawall.analysis.paths.inputs import Inputs
from seawall.analysis.paths.kinds import STEP_KINDS
from seawall.analysis.paths.settings import Settings, Way
from seawall.analysis.paths.units import Box, Unit
from seawall.model.attack import OUTSIDE, Place, PlaceKind, Trace
from seawall.model.reach import Exposure

_LOOPBACK = ("127.", "::1", "localhost")


def endpoint(unit: Unit) -> Place:
    """What of a workload can be reached from outside."""
    return Place(PlaceKind.ENDPOINT, unit.place.name, unit.namespace)


def add_entrances(draft: Draft, units: dict[str, Unit], inputs: Inputs) -> None:
    """Every way in, and the step behind it: into the containers that listen there."""
    for exposure in inputs.exposures:
        unit = units.get(exposure.workload)
        if unit is None or exposure.open == "no":
            continue
        where = ", ".join(f"{each.protocol} {each}" for each in exposure.ports)
        draft.step(
            OUTSIDE,
            endpoint(unit),
            "endpoint-expose",
            f"{exposure.via} leads to it, {where}{exposure.note and f' ({exposure.note})'}",
            traces=(Trace(exposure.via),),
            likelihood=1.0 if exposure.open == "yes" else 0.7,
        )
        for box in _listening(unit, exposure):
            _add_exploit(draft, endpoint(unit), box, inputs)
    for unit in units.values():
        for box in unit.boxes():
            for way in _host_ports(Settings(draft, box)):
                draft.step(
                    OUTSIDE,
                    endpoint(unit),
                    "host-port",
                    STEP_KINDS["host-port"].title,
                    removables=way.removables,
                    traces=way.traces,
                    likelihood=0.7,
                )
                _add_exploit(draft, endpoint(unit), box, inputs)


def _listening(unit: Unit, exposure: Exposure) -> list[Box]:
    """The containers that declare the port; all where none does."""
    boxes = [box for box in unit.boxes() if box.path[-2] == "containers"]
    numbers = {number for each in exposure.ports for number in (each.first, each.last)}
    found = [box for box in boxes if any(port.container_port in numbers for port in box.container.ports)]
    return found or boxes


def _host_ports(settings: Settings) -> Iterator[Way]:
    """Ports of the node; those of pods on the node's own network are told of by that."""
    if settings.unit.spec.host_network:
        return
    for index, port in enumerate(settings.box.container.ports):
        if port.host_port and not port.host_ip.startswith(_LOOPBACK):
            path = (*settings.box.path, "ports", index, "hostPort")
            yield settings.way(path, f"hostPort {port.host_port} of {settings.box.container.name}", "host-port")


def _add_exploit(draft: Draft, source: Place, box: Box, inputs: Inputs) -> None:
    if inputs.exploited is None:
        draft.step(source, box.place, "endpoint-exploit", "its program is broken into (assumed)")
        return
    known = inputs.exploited.get(box.container.image, ())
    if known:
        trace = Trace(box.unit.ref, (*box.path, "image"), f"{box.container.image} has {', '.join(known)}")
        how = f"{known[0]} is used, which is known to be exploited"
        draft.step(source, box.place, "endpoint-exploit", how, traces=(trace,), likelihood=0.9)


def add_neighbours(draft: Draft, units: dict[str, Unit], inputs: Inputs) -> None:
    """From workloads to others whose image has a vulnerability that is known to be exploited."""
    for label, unit in units.items() if inputs.exploited else ():
        weak = [box for box in unit.boxes() if inputs.exploited and inputs.exploited.get(box.container.image)]
        if not weak:
            continue
        for source, port in inputs.sources(label):
            for box in units[source].boxes() if source in units and source != label else ():
                for target in weak:
                    known = (inputs.exploited or {})[target.container.image]
                    how = f"{known[0]} of {unit.place.name} is used, which it reaches on port {port}"
                    trace = Trace(unit.ref, (*target.path, "image"), f"has {', '.join(known)}")
                    draft.step(box.place, target.place, "endpoint-exploit", how, traces=(trace,), likelihood=0.9)
