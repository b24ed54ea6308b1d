"""Taking a snapshot: what was read goes into a file, scrubbed by what the analyses know of secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache, partial

from msgspec import Struct

from seawall import __version__
from seawall.engine.reading import Reading, ReadOptions
from seawall.engine.scan import Progress, UsageError
from seawall.model.credential_names import is_placeholder, names_credential
from seawall.model.finding import SourceError
from seawall.model.resource import Resource
from seawall.sources.snapshot.form import SCHEMA, Header, SnapshotError, Trailer
from seawall.sources.snapshot.patterns import find_secrets, may_name_credential
from seawall.sources.snapshot.scrub import Detector, Scrubber
from seawall.sources.snapshot.writer import SnapshotWriter, UnwritableError

__all__ = ["SnapshotError", "SnapshotResult", "take_snapshot"]


class SnapshotResult(Struct):
    """What was written, and what could not be read. ``size`` is the file's in bytes, ``scrubbed`` counts values."""

    path: str
    objects: int
    scrubbed: int
    size: int
    errors: list[SourceError]
    notes: list[str]
    unrendered: list[tuple[str, str]]

    @property
    def complete(self) -> bool:
        """Whether all that was named is in it."""
        return not self.errors and not self.unrendered and self.objects > 0

    def exit_code(self, keep_going: bool) -> int:
        """0 if it is complete, else 2; ``keep_going`` lifts that as long as there is something in it."""
        if self.complete:
            return 0
        return 0 if keep_going and self.objects and not self.unrendered else 2


def take_snapshot(options: ReadOptions, path: str, progress: Progress | None = None) -> SnapshotResult:
    """Read what is named and write it to a file.

    Raises:
        SnapshotError: the file cannot be written.
        UsageError: the inputs are of different Kubernetes versions.
    """
    reading = Reading(options)
    reading.open()
    if len(reading.versions) > 1:
        raise UsageError("the inputs are of different Kubernetes versions: take a snapshot of each")
    scrubber = Scrubber(_detector())
    header = Header(
        schema=SCHEMA,
        tool=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        inputs=[{"path": name, "kind": kind} for name, kind in reading.kinds.items()],
        kubernetes_version=str(next(iter(reading.versions))) if reading.versions else None,
    )
    with SnapshotWriter(path, header, scrubber) as writer:
        if progress is not None:
            reading.tell = lambda stage: progress(writer.objects, stage)
        for resource in reading.resources(note_problems=False):
            _add(writer, resource, reading)
        size = writer.finish(_trailer(reading, writer, scrubber))
    return SnapshotResult(path, writer.objects, scrubber.count, size, reading.errors, reading.notes, reading.unrendered)


def _detector() -> Detector:
    return Detector(
        lru_cache(maxsize=8192)(lambda name: names_credential(name) or may_name_credential(name)),
        is_placeholder,
        partial(find_secrets, is_placeholder=is_placeholder),
    )


def _add(writer: SnapshotWriter, resource: Resource, reading: Reading) -> None:
    try:
        writer.add(resource)
    except UnwritableError:
        raise
    except SnapshotError as error:
        reading.errors.append(SourceError(resource.origin.file, "", f"{resource.ref}: {error}", unreadable=True))


def _trailer(reading: Reading, writer: SnapshotWriter, scrubber: Scrubber) -> Trailer:
    return Trailer(
        objects=writer.objects,
        scrubbed=scrubber.count,
        files=reading.files,
        errors=reading.errors,
        unread=list(reading.unread.values()),
        skipped=dict(reading.skipped),
        unrendered=reading.unrendered,
        notes=reading.notes,
    )
