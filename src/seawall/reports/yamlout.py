"""Writing objects as YAML that Kubernetes reads back as they were."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Text that no YAML reader takes for anything but text: it begins as no number does, and is no word for a boolean.
_PLAIN = re.compile(r"[A-Za-z/_][A-Za-z0-9_./-]*\Z")
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "none"])
_SAFE_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*\Z")


#: Comments by the path of the key or item that they stand before.
Inside = Mapping[tuple[str | int, ...], Sequence[str]]


def to_yaml(value: Mapping[str, Any], comments: Sequence[str] = (), inside: Inside | None = None) -> str:
    """An object as a YAML document, with comment lines before it and inside; keys keep their order."""
    lines = [_comment(comment) for comment in comments]
    return "\n".join([*lines, *_mapping(value, "", inside or {}, ())]) + "\n"


def _comment(text: str, indent: str = "") -> str:
    """A comment of one line: no text ends it early, or holds what YAML does not allow. Blanks before it are kept."""
    shown = "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))
    return f"{indent}# {' ' * (len(text) - len(text.lstrip(' ')))}{shown}"


def to_documents(values: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> str:
    """Several objects, each with its comments, as one file."""
    return "---\n".join(to_yaml(value, comments) for value, comments in values)


def _mapping(value: Mapping[str, Any], indent: str, inside: Inside, path: tuple[str | int, ...]) -> Iterator[str]:
    for key, item in value.items():
        at = (*path, key)
        if at in inside:
            yield from (_comment(each, indent) for each in inside[at])
        shown = key if _SAFE_KEY.match(key) and key.lower() not in _WORDS else json.dumps(key, ensure_ascii=False)
        if isinstance(item, Mapping) and item:
            yield f"{indent}{shown}:"
            yield from _mapping(item, f"{indent}  ", inside, at)
        elif isinstance(item, list | tuple) and item and not all(_is_scalar(each) for each in item):
            yield f"{indent}{shown}:"
            for number, each in enumerate(item):
                yield from _item(each, indent, inside, (*at, number))
        else:
            yield f"{indent}{shown}: {_inline(item)}"


def _item(value: Any, indent: str, inside: Inside, path: tuple[str | int, ...]) -> Iterator[str]:
    if path in inside:
        yield from (_comment(each, indent) for each in inside[path])
    if not isinstance(value, Mapping) or not value:
        yield f"{indent}- {_inline(value)}"
        return
    lines = _mapping(value, f"{indent}  ", inside, path)
    yield f"{indent}- {next(lines).lstrip()}"
    yield from lines


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _inline(value: Any) -> str:
    if isinstance(value, str):
        plain = _PLAIN.match(value) and value.lower() not in _WORDS
        return value if plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_inline(each) for each in value)}]"
    return json.dumps(value, ensure_ascii=False)
