"""The nodes of managed clusters: their metadata service, addresses, identities and images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.cloud import CloudNodePool
    from seawall.model.rule import Context

_EKS = "https://docs.aws.amazon.com/eks/latest/best-practices/security.html"
_GKE = "https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"
_AKS = "https://learn.microsoft.com/azure/aks/concepts-security"
_IMDS = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html"
_WIDE = "https://www.googleapis.com/auth/cloud-platform"


@rule(
    "cloud-metadata-v1",
    title="Metadata service answers simple requests",
    severity=Severity.HIGH,
    scope=Scope.NODE,
    on="CloudNodePool",
    why="A pod, or a web application that can be made to fetch an address, reads the node's credentials for the cloud.",
    remediation="Set httpTokens to required (AWS), or disable-legacy-endpoints to true (GKE).",
    controls="mitre-attack:T1552.005",
    aliases="CKV_AWS_79 AVD-AWS-0028 CKV_GCP_67 AVD-GCP-0048 C-0052",
    references=(_IMDS, _GKE),
)
def cloud_metadata_v1(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    if spec.metadata_v1:
        yield Hit("the metadata service answers without a token", "spec.metadataV1")


@rule(
    "cloud-metadata-hops",
    title="Metadata service answers containers",
    severity=Severity.MEDIUM,
    scope=Scope.NODE,
    on="CloudNodePool",
    why="Every pod of the node can ask for the node's credentials, and with them pull images, read Secrets' keys or "
    "change the network.",
    remediation="Set the hop limit to 1, and give pods identities of their own (IRSA, pod identity).",
    controls="mitre-attack:T1552.005",
    aliases="CKV_AWS_341",
    references=(_IMDS,),
    notes="Pods on the host's network reach it with any limit.",
)
def cloud_metadata_hops(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    if spec.hop_limit is not None and spec.hop_limit > 1:
        yield Hit(f"the hop limit of the metadata service is {spec.hop_limit}", "spec.hopLimit")


@rule(
    "cloud-metadata-open",
    title="Pods may ask the metadata service as their node",
    severity=Severity.HIGH,
    scope=Scope.NODE,
    on="CloudNodePool",
    why="Every pod gets a token of the node's service account, and its bootstrap credentials.",
    remediation="Set the pool's workload metadata to GKE_METADATA.",
    controls="cis-gke-1.9:5.2.2 mitre-attack:T1552.005",
    aliases="CKV_GCP_69 AVD-GCP-0057",
    references=(_GKE,),
)
def cloud_metadata_open(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    if spec.metadata_open:
        yield Hit("the pool's pods reach the metadata service of the node", "spec.metadataOpen")


@rule(
    "cloud-node-public-address",
    title="Node has a public address",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="CloudNodePool",
    why="Every port that the node or a pod on its network opens can be tried from the internet.",
    remediation="Use private subnets and NAT; take the public address out of the template or pool.",
    controls="cis-eks-1.8:5.4.3 cis-gke-1.9:5.6.5 cis-aks-1.8:5.4.3 mitre-attack:T1190",
    aliases="CKV_AWS_88 CKV_AZURE_143 C-0229 C-0248",
    references=(_EKS, _GKE, _AKS),
)
def cloud_node_public_address(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    if spec.public_addresses:
        yield Hit(f"the {spec.source or 'pool'} gives nodes a public address", "spec.publicAddresses")


@rule(
    "cloud-node-default-account",
    title="Nodes use the project's default account",
    severity=Severity.MEDIUM,
    scope=Scope.NODE,
    on="CloudNodePool",
    why="The account is an editor of the whole project unless someone took that away: a pod that gets its token owns "
    "the project.",
    remediation="Give the pool a service account of its own with roles/container.defaultNodeServiceAccount.",
    controls="cis-gke-1.9:5.2.1 mitre-attack:T1078.004",
    aliases="AVD-GCP-0050",
    references=(_GKE,),
    notes="With the scope cloud-platform it is of high severity.",
)
def cloud_node_default_account(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    if spec.account == "default":
        wide = _WIDE in spec.scopes
        told = " with access to every API" if wide else ""
        yield Hit(f"nodes are the default account{told}", "spec.account", severity=Severity.HIGH if wide else None)


@rule(
    "cloud-node-auto-upgrade-off",
    title="Nodes are upgraded by hand",
    severity=Severity.MEDIUM,
    scope=Scope.NODE,
    on="CloudNodePool",
    why="Known flaws of kernel, kubelet and runtime stay open for as long as nobody finds the time.",
    remediation="Switch it on: gcloud container node-pools update NAME --enable-autoupgrade.",
    controls="cis-gke-1.9:5.5.3",
    aliases="CKV_GCP_10 AVD-GCP-0058",
    references=(_GKE,),
)
def cloud_node_auto_upgrade_off(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    if spec.auto_upgrade is False:
        yield Hit("automatic upgrades are off", "spec.autoUpgrade")


@rule(
    "cloud-node-auto-repair-off",
    title="Broken nodes stay in the cluster",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on="CloudNodePool",
    why="A node that no longer reports runs on without patches or policies.",
    remediation="Switch repair on (GKE: --enable-autorepair; EKS: nodeRepairConfig).",
    controls="cis-gke-1.9:5.5.2",
    aliases="CKV_GCP_9 AVD-GCP-0063",
    references=(_EKS, _GKE),
)
def cloud_node_auto_repair_off(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    if spec.auto_repair is False:
        yield Hit("automatic repair is off", "spec.autoRepair")


@rule(
    "cloud-node-image",
    title="Node image that is not made for containers",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on="CloudNodePool",
    why="A general distribution brings packages and a writable system that an intruder uses and hides in.",
    remediation="Use a container-optimised image (COS_CONTAINERD, Bottlerocket, Azure Linux).",
    controls="cis-gke-1.9:5.5.1",
    aliases="CKV_GCP_22 AVD-GCP-0054 C-0226",
    references=(_GKE,),
    default=False,
)
def cloud_node_image(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    image = spec.image.upper()
    usual = {"gke": ("COS",), "eks": ("BOTTLEROCKET",), "aks": ("AZURELINUX", "CBLMARINER", "MARINER")}
    if image and "WINDOWS" not in image and not image.startswith(usual.get(spec.provider, ("",))):
        yield Hit(f"the image is {spec.image}", "spec.image")


@rule(
    "cloud-node-secure-boot-off",
    title="Nodes start unsigned kernels",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on="CloudNodePool",
    why="Who becomes root on a node can have it start a changed kernel, and stays through restarts.",
    remediation="Switch secure boot on (unless unsigned drivers are needed).",
    controls="cis-gke-1.9:5.5.7 mitre-attack:T1542",
    aliases="CKV_GCP_68",
    references=(_GKE, _AKS),
)
def cloud_node_secure_boot_off(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    if spec.secure_boot is False:
        yield Hit("secure boot is off", "spec.secureBoot")


@rule(
    "cloud-node-integrity-off",
    title="Nodes' start is not measured",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on="CloudNodePool",
    why="A changed kernel or boot loader goes unnoticed.",
    remediation="Switch integrity monitoring on: --shielded-integrity-monitoring.",
    controls="cis-gke-1.9:5.5.6 mitre-attack:T1542",
    aliases="CKV_GCP_72",
    references=(_GKE,),
)
def cloud_node_integrity_off(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    if spec.integrity is False:
        yield Hit("integrity monitoring is off", "spec.integrity")


@rule(
    "cloud-node-disk-plain",
    title="Disks of nodes are not encrypted",
    severity=Severity.MEDIUM,
    scope=Scope.NODE,
    on="CloudNodePool",
    why="Images, logs, emptyDir volumes and Secrets that pods mount lie readable in snapshots and on discarded disks.",
    remediation="Set encrypted to true for every volume of the template.",
    controls="mitre-attack:T1530",
    aliases="AVD-AWS-0131 CKV_AWS_8",
    references=(_EKS,),
)
def cloud_node_disk_plain(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    if spec.disk_encrypted is False:
        yield Hit("a volume is not encrypted", "spec.diskEncrypted")


@rule(
    "cloud-node-host-encryption-off",
    title="Temporary disks of nodes are not encrypted",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on="CloudNodePool",
    why="Caches and temporary disks, with what pods keep there, lie in clear at the host.",
    remediation="Make the pool with --enable-encryption-at-host.",
    controls="mitre-attack:T1530",
    aliases="CKV_AZURE_227",
    references=(_AKS,),
)
def cloud_node_host_encryption_off(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    if spec.host_encryption is False:
        yield Hit("encryption at host is off", "spec.hostEncryption")


@rule(
    "cloud-node-ssh-open",
    title="SSH of nodes open to every address",
    severity=Severity.HIGH,
    scope=Scope.NODE,
    on="CloudNodePool",
    why="Without a source group EKS opens port 22 of every node to the internet.",
    remediation="Name source security groups, or leave the key out and use Session Manager.",
    controls="mitre-attack:T1021.004",
    aliases="CKV_AWS_100",
    references=(_EKS,),
)
def cloud_node_ssh_open(pool: CloudNodePool, ctx: Context) -> Hits:
    spec = pool.spec
    if spec.ssh_open:
        yield Hit("remote access names a key and no source group", "spec.sshOpen")
