"""Pods: containers, security contexts, volumes. Source: the Kubernetes API reference, core/v1."""

from collections.abc import Iterator
from typing import Any

from msgspec import field

from seawall.model.kube.base import (
    NO_METADATA,
    IntOrString,
    KubeObject,
    LabelSelector,
    ObjectMeta,
    Partial,
    Quantity,
    View,
    numbered,
)


class SeLinuxOptions(View, frozen=True):
    """SELinux labels of a container."""

    type: str = ""
    user: str = ""
    role: str = ""
    level: str = ""


class Profile(View, frozen=True):
    """A seccomp or AppArmor profile: RuntimeDefault, Localhost or Unconfined."""

    type: str = ""
    localhost_profile: str = ""


class WindowsOptions(View, frozen=True):
    """Windows-only security settings."""

    host_process: bool | None = None
    run_as_user_name: str | None = None


class Capabilities(View, frozen=True):
    """POSIX capabilities added and dropped."""

    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


NO_SELINUX, NO_WINDOWS, _NO_CAPABILITIES = SeLinuxOptions(), WindowsOptions(), Capabilities()


class SecurityContext(View, frozen=True):
    """A container's security context."""

    privileged: bool | None = None
    allow_privilege_escalation: bool | None = None
    run_as_non_root: bool | None = None
    run_as_user: int | None = None
    run_as_group: int | None = None
    read_only_root_filesystem: bool | None = None
    proc_mount: str | None = None
    capabilities: Capabilities = _NO_CAPABILITIES
    seccomp_profile: Profile | None = None
    app_armor_profile: Profile | None = None
    se_linux_options: SeLinuxOptions = NO_SELINUX
    windows_options: WindowsOptions = NO_WINDOWS


class Sysctl(View, frozen=True):
    """A kernel parameter."""

    name: str = ""
    value: str = ""


class PodSecurityContext(View, frozen=True):
    """A pod's security context; containers inherit from it."""

    run_as_non_root: bool | None = None
    run_as_user: int | None = None
    run_as_group: int | None = None
    fs_group: int | None = None
    supplemental_groups: tuple[int, ...] = ()
    supplemental_groups_policy: str = ""
    sysctls: tuple[Sysctl, ...] = ()
    seccomp_profile: Profile | None = None
    app_armor_profile: Profile | None = None
    se_linux_options: SeLinuxOptions = NO_SELINUX
    windows_options: WindowsOptions = NO_WINDOWS


class NetworkAction(View, frozen=True):
    """The target of an HTTP or TCP probe or hook."""

    host: str = ""
    port: IntOrString = 0
    path: str = ""


class ExecAction(View, frozen=True):
    """A command run in the container."""

    command: tuple[str, ...] = ()


class Handler(View, frozen=True):
    """A probe or a lifecycle hook."""

    http_get: NetworkAction | None = None
    tcp_socket: NetworkAction | None = None
    exec: ExecAction | None = None
    grpc: dict[str, Any] | None = None


class Lifecycle(View, frozen=True):
    """Hooks after start and before stop."""

    post_start: Handler | None = None
    pre_stop: Handler | None = None


class KeySelector(View, frozen=True):
    """A key of a ConfigMap or Secret."""

    name: str = ""
    key: str = ""
    optional: bool | None = None


class EnvSource(View, frozen=True):
    """Where the value of a variable comes from."""

    secret_key_ref: KeySelector | None = None
    config_map_key_ref: KeySelector | None = None


class EnvVar(View, frozen=True):
    """An environment variable."""

    name: str = ""
    value: str = ""
    value_from: EnvSource | None = None


class EnvFrom(View, frozen=True):
    """A whole ConfigMap or Secret as variables."""

    secret_ref: KeySelector | None = None
    config_map_ref: KeySelector | None = None


class VolumeMount(View, frozen=True):
    """A volume in a container."""

    name: str = ""
    mount_path: str = ""
    read_only: bool | None = None
    sub_path: str = ""
    sub_path_expr: str = ""
    mount_propagation: str | None = None


