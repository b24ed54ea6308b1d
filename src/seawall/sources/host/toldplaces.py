"""Well-known places of a node as its programs themselves name them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from seawall.model.facts import Component
from seawall.sources.host.drafts import Draft


def told_places(drafts: Mapping[str, Draft], found: Mapping[str, Component]) -> dict[str, str]:
    """Well-known places as the programs themselves name them."""
    told: dict[str, str] = {}
    for name, component in found.items():
        for what, path in (
            ("manifest", component.manifest_path),
            ("config", component.config_path),
            ("kubeconfig", component.kubeconfig_path),
            ("binary", component.binary),
        ):
            if path:
                told[f"{name}.{what}"] = path
    kubelet = found.get("kubelet")
    if kubelet is not None:
        ca = drafts["kubelet"].flag("client-ca-file") or _deep(kubelet.config, "authentication", "x509", "clientCAFile")
        _put(told, "kubelet.client-ca", ca)
    etcd = drafts.get("etcd")
    if etcd is not None:
        folder = (
            etcd.flag("data-dir")
            or etcd.environment.get("ETCD_DATA_DIR", "")
            or _deep(found["etcd"].config, "data-dir")
        )
        _put(told, "etcd.data", etcd.on_host(str(folder)) if folder else "")
    apiserver = drafts.get("kube-apiserver")
    if apiserver is not None:
        _put(told, "audit.log", apiserver.on_host(apiserver.flag("audit-log-path")))
        _put(told, "encryption.config", apiserver.on_host(apiserver.flag("encryption-provider-config")))
    if "dockerd" in found:
        _docker_places(told, drafts["dockerd"], found["dockerd"].config)
    if "containerd" in found:
        _containerd_places(told, found["containerd"].config)
    if "crio" in found:
        _put(told, "cni.conf", _deep(found["crio"].config, "crio", "network", "network_dir"))
    return told


def _put(told: dict[str, str], name: str, path: object) -> None:
    if isinstance(path, str) and path.startswith("/"):
        told[name] = posixpath.normpath(path)


def _deep(document: object, *steps: str) -> object:
    for step in steps:
        document = document.get(step) if isinstance(document, dict) else None
    return document


def _docker_places(told: dict[str, str], dockerd: Draft, config: dict[str, Any] | None) -> None:
    for name, setting in (
        *(("docker.tls-ca", "tlscacert"), ("docker.tls-cert", "tlscert"), ("docker.tls-key", "tlskey")),
        ("docker.root", "data-root"),
    ):
        _put(told, name, dockerd.flag(setting) or _deep(config, setting))


def _containerd_places(told: dict[str, str], config: dict[str, Any] | None) -> None:
    _put(told, "containerd.socket", _deep(config, "grpc", "address"))
    plugins = _deep(config, "plugins")
    for plugin in plugins.values() if isinstance(plugins, dict) else ():
        _put(told, "cni.conf", _deep(plugin, "cni", "conf_dir"))
