"""Workloads beyond the Pod Security Standards: resources, probes, identities, secrets and what lets pods reach out."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from seawall.analysis.posture.picks import asks_for_more
from seawall.model.credential_names import looks_like_credential
from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container, PodTemplate
    from seawall.model.rule import Context

_RESOURCES = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"
_PROBES = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/"
_ACCOUNTS = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/"
_SECRETS = "https://kubernetes.io/docs/concepts/security/secrets-good-practices/"
_CONTEXT = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"

#: What runtimes listen on, and the directories that hold nothing else; paths below /run are also below /var/run.
_RUNTIME_PATHS = frozenset(
    [
        "/run/docker.sock",
        "/run/cri-dockerd.sock",
        "/run/containerd",
        "/run/containerd/containerd.sock",
        "/run/k3s/containerd",
        "/run/k3s/containerd/containerd.sock",
        "/run/crio",
        "/run/crio/crio.sock",
        "/run/podman/podman.sock",
        r"\\.\pipe\docker_engine",
        r"\\.\pipe\containerd-containerd",
    ]
)


@rule(
    "read-only-root-filesystem",
    title="Root filesystem is writable",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="An attacker who runs code in the container can store tools in it and replace the program's own files.",
    remediation="Set securityContext.readOnlyRootFilesystem to true, and mount an emptyDir where the program writes.",
    controls="mitre-attack:T1036 nsa-cisa:immutable-filesystem",
    aliases="KSV-0014 CKV_K8S_22 C-0017 kube-linter:no-read-only-root-fs "
    "kube-score:container-security-context-readonlyrootfilesystem kyverno:require-ro-rootfs "
    "prowler:core_readonly_root_filesystem_enabled",
    references=(_CONTEXT,),
    notes="Windows pods are exempt: the setting is for Linux alone.",
)
def read_only_root_filesystem(c: Container, ctx: Context) -> Hits:
    if not ctx.pod.spec.is_windows and not c.security_context.read_only_root_filesystem:
        yield Hit(f"container {c.name!r} may write to its root filesystem", "securityContext.readOnlyRootFilesystem")


@rule(
    "cpu-limit",
    title="CPU limit missing",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="Without a limit, one hijacked or looping container takes the node's processors; miners live on that.",
    remediation="Set resources.limits.cpu.",
    controls="mitre-attack:T1496 nsa-cisa:resource-limits",
    aliases="KSV-0011 CKV_K8S_11 C-0270 C-0009 C-0050 kube-linter:unset-cpu-requirements "
    "kube-score:container-resources kyverno:require-cpu-limits prowler:core_cpu_limits_set",
    references=(_RESOURCES,),
    notes="A limit of the whole pod counts. Ephemeral containers cannot have one.",
    default=False,
)
def cpu_limit(c: Container, ctx: Context) -> Hits:
    if "cpu" not in c.resources.limits and not _shared(ctx, "limits", "cpu"):
        yield Hit(f"container {c.name!r} has no CPU limit", "resources.limits.cpu")


@rule(
    "memory-limit",
    title="Memory limit missing",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="Without a limit, one container can use up the node's memory, and the kernel then kills others.",
    remediation="Set resources.limits.memory.",
    controls="mitre-attack:T1499 nsa-cisa:resource-limits",
    aliases="KSV-0018 CKV_K8S_13 C-0271 C-0009 C-0004 kube-linter:unset-memory-requirements "
    "kube-score:container-resources kyverno:require-requests-limits prowler:core_memory_limits_set",
    references=(_RESOURCES,),
    notes="A limit of the whole pod counts. Ephemeral containers cannot have one.",
)
def memory_limit(c: Container, ctx: Context) -> Hits:
    if "memory" not in c.resources.limits and not _shared(ctx, "limits", "memory"):
        yield Hit(f"container {c.name!r} has no memory limit", "resources.limits.memory")


@rule(
    "cpu-request",
    title="CPU request missing",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="The scheduler reserves nothing for the container: any busy neighbour, hostile or not, can starve it.",
    remediation="Set resources.requests.cpu.",
    controls="mitre-attack:T1499",
    aliases="KSV-0015 CKV_K8S_10 C-0268 C-0050 kube-linter:unset-cpu-requirements kube-score:container-resources "
    "kyverno:require-requests-limits prowler:core_cpu_requests_set",
    references=(_RESOURCES,),
    notes="A limit stands for a request that is not given, and a request of the whole pod counts.",
    default=False,
)
def cpu_request(c: Container, ctx: Context) -> Hits:
    own = "cpu" in c.resources.requests or "cpu" in c.resources.limits
    if not own and not _shared(ctx, "requests", "cpu") and not _shared(ctx, "limits", "cpu"):
        yield Hit(f"container {c.name!r} has no CPU request", "resources.requests.cpu")


@rule(
    "memory-request",
    title="Memory request missing",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="The scheduler reserves nothing for the container: it is among the first to be killed when a neighbour, "
    "hostile or not, fills the node's memory.",
    remediation="Set resources.requests.memory.",
    controls="mitre-attack:T1499",
    aliases="KSV-0016 CKV_K8S_12 C-0269 C-0004 kube-linter:unset-memory-requirements kube-score:container-resources "
    "kyverno:require-requests-limits prowler:core_memory_requests_set",
    references=(_RESOURCES,),
    notes="A limit stands for a request that is not given, and a request of the whole pod counts.",
    default=False,
)
def memory_request(c: Container, ctx: Context) -> Hits:
    own = "memory" in c.resources.requests or "memory" in c.resources.limits
    if not own and not _shared(ctx, "requests", "memory") and not _shared(ctx, "limits", "memory"):
        yield Hit(f"container {c.name!r} has no memory request", "resources.requests.memory")


def _shared(ctx: Context, kind: str, name: str) -> bool:
    """Whether the pod as a whole has the limit or request, or the container is of a sort that can have none."""
    shared = ctx.pod.spec.resources
    whole = ctx.version >= (1, 34) and name in (shared.limits if kind == "limits" else shared.requests)
    return whole or ctx.field == "ephemeralContainers"


@rule(
    "readiness-probe",
    title="Readiness probe missing",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="Requests are sent to containers that cannot serve them yet or any more, which makes an overload worse.",
    remediation="Add a readinessProbe.",
    aliases="CKV_K8S_9 C-0018 kube-linter:no-readiness-probe kube-score:pod-probes kyverno:require-pod-probes "
    "prowler:core_readiness_probe_configured",
    references=(_PROBES,),
    default=False,
    notes="Not for pods that run to an end, nor for init containers other than sidecars.",
)
def readiness_probe(c: Container, ctx: Context) -> Hits:
    if c.readiness_probe is None and _keeps_running(c, ctx):
        yield Hit(f"container {c.name!r} has no readiness probe", "readinessProbe")


@rule(
    "liveness-probe",
    title="Liveness probe missing",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="container",
    why="A container that hangs, for example under a denial of service, is not restarted.",
    remediation="Add a livenessProbe.",
    aliases="CKV_K8S_8 C-0056 kube-linter:no-liveness-probe kube-score:pod-probes kyverno:require-pod-probes "
    "prowler:core_liveness_probe_configured",
    references=(_PROBES,),
    default=False,
    notes="Not for pods that run to an end, nor for init containers other than sidecars.",
)
def liveness_probe(c: Container, ctx: Context) -> Hits:
    if c.liveness_probe is None and _keeps_running(c, ctx):
        yield Hit(f"container {c.name!r} has no liveness probe", "livenessProbe")


def _keeps_running(c: Container, ctx: Context) -> bool:
    """Whether the container is meant to run for good, as probes suppose."""
    if ctx.resource.kind.name in ("Job", "CronJob") or ctx.pod.spec.restart_policy in ("Never", "OnFailure"):
        return False
    return ctx.field == "containers" or (ctx.field == "initContainers" and c.restart_policy == "Always")


@rule(
    "default-service-account",
    title="Pod runs as the default service account",
    severity=Severity.LOW,
    scope=Scope.SERVICE_ACCOUNT,
    on="pod",
    why="Every pod of the namespace that names no account shares this one: a right that is granted to it for one "
    "program is there for an attacker in any of them.",
    remediation="Make a service account for the workload and name it in serviceAccountName.",
    controls="cis:5.1.5 mitre-attack:T1078 nsa-cisa:rbac",
    aliases="C-0189 kube-linter:default-service-account kyverno:check-sa kyverno:restrict-service-account",
    references=(_ACCOUNTS,),
    notes="A pod that mounts no token (automountServiceAccountToken: false) does not use its account.",
)
def default_service_account(pod: PodTemplate, ctx: Context) -> Hits:
    name = pod.spec.service_account_name or pod.spec.service_account
    if name in ("", "default") and pod.spec.automount_service_account_token is not False:
        yield Hit("the pod runs as the default service account of its namespace", "spec.serviceAccountName")


@rule(
    "automount-token",
    title="Service account token mounted into the pod",
    severity=Severity.MEDIUM,
    scope=Scope.SERVICE_ACCOUNT,
    on="pod",
    why="Whoever can read a file in the pod holds a token for the API server and whatever rights its account has.",
    remediation="Set automountServiceAccountToken: false unless the program talks to the API server.",
    controls="cis:5.1.6 mitre-attack:T1528 nsa-cisa:service-account-token",
    aliases="KSV-0036 CKV_K8S_38 C-0034 C-0053 C-0261 kyverno:restrict-automount-sa-token",
    references=(_ACCOUNTS,),
    notes="The pod's own setting is judged; one at its ServiceAccount can be overridden by the pod.",
)
def automount_token(pod: PodTemplate, ctx: Context) -> Hits:
    if pod.spec.automount_service_account_token is not False:
        yield Hit("the pod is given a service account token", "spec.automountServiceAccountToken")


@rule(
    "runtime-socket-mounted",
    title="Socket of the container runtime mounted",
    severity=Severity.CRITICAL,
    scope=Scope.WORKLOAD,
    on="pod",
    why="The runtime obeys whoever writes to its socket: it starts privileged containers and so hands over the node.",
    remediation="Remove the hostPath volume; build images with a builder that needs no runtime, and read metrics from "
    "the kubelet.",
    controls="mitre-attack:T1611 mitre-attack:T1610",
    aliases="KSV-0006 CKV_K8S_27 C-0074 kube-linter:docker-sock kyverno:disallow-container-sock-mounts "
    "kyverno:docker-socket-check",
    references=("https://kubernetes.io/docs/concepts/storage/volumes/#hostpath",),
)
def runtime_socket_mounted(pod: PodTemplate, ctx: Context) -> Hits:
    for i, volume in numbered(pod.spec.volumes):
        path = volume.host_path.path if volume.host_path is not None else ""
        if posixpath.normpath(path).removeprefix("/var") in _RUNTIME_PATHS:
            message = f"volume {volume.name!r} mounts the container runtime's {path}"
            yield Hit(message, f"spec.volumes[{i}].hostPath.path")


@rule(
    "sys-admin-capability",
    title="Capability SYS_ADMIN added",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="SYS_ADMIN lets a process mount filesystems and enter namespaces; with it a container is all but privileged.",
    remediation="Remove SYS_ADMIN (or ALL) from securityContext.capabilities.add.",
    controls="cis8-11:5.2.9 mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="KSV-0005 CKV_K8S_39 C-0046",
    references=(_CONTEXT, "https://man7.org/linux/man-pages/man7/capabilities.7.html"),
    when=asks_for_more,
)
def sys_admin_capability(c: Container, ctx: Context) -> Hits:
    for i, capability in numbered(c.security_context.capabilities.add):
        if capability.upper().removeprefix("CAP_") in ("SYS_ADMIN", "ALL"):
            path = f"securityContext.capabilities.add[{i}]"
            yield Hit(f"container {c.name!r} gets SYS_ADMIN by the capability {capability}", path)


@rule(
    "secret-in-env",
    title="Secret given as an environment variable",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="container",
    why="Variables are inherited by every child process and end up in crash reports and debug pages, where an attacker "
    "reads them without a right to the Secret.",
    remediation="Mount the Secret as a volume and read it from there.",
    controls="cis:5.4.1 mitre-attack:T1552",
    aliases="CKV_K8S_35 C-0207 kube-linter:read-secret-from-env-var kyverno:secrets-not-from-env-vars "
    "kyverno:no-secrets prowler:core_no_secrets_envs",
    references=(_SECRETS,),
)
def secret_in_env(c: Container, ctx: Context) -> Hits:
    for i, variable in numbered(c.env):
        if variable.value_from is not None and variable.value_from.secret_key_ref is not None:
            message = f"container {c.name!r} reads the variable {variable.name} from a Secret"
            yield Hit(message, f"env[{i}].valueFrom.secretKeyRef")
    for i, source in numbered(c.env_from):
        if source.secret_ref is not None:
            message = f"container {c.name!r} reads variables from the Secret {source.secret_ref.name!r}"
            yield Hit(message, f"envFrom[{i}].secretRef")


@rule(
    "literal-secret-in-env",
    title="Credential written into the manifest",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="container",
    why="Everyone who can read the manifest, its history or the pod has the credential.",
    remediation="Put the value into a Secret or an external store, refer to it, and replace the credential.",
    controls="cis:5.4.1 mitre-attack:T1552.001 nsa-cisa:secrets",
    aliases="C-0012 C-0259 kube-linter:env-var-secret",
    references=(_SECRETS,),
    notes="Told by the variable's name; values that are paths, addresses, switches, numbers or placeholders pass.",
)
def literal_secret_in_env(c: Container, ctx: Context) -> Hits:
    for i, variable in numbered(c.env):
        if looks_like_credential(variable.name, variable.value):
            message = f"container {c.name!r} has a literal value for {variable.name}"
            yield Hit(message, f"env[{i}].value", confidence=Confidence.MEDIUM, secret=True)


@rule(
    "default-namespace",
    title="Workload in the default namespace",
    severity=Severity.LOW,
    scope=Scope.NAMESPACE,
    on="pod",
    why="Rights, quotas and network policies are set by namespace; in the default one an attacker finds everything "
    "that nobody has put apart.",
    remediation="Set metadata.namespace to a namespace of the application.",
    controls="cis8-10:5.7.4 cis11-12:5.6.4 nsa-cisa:namespaces",
    aliases="KSV-0110 CKV_K8S_21 C-0061 C-0212 kube-linter:use-namespace kyverno:disallow-default-namespace",
    references=("https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",),
    notes="A manifest without a namespace goes where kubectl's context points, which is default unless set.",
)
def default_namespace(pod: PodTemplate, ctx: Context) -> Hits:
    if ctx.resource.ref.namespace in (None, "default"):
        yield Hit("the workload names no namespace other than default", "metadata.namespace", on="object")


@rule(
    "ssh-port",
    title="Container offers SSH",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="A login service in a container is a way in with passwords or keys that the cluster neither sees nor logs.",
    remediation="Remove the SSH server; use kubectl exec or an ephemeral container where access is needed.",
    controls="mitre-attack:T1021.004",
    aliases="C-0042 kube-linter:ssh-port",
    references=("https://kubernetes.io/docs/tasks/debug/debug-application/debug-running-pod/",),
)
def ssh_port(c: Container, ctx: Context) -> Hits:
    for i, port in numbered(c.ports):
        if port.container_port == 22 and port.protocol == "TCP":
            yield Hit(f"container {c.name!r} listens on port 22", f"ports[{i}].containerPort")


@rule(
    "low-user-id",
    title="Container runs as a user of the node",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="Users below 10000 often exist on the node: a process that gets out of the container has that user's files.",
    remediation="Set runAsUser to 10000 or above.",
    controls="mitre-attack:T1611",
    aliases="KSV-0020 CKV_K8S_40 kube-score:container-security-context-user-group-id "
    "kyverno:validate-userid-groupid-fsgroup",
    references=(_CONTEXT,),
    default=False,
    notes="Judged where runAsUser is set.",
)
def low_user_id(c: Container, ctx: Context) -> Hits:
    own, whole = c.security_context.run_as_user, ctx.pod.spec.security_context.run_as_user
    user = whole if own is None else own
    if user is not None and user < 10000:
        message = f"container {c.name!r} runs as user {user}"
        if own is None:
            yield Hit(message, "spec.securityContext.runAsUser", on="pod")
        else:
            yield Hit(message, "securityContext.runAsUser")
