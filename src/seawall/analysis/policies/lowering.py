"""What Kubernetes' CEL has and the engine has not, said by what the engine has.

Kubernetes' own types (addresses, quantities...) are values with a mark when an expression runs (see
:mod:`seawall.analysis.policies.library.marked`). Types are checked before, by an environment in which they are types.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from seawall.analysis.policies.library.marked import TYPES
from seawall.analysis.policies.shaping import bind
from seawall.analysis.policies.strictness import literal_kind
from seawall.analysis.policies.syntax import Node, node, rebuilt, walk, with_kids

#: The functions that make values of Kubernetes' types.
_MAKERS = frozenset(["ip", "cidr", "quantity", "url", "semver", "image"])
#: Types that have a name in expressions, with an expression of that type.
_NAMED = {"IP": "ip", "CIDR": "cidr"}


def prepared(root: Node) -> Node:
    """The expression without what the engine has no macro or result for: optional results, maps made of loops, and the
    order of a list by a key."""
    return rebuilt(root, _prepared)


def _prepared(given: Node) -> Node:
    if given.kind != "method":
        return given
    target = given.kids[0]
    if given.text == "validate" and len(given.kids) == 2:
        return _optional(given)
    if given.text == "named" and target.kind == "name" and target.text == "format":
        return _optional(given)
    if given.text in ("transformMap", "transformMapEntry") and len(given.kids) in (4, 5):
        *rest, made = given.kids
        if given.text == "transformMap":
            made = node("list", "", (rest[1], made), marks=("", ""))
        loop = node("method", "transformList", (*rest, made), given.at)
        return node("call", f"kubernetes.{given.text}", (loop,), given.at)
    return _of_list(given)


def _of_list(given: Node) -> Node:
    """``first``, ``last`` and ``sortBy`` of lists, by way of indices: items may be of types that Python cannot give."""
    target, count, whole = given.kids[0], len(given.kids), node("name", "list__")
    if given.text == "first" and count == 1:
        return node("index?", "", (target, node("literal", "0")), given.at)
    if given.text == "last" and count == 1:
        last = node("binary", "-", (_call("size", whole), node("literal", "1")))
        return bind(whole.text, target, node("index?", "", (whole, last), given.at))
    if given.text == "sortBy" and count == 3:
        index = node("name", "index__")
        keys = node("method", "map", (whole, *given.kids[1:]), given.at)
        item = node("index", "", (whole, index))
        return bind(whole.text, target, node("method", "map", (_call("kubernetes.order", keys), index, item)))
    return given


def _optional(given: Node) -> Node:
    return node("method", "ofNonZeroValue", (node("name", "optional"), given), given.at)


def is_typed(root: Node) -> bool:
    """Whether values of Kubernetes' types can occur in it."""
    return any(each.kind == "call" and each.text in _MAKERS for each in walk(root))


def for_checker(root: Node) -> Node:
    """The expression for the environment that checks types: ``string`` there takes no more types, ``net.IP`` has no
    name."""
    if not is_typed(root):
        return root

    def change(given: Node) -> Node:
        if given.kind == "call" and given.text == "string":
            return node("call", "kubernetes.string", given.kids, given.at)
        if maker := _type_name(given):
            return node("call", "type", (node("call", maker, (node("literal", "''"),), given.at),), given.at)
        return given

    return rebuilt(root, change)


def for_engine(root: Node, typed: bool = False) -> Node:
    """The expression for the environment that runs it, in which values of Kubernetes' types are marked ones, and what
    Python gives is neither a duration nor a time."""
    typed = typed or is_typed(root)
    numbers = count()

    def change(given: Node) -> Node:
        name = f"{given.kind} {given.text}"
        if len(given.kids) == 1 and name in (_OF_TYPES if typed else _OF_TIMES):
            bound = node("name", f"typed__{next(numbers)}")
            return bind(bound.text, _call("dyn", given.kids[0]), _CHOICES[name](given, bound))
        if typed and (maker := _type_name(given)):
            return _call("dyn", node("literal", f"'{TYPES[maker]}'"))
        return given

    return rebuilt(root, change)


def _call(name: str, *kids: Node) -> Node:
    return node("call", name, kids)


def _choice(name: Node, marked: Node, plain: Node) -> Node:
    """One for a marked value, another for all others."""
    is_map = node("binary", "==", (_call("type", name), node("name", "map")))
    return node("ternary", "?", (node("logic", "&&", (is_map, _call("kubernetes.marked", name))), marked, plain))


def _best(given: Node, name: Node) -> Node:
    """``min`` and ``max``: the item at the index that is told, whatever its type."""
    return node("index", "", (name, _call(f"kubernetes.{given.text}", name)))


def _sum(given: Node, name: Node) -> Node:
    """``sum``, of durations by way of a text."""
    first = node("index", "", (name, node("literal", "0")))
    is_duration = node("binary", "==", (_call("type", first), node("name", "google.protobuf.Duration")))
    some = node("binary", ">", (_call("size", name), node("literal", "0")))
    seconds = _call("dyn", _call("duration", _call("kubernetes.seconds", name)))
    return node("ternary", "?", (node("logic", "&&", (some, is_duration)), seconds, with_kids(given, (name,))))


_CHOICES: dict[str, Callable[[Node, Node], Node]] = {
    "call string": lambda given, name: _choice(name, _call("kubernetes.text", name), with_kids(given, (name,))),
    "call type": lambda given, name: _choice(
        name, _call("dyn", _call("kubernetes.kind", name)), _call("dyn", with_kids(given, (name,)))
    ),
    "method min": _best,
    "method max": _best,
    "method sum": _sum,
}
_OF_TYPES = frozenset(_CHOICES)
_OF_TIMES = frozenset(["method min", "method max", "method sum"])


def _type_name(given: Node) -> str:
    if given.kind == "member" and given.kids[0].kind == "name" and given.kids[0].text == "net":
        return _NAMED.get(given.text, "")
    return ""


_COMPARISONS = frozenset(["<", "<=", ">", ">="])
_NUMBERS = frozenset(["int", "uint", "double"])


def mixed(root: Node) -> set[int]:
    """The places of comparisons of numbers that are plainly of different types: the checker tells of no more than some
    twenty at once, and would have to be asked often."""
    found: set[int] = set()
    for each in walk(root):
        if each.kind == "binary" and each.text in _COMPARISONS and each.at >= 0:
            left, right = map(_plain_kind, each.kids)
            if left in _NUMBERS and right in _NUMBERS and left != right:
                found.add(each.at)
    return found


def _plain_kind(given: Node) -> str:
    if given.kind in ("call", "method") and given.text == "size":
        return "int"
    if given.kind == "call" and given.text in _NUMBERS and len(given.kids) == 1:
        return given.text
    return literal_kind(given)


def with_dyn(root: Node, places: set[int]) -> Node:
    """The expression with the left sides of the comparisons at these places of no static type, as Kubernetes compares
    numbers of different types and the engine's checker does not."""

    def change(given: Node) -> Node:
        if given.kind == "binary" and given.at in places:
            return with_kids(given, (_call("dyn", given.kids[0]), given.kids[1]))
        return given

    return rebuilt(root, change)
