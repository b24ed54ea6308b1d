"""Policies of Kyverno and Gatekeeper that do not enforce, and exceptions to them that are too wide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.policy_engines import KyvernoException, KyvernoPolicy
    from seawall.model.resource import Resource
    from seawall.model.rule import Context

_KYVERNO = "https://kyverno.io/docs/policy-types/cluster-policy/policy-settings/"
_EXCEPTIONS = "https://kyverno.io/docs/exceptions/"
_GATEKEEPER = "https://open-policy-agent.github.io/gatekeeper/website/docs/violations/"
_CONSTRAINTS = "constraints.gatekeeper.sh/"


@rule(
    "kyverno-audit-only",
    title="Kyverno policy that denies nothing",
    severity=Severity.LOW,
    scope=Scope.ADMISSION,
    on="ClusterPolicy KyvernoPolicy",
    why="Objects that break the policy are admitted and only noted in a report; that does not stop an attacker.",
    remediation="Set failureAction: Enforce in the rules once the reports have been worked off.",
    controls="mitre-attack:T1562.001",
    references=(_KYVERNO,),
    default=False,
    notes="Audit is what Kyverno does unless told otherwise.",
)
def kyverno_audit_only(policy: KyvernoPolicy, ctx: Context) -> Hits:
    spec = policy.spec
    if spec.validation_failure_action.lower() == "enforce":
        return
    for i, each in numbered(spec.rules):
        for key in ("validate", "verifyImages"):
            body = each.get(key)
            if body and not any(action == "enforce" for action in _actions(body)):
                yield Hit(f"what breaks the rule {each.get('name')!r} is only noted", f"spec.rules[{i}].{key}")


def _actions(body: Any) -> Iterator[str]:
    for each in body if isinstance(body, list) else [body]:
        if isinstance(each, dict):
            yield str(each.get("failureAction", "")).lower()


@rule(
    "kyverno-fails-open",
    title="Kyverno policy that lets objects pass when it fails",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on="ClusterPolicy KyvernoPolicy",
    why="An attacker who overloads Kyverno, or keeps the API server from it, has what the policy forbids admitted.",
    remediation="Set failurePolicy to Fail, and run several replicas of Kyverno.",
    controls="mitre-attack:T1562.001",
    references=(_KYVERNO,),
)
def kyverno_fails_open(policy: KyvernoPolicy, ctx: Context) -> Hits:
    if policy.spec.failure_policy == "Ignore":
        yield Hit("the policy is passed over when Kyverno fails", "spec.failurePolicy")


@rule(
    "kyverno-wide-exception",
    title="Exception to a policy without bounds",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on="PolicyException",
    why="Whoever creates a matching object, in any namespace and under any name, is free of the policy.",
    remediation="Name the namespaces and the objects in match.",
    controls="mitre-attack:T1562.001",
    aliases="kyverno:policy-for-exceptions",
    references=(_EXCEPTIONS,),
)
def kyverno_wide_exception(exception: KyvernoException, ctx: Context) -> Hits:
    for way in ("any", "all"):
        matches = exception.spec.match.get(way)
        listed = matches if isinstance(matches, list) else []
        if listed and (all if way == "all" else any)(_is_unbounded(each) for each in listed):
            yield Hit("the exception holds in every namespace for every name", f"spec.match.{way}")


def _is_unbounded(match: Any) -> bool:
    resources = match.get("resources") if isinstance(match, dict) else None
    if not isinstance(resources, dict) or "subjects" in match or "roles" in match or "clusterRoles" in match:
        return False
    bounds = [resources.get(key) for key in ("namespaces", "names")]
    bounded = any(isinstance(each, list) and each and "*" not in each for each in bounds)
    return not bounded and not resources.get("selector") and not resources.get("namespaceSelector")


@rule(
    "gatekeeper-warns-only",
    title="Gatekeeper constraint that denies nothing",
    severity=Severity.LOW,
    scope=Scope.ADMISSION,
    on="object",
    why="Objects that break the constraint are admitted and only noted; that does not stop an attacker.",
    remediation="Set enforcementAction to deny once the violations have been worked off.",
    controls="mitre-attack:T1562.001",
    references=(_GATEKEEPER,),
    default=False,
)
def gatekeeper_warns_only(resource: Resource, ctx: Context) -> Hits:
    if resource.ref.api_version.startswith(_CONSTRAINTS):
        action = resource.value_at(("spec", "enforcementAction"))
        if action in ("dryrun", "warn"):
            yield Hit(f"what breaks the constraint is only noted ({action})", "spec.enforcementAction")
