"""Which rules a run uses, and how severe it takes them to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from seawall.engine.config import OwnProfile
from seawall.model.finding import Severity
from seawall.model.rule import Registry, Rule
from seawall.model.version import KubernetesVersion

#: The built-in profiles: whether a rule belongs to it at a Kubernetes version. ``strict`` adds to the default those
#: rules that answer to a control of some framework, ``all`` also the ones about conventions.
PROFILES: Mapping[str, Callable[[Rule, KubernetesVersion], bool]] = {
    "default": lambda rule, _: rule.default,
    "strict": lambda rule, version: rule.default or bool(rule.controls_at(version)),
    "all": lambda rule, _: True,
    "pss-baseline": lambda rule, version: "baseline" in rule.controls_at(version).get("pss", ()),
    "pss-restricted": lambda rule, version: "pss" in rule.controls_at(version),
}
#: What an own profile extends that names each of its rules.
NOTHING = "none"


class Selection(Struct, frozen=True):
    """Rules asked for and left out, by id or by any peer's alias, and the profile that the others come from."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    profile: str = "default"
    own: Mapping[str, OwnProfile] = {}


class Chosen(Struct, frozen=True):
    """Why each rule is left out, by rule id (empty where it runs), and the severities that a profile sets anew."""

    left_out: dict[str, str]
    severities: dict[str, Severity]


class UnknownRule(Exception):
    """A name that is no rule and no alias of one, or no profile."""


def select_rules(registry: Registry, selection: Selection, version: KubernetesVersion) -> Chosen:
    """Choose the rules of a run.

    Raises:
        UnknownRule: a name that no rule, or no profile, has.
    """
    only = _named(registry, selection.only)
    skip = _named(registry, selection.skip)
    severities: dict[str, Severity] = {}
    profile = _profile(registry, selection, version, severities)
    left_out = {rule.id: _reason(rule, only, skip, profile, selection.profile) for rule in registry}
    return Chosen(left_out, severities)


def _reason(rule: Rule, only: set[str], skip: set[str], profile: set[str], name: str) -> str:
    if rule.id in skip:
        return "skipped by name"
    if only:
        return "" if rule.id in only else "not asked for"
    return "" if rule.id in profile else f"not in the profile {name}"


def _profile(
    registry: Registry, selection: Selection, version: KubernetesVersion, severities: dict[str, Severity]
) -> set[str]:
    """The rules of the profile, an own one on top of those that it extends; fills in the severities it sets."""
    chain: list[OwnProfile] = []
    name = selection.profile
    while (own := selection.own.get(name)) is not None:
        if own in chain:
            raise UnknownRule(f"the profile {name!r} extends itself")
        chain.append(own)
        name = own.extends
    if name != NOTHING and name not in PROFILES:
        known = ", ".join([*PROFILES, *selection.own])
        raise UnknownRule(f"no profile is called {name!r}; choose from {known}, or define it in seawall.yaml")
    rules = set() if name == NOTHING else {rule.id for rule in registry if PROFILES[name](rule, version)}
    for own in reversed(chain):
        rules |= _named(registry, own.enable)
        rules -= _named(registry, own.disable)
        for called, severity in own.severity.items():
            severities.update(dict.fromkeys(_named(registry, [called]), severity))
    return rules


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


def least_profile(rule: Rule, version: KubernetesVersion) -> str:
    """The first of default, strict and all that has the rule."""
    return next(name for name in ("default", "strict", "all") if PROFILES[name](rule, version))
