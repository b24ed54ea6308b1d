"""Collecting everything about a host into one document."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from seawall.model.facts import FACTS_SCHEMA, Component, Facts, HostPackage
from seawall.sources.host import components, kernel
from seawall.sources.host.accounts import read_accounts
from seawall.sources.host.docker import read_docker
from seawall.sources.host.drafts import Draft, Site
from seawall.sources.host.files import SYSTEM, TREES, Files, configured_files, named_files
from seawall.sources.host.layouts import Found, Signs, detect, places
from seawall.sources.host.network import listeners
from seawall.sources.host.problems import Problems
from seawall.sources.host.processes import Proc, Process, processes
from seawall.sources.host.programconfig import is_there, named_documents, read_program_config
from seawall.sources.host.root import Root
from seawall.sources.host.sshd import read_sshd
from seawall.sources.host.staticpods import StaticPod, static_pods
from seawall.sources.host.toldplaces import told_places
from seawall.sources.host.units import Unit
from seawall.sources.host.versions import kubernetes_version

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
    layout, paths, drafts = _programs(site, components.by_program(running, problems))
    found = {name: components.complete(site, each, paths) for name, each in drafts.items()}
    if "kubelet" in found and configz is not None:
        settings, version = configz(problems)
        found["kubelet"] = msgspec.structs.replace(found["kubelet"], configz=settings, version=version)
    paths = {**paths, **told_places(drafts, found)}
    accounts, names = read_accounts(root, problems)
    files = Files(root, names, problems)
    _look(files, layout, paths, drafts, found)
    listed = None if packages is None else packages(root, problems)
    installed = None if listed is None else tuple(listed)
    apiserver = drafts.get("kube-apiserver")
    facts = Facts(
        schema=FACTS_SCHEMA,
        tool=tool,
        collected=now,
        root=root.path,
        host=kernel.host(root, proc),
        layout=layout.name,
        layout_evidence=layout.evidence,
        roles=_roles(found),
        kubernetes_version=kubernetes_version(site, drafts, found, installed),
        paths=paths,
        components=found,
        files=dict(sorted(files.found.items())),
        absent=tuple(sorted(files.absent)),
        documents={} if apiserver is None else named_documents(site, apiserver),
        accounts=accounts,
        packages=installed,
    )
    return _with_system(site, facts, running)


def _with_system(site: Site, facts: Facts, running: list[Process]) -> Facts:
    """The facts with those of the system below the cluster's programs, and all problems."""
    root, proc, problems = site
    sysctls = kernel.sysctls(proc, problems)
    whole = msgspec.structs.replace(
        facts,
        sysctls=sysctls,
        mounts=kernel.mounts(proc, problems),
        listeners=listeners(proc, running, problems),
        sshd=read_sshd(root, problems),
        security=kernel.security(root, proc, sysctls, problems),
        modules=kernel.modules(proc),
        docker=read_docker(root, problems, "dockerd" in facts.components),
    )
    for folder, count in root.unnamed.items():
        problems.add(f"files.{folder}", f"{folder} holds {count} names that are no text; they were not looked at")
    return msgspec.structs.replace(whole, problems=problems.all())


def _programs(site: Site, by_program: Mapping[str, Process]) -> tuple[Found, dict[str, str], dict[str, Draft]]:
    """The layout, its places, and all programs of the cluster on the host."""
    units = components.find_units(site)
    words = {name: process.argv for name, process in by_program.items()}
    layout = detect(Signs(site.root, words, site.problems))
    paths = places(site.root, layout.layout)
    return layout, paths, _drafts(site, layout, by_program, units, paths)


def _drafts(
    site: Site, found: Found, by_program: Mapping[str, Process], units: Mapping[str, Unit], paths: Mapping[str, str]
) -> dict[str, Draft]:
    drafts: dict[str, Draft] = {}
    kubelet = components.draft(site, "kubelet", by_program, units, {})
    if kubelet is None and is_there(site.root, paths.get("kubelet.config", "")) and not found.layout.embeds:
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
        config = read_program_config(site, own, paths).document or {}
        drafts.setdefault(found.name, own)
        for each in components.embedded(site, found, config, own.argv):
            drafts.setdefault(each.name, each)
    if found.layout.arguments:
        for each in components.written_arguments(site, found.layout.arguments):
            drafts.setdefault(each.name, each)
    unread = site.problems.first_of("manifests")
    for name in (*_CONTROL_PLANE, "etcd", "kube-proxy") if unread else ():
        if name not in drafts:
            # It may be what the manifest that cannot be read would run.
            site.problems.add(f"components.{name}", unread)
    return drafts


def _manifest_folders(site: Site, found: Found, kubelet: Draft | None, paths: Mapping[str, str]) -> tuple[str, ...]:
    folders = list(found.layout.manifests)
    if kubelet is not None:
        named = kubelet.flag("pod-manifest-path")
        document = read_program_config(site, kubelet, paths).document or {}
        configured = document.get("staticPodPath")
        folders += [each for each in (named, configured) if isinstance(each, str) and each.startswith("/")]
    return tuple(dict.fromkeys(posixpath.normpath(folder) for folder in (*folders, "/etc/kubernetes/manifests")))


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
