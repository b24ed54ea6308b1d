"""Where a component's settings are changed, by distribution and layout, and what makes a change count."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from seawall.analysis.nodes.settings import Setting
from seawall.model.facts import Component, Facts

_RANCHER = {"k3s": "/etc/rancher/k3s/config.yaml", "rke2": "/etc/rancher/rke2/config.yaml"}
_MANAGED = {
    "eks": (
        "the NodeConfig in the user data of the node group's launch template, under spec.kubelet.config",
        "roll the node group out anew: aws eks update-nodegroup-version --cluster-name CLUSTER --nodegroup-name GROUP",
    ),
    "aks": (
        "the node pool's kubelet configuration (az aks nodepool add --kubelet-config FILE), as far as AKS offers it",
        "move the workloads to the new node pool and delete the old one",
    ),
    "gke": (
        "the node pool's system configuration (gcloud container node-pools update --system-config-from-file FILE), "
        "under kubeletConfig, as far as GKE offers it",
        "GKE makes the nodes anew by itself",
    ),
}
_MICROK8S = "/var/snap/microk8s/current/args"
_OPENSHIFT = (
    "OpenShift's operators keep it: a KubeletConfig for the kubelet, the operator's custom resource for the rest",
    "the operators roll the change out",
)
#: Where kubeadm keeps the flags of the programs that it starts, so that an upgrade does not undo a change.
_KUBEADM_SECTIONS = {
    "kube-apiserver": "apiServer",
    "kube-controller-manager": "controllerManager",
    "kube-scheduler": "scheduler",
    "etcd": "etcd.local",
}


class Target(NamedTuple):
    """A place to change: its file and where in it, the lines of a flag there, and where flags stand that count first.

    With ``field`` it is a configuration file with fields; ``managed`` tells that a provider keeps it. ``after`` are
    the commands that make a change count, ``keep`` what else to change so that it lasts.
    """

    file: str
    where: str
    lines: Callable[[str, str], list[str]]
    flags_file: str
    flags_where: str
    after: tuple[str, ...]
    keep: tuple[str, ...] = ()
    field: bool = False
    managed: bool = False


def target_of(facts: Facts, owner: str, setting: Setting) -> Target:
    """Where a setting of a component of this node is changed."""
    component = facts.components[owner]
    if facts.layout in _RANCHER:
        return _rancher(facts, owner)
    if facts.layout == "microk8s":
        file = f"{_MICROK8S}/{owner}"
        restart = ("microk8s stop", "microk8s start")
        return Target(file, "a line of its own", _dashed, file, "the line", restart)
    if facts.layout == "openshift" or (facts.layout in _MANAGED and owner in ("kubelet", "kube-proxy")):
        where, after = _MANAGED.get(facts.layout, _OPENSHIFT)
        return Target("", where, _dashed, "", where, (after,), field=bool(setting.config), managed=True)
    flags = _flags(facts, owner, component)
    if setting.config and (component.config is not None or component.config_path):
        return _field(facts, owner, component, flags)
    return flags


def _dashed(flag: str, value: str) -> list[str]:
    return [f"--{flag}={value}"]


def _rancher(facts: Facts, owner: str) -> Target:
    file = facts.paths.get(f"{facts.layout}.config") or _RANCHER[facts.layout]
    server = "control-plane" in facts.roles or "etcd" in facts.roles
    unit = {"k3s": ("k3s", "k3s-agent"), "rke2": ("rke2-server", "rke2-agent")}[facts.layout][0 if server else 1]
    key = f"{owner}-arg"

    def lines(flag: str, value: str) -> list[str]:
        return [f"{key}:", f'  - "{flag}={value}"']

    where = f"add to the list {key} (make the file if it is not there)"
    return Target(file, where, lines, file, f"out of the list {key}", (f"systemctl restart {unit}",))


def _flags(facts: Facts, owner: str, component: Component) -> Target:
    if component.manifest_path:
        section = _KUBEADM_SECTIONS.get(owner, owner)
        keep = (
            f"kubectl -n kube-system edit configmap kubeadm-config: the same under {section}.extraArgs of the "
            "ClusterConfiguration, or the next kubeadm upgrade undoes it",
        )
        return Target(
            component.manifest_path,
            f"in the command of the container {owner}",
            lambda flag, value: [f"- --{flag}={value}"],
            component.manifest_path,
            f"from the command of the container {owner}",
            (f"the kubelet restarts {owner} by itself when the manifest changes; keep no copy in the same folder",),
            keep if facts.layout == "kubeadm" else (),
        )
    if owner == "kubelet" and facts.layout == "kubeadm":
        file, where = "/etc/default/kubelet", "in KUBELET_EXTRA_ARGS (/etc/sysconfig/kubelet on RPM systems)"
    elif component.unit_path:
        file, where = (component.unit_dropins or (component.unit_path,))[-1], "in ExecStart, or a variable that it uses"
    else:
        file, where = "", f"wherever {owner} is started: no unit and no manifest of it is known"
    flags_where = "from KUBELET_EXTRA_ARGS, or /var/lib/kubelet/kubeadm-flags.env" if "EXTRA_ARGS" in where else where
    return Target(file, where, _dashed, file, flags_where, _restart(owner))


def _field(facts: Facts, owner: str, component: Component, flags: Target) -> Target:
    file, where, after, keep = component.config_path, "", _restart(owner), flags.keep
    if component.dropins:
        where = f"and in any of {', '.join(component.dropins[:5])} that sets it otherwise, as these are read later"
    if owner == "kube-proxy" and facts.layout == "kubeadm":
        file, where = "", "kubectl -n kube-system edit configmap kube-proxy: under config.conf"
        after = ("kubectl -n kube-system rollout restart daemonset kube-proxy",)
        keep = ()
    elif owner == "kubelet" and facts.layout == "kubeadm":
        keep = (
            "kubectl -n kube-system edit configmap kubelet-config: the same, or new nodes and the next kubeadm upgrade "
            "go without it",
        )
    elif component.manifest_path:
        after = flags.after
    return Target(file, where, _dashed, flags.flags_file, flags.flags_where, after, keep, field=True)


def _restart(owner: str) -> tuple[str, ...]:
    unit = "docker" if owner == "dockerd" else owner
    return ("systemctl daemon-reload", f"systemctl restart {unit}")
