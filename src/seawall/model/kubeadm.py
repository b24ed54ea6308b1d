"""Programs as kubeadm starts them: the flags of its configuration on top of those that it sets by itself.

Source: kubeadm's manifests (app/phases/controlplane, app/phases/etcd), and the references of its v1beta3 and v1beta4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seawall.model.paths import Path
from seawall.model.programs import APISERVER, CONTROLLER_MANAGER, ETCD, KUBELET, SCHEDULER, Flag, Program, read_version

if TYPE_CHECKING:
    from seawall.model.kube.components import ExtraArgs, KubeadmConfiguration
    from seawall.model.version import KubernetesVersion

_PKI = "/etc/kubernetes/pki"
#: What kubeadm sets unless it is told otherwise.
_IMPLIED = {
    APISERVER: {
        "authorization-mode": "Node,RBAC",
        "client-ca-file": f"{_PKI}/ca.crt",
        "enable-admission-plugins": "NodeRestriction",
        "etcd-cafile": f"{_PKI}/etcd/ca.crt",
        "etcd-certfile": f"{_PKI}/apiserver-etcd-client.crt",
        "etcd-keyfile": f"{_PKI}/apiserver-etcd-client.key",
        "kubelet-client-certificate": f"{_PKI}/apiserver-kubelet-client.crt",
        "kubelet-client-key": f"{_PKI}/apiserver-kubelet-client.key",
        "service-account-key-file": f"{_PKI}/sa.pub",
        "tls-cert-file": f"{_PKI}/apiserver.crt",
        "tls-private-key-file": f"{_PKI}/apiserver.key",
    },
    CONTROLLER_MANAGER: {
        "bind-address": "127.0.0.1",
        "root-ca-file": f"{_PKI}/ca.crt",
        "service-account-private-key-file": f"{_PKI}/sa.key",
        "use-service-account-credentials": "true",
    },
    SCHEDULER: {"bind-address": "127.0.0.1"},
    ETCD: {
        "cert-file": f"{_PKI}/etcd/server.crt",
        "client-cert-auth": "true",
        "key-file": f"{_PKI}/etcd/server.key",
        "peer-cert-file": f"{_PKI}/etcd/peer.crt",
        "peer-client-cert-auth": "true",
        "peer-key-file": f"{_PKI}/etcd/peer.key",
        "peer-trusted-ca-file": f"{_PKI}/etcd/ca.crt",
        "trusted-ca-file": f"{_PKI}/etcd/ca.crt",
    },
    KUBELET: {},
}


def kubeadm_programs(view: KubeadmConfiguration, kind: str) -> Iterator[Program]:
    """The programs that a kubeadm configuration starts, with paths from the object.

    Raises:
        InvalidField: a field that names flags could not be read.
    """
    if kind == "ClusterConfiguration":
        version = read_version(view.kubernetes_version)
        for name, component, field in (
            (APISERVER, view.api_server, "apiServer"),
            (CONTROLLER_MANAGER, view.controller_manager, "controllerManager"),
            (SCHEDULER, view.scheduler, "scheduler"),
        ):
            yield _program(name, component.extra_args, (field, "extraArgs"), version)
        if view.etcd.external is None:
            local = view.etcd.local.extra_args if view.etcd.local is not None else None
            yield _program(ETCD, local, ("etcd", "local", "extraArgs"))
    else:
        path = ("nodeRegistration", "kubeletExtraArgs")
        yield _program(KUBELET, view.node_registration.kubelet_extra_args, path)


def _program(name: str, extra: ExtraArgs | None, path: Path, version: KubernetesVersion | None = None) -> Program:
    flags: dict[str, list[Flag]] = {}
    for key, value, steps in _given(extra):
        flags.setdefault(key.lstrip("-").replace("_", "-"), []).append(Flag(value, (*path, *steps)))
    if name == KUBELET:
        flags.setdefault("config", []).append(Flag("/var/lib/kubelet/config.yaml", path))
    return Program(name, flags, path, implied=_IMPLIED[name], version=version)


def _given(extra: ExtraArgs | None) -> Iterator[tuple[str, str, Path]]:
    if isinstance(extra, dict):
        yield from ((key, _word(value), (key,)) for key, value in extra.items())
    elif extra is not None:
        for index, item in enumerate(extra):
            yield str(item.get("name", "")), _word(item.get("value")), (index, "value")


def _word(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
