"""Where pods run, with which priority, and as whom: placement and identity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seawall.analysis.posture.picks import chooses_nodes, has_odd_mounts, has_odd_volumes, odd_mounts, odd_volumes
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.config import ServiceAccount
    from seawall.model.kube.pod import Container, PodTemplate, Volume
    from seawall.model.rule import Context

_TAINTS = "https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"
_PRIORITY = "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/"
_ASSIGN = "https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/"
_PROJECTED = "https://kubernetes.io/docs/concepts/storage/projected-volumes/"
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_MIRROR = "kubernetes.io/config.mirror"
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
_DAY = 86_400


def _is_system(ctx: Context) -> bool:
    return bool(ctx.resource.ref.namespace == "kube-system")


@rule(
    "tolerates-everything",
    title="Pod tolerates every taint",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="pod",
    why="The pod may be put on any node, those of the control plane and those kept for others included: an attacker in "
    "it is next to what the taints were to keep apart.",
    remediation="Name the taints that the pod is to tolerate.",
    controls="mitre-attack:T1610",
    references=(_TAINTS,),
    notes="DaemonSets and kube-system are left out: agents belong on every node.",
    when=chooses_nodes,
)
def tolerates_everything(pod: PodTemplate, ctx: Context) -> Hits:
    if not pod.spec.tolerations or ctx.resource.kind.name == "DaemonSet" or _is_system(ctx) or _of_daemon_set(ctx):
        return
    for i, toleration in numbered(pod.spec.tolerations):
        if not toleration.key and toleration.operator == "Exists" and toleration.effect in ("", "NoSchedule"):
            yield Hit("the pod tolerates every taint", f"spec.tolerations[{i}]")


def _of_daemon_set(ctx: Context) -> bool:
    owner = ctx.resource.owner
    return owner is not None and owner.kind in ("DaemonSet", "Node")


@rule(
    "control-plane-scheduling",
    title="Pod may run on the control plane's nodes",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="pod",
    why="On such a node an attacker who gets out of the pod has the cluster's keys and etcd.",
    remediation="Remove the toleration or the node selector of the control plane.",
    controls="mitre-attack:T1610 mitre-attack:T1611",
    aliases="kyverno:restrict-controlplane-scheduling",
    references=(_TAINTS,),
    notes="DaemonSets and kube-system are left out: agents belong on every node.",
    when=chooses_nodes,
)
def control_plane_scheduling(pod: PodTemplate, ctx: Context) -> Hits:
    spec = pod.spec
    if not (spec.tolerations or spec.node_selector) or ctx.resource.kind.name == "DaemonSet":
        return
    if _is_system(ctx) or _of_daemon_set(ctx):
        return
    for i, toleration in numbered(spec.tolerations):
        if toleration.key in _CONTROL_PLANE:
            yield Hit(f"the pod tolerates the taint {toleration.key}", f"spec.tolerations[{i}].key")
    for key in spec.node_selector:
        if key in _CONTROL_PLANE:
            yield Hit(f"the pod asks for nodes with {key}", ("spec", "nodeSelector", key), on="pod")


@rule(
    "node-name-set",
    title="Pod put on a node past the scheduler",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="pod",
    why="nodeName passes over the scheduler, and so over taints that keep pods off a node: an attacker who may create "
    "pods picks the node, the control plane's for example.",
    remediation="Remove nodeName; use a nodeSelector or an affinity.",
    controls="mitre-attack:T1610",
    aliases="kyverno:restrict-node-selection",
    references=(f"{_ASSIGN}#nodename",),
    notes="Pods as a cluster tells of them (with an owner or a status) are left out: the scheduler has set theirs.",
)
def node_name_set(pod: PodTemplate, ctx: Context) -> Hits:
    if not pod.spec.node_name:
        return
    own = ctx.resource
    if own.kind is not None and own.kind.name == "Pod" and (own.uid or own.owner or "status" in own.raw):
        return
    yield Hit(f"the pod is put on the node {pod.spec.node_name!r}", "spec.nodeName")


@rule(
    "system-priority",
    title="Pod with a priority of the system's",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Such a pod pushes out all others where room is short, and is itself among the last to go: one workload can "
    "take a cluster's nodes.",
    remediation="Give the pod a PriorityClass of your own.",
    controls="mitre-attack:T1499",
    aliases="kyverno:allowed-podpriorities",
    references=(_PRIORITY,),
    notes="kube-system is left out.",
)
def system_priority(pod: PodTemplate, ctx: Context) -> Hits:
    if pod.spec.priority_class_name.startswith("system-") and not _is_system(ctx):
        yield Hit(f"the pod has the priority {pod.spec.priority_class_name}", "spec.priorityClassName")


@rule(
    "priority-class-unset",
    title="Pod without a priority class",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Where room is short nobody has said which pods matter: any other with a priority pushes this one out.",
    remediation="Name a PriorityClass in priorityClassName.",
    aliases="kube-linter:priority-class-name kyverno:require-pod-priorityclassname",
    references=(_PRIORITY,),
    default=False,
)
def priority_class_unset(pod: PodTemplate, ctx: Context) -> Hits:
    if not pod.spec.priority_class_name:
        yield Hit("the pod names no priority class", "spec.priorityClassName")


@rule(
    "bare-pod",
    title="Pod without a controller",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="Pod",
    why="Nothing starts it again when its node goes, and nothing shows who made it: attackers and debugging people "
    "leave such pods.",
    remediation="Use a Deployment, a StatefulSet or a Job.",
    aliases="C-0073 kyverno:prevent-bare-pods kyverno:clean-bare-pods",
    references=(
        "https://kubernetes.io/docs/concepts/configuration/overview/#naked-pods-vs-replicasets-deployments-and-jobs",
    ),
    default=False,
    notes="Pods that the kubelet mirrors are left out.",
)
def bare_pod(pod: Any, ctx: Context) -> Hits:
    if not pod.metadata.owner_references and _MIRROR not in pod.metadata.annotations:
        yield Hit("no controller manages the pod", "metadata.ownerReferences")


@rule(
    "deprecated-service-account-field",
    title="Service account named in the old field",
    severity=Severity.INFO,
    scope=Scope.SERVICE_ACCOUNT,
    on="pod",
    why="serviceAccount is an old name of serviceAccountName; where both are given the new one wins, and who reads the "
    "old one is misled about the pod's rights.",
    remediation="Use serviceAccountName only.",
    aliases="C-0294 kube-linter:deprecated-service-account-field",
    references=("https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/",),
    notes="The API server sets both to the same name; that passes.",
)
def deprecated_service_account_field(pod: PodTemplate, ctx: Context) -> Hits:
    old, new = pod.spec.service_account, pod.spec.service_account_name
    if old and old != new:
        also = f", and {new!r} in the field that counts" if new else ""
        message = f"the pod names {old!r} in the old field{also}"
        yield Hit(message, "spec.serviceAccount", severity=Severity.LOW if new else None)


@rule(
    "projected-token-lifetime",
    title="Service account token valid for days",
    severity=Severity.LOW,
    scope=Scope.SERVICE_ACCOUNT,
    on="pod",
    why="The kubelet renews the token by itself; a long life is of use only to who has stolen it.",
    remediation="Set expirationSeconds to 3600, or leave it out.",
    controls="mitre-attack:T1528",
    references=(f"{_PROJECTED}#serviceaccounttoken",),
    when=has_odd_volumes,
)
def projected_token_lifetime(pod: PodTemplate, ctx: Context) -> Hits:
    for path, token in _projected_tokens(pod):
        seconds = token.get("expirationSeconds")
        if isinstance(seconds, int) and seconds > _DAY:
            yield Hit(f"the token is valid for {seconds / _DAY:.1f} days", f"{path}.expirationSeconds")


@rule(
    "projected-token-audience",
    title="Token for others is good for the API server too",
    severity=Severity.LOW,
    scope=Scope.SERVICE_ACCOUNT,
    on="pod",
    why="A token without an audience is taken by the API server: whoever it is shown to, a vault or a cloud, can use "
    "the account.",
    remediation="Set audience to the party that the token is for.",
    controls="mitre-attack:T1528",
    references=(f"{_PROJECTED}#serviceaccounttoken",),
    default=False,
    notes="Volumes with the authority's certificate (kube-root-ca.crt) are for the API server and pass.",
    when=has_odd_volumes,
)
def projected_token_audience(pod: PodTemplate, ctx: Context) -> Hits:
    for path, token in _projected_tokens(pod, for_others=True):
        if not token.get("audience"):
            yield Hit("the token has no audience", path)


def _projected_tokens(pod: PodTemplate, for_others: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tokens among projected volumes; ``for_others`` leaves out volumes that hold the API server's authority too."""
    for i, volume in odd_volumes(pod.spec.volumes):
        if volume.projected is None:
            continue
        sources = volume.projected.get("sources")
        listed = [each if isinstance(each, dict) else {} for each in sources] if isinstance(sources, list) else []
        if for_others and any("configMap" in source for source in listed):
            continue
        for j, source in enumerate(listed):
            token = source.get("serviceAccountToken")
            if isinstance(token, dict):
                yield f"spec.volumes[{i}].projected.sources[{j}].serviceAccountToken", token


