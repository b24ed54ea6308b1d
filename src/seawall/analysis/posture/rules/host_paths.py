"""Volumes that are, or reach into, files of the node."""

from __future__ import annotations

import posixpath
from functools import lru_cache
from typing import TYPE_CHECKING

from seawall.analysis.posture.picks import has_odd_mounts, has_odd_volumes, odd_mounts, odd_volumes
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container, PodTemplate
    from seawall.model.rule import Context

_VOLUMES = "https://kubernetes.io/docs/concepts/storage/volumes/"
_HOST_PATH = f"{_VOLUMES}#hostpath"

#: Paths of a node that hold what it is made of or what it keeps secret, and how bad it is to have them.
_SENSITIVE = {
    "/": Severity.CRITICAL,
    "/boot": Severity.HIGH,
    "/dev": Severity.HIGH,
    "/etc": Severity.HIGH,
    "/etc/kubernetes": Severity.CRITICAL,
    "/home": Severity.HIGH,
    "/lib": Severity.HIGH,
    "/proc": Severity.HIGH,
    "/root": Severity.HIGH,
    "/run": Severity.CRITICAL,
    "/sys": Severity.HIGH,
    "/usr": Severity.HIGH,
    "/var": Severity.CRITICAL,
    "/var/lib": Severity.CRITICAL,
    "/var/lib/containerd": Severity.HIGH,
    "/var/lib/docker": Severity.HIGH,
    "/var/lib/etcd": Severity.CRITICAL,
    "/var/lib/kubelet": Severity.CRITICAL,
    "/var/run": Severity.CRITICAL,
}
#: Directories of which every part is as bad as the whole.
_SENSITIVE_BELOW = (
    "/boot",
    "/etc/cron.d",
    "/etc/kubernetes",
    "/etc/rancher",
    "/etc/ssh",
    "/etc/sudoers.d",
    "/etc/systemd",
    "/root",
    "/var/lib/etcd",
    "/var/lib/kubelet/pki",
    "/var/lib/kubelet/pods",
    "/var/lib/rancher",
    "/var/spool/cron",
)
_FILES = """
/dev/kmem /dev/mem /dev/port /dev/sda /dev/nvme0n1 /dev/vda /dev/xvda /etc/crontab /etc/passwd /etc/shadow
/etc/sudoers /proc/kcore /proc/sysrq-trigger /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeconfig
"""
_SENSITIVE_FILES = frozenset(_FILES.split())
#: Containers of the control plane, which mount its files by their nature.
_CONTROL_PLANE = frozenset(("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"))
#: Parts of file paths where cloud providers' tools keep credentials.
_CLOUD_CREDENTIALS = (
    "/.aws",
    "/.azure",
    "/.config/gcloud",
    "/.oci",
    "/etc/kubernetes/azure.json",
    "/etc/kubernetes/cloud.conf",
    "/etc/kubernetes/cloud-config",
    "/gcloud/application_default_credentials.json",
)


@rule(
    "sensitive-host-path",
    title="Directory of the node that must not be shared mounted",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="pod",
    why="These paths hold the node's programs, settings, devices, credentials or other pods' data: to read them is to "
    "read its keys, to write them is to own it.",
    remediation="Remove the volume, or mount the one file below it that is needed, read-only.",
    controls="cis8-11:5.2.12 cis12:5.2.11 mitre-attack:T1611 mitre-attack:T1552.001",
    aliases="KSV-0121 C-0048 kube-linter:sensitive-host-mounts",
    references=(_HOST_PATH,),
    notes="Critical for /, /etc/kubernetes, /run, /var and the data of the kubelet and etcd. The control plane's "
    "own pods in kube-system mount its files by their nature and are left out.",
    when=has_odd_volumes,
)
def sensitive_host_path(pod: PodTemplate, ctx: Context) -> Hits:
    if ctx.resource.ref.namespace == "kube-system" and any(c.name in _CONTROL_PLANE for c in pod.spec.containers):
        return
    for i, volume in odd_volumes(pod.spec.volumes):
        if volume.host_path is not None:
            severity = _sensitivity(volume.host_path.path)
            if severity is not None:
                message = f"volume {volume.name!r} mounts {volume.host_path.path!r} of the node"
                yield Hit(message, f"spec.volumes[{i}].hostPath.path", severity=severity)


@lru_cache(maxsize=1024)
def _sensitivity(path: str) -> Severity | None:
    clean = normal_path(path)
    known = _SENSITIVE.get(clean)
    if known is not None:
        return known
    if clean in _SENSITIVE_FILES or is_below(clean, _SENSITIVE_BELOW):
        return Severity.CRITICAL if is_below(clean, ("/etc/kubernetes", "/var/lib/etcd")) else Severity.HIGH
    return None


def normal_path(path: str) -> str:
    """A path of a node without dots and doubled slashes."""
    return "/" + posixpath.normpath(path).lstrip("/")


def is_below(path: str, folders: tuple[str, ...]) -> bool:
    """Whether a normal path is one of these folders or in one."""
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


