"""Reading audit logs line by line, with an account of every line that could not be read."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from io import BufferedReader

import msgspec

from seawall.model.audit import AuditEvent, AuditProblem

#: An event is bounded by the server (its truncating backend keeps them below 10 MiB); longer lines are not read.
MAX_LINE = 16 * 1024 * 1024
_MOST_PROBLEMS = 100


class _List(msgspec.Struct):
    """What the webhook backend sends: several events in one object."""

    items: list[AuditEvent] = []
    kind: str = ""


class AuditLog:
    """Reads events of files one after another; iterate :meth:`events` once.

    ``lines`` counts what was read, ``bad`` what could not be; ``problems`` tells of the first hundred.
    """

    def __init__(self) -> None:
        self.lines = 0
        self.bad = 0
        self.problems: list[AuditProblem] = []
        self._event = msgspec.json.Decoder(AuditEvent)
        self._list = msgspec.json.Decoder(_List)

    def events(self, path: str) -> Iterator[AuditEvent]:
        """The events of a file (``-``: standard input; gzip is told by its first bytes).

        Raises:
            OSError: the file cannot be opened.
        """
        if path == "-":
            with open(sys.stdin.fileno(), "rb", closefd=False) as stdin:
                yield from self._read("<stdin>", stdin)
            return
        with open(path, "rb") as file:
            yield from self._read(path, file)

    def _read(self, name: str, stream: BufferedReader) -> Iterator[AuditEvent]:
        packed = stream.peek(2)[:2] == b"\x1f\x8b"
        plain: BufferedReader | gzip.GzipFile = gzip.GzipFile(fileobj=stream) if packed else stream
        number = 0
        try:
            while line := plain.readline(MAX_LINE + 1):
                number += 1
                self.lines += 1
                if len(line) > MAX_LINE:
                    self._note(name, number, f"longer than {MAX_LINE >> 20} MiB")
                    while line and not line.endswith(b"\n"):
                        line = plain.readline(MAX_LINE)
                    continue
                yield from self._parse(name, number, line)
        except (OSError, EOFError, zlib.error) as error:
            self._note(name, number + 1, f"cannot be read on: {error}")

    def _parse(self, name: str, number: int, line: bytes) -> Iterator[AuditEvent]:
        if not line.strip():
            return
        try:
            event = self._event.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._note(name, number, str(error))
            return
        if event.audit_id or event.verb:
            yield event
            return
        try:
            found = self._list.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._note(name, number, str(error))
            return
        if not found.items:
            self._note(name, number, "is no audit event: it has no auditID and no verb")
        yield from found.items

    def _note(self, name: str, number: int, message: str) -> None:
        self.bad += 1
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(AuditProblem(name, number, message))
