"""Programs of the cluster on a host, put together from processes, static pods, units and configuration files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from seawall.model.facts import Component
from seawall.sources.host.drafts import Draft, Site
from seawall.sources.host.flags import Flags, parse_flags
from seawall.sources.host.layouts import Found
from seawall.sources.host.problems import Problems
from seawall.sources.host.processes import Process, program_of
from seawall.sources.host.programconfig import is_there, of_pod, read_program_config
from seawall.sources.host.root import HostError
from seawall.sources.host.scrub import scrub_argv, scrub_document, scrub_environment, scrub_setting
from seawall.sources.host.staticpods import StaticPod
from seawall.sources.host.units import Unit, find_unit

#: Programs that are looked for, with the units that start them.
UNITS = {
    "kube-apiserver": ("kube-apiserver.service", "snap.kube-apiserver.daemon.service"),
    "kube-controller-manager": ("kube-controller-manager.service", "snap.kube-controller-manager.daemon.service"),
    "kube-scheduler": ("kube-scheduler.service", "snap.kube-scheduler.daemon.service"),
    "etcd": ("etcd.service", "etcd3.service"),
    "kubelet": ("kubelet.service", "snap.kubelet.daemon.service"),
    "kube-proxy": ("kube-proxy.service", "snap.kube-proxy.daemon.service"),
    "containerd": ("containerd.service",),
    "crio": ("crio.service", "cri-o.service"),
    "dockerd": ("docker.service",),
    "cri-dockerd": ("cri-docker.service",),
    "k3s": ("k3s.service", "k3s-agent.service"),
    "rke2": ("rke2-server.service", "rke2-agent.service"),
}
_ALIASES = {"k3s-server": "k3s", "k3s-agent": "k3s"}
PROGRAMS = frozenset((*UNITS, *_ALIASES, "kubelite"))
#: Programs of which variables count as much as flags.
_READS_ENVIRONMENT = frozenset(("etcd", "k3s", "rke2"))


def by_program(running: Iterable[Process], problems: Problems) -> dict[str, Process]:
    """The process of each program; the one that started first where there are several."""
    found: dict[str, list[Process]] = {}
    for process in running:
        name = program_of(process.argv, process.exe, PROGRAMS)
        if name is not None:
            found.setdefault(_ALIASES.get(name, name), []).append(process)
    for name, several in found.items():
        if len(several) > 1:
            problems.add(f"components.{name}.others", f"{len(several)} run; pid {several[0].pid} is told")
    return {name: several[0] for name, several in found.items()}


def find_units(site: Site) -> dict[str, Unit]:
    """The unit of each program that has one."""
    found = {}
    for program, names in UNITS.items():
        for name in names:
            unit = find_unit(site.root, name, site.problems)
            if unit is not None:
                found[program] = unit
                break
    return found


def draft(
    site: Site, name: str, running: Mapping[str, Process], units: Mapping[str, Unit], pods: Mapping[str, StaticPod]
) -> Draft | None:
    """A program as it runs; else as its static pod or its unit would run it; None where it is not on the host."""
    process, pod, unit = running.get(name), pods.get(name), units.get(name)
    mounts = pod.mounts if pod is not None else {}
    if process is not None:
        if process.cut:
            site.problems.add(f"components.{name}.flags", "its command line is longer than 256 KiB")
        words = process.argv[2:] if os.path.basename(process.argv[0]) == "hyperkube" else process.argv[1:]
        flags, environment = parse_flags(words, name), _environment(site, name, process)
        return Draft(name, "process", flags, process.argv, environment, process, pod, unit, mounts)
    if pod is not None:
        return Draft(name, "static-pod", pod.flags, pod.words, pod.environment, None, pod, unit, mounts)
    if unit is not None and (unit.argv or unit.problem):
        if unit.problem:
            site.problems.add(f"components.{name}.flags", f"{unit.path}: {unit.problem}")
        flags = parse_flags(unit.argv[1:], name)
        return Draft(name, "unit", flags, unit.argv, unit.environment, None, None, unit)
    return None


def _environment(site: Site, name: str, process: Process) -> dict[str, str]:
    if name not in _READS_ENVIRONMENT:
        return {}
    try:
        data = site.proc.read(f"{process.pid}/environ", 256 * 1024)
    except HostError as error:
        site.problems.add(f"components.{name}.environment", f"/proc/{process.pid}/environ: {error}")
        return {}
    pairs = (word.partition("=") for word in data.decode("utf-8", "replace").split("\0"))
    return {key: value for key, equals, value in pairs if equals}


def embedded(site: Site, found: Found, config: Mapping[str, object], argv: tuple[str, ...]) -> list[Draft]:
    """Programs that k3s runs within itself, with the flags that it sets and those that it is told to add.

    etcd is one of them where its data is there, or is asked for.
    """
    layout = found.layout
    given = parse_flags(argv[1:], found.name)
    drafts = []
    names = (
        layout.embeds if found.server else tuple(name for name in layout.embeds if name in ("kubelet", "kube-proxy"))
    )
    asked = config.get("cluster-init") or "cluster-init" in given
    if found.server and layout.embeds and (asked or is_there(site.root, layout.datastore)):
        names = (*names, "etcd")
    for name in names:
        flags: Flags = {flag: (value,) for flag, value in layout.implied.get(name, {}).items()}
        implied = set(flags)
        for flag, values in _extra(config.get(layout.extra[name]), given.get(layout.extra[name], ())).items():
            flags[flag] = values
            implied.discard(flag)
        drafts.append(Draft(name, "config", flags, implied=tuple(sorted(implied))))
    return drafts


def _extra(configured: object, given: tuple[str, ...]) -> Flags:
    listed = configured if isinstance(configured, list) else [] if configured is None else [configured]
    return parse_flags([f"--{str(each).lstrip('-')}" for each in (*listed, *given)], "kubelet")


def written_arguments(site: Site, folder: str) -> list[Draft]:
    """Programs of MicroK8s, whose flags stand in a file each."""
    drafts = []
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "etcd"):
        path = f"{folder}/{name}"
        with site.problems.noting(f"components.{name}", path):
            lines = site.root.read(path).decode("utf-8", "replace").splitlines()
            words = [word for line in lines if not line.lstrip().startswith("#") for word in line.split(None, 1)]
            values = {"${SNAP_DATA}": "/var/snap/microk8s/current", "${SNAP}": "/snap/microk8s/current"}
            for variable, value in values.items():
                words = [word.replace(variable, value).strip() for word in words]
            drafts.append(Draft(name, "config", parse_flags(words, name), (name, *words)))
    return drafts


def complete(site: Site, found: Draft, paths: Mapping[str, str]) -> Component:
    """A program with its configuration, without anything secret."""
    config = read_program_config(site, found, paths)
    kubeconfig = found.on_host(found.flag("kubeconfig")) if found.flag("kubeconfig").startswith("/") else ""
    document = config.document
    if found.name == "kube-proxy" and document is not None and not kubeconfig:
        kubeconfig = of_pod(site, found, _text(document, "clientConnection", "kubeconfig"))
    process, unit, pod = found.process, found.unit, found.pod
    return Component(
        name=found.name,
        seen_in=found.seen_in,
        argv=scrub_argv(found.argv),
        flags={name: tuple(scrub_setting(name, value) for value in given) for name, given in found.flags.items()},
        pid=process.pid if process else 0,
        uid=process.uid if process else -1,
        version=pod.version if pod else "",
        binary=_binary(found),
        unit_path=unit.path if unit else "",
        unit_dropins=unit.dropins if unit else (),
        manifest_path=pod.path if pod else "",
        config_path=config.path,
        config=None if document is None else scrub_document(document),
        dropins=config.dropins,
        kubeconfig_path=kubeconfig,
        environment=scrub_environment(found.environment),
        implied=found.implied,
    )


def _binary(found: Draft) -> str:
    """The program's file; as its command line names it where the kernel does not show it."""
    if found.process is not None and found.process.exe:
        return found.process.exe
    first = found.argv[0] if found.argv and found.seen_in in ("process", "unit") else ""
    return first if first.startswith("/") else ""


def _text(document: Mapping[str, object], *steps: str) -> str:
    value: object = document
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
