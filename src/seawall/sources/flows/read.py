"""Files of flows, read a line at a time with bounded memory; every line that is not used is counted by its reason."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO

import msgspec

from seawall.model.finding import SourceError
from seawall.model.flow import SCHEMA, FlowRecord
from seawall.sources.flows import calico, hubble, istio, native, table
from seawall.sources.flows.fields import BadRecord, Parsed

FORMATS = ("seawall", "hubble", "calico", "istio", "csv")
_PARSERS: dict[str, Callable[[bytes], Parsed]] = {
    "seawall": native.parse,
    "hubble": hubble.parse,
    "calico": calico.parse,
    "istio": istio.parse,
}
MAX_LINE = 1 << 20
#: Logs shrink to a twentieth or so; what grows past this from fewer bytes is meant to exhaust.
MAX_RATIO, RATIO_FREE = 400, 64 << 20
#: Lines looked at to tell the form, and unreadable ones named one by one.
_LOOK, _NAMED = 50, 3


class FlowFile:
    """One file: iterate :meth:`records` once; the account is complete when that has ended.

    ``format`` None tells the form from the first lines. ``records_read`` counts flows, ``skipped`` the lines that hold
    none that count, by reason.
    """

    def __init__(self, path: str, form: str | None = None) -> None:
        self.path = path
        self.form = form
        self.records_read = 0
        self.skipped: Counter[str] = Counter()
        self.errors: list[SourceError] = []
        self._bad = 0
        self._stream: BinaryIO | None = None

    @property
    def name(self) -> str:
        """The path as people read it."""
        return "<stdin>" if self.path == "-" else self.path

    def records(self) -> Iterator[FlowRecord]:
        """Every flow that could be read."""
        yield from self._records()
        if self._bad > _NAMED:
            self._error("", f"{self._bad} lines could not be read; the first are named", unreadable=True)
        elif not self.records_read and not self.skipped and not self.errors:
            self._error("", "holds no flows", unreadable=True)

    def _records(self) -> Iterator[FlowRecord]:
        lines = self._readable_lines()
        first: list[tuple[int, bytes]] = []
        for each in lines:
            first.append(each)
            if len(first) == _LOOK:
                break
        form = self.form or _detect([line for _, line in first])
        if form is None:
            if first:
                self._error("1", f"the form cannot be told; say which: {'|'.join(FORMATS)}=FILE", unreadable=True)
            return
        self.form = form
        parse = _PARSERS.get(form)
        if parse is None:
            header = table.columns(first[0][1]) if first else None
            if header is None:
                self._error("1", "the header must name source, destination and port", unreadable=True)
                return
            del first[0]
            parse = table.parser(header)
        for number, line in chain(first, lines):
            yield from self._parse(parse, number, line)

    def _parse(self, parse: Callable[[bytes], Parsed], number: int, line: bytes) -> Iterator[FlowRecord]:
        try:
            found = parse(line)
        except (BadRecord, UnicodeDecodeError) as error:
            self._bad += 1
            if self._bad <= _NAMED:
                self._error(str(number), str(error))
            return
        if isinstance(found, str):
            self.skipped[found] += 1
        else:
            self.records_read += len(found)
            yield from found

    def _error(self, where: str, message: str, unreadable: bool = False) -> None:
        if unreadable:
            self.errors.append(SourceError(self.name, where, message, unreadable=True))
        else:
            self.errors.append(SourceError(self.name, where, message))

    def _readable_lines(self) -> Iterator[tuple[int, bytes]]:
        """Lines up to where the file cannot be read any further."""
        try:
            yield from self._lines()
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error) or "it ends too early"
            self._error("", f"cannot be read: {reason}", unreadable=True)
        finally:
            if self._stream is not None and self.path != "-":
                self._stream.close()

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Lines that are not blank with their numbers; those too long are counted and dropped."""
        raw: BinaryIO = sys.stdin.buffer if self.path == "-" else open(self.path, "rb")  # noqa: SIM115 - closed by records
        self._stream = raw
        buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]
        packed = _Counted(buffered) if buffered.peek(2)[:2] == b"\x1f\x8b" else None
        stream: BinaryIO = gzip.GzipFile(mode="rb", fileobj=packed) if packed is not None else buffered  # type: ignore[assignment]
        number = 0
        too_long = False
        for piece in _pieces(stream, packed):
            if too_long:
                too_long = not piece.endswith(b"\n")
                continue
            number += 1
            if len(piece) > MAX_LINE:
                too_long = not piece.endswith(b"\n")
                self._bad += 1
                if self._bad <= _NAMED:
                    self._error(str(number), f"longer than {MAX_LINE >> 20} MiB: left out")
            elif line := piece.strip():
                yield number, line


class _Counted:
    """A stream with the number of bytes that were read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        """As of any stream."""
        data = self._stream.read(size)
        self.count += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Never needed to read on."""
        raise io.UnsupportedOperation("seek")


def _pieces(stream: BinaryIO, packed: _Counted | None) -> Iterator[bytes]:
    """Lines, or parts of too long ones.

    Raises:
        OSError: far more came out of a packed file than went in.
    """
    total = 0
    while piece := stream.readline(MAX_LINE + 1):
        total += len(piece)
        if packed is not None and total > max(packed.count * MAX_RATIO, RATIO_FREE):
            raise OSError(f"it grows more than {MAX_RATIO}-fold when unpacked; unpack it yourself")
        yield piece


def _detect(lines: list[bytes]) -> str | None:
    if lines and lines[0][:1] != b"{" and table.columns(lines[0]) is not None:
        return "csv"
    for line in lines:
        found = _form_of(line)
        if found is not None:
            return found
    return None


def _form_of(line: bytes) -> str | None:
    if line[:1] != b"{":
        try:
            # The proxy's other lines say nothing for certain.
            return "istio" if not isinstance(istio.parse(line), str) else None
        except (BadRecord, UnicodeDecodeError):
            return None
    try:
        value = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if SCHEMA.partition("/")[0].encode() in bytes(value.get("schema", b"")):
        return "seawall"
    if "flow" in value or {"verdict", "IP"} <= value.keys() or "lost_events" in value or "node_status" in value:
        return "hubble"
    if "_source" in value or {"source_type", "dest_type"} <= value.keys():
        return "calico"
    return "istio" if "upstream_cluster" in value else None
