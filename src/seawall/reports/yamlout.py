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


def to_yaml(value: Mapping[str, Any], comments: Sequence[str] = ()) -> str:
    """An object as a YAML document, with comment lines before it; keys keep their order."""
    lines = [f"# {' '.join(comment.split())}" for comment in comments]
    return "\n".join([*lines, *_mapping(value, "")]) + "\n"


def to_documents(values: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> str:
    """Several objects, each with its comments, as one file."""
    return "---\n".join(to_yaml(value, comments) for value, comments in values)


def _mapping(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        shown = key if _SAFE_KEY.match(key) and key.lower() not in _WORDS else json.dumps(key, ensure_ascii=False)
        if isinstance(item, Mapping) and item:
            yield f"{indent}{shown}:"
            yield from _mapping(item, f"{indent}  ")
        elif isinstance(item, list | tuple) and item and not all(_is_scalar(each) for each in item):
            yield f"{indent}{shown}:"
            for each in item:
                yield from _item(each, indent)
        else:
            yield f"{indent}{shown}: {_inline(item)}"


def _item(value: Any, indent: str) -> Iterator[str]:
    if not isinstance(value, Mapping) or not value:
        yield f"{indent}- {_inline(value)}"
        return
    lines = _mapping(value, f"{indent}  ")
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
