"""Files to resources."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator

from msgspec import structs

from seawall.model.finding import SourceError
from seawall.model.paths import Path
from seawall.model.resource import Suppression
from seawall.sources.dockerfile.names import is_build_file
from seawall.sources.manifests.objects import HIDING, Loaded, from_object, hides_items, is_list, objects_in
from seawall.sources.manifests.text import MAX_FILE_BYTES, decode
from seawall.sources.manifests.walk import SUFFIXES, InputFile, Skipped
from seawall.sources.manifests.yamlorigin import YamlOrigin, marks_at
from seawall.sources.manifests.yamltext import Document, Marks, SyntaxProblem, parse_documents

EMPTY = "empty"
_DIVIDER = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
#: A first instruction behind comments and blank lines; no manifest begins like it.
_BEGINS_BUILD = rb"(?i)(?:\xef\xbb\xbf)?(?:[ \t]*(?:#[^\n]*)?\r?\n){0,999}+[ \t]*(?:FROM|ARG)[ \t]+[\w$./-]"
_HEAD = 65_536
_ONLY_PREAMBLE = re.compile(r"(?:[ \t]*(?:#.*|%.*)?(?:\r?\n|\Z))*\Z")


def load_file(file: InputFile) -> Iterator[Loaded]:
    """Read a file's objects. An object is held decoded until the next one is asked for."""
    try:
        data, regular = _read(file.at)
    except OSError as error:
        yield SourceError(file.path, "", f"cannot be read: {error.strerror or error}", unreadable=True)
        return
    if len(data) > MAX_FILE_BYTES:
        yield SourceError(file.path, "", f"larger than {MAX_FILE_BYTES >> 20} MiB; split it", unreadable=True)
        return
    yield from _load_bytes(file, data, regular)


def load_bytes(file: InputFile, data: bytes) -> Iterator[Loaded]:
    """Read the objects of bytes that stand for what lies in a file."""
    yield from _load_bytes(file, data, False)


def load_stdin(data: bytes, name: str = "<stdin>") -> Iterator[Loaded]:
    """Read the objects of standard input, or of another stream that can be read only once."""
    yield from _load_bytes(InputFile(name, "", named=True), data, False)


def _read(path: str) -> tuple[bytes, bool]:
    with open(path, "rb") as file:
        regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        return file.read(MAX_FILE_BYTES + 1), regular


def _load_bytes(file: InputFile, data: bytes, regular: bool) -> Iterator[Loaded]:
    if not file.path.endswith(SUFFIXES) and _is_build_file(file, data):
        from seawall.sources.dockerfile.load import load_build_file

        yield from load_build_file(file, data)
        return
    objects = 0
    reasons: dict[str, None] = {}
    try:
        for loaded in _load_text(file, data, regular):
            if isinstance(loaded, Skipped):
                reasons[loaded.reason] = None
            else:
                objects += 1
                yield loaded
    except SyntaxProblem as problem:
        yield _syntax_error(file, problem)
        return
    if not objects and not reasons:
        reasons[EMPTY] = None
    if not objects:
        yield from (Skipped(file.path, reason) for reason in list(reasons)[:1])


def _is_build_file(file: InputFile, data: bytes) -> bool:
    """By its name or, of what a person named or piped in, by its first instruction."""
    if is_build_file(os.path.basename(file.path)):
        return True
    head = data[:_HEAD] if file.named else b""
    return b"from" in head.lower() and re.match(_BEGINS_BUILD, head) is not None


def _syntax_error(file: InputFile, problem: SyntaxProblem) -> SourceError:
    return SourceError(file.path, f"{problem.line}:{problem.column}", problem.message, unreadable=True)


def _load_text(file: InputFile, data: bytes, regular: bool) -> Iterator[Loaded]:
    is_json = file.path.endswith(".json")
    if is_json or (not file.path.endswith((".yaml", ".yml")) and data.lstrip()[:1] == b"{"):
        from seawall.sources.manifests.jsonload import load_json

        try:
            yield from load_json(file, data, regular)
        except SyntaxProblem:
            if is_json:
                raise
        else:
            return
    text = decode(data)
    waivers: list[Suppression] = []
    for _, chunk, line in chunks(text):
        try:
            documents = parse_documents(chunk)
        except SyntaxProblem as problem:
            problem.line += line
            yield _syntax_error(file, problem)
            continue
        waivers += _waivers(file, chunk, line, documents)
        for index, document in enumerate(documents):
            yield from _from_document(file, chunk, line, index, document, waivers)
        if any(document.value is not None for document in documents):
            waivers = []


def _waivers(file: InputFile, text: str, line: int, documents: list[Document]) -> list[Suppression]:
    if "seawall:" not in text:
        return []
    from seawall.sources.manifests.comments import suppressions

    return suppressions(text, documents, file.path, line)


def chunks(text: str) -> Iterator[tuple[int, str, int]]:
    """Each document: its offset, text and first line, cut at ``---`` lines as Kubernetes' own reader does."""
    start = line = 0
    for match in [*_DIVIDER.finditer(text), None]:
        end = match.start() if match else len(text)
        chunk = text[start:end]
        if match is not None and _ONLY_PREAMBLE.match(chunk) and "%" in chunk:
            continue
        if chunk.strip():
            yield start, chunk, line
        line += chunk.count("\n")
        start = end


def _from_document(
    file: InputFile, text: str, line: int, index: int, document: Document, waivers: list[Suppression]
) -> Iterator[Loaded]:
    value = document.value
    if value is None:
        return
    for place, item in objects_in(value):
        marks = marks_at(document.marks, place)
        origin = YamlOrigin(file.path, file.unit, text, line, index, place, marks, _start(marks))
        found = [path[len(place) :] for path, *_ in document.duplicates if path[: len(place)] == place]
        yield from from_object(file, item, origin, found, _of_item(waivers, place))
        origin.marks = None
    for path, at, column in document.duplicates:
        if is_list(value) and hides_items(value, path):
            yield SourceError(file.path, f"{line + at + 1}:{column + 1}", HIDING)


def _of_item(waivers: list[Suppression], place: Path) -> list[Suppression]:
    """What is waived of an item of a list: the paths within it, and what is for the list as a whole."""
    found: list[Suppression] = []
    for waiver in waivers if place else ():
        path = waiver.path
        if path is None or path == place[: len(path)]:
            found.append(waiver if path is None else structs.replace(waiver, path=()))
        elif path[: len(place)] == place:
            found.append(structs.replace(waiver, path=path[len(place) :]))
    return found if place else waivers


def _start(marks: Marks | None) -> tuple[int, int]:
    return (marks.line, marks.column) if marks is not None else (0, 0)
