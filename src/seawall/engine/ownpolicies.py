"""Policies of ``seawall.yaml`` as rules of a run, beside those of the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from seawall.analysis.policies.form import OwnPolicy
from seawall.analysis.policies.judging import Compiled, Verdicts, judge, prepare
from seawall.analysis.policies.program import PolicyError, needs
from seawall.engine.config import ConfigError
from seawall.model.finding import Confidence
from seawall.model.resource import Inventory, NotRead, Resource, UnreadKind
from seawall.model.rule import INVENTORY, Context, Hit, Hits, Registry, Rule, Scope, parse_controls


class PolicyStopped(Exception):
    """A policy that ran away; the message says on which object."""


def with_policies(registry: Registry, policies: Sequence[OwnPolicy], places: Mapping[str, str]) -> Registry:
    """A registry with a rule for each policy beside the others.

    Raises:
        ConfigError: a policy cannot be used; with its place.
    """
    own = Registry()
    for rule in registry:
        own.add(rule)
    ready: list[Compiled] = []
    for policy in policies:
        try:
            parse_controls(" ".join(policy.controls))
            missing = needs(expressions(policy))
            if not missing:
                ready.append(prepare(policy))
            own.add(_rule(policy, _check(policy, missing, ready)))
        except (PolicyError, ValueError) as error:
            raise ConfigError(f"{places.get(policy.id, 'policies')}: policy {policy.id}: {error}") from error
    return own


def expressions(policy: OwnPolicy) -> list[str]:
    """All expressions of a policy."""
    return [policy.expression, policy.message_expression, *(each.expression for each in policy.variables)]


def _rule(policy: OwnPolicy, check: Callable[[Any, Any], Hits]) -> Rule:
    return Rule(
        id=policy.id,
        title=policy.title or policy.message or policy.id,
        severity=policy.severity,
        scope=Scope.ADMISSION,
        on=(INVENTORY,),
        check=check,
        why=policy.why or "The project decided it.",
        remediation=policy.remediation or f"Change it so that this holds: {' '.join(policy.expression.split())}",
        control_list=" ".join(policy.controls),
        aliases=(),
        references=(),
    )


def _check(policy: OwnPolicy, missing: str, ready: list[Compiled]) -> Callable[[Any, Any], Hits]:
    def build(inventory: Inventory) -> dict[str, tuple[Verdicts, Sequence[Resource]]]:
        found = judge(ready, inventory.resources)
        return {each.policy.id: (verdict, inventory.resources) for each, verdict in zip(ready, found, strict=True)}

    def check(inventory: Inventory, context: Context) -> Iterator[Hit]:
        if missing:
            raise NotRead(UnreadKind("", f"it asks for `{missing}`, which only a request to a cluster has"))
        verdict, resources = context.once(_shared(ready, build))[policy.id]
        for item, message in verdict.broken:
            yield Hit(message, confidence=Confidence.HIGH, resource=resources[item])
        if verdict.stopped:
            raise PolicyStopped(verdict.stopped)

    return check


_Build = Callable[[Inventory], dict[str, tuple[Verdicts, Sequence[Resource]]]]


class _Shared:
    """All policies are judged in one go: equal for checks that share their list of policies."""

    def __init__(self, ready: list[Compiled], build: _Build) -> None:
        self._ready, self._build = ready, build

    def __call__(self, inventory: Inventory) -> dict[str, tuple[Verdicts, Sequence[Resource]]]:
        return self._build(inventory)

    def __hash__(self) -> int:
        return id(self._ready)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shared) and other._ready is self._ready


def _shared(ready: list[Compiled], build: _Build) -> _Build:
    return _Shared(ready, build)