@rule(
    "cloud-credentials-mounted",
    title="Cloud credentials of the node mounted",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="pod",
    why="The file holds a key to the cloud account: an attacker in the pod goes on with the node's or a person's "
    "rights outside the cluster.",
    remediation="Remove the volume; give the workload an identity of its own through its service account.",
    controls="mitre-attack:T1552.001",
    aliases="C-0020",
    references=(_HOST_PATH,),
    when=has_odd_volumes,
)
def cloud_credentials_mounted(pod: PodTemplate, ctx: Context) -> Hits:
    for i, volume in odd_volumes(pod.spec.volumes):
        if volume.host_path is not None:
            path = f"{normal_path(volume.host_path.path)}/"
            if any(f"{part}/" in path for part in _CLOUD_CREDENTIALS):
                message = f"volume {volume.name!r} mounts cloud credentials, {volume.host_path.path!r}"
                yield Hit(message, f"spec.volumes[{i}].hostPath.path")


@rule(
    "writable-host-path",
    title="Path of the node mounted for writing",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="What the container writes stays on the node and is read there by other programs, often as root: an attacker "
    "leaves a job, a key or a program and is back after the pod is gone.",
    remediation="Set readOnly: true on the mount, or use a volume that belongs to the pod.",
    controls="mitre-attack:T1611 mitre-attack:T1543",
    aliases="C-0045 kube-linter:writable-host-mount kyverno:ensure-readonly-hostpath",
    references=(_HOST_PATH,),
    notes="High for the paths of sensitive-host-path. Sockets are left out: readOnly does not hold them.",
)
def writable_host_path(c: Container, ctx: Context) -> Hits:
    paths = _host_paths(ctx) if c.volume_mounts else {}
    if not paths:
        return
    for i, mount in numbered(c.volume_mounts):
        path = paths.get(mount.name)
        if path is not None and not mount.read_only and not path.endswith(".sock"):
            severity = Severity.HIGH if _sensitivity(path) else None
            yield Hit(
                f"container {c.name!r} may write to {path!r} of the node", f"volumeMounts[{i}]", severity=severity
            )


_NO_PATHS: dict[str, str] = {}


def _host_paths(ctx: Context) -> dict[str, str]:
    """The paths of the pod's hostPath volumes by volume name."""
    volumes = odd_volumes(ctx.pod.spec.volumes)
    if not volumes:
        return _NO_PATHS
    return {volume.name: volume.host_path.path for _, volume in volumes if volume.host_path is not None}


@rule(
    "mount-propagation",
    title="Mounts of the container appear on the node",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="With Bidirectional propagation what the container mounts is mounted on the node and in other pods that share "
    "the volume: an attacker puts files over the node's own.",
    remediation="Remove mountPropagation; HostToContainer shows the container what the node mounts.",
    controls="mitre-attack:T1611",
    references=(f"{_VOLUMES}#mount-propagation",),
    when=has_odd_mounts,
)
def mount_propagation(c: Container, ctx: Context) -> Hits:
    for i, mount in odd_mounts(c.volume_mounts):
        if mount.mount_propagation == "Bidirectional":
            message = f"container {c.name!r} passes its mounts below {mount.mount_path!r} on to the node"
            yield Hit(message, f"volumeMounts[{i}].mountPropagation")


@rule(
    "sub-path-traversal",
    title="Mount that leads out of its volume",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="A subPath with .. or a leading slash aims at files beside the volume, which are the node's; the API server "
    "refuses it, so it stands there by mistake or as an attempt.",
    remediation="Write subPath relative to the volume and without dots.",
    controls="mitre-attack:T1611",
    references=(f"{_VOLUMES}#using-subpath", "https://github.com/kubernetes/kubernetes/issues/60813"),
    when=has_odd_mounts,
)
def sub_path_traversal(c: Container, ctx: Context) -> Hits:
    for i, mount in odd_mounts(c.volume_mounts):
        if mount.sub_path or mount.sub_path_expr:
            for field, path in (("subPath", mount.sub_path), ("subPathExpr", mount.sub_path_expr)):
                if path.startswith("/") or ".." in path.split("/"):
                    yield Hit(f"container {c.name!r} mounts {path!r} of a volume", f"volumeMounts[{i}].{field}")


@rule(
    "git-repo-volume",
    title="Volume cloned from a Git repository by the node",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="pod",
    why="The node runs git as root on a repository of the manifest's choice; its hooks run there too (CVE-2024-10220).",
    remediation="Clone in an init container into an emptyDir.",
    controls="mitre-attack:T1611",
    references=(f"{_VOLUMES}#gitrepo", "https://nvd.nist.gov/vuln/detail/CVE-2024-10220"),
    when=has_odd_volumes,
)
def git_repo_volume(pod: PodTemplate, ctx: Context) -> Hits:
    for i, volume in odd_volumes(pod.spec.volumes):
        if volume.git_repo is not None:
            yield Hit(f"volume {volume.name!r} is cloned by the node", f"spec.volumes[{i}].gitRepo")


@rule(
    "flex-volume",
    title="Volume of a FlexVolume driver",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="pod",
    why="FlexVolume drivers are programs that the kubelet runs as root with parameters of the pod's choice; several "
    "were ways to own the node, and none is kept up.",
    remediation="Use a CSI driver.",
    controls="mitre-attack:T1611",
    references=(f"{_VOLUMES}#flexvolume",),
    when=has_odd_volumes,
)
def flex_volume(pod: PodTemplate, ctx: Context) -> Hits:
    for i, volume in odd_volumes(pod.spec.volumes):
        if volume.flex_volume is not None:
            driver = volume.flex_volume.get("driver", "")
            yield Hit(f"volume {volume.name!r} is of the FlexVolume driver {driver!r}", f"spec.volumes[{i}].flexVolume")
