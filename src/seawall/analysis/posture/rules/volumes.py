"""Storage: classes, claims, snapshots and the drivers that serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.storage import (
        CsiDriver,
        PersistentVolumeClaim,
        StorageClass,
        VolumeSnapshotClass,
    )
    from seawall.model.rule import Context

_CLASSES = "https://kubernetes.io/docs/concepts/storage/storage-classes/"
_VOLUMES = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/"
_SNAPSHOTS = "https://kubernetes.io/docs/concepts/storage/volume-snapshot-classes/"

#: Ends of provisioners' names, the parameter that makes them encrypt, and the values that do.
_ENCRYPTION = {
    "rbd.csi.ceph.com": ("encrypted", ("true",)),
    "driver.longhorn.io": ("encrypted", ("true",)),
    "pxd.portworx.com": ("secure", ("true",)),
    "kubernetes.io/portworx-volume": ("secure", ("true",)),
    "diskplugin.csi.alibabacloud.com": ("encrypted", ("true",)),
    "linstor.csi.linbit.com": ("linstor.csi.linbit.com/encryption", ("yes", "true")),
}


@rule(
    "storage-class-encryption-off",
    title="Storage class without its encryption",
    severity=Severity.LOW,
    scope=Scope.STORAGE,
    on="StorageClass",
    why="Whoever gets hold of a disk, a backup or a node of the storage reads all data on it.",
    remediation="Set the provisioner's parameter for encryption, or keep the disks themselves encrypted.",
    controls="mitre-attack:T1005",
    aliases="C-0264",
    references=(_CLASSES,),
    notes="Judged for Ceph RBD, Longhorn, Portworx, LINSTOR and Alibaba Cloud disks, which encrypt only if told to; "
    "Amazon EBS has a rule of its own, storage-class-unencrypted.",
)
def storage_class_encryption_off(storage: StorageClass, ctx: Context) -> Hits:
    for provisioner, (parameter, values) in _ENCRYPTION.items():
        matches = storage.provisioner == provisioner or storage.provisioner.endswith(f".{provisioner}")
        if matches and storage.parameters.get(parameter, "").lower() not in values:
            yield Hit(f"volumes of {storage.provisioner} are not encrypted", ("parameters", parameter))


@rule(
    "reclaim-policy-delete",
    title="Data deleted with the claim",
    severity=Severity.INFO,
    scope=Scope.STORAGE,
    on="StorageClass PersistentVolume",
    why="Who deletes a claim, or its namespace, by mistake or to do harm, deletes the data for good.",
    remediation="Set the reclaim policy to Retain for data that matters.",
    controls="mitre-attack:T1485",
    references=(f"{_VOLUMES}#reclaiming",),
    default=False,
    notes="Delete is the default of classes.",
)
def reclaim_policy_delete(view: Any, ctx: Context) -> Hits:
    if ctx.resource.kind.name == "StorageClass":
        if view.reclaim_policy in ("", "Delete"):
            yield Hit("volumes are deleted with their claims", "reclaimPolicy")
    elif view.spec.persistent_volume_reclaim_policy == "Delete":
        yield Hit("the volume is deleted with its claim", "spec.persistentVolumeReclaimPolicy")


@rule(
    "claim-many-writers",
    title="Volume that many nodes may write",
    severity=Severity.INFO,
    scope=Scope.STORAGE,
    on="PersistentVolumeClaim",
    why="An attacker in one pod changes what the others read, programs and settings too.",
    remediation="Use ReadWriteOncePod, or ReadOnlyMany for those who only read.",
    controls="mitre-attack:T1565",
    aliases="kyverno:readwriteonce-pod",
    references=(f"{_VOLUMES}#access-modes",),
    default=False,
)
def claim_many_writers(claim: PersistentVolumeClaim, ctx: Context) -> Hits:
    for i, mode in numbered(claim.spec.access_modes):
        if mode == "ReadWriteMany":
            yield Hit("pods on any node may write to the volume", f"spec.accessModes[{i}]")


@rule(
    "claim-without-class",
    title="Claim without a storage class",
    severity=Severity.INFO,
    scope=Scope.STORAGE,
    on="PersistentVolumeClaim",
    why="The cluster's default decides whether the data is encrypted and kept, and the default may change.",
    remediation="Name a StorageClass in storageClassName.",
    aliases="kyverno:require-storageclass",
    references=(_CLASSES,),
    default=False,
)
def claim_without_class(claim: PersistentVolumeClaim, ctx: Context) -> Hits:
    if claim.spec.storage_class_name is None and not claim.spec.volume_name:
        yield Hit("the claim names no storage class", "spec.storageClassName")


@rule(
    "snapshot-policy-delete",
    title="Snapshots deleted with their objects",
    severity=Severity.LOW,
    scope=Scope.STORAGE,
    on="VolumeSnapshotClass",
    why="An attacker who gets rights in the namespace deletes the backups together with the data, to hold to ransom.",
    remediation="Set deletionPolicy to Retain, and keep backups where the cluster cannot delete them.",
    controls="mitre-attack:T1490",
    references=(_SNAPSHOTS,),
    default=False,
)
def snapshot_policy_delete(snapshots: VolumeSnapshotClass, ctx: Context) -> Hits:
    if snapshots.deletion_policy == "Delete":
        yield Hit("snapshots are deleted with their objects", "deletionPolicy")


@rule(
    "csi-driver-api-tokens",
    title="Storage driver handed tokens for the API server",
    severity=Severity.MEDIUM,
    scope=Scope.STORAGE,
    on="CSIDriver",
    why="For every pod that uses the driver it is given a token of the pod's account that the API server takes: who "
    "gets into the driver acts as all of them.",
    remediation="Name in tokenRequests the audience that the token is for, a vault for example.",
    controls="mitre-attack:T1528",
    references=("https://kubernetes-csi.github.io/docs/token-requests.html",),
)
def csi_driver_api_tokens(driver: CsiDriver, ctx: Context) -> Hits:
    for i, request in numbered(driver.spec.token_requests):
        if not request.audience:
            yield Hit("the driver is given tokens for the API server", f"spec.tokenRequests[{i}].audience")


@rule(
    "nfs-volume",
    title="Volume of an NFS server",
    severity=Severity.LOW,
    scope=Scope.STORAGE,
    on="pod PersistentVolume",
    why="NFS, as Kubernetes mounts it, neither encrypts nor asks who is there: whoever reaches the server reads and "
    "writes the files, and whoever is on the way too.",
    remediation="Use a driver that encrypts and authenticates, or mount with sec=krb5p and keep the server's network "
    "apart.",
    controls="mitre-attack:T1040 mitre-attack:T1039",
    references=("https://kubernetes.io/docs/concepts/storage/volumes/#nfs",),
    default=False,
)
def nfs_volume(view: Any, ctx: Context) -> Hits:
    kind = ctx.resource.kind
    if kind.name == "PersistentVolume":
        if view.spec.nfs is not None:
            yield Hit(f"the volume is of the NFS server {view.spec.nfs.get('server', '')}", "spec.nfs")
        return
    for i, volume in numbered(view.spec.volumes):
        if volume.nfs is not None:
            message = f"volume {volume.name!r} is of the NFS server {volume.nfs.get('server', '')}"
            yield Hit(message, f"spec.volumes[{i}].nfs")
