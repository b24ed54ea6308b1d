"""Writing objects as YAML that Kubernetes reads back as they were."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

#: Text that no YAML reader takes for anything but text: it begins as no number does, and is no word for a boolean.
_PLAIN = re.compile(r"[A-Za-z/_][A-Za-z0-9_./-]*\Z")
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "none"])
_NEWLINE = "\n"
_SAFE_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*\Z")


#: Comments by the path of the key or item that they stand before.
Inside = Mapping[tuple[str | int, ...], Sequence[str]]
#: Lines of parts by their identity and indent.
Shared = dict[tuple[int, str], list[str]]
_Path = tuple[str | int, ...]


def to_yaml(
    value: Mapping[str, Any], comments: Sequence[str] = (), inside: Inside | None = None, shared: Shared | None = None
) -> str:
    """An object as a YAML document, with comment lines before it and inside; keys keep their order.

    ``shared`` (at first empty) remembers how parts are written that are the very same object in many documents; these
    have to stay alive and unchanged between calls.
    """
    lines = [_comment(comment) for comment in comments]
    inside = inside or {}
    _mapping(lines, value, "", _State(inside, max(map(len, inside), default=0), shared), ())
    lines.append("")
    return "\n".join(lines)


def _comment(text: str, indent: str = "") -> str:
    """A comment of one line: no text ends it early, or holds what YAML does not allow. Blanks before it are kept."""
    shown = " ".join(text.split())
    if not shown.isprintable():
        shown = "".join(char if char.isprintable() else "?" for char in shown)
    return f"{indent}# {' ' * (len(text) - len(text.lstrip(' ')))}{shown}"


def to_documents(values: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> str:
    """Several objects, each with its comments, as one file."""
    return "---\n".join(to_yaml(value, comments) for value, comments in values)


class _State(NamedTuple):
    """What goes down with every part; where no comments can be below, ``inside`` is empty, and paths do not count."""

    inside: Inside
    depth: int
    shared: Shared | None


def _mapping(lines: list[str], value: Mapping[str, Any], indent: str, state: _State, path: _Path) -> None:
    inside = state.inside
    for key, item in value.items():
        at = (*path, key) if inside else ()
        if inside and at in inside:
            lines.extend(_comment(each, indent) for each in inside[at])
        kind = type(item)
        if kind is str and "\n" in item and _fits_block(item):
            lines.append(f"{indent}{_key(key)}: {'|' if item.endswith(_NEWLINE) else '|-'}")
            lines.extend(f"{indent}  {line}" if line else "" for line in item.removesuffix(_NEWLINE).split(_NEWLINE))
        elif kind is str or kind is int:
            lines.append(f"{indent}{_key(key)}: {_inline(item)}")
        elif isinstance(item, Mapping) and item:
            lines.append(f"{indent}{_key(key)}:")
            _mapping(lines, item, f"{indent}  ", state, at)
        elif isinstance(item, list | tuple) and item and not all(map(_is_scalar, item)):
            lines.append(f"{indent}{_key(key)}:")
            for number, each in enumerate(item):
                _item(lines, each, indent, state, (*at, number))
        else:
            lines.append(f"{indent}{_key(key)}: {_inline(item)}")


def _fits_block(text: str) -> bool:
    """Whether a text of several lines is read back as it is from lines of its own."""
    body = text.removesuffix("\n")
    return bool(body) and body[0] not in " \n" and body[-1] != "\n" and all(map(str.isprintable, body.split("\n")))


def _item(lines: list[str], value: Any, indent: str, state: _State, path: _Path) -> None:
    if not isinstance(value, Mapping) or not value:
        lines.extend(_comment(each, indent) for each in state.inside.get(path, ()))
        lines.append(f"{indent}- {_inline(value)}")
        return
    if not state.inside and state.shared is not None:
        known = state.shared.get((id(value), indent))
        if known is None:
            known = state.shared[id(value), indent] = []
            _dashed(known, value, indent, state, path)
        lines.extend(known)
        return
    if path in state.inside:
        lines.extend(_comment(each, indent) for each in state.inside[path])
        deeper = len(path) < state.depth
        below = {at: texts for at, texts in state.inside.items() if at[: len(path)] == path} if deeper else {}
        below.pop(path, None)
        state = _State(below, state.depth, state.shared)
    _dashed(lines, value, indent, state, path)


def _dashed(lines: list[str], value: Mapping[str, Any], indent: str, state: _State, path: _Path) -> None:
    first = len(lines)
    _mapping(lines, value, f"{indent}  ", state, path)
    # The dash stands before the first key; comments of that key stay above it.
    while lines[first].lstrip().startswith("#"):
        first += 1
    lines[first] = f"{indent}- {lines[first].lstrip()}"


@lru_cache(maxsize=4096)
def _key(key: str) -> str:
    plain = _SAFE_KEY.match(key) and key.lower() not in _WORDS
    return key if plain else json.dumps(key, ensure_ascii=False)


def _text(value: str) -> str:
    plain = _PLAIN.match(value) and value.lower() not in _WORDS
    return value if plain else json.dumps(value, ensure_ascii=False)


#: For short texts, which come again and again.
_short_text = lru_cache(maxsize=4096)(_text)


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _inline(value: Any) -> str:
    if isinstance(value, str):
        return _short_text(value) if len(value) < 256 else _text(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_inline(each) for each in value)}]"
    return json.dumps(value, ensure_ascii=False)
