"""What to change on a node so that a failed check passes: exact lines by layout, tried on the facts, never done."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from seawall.analysis.nodes.catalogue import Check
from seawall.analysis.nodes.examples import merged
from seawall.analysis.nodes.judging import judge
from seawall.analysis.nodes.node import Node, lookup
from seawall.analysis.nodes.operators import UNSET
from seawall.analysis.nodes.outcome import NotHere, NotKnown, Outcome, Seen, Verdict
from seawall.analysis.nodes.places import Target, target_of
from seawall.analysis.nodes.settings import Setting, settings
from seawall.model.facts import Facts


class Step(Struct, frozen=True, omit_defaults=True):
    """A change: ``action`` is ``chmod``, ``chown``, ``set`` or ``remove``; ``file`` is what is changed
    (empty: told by ``where``), ``lines`` are what it then says or the command to type."""

    action: str
    file: str
    where: str
    lines: tuple[str, ...]


class Remedy(Struct, frozen=True, omit_defaults=True):
    """How a failed check is mended. ``after`` are commands that make the change count, ``note`` what a person has to
    know first. ``verified`` tells that the check passes on the facts with the change made."""

    rule: str
    steps: tuple[Step, ...]
    after: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    note: str = ""
    verified: bool = False


def remedy(check: Check, facts: Facts, outcome: Outcome) -> Remedy:
    """The way to mend a check that failed on a node with this outcome."""
    own = check.fix.layouts.get(facts.layout)
    if own is not None:
        steps = (Step("set", own.file, "", own.lines),)
        return Remedy(check.rule, steps, after=own.after, note=own.note)
    plan = _Plan(facts)
    for seen in outcome.seen:
        plan.file(seen)
    for name, value in check.fix.set.items():
        plan.set(name, value)
    for name, items in check.fix.add.items():
        plan.list(name, add=items)
    for name, items in check.fix.remove.items():
        plan.list(name, remove=items)
    for name in check.fix.unset:
        plan.unset(name)
    note = check.fix.note
    if not plan.steps and not note:
        note = "nothing here is known to mend it; see the rule's remediation"
    return Remedy(
        rule=check.rule,
        steps=tuple(dict.fromkeys(plan.steps)),
        after=tuple(dict.fromkeys(plan.after)),
        keep=tuple(dict.fromkeys(plan.keep)),
        note=note,
        verified=bool(plan.steps) and plan.certain and judge(check, Node(plan.changed())).verdict is Verdict.PASS,
    )


class _Plan:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.node = Node(facts)
        self.steps: list[Step] = []
        self.after: list[str] = []
        self.keep: list[str] = []
        self.certain = True
        self._patch: dict[str, Any] = {}

    def changed(self) -> Facts:
        """The facts with every step made."""
        document = merged(msgspec.to_builtins(self.facts), self._patch)
        return msgspec.convert(document, Facts)

    def file(self, seen: Seen) -> None:
        """Give a file its mode or owner."""
        path = shlex.quote(seen.file)
        if seen.operator == "mode-at-most":
            self.steps.append(Step("chmod", seen.file, "", (f"chmod {seen.target} {path}",)))
            self._change({"files": {seen.file: {"mode": int(seen.target, 8)}}})
        elif seen.operator == "owner":
            user, _, group = seen.target.partition(":")
            self.steps.append(Step("chown", seen.file, "", (f"chown {seen.target} {path}",)))
            numbers = {"uid": 0, "gid": 0} if seen.target == "root:root" else {}
            self._change({"files": {seen.file: {"owner": user, "group": group, **numbers}}})

    def set(self, name: str, value: Any) -> None:
        """Give a setting a value: in the configuration file where it has a place there, or else as a flag."""
        owner, _, key = name.partition("/")
        setting = settings()[owner].settings[key]
        if setting.type == "map":
            value = {**self._present(owner, key, {}), **_pairs(value)}
        found = self._target(owner, setting)
        if found is None:
            return
        if found.field:
            self._remove_flags(owner, key, setting, found)
            self.steps.append(Step("set", found.file, found.where, tuple(_written(found.file, setting.config, value))))
            self._change({"components": {owner: {"config": _patch(setting.config, value)}}})
        else:
            flag = setting.flags(key)[0]
            text = _flag_text(value)
            self._remove_flags(owner, key, setting, found)
            self.steps.append(Step("set", found.file, found.where, tuple(found.lines(flag, text))))
            self._change({"components": {owner: {"flags": {flag: [text]}}}})
        self._finish(owner, found)

    def list(self, name: str, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> None:
        """Add items to a setting that is a list, or take them out."""
        owner, _, key = name.partition("/")
        present = [item for item in self._present(owner, key, ()) if item not in remove]
        present += [item for item in add if item not in present]
        if present:
            self.set(name, present)
        else:
            self.unset(name)

    def unset(self, name: str) -> None:
        """Take a setting out."""
        owner, _, key = name.partition("/")
        setting = settings()[owner].settings[key]
        found = self._target(owner, setting)
        if found is not None:
            self._remove_flags(owner, key, setting, found)
            self._remove_field(owner, setting, found)
            self._finish(owner, found)

    def _remove_field(self, owner: str, setting: Setting, found: Target) -> None:
        """Take a field out of the configuration file where it is there."""
        config = self.facts.components[owner].config
        value = lookup(config, setting.config) if found.field and config is not None else None
        if value is not None:
            self.steps.append(
                Step("remove", found.file, found.where, tuple(_written(found.file, setting.config, value)))
            )
            self._change({"components": {owner: {"config": _patch(setting.config, None)}}})

    def _remove_flags(self, owner: str, key: str, setting: Setting, found: Target) -> None:
        """Take out a flag that someone wrote: it would count before the file, or beside the new one."""
        component = self.facts.components[owner]
        for flag in setting.flags(key):
            if component.flags.get(flag) and flag not in component.implied:
                lines = tuple(found.lines(flag, value)[-1].strip() for value in component.flags[flag])
                self.steps.append(Step("remove", found.flags_file, found.flags_where, lines))
                self._change({"components": {owner: {"flags": {flag: None}}}})

    def _present(self, owner: str, key: str, empty: Any) -> Any:
        try:
            value = self.node.setting(owner, key).value
        except (NotHere, NotKnown):
            self.certain = False
            return empty
        return empty if value is UNSET else value

    def _target(self, owner: str, setting: Setting) -> Target | None:
        if owner not in self.facts.components:
            return None
        found = target_of(self.facts, owner, setting)
        if found.managed:
            self.certain = False
        return found

    def _finish(self, owner: str, found: Target) -> None:
        self.after += found.after
        self.keep += found.keep
        if self.facts.components[owner].configz is not None:
            self._change({"components": {owner: {"configz": None}}})

    def _change(self, patch: dict[str, Any]) -> None:
        self._patch = _combined(self._patch, patch)


def _combined(first: Any, second: Any) -> Any:
    """Two merge patches as one."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return second
    return {**first, **{key: _combined(first.get(key), value) for key, value in second.items()}}


