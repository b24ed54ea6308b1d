"""Files to resources."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from typing import Any

from seawall.model.finding import ResourceRef, SourceError
from seawall.model.kube.kinds import find_kind
from seawall.model.paths import Path
from seawall.model.resource import Origin, Resource
from seawall.model.views import to_view
from seawall.sources.manifests import jsontext
from seawall.sources.manifests.origin import JsonOrigin, JsonSource, YamlOrigin, item_marks
from seawall.sources.manifests.text import MAX_FILE_BYTES, decode
from seawall.sources.manifests.walk import InputFile, Skipped
from seawall.sources.manifests.yamltext import Document, SyntaxProblem, parse_documents

Loaded = Resource | SourceError | Skipped

NOT_KUBERNETES = "not Kubernetes (no apiVersion and kind)"
EMPTY = "empty"
_DIVIDER = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_ONLY_PREAMBLE = re.compile(r"(?:[ \t]*(?:#.*|%.*)?(?:\r?\n|\Z))*\Z")
_LOWER_JSON = ".json"


def load_file(file: InputFile) -> Iterator[Loaded]:
    """Read a file's objects. An object is held decoded until the next one is asked for."""
    try:
        data, regular = _read(file.path)
    except OSError as error:
        yield SourceError(file.path, "", f"cannot be read: {error.strerror or error}", unreadable=True)
        return
    if len(data) > MAX_FILE_BYTES:
        yield SourceError(file.path, "", f"larger than {MAX_FILE_BYTES >> 20} MiB; split it", unreadable=True)
        return
    yield from _load_bytes(file, data, JsonSource(file.path, None if regular else data))


def load_stdin(data: bytes) -> Iterator[Loaded]:
    """Read the objects of standard input."""
    yield from _load_bytes(InputFile("<stdin>", "", named=True), data, JsonSource("<stdin>", data))


def _read(path: str) -> tuple[bytes, bool]:
    with open(path, "rb") as file:
        regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        return file.read(MAX_FILE_BYTES + 1), regular


def _load_bytes(file: InputFile, data: bytes, source: JsonSource) -> Iterator[Loaded]:
    objects = 0
    reasons: dict[str, None] = {}
    try:
        for loaded in _load_text(file, data, source):
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


def _syntax_error(file: InputFile, problem: SyntaxProblem) -> SourceError:
    return SourceError(file.path, f"{problem.line}:{problem.column}", problem.message, unreadable=True)


def _load_text(file: InputFile, data: bytes, source: JsonSource) -> Iterator[Loaded]:
    is_json = file.path.endswith(_LOWER_JSON)
    if is_json or (not file.path.endswith((".yaml", ".yml")) and data.lstrip()[:1] == b"{"):
        if data[:1] not in (b"{", b"[", b" ", b"\n", b"\t", b"\r"):
            data = decode(data).encode()
            source.data = data
        try:
            yield from _load_json(file, data, source)
        except SyntaxProblem:
            if is_json:
                raise
        else:
            return
    text = decode(data)
    for chunk, line in _chunks(text):
        try:
            documents = parse_documents(chunk)
        except SyntaxProblem as problem:
            problem.line += line
            yield _syntax_error(file, problem)
            continue
        for index, document in enumerate(documents):
            yield from _from_document(file, chunk, line, index, document)


def _chunks(text: str) -> Iterator[tuple[str, int]]:
    """The text of each document with its first line, cut at ``---`` lines as Kubernetes' own reader does."""
    start = line = 0
    for match in [*_DIVIDER.finditer(text), None]:
        end = match.start() if match else len(text)
        chunk = text[start:end]
        if match is not None and _ONLY_PREAMBLE.match(chunk) and "%" in chunk:
            continue
        if chunk.strip():
            yield chunk, line
        line += chunk.count("\n")
        start = end


def _from_document(file: InputFile, text: str, line: int, index: int, document: Document) -> Iterator[Loaded]:
    value = document.value
    if value is None:
        return
    if _is_list(value):
        for number, item in enumerate(value["items"]):
            marks = item_marks(document.marks, number)
            origin = YamlOrigin(file.path, file.unit, text, line, index, number, marks)
            found = [path[2:] for path, *_ in document.duplicates if path[:2] == ("items", number)]
            yield from _from_object(file, _item(value, item), origin, found)
            origin.marks = None
        return
    origin = YamlOrigin(file.path, file.unit, text, line, index, None, document.marks)
    yield from _from_object(file, value, origin, [path for path, *_ in document.duplicates])
    origin.marks = None


