"""Availability: what keeps a service up when a node goes, an attacker presses, or a fix is rolled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.analysis.posture.indexes import view_of
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.base import Quantity
    from seawall.model.kube.pod import Container, PodTemplate, Workload
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_DEPLOYMENTS = "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/"
_SPREAD = "https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/"
_RESOURCES = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"


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
    yield from _differing(c, "memory")


def _differing(c: Container, name: str) -> Hits:
    request, limit = c.resources.requests.get(name), c.resources.limits.get(name)
    if request is not None and limit is not None and _amount(request) != _amount(limit):
        path = f"resources.requests.{name}"
        yield Hit(f"container {c.name!r} asks for {request} of {name} and may take {limit}", path)


@rule(
    "cpu-request-below-limit",
    title="CPU request below the limit",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="container",
    why="The node is promised less than the container may take, and a container that was taken over slows its "
    "neighbours down to what they asked for.",
    remediation="Set requests.cpu to limits.cpu where a steady share counts.",
    aliases="kube-score:container-cpu-requests-equal-limits kyverno:require-qos-guaranteed",
    references=(_RESOURCES,),
    default=False,
)
def cpu_request_below_limit(c: Container, ctx: Context) -> Hits:
    yield from _differing(c, "cpu")


@rule(
    "ephemeral-storage-request-below-limit",
    title="Request of local storage below the limit",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="container",
    why="The node's disk is promised to more containers than it can hold: when they fill it, pods are evicted.",
    remediation="Set requests.ephemeral-storage to limits.ephemeral-storage.",
    aliases="kube-score:container-ephemeral-storage-request-equals-limit",
    references=(_RESOURCES,),
    default=False,
)
def ephemeral_storage_request_below_limit(c: Container, ctx: Context) -> Hits:
    yield from _differing(c, "ephemeral-storage")


_UNITS = {
    "m": 1e-3,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}


def _amount(quantity: Quantity) -> float | str:
    """A quantity in bytes or processors; as it is written where it is of another form."""
    text = str(quantity)
    number = text.rstrip("mkMGTi")
    try:
        return round(float(number) * (_UNITS[text[len(number) :]] if number != text else 1), 6)
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