def _patch(path: str, value: Any) -> dict[str, Any]:
    patch = value
    for step in reversed(path.split(".")):
        patch = {step: patch}
    result: dict[str, Any] = patch
    return result


def _pairs(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    return dict(text.split("=", 1) for text in str(value).split(","))


def _written(file: str, path: str, value: Any) -> list[str]:
    """A field as it stands in a file: JSON without the outer braces, or YAML."""
    if file.endswith(".json"):
        return [msgspec.json.format(msgspec.json.encode(_patch(path, value)), indent=0).decode()[1:-1]]
    return _nested(path, value)


def _nested(path: str, value: Any) -> list[str]:
    """A field of a file as YAML, from the top."""
    steps = path.split(".")
    lines = [f"{'  ' * depth}{step}:" for depth, step in enumerate(steps)]
    indent = "  " * len(steps)
    if isinstance(value, Mapping):
        return lines + [f"{indent}{key}: {_plain(each)}" for key, each in value.items()]
    if isinstance(value, list | tuple):
        return lines + [f"{indent}- {_plain(each)}" for each in value]
    lines[-1] += f" {_plain(value)}"
    return lines


def _plain(value: Any) -> str:
    """A value as JSON, which YAML reads alike."""
    if isinstance(value, str) and value in ("true", "false"):
        return value
    return msgspec.json.encode(value).decode()


def _flag_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{key}={_flag_text(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ",".join(map(_flag_text, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
