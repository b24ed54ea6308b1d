"""Compiling CEL with Kubernetes' libraries. The engine (an extra) is imported when there is a policy.

An expression is compiled twice: by an environment that knows Kubernetes' types, which finds what Kubernetes would
refuse, and by the one that runs it, in which values of these types are marked maps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from msgspec import Struct

from seawall.analysis.policies.cost import LIMIT, cost, tree_of
from seawall.analysis.policies.library import functions
from seawall.analysis.policies.library.marked import TYPES
from seawall.analysis.policies.lowering import for_checker, for_engine, mixed, prepared, with_dyn
from seawall.analysis.policies.parsing import parse_cel
from seawall.analysis.policies.rendered import Rendered
from seawall.analysis.policies.shaping import shaped
from seawall.analysis.policies.strictness import check_strictly
from seawall.analysis.policies.syntax import Node, SyntaxFault

#: What an expression may name.
VARIABLES = ("object", "oldObject", "params", "namespaceObject", "variables", "request", "authorizer")
#: What Python raises where the engine refuses a value, or a value or an object cannot be converted.
REFUSALS = (RuntimeError, ValueError, TypeError, OverflowError, SystemError)
#: As Kubernetes' parser has it.
_MOST_CHARACTERS = 100_000


class PolicyError(Exception):
    """A policy that cannot be used; the message says why, with line and column within the expression."""


#: Types that are only declared: what gives values of them is known to a cluster.
_DECLARED = {
    "authorizer": "kubernetes.authorization.Authorizer", "path_check": "kubernetes.authorization.PathCheck",
    "group_check": "kubernetes.authorization.GroupCheck", "resource_check": "kubernetes.authorization.ResourceCheck",
    "decision": "kubernetes.authorization.Decision",
}  # fmt: skip
#: What ``string`` takes: the standard library's types, and Kubernetes' that have a text.
_TEXTS = ("int", "uint", "double", "bytes", "bool", "string", "timestamp", "duration", "ip", "cidr")


@cache
def environment(variables: tuple[str, ...] = VARIABLES, checking: bool = False) -> Any:
    """The engine with all functions, for expressions over these variables; ``checking`` is the one that knows types.

    Raises:
        PolicyError: the engine is not installed.
    """
    try:
        from cel_expr_python import cel
        from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional
    except ImportError as error:
        raise PolicyError("policies need the CEL engine: pip install 'seawall[cel]'") from error
    types = _types(cel.Type, checking)
    declared = dict.fromkeys(variables, cel.Type.DYN)
    if checking and "authorizer" in declared:
        declared |= {"authorizer": types["authorizer"], "authorizer.requestResource": types["resource_check"]}
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml("extensions: [{name: two-var-comprehensions}]"),
        variables=declared,
        extensions=[
            ext_bindings.ExtBindings(), ext_optional.ExtOptional(), ext_math.ExtMath(), ext_encoders.ExtEncoders(),
        ],
        functions=[cel.FunctionDecl(name, each) for name, each in _overloads(cel, types, checking).items()],
    )  # fmt: skip


def _types(kinds: Any, checking: bool) -> dict[str, Any]:
    """The types that the library's functions name."""
    found = {
        "string": kinds.STRING, "int": kinds.INT, "uint": kinds.UINT, "double": kinds.DOUBLE, "bool": kinds.BOOL,
        "bytes": kinds.BYTES, "timestamp": kinds.TIMESTAMP, "duration": kinds.DURATION, "list": kinds.LIST,
        "map": kinds.MAP, "dyn": kinds.DYN, "strings": kinds.List(kinds.STRING),
        "query": kinds.Map(kinds.STRING, kinds.List(kinds.STRING)),
    }  # fmt: skip
    for word, name in (*TYPES.items(), *_DECLARED.items()):
        found[word] = kinds.AbstractType(name) if checking else kinds.MAP
    return found


def _overloads(cel: Any, types: dict[str, Any], checking: bool) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    seen: set[tuple[str, bool, tuple[str, ...]]] = set()
    abstract = frozenset([*TYPES, *_DECLARED])
    for each in functions():
        # Where the types are maps, functions of several of them are one.
        kinds = each.parameters if checking else tuple("map" if kind in abstract else kind for kind in each.parameters)
        key = (each.name, each.member, kinds)
        if key in seen:
            continue
        seen.add(key)
        result = types[each.result] if checking or each.result not in abstract else cel.Type.DYN
        called = f"{each.name.replace('.', '_')}_{'_'.join(kinds)}_{int(each.member)}"
        do = {} if checking else {"impl": _guarded(each.do)}
        made = cel.Overload(called, result, [types[kind] for kind in kinds], each.member, **do)
        found.setdefault(each.name, []).append(made)
    if checking:
        text = cel.Type.STRING
        found["kubernetes.string"] = [cel.Overload(f"string_{kind}", text, [types[kind]], False) for kind in _TEXTS]
    return found


