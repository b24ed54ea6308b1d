"""Which paths of a node are as good as the node, or as its secrets, to whoever can read or write there.

Sources: KubeHound's EXPLOIT_HOST_* edges; the layout of kubeadm (documentation, "PKI certificates"); hier(7).
"""

from __future__ import annotations

import posixpath

#: Writing below, or to a directory above, lets one start a program as root of the node.
_RUN_FROM = (
    "/bin", "/boot", "/etc/cni", "/etc/containerd", "/etc/cron.d", "/etc/cron.daily", "/etc/cron.hourly",
    "/etc/crontab", "/etc/docker", "/etc/kubernetes/manifests", "/etc/ld.so.preload", "/etc/passwd", "/etc/profile.d",
    "/etc/rancher", "/etc/shadow", "/etc/sudoers", "/etc/sudoers.d", "/etc/systemd", "/lib", "/lib64", "/opt/cni/bin",
    "/proc/sys/kernel", "/root", "/sbin", "/usr/bin", "/usr/lib", "/usr/libexec", "/usr/local/bin", "/usr/local/sbin",
    "/usr/sbin", "/var/lib/containerd", "/var/lib/docker", "/var/lib/kubelet/config.yaml",
    "/var/lib/kubelet/plugins", "/var/lib/kubelet/pods", "/var/lib/rancher", "/var/spool/cron",
)  # fmt: skip
#: Reading below, or of a directory above, gives the kubelet's credentials.
_KUBELET_KEYS = (
    "/etc/kubernetes/kubelet.conf", "/var/lib/kubelet/pki", "/var/lib/kubelet/kubeconfig", "/etc/rancher/node",
    "/var/lib/rancher/k3s/agent", "/var/lib/rancher/rke2/agent",
)  # fmt: skip
#: The same for the keys of the control plane, on a node of it.
_CLUSTER_KEYS = (
    "/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf", "/etc/kubernetes/controller-manager.conf",
    "/etc/kubernetes/pki", "/etc/rancher/k3s", "/etc/rancher/rke2", "/var/lib/rancher/k3s/server",
    "/var/lib/rancher/rke2/server",
)  # fmt: skip
_TOKENS = ("/var/lib/kubelet/pods",)
_ETCD = ("/var/lib/etcd", "/var/lib/rancher/k3s/server/db", "/var/lib/rancher/rke2/server/db")
_LOGS = ("/var/log", "/var/log/pods", "/var/log/containers")
_CORE_PATTERN = ("/proc/sys/kernel/core_pattern",)
#: Sockets of container runtimes, by the step that they make.
SOCKETS = {
    "runtime-socket-docker": ("/run/docker.sock", "/run/docker/docker.sock"),
    "runtime-socket-containerd": ("/run/containerd/containerd.sock", "/run/k3s/containerd/containerd.sock"),
    "runtime-socket-crio": ("/run/crio/crio.sock",),
}


def normal(path: str) -> str:
    """An absolute path without detours; /var/run is /run."""
    clean = posixpath.normpath("/" + path.lstrip("/"))
    return "/run" + clean.removeprefix("/var/run") if clean == "/var/run" or clean.startswith("/var/run/") else clean


def _touches(path: str, places: tuple[str, ...], below: bool = True) -> bool:
    """Whether a path is one of the places, above one, or (with ``below``) inside one."""
    top = "/" if path == "/" else f"{path}/"
    return any(place == path or place.startswith(top) or (below and path.startswith(f"{place}/")) for place in places)


def runs_programs(path: str) -> bool:
    """Whether writing there makes the node run a program. What is inside /var/lib/kubelet/pods is of one pod."""
    inside_pods = path.startswith("/var/lib/kubelet/pods/")
    return _touches(path, _RUN_FROM) and not inside_pods


def has_kubelet_keys(path: str) -> bool:
    """Whether the kubelet's credentials are there."""
    return _touches(path, _KUBELET_KEYS)


def has_cluster_keys(path: str) -> bool:
    """Whether keys of the control plane are there, on its nodes."""
    return _touches(path, _CLUSTER_KEYS)


def has_tokens(path: str) -> bool:
    """Whether the tokens of the node's pods are there."""
    return _touches(path, _TOKENS, below=False)


def has_etcd(path: str) -> bool:
    """Whether etcd's data is there, on nodes of the control plane."""
    return _touches(path, _ETCD)


def has_logs(path: str) -> bool:
    """Whether links made there are followed by who reads logs through the kubelet."""
    return _touches(path, _LOGS, below=False)


def has_core_pattern(path: str) -> bool:
    """Whether the kernel's core_pattern can be written there."""
    return _touches(path, _CORE_PATTERN, below=False)


def sockets(path: str) -> list[str]:
    """The steps that sockets make which are there."""
    return [step for step, places in SOCKETS.items() if _touches(path, places, below=False)]
