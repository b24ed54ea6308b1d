"""From a container through its volumes: files and sockets of the node, shared claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from seawall.analysis.paths import hostpaths
from seawall.analysis.paths.building import Draft
from seawall.analysis.paths.escapes import nodes_of
from seawall.analysis.paths.kinds import STEP_KINDS
from seawall.analysis.paths.settings import Settings, Way
from seawall.analysis.paths.units import Box, Unit
from seawall.model.access import Subject
from seawall.model.attack import ADMIN, UNKNOWN_NODE, Place, PlaceKind
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Inventory


class Cluster(Struct):
    """What steps through volumes need to know of the rest.

    ``control_plane`` are its nodes; ``tokens`` gives the accounts whose tokens lie on a node, each with
    the way in which a pod has it; ``log_readers`` the ways
    in which an account may read logs through the kubelet; ``host_volumes`` the host path of a claim (by namespace and
    name).
    """

    control_plane: frozenset[str]
    tokens: dict[Place, list[tuple[Subject, Way]]]
    log_readers: dict[Subject, list[Way]]
    host_volumes: dict[tuple[str, str], str]


def host_volumes(inventory: Inventory) -> dict[tuple[str, str], str]:
    """The path of the node behind each claim that has one."""
    if "PersistentVolume" in inventory.unread or "PersistentVolumeClaim" in inventory.unread:
        return {}
    paths: dict[str, str] = {}
    for volume in inventory.of_kind("PersistentVolume"):
        view: Any = volume.view
        try:
            if view.spec.host_path is not None:
                paths[volume.ref.name] = view.spec.host_path.path
        except InvalidField:
            continue
    found: dict[tuple[str, str], str] = {}
    for claim in inventory.of_kind("PersistentVolumeClaim"):
        view = claim.view
        try:
            if view.spec.volume_name in paths:
                found[claim.ref.namespace or "default", claim.ref.name] = paths[view.spec.volume_name]
        except InvalidField:
            continue
    return found


def add_volumes(draft: Draft, box: Box, cluster: Cluster) -> None:
    """All steps of a container through what it mounts of the node."""
    settings = Settings(draft, box)
    for number, mount, _, volume in settings.mounts():
        path = _host_path(volume, box.unit, cluster)
        if path is None:
            continue
        # Of the container: another one may mount the same volume otherwise.
        place = Place(PlaceKind.VOLUME, f"{box.place.name}:{mount.mount_path}", box.unit.namespace)
        mounted = hostpaths.normal(f"{path}/{mount.sub_path}") if mount.sub_path else hostpaths.normal(path)
        where = (*box.path, "volumeMounts", number)
        way = settings.way(where, f"mount {mount.mount_path} of container {box.container.name}", "host-path-volume")
        draft.step(
            box.place,
            place,
            "volume-mounted",
            f"mounts {mounted} of the node at {mount.mount_path}{' (read-only)' if mount.read_only else ''}",
            removables=way.removables,
            traces=way.traces,
        )
        root = settings.root()
        uses = _uses(draft, settings, mounted, bool(mount.read_only), cluster) if root else ()
        for kind, target, needs in uses:
            draft.step(
                place,
                target,
                kind,
                STEP_KINDS[kind].title,
                removables=needs.removables,
                traces=needs.traces,
                likelihood=STEP_KINDS[kind].likelihood * root,
            )
        _add_symlink(draft, box, settings, mounted, bool(mount.read_only), cluster, way)


def _host_path(volume: Any, unit: Unit, cluster: Cluster) -> str | None:
    if volume.host_path is not None:
        return str(volume.host_path.path)
    if volume.persistent_volume_claim is not None:
        return cluster.host_volumes.get((unit.namespace, volume.persistent_volume_claim.claim_name))
    return None


def _uses(
    draft: Draft, settings: Settings, path: str, read_only: bool, cluster: Cluster
) -> Iterator[tuple[str, Place, Way]]:
    """What root has of a mounted path of the node: kind of step, where it leads, and what that needs besides."""
    unit, nothing = settings.unit, Way()
    node = nodes_of(draft, unit)
    if not unit.sandboxed:
        # A read-only mount does not keep one from connecting to a socket in it.
        for kind in hostpaths.sockets(path):
            yield kind, node, nothing
        if hostpaths.has_core_pattern(path) and not read_only and not unit.in_user_namespace:
            yield "escape-core-pattern", node, nothing
    if hostpaths.runs_programs(path) and not read_only:
        yield "host-write", node, nothing
    for each in unit.nodes:
        if hostpaths.has_kubelet_keys(path):
            yield "host-read", kubelet(each), nothing
        if each.name in cluster.control_plane:
            if hostpaths.has_cluster_keys(path):
                yield "host-read", ADMIN, nothing
            if hostpaths.has_etcd(path):
                yield "etcd-data", ADMIN, nothing
        if hostpaths.has_tokens(path):
            for account, way in cluster.tokens.get(each, ()):
                yield "host-traverse", identity(account), way


def _add_symlink(
    draft: Draft, box: Box, settings: Settings, path: str, read_only: bool, cluster: Cluster, way: Way
) -> None:
    """A link made in the node's logs, read through the kubelet with the pod's own token."""
    root = settings.root()
    if read_only or not root or not hostpaths.has_logs(path):
        return
    kind = STEP_KINDS["var-log-symlink"]
    for reads in cluster.log_readers.get(box.unit.account, ()):
        both = way + reads
        for node in box.unit.nodes:
            draft.step(
                box.place,
                kubelet(node),
                kind.id,
                kind.title,
                removables=both.removables,
                traces=both.traces,
                likelihood=kind.likelihood * root,
            )


def add_claims(draft: Draft, units: list[Unit]) -> None:
    """Claims as data that a workload holds; and from who may write to a claim to others that use it."""
    users: dict[Place, list[tuple[Box, Way, bool]]] = defaultdict(list)
    for unit in units:
        for box in unit.boxes():
            settings = Settings(draft, box)
            for number, mount, _, volume in settings.mounts():
                claim = volume.persistent_volume_claim
                if claim is None or not claim.claim_name:
                    continue
                place = Place(PlaceKind.VOLUME, f"claim {claim.claim_name}", unit.namespace)
                what = f"mount {mount.mount_path} of container {box.container.name}"
                way = settings.way((*box.path, "volumeMounts", number), what, "")
                users[place].append((box, way, not mount.read_only))
                for source in (box.place, unit.place):
                    how = f"mounts it at {mount.mount_path}"
                    draft.step(source, place, "volume-mounted", how, removables=way.removables, traces=way.traces)
    kind = STEP_KINDS["volume-shared"]
    for place, found in users.items():
        for box, way, writes in found:
            for other, its, _ in found if writes else ():
                if other.unit is not box.unit:
                    both = way + its
                    how = f"writes to {place.name}, which {other.unit.place.name} uses"
                    draft.step(box.place, other.place, kind.id, how, removables=both.removables, traces=both.traces)


def kubelet(node: Place) -> Place:
    """The identity of a node's kubelet."""
    name = f"system:node:{node.name}" if node != UNKNOWN_NODE else "system:node:?"
    return Place(PlaceKind.IDENTITY, f"User {name}")


def identity(subject: Subject) -> Place:
    """The place of a subject."""
    return Place(PlaceKind.IDENTITY, f"{subject.kind} {subject.name}", subject.namespace)
