"""What Kubernetes refuses of an expression beyond its types: literals that could never be evaluated, and lists and maps
of literals of different types.

Source: the validators of the API server's CEL environment. Types that only the cluster knows are not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from seawall.analysis.policies.syntax import Node, SyntaxFault

#: Functions whose argument, where it is a literal, must be one that they can read, and how that is tried.
_READ = {"duration": "duration({})", "timestamp": "timestamp({})", "matches": "''.matches({})"}
_WHAT = {"duration": "duration", "timestamp": "timestamp", "matches": "regular expression"}


def check_literals(tree: Node, works: Callable[[str], bool]) -> None:
    """Check all literals; ``works`` says whether an expression without variables can be evaluated.

    Raises:
        SyntaxFault: Kubernetes would refuse one.
    """
    stack = [(tree, False)]
    while stack:
        each, mixed = stack.pop()
        if each.kind in ("call", "method") and each.text in _READ and literal_kind(each.kids[-1]) == "string":
            literal = each.kids[-1]
            if not works(_READ[each.text].format(literal.text)):
                raise SyntaxFault(f"invalid {_WHAT[each.text]}: {literal.text[:80]}", literal.at)
        mixed = mixed or (each.kind == "method" and each.text == "format")
        if not mixed:
            _check_items(each)
        stack += ((kid, mixed) for kid in each.kids)


def _check_items(given: Node) -> None:
    groups = (
        [given.kids] if given.kind == "list" else [given.kids[::2], given.kids[1::2]] if given.kind == "map" else []
    )
    for group in groups:
        first = ""
        for item in group:
            kind = literal_kind(item)
            if first and kind and kind != first:
                raise SyntaxFault(f"expected type '{first}' but found '{kind}'", item.at)
            first = first or kind


def literal_kind(given: Node) -> str:
    """The type of a literal; empty for anything else."""
    if given.kind == "prefix" and given.text == "-":
        given = given.kids[0]
        return literal_kind(given) if literal_kind(given) in ("int", "double") else ""
    if given.kind != "literal":
        return ""
    return next((kind for kind, is_it in _KINDS if is_it(given.text)), "")


def _kinds() -> Iterator[tuple[str, Callable[[str], bool]]]:
    yield "null_type", lambda text: text == "null"
    yield "bool", lambda text: text in ("true", "false")
    yield "bytes", lambda text: text[0] in "bB"
    yield "string", lambda text: text[-1] in "'\""
    yield "uint", lambda text: text[-1] in "uU"
    yield "int", lambda text: text.isdigit() or text[:2] in ("0x", "0X")
    yield "double", lambda text: True


_KINDS = tuple(_kinds())
