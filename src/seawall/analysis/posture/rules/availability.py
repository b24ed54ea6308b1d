"""Availability: what keeps a service up when a node goes, an attacker presses, or a fix is rolled out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from seawall.analysis.posture.indexes import namespace_of, pods_by_label, view_of
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.base import Quantity
    from seawall.model.kube.pod import Container, PodTemplate, Workload
    from seawall.model.kube.policy import HorizontalPodAutoscaler, PodDisruptionBudget
    from seawall.model.resource import Inventory, Resource
    from seawall.model.rule import Context

_DEPLOYMENTS = "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/"
_BUDGETS = "https://kubernetes.io/docs/tasks/run-application/configure-pdb/"
_SPREAD = "https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/"
_SCALING = "https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/"
_RESOURCES = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"
_SCALED = ("Deployment", "StatefulSet")


def _replicas(resource: Resource) -> int:
    """How many pods a workload asks for; 1 where it does not say."""
    count = view_of(resource).spec.replicas
    return 1 if count is None else int(count)


@rule(
    "single-replica",
    title="Workload of a single pod",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="Deployment StatefulSet",
    why="When the pod or its node goes, by a fault or an attack, nothing serves until another has started.",
    remediation="Set replicas to 2 or more where the program can run so.",
    aliases="kube-linter:minimum-three-replicas kube-score:deployment-replicas "
    "kyverno:deployment-has-multiple-replicas",
    references=(_DEPLOYMENTS,),
    default=False,
)
def single_replica(workload: Workload, ctx: Context) -> Hits:
    if workload.spec.replicas in (None, 1):
        yield Hit("the workload runs a single pod", "spec.replicas")


@rule(
    "replicas-on-one-node",
    title="Replicas that may all run on one node",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="Deployment StatefulSet",
    why="When that node goes, by a fault or an attack, all replicas go with it.",
    remediation="Add a topologySpreadConstraint or a podAntiAffinity over kubernetes.io/hostname.",
    aliases="kube-linter:no-anti-affinity kube-score:deployment-has-host-podantiaffinity "
    "kube-score:statefulset-has-host-podantiaffinity kube-score:pod-topology-spread-constraints "
    "kyverno:topologyspreadconstraints-policy",
    references=(_SPREAD,),
    default=False,
)
def replicas_on_one_node(workload: Workload, ctx: Context) -> Hits:
    spec = workload.spec.template.spec
    spread = spec.topology_spread_constraints or "podAntiAffinity" in spec.affinity
    if (workload.spec.replicas or 1) > 1 and not spread:
        yield Hit(f"the {workload.spec.replicas} replicas may all be on one node", "spec.template.spec")


@rule(
    "recreate-strategy",
    title="Update that stops everything first",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="Deployment",
    why="All pods are stopped before new ones start; security fixes are put off because they mean an outage.",
    remediation="Use the strategy RollingUpdate where two versions may run side by side.",
    aliases="C-0305 kube-linter:no-rolling-update-strategy kube-score:deployment-strategy",
    references=(f"{_DEPLOYMENTS}#strategy",),
    default=False,
)
def recreate_strategy(workload: Workload, ctx: Context) -> Hits:
    if workload.spec.strategy.get("type") == "Recreate":
        yield Hit("an update stops all pods before it starts new ones", "spec.strategy.type")


@rule(
    "selector-mismatch",
    title="Workload does not select its own pods",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="Deployment StatefulSet DaemonSet ReplicaSet",
    why="The API server refuses it; an old version that does not makes pods without end, or takes over another "
    "workload's pods.",
    remediation="Give spec.template.metadata.labels all labels of spec.selector.",
    aliases="C-0296 kube-linter:mismatching-selector "
    "kube-score:deployment-pod-selector-labels-match-template-metadata-labels "
    "kube-score:statefulset-pod-selector-labels-match-template-metadata-labels",
    references=(f"{_DEPLOYMENTS}#selector",),
)
def selector_mismatch(workload: Workload, ctx: Context) -> Hits:
    selector = workload.spec.selector
    if selector is not None and not selector.matches(workload.spec.template.metadata.labels):
        yield Hit("the selector does not select the template's labels", "spec.selector")


@rule(
    "stateful-set-service",
    title="StatefulSet without its service",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="The names by which its pods know each other do not exist; who may create a Service of that name gives them "
    "others.",
    remediation="Create the headless Service that serviceName names.",
    aliases="kube-score:statefulset-has-servicename",
    references=("https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/",),
    default=False,
    notes="Judged in namespaces of which at least one Service is known.",
)
def stateful_set_service(inventory: Inventory, ctx: Context) -> Hits:
    known = {namespace_of(service) for service in inventory.of_kind("Service")}
    for resource in inventory.of_kind("StatefulSet"):
        name = view_of(resource).spec.service_name
        missing = name and inventory.get("Service", resource.ref.namespace, name) is None
        if missing and namespace_of(resource) in known:
            yield Hit(f"there is no Service {name!r} in the namespace", "spec.serviceName", resource=resource)


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


@rule(
    "requests-differ-from-limits",
    title="Memory request below the limit",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="container",
    why="The node is promised less than the container may take: when neighbours take theirs too, the kernel kills "
    "some.",
    remediation="Set requests.memory to limits.memory.",
    aliases="kube-score:container-memory-requests-equal-limits kube-score:container-resource-requests-equal-limits "
    "kyverno:memory-requests-equal-limits kyverno:require-qos-guaranteed",
    references=(_RESOURCES,),
    default=False,
)
def requests_differ_from_limits(c: Container, ctx: Context) -> Hits:
    request, limit = c.resources.requests.get("memory"), c.resources.limits.get("memory")
    if request is not None and limit is not None and _amount(request) != _amount(limit):
        yield Hit(f"container {c.name!r} asks for {request} and may take {limit}", "resources.requests.memory")


_UNITS = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def _amount(quantity: Quantity) -> float | str:
    """A quantity of memory in bytes; as it is written where it is of another form."""
    text = str(quantity)
    number = text.rstrip("kMGTi")
    try:
        return float(number) * (_UNITS[text[len(number) :]] if number != text else 1)
    except (KeyError, ValueError):
        return text


@rule(
    "ephemeral-storage-limit",
    title="Limit of local storage missing",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="One container, hijacked or not, fills the node's disk with logs and files; the node then evicts others.",
    remediation="Set resources.limits.ephemeral-storage.",
    controls="mitre-attack:T1499",
    aliases="kube-score:container-ephemeral-storage-request-and-limit",
    references=(f"{_RESOURCES}#local-ephemeral-storage",),
    default=False,
)
def ephemeral_storage_limit(c: Container, ctx: Context) -> Hits:
    if "ephemeral-storage" not in c.resources.limits and ctx.field != "ephemeralContainers":
        yield Hit(f"container {c.name!r} has no limit of local storage", 'resources.limits["ephemeral-storage"]')


@rule(
    "empty-dir-size",
    title="Scratch volume without a size",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="pod",
    why="One container, hijacked or not, fills the node's disk, or with medium Memory its memory, through the volume.",
    remediation="Set emptyDir.sizeLimit.",
    controls="mitre-attack:T1499",
    aliases="kyverno:require-emptydir-requests-and-limits",
    references=("https://kubernetes.io/docs/concepts/storage/volumes/#emptydir",),
    default=False,
)
def empty_dir_size(pod: PodTemplate, ctx: Context) -> Hits:
    for i, volume in numbered(pod.spec.volumes):
        if volume.empty_dir is not None and "sizeLimit" not in volume.empty_dir:
            yield Hit(f"volume {volume.name!r} has no size limit", f"spec.volumes[{i}].emptyDir")


@rule(
    "job-left-behind",
    title="Finished job that is never removed",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="Job",
    why="Its pods stay with their logs, and their variables are there to be read.",
    remediation="Set ttlSecondsAfterFinished.",
    aliases="kube-linter:job-ttl-seconds-after-finished kyverno:add-ttl-jobs",
    references=("https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/",),
    default=False,
    notes="Jobs of a CronJob are removed by it and pass.",
)
def job_left_behind(job: Workload, ctx: Context) -> Hits:
    if job.spec.ttl_seconds_after_finished is None and not job.metadata.owner_references:
        yield Hit("the job stays after it has finished", "spec.ttlSecondsAfterFinished")


@rule(
    "cron-job-present",
    title="Program that runs again and again",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="CronJob",
    why="Attackers use CronJobs to come back after they were thrown out; each should be known to someone.",
    remediation="Check that the job is known and needed.",
    controls="mitre-attack:T1053.007",
    aliases="C-0026",
    references=("https://attack.mitre.org/techniques/T1053/007/",),
    default=False,
)
def cron_job_present(job: Any, ctx: Context) -> Hits:
    yield Hit(f"a program runs at {job.spec.schedule!r}", "spec.schedule")


@rule(
    "cron-job-deadline",
    title="Scheduled job without a deadline or bound",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="CronJob",
    why="Runs that were missed are started long after, and runs that hang pile up until the namespace is full.",
    remediation="Set startingDeadlineSeconds, and concurrencyPolicy to Forbid or Replace.",
    controls="mitre-attack:T1499",
    aliases="kube-score:cronjob-has-deadline",
    references=("https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/",),
    default=False,
)
def cron_job_deadline(job: Any, ctx: Context) -> Hits:
    if job.spec.starting_deadline_seconds is None:
        yield Hit("runs that were missed have no deadline", "spec.startingDeadlineSeconds")
    if job.spec.concurrency_policy in ("", "Allow"):
        yield Hit("runs may pile up", "spec.concurrencyPolicy")
