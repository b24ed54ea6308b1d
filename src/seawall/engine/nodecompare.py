"""Results of kube-bench and docker-bench beside our own, control by control."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from seawall.engine.controls import ControlResult, ControlState
from seawall.engine.nodes import AuditedNode

_MAX_BYTES = 64 << 20
_MAX_REASON = 300
_KUBE_BENCH = re.compile(r"cis-(\d{1,2}\.\d{1,3})\Z")
_DECIDED = {"PASS": ControlState.PASS, "FAIL": ControlState.FAIL}


class BenchError(Exception):
    """A file that holds no results of a known tool; the message says which and what to do."""


class TheirControl(Struct, frozen=True):
    """A control as another tool judged it: ``PASS``, ``FAIL``, ``WARN``, ``INFO`` or ``NOTE``, and why."""

    id: str
    state: str
    reason: str = ""


class TheirResults(Struct, frozen=True):
    """What another tool found: which tool, by which benchmark (empty: not one of ours), and its controls."""

    tool: str
    benchmark: str
    controls: tuple[TheirControl, ...]


class Relation(StrEnum):
    """How two tools stand to each other on a control."""

    AGREE = "agree"
    DIFFER = "differ"
    ONLY_OURS = "only-seawall-decides"
    ONLY_THEIRS = "only-they-decide"
    OPEN = "neither-decides"
    NOT_OURS = "not-in-seawall"
    NOT_THEIRS = "not-in-theirs"


class ComparedControl(Struct, frozen=True, rename="camel"):
    """A control with both judgements (empty: the tool has none) and both reasons."""

    id: str
    relation: Relation
    title: str
    ours: str
    theirs: str
    our_reason: str
    their_reason: str


class Comparison(Struct, frozen=True):
    """All controls of one benchmark on one node."""

    node: str
    tool: str
    benchmark: str
    note: str
    controls: tuple[ComparedControl, ...]


class _KubeResult(Struct):
    test_number: str
    status: str
    actual_value: str = ""
    reason: str = ""
    expected_result: str = ""


class _KubeSection(Struct):
    results: list[_KubeResult] = []


class _KubeControls(Struct):
    tests: list[_KubeSection]
    version: str = ""


class _KubeReport(Struct):
    controls: list[_KubeControls] = msgspec.field(name="Controls")


class _DockerResult(Struct):
    id: str
    result: str
    details: str = ""


class _DockerSection(Struct):
    results: list[_DockerResult] = []


class _DockerReport(Struct):
    tests: list[_DockerSection]
    dockerbenchsecurity: str


def read_bench(path: str) -> TheirResults:
    """The results in a file of kube-bench (``--json``) or docker-bench-security (its ``.log.json``).

    Raises:
        BenchError: it cannot be read, or holds none.
    """
    try:
        if os.path.getsize(path) > _MAX_BYTES:
            raise BenchError(f"{path} is larger than {_MAX_BYTES >> 20} MiB")
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES)
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror}") from error
    return decode_bench(data, path)


def decode_bench(data: bytes, name: str) -> TheirResults:
    """Results from JSON text; ``name`` is for messages.

    Raises:
        BenchError: it holds none.
    """
    problems = []
    for kind, build in _READERS:
        try:
            results: TheirResults = build(msgspec.json.decode(data, type=kind))
        except (msgspec.DecodeError, RecursionError) as error:
            problems.append(str(error))
        else:
            return results
    raise BenchError(
        f"{name} holds no results of kube-bench (`kube-bench run --json`) or docker-bench-security ({problems[0]})"
    )


def _of_kube(groups: list[_KubeControls]) -> TheirResults:
    versions = {group.version for group in groups if group.version}
    match = _KUBE_BENCH.match(versions.pop()) if len(versions) == 1 else None
    found = []
    for group in groups:
        for section in group.tests:
            for each in section.results:
                told = [each.reason, each.actual_value and f"found {each.actual_value}"]
                told.append(each.expected_result and f"wanted {each.expected_result}")
                reason = "; ".join(" ".join(text.split()) for text in told if text)
                found.append(TheirControl(each.test_number, each.status.upper(), reason[:_MAX_REASON]))
    return TheirResults("kube-bench", f"cis-k8s-{match[1]}" if match else "", tuple(found))


def _of_docker(report: _DockerReport) -> TheirResults:
    found = [
        TheirControl(each.id, each.result.upper(), " ".join(each.details.split())[:_MAX_REASON])
        for section in report.tests
        for each in section.results
    ]
    return TheirResults("docker-bench-security", "cis-docker", tuple(found))


_READERS: tuple[tuple[Any, Any], ...] = (
    (_KubeReport, lambda report: _of_kube(report.controls)),
    (list[_KubeControls], _of_kube),
    (_KubeControls, lambda group: _of_kube([group])),
    (_DockerReport, _of_docker),
)


def compare(node: AuditedNode, theirs: TheirResults) -> Comparison:
    """The controls of a node beside those of another tool.

    By the benchmark that the tool used; where the node was not judged by that one, by the node's own with a note, as
    control ids are the same for most.
    """
    benchmark, note = _benchmark(node, theirs)
    ours = {control.id: control for control in node.controls if control.benchmark == benchmark}
    others = {control.id: control for control in theirs.controls}
    compared = [_compared(name, ours.get(name), others.get(name)) for name in dict.fromkeys((*ours, *others))]
    compared.sort(key=lambda each: tuple(int(p) if p.isdecimal() else 0 for p in each.id.split(".")[:8]))
    return Comparison(node.name, theirs.tool, benchmark, note, tuple(compared))


def _benchmark(node: AuditedNode, theirs: TheirResults) -> tuple[str, str]:
    names = [selected.benchmark for selected in node.selection]
    docker = theirs.benchmark == "cis-docker"
    fitting = [name for name in names if name == theirs.benchmark or (docker and name.startswith("cis-docker"))]
    if fitting:
        return fitting[0], ""
    others = [name for name in names if name.startswith("cis-docker") == docker]
    if not others:
        return "", f"{node.name} was judged by no benchmark that {theirs.tool} can be compared with"
    used = theirs.benchmark or "a benchmark that is not known here"
    return others[0], f"{theirs.tool} used {used}: controls are compared by their ids alone"


def _compared(name: str, ours: ControlResult | None, theirs: TheirControl | None) -> ComparedControl:
    reason = ""
    if ours is not None:
        reason = ours.reason or "; ".join(ours.observed[:3])
    return ComparedControl(
        id=name,
        relation=_relation(ours, theirs),
        title=ours.title if ours is not None else "",
        ours=ours.state.value if ours is not None else "",
        theirs=theirs.state if theirs is not None else "",
        our_reason=reason,
        their_reason=theirs.reason if theirs is not None else "",
    )


def _relation(ours: ControlResult | None, theirs: TheirControl | None) -> Relation:
    if ours is None:
        return Relation.NOT_OURS
    if theirs is None:
        return Relation.NOT_THEIRS
    decided = ours.state in (ControlState.PASS, ControlState.FAIL)
    other = _DECIDED.get(theirs.state)
    if decided and other is not None:
        return Relation.AGREE if ours.state is other else Relation.DIFFER
    if decided:
        return Relation.ONLY_OURS
    return Relation.ONLY_THEIRS if other is not None else Relation.OPEN
