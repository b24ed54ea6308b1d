"""Access to an estate: reads what was named, asks the analysis, and says how far the answer holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct, structs

from seawall.analysis.access import (
    ADMIN,
    NODE,
    AccessIndex,
    Closure,
    Point,
    Step,
    build_index,
    custom_resources,
    facts_of,
    parse_request,
    parse_subject,
)
from seawall.analysis.access.judging import own_bindings
from seawall.analysis.access.matrix import KEY_RESOURCES, Column, Matrix, build_matrix, columns_named
from seawall.analysis.access.node_rights import note_for
from seawall.engine.reading import Reading, ReadOptions
from seawall.model.access import Actor, Grant, Reason, Request, Subject, actor_of
from seawall.model.finding import Location, ResourceRef
from seawall.model.kube.base import InvalidField
from seawall.model.kube.rbac import PolicyRule
from seawall.model.paths import Path, format_path
from seawall.model.resource import Inventory, NotRead, Resource
from seawall.model.version import NEWEST, KubernetesVersion

__all__ = ["Because", "Escalations", "Estate", "Held", "Matrix", "ToldStep", "Verdict", "Way", "normal"]

Answer = Literal["allowed", "denied", "unknown"]


class Because(Struct, frozen=True, rename="camel"):
    """A reason as it is told: the binding, its role and the rule, and where the binding and the rule stand."""

    subject: Subject
    binding: ResourceRef | None
    role: ResourceRef | None
    rule: PolicyRule | None
    rule_index: int
    location: Location | None
    rule_location: Location | None = None
    note: str = ""


class Held(Struct, frozen=True, rename="camel"):
    """A rule that a subject holds in a place (None: the whole cluster), with every grant that gives it."""

    namespace: str | None
    rule: PolicyRule
    reasons: tuple[Because, ...]


class Verdict(Struct, frozen=True, rename="camel"):
    """The answer to one question; ``unknown`` names bindings whose role was not read, if they could change it."""

    question: Request
    actor: Actor
    answer: Answer
    reasons: tuple[Because, ...]
    unknown: tuple[ResourceRef, ...]
    note: str = ""


class ToldStep(Struct, frozen=True, rename="camel"):
    """A step of an escalation with the bindings that allow it; none where it follows from the step before.

    ``assumed`` says that it rests on the Pod Security level of a namespace that was not read.
    """

    source: str
    target: str
    how: str
    reasons: tuple[Because, ...]
    assumed: bool = False


class Way(Struct, frozen=True, rename="camel"):
    """A shortest way from one identity to another."""

    source: str
    target: str
    steps: tuple[ToldStep, ...]


class Escalations(Struct, frozen=True, rename="camel"):
    """Ways, and for every identity how many others it can become.

    ``left_out`` counts ways that begin with what Kubernetes or its installer grants its own accounts.
    """

    ways: tuple[Way, ...]
    counts: tuple[tuple[str, int], ...]
    left_out: int = 0


class Estate:
    """The access of what was read. Questions are answered from it as often as wanted."""

    def __init__(self, options: ReadOptions) -> None:
        self.reading = Reading(options)
        self.inventory: Inventory = self.reading.inventory()
        self.problem = ""
        self.limits: list[str] = []
        self.notes: list[str] = []
        try:
            self.index = build_index(self.inventory)
        except InvalidField as invalid:
            self.problem = f"access was not judged: {format_path(invalid.path)} of a role or binding has the wrong type"
            self.index = AccessIndex(())
        except NotRead as missing:
            self.problem = f"access was not judged: {missing}"
            self.index = AccessIndex(())
        self._resources: dict[ResourceRef, Resource] = {each.ref: each for each in self.inventory.resources}
        self._custom = custom_resources(self.inventory)
        self._places: dict[tuple[int, Path], Location] = {}

    @property
    def version(self) -> KubernetesVersion:
        """The Kubernetes version of the cluster or snapshot; the newest where nothing tells."""
        return max(self.reading.versions, default=NEWEST)

    def problems(self) -> list[str]:
        """Why answers may be wrong, a line each; empty where all was read."""
        lines = [str(error) for error in self.reading.errors]
        lines += self.limits
        lines += [f"{path}: not judged: needs rendering ({what})" for path, what in self.reading.unrendered]
        if self.problem:
            lines.append(self.problem)
        elif not self.inventory.of_kind("RoleBinding", "ClusterRoleBinding"):
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
        return Verdict(request, actor, answer, reasons, unknown, note_for(request, actor))

    def who(self, request: Request) -> list[Because]:
        """Every subject that may, once for each binding that lets it."""
        return [self._because(reason) for reason in self.index.who(request)]

    def holdings(self, subject: str, groups: tuple[str, ...]) -> tuple[Actor, list[Held]]:
        """All that a subject may do: rules that say the same on different resources are one, equal ones told once.

        Raises:
            QuestionError: the subject makes no sense.
        """
        actor = actor_of(parse_subject(subject), groups)
        found: dict[tuple[str, PolicyRule], dict[Because, None]] = {}
        for as_whom, grant in self.index.of(actor):
            for number, rule in enumerate(grant.rules):
                because = self._because(Reason(as_whom, grant, number))
                found.setdefault((grant.namespace, normal(rule)), {})[because] = None
        merged: dict[tuple[object, ...], list[tuple[PolicyRule, tuple[Because, ...]]]] = {}
        for (place, rule), reasons in found.items():
            key = (place, rule.verbs, rule.api_groups, rule.resource_names, bool(rule.resources))
            merged.setdefault(key, []).append((rule, tuple(reasons)))
        held = [Held(str(key[0]) or None, _union(each), _reasons(each)) for key, each in merged.items()]
        return actor, sorted(held, key=lambda each: (each.namespace or "", str(each.rule)))

    def matrix(self, resources: Sequence[str], every: bool) -> Matrix:
        """Subjects by resources: those asked for, all that rules name, or the key ones.

        Raises:
            QuestionError: nobody knows a resource.
        """
        if resources:
            asked = [parse_request("get", text, "", self._custom) for text in resources]
            columns = [Column(r.group, f"{r.resource}/{r.subresource}" if r.subresource else r.resource) for r in asked]
        else:
            columns = columns_named(self.index) if every else [Column(*each) for each in KEY_RESOURCES]
        return build_matrix(self.index, columns, self.index.subjects)

    def closure(self, version: KubernetesVersion = NEWEST) -> Closure:
        """What everyone can become at a Kubernetes version; kinds that were not read are told as problems."""
        unread = [each for each in self.inventory.unread.values() if each.kind in ("Secret", "ConfigMap")]
        told = [(each, f"{each.kind}: {each.reason}: ways through it are not known") for each in unread]
        self.limits = [text for each, text in told if not each.intended]
        self.notes = [text for each, text in told if each.intended]
        return Closure(self.index, facts_of(self.inventory), version)

    def escalations(
        self, subject: str, to: str = "", version: KubernetesVersion = NEWEST, every: bool = False
    ) -> Escalations:
        """What a subject can become, or who can become ``to`` (cluster-admin, node, a subject; empty: the first two).

        Without ``every`` Kubernetes' own accounts, many of which can, are counted only.

        Raises:
            QuestionError: a subject makes no sense.
        """
        closure = self.closure(version)
        goals = _goals(to)
        if subject:
            start = parse_subject(subject)
            reached = [goal for goal in closure.reach(start) if not to or goal in goals]
            return Escalations(tuple(self._way(closure.path(start, goal)) for goal in reached), ())
        own = own_bindings(self.inventory)
        found: list[list[Step]] = []
        for goal in goals:
            after = closure.next_to(goal)
            found += [closure.follow(point, goal, after) for point in after if isinstance(point, Subject)]
        told = [steps for steps in found if every or not _is_own(steps, own)]
        counts = tuple(closure.subjects_beyond_themselves())
        return Escalations(tuple(self._way(steps) for steps in told), counts, len(found) - len(told))

    def _way(self, steps: list[Step]) -> Way:
        return Way(str(steps[0].source), str(steps[-1].target), tuple(self._told(step) for step in steps))

    def _told(self, step: Step) -> ToldStep:
        because = tuple(self._because(Reason(_holder(step, grant), grant, rule)) for grant, rule in step.grants)
        return ToldStep(str(step.source), str(step.target), step.how, because, step.assumed)

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
            return Because(reason.subject, None, None, None, -1, None, None, note)
        resource = self._resources.get(grant.binding)
        location = self._locate(resource, ())
        note = "the role was not read; these are the rules that Kubernetes gives it" if grant.given else ""
        if reason.rule < 0:
            return Because(reason.subject, grant.binding, grant.role, None, -1, location, None, note)
        rule = grant.rules[reason.rule]
        source, number = self._source_of(grant, reason.rule)
        place = self._locate(source, ("rules", number))
        if source is not None and source.ref != grant.role:
            note = f"the rule is taken in from {source.ref}"
        return Because(reason.subject, grant.binding, grant.role, rule, reason.rule, location, place, note)

    def _locate(self, resource: Resource | None, path: Path) -> Location | None:
        """Where a field stands; each place is looked up once, as that may read a file again."""
        if resource is None:
            return None
        key = (id(resource), path)
        if key not in self._places:
            self._places[key] = resource.origin.locate([path])[0]
        return self._places[key]

    def _source_of(self, grant: Grant, number: int) -> tuple[Resource | None, int]:
        """The role in which a rule is written, with its number there: of an aggregated role that is another one."""
        role = self._resources.get(grant.role)
        if role is not None and _rule_at(role, number) == grant.rules[number]:
            return role, number
        if role is not None:
            for other in self.inventory.of_kind("ClusterRole"):
                position = next((i for i, r in enumerate(_rules_of(other)) if r == grant.rules[number]), -1)
                if position >= 0:
                    return other, position
        return role, number


def _is_own(steps: list[Step], own: set[ResourceRef]) -> bool:
    """Whether the first grant of a way, if there is one, is Kubernetes' or its installer's."""
    first = next((step.grants for step in steps if step.grants), ())
    return all(grant.binding in own for grant, _ in first)


def _rules_of(role: Resource) -> tuple[PolicyRule, ...]:
    view: Any = role.view
    try:
        return tuple(view.rules)
    except InvalidField:
        return ()


def _rule_at(role: Resource, number: int) -> PolicyRule | None:
    rules = _rules_of(role)
    return rules[number] if number < len(rules) else None


def normal(rule: PolicyRule) -> PolicyRule:
    """A rule with its lists in order, each item once: rules that say the same are equal."""
    names = ("verbs", "api_groups", "resources", "resource_names", "non_resource_urls")
    return PolicyRule(**{name: tuple(sorted(set(getattr(rule, name)))) for name in names})


def _union(found: list[tuple[PolicyRule, tuple[Because, ...]]]) -> PolicyRule:
    """One rule for several that differ in their resources or URLs only."""
    rule = found[0][0]
    resources = tuple(sorted({what for each, _ in found for what in each.resources}))
    urls = tuple(sorted({url for each, _ in found for url in each.non_resource_urls}))
    return structs.replace(rule, resources=resources, non_resource_urls=urls)


def _reasons(found: list[tuple[PolicyRule, tuple[Because, ...]]]) -> tuple[Because, ...]:
    return tuple(dict.fromkeys(because for _, reasons in found for because in reasons))


def _goals(to: str) -> list[Point]:
    """What is to be become.

    Raises:
        QuestionError: it makes no sense.
    """
    if not to:
        return [ADMIN, NODE]
    return [{"cluster-admin": ADMIN, "node": NODE}.get(to) or parse_subject(to)]


def _holder(step: Step, grant: Grant) -> Subject:
    """The subject of a grant that meant the one who takes the step."""
    own = step.source if isinstance(step.source, Subject) else None
    return own if own in grant.subjects and own is not None else grant.subjects[0]
