"""Compiling the tests of checks: data in, a function of a node out. Nothing from data is ever run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seawall.analysis.nodes.filetests import compile_files
from seawall.analysis.nodes.node import Node, Resolved, lookup
from seawall.analysis.nodes.operators import OPERATORS, ORDER, PRESENCE, UNSET, check_pattern, wanted_words
from seawall.analysis.nodes.outcome import NotHere, NotKnown, Outcome, Seen, Verdict, all_of, any_of, opposite
from seawall.analysis.nodes.settings import DataError, refuse_others
from seawall.analysis.nodes.subjects import VALUE_SUBJECTS, Subject, fact, fact_path, setting_subject
from seawall.analysis.nodes.values import TYPES, shown

#: A compiled test: called with the node and the item at hand (None outside of ``each`` and ``some``).
Test = Callable[[Node, Any], Outcome]

_MAX_ITEMS_TOLD = 20
_FROM = {"default": " by default", "running": " in the running kubelet", "environment": " in its environment"}


def compile_test(where: str, data: Any) -> Test:
    """A test from data.

    Raises:
        DataError: it names a subject, fact, setting, operator or type that is not known, or misses a part.
    """
    if not isinstance(data, dict):
        raise DataError(f"{where}: a test is a mapping, not {shown(data)}")
    if "all" in data or "any" in data:
        key = "all" if "all" in data else "any"
        refuse_others(where, data, key)
        return _combined(where, key, data[key])
    if "not" in data:
        refuse_others(where, data, "not")
        inner = compile_test(f"{where}.not", data["not"])
        return lambda node, item: opposite(inner(node, item))
    if "if" in data:
        return _conditional(where, data)
    if "each" in data or "some" in data:
        return _listed(where, data)
    if "file" in data:
        return compile_files(where, data)
    return _leaf(where, data)


def _combined(where: str, key: str, data: Any) -> Test:
    if not isinstance(data, list) or not data:
        raise DataError(f"{where}.{key}: a list of tests is wanted")
    inner = [compile_test(f"{where}.{key}[{index}]", each) for index, each in enumerate(data)]
    merge = all_of if key == "all" else any_of
    return lambda node, item: merge(test(node, item) for test in inner)


def _conditional(where: str, data: dict[str, Any]) -> Test:
    """``if`` a test holds ``then`` another must; where it does not, ``otherwise`` a third must, or the check does not
    apply (``else`` says why), or passes."""
    refuse_others(where, data, "if", "then", "else", "otherwise")
    condition = compile_test(f"{where}.if", data["if"])
    if "then" not in data:
        raise DataError(f"{where}: an if needs a then")
    then = compile_test(f"{where}.then", data["then"])
    reason = str(data.get("else", ""))
    third = compile_test(f"{where}.otherwise", data["otherwise"]) if "otherwise" in data else None

    def test(node: Node, item: Any) -> Outcome:
        first = condition(node, item)
        if first.verdict is Verdict.PASS:
            return then(node, item)
        if first.verdict is Verdict.FAIL:
            if third is not None:
                return third(node, item)
            if reason:
                return Outcome(Verdict.NOT_APPLICABLE, first.seen, reason)
            return first._replace(verdict=Verdict.PASS)
        return first

    return test


def _listed(where: str, data: dict[str, Any]) -> Test:
    """``each`` item of a list (``where`` a test holds) ``must`` pass one; ``some`` item must be there.

    The list is given by its place in the facts, or as a subject with a value (``{document: ...}``, ``{item: ...}``).
    """
    key = "each" if "each" in data else "some"
    refuse_others(where, data, key, "where", "name", *(("must",) if key == "each" else ()))
    items = _items_of(where, data[key])
    chosen = compile_test(f"{where}.where", data["where"]) if "where" in data else None
    if key == "some":
        if chosen is None:
            raise DataError(f"{where}: a some needs a where")
        return _some(items, chosen)
    if "must" not in data:
        raise DataError(f"{where}: an each needs a must")
    return _each(items, chosen, str(data.get("name", "")), compile_test(f"{where}.must", data["must"]))


#: The path of a list, and its items.
_Items = Callable[[Node, Any], tuple[str, list[Any]]]


def _items_of(where: str, data: Any) -> _Items:
    if isinstance(data, str):
        path = fact_path(where, data)
        return lambda node, item: (path, _as_list(path, fact(node, path)))
    if not isinstance(data, dict) or len(data) != 1 or not set(data) <= set(VALUE_SUBJECTS):
        raise DataError(f"{where}: a list is a fact by its path, or one of {', '.join(VALUE_SUBJECTS)}")
    ((name, text),) = data.items()
    subject = VALUE_SUBJECTS[name](where, text)

    def read(node: Node, item: Any) -> tuple[str, list[Any]]:
        found = subject.read(node, item)
        return found.path, _as_list(found.path, found.value)

    return read


def _as_list(path: str, value: Any) -> list[Any]:
    if value is UNSET:
        return []
    if isinstance(value, dict):
        return list(value.values())
    if not isinstance(value, list | tuple):
        raise NotKnown(f"{path} is not a list")
    return list(value)


def _each(items: _Items, chosen: Test | None, name: str, must: Test) -> Test:
    def test(node: Node, item: Any) -> Outcome:
        try:
            path, each = items(node, item)
        except (NotHere, NotKnown) as missing:
            return _missing(missing)
        found = []
        for index, one in enumerate(each):
            picked = chosen(node, one) if chosen is not None else None
            if picked is None or picked.verdict is Verdict.PASS:
                found.append(_of_item(must(node, one), f"{path}[{index}]", _called(one, name)))
            elif picked.verdict is Verdict.NOT_JUDGED:
                found.append(_of_item(picked, f"{path}[{index}]", _called(one, name)))
        if not found:
            return Outcome(Verdict.NOT_APPLICABLE, reason=f"{path} has none that this is about")
        return all_of(found)

    return test


def _some(items: _Items, chosen: Test) -> Test:
    def test(node: Node, item: Any) -> Outcome:
        try:
            path, each = items(node, item)
        except (NotHere, NotKnown) as missing:
            return _missing(missing)
        unknown = []
        for index, one in enumerate(each):
            outcome = chosen(node, one)
            if outcome.verdict is Verdict.PASS:
                return _of_item(outcome, f"{path}[{index}]", "")
            if outcome.verdict is Verdict.NOT_JUDGED:
                unknown.append(outcome)
        if unknown:
            return any_of(unknown)
        return Outcome(Verdict.FAIL, (Seen(path, "", "", f"{path} has none such"),))

    return test


def _missing(missing: NotHere | NotKnown) -> Outcome:
    verdict = Verdict.NOT_APPLICABLE if isinstance(missing, NotHere) else Verdict.NOT_JUDGED
    return Outcome(verdict, reason=str(missing))


def _called(item: Any, name: str) -> str:
    try:
        value = lookup(item, name) if name else None
    except NotKnown:
        return ""
    return shown(value).lstrip("/") if isinstance(value, str | int) else ""


def _of_item(outcome: Outcome, place: str, name: str) -> Outcome:
    seen = tuple(
        each._replace(path=f"{place}.{each.path}", says=f"{name}: {each.says}" if name else each.says)
        for each in outcome.seen[:_MAX_ITEMS_TOLD]
    )
    return outcome._replace(seen=seen)


def _leaf(where: str, data: dict[str, Any]) -> Test:
    subjects = [key for key in data if key in VALUE_SUBJECTS]
    if len(subjects) != 1:
        known = ", ".join([*VALUE_SUBJECTS, "file", "each", "some", "all", "any", "not", "if"])
        raise DataError(f"{where}: a test has one of {known}, not {', '.join(map(str, data)) or 'nothing'}")
    subject = VALUE_SUBJECTS[subjects[0]](where, data[subjects[0]])
    if "type" in data:
        if subject.type not in ("any", "text") or data["type"] not in TYPES:
            raise DataError(f"{where}: the type {shown(data['type'])} does not fit")
        subject = _retyped(subject, str(data["type"]))
    operators = {key: value for key, value in data.items() if key not in (subjects[0], "type", "else")}
    if "differs-from" in operators:
        refuse_others(where, data, subjects[0], "differs-from")
        return _differing(subject, setting_subject(where, data["differs-from"]))
    if not operators:
        raise DataError(f"{where}: a test needs an operator: {', '.join(OPERATORS)}")
    return _with_operators(where, subject, operators, data.get("else", UNSET))


def _with_operators(where: str, subject: Subject, operators: dict[str, Any], fallback: Any) -> Test:
    """``else`` gives the value that an unset one stands for."""
    ready = {key: _wanted(where, subject.type, key, value) for key, value in operators.items()}

    def test(node: Node, item: Any) -> Outcome:
        try:
            found = subject.read(node, item)
            if found.value is UNSET and fallback is not UNSET:
                found = found._replace(value=TYPES[subject.type](fallback), given="default")
            return all_of([_compared(found, operator, wanted) for operator, wanted in ready.items()])
        except (NotHere, NotKnown) as missing:
            return _missing(missing)

    return test


def _differing(one: Subject, other: Subject) -> Test:
    """Both are set, and not to the same value."""

    def test(node: Node, item: Any) -> Outcome:
        try:
            found, second = one.read(node, item), other.read(node, item)
        except (NotHere, NotKnown) as missing:
            return _missing(missing)
        outcome = _compared(found, "set", True)
        if outcome.verdict is Verdict.PASS and found.value == second.value:
            says = f"{found.name} and {second.name} are both {shown(found.value)}"
            wanted = f"another value than that of {second.name}"
            seen = Seen(found.path, shown(found.value), found.file, says, wanted, "differs-from")
            return Outcome(Verdict.FAIL, (seen,))
        return outcome

    return test


def _retyped(subject: Subject, kind: str) -> Subject:
    def read(node: Node, item: Any) -> Resolved:
        found = subject.read(node, item)
        if found.value is UNSET:
            return found
        try:
            return found._replace(value=TYPES[kind](found.value))
        except ValueError as error:
            raise NotKnown(f"{found.path}: {error}") from error

    return Subject(read, kind)


def _wanted(where: str, kind: str, operator: str, value: Any) -> Any:
    """What a value is compared with, of the subject's type."""
    if operator not in OPERATORS:
        raise DataError(f"{where}: there is no operator {operator!r}; choose from {', '.join(OPERATORS)}")
    if operator in PRESENCE:
        if not isinstance(value, bool):
            raise DataError(f"{where}: {operator} takes true or false")
        return value
    if operator == "regex":
        try:
            check_pattern(str(value))
        except ValueError as error:
            raise DataError(f"{where}: {error}") from error
        return str(value)
    if operator in ORDER and kind not in ("int", "duration", "quantity", "any"):
        raise DataError(f"{where}: {operator} needs a number, a duration or a quantity")
    try:
        if OPERATORS[operator].plural:
            items = value if isinstance(value, list) else [value]
            return tuple(TYPES["text" if kind in ("list", "map") else kind](item) for item in items)
        return TYPES[kind](value)
    except ValueError as error:
        raise DataError(f"{where}: {operator}: {error}") from error


def _compared(found: Resolved, operator: str, wanted: Any) -> Outcome:
    words = wanted_words(operator, wanted)
    if found.value is UNSET:
        holds = OPERATORS[operator].unset if operator != "set" else not wanted
        if operator == "unset":
            holds = bool(wanted)
        says = f"{found.name} is not set"
        value = ""
    else:
        try:
            holds = OPERATORS[operator].holds(found.value, wanted)
        except (TypeError, ValueError) as error:
            raise NotKnown(f"{found.path} cannot be compared: {error}") from error
        value = shown(found.value)
        says = f"{found.name} is {value}{_FROM.get(found.given, '')}"
    seen = Seen(found.path, value, found.file, says, words, operator)
    return Outcome(Verdict.PASS if holds else Verdict.FAIL, (seen,))
