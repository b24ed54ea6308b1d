"""Compiling CEL with Kubernetes' libraries. The engine (an extra) is imported when there is a policy."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from seawall.analysis.policies.cost import LIMIT, cost, tree_of
from seawall.analysis.policies.library import functions

#: What an expression may name.
VARIABLES = ("object", "oldObject", "params", "namespaceObject", "variables", "request", "authorizer")
_MOST_CHARACTERS = 64 * 1024
#: Deeper nesting would exhaust the stack of the engine's parser, or ours.
_MOST_DEPTH = 100


class PolicyError(Exception):
    """A policy that cannot be used; the message says why, with line and column within the expression."""


@cache
def environment(variables: tuple[str, ...] = VARIABLES) -> Any:
    """The engine with all functions, for expressions over these variables.

    Raises:
        PolicyError: the engine is not installed.
    """
    try:
        from cel_expr_python import cel
        from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional
    except ImportError as error:
        raise PolicyError("policies need the CEL engine: pip install 'seawall[cel]'") from error
    kinds = cel.Type
    types = {
        "S": kinds.STRING, "I": kinds.INT, "L": kinds.LIST, "M": kinds.MAP, "B": kinds.BOOL, "F": kinds.DOUBLE,
        "D": kinds.DYN,
    }  # fmt: skip
    overloads: dict[str, list[Any]] = {}
    for name, member, parameters, result, do in functions():
        called = f"{name.replace('.', '_')}_{'_'.join(parameters)}_{int(member)}"
        made = cel.Overload(called, types[result], [types[each] for each in parameters], member, _guarded(do))
        overloads.setdefault(name, []).append(made)
    extensions = [
        ext_bindings.ExtBindings(), ext_optional.ExtOptional(), ext_math.ExtMath(), ext_encoders.ExtEncoders(),
    ]  # fmt: skip
    declared = [cel.FunctionDecl(name, each) for name, each in overloads.items()]
    return cel.NewEnv(variables=dict.fromkeys(variables, kinds.DYN), extensions=extensions, functions=declared)


def _guarded(do: Callable[..., Any]) -> Callable[..., Any]:
    """The engine tells a ValueError as an error of the expression; what else Python raises has to become one."""

    def call(*args: Any) -> Any:
        try:
            return do(*args)
        except (TypeError, ArithmeticError, AttributeError, LookupError, re.error) as error:
            raise ValueError(str(error)) from error

    return call


_TWO_VARIABLES = re.compile(
    r"\.\s*(all|exists|existsOne|exists_one|transformList|transformMap|transformMapEntry)\s*\(\s*\w+\s*,\s*\w+\s*,"
)


def compile_cel(expression: str, variables: tuple[str, ...] = VARIABLES) -> Any:
    """An expression over these variables, ready to run.

    Raises:
        PolicyError: it is no CEL, is too expensive, or uses what the engine cannot do.
    """
    if len(expression) > _MOST_CHARACTERS or _depth(expression) > _MOST_DEPTH:
        raise PolicyError("the expression is too long or nested too deeply")
    try:
        compiled = environment(variables).compile(expression)
    except RuntimeError as error:
        if match := _TWO_VARIABLES.search(expression):
            line = expression.count("\n", 0, match.start(1)) + 1
            column = match.start(1) - expression.rfind("\n", 0, match.start(1))
            told = f"line {line}, column {column}: {match[1]} with two variables is not supported; use one"
            raise PolicyError(told) from error
        raise PolicyError(_told(str(error))) from error
    estimated = cost(tree_of(compiled.serialize()))
    if estimated > LIMIT:
        raise PolicyError(f"the expression could cost {estimated:,}, and {LIMIT:,} is the most; nest fewer loops")
    return compiled


def _told(message: str) -> str:
    match = re.search(r"<input>:(\d+):(\d+): ([^\n]*)", message)
    return f"line {match[1]}, column {match[2]}: {match[3]}" if match else message.splitlines()[0]


def _depth(expression: str) -> int:
    depth = deepest = 0
    for char in expression:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    return deepest
