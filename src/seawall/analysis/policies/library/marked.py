"""Values of Kubernetes' own types, of which the engine has none: a map of a type's name and a text that is the same for
equal values, so that ``==``, ``in`` and keys of maps compare what is meant. The keys of the map are truth values, which
nobody else's are.
"""

from __future__ import annotations

from typing import Any

_KIND, _TEXT = False, True
#: The types' names, by the function that makes values of them.
TYPES = {
    "ip": "net.IP", "cidr": "net.CIDR", "quantity": "kubernetes.Quantity", "url": "kubernetes.URL",
    "semver": "kubernetes.Semver", "image": "kubernetes.Image", "format": "kubernetes.NamedFormat",
}  # fmt: skip
Marked = dict[bool, str]


def mark(maker: str, text: str) -> Marked:
    """A value of the type that ``maker`` makes."""
    return {_KIND: TYPES[maker], _TEXT: text}


def is_marked(value: Any) -> bool:
    """Whether it is a value of one of the types."""
    return isinstance(value, dict) and len(value) == 2 and value.get(_KIND) in _NAMES and _TEXT in value


_NAMES = frozenset(TYPES.values())


def kind_of(marked: Marked) -> str:
    """The name of a value's type; of any other map's, ``map``."""
    return marked[_KIND] if is_marked(marked) else "map"


def text_of(marked: Any, maker: str) -> str:
    """The text in a value of the type that ``maker`` makes.

    Raises:
        ValueError: it is of another type.
    """
    if not is_marked(marked) or marked[_KIND] != TYPES[maker]:
        found = kind_of(marked) if isinstance(marked, dict) else type(marked).__name__
        raise ValueError(f"no such overload: {TYPES[maker]} is needed, not {found}")
    text: str = marked[_TEXT]
    return text


def as_string(marked: Marked) -> str:
    """What ``string(x)`` gives: addresses and ranges of them have a text in CEL, the other types have none.

    Raises:
        ValueError: it is of another type.
    """
    if kind_of(marked) not in ("net.IP", "net.CIDR"):
        raise ValueError(f"no such overload: string({kind_of(marked)})")
    return marked[_TEXT]


def shown(value: Any) -> Any:
    """A plain value as it is told to people."""
    if is_marked(value):
        return value[_TEXT]
    if isinstance(value, dict):
        return {key: shown(each) for key, each in value.items()}
    return [shown(each) for each in value] if isinstance(value, list) else value
