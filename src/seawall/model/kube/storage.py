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


class PersistentVolume(KubeObject, frozen=True):
    """A volume of the cluster."""

    spec: PersistentVolumeSpec = PersistentVolumeSpec()


class StorageClass(KubeObject, frozen=True):
    """How volumes are made."""

    provisioner: str = ""
    parameters: dict[str, str] = {}
    reclaim_policy: str = ""
    allow_volume_expansion: bool | None = None
