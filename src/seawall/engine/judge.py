"""Applying rules to resources: dispatch by scope and kind, and the fate of every rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from seawall.engine.handing import of_others
from seawall.model.finding import RuleState, RuleStatus
from seawall.model.kube.base import InvalidField
from seawall.model.kube.kinds import KUBEADM_KINDS, own_names, templated_names
from seawall.model.paths import Path, format_path, parse_path
from seawall.model.programs import PROGRAMS, Program, find_program
from seawall.model.resource import Inventory, NotRead, Resource, UnreadKind
from seawall.model.rule import CONTAINER, DOCUMENT, INVENTORY, OBJECT, POD, Context, Hit, Noted, Rule
from seawall.model.version import KubernetesVersion

_parse_path = lru_cache(maxsize=8192)(parse_path)


class RuleHit(Struct, frozen=True):
    """A rule that fired: on which resource, and at which path of the object."""

    rule: Rule
    hit: Hit
    resource: Resource
    path: Path


class Judge:
    """Applies a set of rules at one Kubernetes version and keeps account of each."""

    def __init__(self, rules: Iterable[Rule], version: KubernetesVersion) -> None:
        self.version = version
        self.rules: list[Rule] = []
        #: Of each cluster what its rules shared, kept for those who weigh what was found.
        self.contexts: list[Context] = []
        self.add(rules)
        self._seen_manifests = self._seen_live = False
        self._skipped: dict[str, str] = {}
        self._not_judged: dict[str, list[str]] = {}
        self._errors: dict[str, list[str]] = {}
        self._notes: dict[str, list[str]] = {}
        self._unread: set[str] = set()
        self._own: set[str] = set()

    def add(self, rules: Iterable[Rule]) -> None:
        """Take in further rules; what was judged before is not judged by them."""
        self.rules += [rule for rule in rules if rule.runs_at(self.version)]
        self._all_targets = _by_target(self.rules)
        self._live_targets = _by_target(rule for rule in self.rules if not rule.manifests_only)
        #: The table for the object at hand.
        self._by_target = self._all_targets
        self._all_groups, self._live_groups = _groups(self._all_targets), _groups(self._live_targets)
        self._by_group = self._all_groups
        self._program_rules = [rule for rule in self.rules if not PROGRAMS.isdisjoint(rule.on)]

    def judge(self, resource: Resource, template: bool = True) -> list[RuleHit]:
        """Judge one resource by every rule except those over the whole inventory.

        Without ``template``, also except those about pods and containers.
        """
        hits: list[RuleHit] = []
        context = Context(self.version, resource)
        targets = self._choose_targets(resource)
        if resource.duplicates:
            self._run_all(targets.get(DOCUMENT, ()), resource, context, (), (), hits)
        self._run_all(targets.get(OBJECT, ()), resource, context, (), (), hits)
        if resource.kind is None:
            return hits
        if resource.kind.name in own_names():
            self._own.add(resource.kind.name)
        if resource.view is None:
            self._skip_all(resource)
            return hits
        self._run_all(targets.get(resource.kind.name, ()), resource.view, context, (), (), hits)
        if resource.kind.template is not None:
            if template:
                self._judge_pod(resource, context, resource.kind.template, hits)
        elif resource.kind.name in KUBEADM_KINDS:
            self._judge_kubeadm(resource, context, hits)
        return hits

    def judge_template(self, resource: Resource) -> list[RuleHit]:
        """What :meth:`judge` leaves out without ``template``."""
        hits: list[RuleHit] = []
        if resource.view is not None and resource.kind is not None and resource.kind.template is not None:
            self._choose_targets(resource)
            self._judge_pod(resource, Context(self.version, resource), resource.kind.template, hits)
        return hits

    def _choose_targets(self, resource: Resource) -> dict[str, list[Rule]]:
        if resource.live:
            self._seen_live = True
            self._by_target, self._by_group = self._live_targets, self._live_groups
        else:
            self._seen_manifests = True
            self._by_target, self._by_group = self._all_targets, self._all_groups
        return self._by_target

    def _judge_kubeadm(self, resource: Resource, context: Context, hits: list[RuleHit]) -> None:
        from seawall.model.kubeadm import kubeadm_programs

        view: Any = resource.view
        try:
            for program in kubeadm_programs(view, resource.kind.name if resource.kind else ""):
                self._judge_program(program, context, (), (), hits)
        except InvalidField as invalid:
            for rule in self._program_rules:
                self._note(rule, resource, invalid)

    def _judge_program(self, program: Program, context: Context, base: Path, pod: Path, hits: list[RuleHit]) -> None:
        self._run_all(self._by_target.get(program.name, ()), program, context, base, pod, hits)

    def _judge_pod(self, resource: Resource, context: Context, base: Path, hits: list[RuleHit]) -> None:
        try:
            pod: Any = resource.template()
            context.pod = pod
            spec = pod.spec
        except InvalidField as invalid:
            for rule in (*self._by_target.get(POD, ()), *self._container_rules()):
                self._note(rule, resource, invalid)
            return
        self._run_groups(POD, pod, context, base, base, hits)
        try:
            for field, index, container in spec.all_containers():
                context.field = field
                self._judge_container(container, context, (*base, "spec", field, index), base, hits)
        except InvalidField as invalid:
            for rule in self._container_rules():
                self._note(rule, resource, invalid)

    def _judge_container(self, container: Any, context: Context, base: Path, pod: Path, hits: list[RuleHit]) -> None:
        self._run_groups(CONTAINER, container, context, base, pod, hits)
        if not self._program_rules:
            return
        try:
            program = find_program(container)
        except InvalidField as invalid:
            for rule in self._program_rules:
                self._note(rule, context.resource, invalid)
            return
        if program is not None:
            self._judge_program(program, context, base, pod, hits)

    def _container_rules(self) -> list[Rule]:
        return [*self._by_target.get(CONTAINER, ()), *self._program_rules]

    def _run_groups(
        self, target: str, subject: Any, context: Context, base: Path, pod: Path, hits: list[RuleHit]
    ) -> None:
        for when, rules in self._by_group[target]:
            try:
                wanted = when is None or when(subject)
            except InvalidField:
                # Each rule finds out by itself whether it reads that field.
                wanted = True
            except Exception as error:  # noqa: BLE001 - as in _run_all
                for rule in rules:
                    self._fail(rule, str(context.resource.ref), error)
                continue
            if wanted:
                self._run_all(rules, subject, context, base, pod, hits)

    def _run_all(
        self, rules: Iterable[Rule], subject: Any, context: Context, base: Path, pod: Path, hits: list[RuleHit]
    ) -> None:
        resource = context.resource
        for rule in rules:
            try:
                for hit in rule.check(subject, context):
                    path = _parse_path(hit.path) if isinstance(hit.path, str) else hit.path
                    start = base if hit.on == "self" else pod if hit.on == "pod" else ()
                    hits.append(RuleHit(rule, hit, resource, start + path))
            except InvalidField as invalid:
                self._note(rule, resource, invalid)
            except Exception as error:  # noqa: BLE001 - the one place where a failed rule becomes a status
                self._fail(rule, str(resource.ref), error)

    def judge_inventory(self, inventory: Inventory) -> Iterator[RuleHit]:
        """Judge everything together by the rules over the inventory, each cluster by itself."""
        for part in inventory.by_cluster():
            yield from self._judge_together(part)

    def _judge_together(self, inventory: Inventory) -> Iterator[RuleHit]:
        context = Context(self.version, None, inventory, others=of_others)
        self.contexts.append(context)
        for rule in self._all_targets.get(INVENTORY, ()):
            try:
                for hit in rule.check(inventory, context):
                    path = _parse_path(hit.path) if isinstance(hit.path, str) else hit.path
                    yield RuleHit(rule, hit, hit.resource, path)
            except InvalidField as invalid:
                self._not_judged.setdefault(rule.id, []).append(f"{format_path(invalid.path)} has the wrong type")
            except NotRead as missing:
                self._note_unread(rule, missing.unread)
            except Noted as note:
                self._notes.setdefault(rule.id, []).append(str(note))
            except Exception as error:  # noqa: BLE001 - as above
                self._fail(rule, "the inventory", error)

    def account_for(self, unread: Mapping[str, UnreadKind]) -> None:
        """Note for the rules about single objects which kinds were not read (those over the inventory find out).

        A rule is skipped only if it is about nothing else: of a Role and an unread ClusterRole it judged the Role.
        """
        for rule in self.rules:
            lost = [missing for target in rule.on for missing in _missing(target, unread)]
            for missing in lost:
                if not missing.intended:
                    self._note_unread(rule, missing)
            if lost and all(target in unread for target in rule.on) and not self._seen_manifests:
                self._note_unread(rule, lost[0])

    def wanting(self) -> set[str]:
        """The rules that were not judged for no other reason than that a kind was not read."""
        return {rule for rule, reasons in self._not_judged.items() if self._unread.issuperset(reasons)}

    def _note_unread(self, rule: Rule, missing: UnreadKind) -> None:
        if missing.intended:
            self._skipped.setdefault(rule.id, missing.reason)
        else:
            self._unread.add(missing.reason)
            reasons = self._not_judged.setdefault(rule.id, [])
            if missing.reason not in reasons:
                reasons.append(missing.reason)

    def _skip_all(self, resource: Resource) -> None:
        kind = resource.kind
        rules = list(self._by_target.get(kind.name if kind else "", ()))
        if kind and kind.template is not None:
            rules += [*self._by_target.get(POD, ()), *self._container_rules()]
        elif kind and kind.name in KUBEADM_KINDS:
            rules += self._program_rules
        for rule in rules:
            self._not_judged.setdefault(rule.id, []).append(f"{resource.ref} could not be read")

    def _note(self, rule: Rule, resource: Resource, invalid: InvalidField) -> None:
        place = format_path(invalid.path)
        self._not_judged.setdefault(rule.id, []).append(f"{place} of {resource.ref} has the wrong type")

    def _fail(self, rule: Rule, what: str, error: Exception) -> None:
        self._errors.setdefault(rule.id, []).append(f"{type(error).__name__} on {what}: {error}")

    def statuses(self, rules: Iterable[Rule], left_out: Callable[[Rule], str]) -> list[RuleStatus]:
        """The state of every rule; ``left_out`` tells why one was not run (empty where it was)."""
        return [self._status(rule, left_out(rule)) for rule in rules]

    def _status(self, rule: Rule, left_out: str) -> RuleStatus:
        if left_out:
            return RuleStatus(rule.id, RuleState.SKIPPED, left_out)
        if not rule.runs_at(self.version):
            bound = f"since {rule.since}" if rule.since and self.version < rule.since else f"until {rule.until}"
            return RuleStatus(rule.id, RuleState.SKIPPED, f"only for Kubernetes {bound}")
        if rule.id in self._errors:
            return RuleStatus(rule.id, RuleState.ERROR, _summary(self._errors[rule.id]))
        if rule.id in self._not_judged:
            return RuleStatus(rule.id, RuleState.NOT_JUDGED, _summary(self._not_judged[rule.id]))
        if rule.id in self._skipped:
            return RuleStatus(rule.id, RuleState.SKIPPED, self._skipped[rule.id])
        if rule.manifests_only and self._seen_live and not self._seen_manifests:
            return RuleStatus(rule.id, RuleState.SKIPPED, "about manifests, not about objects of a cluster")
        if own_names().issuperset(rule.on) and self._own.isdisjoint(rule.on):
            return RuleStatus(rule.id, RuleState.SKIPPED, f"needs {' or '.join(rule.on)}: none was given")
        return RuleStatus(rule.id, RuleState.OK, _summary(self._notes[rule.id]) if rule.id in self._notes else "")


def _by_test(rules: Iterable[Rule]) -> list[tuple[Callable[[Any], object] | None, list[Rule]]]:
    """Rules by the test that they share (None for those without one)."""
    groups: dict[Callable[[Any], object] | None, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(rule.when, []).append(rule)
    return list(groups.items())


def _groups(targets: Mapping[str, list[Rule]]) -> dict[str, list[tuple[Callable[[Any], object] | None, list[Rule]]]]:
    """The rules on pods and on containers, by the test that they share."""
    return {target: _by_test(targets.get(target, ())) for target in (POD, CONTAINER)}


def _missing(target: str, unread: Mapping[str, UnreadKind]) -> list[UnreadKind]:
    """The unread kinds that a rule with this target would have been called with."""
    if target in (POD, CONTAINER) or target in PROGRAMS:
        return [missing for kind, missing in unread.items() if kind in templated_names()]
    return [unread[target]] if target in unread else []


def _by_target(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    targets: dict[str, list[Rule]] = {}
    for rule in rules:
        for target in rule.on:
            targets.setdefault(target, []).append(rule)
    return targets


def _summary(reasons: list[str]) -> str:
    more = len(reasons) - 1
    return f"{reasons[0]} (and {more} more)" if more else reasons[0]
