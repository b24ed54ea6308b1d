"""Giving deep expressions to the engine, whose parser takes no more than 32 levels, in a form of the same meaning.

A part of a deep expression is bound to a name around it, by ``cel.bind``, which evaluates it only where it is read, so
that what is decided without it stays decided without it. Each binding halves a chain, so that few are needed.
"""

from __future__ import annotations

from itertools import count

from seawall.analysis.policies.syntax import Node, SyntaxFault, node, with_kids

#: The engine takes 32 levels; what its macros become takes one or two more than what is written.
MOST_HEIGHT = 30
#: What is told of what cannot be given to it.
TOO_DEEP = "too many loops within loops: the CEL engine takes some 30"
#: Names that an author would not choose.
_NAME = "deep__{}"
#: The macros that are called on a list, map or optional, which stands first: whatever follows may read their variables.
_MACROS = frozenset(
    ["all", "exists", "exists_one", "existsOne", "map", "filter", "transformList", "transformMap", "transformMapEntry",
     "optMap", "optFlatMap"]
)  # fmt: skip
_WIDE = frozenset(["list", "map", "call", "method", "logic", "message"])


def is_bind(given: Node) -> bool:
    """Whether it is ``cel.bind(name, value, whole)``."""
    return given.kind == "method" and given.text == "bind" and given.kids[0].text == "cel" and len(given.kids) == 4


def bind(name: str, value: Node, whole: Node) -> Node:
    """``cel.bind(name, value, whole)``."""
    return node("method", "bind", (node("name", "cel"), node("name", name), value, whole))


def _open_kids(given: Node) -> list[int]:
    """The kids out of which a part can be taken without leaving the reach of a variable, or breaking a macro."""
    if is_bind(given):
        return [2]
    if given.kind == "method" and given.text in _MACROS and len(given.kids) > 2:
        return [0]
    if given.kind == "call" and given.text == "has":
        return []
    return list(range(len(given.kids)))


def _is_name(given: Node) -> bool:
    """Whether it may be the name of a type or of a family of functions, which are no values."""
    while given.kind == "member" and given.height <= 3:
        given = given.kids[0]
    return given.kind == "name"


class Shaper:
    """Brings expressions to a height, with names that are not used twice."""

    def __init__(self) -> None:
        self._numbers = count()

    def fit(self, given: Node, most: int) -> Node:
        """The same expression, no higher than ``most``.

        Raises:
            SyntaxFault: there is no such form.
        """
        if given.height <= most:
            return given
        if most < 4:
            raise SyntaxFault(TOO_DEEP, given.at)
        deep = [kid for kid in given.kids if kid.height >= most]
        path = self._path(given, most) if len(deep) < 2 or given.kind not in _WIDE else None
        if path is None and given.kind == "call" and given.text == "has" and given.kids[0].kids:
            field = given.kids[0]
            return with_kids(given, (with_kids(field, (self.fit(field.kids[0], most - 2), *field.kids[1:])),))
        if path is None:
            return with_kids(given, tuple(self.fit(kid, most - 1) for kid in given.kids))
        chain, indices = path
        part = chain[-1]
        name = _NAME.format(next(self._numbers))
        rest = node("name", name, (), part.at)
        for parent, index in zip(reversed(chain[:-1]), reversed(indices), strict=True):
            kids = list(parent.kids)
            kids[index] = rest
            rest = with_kids(parent, tuple(kids))
        return bind(name, self.fit(part, most - 1), self.fit(rest, most - 1))

    @staticmethod
    def _path(given: Node, most: int) -> tuple[list[Node], list[int]] | None:
        """From a node down to the part of it that is best bound: half of what is deep, two or more levels below.

        None where no part of what is too deep can be taken out.
        """
        chain, indices = [given], list[int]()
        best: int | None = None
        while True:
            current = chain[-1]
            kids = _open_kids(current)
            index = max(kids, key=lambda each: current.kids[each].height, default=None)
            if index is None or (current is given and current.kids[index].height < most):
                break
            chain.append(current.kids[index])
            indices.append(index)
            here, depth = chain[-1], len(indices)
            if here.height < 3:
                break
            if depth > 1 and not _is_name(here):
                best = depth
                if here.weight <= given.weight // 2:
                    break
        return (chain[: best + 1], indices[:best]) if best is not None else None


def shaped(given: Node) -> Node:
    """The same expression, no higher than the engine takes.

    Raises:
        SyntaxFault: there is no such form, because loops are nested that deeply.
    """
    return Shaper().fit(given, MOST_HEIGHT) if given.height > MOST_HEIGHT else given