class ContainerPort(View, frozen=True):
    """A port of a container."""

    container_port: int = 0
    host_port: int = 0
    host_ip: str = field(default="", name="hostIP")
    name: str = ""
    protocol: str = "TCP"


class Resources(View, frozen=True):
    """Requests and limits by resource name."""

    limits: dict[str, Quantity] = {}
    requests: dict[str, Quantity] = {}


_NO_SECURITY_CONTEXT, _NO_POD_CONTEXT = SecurityContext(), PodSecurityContext()
_NO_RESOURCES, _NO_LIFECYCLE = Resources(), Lifecycle()


class Container(View, frozen=True):
    """A container of any sort: main, init or ephemeral."""

    name: str = ""
    image: str = ""
    image_pull_policy: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    resources: Resources = _NO_RESOURCES
    security_context: SecurityContext = _NO_SECURITY_CONTEXT
    volume_mounts: tuple[VolumeMount, ...] = ()
    liveness_probe: Handler | None = None
    readiness_probe: Handler | None = None
    startup_probe: Handler | None = None
    lifecycle: Lifecycle = _NO_LIFECYCLE
    restart_policy: str = ""
    stdin: bool = False
    tty: bool = False
    target_container_name: str = ""


class HostPath(View, frozen=True):
    """A path of the node."""

    path: str = ""
    type: str = ""


class NamedSource(View, frozen=True):
    """A volume source that names another object."""

    name: str = ""
    secret_name: str = ""
    claim_name: str = ""
    optional: bool | None = None


class CsiSource(View, frozen=True):
    """A volume that a CSI driver makes for the pod; the Secret is what the driver is given to get at it."""

    driver: str = ""
    volume_attributes: dict[str, Any] = {}
    node_publish_secret_ref: dict[str, Any] | None = None


class Volume(View, frozen=True):
    """A volume; the source that is set tells its type."""

    name: str = ""
    host_path: HostPath | None = None
    config_map: NamedSource | None = None
    secret: NamedSource | None = None
    persistent_volume_claim: NamedSource | None = None
    csi: CsiSource | None = None
    downward_api: dict[str, Any] | None = field(default=None, name="downwardAPI")
    empty_dir: dict[str, Any] | None = None
    ephemeral: dict[str, Any] | None = None
    image: dict[str, Any] | None = None
    projected: dict[str, Any] | None = None
    git_repo: dict[str, Any] | None = None
    flex_volume: dict[str, Any] | None = None
    nfs: dict[str, Any] | None = None


class HostAlias(View, frozen=True):
    """A line of the pod's /etc/hosts."""

    ip: str = ""
    hostnames: tuple[str, ...] = ()


class Toleration(View, frozen=True):
    """A taint that the pod puts up with."""

    key: str = ""
    operator: str = ""
    effect: str = ""
    value: str = ""


class PodOs(View, frozen=True):
    """The operating system that the pod is for."""

    name: str = ""


class PodSpec(View, frozen=True):
    """What runs in a pod and with which rights."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    ephemeral_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    security_context: PodSecurityContext = _NO_POD_CONTEXT
    resources: Resources = _NO_RESOURCES
    host_network: bool = False
    host_pid: bool = field(default=False, name="hostPID")
    host_ipc: bool = field(default=False, name="hostIPC")
    host_users: bool | None = None
    share_process_namespace: bool | None = None
    service_account_name: str = ""
    service_account: str = ""
    automount_service_account_token: bool | None = None
    os: PodOs = PodOs()
    runtime_class_name: str | None = None
    priority_class_name: str = ""
    restart_policy: str = ""
    host_aliases: tuple[HostAlias, ...] = ()
    image_pull_secrets: tuple[NamedSource, ...] = ()
    node_name: str = ""
    node_selector: dict[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()
    affinity: dict[str, Any] = {}
    topology_spread_constraints: tuple[dict[str, Any], ...] = ()
    dns_policy: str = ""

    @property
    def is_windows(self) -> bool:
        """Whether the pod says that it is for Windows nodes."""
        return self.os.name == "windows"

    def all_containers(self) -> Iterator[tuple[str, int, Container]]:
        """Every container with the field and index where it stands: init, main, then ephemeral ones.

        Dozens of rules ask for those of the pod that is being judged, so the last answer is kept.
        """
        global _last_containers
        spec, found = _last_containers
        if spec is self:
            return iter(found)
        lists = (self.init_containers, self.containers, self.ephemeral_containers)
        if any(isinstance(each, Partial) for each in lists):
            return _containers(lists)
        found = tuple(_containers(lists))
        _last_containers = self, found
        return iter(found)

    def mounted_images(self) -> Iterator[tuple[int, str]]:
        """The images that are mounted as volumes, each with its volume's index."""
        for index, volume in numbered(self.volumes):
            reference = volume.image.get("reference") if volume.image is not None else None
            if isinstance(reference, str) and reference.strip():
                yield index, reference.strip()