@rule(
    "planted-token",
    title="Token of the pod replaced by a volume",
    severity=Severity.MEDIUM,
    scope=Scope.SERVICE_ACCOUNT,
    on="container",
    why="What is mounted where programs look for their token stands for the pod's identity: with another account's "
    "token the program acts with rights that no manifest shows.",
    remediation="Remove the mount, and give the pod the service account that it needs.",
    controls="mitre-attack:T1528 mitre-attack:T1078",
    references=("https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",),
    notes="Projected volumes, by which the token itself is mounted, pass, and so does the account's own Secret as "
    "clusters before 1.22 mounted it.",
    when=has_odd_mounts,
)
def planted_token(c: Container, ctx: Context) -> Hits:
    for i, mount in odd_mounts(c.volume_mounts):
        if mount.mount_path.rstrip("/") == _TOKEN_PATH:
            pod = ctx.pod
            volume = next((v for v in pod.spec.volumes if v.name == mount.name), None)
            if volume is not None and volume.projected is None and not _is_own_token(pod, volume):
                message = f"container {c.name!r} takes its token from the volume {mount.name!r}"
                yield Hit(message, f"volumeMounts[{i}].mountPath")


def _is_own_token(pod: PodTemplate, volume: Volume) -> bool:
    """Whether a volume is what clusters before 1.22 mounted for the account: the Secret <account>-token-<suffix>."""
    account = pod.spec.service_account_name or pod.spec.service_account or "default"
    return volume.secret is not None and volume.secret.secret_name.startswith(f"{account}-token-")


#: Annotations by which clouds give a service account a role of theirs.
_CLOUD_ROLES = (
    "eks.amazonaws.com/role-arn",
    "iam.gke.io/gcp-service-account",
    "azure.workload.identity/client-id",
)


@rule(
    "cloud-role-on-default-account",
    title="Cloud role given to the default service account",
    severity=Severity.MEDIUM,
    scope=Scope.SERVICE_ACCOUNT,
    on="ServiceAccount",
    why="Every pod of the namespace that names no account has the cloud role: an attacker in any of them goes on with "
    "it outside the cluster.",
    remediation="Make a service account for the workload that needs the role, and move the annotation there.",
    controls="cis:5.1.5 mitre-attack:T1078.004",
    references=("https://kubernetes.io/docs/concepts/security/service-accounts/",),
)
def cloud_role_on_default_account(account: ServiceAccount, ctx: Context) -> Hits:
    if account.metadata.name != "default":
        return
    for key in _CLOUD_ROLES:
        value = account.metadata.annotations.get(key)
        if value:
            yield Hit(f"the default service account has the cloud role {value}", ("metadata", "annotations", key))
