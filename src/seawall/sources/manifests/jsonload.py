"""JSON files to resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.model.finding import SourceError
from seawall.sources.manifests import jsontext
from seawall.sources.manifests.jsonorigin import JsonOrigin, JsonSource
from seawall.sources.manifests.objects import HIDING, MOST_LISTS, Loaded, from_object, is_list, list_item
from seawall.sources.manifests.text import decode
from seawall.sources.manifests.walk import InputFile
from seawall.sources.manifests.yamltext import SyntaxProblem


def load_json(file: InputFile, data: bytes, regular: bool) -> Iterator[Loaded]:
    """Read the objects of JSON text. ``regular`` says that the file can be read again.

    Raises:
        SyntaxProblem: it is not JSON.
    """
    if data[:1] not in (b"{", b"[", b" ", b"\n", b"\t", b"\r"):
        data, regular = decode(data).encode(), False
    else:
        decode(data)  # what is not text is told with its place before anything is cut
    source = JsonSource(file.at, None if regular else data)
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
    if not is_list({**head, "items": []}):
        yield from _from_chunk(file, jsontext.Chunk(decode(data), 0, 0), source, (0, len(data)), {})
        return
    if duplicated:
        yield SourceError(file.path, "1:1", HIDING)
    for chunk, start, length in jsontext.item_chunks(data, items):
        yield from _from_chunk(file, chunk, source, (start, length), head, 2)


def _from_inner_list(
    file: InputFile, outer: jsontext.Chunk, source: JsonSource, begin: int, lists: int
) -> Iterator[Loaded]:
    """The objects of a list that is not the whole file: one of several, or an item of another list."""
    data = outer.text.encode()
    split = jsontext.split_list(data)
    if split is None:
        return
    head, duplicated = jsontext.decode_chunk(split[0])
    if duplicated:
        yield SourceError(file.path, f"{outer.line + 1}:{outer.column + 1}", HIDING)
    for chunk, start, length in jsontext.item_chunks(data, split[1]):
        column = chunk.column if chunk.line else outer.column + chunk.column
        piece = jsontext.Chunk(chunk.text, outer.line + chunk.line, column)
        yield from _from_chunk(file, piece, source, (begin + start, length), head, lists)


def _load_json_stream(file: InputFile, data: bytes, source: JsonSource) -> Iterator[Loaded]:
    """Several objects one after another, as ``jq`` and JSON Lines write them."""
    source.data = data
    for chunk, start, length in jsontext.concatenated(data):
        yield from _from_chunk(file, chunk, source, (start, length), {})


def _from_chunk(
    file: InputFile,
    chunk: jsontext.Chunk,
    source: JsonSource,
    span: tuple[int, int],
    head: dict[str, Any],
    lists: int = 1,
) -> Iterator[Loaded]:
    value, duplicated = jsontext.decode_chunk(chunk)
    if lists <= MOST_LISTS and is_list(value) and value["items"]:
        yield from _from_inner_list(file, chunk, source, span[0], lists + 1)
        return
    found = [path for path, *_ in jsontext.duplicate_keys(chunk)] if duplicated else []
    origin = JsonOrigin(file.path, file.unit, source, *span, chunk.line, chunk.column, chunk.text, (value, duplicated))
    yield from from_object(file, list_item(head, value) if head else value, origin, found)
    origin.text = origin.decoded = None
