"""Tests of files: modes, owners, kinds, and whether they are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from seawall.analysis.nodes.node import Node
from seawall.analysis.nodes.outcome import NotHere, NotKnown, Outcome, Seen, Verdict, all_of
from seawall.analysis.nodes.settings import DataError, refuse_others
from seawall.analysis.nodes.subjects import files_subject
from seawall.model.facts import FileFact

_FILE_OPERATORS = frozenset(("mode-at-most", "owner", "kind", "exists"))


def compile_files(where: str, data: dict[str, Any]) -> Callable[[Node, Any], Outcome]:
    """A test of files from data: every one must pass.

    Raises:
        DataError: it names a file or an operator that is not known.
    """
    refuse_others(where, data, "file", *_FILE_OPERATORS)
    operators = {key: _file_wanted(where, key, value) for key, value in data.items() if key != "file"}
    if not operators:
        raise DataError(f"{where}: a file needs an operator: {', '.join(sorted(_FILE_OPERATORS))}")
    read = files_subject(where, data["file"])
    exists = operators.pop("exists", None)

    def test(node: Node, _: Any) -> Outcome:
        return all_of(_files_judged(read(node), exists, operators))

    return test


def _files_judged(
    found: Iterable[FileFact | NotHere | NotKnown], exists: Any, operators: dict[str, Any]
) -> Iterable[Outcome]:
    for each in found:
        if isinstance(each, NotKnown):
            yield Outcome(Verdict.NOT_JUDGED, reason=str(each))
        elif isinstance(each, NotHere):
            if exists is None:
                yield Outcome(Verdict.NOT_APPLICABLE, reason=str(each))
            else:
                verdict = Verdict.FAIL if exists else Verdict.PASS
                yield Outcome(verdict, (Seen("absent", "", "", str(each), "to be there"),))
        else:
            if exists is not None:
                verdict = Verdict.PASS if exists else Verdict.FAIL
                yield Outcome(verdict, (_file_seen(each, "there", "exists", "not to be there"),))
            for operator, wanted in operators.items():
                yield _file_compared(each, operator, wanted)


def _file_wanted(where: str, operator: str, value: Any) -> Any:
    if operator == "mode-at-most":
        text = str(value)
        if not (isinstance(value, str) and len(text) in (3, 4) and set(text) <= set("01234567")):
            raise DataError(f'{where}: a mode is written as text of octal digits: "600"')
        return int(text, 8)
    if operator == "exists":
        if not isinstance(value, bool):
            raise DataError(f"{where}: exists takes true or false")
        return value
    wanted = tuple(map(str, value if isinstance(value, list) else [value]))
    if operator == "owner" and not all(text.count(":") == 1 for text in wanted):
        raise DataError(f"{where}: an owner is written as user:group")
    return wanted


def _file_compared(file: FileFact, operator: str, wanted: Any) -> Outcome:
    try:
        if operator == "mode-at-most":
            if file.mode < 0:
                raise NotKnown(f"the mode of {file.path} is not known")
            target = f"{at_most(file.mode, wanted):o}"
            seen = _file_seen(file, f"mode {file.mode:04o}", operator, f"{wanted:04o} or less", target)
            holds = mode_at_most(file.mode, wanted)
        elif operator == "owner":
            seen = _file_seen(file, f"owner {owner_of(file)}", operator, " or ".join(wanted), wanted[0])
            holds = any(_owned_by(file, *owner.split(":")) for owner in wanted)
        else:
            seen = _file_seen(file, file.kind, operator, " or ".join(wanted))
            holds = file.kind in wanted
    except NotKnown as missing:
        return Outcome(Verdict.NOT_JUDGED, reason=str(missing))
    return Outcome(Verdict.PASS if holds else Verdict.FAIL, (seen,))


def _file_seen(file: FileFact, value: str, operator: str, wanted: str, target: str = "") -> Seen:
    says = f"{file.path} has {value}" if " " in value else f"{file.path} is {value}"
    return Seen(f"files.{file.path}", value.partition(" ")[2] or value, file.path, says, wanted, operator, target)


def mode_at_most(mode: int, wanted: int) -> bool:
    """Whether a mode gives no one more than another.

    The group, others and the special bits may have no bit outside. The owner, who can change the mode anyway, may
    have no larger digit: a file of mode 0500 passes for 0600.
    """
    return not mode & ~wanted & 0o7077 and mode & 0o700 <= wanted & 0o700


def at_most(mode: int, wanted: int) -> int:
    """The mode with as much taken away as :func:`mode_at_most` asks for."""
    owner = mode & 0o700
    return (owner if owner <= wanted & 0o700 else wanted & 0o700) | (mode & wanted & 0o7077)


def owner_of(file: FileFact) -> str:
    """A file's owner as ``user:group``, by number where the names are not known."""
    return f"{file.owner or file.uid}:{file.group or file.gid}"


def _owned_by(file: FileFact, user: str, group: str) -> bool:
    return _named(file.path, file.owner, file.uid, user) and _named(file.path, file.group, file.gid, group)


def _named(path: str, name: str, number: int, wanted: str) -> bool:
    if name:
        return name == wanted
    if number >= 0 and (number == 0 or wanted == "root"):
        return (number == 0) == (wanted == "root")
    raise NotKnown(f"the names of {path}'s owner {number} are not known")
