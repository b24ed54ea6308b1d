"""The second half of checking a configuration: names that are no rule, no profile; waivers and policies that fail."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import msgspec
from msgspec.structs import replace

from seawall.analysis.trust.form import TrustPolicy
from seawall.engine.catalogue import load_rules
from seawall.engine.config import (
    CONFIG_FILE,
    TRUST_FILE,
    WAIVERS_FILE,
    Config,
    ConfigError,
    Text,
    WaiversFile,
    read_text,
)
from seawall.engine.configcheck import Problem, guess, problem_at, shape_problems
from seawall.engine.selection import NOTHING, PROFILES
from seawall.engine.trustpolicy import WholeConfig, trust_problems
from seawall.findings.waivers import Policy, WaiverEntry, Waiving, names_of, rules_of
from seawall.model.paths import Path
from seawall.model.rule import Registry


def check_files(file: str | None) -> tuple[list[str], list[Problem]]:
    """Check a file, or those of the working directory; returns what was checked, and all that is wrong.

    Raises:
        ConfigError: a file cannot be read or is not YAML, or there is none.
    """
    files = (
        [file]
        if file is not None
        else [each for each in (CONFIG_FILE, WAIVERS_FILE, TRUST_FILE) if os.path.isfile(each)]
    )
    if not files:
        raise ConfigError(f"there is no {CONFIG_FILE} here; name the file to check")
    return files, [problem for each in files for problem in check_file(each)]


def check_file(file: str) -> list[Problem]:
    """All that is wrong with one file; its name tells whether it holds waivers or a trust policy only.

    Raises:
        ConfigError: it cannot be read or is not YAML.
    """
    text = read_text(file)
    if text is None:
        return []
    if "trust" in os.path.basename(file) and "trust" not in text.value:
        return shape_problems(text, TrustPolicy, text.value) or trust_problems(file)
    only_waivers = "waivers" in os.path.basename(file)
    problems = shape_problems(text, WaiversFile if only_waivers else WholeConfig, text.value)
    registry = load_rules()
    problems += _names(replace(text, value={"waivers": text.value.get("waivers")}) if only_waivers else text, registry)
    if not problems and not only_waivers:
        problems += _policies(text, msgspec.convert(text.value, WholeConfig), registry)
        problems += trust_problems(file) if text.value.get("trust") is not None else []
    return sorted(problems, key=lambda each: (each.line, each.column))


def _names(text: Text, registry: Registry) -> Iterator[Problem]:
    """Names that nothing has; parts of the wrong shape are passed over."""
    value = text.value
    profiles = _mapping(value.get("profiles"))
    known = [*PROFILES, *profiles]
    if isinstance(name := value.get("profile", "default"), str) and name not in known:
        yield problem_at(text, ("profile",), f"no profile is called {name!r}", guess(name, known))
    for called, profile in profiles.items():
        yield from _profile(text, registry, called, _mapping(profile), [*known, NOTHING])
    waiving = _mapping(value.get("waiving"))
    for path, name in _texts(waiving.get("forbid"), ("waiving", "forbid")):
        yield from _rule(text, registry, path, name, globs=True)
    try:
        policy = Policy(registry, msgspec.convert(waiving, Waiving), "`waiving`")
    except msgspec.ValidationError:
        policy = Policy(registry, Waiving(), "")
    given = value.get("waivers")
    for index, waiver in enumerate(given if isinstance(given, list) else ()):
        yield from _waiver(text, registry, policy, ("waivers", index), waiver)


def _waiver(text: Text, registry: Registry, policy: Policy, path: Path, value: Any) -> Iterator[Problem]:
    try:
        entry = msgspec.convert(value, WaiverEntry)
    except msgspec.ValidationError:
        return
    for name in names_of(entry.rule):
        yield from _rule(text, registry, (*path, "rule"), name, globs=True)
    if objection := policy.objection(entry, date.today()):
        yield problem_at(text, path, f"the waiver {objection}")
    if entry.expires is not None and entry.expires < date.today():
        yield problem_at(text, (*path, "expires"), f"the waiver ended on {entry.expires}", "remove it, or decide anew")


def _profile(text: Text, registry: Registry, name: str, value: dict[str, Any], known: list[str]) -> Iterator[Problem]:
    path: Path = ("profiles", name)
    extends = value.get("extends", "default")
    if isinstance(extends, str) and extends not in known:
        yield problem_at(text, (*path, "extends"), f"no profile is called {extends!r}", guess(extends, known))
    for key in ("enable", "disable"):
        for place, called in _texts(value.get(key), (*path, key)):
            yield from _rule(text, registry, place, called)
    for called in _mapping(value.get("severity")):
        yield from _rule(text, registry, (*path, "severity", called), called)


def _rule(text: Text, registry: Registry, path: Path, name: str, *, globs: bool = False) -> Iterator[Problem]:
    if name and not (rules_of(registry, name) if globs else registry.find(name)):
        hint = guess(name, [rule.id for rule in registry]) or "`seawall rules list` shows them all"
        yield problem_at(text, path, f"no rule is called {name!r}", hint)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any, path: Path) -> Iterable[tuple[Path, str]]:
    items = value if isinstance(value, list) else ()
    return [((*path, index), each) for index, each in enumerate(items) if isinstance(each, str)]


def _policies(text: Text, config: Config, registry: Registry) -> Iterator[Problem]:
    from seawall.engine.ownpolicies import form_rules

    seen: set[str] = set()
    for index, policy in enumerate(config.policies):
        path: Path = ("policies", index)
        if policy.id in seen or registry.get(policy.id) is not None:
            yield problem_at(text, (*path, "id"), f"the id {policy.id!r} is taken", "choose another")
            continue
        seen.add(policy.id)
        try:
            form_rules([policy], {})
        except ConfigError as error:
            yield problem_at(text, path, str(error).partition(": policy ")[2])
