"""Writing a snapshot, an object at a time."""

from __future__ import annotations

import os
import tempfile
from types import TracebackType
from typing import Self

import msgspec

from seawall.model.resource import Resource
from seawall.sources.kept import BLOCK_BYTES
from seawall.sources.snapshot.form import (
    BLOCK,
    HEADER,
    MAX_FRAME_BYTES,
    TRAILER,
    FrameWriter,
    Header,
    Record,
    SnapshotError,
    Trailer,
)
from seawall.sources.snapshot.scrub import Scrubber


class SnapshotWriter:
    """Writes beside the file that is meant and takes its place at the end, so that no half snapshot is ever found.

    Use it with ``with``; without :meth:`finish` nothing is left behind. Only the owner may read the file.
    """

    def __init__(self, path: str, header: Header, scrubber: Scrubber) -> None:
        self.path = path
        self.objects = 0
        self._scrubber = scrubber
        self._encoder = msgspec.json.Encoder()
        self._lines: list[bytes] = []
        self._size = 0
        self._finished = False
        try:
            handle, self._part = tempfile.mkstemp(prefix=".seawall-", dir=os.path.dirname(os.path.abspath(path)))
        except OSError as error:
            raise _unwritable(path, error) from error
        self._file = os.fdopen(handle, "wb")
        self._frames = FrameWriter(self._file)
        self._frames.write(HEADER, self._encoder.encode(header))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if not self._finished:
            os.unlink(self._part)

    def add(self, resource: Resource) -> None:
        """Scrub and write an object.

        Raises:
            SnapshotError: it cannot be written down.
        """
        origin = resource.origin
        place = origin.locate([()])[0]
        try:
            record = Record(
                origin.file,
                origin.unit,
                resource.ref.cluster,
                place.line,
                place.column,
                tuple(resource.duplicates),
                tuple(resource.suppressions),
                msgspec.Raw(self._encoder.encode(self._scrubber.scrub(resource.raw))),
            )
            line = self._encoder.encode(record)
        except (ValueError, OverflowError, msgspec.MsgspecError) as error:
            raise SnapshotError(f"it has a value that JSON cannot hold: {error}") from error
        if len(line) > MAX_FRAME_BYTES:
            raise SnapshotError(f"it is larger than {MAX_FRAME_BYTES >> 20} MiB")
        if self._size + len(line) > MAX_FRAME_BYTES:
            self._flush()
        self._lines.append(line)
        self._size += len(line) + 1
        self.objects += 1
        if self._size >= BLOCK_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            try:
                self._frames.write(BLOCK, b"\n".join(self._lines))
            except OSError as error:
                raise _unwritable(self.path, error) from error
            self._lines, self._size = [], 0

    def finish(self, trailer: Trailer) -> int:
        """Write the account, put the file in its place, and return its size in bytes.

        Raises:
            SnapshotError: it cannot be written.
        """
        self._flush()
        try:
            self._frames.write(TRAILER, self._encoder.encode(trailer))
            self._file.flush()
            os.fsync(self._file.fileno())
            size = self._file.tell()
            os.replace(self._part, self.path)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._finished = True
        return size


class UnwritableError(SnapshotError):
    """The file cannot be written, whatever the objects are."""


def _unwritable(path: str, error: OSError) -> UnwritableError:
    return UnwritableError(f"{path} cannot be written: {error.strerror or error}; choose another -o FILE")
