"""Why a connection passes or not: every rule that has a say, tier by tier, or the absence that decides."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from seawall.analysis.network.form import Action, Direction, Policy, Rule, Tier
from seawall.analysis.network.index import Index
from seawall.model.paths import format_path

_KINDS = {Tier.ADMIN: "admin policy", Tier.NAMESPACE: "network policy", Tier.BASELINE: "baseline policy"}


class Reason(Struct, frozen=True, gc=False):
    """A policy's say: the rule that matches (None: it selects the pod and no rule of it matches) and what it does.

    ``decides`` marks what settles the connection; other reasons are overruled, agree, or only isolate.
    """

    policy: Policy
    rule: Rule | None
    effect: str
    decides: bool

    @property
    def place(self) -> str:
        """Where the rule stands in its policy."""
        if self.rule is None:
            return ""
        named = f" {self.rule.name!r}" if self.rule.name else ""
        return f"{format_path(self.rule.path)}{named}"


class Verdict(Struct, frozen=True, gc=False):
    """What one direction says of a connection, and why."""

    direction: Direction
    allowed: bool
    summary: str
    reasons: tuple[Reason, ...]
    undefined: bool = False


def explain(index: Index, source: int, target: int, mask: int, direction: Direction) -> Verdict:
    """What the policies of one direction say of a connection between two ends on one atom of ports."""
    subject, peer = (source, target) if direction is Direction.EGRESS else (target, source)
    if subject > index.ends.controller:
        return Verdict(direction, True, "outside the cluster: no policy applies", ())
    if index.ends.host >> subject & 1:
        return Verdict(direction, True, "uses its node's network: whether policies hold it depends on the CNI", ())
    return _Asking(index, direction, subject, peer, mask).verdict()


class _Asking:
    def __init__(self, index: Index, direction: Direction, subject: int, peer: int, mask: int) -> None:
        self.index, self.direction, self.subject, self.peer, self.mask = index, direction, subject, peer, mask
        self.reasons: list[Reason] = []
        self.decision: bool | None = None
        self.summary = ""
        self.by: tuple[Tier, int] | None = None

    def verdict(self) -> Verdict:
        policies = [self.index.policies[number] for number in self.index.selecting[self.direction][self.subject]]
        tiers = {tier: [policy for policy in policies if policy.tier is tier] for tier in Tier}
        self._ordered(tiers[Tier.ADMIN])
        self._together(tiers[Tier.NAMESPACE])
        if not tiers[Tier.NAMESPACE]:
            self._ordered(tiers[Tier.BASELINE])
        undefined = self._is_undefined(policies)
        if self.decision is not None:
            return Verdict(self.direction, self.decision, self.summary, tuple(self.reasons), undefined)
        why = "no policy selects the pod in this direction" if not policies else "no rule matches and nothing isolates"
        return Verdict(self.direction, True, f"open by default: {why}", tuple(self.reasons), undefined)

    def _matching(self, policy: Policy) -> Iterator[Rule]:
        target = self.index.ends.classes[self.subject] if self._has_ports else None
        for rule in policy.rules(self.direction) or ():
            effect = self.index.effect(rule, self.direction, target)
            if any(mask & self.mask and ends >> self.peer & 1 for mask, ends in effect):
                yield rule

    @property
    def _has_ports(self) -> bool:
        return self.direction is Direction.INGRESS and self.subject < len(self.index.ends.classes)

    def _ordered(self, policies: list[Policy]) -> None:
        passed = False
        for policy in policies:
            for rule in self._matching(policy):
                decides = self.decision is None and not passed
                self.reasons.append(Reason(policy, rule, _VERBS[rule.action], decides))
                if not decides:
                    continue
                self.by = (policy.tier, policy.priority)
                if rule.action is Action.PASS:
                    passed = True
                    continue
                self.decision = rule.action is Action.ALLOW
                self.summary = f"{_VERBS[rule.action]} by {policy.title}, {format_path(rule.path)}"

    def _together(self, policies: list[Policy]) -> None:
        allowing: list[str] = []
        open_yet = self.decision is None
        for policy in policies:
            rules = list(self._matching(policy))
            self.reasons += [Reason(policy, rule, "allowed", open_yet) for rule in rules]
            allowing += [f"{policy.title}, {format_path(rule.path)}" for rule in rules]
            if not rules:
                self.reasons.append(Reason(policy, None, "isolates the pod, and none of its rules matches", False))
        if not policies or not open_yet:
            return
        self.decision = bool(allowing)
        names = ", ".join(policy.title for policy in policies[:5])
        more = f" and {len(policies) - 5} more" if len(policies) > 5 else ""
        self.summary = (
            f"allowed by {allowing[0]}" if allowing else f"denied: isolated by {names}{more}, no rule allows it"
        )
        if not allowing:
            self.reasons = [_decisive(reason) if reason.rule is None else reason for reason in self.reasons]

    def _is_undefined(self, policies: list[Policy]) -> bool:
        """Whether a policy of the same tier and priority as the deciding one says otherwise."""
        if self.by is None:
            return False
        rivals = [p for p in policies if (p.tier, p.priority) == self.by and p.tier is not Tier.NAMESPACE]
        said = {rule.action for policy in rivals for rule in list(self._matching(policy))[:1]}
        return len(rivals) > 1 and len(said) > 1


_VERBS = {Action.ALLOW: "allowed", Action.DENY: "denied", Action.PASS: "passed on"}


def _decisive(reason: Reason) -> Reason:
    return Reason(reason.policy, None, reason.effect, reason.policy.tier is Tier.NAMESPACE)
