"""What a managed cluster's provider offers against attacks, and whether it is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.cloud import CloudCluster
    from seawall.model.rule import Context

_EKS = "https://docs.aws.amazon.com/eks/latest/best-practices/security.html"
_GKE = "https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"
_AKS = "https://learn.microsoft.com/azure/aks/concepts-security"


@rule(
    "cloud-dashboard",
    title="Dashboard add-on is on",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="A page that runs with rights in the cluster is a favourite way in.",
    remediation="Switch the add-on off and use the provider's console.",
    controls="cis-gke-1.9:5.10.1 mitre-attack:T1190",
    aliases="CKV_AZURE_8 C-0014",
    references=(_GKE, _AKS),
)
def cloud_dashboard(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.dashboard:
        yield Hit("the dashboard add-on is on", "spec.dashboard")


@rule(
    "cloud-alpha-cluster",
    title="Cluster with untested features",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="Alpha features are not hardened, and the provider neither patches nor supports the cluster.",
    remediation="Make a cluster without --enable-kubernetes-alpha.",
    controls="cis-gke-1.9:5.10.2",
    references=(_GKE,),
)
def cloud_alpha_cluster(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.alpha:
        yield Hit("alpha features are on", "spec.alpha")


@rule(
    "cloud-shielded-nodes-off",
    title="Nodes are not known by a verified identity",
    severity=Severity.MEDIUM,
    scope=Scope.NODE,
    on="CloudCluster",
    why="Who steals the bootstrap credentials from a pod joins a node of his own, and is given pods and their Secrets.",
    remediation="Switch shielded nodes on: gcloud container clusters update NAME --enable-shielded-nodes.",
    controls="cis-gke-1.9:5.5.5 mitre-attack:T1078",
    aliases="CKV_GCP_71 AVD-GCP-0055",
    references=(_GKE,),
)
def cloud_shielded_nodes_off(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.shielded_nodes is False:
        yield Hit("shielded nodes are off", "spec.shieldedNodes")


@rule(
    "cloud-image-policy-off",
    title="Any image may run",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="CloudCluster",
    why="An image that never passed your build or was swapped in a registry runs like any other.",
    remediation="Switch Binary Authorization on with a policy that asks for attestations.",
    controls="cis-gke-1.9:5.1.4 mitre-attack:T1525",
    aliases="CKV_GCP_66",
    references=(_GKE,),
    default=False,
)
def cloud_image_policy_off(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.image_policy is False:
        yield Hit("Binary Authorization is off", "spec.imagePolicy")


@rule(
    "cloud-policy-addon-off",
    title="Azure Policy is off",
    severity=Severity.LOW,
    scope=Scope.ADMISSION,
    on="CloudCluster",
    why="The organisation's rules for pods stop short of this cluster.",
    remediation="Switch it on: az aks enable-addons --addons azure-policy.",
    aliases="CKV_AZURE_116",
    references=(_AKS,),
    default=False,
)
def cloud_policy_addon_off(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.policy_addon is False:
        yield Hit("the Azure Policy add-on is off", "spec.policyAddon")


@rule(
    "cloud-pod-traffic-unseen",
    title="Traffic between pods of a node is not seen",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="CloudCluster",
    why="Flow logs and firewalls miss what stays on a node, where an intruder's first steps are.",
    remediation="Switch it on: --enable-intra-node-visibility, with flow logs of the subnet.",
    controls="cis-gke-1.9:5.6.1 mitre-attack:T1046",
    aliases="CKV_GCP_61",
    references=(_GKE,),
    default=False,
)
def cloud_pod_traffic_unseen(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.flow_logs is False:
        yield Hit("intranode visibility is off", "spec.flowLogs")


@rule(
    "cloud-routes-based",
    title="Pods have no addresses of the network's own",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="CloudCluster",
    why="Firewalls cannot tell pods from nodes, and routes can be spoofed.",
    remediation="Make the cluster VPC-native (--enable-ip-alias).",
    controls="cis-gke-1.9:5.6.2",
    aliases="CKV_GCP_23 AVD-GCP-0049",
    references=(_GKE,),
)
def cloud_routes_based(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.own_pod_addresses is False:
        yield Hit("the cluster is routes-based", "spec.ownPodAddresses")


@rule(
    "cloud-threat-detection-off",
    title="Provider's threat detection is off",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="Known attacks on the cluster, which the provider sees, go unreported.",
    remediation="Switch it on (Microsoft Defender for Containers, GKE security posture), unless something else "
    "watches.",
    controls="mitre-attack:T1562.001",
    references=(_GKE, _AKS),
)
def cloud_threat_detection_off(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.threat_detection is False:
        yield Hit("the provider's threat detection is off", "spec.threatDetection")


@rule(
    "cloud-secret-rotation-off",
    title="Mounted secrets are not renewed",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="CloudCluster",
    why="A secret that was changed in the vault, because it leaked, stays in use in the pods.",
    remediation="Switch it on: az aks addon update --addon azure-keyvault-secrets-provider --enable-secret-rotation.",
    controls="mitre-attack:T1552",
    aliases="CKV_AZURE_172",
    references=(_AKS,),
)
def cloud_secret_rotation_off(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.secret_rotation is False:
        yield Hit("secrets of the key vault are not rotated", "spec.secretRotation")
