"""The configuration that each program reads, by its flags or where it looks unasked; and what flags name further."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from functools import partial

from seawall.sources.host import configs
from seawall.sources.host.drafts import Draft, Site
from seawall.sources.host.root import HostError, Root
from seawall.sources.host.scrub import scrub_document

_PODS = "/var/lib/kubelet/pods"


def read_program_config(site: Site, found: Draft, paths: Mapping[str, str]) -> configs.Config:
    """The configuration file that a program reads, by its flags or by where it looks unasked."""
    root, problems, name = site.root, site.problems, found.name
    fact = f"components.{name}.config"
    if name == "containerd":
        path = found.flag("config") or paths.get("containerd.config", "/etc/containerd/config.toml")
        return _if_any(root, path, "", partial(configs.read_containerd, root, path, fact, problems))
    if name == "crio":
        path = found.flag("config") or "/etc/crio/crio.conf"
        folder = found.flag("config-dir") or "/etc/crio/crio.conf.d"
        read = partial(configs.read_config, root, path, configs.parse_toml, fact, problems, ((folder, "*"),))
        return _if_any(root, path, folder, read)
    if name == "dockerd":
        path = found.flag("config-file") or "/etc/docker/daemon.json"
        read = partial(configs.read_config, root, path, configs.parse_json, fact, problems)
        return _if_any(root, path, "", read)
    if name in ("k3s", "rke2"):
        path = found.flag("config") or found.environment.get(f"{name.upper()}_CONFIG_FILE", "")
        path = path or f"/etc/rancher/{name}/config.yaml"
        folders = ((f"{path}.d", "*.yaml"), (f"{path}.d", "*.yml"))
        read = partial(configs.read_config, root, path, configs.parse_yaml, fact, problems, folders, configs.merge_k3s)
        return _if_any(root, path, f"{path}.d", read)
    return _of_kubernetes(site, found, paths, fact)


def _of_kubernetes(site: Site, found: Draft, paths: Mapping[str, str], fact: str) -> configs.Config:
    path = found.flag("config-file" if found.name == "etcd" else "config")
    folder = found.flag("config-dir") if found.name == "kubelet" else ""
    if found.name == "kubelet" and found.seen_in == "config" and not path and not folder:
        # Nothing tells how it is started: its layout does.
        known = paths.get("kubelet.config", "")
        folder = posixpath.dirname(known) if known.endswith(".conf") and ".conf.d/" in known else ""
        path = "" if folder else known
        if folder and not _names(site.root, folder):
            return configs.Config(None, "")
        if path and not is_there(site.root, path):
            return configs.Config(None, "")
    if found.name not in ("kubelet", "kube-proxy", "kube-scheduler", "etcd") or not (path or folder):
        return configs.Config(None, "")
    path = of_pod(site, found, path) if path else ""
    folders = ((found.on_host(folder), "*.conf"),) if folder else ()
    if not path:
        members = [f"{folder}/{each}" for each in _names(site.root, folder) if each.endswith(".conf")]
        if not members:
            return configs.Config(None, "")
        path = members[0]
    return configs.read_config(site.root, path, configs.parse_yaml, fact, site.problems, folders)


def of_pod(site: Site, found: Draft, path: str) -> str:
    """A file of a program on the host: by its static pod's mounts, or among the volumes of the pod that it runs in."""
    if not path:
        return ""
    mapped = found.on_host(path)
    if found.process is None or not found.process.pod or mapped != path:
        return mapped
    volumes = f"{_PODS}/{found.process.pod}/volumes/kubernetes.io~configmap"
    for volume in _names(site.root, volumes):
        candidate = f"{volumes}/{volume}/{posixpath.basename(path)}"
        if is_there(site.root, candidate):
            return candidate
    return mapped


def _if_any(root: Root, path: str, folder: str, read: Callable[[], configs.Config]) -> configs.Config:
    """A configuration that a program does without: read where the file is there, or the folder holds any."""
    return read() if is_there(root, path) or _names(root, folder) else configs.Config(None, "")


def is_there(root: Root, path: str) -> bool:
    """Whether something stands at a path; also where it may not be looked at."""
    if not path:
        return False
    try:
        root.entry(path)
    except HostError as error:
        return "not there" not in str(error)
    return True


def _names(root: Root, folder: str) -> list[str]:
    try:
        return root.names(folder) if folder else []
    except HostError:
        return []


def named_documents(site: Site, apiserver: Draft) -> dict[str, object]:
    """The further files that flags of the API server name, by the path that the flag gives."""
    found: dict[str, object] = {}
    for flag in (
        *("encryption-provider-config", "audit-policy-file", "authentication-config", "authorization-config"),
        *("admission-control-config-file", "egress-selector-config-file", "tracing-config-file"),
    ):
        path = apiserver.flag(flag)
        if not path.startswith("/"):
            continue
        where = apiserver.on_host(path)
        try:
            found[path] = scrub_document(configs.parse_yaml(site.root.read(where)))
        except HostError as error:
            site.problems.add(f"documents.{path}", f"{where} {error}")
    return found
