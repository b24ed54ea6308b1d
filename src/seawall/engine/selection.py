"""Which rules a run uses."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from seawall.model.rule import Registry, Rule


class Selection(Struct, frozen=True):
    """Rules asked for and left out, by id or by any peer's alias; ``everything`` adds those off by default."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    everything: bool = False


class UnknownRule(Exception):
    """A name that is no rule and no alias of one."""


def select_rules(registry: Registry, selection: Selection) -> dict[str, str]:
    """Why each rule is left out, by rule id; an empty reason means that it runs.

    Raises:
        UnknownRule: a name that no rule has.
    """
    only = _named(registry, selection.only)
    skip = _named(registry, selection.skip)
    return {rule.id: _reason(rule, only, skip, selection.everything) for rule in registry}


def _reason(rule: Rule, only: set[str], skip: set[str], everything: bool) -> str:
    if rule.id in skip:
        return "skipped by name"
    if only:
        return "" if rule.id in only else "not asked for"
    return "" if rule.default or everything else "not in the default profile"


def _named(registry: Registry, names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        rules = registry.find(name)
        if not rules:
            raise UnknownRule(
                f"no rule is called {name!r}; `seawall rules list` shows them all{_guess(registry, name)}"
            )
        found.update(rule.id for rule in rules)
    return found


def _guess(registry: Registry, name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, [rule.id for rule in registry], 1)
    return f"; did you mean {close[0]!r}?" if close else ""
