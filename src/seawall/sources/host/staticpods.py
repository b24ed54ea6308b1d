"""Programs that static pods run, from their manifests: Seawall's own loader and its view of pods."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from seawall.model.finding import SourceError
from seawall.model.kube.base import InvalidField
from seawall.model.paths import format_path
from seawall.model.programs import ETCD, PROGRAMS, Program, find_program
from seawall.model.resource import Resource
from seawall.sources.host.flags import Flags, parse_flags
from seawall.sources.host.problems import Problems
from seawall.sources.host.root import MAX_BYTES, HostError, Root

_MAX_MANIFESTS = 200
#: All manifests together; the kubelet's own are a few kilobytes each.
_MAX_TOTAL = 16 * 1024 * 1024


class StaticPod(NamedTuple):
    """A program of a static pod: its manifest, words, flags, environment and, where its image tells it, its version.

    ``mounts`` maps folders in the container to the host's.
    """

    program: str
    path: str
    words: tuple[str, ...]
    flags: Flags
    environment: dict[str, str]
    version: str
    mounts: dict[str, str]


def static_pods(root: Root, folders: tuple[str, ...], problems: Problems) -> Iterator[StaticPod]:
    """The programs of the control plane that the manifests in some folders start."""
    left = _MAX_TOTAL
    for folder in folders:
        names: list[str] = []
        with problems.noting(f"files.{folder}", folder):
            names = root.names(folder)
        for name in names[:_MAX_MANIFESTS]:
            # As the kubelet does: every file but hidden ones.
            if name.startswith("."):
                continue
            path = f"{folder}/{name}"
            try:
                data = root.read(path, min(left, MAX_BYTES))
            except HostError as error:
                if "directory" not in str(error):
                    problems.add(f"manifests.{path}", f"{path} {error}")
                continue
            left -= len(data)
            yield from _from_manifest(path, data, problems)
        if len(names) > _MAX_MANIFESTS:
            problems.add(f"manifests.{folder}", f"only the first {_MAX_MANIFESTS} files of {folder} were read")


def _from_manifest(path: str, data: bytes, problems: Problems) -> Iterator[StaticPod]:
    from seawall.sources.manifests.load import load_stdin

    for loaded in load_stdin(data, path):
        if isinstance(loaded, SourceError):
            problems.add(f"manifests.{path}", f"{path}: {loaded.message}")
            continue
        if not isinstance(loaded, Resource):
            # Anything may lie there; but an empty file of that name is one that is being written.
            if posixpath.basename(path).partition(".")[0] in PROGRAMS:
                problems.add(f"manifests.{path}", f"{path}: {loaded.reason}")
            continue
        try:
            yield from _programs(loaded, path)
        except InvalidField as error:
            problems.add(f"manifests.{path}", f"{path}: a field cannot be read: {format_path(error.path)}")


def _programs(pod: Resource, path: str) -> Iterator[StaticPod]:
    template = pod.template()
    if template is None:
        return
    hosts = {each.name: each.host_path.path for each in template.spec.volumes if each.host_path is not None}
    for container in template.spec.containers:
        program = find_program(container)
        if program is None:
            continue
        mounts = {mount.mount_path: hosts[mount.name] for mount in container.volume_mounts if mount.name in hosts}
        environment = {each.name: each.value for each in container.env if each.value_from is None}
        version = "" if program.version is None else str(program.version)
        tag = container.image.rpartition("/")[2].partition("@")[0].partition(":")[2]
        version = tag if tag.startswith("v1.") and program.name != ETCD else ""
        words = (*container.command, *container.args)
        yield StaticPod(program.name, path, words, _flags(program, words), environment, version, mounts)


def _flags(program: Program, words: tuple[str, ...]) -> Flags:
    """The flags: read as the program does where it is started directly, else as far as a shell's script shows them."""
    if words and posixpath.basename(words[0]) == program.name:
        return parse_flags(words[1:], program.name)
    return {name: tuple(flag.value for flag in given) for name, given in program.flags.items()}
