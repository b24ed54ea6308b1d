"""An expression ready to run, with what it asks for that a file does not have, and the fields that it is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from seawall.analysis.policies.cost import tree_of
from seawall.analysis.policies.lowering import is_typed
from seawall.analysis.policies.program import Compiled, PolicyError, compile_tree, place, read_cel
from seawall.analysis.policies.shaping import TOO_DEEP, bind
from seawall.analysis.policies.syntax import Node, node, rebuilt, walk
from seawall.analysis.policies.tree import Use, parse, uses

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
    ``params`` is whether there are parameters; ``strict`` is for what Kubernetes must take as it is.
    """

    def __init__(self, given: Iterable[tuple[str, str]] = (), *, params: bool = True, strict: bool = False) -> None:
        self._params, self._strict = params, strict
        self._trees: dict[str, Node] = {}
        self._reads: dict[str, list[str]] = {}
        self._programs: dict[str, Program] = {}
        self._typed = False
        for name, text in given:
            if name in self._trees:
                raise PolicyError(f"the variable {name} is given twice")
            try:
                program, tree, reads = self._prepare(text, ())
            except PolicyError as error:
                raise PolicyError(f"the variable {name}: {error}") from error
            self._programs[name], self._trees[name], self._reads[name] = program, nowhere(tree), reads
            self._typed |= is_typed(tree)

    def program(self, text: str, results: tuple[str, ...] = ()) -> Program:
        """An expression, ready to run. ``results`` are the types that it may have; any, where there are none.

        Raises:
            PolicyError: as :func:`compile_cel`, or it reads a variable or fact that there is not.
        """
        return self._prepare(text, results)[0]

    def _prepare(self, text: str, results: tuple[str, ...]) -> tuple[Program, Node, list[str]]:
        whole = read_cel(text)
        bound, reads = self._bound(whole, text)
        if not reads:
            compiled = compile_tree(whole, text, strict=self._strict)
            _result(compiled, results)
            return _program(text, compiled.run, self._params), compiled.tree, []
        needed = self._needed(reads)
        if len(needed) > _MOST_BOUND:
            return self._apart(text, whole, needed), bound, reads
        whole = bound
        for name in reversed(needed):
            whole = bind(_name(name), self._trees[name], whole)
        try:
            compiled = compile_tree(whole, text, typed=self._typed, strict=self._strict)
        except PolicyError as error:
            if TOO_DEEP not in str(error):
                raise
            return self._apart(text, read_cel(text), needed), bound, reads
        _result(compiled, results)
        tree = compiled.tree
        for _ in needed:
            tree = tree.kids[-1]
        return _program(text, compiled.run, self._params), tree, reads

    def _apart(self, text: str, whole: Node, needed: list[str]) -> Program:
        """An expression with so many variables that the engine would not nest them: they are evaluated one by one."""
        variables = [(name, self._programs[name]) for name in needed]
        program = _program(text, compile_tree(whole, text, typed=self._typed, strict=self._strict).run, self._params)
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
        return [name for name in self._trees if name in wanted]

    def _bound(self, tree: Node, text: str) -> tuple[Node, list[str]]:
        """The tree with the names that variables are bound to, and which it reads."""
        reads: dict[str, None] = {}

        def change(given: Node) -> Node:
            if given.kind == "call" and given.text == "has" and given.kids[0].text.startswith(_BOUND):
                return node("literal", "true", (), given.at)
            if given.kind != "member" or given.kids[0] != node("name", "variables", (), given.kids[0].at):
                return given
            if given.text not in self._trees:
                raise PolicyError(f"{place(text, given.at)}there is no variable {given.text!r} before it")
            reads[given.text] = None
            return node("name", _name(given.text), (), given.at)

        made = rebuilt(tree, change)
        for each in walk(made):
            if each.kind == "name" and each.text == "variables":
                raise PolicyError(f"{place(text, each.at)}write variables.NAME")
        return made, list(reads)


_BOUND = "variable__"
#: More are evaluated one by one: the engine would not nest as many.
_MOST_BOUND = 24


def _name(name: str) -> str:
    return f"{_BOUND}{name}"


def nowhere(tree: Node) -> Node:
    """A tree that stands in no source."""
    return rebuilt(tree, lambda each: node(each.kind, each.text, each.kids, -1, each.marks))


def _result(compiled: Compiled, results: tuple[str, ...]) -> None:
    """Whether an expression has one of the types that it must have. What has none here may have one in Kubernetes,
    but for a field of an object."""
    if not results or compiled.result in results or (compiled.result == "DYN" and not _is_field(compiled.tree)):
        return
    told = " or ".join(each.lower() for each in results)
    hint = " (the type of a field is not known: compare it, as in `object.a.b == true`)"
    raise PolicyError(f"it must give {told}, and gives {compiled.result.lower()}{hint * (compiled.result == 'DYN')}")


def _is_field(tree: Node) -> bool:
    while tree.kind in ("member", "index"):
        tree = tree.kids[0]
    return tree.kind == "name" and tree.text in ("object", "oldObject", "params")


def _program(text: str, run: Any, params: bool) -> Program:
    program = Program(text, run)
    found = uses(parse(tree_of(run.serialize())))
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
