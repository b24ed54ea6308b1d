"""Grants as ways: what of a binding and of its role can be taken away, and the patch that does it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from seawall.analysis.paths.building import Draft, pointer
from seawall.analysis.paths.inputs import Right
from seawall.analysis.paths.settings import Way
from seawall.model.access import Grant, Subject
from seawall.model.attack import PatchOperation, Trace
from seawall.model.finding import ResourceRef
from seawall.model.kube.base import InvalidField
from seawall.model.kube.rbac import PolicyRule
from seawall.model.paths import Path
from seawall.model.resource import Inventory, Resource

_BOOTSTRAP = ("kubernetes.io/bootstrapping", "rbac-defaults")


class Grants:
    """Makes a way of each right: it is gone when the subject leaves the binding, or when the role loses the rule."""

    def __init__(self, draft: Draft, inventory: Inventory, fixed: Collection[ResourceRef]) -> None:
        self._draft = draft
        self._fixed = frozenset(fixed)
        kinds = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
        self._objects: dict[ResourceRef, Resource] = {
            each.ref: each for each in inventory.resources if each.kind is not None and each.kind.name in kinds
        }
        self._subjects: dict[ResourceRef, dict[Subject, int]] = {}

    def way(self, right: Right) -> Way:
        """The way of a right."""
        grant = right.grant
        removables: list[int] = []
        traces = [Trace(grant.binding, (), f"binds {right.subject} to {grant.role}")]
        role = self._objects.get(grant.role)
        if right.rule >= 0 and _written_in(role, grant, right.rule):
            traces.append(Trace(grant.role, ("rules", right.rule), str(grant.rules[right.rule])))
        if grant.binding not in self._fixed:
            at = self._position(grant, right.subject)
            if at >= 0:
                removables.append(self._binding(grant, right.subject, at))
            if role is not None and right.rule >= 0 and _written_in(role, grant, right.rule) and not _kept(role):
                removables.append(self._rule(grant, right))
        return Way(tuple(removables), tuple(traces))

    def _binding(self, grant: Grant, subject: Subject, at: int) -> int:
        path: Path = ("subjects", at)
        what = f"{subject} as a subject of {grant.binding}"
        return self._draft.removable(grant.binding, path, what, "", (PatchOperation("remove", pointer(path)),))

    def _rule(self, grant: Grant, right: Right) -> int:
        path: Path = ("rules", right.rule)
        rule = grant.rules[right.rule]
        if not right.verbs or "*" in rule.verbs or "*" in rule.resources:
            what = f"rule {right.rule + 1} of {grant.role}"
            patch: tuple[PatchOperation, ...] = (PatchOperation("remove", pointer(path)),)
        else:
            what = f"{', '.join(right.verbs)} of {', '.join(right.resources)} in rule {right.rule + 1} of {grant.role}"
            patch = tuple(_without(rule, right, pointer(path)))
        return self._draft.removable(grant.role, path, what, "", patch)

    def _position(self, grant: Grant, subject: Subject) -> int:
        found = self._subjects.get(grant.binding)
        if found is None:
            found = self._subjects[grant.binding] = _positions(self._objects.get(grant.binding), grant.namespace)
        return found.get(subject, -1)


def _positions(binding: Resource | None, namespace: str) -> dict[Subject, int]:
    view: Any = binding.view if binding is not None else None
    found: dict[Subject, int] = {}
    try:
        for at, each in enumerate(view.subjects if view is not None else ()):
            home = (each.namespace or namespace) if each.kind == "ServiceAccount" else ""
            found.setdefault(Subject(each.kind, each.name, home), at)
    except InvalidField:
        return {}
    return found


def _written_in(role: Resource | None, grant: Grant, number: int) -> bool:
    """Whether the rule stands in the role itself; that of an aggregated one is another's."""
    view: Any = role.view if role is not None else None
    try:
        return view is not None and number < len(view.rules) and view.rules[number] == grant.rules[number]
    except InvalidField:
        return False


def _kept(role: Resource) -> bool:
    """Whether the API server writes the role anew when it is changed."""
    try:
        return role.metadata.labels.get(_BOOTSTRAP[0]) == _BOOTSTRAP[1]
    except InvalidField:
        return False


def _without(rule: PolicyRule, right: Right, at: str) -> list[PatchOperation]:
    """The rule without some verbs on some resources: fewer verbs, or split in two."""
    verbs = [verb for verb in rule.verbs if verb not in right.verbs]
    others = [resource for resource in rule.resources if resource not in right.resources]
    if not others:
        return [PatchOperation("replace", f"{at}/verbs", verbs) if verbs else PatchOperation("remove", at)]
    first = PatchOperation("replace", f"{at}/resources", others)
    if not verbs:
        return [first]
    rest = {"apiGroups": list(rule.api_groups), "resources": list(right.resources), "verbs": verbs}
    if rule.resource_names:
        rest["resourceNames"] = list(rule.resource_names)
    return [first, PatchOperation("add", f"{at.rpartition('/')[0]}/-", rest)]
