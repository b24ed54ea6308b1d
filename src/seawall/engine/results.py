"""Results that were kept: reading ``seawall.findings/v1`` documents."""

from __future__ import annotations

import os
import re
from typing import Any

import msgspec
from msgspec import Struct

from seawall.findings import BASELINE, Identity, identify
from seawall.model.finding import FindingStatus, Location, ResourceRef, Severity, Waiver
from seawall.model.malware import UsedSet

SCHEMA = "seawall.findings/v1"
_BEGINS = rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"schema"\s*:\s*"seawall\.findings/v1"'
_MAX_BYTES = 1 << 30


class ResultsError(Exception):
    """A file that holds no results; the message says which and what to do."""


class KeptFinding(Struct):
    """A finding of a document, as far as two runs are compared by it."""

    rule: str
    severity: Severity
    resource: ResourceRef
    locations: tuple[Location, ...]
    message: str
    fingerprint: str
    status: FindingStatus
    waiver: Waiver | None = None

    def identity(self) -> Identity:
        """What makes it the same finding in another run."""
        return identify(self.rule, self.resource, self.locations, self.fingerprint)


class _Summary(Struct):
    complete: bool


class KeptStatus(Struct):
    """What became of a rule."""

    rule: str
    state: str


class _Input(Struct):
    kind: str = ""
    of: str = ""


class _Document(Struct):
    summary: _Summary
    findings: list[msgspec.Raw]
    rules: dict[str, Any]
    statuses: list[KeptStatus]
    inputs: list[_Input] = []
    sets: tuple[UsedSet, ...] = ()


class Results(Struct):
    """A run's results: its findings with their original JSON, the rules, and whether the run was complete.

    ``kinds`` are the ways in which its inputs were read (``manifests``, ``cluster``, ``facts``...); ``sets`` are
    the signatures of malware that it searched for.
    """

    complete: bool
    findings: list[tuple[KeptFinding, msgspec.Raw]]
    rules: dict[str, Any]
    judged: frozenset[str]
    kinds: frozenset[str] = frozenset()
    sets: tuple[UsedSet, ...] = ()


def holds_results(path: str) -> bool:
    """Whether a file begins like a document of results."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            return re.match(_BEGINS, file.read(256)) is not None
    except OSError:
        return False


def read_results(path: str) -> Results:
    """Read the results in a file.

    Raises:
        ResultsError: it cannot be read, or holds no results.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise ResultsError(f"{path} is larger than {_MAX_BYTES >> 20} MiB")
    if re.match(_BEGINS, data) is None:
        raise ResultsError(f"{path} holds no results: write them with `seawall scan ... --format json={path}`")
    return decode_results(data, path)


def decode_results(data: bytes, name: str) -> Results:
    """Read results from JSON text; ``name`` is for messages.

    Raises:
        ResultsError: it holds no results.
    """
    try:
        document = msgspec.json.decode(data, type=_Document)
        findings = [(msgspec.json.decode(raw, type=KeptFinding), raw) for raw in document.findings]
    except (msgspec.DecodeError, RecursionError) as error:
        raise ResultsError(f"{name} holds no whole {SCHEMA} document: {error}") from error
    judged = frozenset(status.rule for status in document.statuses if status.state not in ("skipped", "error"))
    kinds = frozenset(f"{each.kind}-of-{each.of}" if each.of else each.kind for each in document.inputs)
    return Results(document.summary.complete, findings, document.rules, judged, kinds, document.sets)


def known_findings(results: Results) -> list[Identity]:
    """The findings that a baseline accepts: those that were open, or known by a baseline before.

    One that was waived for a reason of its own is not among them: it counts again when that waiver ends.
    """
    return [
        finding.identity()
        for finding, _ in results.findings
        if finding.status is FindingStatus.OPEN or (finding.waiver is not None and finding.waiver.source == BASELINE)
    ]
