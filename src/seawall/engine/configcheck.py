"""Explaining what is wrong with a configuration: every mistake with its line, and what was probably meant."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from msgspec import Struct, inspect

from seawall.engine.config import Text
from seawall.model.paths import Path, format_path
from seawall.sources.manifests.yamltext import place_in

_NAMES: dict[type[inspect.Type], str] = {
    inspect.StrType: "text",
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.DictType: "a mapping",
    inspect.StructType: "a mapping",
    inspect.VarTupleType: "a list",
    inspect.DateType: "a date such as 2027-01-31",
}


class Problem(Struct, frozen=True):
    """A mistake. ``line`` and ``column`` count from 1; ``suggestion`` is what to do, where that can be told."""

    file: str
    line: int
    column: int
    path: str
    message: str
    suggestion: str = ""

    @property
    def told(self) -> str:
        """The mistake without its place in the file."""
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"{self.path or 'the file'}: {self.message}{hint}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.told}"


def problem_at(text: Text, path: Path, message: str, suggestion: str = "") -> Problem:
    """A problem with the place where a part of a configuration stands."""
    line, column = place_in(text.marks, path)
    return Problem(text.file, line + 1, column + 1, format_path(path), message, suggestion)


def shape_problems(text: Text, kind: type, value: Any, base: Path = ()) -> list[Problem]:
    """All places where a value has not the shape of a struct, in the order of the file."""
    found = [problem_at(text, path, *told) for path, *told in mistakes(kind, value, base)]
    return sorted(found, key=lambda each: (each.line, each.column))


#: A path, what is wrong there, and what to do.
_Told = tuple[Path, str, str]


def mistakes(kind: type, value: Any, base: Path = ()) -> Iterator[_Told]:
    """All places where a value has not the shape of a struct: the path, what is wrong there, and what to do."""
    return _walk(inspect.type_info(kind), value, base)


def _walk(kind: inspect.Type, value: Any, path: Path) -> Iterator[_Told]:
    if isinstance(kind, inspect.UnionType):
        yield from _union(kind, value, path)
    elif isinstance(kind, inspect.StructType):
        yield from _struct(kind, value, path)
    elif isinstance(kind, inspect.VarTupleType):
        if not isinstance(value, list):
            yield _wrong(kind, value, path)
            return
        if kind.min_length and len(value) < kind.min_length:
            yield path, "must have an item", ""
        for index, each in enumerate(value):
            yield from _walk(kind.item_type, each, (*path, index))
    elif isinstance(kind, inspect.DictType):
        if not isinstance(value, dict):
            yield _wrong(kind, value, path)
            return
        for key, each in value.items():
            yield from _walk(kind.value_type, each, (*path, key))
    else:
        yield from _scalar(kind, value, path)


def _union(kind: inspect.UnionType, value: Any, path: Path) -> Iterator[_Told]:
    tries = [list(_walk(each, value, path)) for each in kind.types]
    if not all(tries):
        return
    containers = list if isinstance(value, list) else dict if isinstance(value, dict) else ()
    for each, problems in zip(kind.types, tries, strict=True):
        fits = inspect.VarTupleType if containers is list else inspect.StructType
        if containers and isinstance(each, fits):
            yield from problems
            return
    if len(told := [each for each in kind.types if not isinstance(each, inspect.NoneType)]) == 1:
        yield from tries[kind.types.index(told[0])]
    else:
        expected = " or ".join(_NAMES.get(type(each), "nothing") for each in kind.types)
        yield path, f"must be {expected}, not {_shown(value)}", ""


def _struct(kind: inspect.StructType, value: Any, path: Path) -> Iterator[_Told]:
    if not isinstance(value, dict):
        yield _wrong(kind, value, path)
        return
    fields = {field.encode_name: field for field in kind.fields}
    for key, each in value.items():
        if key in fields:
            yield from _walk(fields[key].type, each, (*path, key))
        else:
            yield (*path, key), "there is no such key", guess(key, fields)
    for name, field in fields.items():
        if field.required and name not in value:
            yield path, f"`{name}` is missing", f"add `{name}:`"


def _scalar(kind: inspect.Type, value: Any, path: Path) -> Iterator[_Told]:
    if isinstance(kind, inspect.EnumType):
        choices = [str(each.value) for each in kind.cls]
        if value not in choices:
            yield path, f"must be one of {', '.join(choices)}, not {_shown(value)}", guess(str(value), choices)
    elif isinstance(kind, inspect.DateType):
        if not _is_date(value):
            yield _wrong(kind, value, path)
    elif not _SCALARS[type(kind)](value):
        yield _wrong(kind, value, path)
    elif isinstance(kind, inspect.StrType):
        if kind.min_length and len(value) < kind.min_length:
            yield path, "must not be empty", ""
        elif kind.pattern and not re.search(kind.pattern, value):
            yield path, f"{_shown(value)} is not of the form {kind.pattern}", ""
    elif isinstance(kind, inspect.IntType) and kind.ge is not None and value < kind.ge:
        yield path, f"must be {kind.ge} or more, not {value}", ""


_SCALARS: dict[type[inspect.Type], Callable[[Any], bool]] = {
    inspect.StrType: lambda value: isinstance(value, str),
    inspect.BoolType: lambda value: isinstance(value, bool),
    inspect.IntType: lambda value: isinstance(value, int) and not isinstance(value, bool),
    inspect.NoneType: lambda value: value is None,
}


def _is_date(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) == 10 and bool(datetime.date.fromisoformat(value))
    except ValueError:
        return False


def _wrong(kind: inspect.Type, value: Any, path: Path) -> _Told:
    hint = "write it in quotes" if isinstance(kind, inspect.StrType) and isinstance(value, bool | int | float) else ""
    if isinstance(kind, inspect.VarTupleType) and isinstance(value, str):
        hint = f"write it as a list: [{value}]" if len(value) < 60 else "write it as a list"
    return path, f"must be {_NAMES.get(type(kind), 'nothing')}, not {_shown(value)}", hint


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:60]}...")
    return str(value).lower() if isinstance(value, bool) else str(value)


def guess(name: str, known: Iterable[str]) -> str:
    """``did you mean ...?``, or which there are where they are few."""
    names = list(known)
    folded = {each.lower().replace("-", "").replace("_", ""): each for each in names}
    close = get_close_matches(name.lower().replace("-", "").replace("_", ""), folded, 1)
    if close:
        return f"did you mean `{folded[close[0]]}`?"
    return f"choose from {', '.join(names)}" if len(names) <= 12 else ""
