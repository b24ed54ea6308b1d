"""Collecting everything about a host into one document."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from seawall.model.facts import FACTS_SCHEMA, Component, Facts, HostPackage
from seawall.sources.host import components, kernel
from seawall.sources.host.accounts import read_accounts
from seawall.sources.host.components import Draft, Site
from seawall.sources.host.docker import read_docker
from seawall.sources.host.files import SYSTEM, TREES, Files, configured_files, named_files
from seawall.sources.host.layouts import Found, Signs, detect, places
from seawall.sources.host.network import listeners
from seawall.sources.host.problems import Problems
from seawall.sources.host.processes import Proc, processes
from seawall.sources.host.root import Root
from seawall.sources.host.sshd import read_sshd
from seawall.sources.host.staticpods import StaticPod, static_pods

#: Lists the packages of a host; None where it has no list of a known kind.
Packages = Callable[[Root, Problems], Iterable[HostPackage] | None]
#: What the running kubelet says of its settings (None: nothing), and its version.
Configz = Callable[[Problems], tuple[dict[str, Any] | None, str]]

_CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


def collect(
    root: Root,
    now: str,
    tool: str,
    packages: Packages | None = None,
    configz: Configz | None = None,
    proc_folder: str | None = None,
) -> Facts:
    """The facts of a host. What cannot be had is told in ``problems``; nothing of the host is ever run or changed.

    ``now`` is the time in RFC 3339, ``proc_folder`` the host's /proc where that is not below the root.

    Raises:
        HostError: ``proc_folder`` cannot be opened.
    """
    problems = Problems()
    proc = Proc(root, proc_folder)
    if not proc.is_there:
        problems.add("processes", "there is no /proc below the root: name the host's with --proc")
        problems.add("sysctls", "there is no /proc below the root: name the host's with --proc")
    try:
        return _collect(Site(root, proc, problems), now, tool, packages, configz)
    finally:
        proc.close()


def _collect(site: Site, now: str, tool: str, packages: Packages | None, configz: Configz | None) -> Facts:
    root, proc, problems = site
    running = processes(proc, components.PROGRAMS, problems)
    by_program = components.by_program(running, problems)
    units = components.find_units(site)
    words = {name: process.argv for name, process in by_program.items()}
    layout = detect(Signs(root, words, problems))
    paths = places(root, layout.layout)
    drafts = _drafts(site, layout, by_program, units, paths)
    found = {name: components.complete(site, each, paths) for name, each in drafts.items()}
    if "kubelet" in found and configz is not None:
        settings, version = configz(problems)
        found["kubelet"] = msgspec.structs.replace(found["kubelet"], configz=settings, version=version)
    paths = {**paths, **_told_places(drafts, found)}
    accounts, names = read_accounts(root, problems)
    sysctls = kernel.sysctls(proc, problems)
    files = Files(root, names, problems)
    _look(files, layout, paths, drafts, found)
    for folder, count in root.unnamed.items():
        problems.add(f"files.{folder}", f"{folder} holds {count} names that are no text; they were not looked at")
    listed = None if packages is None else packages(root, problems)
    installed = None if listed is None else tuple(listed)
    apiserver = drafts.get("kube-apiserver")
    return Facts(
        schema=FACTS_SCHEMA,
        tool=tool,
        collected=now,
        root=root.path,
        host=kernel.host(root, proc),
        layout=layout.name,
        layout_evidence=layout.evidence,
        roles=_roles(found),
        kubernetes_version=_version(found, installed),
        paths=paths,
        components=found,
        files=dict(sorted(files.found.items())),
        absent=tuple(sorted(files.absent)),
        documents={} if apiserver is None else components.named_documents(site, apiserver),
        sysctls=sysctls,
        mounts=kernel.mounts(proc, problems),
        listeners=listeners(proc, running, problems),
        accounts=accounts,
        sshd=read_sshd(root, problems),
        packages=installed,
        security=kernel.security(root, proc, sysctls, problems),
        modules=kernel.modules(proc),
        docker=read_docker(root, problems, "dockerd" in found),
        problems=problems.all(),
    )


def _drafts(
    site: Site, found: Found, by_program: Mapping[str, Any], units: Mapping[str, Any], paths: Mapping[str, str]
) -> dict[str, Draft]:
    """All programs of the cluster on the host."""
    drafts: dict[str, Draft] = {}
    kubelet = components.draft(site, "kubelet", by_program, units, {})
    if kubelet is None and components.is_there(site.root, paths.get("kubelet.config", "")) and not found.layout.embeds:
        kubelet = Draft("kubelet", "config", {})
    pods: dict[str, StaticPod] = {}
    for pod in static_pods(site.root, _manifest_folders(site, found, kubelet, paths), site.problems):
        pods.setdefault(pod.program, pod)
    for name in components.UNITS:
        each = kubelet if name == "kubelet" else components.draft(site, name, by_program, units, pods)
        if each is not None:
            drafts[name] = each
    if found.layout.embeds:
        own = drafts.get(found.name, Draft(found.name, "config", {}))
        config = components.read_program_config(site, own, paths).document or {}
        drafts.setdefault(found.name, own)
        for each in components.embedded(found, config, own.argv):
            drafts.setdefault(each.name, each)
    if found.layout.arguments:
        for each in components.written_arguments(site, found.layout.arguments):
            drafts.setdefault(each.name, each)
    return drafts


def _manifest_folders(site: Site, found: Found, kubelet: Draft | None, paths: Mapping[str, str]) -> tuple[str, ...]:
    folders = list(found.layout.manifests)
    if kubelet is not None:
        named = kubelet.flag("pod-manifest-path")
        document = components.read_program_config(site, kubelet, paths).document or {}
        configured = document.get("staticPodPath")
        folders += [each for each in (named, configured) if isinstance(each, str) and each.startswith("/")]
    return tuple(dict.fromkeys(posixpath.normpath(folder) for folder in (*folders, "/etc/kubernetes/manifests")))


def _told_places(drafts: Mapping[str, Draft], found: Mapping[str, Component]) -> dict[str, str]:
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


def _look(
    files: Files,
    found: Found,
    paths: Mapping[str, str],
    drafts: Mapping[str, Draft],
    complete: Mapping[str, Component],
) -> None:
    """Look at every file that a benchmark may name."""
    files.look_at_all(SYSTEM)
    for folder in (*TREES, *found.layout.trees, *(paths[name] for name in ("pki", "cni.conf") if name in paths)):
        files.look_within(folder)
    files.look_at_all(path for candidates in found.layout.paths.values() for path in candidates)
    files.look_at_all(paths.values())
    for name, component in complete.items():
        for path in named_files(drafts[name].flags):
            files.look(drafts[name].on_host(path), path)
        for path in configured_files(component.config):
            files.look(path)
        files.look_at_all(path for path in (component.unit_path, *component.unit_dropins, *component.dropins) if path)
        unit = drafts[name].unit
        files.look_at_all(unit.files if unit is not None else ())
    for sockets in ("/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/k3s/containerd/containerd.sock"):
        files.look(sockets)


def _roles(found: Mapping[str, Component]) -> tuple[str, ...]:
    roles = []
    if any(name in found for name in _CONTROL_PLANE):
        roles.append("control-plane")
    if "etcd" in found:
        roles.append("etcd")
    if "kubelet" in found:
        roles.append("worker")
    if "dockerd" in found:
        roles.append("docker-host")
    return tuple(roles)


def _version(found: Mapping[str, Component], installed: tuple[HostPackage, ...] | None) -> str:
    """The version of Kubernetes: what the kubelet itself says, an image of the control plane, or a package."""
    for name in ("kubelet", *_CONTROL_PLANE, "kube-proxy"):
        if name in found and found[name].version:
            return found[name].version
    for package in installed or ():
        if package.name in ("kubelet", "k3s", "rke2", "kubernetes-node"):
            return f"v{package.version.partition(':')[2] or package.version}".partition("-")[0].partition("~")[0]
    return ""
