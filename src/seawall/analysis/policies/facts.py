"""An expression ready to run, with what it asks for that a file does not have, and the fields that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from seawall.analysis.policies.cost import source_of, tree_of
from seawall.analysis.policies.formats import for_engine
from seawall.analysis.policies.program import PolicyError, compile_cel
from seawall.analysis.policies.tree import Use, parse, positions, uses

#: The fields of an admission request that are known of an object in a file, and those that only a real one has.
KNOWN = frozenset(
    ["kind", "resource", "subResource", "requestKind", "requestResource", "requestSubResource", "name", "namespace",
     "operation", "dryRun"]
)  # fmt: skip
UNKNOWN = frozenset(["userInfo", "uid", "options"])
#: What is known of a namespace whose object is not at hand.
_OF_NAMESPACES = (("metadata", "name"), ("metadata", "labels", "kubernetes.io/metadata.name"))


class Program(Struct):
    """An expression. ``missing`` is a fact that no file has: where the expression fails, it is for want of it.
    ``opaque`` is one whose absence would be taken for an answer, so that the expression must not run. ``namespace``
    and ``opaque_namespace`` tell the same of a namespace of which only the name is known.
    """

    text: str
    run: Any
    missing: str = ""
    opaque: str = ""
    namespace: bool = False
    opaque_namespace: bool = False
    paths: tuple[tuple[str, ...], ...] = ()
    variables: tuple[tuple[str, Program], ...] = ()


class Variables:
    """The variables of a policy, each of which may read those before it.

    They are bound around an expression that reads them, so that each is evaluated once and only when it is needed.
    """

    def __init__(self, given: Iterable[tuple[str, str]] = (), *, params: bool = True) -> None:
        self._params = params
        self._texts: dict[str, str] = {}
        self._reads: dict[str, list[str]] = {}
        self._programs: dict[str, Program] = {}
        for name, text in given:
            if name in self._texts:
                raise PolicyError(f"the variable {name} is given twice")
            try:
                program, rewritten, reads = self._prepare(text)
            except PolicyError as error:
                raise PolicyError(f"the variable {name}: {error}") from error
            self._programs[name], self._texts[name], self._reads[name] = program, rewritten, reads

    def program(self, text: str) -> Program:
        """An expression, ready to run.

        Raises:
            PolicyError: as :func:`compile_cel`, or it reads a variable or fact that there is not.
        """
        return self._prepare(text)[0]

    def _prepare(self, text: str) -> tuple[Program, str, list[str]]:
        text = for_engine(text)
        compiled = compile_cel(text)
        serialised = compiled.serialize()
        found = list(uses(parse(tree_of(serialised))))
        rewritten, reads = self._rewrite(text, found, positions(source_of(serialised)))
        if not reads:
            return _program(text, compiled, found, self._params), text, []
        whole = rewritten
        for name in reversed(self._needed(reads)):
            whole = f"cel.bind({_bound(name)}, ({self._texts[name]}), {whole})"
        try:
            compiled = compile_cel(whole)
        except PolicyError as error:
            if "recursion" not in str(error):
                raise
            return self._apart(text, compiled, found, reads), rewritten, reads
        return _program(text, compiled, uses(parse(tree_of(compiled.serialize()))), self._params), rewritten, reads

    def _apart(self, text: str, compiled: Any, found: Sequence[Use], reads: list[str]) -> Program:
        """An expression with so many variables that the engine would not nest them: they are evaluated one by one."""
        variables = [(name, self._programs[name]) for name in self._needed(reads)]
        program = _program(text, compiled, found, self._params)
        for _, each in variables:
            program.missing = program.missing or each.missing
            program.opaque = program.opaque or each.opaque
            program.namespace |= each.namespace
            program.opaque_namespace |= each.opaque_namespace
        program.paths = tuple(
            dict.fromkeys(path for each in (program, *dict(variables).values()) for path in each.paths)
        )
        program.variables = tuple(variables)
        return program

    def _needed(self, reads: list[str]) -> list[str]:
        """These variables and those that they read, in the order in which they are given."""
        wanted: set[str] = set()
        rest = list(reads)
        while rest:
            name = rest.pop()
            if name not in wanted:
                wanted.add(name)
                rest += self._reads[name]
        return [name for name in self._texts if name in wanted]

    def _rewrite(self, text: str, found: Sequence[Use], at: Mapping[int, int]) -> tuple[str, list[str]]:
        """The text with the names that variables are bound to, and which it reads."""
        places: dict[int, tuple[int, str]] = {}
        for use in found:
            if use.root != "variables":
                continue
            name = use.path[0] if use.path else ""
            if name not in self._texts:
                raise PolicyError(f"there is no variable {name!r} before it" if name else "write variables.NAME")
            start = at.get(use.id, 0)
            match = re.compile(rf"variables\s*\.\s*{re.escape(name)}(?![A-Za-z0-9_])").match(text, start)
            if match is None:
                raise PolicyError(f"the variable {name!r} must be written variables.{name}")
            places[start] = (match.end(), name)
        for start in sorted(places, reverse=True):
            end, name = places[start]
            text = f"{text[:start]}{_bound(name)}{text[end:]}"
        return text, list(dict.fromkeys(name for _, name in places.values()))


def _bound(name: str) -> str:
    return f"variable__{name}"


def _program(text: str, run: Any, found: Iterable[Use], params: bool) -> Program:
    program = Program(text, run)
    paths: dict[tuple[str, ...], None] = {}
    for use in found:
        if use.root == "object" and use.path:
            paths[use.path] = None
        elif use.root == "request":
            _of_request(use, program)
        elif use.root == "authorizer":
            program.missing = "authorizer"
        elif use.root == "namespaceObject" and not any(use.path[: len(known)] == known for known in _OF_NAMESPACES):
            program.namespace = True
            whole = any(use.path == known[: len(use.path)] for known in _OF_NAMESPACES)
            program.opaque_namespace |= whole or not use.exact
        elif use.root == "params" and not params:
            raise PolicyError("`params` is read, and the policy has no paramKind")
    program.paths = tuple(paths)
    return program


def _of_request(use: Use, program: Program) -> None:
    if not use.path:
        program.opaque = "request"
        return
    field = use.path[0]
    if field not in KNOWN and field not in UNKNOWN:
        raise PolicyError(f"a request has no field {field!r}; the object is `object`")
    if field in UNKNOWN:
        program.missing = f"request.{field}"
        program.opaque = program.opaque if use.exact else program.missing
