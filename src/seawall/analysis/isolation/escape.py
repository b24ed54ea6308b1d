"""Whether a pod takes its node: settings by which whoever is in it is root on the node, without any hole.

Sources: the Pod Security Standards' reasons for their baseline, and published escapes (runtime sockets, host paths,
CAP_SYS_ADMIN, CAP_SYS_MODULE, CAP_SYS_PTRACE with the node's processes).
"""

from __future__ import annotations

from collections.abc import Iterator

from seawall.model.kube.pod import Container, PodSpec

#: Host paths by which root on the node is had, by writing or (a socket, keys) by reading.
_SOCKETS = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd",
    "/var/run/containerd",
    "/run/crio",
    "/var/run/crio",
    "/run/k3s/containerd",
    "/var/run",
    "/run",
)
_WRITABLE = (
    "/", "/bin", "/boot", "/dev", "/etc", "/etc/cron.d", "/home", "/lib", "/opt/cni/bin", "/proc", "/root", "/sbin",
    "/sys", "/usr", "/var", "/var/lib", "/var/lib/containerd", "/var/lib/docker", "/var/lib/kubelet",
)  # fmt: skip
_READABLE = (
    "/", "/etc/kubernetes", "/etc/rancher", "/root", "/root/.ssh", "/var/lib/etcd", "/var/lib/kubelet",
    "/var/lib/kubelet/pki", "/var/lib/rancher",
)  # fmt: skip
_RUNTIMES = ("containerd", "crio", "docker", "podman")
_CAPABILITIES = {"SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "DAC_READ_SEARCH", "ALL", "BPF"}


def ways_out(spec: PodSpec) -> Iterator[str]:
    """Each setting of the pod by which its node is taken."""
    walled = spec.host_users is False
    for _, _, container in spec.all_containers():
        context = container.security_context
        if context.privileged or context.windows_options.host_process:
            yield f"container {container.name} is privileged"
            continue
        added = {name.upper().removeprefix("CAP_") for name in context.capabilities.add}
        wanted = _CAPABILITIES | ({"SYS_PTRACE"} if spec.host_pid else set())
        never_root = _is_never_root(spec, container)
        if not walled and not never_root and added & wanted:
            yield f"container {container.name} has {', '.join(sorted(added & wanted))}"
        yield from _mounts(spec, container, never_root)


def _is_never_root(spec: PodSpec, container: Container) -> bool:
    """Whether no process of it is or comes to be root: added capabilities are then of no use, nor root's files."""
    own, pod = container.security_context, spec.security_context
    user = own.run_as_user if own.run_as_user is not None else pod.run_as_user
    non_root = own.run_as_non_root if own.run_as_non_root is not None else pod.run_as_non_root
    return own.allow_privilege_escalation is False and user != 0 and (user is not None or non_root is True)


def _mounts(spec: PodSpec, container: Container, never_root: bool) -> Iterator[str]:
    paths = {v.name: v.host_path.path.rstrip("/") or "/" for v in spec.volumes if v.host_path is not None}
    for mount in container.volume_mounts:
        path = paths.get(mount.name)
        if path is None:
            continue
        if path in _SOCKETS or (path.endswith(".sock") and any(word in path for word in _RUNTIMES)):
            yield f"container {container.name} has the runtime's socket by {path}"
        elif never_root:
            continue
        elif path in _READABLE or (path in _WRITABLE and not mount.read_only):
            yield f"container {container.name} has {path} of the node"


def way_out(spec: PodSpec) -> str:
    """The first of them; empty where there is none."""
    return next(ways_out(spec), "")
