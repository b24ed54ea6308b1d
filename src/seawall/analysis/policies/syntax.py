"""CEL's syntax: what an expression is made of, and the text of it.

Source: the grammar of the CEL language definition. The engine parses expressions itself; they are parsed here as well,
where they must be given to it in another form than the one in which they are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct


class SyntaxFault(Exception):
    """A text that is no CEL; ``at`` is where, in code points."""

    def __init__(self, why: str, at: int) -> None:
        super().__init__(why)
        self.at = at


class Node(Struct, frozen=True):
    """A part of an expression.

    ``text`` is a name, an operator, or a literal as written; ``marks`` say of each item of a list and each entry of a
    map whether it is optional (``?``), and are the fields of a message. ``at`` is where the part's name or operator
    stands in the source; -1 for what does not stand there. ``height`` is one more than that of the highest kid;
    ``steps`` is the same of operators, selections and calls on something alone, which Kubernetes' parser counts;
    ``weight`` is how many of its parts are themselves deep.
    """

    kind: str
    text: str
    kids: tuple[Node, ...] = ()
    at: int = -1
    marks: tuple[str, ...] = ()
    height: int = 1
    steps: int = 0
    weight: int = 0


_DEEP = 8
_STEPS = frozenset(["binary", "ternary", "member", "member?", "index", "index?", "method"])


def node(kind: str, text: str, kids: tuple[Node, ...] = (), at: int = -1, marks: tuple[str, ...] = ()) -> Node:
    """A node of the right height."""
    height = 1 + max([each.height for each in kids], default=0)
    steps = (kind in _STEPS) + max([each.steps for each in kids], default=0)
    weight = (height >= _DEEP) + sum([each.weight for each in kids])
    return Node(kind, text, kids, at, marks, height, steps, weight)


def with_kids(given: Node, kids: tuple[Node, ...]) -> Node:
    """The same node with other kids."""
    return node(given.kind, given.text, kids, given.at, given.marks)


def rebuilt(root: Node, change: Callable[[Node], Node]) -> Node:
    """The tree with each node changed, kids first. It does not recurse: trees may be deep."""
    done: list[Node] = []
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        each, seen = stack.pop()
        if seen:
            count = len(each.kids)
            kids = tuple(done[len(done) - count :])
            del done[len(done) - count :]
            same = all(new is old for new, old in zip(kids, each.kids, strict=True))
            done.append(change(each if same else with_kids(each, kids)))
            continue
        stack.append((each, True))
        stack += ((kid, False) for kid in reversed(each.kids))
    return done[0]


def walk(root: Node) -> Iterator[Node]:
    """Every node."""
    stack = [root]
    while stack:
        each = stack.pop()
        yield each
        stack += each.kids


#: How tightly operators bind; what stands higher binds tighter.
_TERNARY, _OR, _AND, _UNARY, _TIGHT = 0, 1, 2, 6, 7
_BINDING = {
    "||": _OR, "&&": _AND, "<": 3, "<=": 3, ">": 3, ">=": 3, "==": 3, "!=": 3, "in": 3, "+": 4, "-": 4, "*": 5, "/": 5,
    "%": 5,
}  # fmt: skip


def _binding(given: Node) -> int:
    if given.kind == "ternary":
        return _TERNARY
    if given.kind in ("binary", "logic"):
        return _BINDING[given.text]
    return _UNARY if given.kind == "prefix" else _TIGHT


#: A piece of a text, with the node that it is the name or the operator of.
Piece = tuple[str, Node | None]


def pieces(root: Node) -> Iterator[Piece]:
    """The text of an expression, in pieces."""
    stack: list[Node | Piece] = [root]
    while stack:
        each = stack.pop()
        if isinstance(each, tuple):
            yield each
        else:
            stack += reversed(_PARTS[each.kind](each))


def text_of(root: Node) -> str:
    """An expression as text, no longer than it needs to be: the engine takes no more than Kubernetes does."""
    return "".join(text for text, _ in pieces(root))


_Parts = list["Node | Piece"]


def _within(given: Node, binding: int) -> _Parts:
    """A node, in parentheses where it binds less tightly than its place asks for."""
    return [("(", None), given, (")", None)] if _binding(given) < binding else [given]


def _listed(items: list[_Parts]) -> _Parts:
    return [part for index, item in enumerate(items) for part in ([(",", None), *item] if index else item)]


def _binary(given: Node) -> _Parts:
    binding, last = _BINDING[given.text], len(given.kids) - 1
    parts: _Parts = []
    for index, kid in enumerate(given.kids):
        left = given.kind == "binary" and not index
        parts += _within(kid, binding if left else binding + 1)
        if index < last:
            space = " " * (given.text == "in")
            parts += [(space, None), (given.text, given), (space, None)]
    return parts


def _ternary(given: Node) -> _Parts:
    condition, one, other = given.kids
    # Without a space `?` and `.5` would be another sign.
    return [*_within(condition, _OR), ("?", given), (" ", None), *_within(one, _OR), (":", None), other]


def _member(given: Node) -> _Parts:
    return [*_within(given.kids[0], _TIGHT), (f".{'?' * given.kind.endswith('?')}", None), (given.text, given)]


def _index(given: Node) -> _Parts:
    opened = "[?" if given.kind.endswith("?") else "["
    return [*_within(given.kids[0], _TIGHT), (opened, given), given.kids[1], ("]", None)]


def _method(given: Node) -> _Parts:
    target, *arguments = given.kids
    called: _Parts = [*_within(target, _TIGHT), (".", None), (given.text, None), ("(", given)]
    return [*called, *_listed([[each] for each in arguments]), (")", None)]


def _map(given: Node) -> _Parts:
    entries: list[_Parts] = [
        [(mark, None), given.kids[2 * index], (":", None), given.kids[2 * index + 1]]
        for index, mark in enumerate(given.marks)
    ]
    return [("{", given), *_listed(entries), ("}", None)]


_PARTS: dict[str, Callable[[Node], _Parts]] = {
    "name": lambda given: [(given.text, given)],
    "literal": lambda given: [(given.text, given)],
    "member": _member,
    "member?": _member,
    "index": _index,
    "index?": _index,
    "call": lambda given: [
        (given.text, None),
        ("(", given),
        *_listed([[each] for each in given.kids]),
        (")", None),
    ],
    "method": _method,
    "prefix": lambda given: [(given.text, given), *_within(given.kids[0], _TIGHT)],
    "binary": _binary,
    "logic": _binary,
    "ternary": _ternary,
    "list": lambda given: [
        ("[", given),
        *_listed([[(mark, None), kid] for mark, kid in zip(given.marks, given.kids, strict=True)]),
        ("]", None),
    ],
    "map": _map,
    "message": lambda given: [
        (f"{given.text}{{", given),
        *_listed([[(f"{mark}:", None), kid] for mark, kid in zip(given.marks, given.kids, strict=True)]),
        ("}", None),
    ],
}

_STRING = r"""[bB]?(?:[rR](?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"[^"\r\n]*"|'[^'\r\n]*')""" + (
    r"""|\"{3}(?:\\[\s\S]|[^\\])*?\"{3}|'{3}(?:\\[\s\S]|[^\\])*?'{3}|"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])*')"""
)
TOKEN = re.compile(
    rf"(?P<space>(?:[\t\n\f\r ]|//[^\n]*)+)|(?P<string>{_STRING})"
    r"|(?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:\d+\.\d+|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+[uU]?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<quoted>`[A-Za-z0-9_.\-/ ]+`)"
    r"|(?P<sign>&&|\|\||[<>=!]=|[-+*/%<>!?:.,()\[\]{}])"
)
