"""Disruption budgets and autoscalers: how many pods there are, and how many may go."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from seawall.analysis.posture.indexes import pods_by_label, view_of
from seawall.model.finding import Severity
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.policy import HorizontalPodAutoscaler, PodDisruptionBudget
    from seawall.model.resource import Inventory, Resource
    from seawall.model.rule import Context

_BUDGETS = "https://kubernetes.io/docs/tasks/run-application/configure-pdb/"
_SCALING = "https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/"
_SCALED = ("Deployment", "StatefulSet")


def _replicas(resource: Resource) -> int:
    """How many pods a workload asks for; 1 where it does not say."""
    count = view_of(resource).spec.replicas
    return 1 if count is None else int(count)


@rule(
    "disruption-budget-missing",
    title="Replicas without a disruption budget",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="A drain of nodes may stop all replicas at once, so that nodes are updated late, and their holes stay open.",
    remediation="Add a PodDisruptionBudget that selects the pods.",
    aliases="kube-score:deployment-has-poddisruptionbudget kube-score:statefulset-has-poddisruptionbudget "
    "kyverno:require-pdb",
    references=(_BUDGETS,),
    default=False,
)
def disruption_budget_missing(inventory: Inventory, ctx: Context) -> Hits:
    index = ctx.once(pods_by_label)
    kept: set[int] = set()
    for budget in inventory.of_kind("PodDisruptionBudget"):
        pods, selector = index.get(namespace_of(budget)), view_of(budget).spec.selector
        if pods is not None and selector is not None:
            kept.update(id(resource) for resource in pods.select(selector))
    for resource in inventory.of_kind(*_SCALED):
        if _replicas(resource) > 1 and id(resource) not in kept:
            yield Hit(f"no budget holds the {_replicas(resource)} replicas", resource=resource)


@rule(
    "disruption-budget-blocks",
    title="Disruption budget that forbids every eviction",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="PodDisruptionBudget",
    why="A node with such a pod cannot be drained: it is not updated, and the holes in it stay open.",
    remediation="Let at least one pod go: maxUnavailable 1, or minAvailable below the number of replicas.",
    aliases="kube-linter:pdb-max-unavailable kube-linter:pdb-min-available kube-score:poddisruptionbudget-has-policy "
    "kyverno:pdb-maxunavailable kyverno:require-reasonable-pdbs",
    references=(_BUDGETS,),
)
def disruption_budget_blocks(budget: PodDisruptionBudget, ctx: Context) -> Hits:
    if budget.spec.max_unavailable in (0, "0", "0%"):
        yield Hit(f"no pod may be evicted (maxUnavailable {budget.spec.max_unavailable})", "spec.maxUnavailable")
    elif budget.spec.min_available == "100%":
        yield Hit("no pod may be evicted (minAvailable 100%)", "spec.minAvailable")
    elif budget.spec.min_available is None and budget.spec.max_unavailable is None:
        yield Hit("the budget says neither minAvailable nor maxUnavailable", "spec")


@rule(
    "disruption-budget-too-high",
    title="Disruption budget as high as the number of pods",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="A node with such a pod cannot be drained: it is not updated, and the holes in it stay open.",
    remediation="Set minAvailable below the number of replicas, or raise that number.",
    aliases="kube-linter:pdb-min-available kyverno:pdb-minavailable-check kyverno:deployment-replicas-higher-than-pdb "
    "kyverno:require-replicas-allow-disruption",
    references=(_BUDGETS,),
    notes="Pods that an autoscaler scales are left out.",
)
def disruption_budget_too_high(inventory: Inventory, ctx: Context) -> Hits:
    budgets = inventory.of_kind("PodDisruptionBudget")
    scaled = ctx.once(_scaled) if budgets else {}
    for budget in budgets:
        least, selector = view_of(budget).spec.min_available, view_of(budget).spec.selector
        pods = ctx.once(pods_by_label).get(namespace_of(budget))
        if not isinstance(least, int) or least < 1 or selector is None or pods is None:
            continue
        selected = list(pods.select(selector))
        if selected and all(each.ref.kind in _SCALED and _target(each) not in scaled for each in selected):
            count = sum(map(_replicas, selected))
            if 0 < count <= least:
                message = f"{least} of {count} pods must stay, so none may be evicted"
                yield Hit(message, "spec.minAvailable", resource=budget)


_Target = tuple[str, str, str]


def _target(resource: Resource) -> _Target:
    return namespace_of(resource), resource.ref.kind, resource.ref.name


def _scaled(inventory: Inventory) -> dict[_Target, list[Resource]]:
    """The autoscalers by what they scale."""
    found: dict[_Target, list[Resource]] = defaultdict(list)
    for scaler in inventory.of_kind("HorizontalPodAutoscaler"):
        target = view_of(scaler).spec.scale_target_ref
        found[(namespace_of(scaler), target.kind, target.name)].append(scaler)
    return dict(found)


@rule(
    "disruption-budget-unhealthy-pods",
    title="Disruption budget that keeps broken pods",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="PodDisruptionBudget",
    why="Pods that are not ready may not be evicted while too few others are: a broken workload keeps its node from "
    "being updated.",
    remediation="Set unhealthyPodEvictionPolicy to AlwaysAllow.",
    aliases="kube-linter:pdb-unhealthy-pod-eviction-policy",
    references=(f"{_BUDGETS}#unhealthy-pod-eviction-policy",),
    since="1.27",
    default=False,
)
def disruption_budget_unhealthy_pods(budget: PodDisruptionBudget, ctx: Context) -> Hits:
    if budget.spec.unhealthy_pod_eviction_policy != "AlwaysAllow":
        yield Hit("pods that are not ready are kept from eviction", "spec.unhealthyPodEvictionPolicy")


@rule(
    "autoscaler-minimum",
    title="Autoscaler that goes down to one pod",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="HorizontalPodAutoscaler",
    why="When that pod or its node goes, nothing serves until another has started.",
    remediation="Set minReplicas to 2 or more.",
    aliases="kube-linter:hpa-minimum-three-replicas kube-score:horizontalpodautoscaler-replicas",
    references=(_SCALING,),
    default=False,
)
def autoscaler_minimum(scaler: HorizontalPodAutoscaler, ctx: Context) -> Hits:
    if (1 if scaler.spec.min_replicas is None else scaler.spec.min_replicas) < 2:
        yield Hit("the autoscaler goes down to a single pod", "spec.minReplicas")


@rule(
    "autoscaler-target-missing",
    title="Autoscaler of a workload that does not exist",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="Nothing is scaled: the service that it was meant for falls under load, an attacker's too.",
    remediation="Correct scaleTargetRef, or remove the autoscaler.",
    controls="mitre-attack:T1499",
    aliases="C-0300 kube-linter:dangling-horizontalpodautoscaler kube-score:horizontalpodautoscaler-has-target "
    "kyverno:check-hpa-exists",
    references=(_SCALING,),
    notes="Judged in namespaces of which at least one workload of the target's kind is known.",
)
def autoscaler_target_missing(inventory: Inventory, ctx: Context) -> Hits:
    scalers = inventory.of_kind("HorizontalPodAutoscaler")
    workloads = inventory.of_kind("Deployment", "StatefulSet", "ReplicaSet") if scalers else []
    known = {(each.ref.kind, namespace_of(each)) for each in workloads}
    for scaler in scalers:
        target = view_of(scaler).spec.scale_target_ref
        missing = inventory.get(target.kind, scaler.ref.namespace, target.name) is None
        if missing and (target.kind, namespace_of(scaler)) in known:
            message = f"there is no {target.kind} {target.name!r} in the namespace"
            yield Hit(message, "spec.scaleTargetRef.name", resource=scaler)


@rule(
    "autoscaler-fixed-replicas",
    title="Number of pods fixed despite an autoscaler",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="Each time the manifest is applied the number falls back, under load or attack too.",
    remediation="Remove replicas from the manifest.",
    aliases="kube-score:deployment-targeted-by-hpa-does-not-have-replicas-configured",
    references=(_SCALING,),
    default=False,
    notes="Objects of a cluster always have a number and are left out.",
)
def autoscaler_fixed_replicas(inventory: Inventory, ctx: Context) -> Hits:
    scaled = ctx.once(_scaled)
    for resource in inventory.of_kind(*_SCALED) if scaled else ():
        if not resource.uid and view_of(resource).spec.replicas is not None and _target(resource) in scaled:
            yield Hit("an autoscaler sets the number of pods", "spec.replicas", resource=resource)


@rule(
    "autoscaler-duplicate",
    title="Two autoscalers of one workload",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="They work against each other, and the number of pods jumps between what they want.",
    remediation="Keep one of them.",
    aliases="kyverno:prevent-duplicate-hpa",
    references=(_SCALING,),
)
def autoscaler_duplicate(inventory: Inventory, ctx: Context) -> Hits:
    for scalers in ctx.once(_scaled).values():
        names = {scaler.ref.name for scaler in scalers}
        for scaler in scalers[1:] if len(names) > 1 else ():
            message = f"{scalers[0].ref.name!r} scales the same workload"
            yield Hit(message, "spec.scaleTargetRef", resource=scaler)
