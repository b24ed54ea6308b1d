"""Who may do what: the bindings of an inventory, ready for questions.

Source: Kubernetes' RBAC authorizer (visitRules, appliesToUser) and its controller for aggregated cluster roles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seawall.analysis.access.defaults import DEFAULT_CLUSTER_ROLES
from seawall.analysis.access.matching import CompiledRule, compile_rule
from seawall.model.access import MASTERS, Actor, Grant, Reason, Request, Subject
from seawall.model.finding import ResourceRef
from seawall.model.kube.base import LabelSelector
from seawall.model.kube.rbac import PolicyRule, RoleBinding
from seawall.model.resource import Inventory, Resource, namespace_of

_RBAC = "rbac.authorization.k8s.io/v1"


class AccessIndex:
    """Roles and bindings, indexed by the subjects that they name.

    ``dangling`` are bindings whose role was not read and is none of Kubernetes' user-facing ones, as grants without
    rules: what they give is unknown. ``roles`` are the rules of every cluster role that is known, bound or not,
    ``own_roles`` those of every Role, by namespace and name.
    """

    def __init__(
        self,
        grants: Sequence[Grant],
        dangling: Sequence[tuple[Resource, Grant]] = (),
        roles: Mapping[str, tuple[PolicyRule, ...]] = DEFAULT_CLUSTER_ROLES,
        own_roles: Mapping[tuple[str, str], tuple[PolicyRule, ...]] | None = None,
    ) -> None:
        self.grants: tuple[Grant, ...] = tuple(grants)
        self.dangling = tuple(dangling)
        self.roles = roles
        self.own_roles = own_roles or {}
        self._compiled: dict[PolicyRule, CompiledRule] = {}
        self._rules = [[self._compile(rule) for rule in grant.rules] for grant in self.grants]
        self._by_subject: dict[Subject, list[int]] = defaultdict(list)
        for number, grant in enumerate(self.grants):
            for subject in set(grant.subjects):
                self._by_subject[subject].append(number)

    def _compile(self, rule: PolicyRule) -> CompiledRule:
        found = self._compiled.get(rule)
        if found is None:
            found = self._compiled[rule] = compile_rule(rule)
        return found

    @property
    def subjects(self) -> list[Subject]:
        """Everyone whom a binding names, in order."""
        return sorted(self._by_subject)

    def may(self, actor: Actor, request: Request) -> bool:
        """Whether the request is allowed."""
        return next(self.why(actor, request), None) is not None

    def why(self, actor: Actor, request: Request) -> Iterator[Reason]:
        """Every reason why the actor may; none where the request is refused."""
        if MASTERS in actor.groups:
            yield Reason(Subject("Group", MASTERS))
        for subject in dict.fromkeys(actor.subjects):
            for number in self._by_subject.get(subject, ()):
                yield from self._reasons(number, subject, request)

    def who(self, request: Request) -> Iterator[Reason]:
        """Every subject that some binding lets make the request, with the reason; system:masters first."""
        yield Reason(Subject("Group", MASTERS))
        for number, grant in enumerate(self.grants):
            for subject in dict.fromkeys(grant.subjects):
                yield from self._reasons(number, subject, request)

    def _reasons(self, number: int, subject: Subject, request: Request) -> Iterator[Reason]:
        grant = self.grants[number]
        if grant.namespace and (grant.namespace != request.namespace or request.path):
            return
        for index, rule in enumerate(self._rules[number]):
            if rule.allows(request):
                yield Reason(subject, grant, index)

    def of(self, actor: Actor) -> list[tuple[Subject, Grant]]:
        """The grants that an actor holds, each with the subject that meant it."""
        held = [(subject, self._by_subject.get(subject, ())) for subject in dict.fromkeys(actor.subjects)]
        return [(subject, self.grants[number]) for subject, numbers in held for number in numbers]


def build_index(inventory: Inventory) -> AccessIndex:
    """Index all roles and bindings of an inventory; fields that could not be read raise when they are met.

    Raises:
        InvalidField: a role or binding has a field of the wrong type that decides what it grants.
    """
    cluster_roles = aggregate({each.ref.name: each for each in inventory.of_kind("ClusterRole")})
    grants: list[Grant] = []
    dangling: list[tuple[Resource, Grant]] = []
    for resource in inventory.of_kind("RoleBinding", "ClusterRoleBinding"):
        grant, known = _grant(resource, inventory, cluster_roles)
        if known:
            grants.append(grant)
        else:
            dangling.append((resource, grant))
    return AccessIndex(grants, dangling, {**DEFAULT_CLUSTER_ROLES, **cluster_roles}, dict(_own_roles(inventory)))


def _own_roles(inventory: Inventory) -> Iterator[tuple[tuple[str, str], tuple[PolicyRule, ...]]]:
    for resource in inventory.of_kind("Role"):
        view: Any = resource.view
        yield (namespace_of(resource), resource.ref.name), tuple(view.rules)


def _grant(
    resource: Resource, inventory: Inventory, cluster_roles: dict[str, tuple[PolicyRule, ...]]
) -> tuple[Grant, bool]:
    """What a binding grants, and whether its role is known."""
    binding: Any = resource.view
    everywhere = resource.kind is not None and resource.kind.name == "ClusterRoleBinding"
    namespace = "" if everywhere else resource.ref.namespace or "default"
    name, kind = binding.role_ref.name, binding.role_ref.kind
    subjects = tuple(_subjects(binding, namespace))
    if kind == "ClusterRole":
        ref = ResourceRef(_RBAC, kind, name, None, resource.ref.cluster)
        if name in cluster_roles:
            return Grant(resource.ref, ref, namespace, subjects, cluster_roles[name]), True
        given = DEFAULT_CLUSTER_ROLES.get(name, ())
        return Grant(resource.ref, ref, namespace, subjects, given, given=True), bool(given)
    ref = ResourceRef(_RBAC, kind, name, resource.ref.namespace, resource.ref.cluster)
    role = None if everywhere else inventory.get("Role", resource.ref.namespace, name)
    rules: Any = role.view if role is not None else None
    return Grant(resource.ref, ref, namespace, subjects, rules.rules if rules is not None else ()), rules is not None


def _subjects(binding: RoleBinding, namespace: str) -> Iterator[Subject]:
    for subject in binding.subjects:
        if subject.kind == "ServiceAccount":
            home = subject.namespace or namespace
            if home:  # in a ClusterRoleBinding an account without a namespace means nobody
                yield Subject("ServiceAccount", subject.name, home)
        elif subject.kind == "User":
            yield Subject("User", subject.name)
        elif subject.kind == "Group":
            yield Subject("Group", subject.name)


def aggregate(roles: dict[str, Resource]) -> dict[str, tuple[PolicyRule, ...]]:
    """The rules of each cluster role, aggregated ones filled from those that their selectors match.

    The controller overwrites the rules of an aggregated role; in files it has not run yet. A role may take in
    aggregated ones in turn, so this is repeated until nothing changes.
    """
    rules: dict[str, tuple[PolicyRule, ...]] = {}
    selectors: dict[str, list[LabelSelector]] = {}
    for name, resource in roles.items():
        view: Any = resource.view
        rules[name] = tuple(view.rules)
        if view.aggregation_rule:
            selectors[name] = list(view.aggregation_rule.cluster_role_selectors)
    members = {
        name: [other for other, resource in roles.items() if other != name and _selected(resource, wanted)]
        for name, wanted in selectors.items()
    }
    changed = True
    while changed:
        changed = False
        for name, others in members.items():
            union = tuple(dict.fromkeys((*rules[name], *(rule for other in others for rule in rules[other]))))
            if union != rules[name]:
                rules[name], changed = union, True
    return rules


def _selected(resource: Resource, selectors: list[LabelSelector]) -> bool:
    labels = resource.metadata.labels
    return any(selector.matches(labels) for selector in selectors)