def _guarded(do: Callable[..., Any]) -> Callable[..., Any]:
    """The engine tells a ValueError as an error of the expression; what else Python raises has to become one."""

    def call(*args: Any) -> Any:
        try:
            return do(*args)
        except (TypeError, ArithmeticError, AttributeError, LookupError, re.error) as error:
            raise ValueError(str(error)) from error

    return call


class Compiled(Struct):
    """An expression, ready to run. ``tree`` is what of it may stand within others; ``result`` is its type's name."""

    run: Any
    tree: Node
    result: str


def compile_cel(expression: str, variables: tuple[str, ...] = VARIABLES) -> Any:
    """An expression over these variables, ready to run.

    Raises:
        PolicyError: it is no CEL, is too expensive, or uses what the engine cannot do.
    """
    return compile_tree(read_cel(expression), expression, variables).run


def read_cel(expression: str) -> Node:
    """The tree of an expression.

    Raises:
        PolicyError: it is no CEL.
    """
    if len(expression) > _MOST_CHARACTERS:
        raise PolicyError(f"the expression is longer than {_MOST_CHARACTERS:,} characters")
    try:
        return prepared(parse_cel(expression))
    except SyntaxFault as error:
        raise _fault(error, expression) from error


def _fault(error: SyntaxFault, source: str) -> PolicyError:
    return PolicyError(f"{place(source, error.at)}{error}")


def place(source: str, at: int) -> str:
    """Line and column of a place in a text, as they stand before what is told of it; empty for no place."""
    if at < 0:
        return ""
    return f"line {source.count(chr(10), 0, at) + 1}, column {at - source.rfind(chr(10), 0, at)}: "


def compile_tree(
    tree: Node, source: str, variables: tuple[str, ...] = VARIABLES, *, typed: bool = False, strict: bool = False
) -> Compiled:
    """Compile a tree whose places are those of a text. ``typed`` is whether variables may hold Kubernetes' types;
    ``strict`` refuses also what Kubernetes refuses beyond types.

    Raises:
        PolicyError: as :func:`compile_cel`.
    """
    try:
        tree, result = _checked(tree, source, variables)
        if strict:
            check_strictly(tree, _works)
        rendered = Rendered(shaped(for_engine(tree, typed)))
    except SyntaxFault as error:
        raise _fault(error, source) from error
    try:
        run = environment(variables).compile(rendered.text)
    except RuntimeError as error:
        raise _told(rendered, source, str(error)) from error
    estimated = cost(tree_of(run.serialize()))
    if estimated > LIMIT:
        raise PolicyError(f"the expression could cost {estimated:,}, and {LIMIT:,} is the most; nest fewer loops")
    return Compiled(run, tree, result)


def _works(text: str) -> bool:
    return bool(environment().compile(text).eval(data={}).type().name() != "ERROR")


#: The checker tells of some twenty errors at once.
_MOST_ROUNDS = 20
_COMPARED = re.compile(r"'_(?:<|<=|>|>=)_' applied to '\((?:int|uint|double), (?:int|uint|double)\)'")


def _checked(tree: Node, source: str, variables: tuple[str, ...]) -> tuple[Node, str]:
    """The tree with numbers of different types compared as Kubernetes does it, and its type."""
    places = mixed(tree)
    tree = with_dyn(tree, places) if places else tree
    for _ in range(_MOST_ROUNDS):
        rendered = Rendered(shaped(for_checker(tree)))
        try:
            return tree, environment(variables, True).compile(rendered.text).return_type().name()
        except RuntimeError as error:
            message = str(error)
        found = {at for at, told in rendered.errors(message) if _COMPARED.search(told) and at >= 0} - places
        if not found:
            raise _told(rendered, source, message)
        places |= found
        tree = with_dyn(tree, found)
    raise PolicyError("numbers of different types are compared too often; convert them, as with double(x)")


def _told(rendered: Rendered, source: str, message: str) -> PolicyError:
    """The first error of the engine's that is not about a comparison that is well in Kubernetes."""
    for at, told in rendered.errors(message):
        if not _COMPARED.search(told):
            return PolicyError(f"{place(source, at)}{told}")
    first = message.splitlines()[0].removeprefix("INVALID_ARGUMENT: ").removesuffix(" [INVALID_ARGUMENT]")
    return PolicyError(f"the CEL engine refuses it: {first}")
