"""What rules over the inventory share: the index of access, the closure, and whose grants are Kubernetes' own.

The closure is imported when a rule first needs it: a scan without bindings never does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from seawall.model.access import Grant, Subject
from seawall.model.finding import PermissionPathEvidence, PermissionStep, ResourceRef, UsedGrant
from seawall.model.kube.base import InvalidField
from seawall.model.version import KubernetesVersion

if TYPE_CHECKING:
    from seawall.analysis.access.closure import Closure
    from seawall.analysis.access.index import AccessIndex
    from seawall.analysis.access.points import Point, Step
    from seawall.model.resource import Inventory, Resource
    from seawall.model.rule import Context

_BOOTSTRAP_LABEL = "kubernetes.io/bootstrapping"
#: Bindings that installers of clusters make for themselves, by the beginning of their name; their subjects begin alike,
#: or are accounts of kube-system.
_INSTALLERS = ("kubeadm:", "eks:", "gce:", "aks-", "system:", "k3s-", "rke2-")


def view_of(resource: Resource) -> Any:
    """The view of a resource whose kind is known."""
    return resource.view


def bindings_of(inventory: Inventory) -> list[Resource]:
    """All bindings."""
    return inventory.of_kind("RoleBinding", "ClusterRoleBinding")


def index_of(inventory: Inventory) -> AccessIndex:
    """The index of access; for ``ctx.once``."""
    from seawall.analysis.access.index import build_index

    return build_index(inventory)


def own_bindings(inventory: Inventory) -> set[ResourceRef]:
    """The bindings that the API server keeps, or that the cluster's installer made; for ``ctx.once``."""
    return {each.ref for each in bindings_of(inventory) if is_own_binding(each)}


def is_own_binding(binding: Resource) -> bool:
    """Whether a binding is Kubernetes' or its installer's own. A name alone does not make it so."""
    name = binding.ref.name
    try:
        kept = binding.metadata.labels.get(_BOOTSTRAP_LABEL) == "rbac-defaults"
        subjects = tuple(view_of(binding).subjects)
    except InvalidField:
        return False
    if kept and (name.startswith("system:") or name == "cluster-admin"):
        return True
    return name.startswith(_INSTALLERS) and all(
        subject.namespace == "kube-system" if subject.kind == "ServiceAccount" else subject.name.startswith(_INSTALLERS)
        for subject in subjects
    )


class Reach:
    """The closure of an inventory with what its findings are told by."""

    def __init__(self, inventory: Inventory, index: AccessIndex, own: set[ResourceRef], at: KubernetesVersion) -> None:
        from seawall.analysis.access.accounts import accounts_of
        from seawall.analysis.access.closure import Closure
        from seawall.analysis.access.facts import facts_of
        from seawall.analysis.access.points import ADMIN, NODE

        self.closure: Closure = Closure(index, facts_of(inventory), at)
        self.own = own
        self.accounts = accounts_of(inventory)
        self.resources = {each.ref: each for each in bindings_of(inventory)}
        self.to_admin = self.closure.next_to(ADMIN)
        self.to_node = self.closure.next_to(NODE)
        self._goals: dict[str, tuple[Point, Any]] = {"admin": (ADMIN, self.to_admin), "node": (NODE, self.to_node)}

    def way(self, subject: Subject, goal: str) -> list[Step]:
        """The steps of a subject to a goal; none where it has no way, or one that rests on what was not read."""
        point, after = self._goals[goal]
        steps = self.closure.follow(subject, point, after) if subject in after else []
        return [] if any(step.assumed for step in steps) else steps

    def is_own(self, step: Step) -> bool:
        """Whether a step follows from being someone, or from grants that Kubernetes makes itself."""
        return all(grant.binding in self.own for grant, _ in step.grants)

    def holder(self, subject: Subject, step: Step) -> tuple[Resource | None, str]:
        """The object to tell of, and the place in it: the account, else the subject in the binding that counts."""
        account = self.accounts.get(subject)
        if account is not None:
            return account, ""
        binding = next(
            (self.resources.get(grant.binding) for grant, _ in step.grants if subject in grant.subjects), None
        )
        for number, each in enumerate(view_of(binding).subjects if binding is not None else ()):
            if (each.kind, each.name) == (subject.kind, subject.name):
                return binding, f"subjects[{number}]"
        return binding, ""


@cache
def reach_at(version: KubernetesVersion) -> Callable[[Inventory], Reach]:
    """The builder of the reach at a version, for ``ctx.once``."""

    def build(inventory: Inventory) -> Reach:
        return Reach(inventory, index_of(inventory), own_bindings(inventory), version)

    return build


def reach_of(ctx: Context) -> Reach:
    """The reach of the inventory that is judged."""
    return ctx.once(reach_at(ctx.version))


def evidence_of(steps: list[Step]) -> PermissionPathEvidence:
    """Steps as evidence."""
    return PermissionPathEvidence(
        tuple(PermissionStep(str(step.source), step.how, str(step.target), tuple(_used(step.grants))) for step in steps)
    )


def _used(grants: tuple[tuple[Grant, int], ...]) -> Iterator[UsedGrant]:
    for grant, position in grants:
        yield UsedGrant(grant.binding, grant.role, str(grant.rules[position]) if position >= 0 else "")


def told_steps(steps: list[Step]) -> str:
    """Steps in one line."""
    return "; ".join(f"{step.how}: {step.target}" for step in steps)
