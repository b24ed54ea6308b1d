"""The analyses that bring rules, and the registry with all of them in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from seawall.model.rule import REGISTRY, Registry

if TYPE_CHECKING:
    from seawall.analysis.nodes import Check
    from seawall.model.rule import Rule

#: Packages with a ``RULE_MODULES`` list, modules of these names under ``rules``, and ``examples`` beside them. The
#: first judge what a scan reads; the rest are about things that only their own commands bring.
SCANNED = ("posture", "network", "access", "isolation", "secrets")
ANALYSES = (*SCANNED, "images", "malware", "endpoints", "cloud", "buildfiles", "trust")
#: What a scan brings the rules of an analysis in for, once it meets one.
MET = {"Dockerfile": "buildfiles"}
#: What rules over the facts of a node are called with.
FACTS = "facts"


def load_rules(analyses: Iterable[str] = ANALYSES) -> Registry:
    """The registry, with the rules of every analysis over objects in it, or at least of some."""
    for analysis in analyses:
        name = f"seawall.analysis.{analysis}"
        package = import_module(name)
        # Of some a scan needs not all.
        modules = (
            getattr(package, "SCAN_MODULES", package.RULE_MODULES) if analyses is SCANNED else package.RULE_MODULES
        )
        for module in modules:
            import_module(f"{name}.rules.{module}")
    return REGISTRY


@cache
def rules_of(analysis: str) -> tuple[Rule, ...]:
    """The rules that one analysis brings."""
    package = f"seawall.analysis.{analysis}.rules."
    return tuple(rule for rule in load_rules((analysis,)) if rule.check.__module__.startswith(package))


@cache
def load_all_rules() -> Registry:
    """All rules: those of :func:`load_rules`, and those of benchmarks over nodes.

    They are apart because a scan has no facts of nodes to judge, and reading the benchmarks takes longer than a scan.
    """
    registry = Registry()
    for rule in (*load_rules(), *_node_rules()):
        registry.add(rule)
    return registry


def _node_rules() -> Iterator[Rule]:
    from seawall.analysis.nodes import catalogue

    for check in catalogue().checks.values():
        if check.words is not None:
            yield _as_rule(check)


def _as_rule(check: Check) -> Rule:
    from seawall.analysis.nodes import hits_of
    from seawall.model.rule import Rule

    words = check.words
    if words is None:
        raise ValueError(f"the check {check.rule} has no words: the rule of that id tells them")
    return Rule(
        id=check.rule,
        title=words.title,
        severity=words.severity,
        scope=words.scope,
        on=(FACTS,),
        check=lambda facts, _: hits_of(check, facts),
        why=words.why,
        remediation=words.remediation,
        control_list=check.control_list,
        aliases=tuple(words.aliases.split()),
        references=words.references,
        notes=words.notes,
    )
