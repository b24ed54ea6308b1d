"""Policies of one's own as rules of a run, beside those of the registry: the short form of ``seawall.yaml``, and
Kubernetes' ValidatingAdmissionPolicies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from seawall.analysis.policies.form import OwnPolicy
from seawall.analysis.policies.judging import prepare
from seawall.analysis.policies.program import PolicyError
from seawall.analysis.policies.running import Judged, Told, Verdicts, judge
from seawall.analysis.policies.subject import Subject, surroundings
from seawall.engine.config import ConfigError
from seawall.model.finding import Confidence
from seawall.model.kube.kinds import templated_names
from seawall.model.resource import Inventory, NotRead, Resource, UnreadKind
from seawall.model.rule import INVENTORY, Context, Hit, Hits, Noted, Rule, Scope, parse_controls


class PolicyStopped(Exception):
    """A policy that ran away; the message says on which object."""


class PolicyRun:
    """All policies over an inventory in one go: what checks share through :meth:`Context.once`.

    ``beside`` are objects that are not judged but may be named: namespaces, definitions of custom kinds.
    ``before`` is called with each inventory (of a cluster, or of manifests) before it is judged.
    """

    def __init__(self, beside: Sequence[Resource] = ()) -> None:
        self.ready: list[Judged] = []
        self.before: list[Callable[[Inventory], None]] = []
        self._beside = beside

    def __call__(self, inventory: Inventory) -> tuple[list[Verdicts], list[Subject]]:
        for each in self.before:
            each(inventory)
        subjects = list(subjects_of(inventory.resources, self._beside))
        return judge(self.ready, subjects), subjects


def subjects_of(resources: Sequence[Resource], beside: Sequence[Resource] = ()) -> Iterator[Subject]:
    """Every object, and of manifests also the pods that are made of it: those of a cluster are there themselves."""
    around = surroundings([*beside, *resources])
    for resource in resources:
        yield Subject(resource, around)
        kind = resource.kind
        if kind is not None and kind.template and kind.name in templated_names() and not resource.live:
            yield Subject(resource, around, kind.template)


def form_rules(policies: Sequence[OwnPolicy], places: Mapping[str, str]) -> list[Rule]:
    """A rule for each policy of the short form.

    Raises:
        ConfigError: a policy cannot be used; with its place.
    """
    run = PolicyRun()
    rules = []
    for policy in policies:
        try:
            parse_controls(" ".join(policy.controls))
            run.ready.append(prepare(policy))
        except (PolicyError, ValueError) as error:
            raise ConfigError(f"{places.get(policy.id, 'policies')}: policy {policy.id}: {error}") from error
        rules.append(_rule(policy, check_of(run, len(run.ready) - 1, _hit)))
    return rules


def _rule(policy: OwnPolicy, check: Callable[[Inventory, Context], Hits]) -> Rule:
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
        built_in=False,
    )


def _hit(told: Told, subject: Subject) -> Hit:
    return Hit(
        told.message,
        path=told.path,
        confidence=Confidence.HIGH,
        resource=subject.resource,
        secret=subject.kind == "Secret",
    )


def check_of(run: PolicyRun, index: int, hit: Callable[[Told, Subject], Hit]) -> Callable[[Inventory, Context], Hits]:
    """The check of the policy at that place of a run.

    It tells what is broken, and then what could not be judged, or was passed over as the policy wants it.
    """

    def check(inventory: Inventory, context: Context) -> Iterator[Hit]:
        verdicts, subjects = context.once(run)
        verdict = verdicts[index]
        unknown, ignored = Counter[str](), Counter[str]()
        for item, told in verdict.told:
            if told.what in ("broken", "failed"):
                yield hit(told, subjects[item])
            else:
                (unknown if told.what == "unknown" else ignored)[told.message] += 1
        if verdict.stopped:
            raise PolicyStopped(verdict.stopped)
        if unknown:
            raise NotRead(UnreadKind("", _counted(unknown)))
        if ignored:
            raise Noted(f"ignored, as its failurePolicy is Ignore: {_counted(ignored)}")

    return check


def _counted(reasons: Counter[str]) -> str:
    """The commonest reason, for how many objects, and how many others there are."""
    (why, count), *others = reasons.most_common()
    told = f"{why} (for {count} objects)" if count > 1 else why
    return f"{told}; and {len(others)} other reasons" if others else told
