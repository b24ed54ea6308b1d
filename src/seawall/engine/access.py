"""Access to an estate: reads what was named, asks the analysis, and says how far the answer holds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from seawall.analysis.access import (
    ADMIN,
    NODE,
    AccessIndex,
    Closure,
    Step,
    build_index,
    custom_resources,
    facts_of,
    parse_request,
    parse_subject,
)
from seawall.engine.reading import Reading, ReadOptions
from seawall.model.access import Actor, Grant, Reason, Request, Subject, actor_of
from seawall.model.finding import Location, ResourceRef
from seawall.model.kube.base import InvalidField
from seawall.model.kube.rbac import PolicyRule
from seawall.model.paths import format_path
from seawall.model.resource import Inventory, Resource

Answer = Literal["allowed", "denied", "unknown"]


class Because(Struct, frozen=True, rename="camel"):
    """A reason as it is told: the binding, its role and the rule, and where the binding stands."""

    subject: Subject
    binding: ResourceRef | None
    role: ResourceRef | None
    rule: PolicyRule | None
    rule_index: int
    location: Location | None
    note: str = ""


class Verdict(Struct, frozen=True, rename="camel"):
    """The answer to one question; ``unknown`` names bindings whose role was not read, if they could change it."""

    question: Request
    actor: Actor
    answer: Answer
    reasons: tuple[Because, ...]
    unknown: tuple[ResourceRef, ...]


class ToldStep(Struct, frozen=True, rename="camel"):
    """A step of an escalation with the bindings that allow it; none where it follows from the step before."""

    source: str
    target: str
    how: str
    reasons: tuple[Because, ...]


class Way(Struct, frozen=True, rename="camel"):
    """A shortest way from one identity to another."""

    source: str
    target: str
    steps: tuple[ToldStep, ...]


class Escalations(Struct, frozen=True, rename="camel"):
    """Ways, and for every identity how many others it can become."""

    ways: tuple[Way, ...]
    counts: tuple[tuple[str, int], ...]


class Estate:
    """The access of what was read. Questions are answered from it as often as wanted."""

    def __init__(self, options: ReadOptions) -> None:
        self.reading = Reading(options)
        self.inventory: Inventory = self.reading.inventory()
        self.problem = ""
        try:
            self.index = build_index(self.inventory)
        except InvalidField as invalid:
            self.problem = f"access was not judged: {format_path(invalid.path)} of a role or binding has the wrong type"
            self.index = AccessIndex(())
        self._resources: dict[ResourceRef, Resource] = {each.ref: each for each in self.inventory.resources}
        self._custom = custom_resources(self.inventory)

    def problems(self) -> list[str]:
        """Why answers may be wrong, a line each; empty where all was read."""
        lines = [str(error) for error in self.reading.errors]
        lines += [f"{path}: not judged: needs rendering ({what})" for path, what in self.reading.unrendered]
        if self.problem:
            lines.append(self.problem)
        if not self.inventory.of_kind("RoleBinding", "ClusterRoleBinding"):
            lines.append("no RoleBinding or ClusterRoleBinding was found: name the files, folder or snapshot with them")
        return lines

    def request(self, verb: str, what: str, namespace: str) -> Request:
        """Read a question as people write it.

        Raises:
            QuestionError: it makes no sense.
        """
        return parse_request(verb, what, namespace, self._custom)

    def can(self, subject: str, groups: tuple[str, ...], request: Request) -> Verdict:
        """Whether a subject may, and why.

        Raises:
            QuestionError: the subject makes no sense.
        """
        actor = actor_of(parse_subject(subject), groups)
        reasons = tuple(self._because(reason) for reason in self.index.why(actor, request))
        unknown = () if reasons else tuple(self._unknown(actor, request))
        answer: Answer = "allowed" if reasons else "unknown" if unknown or self.problem else "denied"
        return Verdict(request, actor, answer, reasons, unknown)

    def who(self, request: Request) -> list[Because]:
        """Every subject that may, once for each binding that lets it."""
        return [self._because(reason) for reason in self.index.who(request)]

    def grants(self, subject: str, groups: tuple[str, ...]) -> tuple[Actor, list[tuple[Subject, Grant]]]:
        """All that a subject holds.

        Raises:
            QuestionError: the subject makes no sense.
        """
        actor = actor_of(parse_subject(subject), groups)
        return actor, self.index.of(actor)

    def closure(self) -> Closure:
        """What everyone can become."""
        return Closure(self.index, facts_of(self.inventory))

    def escalations(self, subject: str) -> Escalations:
        """What a subject can become, or (with an empty one) who can become cluster-admin or get onto a node.

        Raises:
            QuestionError: the subject makes no sense.
        """
        closure = self.closure()
        if subject:
            start = parse_subject(subject)
            ways = [self._way(closure.path(start, goal)) for goal in closure.reach(start)]
            return Escalations(tuple(ways), ())
        ways = []
        for goal in (ADMIN, NODE):
            after = closure.next_to(goal)
            ways += [self._way(closure.follow(point, goal, after)) for point in after if isinstance(point, Subject)]
        return Escalations(tuple(ways), tuple(closure.subjects_beyond_themselves()))

    def _way(self, steps: list[Step]) -> Way:
        return Way(str(steps[0].source), str(steps[-1].target), tuple(self._told(step) for step in steps))

    def _told(self, step: Step) -> ToldStep:
        because = tuple(self._because(Reason(_holder(step, grant), grant, rule)) for grant, rule in step.grants)
        return ToldStep(str(step.source), str(step.target), step.how, because)

    def _unknown(self, actor: Actor, request: Request) -> list[ResourceRef]:
        found: list[ResourceRef] = []
        for resource, grant in self.index.dangling:
            applies = not grant.namespace or (grant.namespace == request.namespace and not request.path)
            if applies and not set(grant.subjects).isdisjoint(actor.subjects):
                found.append(resource.ref)
        return found

    def _because(self, reason: Reason) -> Because:
        grant = reason.grant
        if grant is None:
            note = "the API server lets members of system:masters do everything"
            return Because(reason.subject, None, None, None, -1, None, note)
        resource = self._resources.get(grant.binding)
        location = resource.origin.locate([()])[0] if resource is not None else None
        note = "the role was not read; these are the rules that Kubernetes gives it" if grant.given else ""
        rule = grant.rules[reason.rule]
        return Because(reason.subject, grant.binding, grant.role, rule, reason.rule, location, note)


def _holder(step: Step, grant: Grant) -> Subject:
    """The subject of a grant that meant the one who takes the step."""
    own = step.source if isinstance(step.source, Subject) else None
    return own if own in grant.subjects and own is not None else grant.subjects[0]
