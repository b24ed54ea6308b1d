"""Snapshots as a source of resources, checked while they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from seawall.model.finding import SourceError
from seawall.model.resource import Resource, UnreadKind
from seawall.model.version import KubernetesVersion, parse_version
from seawall.sources.kept import KeptOrigin, RecentBlocks
from seawall.sources.manifests.objects import from_object
from seawall.sources.manifests.walk import InputFile, Skipped, Unrendered
from seawall.sources.snapshot.form import (
    BLOCK,
    HEADER,
    MAX_RECORDS,
    MAX_TOTAL_BYTES,
    SCHEMA,
    TRAILER,
    FrameReader,
    Header,
    Record,
    SnapshotError,
    Trailer,
    decode,
    read_frame_at,
)

__all__ = ["Loaded", "Snapshot", "SnapshotError"]

Loaded = Resource | SourceError | Skipped | Unrendered | UnreadKind


class Snapshot:
    """One snapshot file, read once; its objects can be read again. ``notes`` are known when it was read.

    Raises (on construction):
        SnapshotError: it is no snapshot that can be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.notes: list[str] = []
        try:
            self._file = open(path, "rb")  # noqa: SIM115 - kept open: objects are read again while it is judged
        except OSError as error:
            raise SnapshotError(f"cannot be read: {error.strerror}") from error
        self._frames = FrameReader(self._file)
        first = self._frames.next()
        header: Header = decode(first.data, Header)
        if first.type != HEADER or header.schema != SCHEMA:
            raise SnapshotError("it was changed or damaged (no header); take it again")
        self.header = header
        self.version = _version(header.kubernetes_version)
        self._offsets: list[int] = []
        self._recent = RecentBlocks(self._block)

    def get(self, block: int, start: int, length: int) -> bytes:
        """The text of an object that was read before."""
        return self._recent.get(block)[start : start + length]

    def _block(self, number: int) -> bytes:
        return read_frame_at(self._file, self._offsets[number])

    def resources(self, tell: Callable[[Any], None] | None = None) -> Iterator[Loaded]:
        """Everything in it, then the account of what was not read when it was taken.

        A damaged file gives what stands before the damage, and an error.
        """
        try:
            yield from self._resources()
        except (SnapshotError, OSError) as error:
            yield SourceError(self.path, "", str(error), unreadable=True)

    def _resources(self) -> Iterator[Loaded]:
        total = records = 0
        while True:
            # Objects are read again while this goes on: come back to where the next frame begins.
            position = self._file.tell()
            frame = self._frames.next()
            after = self._file.tell()
            total += len(frame.data)
            if frame.type == TRAILER:
                break
            if frame.type != BLOCK or total > MAX_TOTAL_BYTES:
                raise SnapshotError("it was changed or is too large; take it again")
            self._offsets.append(position)
            for record, place in _records(frame.data, len(self._offsets) - 1):
                records += 1
                if records > MAX_RECORDS:
                    raise SnapshotError(f"it holds more than {MAX_RECORDS} objects")
                yield from self._object(record, place)
            self._file.seek(after)
        trailer: Trailer = decode(frame.data, Trailer)
        if trailer.objects != records or not self._frames.at_end():
            raise SnapshotError("it was changed or damaged (objects are missing or too many); take it again")
        yield from self._account(trailer)

    def _object(self, record: Record, place: tuple[int, int, int]) -> Iterator[Loaded]:
        value = decode(record.object, Any)
        if record.cluster is not None:
            name, line, column = f"cluster:{record.cluster}", 0, 0
        else:
            # Not the bare name: reports show lines of the files that findings name, and a forged snapshot must not
            # choose which of this machine's files those are.
            name, line, column = f"{self.path}!{record.file}", record.line, record.column
        origin = KeptOrigin(name, record.unit, self, place, line=line, column=column)
        file = InputFile(name, record.unit)
        yield from from_object(file, value, origin, record.duplicates, record.suppressions, record.cluster)

    def _account(self, trailer: Trailer) -> Iterator[Loaded]:
        yield from trailer.errors
        yield from trailer.unread
        yield from (Unrendered(path, what) for path, what in trailer.unrendered)
        for reason, count in trailer.skipped.items():
            yield from (Skipped(self.path, reason) for _ in range(min(count, MAX_RECORDS)))
        self.notes += trailer.notes


def _records(block: bytes, number: int) -> Iterator[tuple[Record, tuple[int, int, int]]]:
    start = 0
    for line in block.split(b"\n"):
        record: Record = decode(line, Record)
        length = len(memoryview(record.object))
        # The object is the last item of the record.
        yield record, (number, start + len(line) - 1 - length, length)
        start += len(line) + 1


def _version(text: str | None) -> KubernetesVersion | None:
    try:
        return parse_version(text) if text else None
    except ValueError:
        return None
