"""Field paths: tuples of keys and list indices, and how they are written.

``("spec", "containers", 0, "image")`` is written ``spec.containers[0].image``. The *stable* form names list items
(``spec.containers[name=app].image``), so that it survives reordering; fingerprints are made from it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

Path = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_$-]+\Z")
_STEP = re.compile(r'\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\.?([^.\[\]]+)')
#: Fields that identify an item of a list in Kubernetes' own types, in the order in which they are tried.
_NAMING_KEYS = ("name", "key", "mountPath", "devicePath", "containerPort", "port", "ip", "topologyKey", "kind", "type")


@lru_cache(maxsize=8192)
def format_path(path: Path) -> str:
    """Write a path as people write it."""
    out: list[str] = []
    for step in path:
        if isinstance(step, int):
            out.append(f"[{step}]")
        elif _PLAIN_KEY.match(step):
            out.append(f".{step}" if out else step)
        else:
            escaped = step.replace("\\", "\\\\").replace('"', '\\"')
            out.append(f'["{escaped}"]')
    return "".join(out)


def parse_path(text: str) -> Path:
    """Read what :func:`format_path` writes. The empty string is the object itself."""
    steps: list[str | int] = []
    for index, quoted, plain in _STEP.findall(text):
        if index:
            steps.append(int(index))
        elif plain:
            steps.append(plain)
        else:
            steps.append(re.sub(r"\\(.)", r"\1", quoted))
    return tuple(steps)


def lookup(value: Any, path: Iterable[str | int]) -> Any:
    """The value at a path in decoded JSON or YAML, or None where the path leads nowhere."""
    for step in path:
        kind = type(value)
        if kind is dict:
            value = value.get(step)
        elif kind is list and type(step) is int and step < len(value):
            value = value[step]
        else:
            return None
    return value


class PathNamer:
    """Writes paths of one object with list items by what names them, so that reordering does not change them.

    The names of a list's items are worked out once a list, so that a list of many thousand items stays linear.
    """

    def __init__(self, value: Any) -> None:
        self._value = value
        self._names: dict[int, list[str]] = {}
        self._prefixes: dict[Path, str] = {}

    def __call__(self, path: Path, secret: bool = False) -> str:
        """The stable form of a path, e.g. ``spec.containers[name=app].image``; a secret item goes by its index, as its
        value must not be told, nor anything that is made from it."""
        if secret and path and type(path[-1]) is int:
            return f"{self(path[:-1])}[{path[-1]}]"
        split = _after_last_index(path)
        if not split:
            return _plain(path)
        prefix = path[:split]
        named = self._prefixes.get(prefix)
        if named is None:
            named = self._prefixes[prefix] = self._name(prefix)
        return f"{named}.{_plain(path[split:])}" if split < len(path) else named

    def _name(self, path: Path) -> str:
        value = self._value
        out: list[str] = []
        for step in path:
            if isinstance(step, int):
                items = value if isinstance(value, list) else []
                out.append(f"[{self._item_name(items, step)}]")
                value = items[step] if step < len(items) else None
            else:
                out.append(f".{step}" if out else step)
                value = value.get(step) if isinstance(value, dict) else None
        return "".join(out)

    def _item_name(self, items: list[Any], index: int) -> str:
        if index >= len(items):
            return str(index)
        names = self._names.get(id(items))
        if names is None:
            names = self._names[id(items)] = _item_names(items)
        return names[index]


def _after_last_index(path: Path) -> int:
    for position in range(len(path), 0, -1):
        if type(path[position - 1]) is int:
            return position
    return 0


@lru_cache(maxsize=4096)
def _plain(path: Path) -> str:
    return ".".join(map(str, path))


def _item_names(items: list[Any]) -> list[str]:
    """What names each item: an identifying field that no sibling shares, its scalar value, or else its index."""
    usual = [item.get("name") if type(item) is dict else None for item in items]
    if None not in usual and len(set(map(str, usual))) == len(usual) and set(map(type, usual)) == {str}:
        return [f"name={name}" for name in usual]  # containers, volumes, variables: most lists there are
    candidates = [_candidates(item) for item in items]
    counts = Counter(name for names in candidates for name in names)
    return [next((name for name in names if counts[name] == 1), str(index)) for index, names in enumerate(candidates)]


def _candidates(item: Any) -> list[str]:
    if isinstance(item, dict):
        named = [(key, item.get(key)) for key in _NAMING_KEYS]
        return [f"{key}={value}" for key, value in named if isinstance(value, str | int)]
    return [f"={item}"] if isinstance(item, str | int) else []