def _load_json(file: InputFile, data: bytes, source: JsonSource) -> Iterator[Loaded]:
    if not data.strip():
        return
    try:
        split = jsontext.split_list(data)
    except SyntaxProblem as problem:
        if "trailing" not in problem.message:
            raise
        yield from _load_json_stream(file, data, source)
        return
    if split is None:
        chunk = jsontext.Chunk(decode(data), 0, 0)
        yield from _from_chunk(file, chunk, source, (0, len(data)), {})
        return
    shell, items = split
    head, duplicated = jsontext.decode_chunk(shell)
    if not _is_list({**head, "items": []}):
        yield from _from_chunk(file, jsontext.Chunk(decode(data), 0, 0), source, (0, len(data)), {})
        return
    if duplicated:
        yield SourceError(file.path, "1:1", "the list itself has a duplicate key, so items may be hidden: remove it")
    for chunk, start, length in jsontext.item_chunks(data, items):
        yield from _from_chunk(file, chunk, source, (start, length), head)


def _load_json_stream(file: InputFile, data: bytes, source: JsonSource) -> Iterator[Loaded]:
    """Several objects one after another, as ``jq`` and JSON Lines write them."""
    source.data = data
    for chunk, start, length in jsontext.concatenated(data):
        yield from _from_chunk(file, chunk, source, (start, length), {})


def _from_chunk(
    file: InputFile, chunk: jsontext.Chunk, source: JsonSource, span: tuple[int, int], head: dict[str, Any]
) -> Iterator[Loaded]:
    value, duplicated = jsontext.decode_chunk(chunk)
    found = [path for path, *_ in jsontext.duplicate_keys(chunk)] if duplicated else []
    origin = JsonOrigin(file.path, file.unit, source, *span, chunk.line, chunk.column, chunk.text)
    yield from _from_object(file, _item(head, value) if head else value, origin, found)
    origin.text = None


def _is_list(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("items"), list):
        return False
    kind, version = value.get("kind"), value.get("apiVersion")
    return isinstance(kind, str) and isinstance(version, str) and kind.endswith("List")


def _item(head: dict[str, Any], item: Any) -> Any:
    """An item of a list; those of a PodList and its like may leave out what the list says."""
    kind = head["kind"]
    if isinstance(item, dict) and "kind" not in item and kind != "List":
        return {"apiVersion": head["apiVersion"], "kind": kind.removesuffix("List"), **item}
    return item


def _from_object(file: InputFile, value: Any, origin: Origin, duplicates: list[Path]) -> Iterator[Loaded]:
    if not isinstance(value, dict) or ("apiVersion" not in value and "kind" not in value):
        yield Skipped(file.path, NOT_KUBERNETES)
        return
    version, kind = value.get("apiVersion"), value.get("kind")
    if version is None or kind is None:
        missing = "apiVersion" if version is None else "kind"
        yield Skipped(file.path, f"not Kubernetes (no {missing})")
        return
    if not isinstance(version, str) or not isinstance(kind, str):
        path: Path = ("kind",) if isinstance(version, str) else ("apiVersion",)
        place = origin.locate([path])[0]
        yield SourceError(file.path, f"{place.line}:{place.column}", f"{path[0]} must be text", unreadable=True)
        return
    yield from _to_resource(value, version, kind, origin, duplicates)


def _to_resource(
    value: dict[str, Any], version: str, kind: str, origin: Origin, duplicates: list[Path]
) -> Iterator[Loaded]:
    metadata = value.get("metadata")
    meta: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
    name = _text(meta.get("name")) or (f"{_text(meta.get('generateName'))}*" if meta.get("generateName") else "")
    modelled = find_kind(version, kind)
    view, problems = to_view(value, modelled.view) if modelled else (None, [])
    ref = ResourceRef(sys.intern(version), sys.intern(kind), name, _text(meta.get("namespace")) or None)
    resource = Resource(
        ref,
        uid=_text(meta.get("uid")),
        kind=modelled,
        view=view,
        origin=origin,
        problems=problems,
        duplicates=duplicates,
    )
    resource.hold(value)
    yield resource
    resource.hold(None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
