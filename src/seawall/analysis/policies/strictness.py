"""What Kubernetes refuses of an expression beyond its types: functions that are here and not there, literals that could
never be evaluated, and lists and maps of literals of different types.

Source: the API server's CEL environment, its libraries and its validators. Types that only the cluster knows are not
compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from seawall.analysis.policies.syntax import Node, SyntaxFault, walk

#: Functions whose argument, where it is a literal, must be one that they can read, and how that is tried.
_READ = {"duration": "duration({})", "timestamp": "timestamp({})", "matches": "''.matches({})"}
_WHAT = {"duration": "duration", "timestamp": "timestamp", "matches": "regular expression"}


#: Families of functions that policies of one's own have and a cluster has not.
_FAMILIES = frozenset(["cel", "math", "base64"])


def check_strictly(tree: Node, works: Callable[[str], bool]) -> None:
    """Check what stands in the source; ``works`` says whether an expression without variables can be evaluated.

    Raises:
        SyntaxFault: Kubernetes would refuse it.
    """
    _check_functions(tree)
    _check_literals(tree, works)


def _check_functions(tree: Node) -> None:
    for each in walk(tree):
        family = each.kids[0] if each.kind == "method" and each.at >= 0 else None
        if family is not None and family.kind == "name" and family.text in _FAMILIES:
            raise SyntaxFault(f"Kubernetes has no function {family.text}.{each.text}", each.at)


def _check_literals(tree: Node, works: Callable[[str], bool]) -> None:
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