_CONTAINER_FIELDS = ("initContainers", "containers", "ephemeralContainers")
_last_containers: tuple[PodSpec | None, tuple[tuple[str, int, Container], ...]] = (None, ())


def _containers(lists: tuple[tuple[Container, ...], ...]) -> Iterator[tuple[str, int, Container]]:
    for name, containers in zip(_CONTAINER_FIELDS, lists, strict=True):
        for index, container in numbered(containers):
            yield name, index, container


NO_POD_SPEC = PodSpec()


class PodTemplate(View, frozen=True):
    """Metadata and spec of the pods that a controller makes."""

    metadata: ObjectMeta = NO_METADATA
    spec: PodSpec = NO_POD_SPEC


_NO_TEMPLATE = PodTemplate()


class PodStatus(View, frozen=True):
    """How far a pod is: Pending, Running, Succeeded, Failed."""

    phase: str = ""


_NO_STATUS = PodStatus()


class Pod(KubeObject, frozen=True):
    """A pod."""

    spec: PodSpec = NO_POD_SPEC
    status: PodStatus = _NO_STATUS


class ObjectMetaHolder(View, frozen=True):
    """An object of which only the metadata counts."""

    metadata: ObjectMeta = NO_METADATA


class WorkloadSpec(View, frozen=True):
    """What Deployments, StatefulSets, DaemonSets, Jobs and their kin have in common."""

    replicas: int | None = None
    selector: LabelSelector | None = None
    template: PodTemplate = _NO_TEMPLATE
    strategy: dict[str, Any] = {}
    update_strategy: dict[str, Any] = {}
    service_name: str = ""
    volume_claim_templates: tuple[ObjectMetaHolder, ...] = ()
    ttl_seconds_after_finished: int | None = None


class Workload(KubeObject, frozen=True):
    """A controller whose pod template is at ``spec.template``."""

    spec: WorkloadSpec = WorkloadSpec()


class LooseSelectorSpec(View, frozen=True):
    """As WorkloadSpec, for kinds whose selector is a plain map (ReplicationController, DeploymentConfig)."""

    replicas: int | None = None
    selector: dict[str, str] = {}
    template: PodTemplate = _NO_TEMPLATE


class LooseWorkload(KubeObject, frozen=True):
    """A ReplicationController, DeploymentConfig or Knative Service."""

    spec: LooseSelectorSpec = LooseSelectorSpec()


class JobTemplate(View, frozen=True):
    """The job that a CronJob makes."""

    spec: WorkloadSpec = WorkloadSpec()


class CronJobSpec(View, frozen=True):
    """When and what a CronJob runs."""

    schedule: str = ""
    concurrency_policy: str = ""
    starting_deadline_seconds: int | None = None
    job_template: JobTemplate = JobTemplate()


class CronJob(KubeObject, frozen=True):
    """A CronJob; its pod template is at ``spec.jobTemplate.spec.template``."""

    spec: CronJobSpec = CronJobSpec()


class PodTemplateObject(KubeObject, frozen=True):
    """The PodTemplate kind, whose template is at the top."""

    template: PodTemplate = _NO_TEMPLATE
