"""Volumes and their classes."""

from __future__ import annotations

from typing import Any

from seawall.model.kube.base import KubeObject, View
from seawall.model.kube.pod import HostPath


class PersistentVolumeSpec(View, frozen=True):
    """Where a volume's data lies."""

    host_path: HostPath | None = None
    access_modes: tuple[str, ...] = ()
    persistent_volume_reclaim_policy: str = ""
    storage_class_name: str = ""
    csi: dict[str, Any] | None = None
    node_affinity: dict[str, Any] | None = None
    nfs: dict[str, Any] | None = None
    flex_volume: dict[str, Any] | None = None


class PersistentVolume(KubeObject, frozen=True):
    """A volume of the cluster."""

    spec: PersistentVolumeSpec = PersistentVolumeSpec()


class StorageClass(KubeObject, frozen=True):
    """How volumes are made."""

    provisioner: str = ""
    parameters: dict[str, str] = {}
    reclaim_policy: str = ""
    allow_volume_expansion: bool | None = None


class ClaimSpec(View, frozen=True):
    """What a claim asks for; a class of None is the cluster's default, an empty one none at all."""

    access_modes: tuple[str, ...] = ()
    storage_class_name: str | None = None
    volume_name: str = ""


class PersistentVolumeClaim(KubeObject, frozen=True):
    """A claim of a namespace to a volume."""

    spec: ClaimSpec = ClaimSpec()


class VolumeSnapshotClass(KubeObject, frozen=True):
    """How snapshots are made, and whether they go with the object that stands for them."""

    driver: str = ""
    deletion_policy: str = ""


class TokenRequest(View, frozen=True):
    """A token of the pod's service account that a driver is handed; an empty audience is the API server's."""

    audience: str = ""


class CsiDriverSpec(View, frozen=True):
    """What a storage driver is told about pods."""

    token_requests: tuple[TokenRequest, ...] = ()
    volume_lifecycle_modes: tuple[str, ...] = ()


class CsiDriver(KubeObject, frozen=True):
    """A storage driver."""

    spec: CsiDriverSpec = CsiDriverSpec()
