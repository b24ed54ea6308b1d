"""Files with fixes made in them: edited in memory, and written back so that none is ever half written."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Sequence

from msgspec import Struct

from seawall.model.finding import Finding, SourceError
from seawall.model.paths import Path
from seawall.model.remedy import Conflict, Edit, in_order
from seawall.model.resource import Resource
from seawall.sources.manifests.edit import EditRefused, edit_text
from seawall.sources.manifests.jsonorigin import JsonOrigin
from seawall.sources.manifests.load import chunks
from seawall.sources.manifests.text import decode, encode
from seawall.sources.manifests.yamlorigin import YamlOrigin
from seawall.sources.manifests.yamltext import SyntaxProblem


class Planned(Struct, frozen=True, eq=False):
    """A fix that may be made: what for, in which object (``number`` counts those of the run), at which path of it, and
    by which edits. Paths are those of the object after the fixes of earlier turns."""

    finding: Finding
    resource: Resource
    number: int
    path: Path
    edits: tuple[Edit, ...]
    caution: str
    turn: int = 0


class Dropped(Struct, frozen=True):
    """A fix that was not made, and why."""

    finding: Finding
    reason: str


#: Where a text stands in a file: its offset, its length and the number of the document in it.
_Place = tuple[int, int, int]


class Rewriter:
    """Edits files in memory. ``given`` are bytes that cannot be read from a file: standard input."""

    def __init__(self, given: dict[str, bytes]) -> None:
        self.bytes: dict[str, bytes] = dict(given)
        self._texts: dict[str, str] = {}
        self._chunks: dict[str, dict[int, tuple[int, str]]] = {}
        self._made: dict[tuple[object, ...], tuple[str, list[tuple[Planned, str]]]] = {}

    def can_edit(self, resource: Resource) -> bool:
        """Whether its text lies in a file that can be written, or came by standard input."""
        origin = resource.origin
        if not isinstance(origin, YamlOrigin | JsonOrigin) or resource.live:
            return False
        file = origin.file
        if file not in self.bytes:
            try:
                if not stat.S_ISREG(os.stat(file).st_mode):
                    return False
                with open(file, "rb") as stream:
                    self.bytes[file] = stream.read()
            except OSError:
                return False
        return True

    def edited(self, fixes: Iterable[Planned]) -> tuple[dict[str, bytes], list[tuple[Planned, str]]]:
        """The files that the fixes change, and the fixes that cannot be written, with why."""
        by_file: dict[str, dict[_Place, list[Planned]]] = {}
        refused: list[tuple[Planned, str]] = []
        for fix in fixes:
            file = fix.resource.origin.file
            place = self.place(fix.resource)
            if place is None:
                refused.append((fix, "the file changed while it was read"))
            else:
                by_file.setdefault(file, {}).setdefault(place, []).append(fix)
        changed: dict[str, bytes] = {}
        for file, places in by_file.items():
            data = self._edit_file(file, places, refused)
            if data != self.bytes[file]:
                changed[file] = data
        return changed, refused

    def _edit_file(self, file: str, places: dict[_Place, list[Planned]], refused: list[tuple[Planned, str]]) -> bytes:
        data = self.bytes[file]
        text = self.text(file)
        if encode(text, data) != data:
            refused += [(fix, "its encoding cannot be written back") for fixes in places.values() for fix in fixes]
            return data
        # From the end, so that offsets before stay true.
        for start, length in sorted({(place[0], place[1]) for place in places}, reverse=True):
            made = text[start : start + length]
            for document in sorted(place[2] for place in places if place[:2] == (start, length)):
                made, failed = self._edit_once(file, start, made, document, places[start, length, document])
                refused += failed
            text = text[:start] + made + text[start + length :]
        return encode(text, data)

    def _edit_once(
        self, file: str, start: int, text: str, document: int, fixes: list[Planned]
    ) -> tuple[str, list[tuple[Planned, str]]]:
        """Edits are remembered: most trials repeat those of the one before."""
        key = (file, start, document, hash(text), tuple(id(fix) for fix in fixes))
        if key not in self._made:
            self._made[key] = _edit(text, document, fixes)
        return self._made[key]

    def text(self, file: str) -> str:
        """A file's text as it is before all edits."""
        if file not in self._texts:
            self._texts[file] = decode(self.bytes[file])
        return self._texts[file]

    def place(self, resource: Resource) -> _Place | None:
        """Where an object's text stands in its file; None where that changed since it was read."""
        origin = resource.origin
        file = origin.file
        text = self.text(file)
        if isinstance(origin, JsonOrigin):
            data = self.bytes[file]
            start = len(decode(data[: origin.start])) if origin.start else 0
            length = len(data[origin.start : origin.start + origin.length].decode())
            return start, length, 0
        if not isinstance(origin, YamlOrigin):
            return None
        if file not in self._chunks:
            self._chunks[file] = {line: (start, chunk) for start, chunk, line in chunks(text)}
        start, chunk = self._chunks[file].get(origin.line, (0, ""))
        return (start, len(chunk), origin.document) if chunk == origin.text else None


def _edit(text: str, document: int, fixes: Sequence[Planned]) -> tuple[str, list[tuple[Planned, str]]]:
    """All of the fixes at once; where that is refused, one after the other, leaving out those that are refused."""
    try:
        return edit_text(text, document, _edits(fixes)), []
    except (EditRefused, Conflict, SyntaxProblem):
        pass
    kept: list[Planned] = []
    failed: list[tuple[Planned, str]] = []
    made = text
    for fix in fixes:
        try:
            made = edit_text(text, document, _edits([*kept, fix]))
            kept.append(fix)
        except (EditRefused, Conflict, SyntaxProblem) as problem:
            failed.append((fix, str(problem)))
    return made, failed


def _edits(fixes: Sequence[Planned]) -> list[Edit]:
    return in_order(
        Edit(edit.op, (*base_of(fix.resource), *edit.path), edit.value) for fix in fixes for edit in fix.edits
    )


def base_of(resource: Resource) -> Path:
    """Where an object stands in its document: in a list, or at its root."""
    origin = resource.origin
    return origin.item if isinstance(origin, YamlOrigin) else ()


def write_file(path: str, before: bytes, after: bytes) -> SourceError | None:
    """Put ``after`` in the place of ``before`` in one step, with the file's mode and owner; why not, if it cannot be.

    A link stays a link: what it leads to is written.
    """
    target = os.path.realpath(path)
    try:
        status = os.stat(target)
        if not os.access(target, os.W_OK):
            return SourceError(path, "", "cannot be written: it is read-only; nothing in it was changed")
        if status.st_nlink > 1:
            return SourceError(path, "", "has several names (hard links); write it by --format patch and git apply")
        with open(target, "rb") as stream:
            if stream.read() != before:
                return SourceError(path, "", "changed meanwhile, and was left alone; run again")
        _replace(target, after, status)
    except OSError as error:
        return SourceError(path, "", f"cannot be written: {error.strerror}; nothing in it was changed")
    return None


def _replace(target: str, data: bytes, status: os.stat_result) -> None:
    handle, temporary = tempfile.mkstemp(prefix=".seawall-", dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), stat.S_IMODE(status.st_mode))
            if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(stream.fileno(), status.st_uid, status.st_gid)
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
