"""From an action in a template to the key of the chart's values that it writes, and to where that key is set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from seawall.model.finding import Location
from seawall.model.paths import Path, format_path, lookup
from seawall.sources.helm.template import Action
from seawall.sources.manifests.yamltext import Document, SyntaxProblem, parse_documents

_REFERENCE = re.compile(r"(?<![\w.)\]])\$?\.Values((?:\.\w+)+)")
_INDEX = re.compile(r'\bindex\s+\$?\.Values((?:\.\w+)*)((?:\s+"[^"\n]*")+)')
_STRING = re.compile(r'"([^"\n]*)"')
_DOT = re.compile(r"(?<![\w.)\]$])\.(\w+(?:\.\w+)*)?(?![\w(])")


class ValuesFile(Struct):
    """A file of values: the name that people see, and its first document."""

    shown: str
    document: Document | None


def parse_values(shown: str, text: str) -> ValuesFile:
    """Read a values file for places; one that is no YAML has none (Helm tells of it)."""
    try:
        documents = parse_documents(text)
    except SyntaxProblem:
        return ValuesFile(shown, None)
    return ValuesFile(shown, documents[0] if documents else None)


def place_of_key(file: ValuesFile, key: Path) -> tuple[int, Location | None]:
    """Where a file sets a key: how many steps of it there are, and the place of the last of those."""
    marks = file.document.marks if file.document is not None else None
    found: Location | None = None
    for depth, step in enumerate(key):
        child = marks.children.get(step) if marks is not None else None
        if child is None:
            return depth, found
        line, column, marks = child
        found = Location(file.shown, line + 1, column + 1, format_path(key))
    return len(key), found


def keys_of(action: Action, path: Path, raw: dict[str, Any], values: dict[str, Any]) -> list[Path]:
    """The keys, in the chart's own values, that set the field at ``path`` of the rendered object ``raw``.

    A key that stands for a map or list leads to the field in it where both have the same value there. A field that is
    absent can be added only where such a map stands.
    """
    there = _existing(raw, path)
    absent = path[len(there) :]
    field = lookup(raw, there)
    found: dict[Path, None] = {}
    for key in _references(action):
        value = lookup(values, key)
        if isinstance(value, dict | list) and isinstance(field, dict | list):
            tail = _tail(there, field, value)
            if absent and isinstance(value, list) and not tail:
                continue
            found[key + tail + absent] = None
        elif absent:
            continue
        elif isinstance(value, dict | list):
            found[key + _tail(path, field, value)] = None
        elif value in (None, "") or value == field or (value is not None and str(value) in str(field)):
            found[key] = None
    return list(found)


def _existing(raw: Any, path: Path) -> Path:
    """The longest beginning of a path that exists."""
    for length in range(len(path), 0, -1):
        if lookup(raw, path[:length]) is not None:
            return path[:length]
    return ()


def _references(action: Action) -> Iterator[Path]:
    yield from _absolute(action.body)
    if not action.contexts or ".Values" in action.body:
        return
    kind, pipeline = action.contexts[-1]
    around = list(_absolute(pipeline))
    if len(around) != 1:
        return
    for match in _DOT.finditer(_STRING.sub('""', action.body)):
        yield (*around[0], *match[1].split(".")) if match[1] and kind == "with" else around[0]


def _absolute(text: str) -> Iterator[Path]:
    for match in _REFERENCE.finditer(text):
        yield tuple(match[1][1:].split("."))
    for match in _INDEX.finditer(text):
        yield (*match[1].split(".")[1:], *_STRING.findall(match[2]))


def _tail(path: Path, field: Any, value: Any) -> Path:
    """The longest end of ``path`` that leads to the same value in a map of values."""
    for start in range(len(path)):
        tail = path[start:]
        if field is not None and lookup(value, tail) == field:
            return tail
    return ()
