"""ValidatingAdmissionPolicies as rules of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from seawall.analysis.policies.admission import Action, BindingSpec, ParamKind, PolicySpec
from seawall.analysis.policies.admitting import Admission, Parameters, PolicyFault
from seawall.analysis.policies.matching import creates
from seawall.analysis.policies.running import Told
from seawall.analysis.policies.subject import Subject, surroundings
from seawall.engine.admissionfiles import AdmissionSet, FoundBinding, FoundPolicy, fault, missing_policies, rule_id
from seawall.engine.ownpolicies import PolicyRun, check_of
from seawall.model.finding import ResourceRef, Severity, SourceError
from seawall.model.resource import Inventory, NotRead, Resource, UnreadKind
from seawall.model.rule import INVENTORY, Context, Hit, Hits, Rule, Scope

#: How bad it is to break a policy, by what its binding does.
SEVERITIES = {Action.DENY: Severity.HIGH, Action.WARN: Severity.MEDIUM, Action.AUDIT: Severity.LOW}
_DOCUMENTED = "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/"


def severity_of(policy: FoundPolicy, bindings: Sequence[FoundBinding]) -> Severity:
    """What the policy says of itself, or the worst that its bindings do."""
    if policy.about.severity is not None:
        return policy.about.severity
    actions = {action for each in bindings for action in each.spec.validation_actions}
    return next((severity for action, severity in SEVERITIES.items() if action in actions), Severity.LOW)


def admission_rules(found: AdmissionSet, *, given: bool = True) -> list[Rule]:
    """A rule for each policy; what cannot be used is added to the faults of the set.

    Those that were ``given`` bring parameters and namespaces of their own, and are meant to judge something.
    """
    beside = found.others if given else ()
    run = PolicyRun(beside)
    rules = []
    for policy in found.policies:
        bindings = found.of_policy(policy.name)
        try:
            index = add_admission(run, policy.spec, [each.spec for each in bindings], beside)
        except PolicyFault as error:
            found.faults += faults_of(policy.resource, error)
            continue
        check = check_of(run, index, _hit_of(policy, bindings))
        rules.append(_rule(policy, bindings, _effective(policy, bindings, check, given=given)))
    rules += [_unjudged(each) for each in found.mutating if each.ref.kind == "MutatingAdmissionPolicy"]
    found.faults += missing_policies(found)
    return rules


def faults_of(resource: Resource, error: PolicyFault) -> list[SourceError]:
    """What is wrong with the expressions of a policy, each with its place."""
    return [fault(resource, ("spec", *each.path), str(each)) for each in (error, *error.others)]


def add_admission(run: PolicyRun, spec: PolicySpec, bindings: Sequence[BindingSpec], beside: Sequence[Resource]) -> int:
    """Add a policy to a run, with its parameters looked for beside it and among what is judged; gives its index.

    Raises:
        PolicyFault: an expression of it cannot be used.
    """
    admission = Admission(spec, bindings)
    if spec.param_kind is not None:
        run.before.append(_parameters(admission, spec.param_kind, beside))
    run.ready.append(admission)
    return len(run.ready) - 1


def _parameters(admission: Admission, kind: ParamKind, beside: Sequence[Resource]) -> Callable[[Inventory], None]:
    group = kind.api_version.rpartition("/")[0]

    def set_parameters(inventory: Inventory) -> None:
        here = [*beside, *inventory.resources]
        found = [
            each.raw for each in here if each.ref.kind == kind.kind and each.ref.api_version.rpartition("/")[0] == group
        ]
        known = surroundings(here).kind(group, kind.kind)
        namespaced = (
            known.namespaced
            if known is not None
            else any(isinstance(each.get("metadata"), dict) and "namespace" in each["metadata"] for each in found)
        )
        absent = "it is not among what was given or scanned"
        if inventory.resources and all(each.live for each in inventory.resources):
            unread = inventory.unread.get(kind.kind)
            absent = unread.reason if unread is not None else ""
        admission.parameters = Parameters(found, namespaced, absent)

    return set_parameters


def _effective(
    policy: FoundPolicy,
    bindings: Sequence[FoundBinding],
    check: Callable[[Inventory, Context], Hits],
    *,
    given: bool,
) -> Callable[[Inventory, Context], Hits]:
    """The check, or one that says why nothing is judged."""
    why, meant = "", False
    if not bindings:
        why = "no ValidatingAdmissionPolicyBinding names it, so that it judges nothing"
        meant = not given
    elif not policy.spec.validations:
        why, meant = "it has no validations: it only writes audit annotations", True
    elif not creates(policy.spec.match_constraints):
        why, meant = "it is not about the creation of objects, and what is scanned is judged as created", True
    if not why:
        return check

    def nothing(inventory: Inventory, context: Context) -> Iterator[Hit]:
        raise NotRead(UnreadKind("", why, intended=meant))
        yield

    return nothing


def _rule(policy: FoundPolicy, bindings: Sequence[FoundBinding], check: Callable[[Inventory, Context], Hits]) -> Rule:
    about, spec = policy.about, policy.spec
    expressions = "; ".join(" ".join(each.expression.split()) for each in spec.validations)
    message = next((each.message for each in spec.validations if each.message), "")
    return Rule(
        id=rule_id(policy.name),
        title=about.title or message or f"Objects keep the policy {policy.name}.",
        severity=severity_of(policy, bindings),
        scope=Scope.ADMISSION,
        on=(INVENTORY,),
        check=check,
        why=about.why or f"The ValidatingAdmissionPolicy {policy.name} decides it.",
        remediation=about.remediation or f"Change it so that this holds: {expressions[:1000]}",
        control_list=about.controls,
        aliases=(f"ValidatingAdmissionPolicy/{policy.name}",),
        references=(_DOCUMENTED,),
        built_in=False,
    )


def _unjudged(resource: Resource) -> Rule:
    """A policy that changes objects: said, so that nobody takes it for judged."""

    def check(inventory: Inventory, context: Context) -> Iterator[Hit]:
        raise NotRead(UnreadKind("", "a MutatingAdmissionPolicy changes objects; Seawall judges them as written"))
        yield

    return Rule(
        id=rule_id(resource.ref.name),
        title=f"MutatingAdmissionPolicy {resource.ref.name} (not judged)",
        severity=Severity.INFO,
        scope=Scope.ADMISSION,
        on=(INVENTORY,),
        check=check,
        why="What a policy changes is not known before it has run.",
        remediation="Write into the manifests what the policy would add.",
        control_list="",
        aliases=(f"MutatingAdmissionPolicy/{resource.ref.name}",),
        references=(),
        built_in=False,
    )


def _hit_of(policy: FoundPolicy, bindings: Sequence[FoundBinding]) -> Callable[[Told, Subject], Hit]:
    expressions = [" ".join(each.expression.split())[:400] for each in policy.spec.validations]
    reasons = [each.reason for each in policy.spec.validations]

    def hit(told: Told, subject: Subject) -> Hit:
        chosen = [bindings[index] for index in told.bindings]
        note = told.part
        if told.part.startswith("spec.validations["):
            index = int(told.part.removeprefix("spec.validations[").rstrip("]"))
            note = f"{told.part} ({reasons[index]}): {expressions[index]}"
        related = [(policy.resource.ref, "; ".join([note, *(f"audit annotation {each}" for each in told.notes)]))]
        related += [(each.resource.ref, f"binds it: {', '.join(each.spec.validation_actions)}") for each in chosen]
        if told.params is not None and policy.spec.param_kind is not None:
            namespace, name = told.params
            kind = policy.spec.param_kind
            related.append((ResourceRef(kind.api_version, kind.kind, name, namespace or None), "its parameters"))
        pods = "the pods that it makes would not be admitted: " if subject.template else ""
        failed = "the policy cannot be evaluated, and its failurePolicy is Fail: " if told.what == "failed" else ""
        return Hit(
            f"{pods}{failed}{told.message}",
            path=told.path,
            severity=severity_of(policy, chosen),
            resource=subject.resource,
            related=tuple(related),
            secret=subject.kind == "Secret",
        )

    return hit
