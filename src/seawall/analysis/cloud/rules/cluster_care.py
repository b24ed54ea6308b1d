"""How a managed cluster is kept: its secrets, its records, its versions, its defences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule
from seawall.model.version import NEWEST, KubernetesVersion, parse_version

if TYPE_CHECKING:
    from seawall.model.kube.cloud import CloudCluster
    from seawall.model.rule import Context

_EKS = "https://docs.aws.amazon.com/eks/latest/best-practices/security.html"
_GKE = "https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"
_AKS = "https://learn.microsoft.com/azure/aks/concepts-security"
#: So many minor versions the Kubernetes project keeps patched.
_SUPPORTED = 3
_AKS_AUDIT = frozenset(("kube-audit", "kube-audit-admin", "audit", "allLogs"))
_EKS_LOGS = ("api", "authenticator", "controllerManager", "scheduler")


@rule(
    "cloud-secrets-key",
    title="Secrets are not encrypted with a key of your own",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="CloudCluster",
    why="Who gets at the provider's storage, or at a backup of it, reads every Secret; with a key of your own you "
    "see each use and can cut it off.",
    remediation="Set envelope encryption with a KMS key (encryptionConfig, --database-encryption-key, "
    "--enable-azure-keyvault-kms).",
    controls="cis-eks-1.8:5.3.1 cis-gke-1.9:5.3.1 cis-aks-1.8:5.3.1 mitre-attack:T1552.007 nsa-cisa:etcd",
    aliases="CKV_AWS_58 AVD-AWS-0039 C-0066",
    references=(_EKS, _GKE, _AKS),
    notes="Providers encrypt their disks by themselves; EKS since 1.28 also every object, with a key that is theirs.",
)
def cloud_secrets_key(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.secrets_key == "":
        yield Hit("no key of your own encrypts Secrets", "spec.secretsKey")


@rule(
    "cloud-audit-log-off",
    title="Requests to the API server are not recorded",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="After an intrusion nobody can tell what was read, changed or left behind.",
    remediation="Switch the audit log on (EKS: logging type audit; GKE: SYSTEM_COMPONENTS; "
    "AKS: kube-audit-admin in a diagnostic setting).",
    controls="cis-eks-1.8:2.1.1 cis-gke-1.9:5.7.1 cis-aks-1.8:2.1.1 mitre-attack:T1562.008 nsa-cisa:audit-logging",
    aliases="CKV_AWS_37 AVD-AWS-0038 CKV_GCP_1 AVD-GCP-0060 C-0067",
    references=(_EKS, _GKE, _AKS),
    notes="az aks show does not tell which logs AKS keeps: give az monitor diagnostic-settings list as well.",
)
def cloud_audit_log_off(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.logs is None:
        return
    if spec.provider == "eks" and "audit" not in spec.logs:
        yield Hit("the audit log is not kept", "spec.logs")
    elif spec.provider == "gke" and not spec.logs:
        yield Hit("no log is kept", "spec.logs")
    elif spec.provider == "aks" and _AKS_AUDIT.isdisjoint(spec.logs):
        yield Hit("the audit log is not kept", "spec.logs")


@rule(
    "cloud-control-plane-logs",
    title="Logs of the control plane are kept in part",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="Who logged in, and what controllers did, is missing when an intrusion is traced.",
    remediation="Switch all types on: api, audit, authenticator, controllerManager, scheduler.",
    controls="cis-eks-1.8:2.1.1 mitre-attack:T1562.008 nsa-cisa:audit-logging",
    aliases="CKV_AWS_37 AVD-AWS-0038",
    references=(_EKS,),
)
def cloud_control_plane_logs(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.provider == "eks" and spec.logs is not None:
        missing = [kind for kind in _EKS_LOGS if kind not in spec.logs]
        if missing:
            yield Hit(f"not kept: {', '.join(missing)}", "spec.logs")


@rule(
    "cloud-monitoring-off",
    title="Cluster is not monitored by the provider",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="An intruder's load, and a node that fails, are noticed by users first.",
    remediation="Switch it on (Cloud Monitoring, Azure Monitor), or be sure that something else watches.",
    controls="cis-gke-1.9:5.7.1 nsa-cisa:audit-logging",
    aliases="CKV_GCP_8 AVD-GCP-0052 CKV_AZURE_4 AVD-AZU-0040",
    references=(_GKE, _AKS),
)
def cloud_monitoring_off(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.monitoring is False:
        yield Hit("the provider's monitoring is off", "spec.monitoring")


@rule(
    "cloud-network-policy-off",
    title="Nothing enforces network policies",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="CloudCluster",
    why="NetworkPolicy objects are taken and do nothing: each pod that is broken into reaches all others.",
    remediation="Switch it on (GKE: Dataplane V2; AKS: --network-policy cilium).",
    controls="cis-eks-1.8:5.4.4 cis-gke-1.9:4.3.1 cis-aks-1.8:5.4.4 mitre-attack:T1046 nsa-cisa:network-policies",
    aliases="CKV_GCP_12 AVD-GCP-0056 CKV_AZURE_7 AVD-AZU-0043 C-0230 C-0240",
    references=(_GKE, _AKS),
    notes="Of EKS it is told by the add-on and not by the cluster: give aws eks describe-addon --addon-name vpc-cni.",
)
def cloud_network_policy_off(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.network_policy is False:
        yield Hit("no engine for network policies is on", "spec.networkPolicy")


@rule(
    "cloud-workload-identity-off",
    title="Pods share the identity of their node",
    severity=Severity.MEDIUM,
    scope=Scope.SERVICE_ACCOUNT,
    on="CloudCluster",
    why="Every pod that needs the cloud gets the rights of all of them, or a key that never ends.",
    remediation="Switch workload identity on, and give each application an identity of its own.",
    controls="cis-gke-1.9:5.2.2 cis-aks-1.8:5.2.1 mitre-attack:T1552.005",
    aliases="C-0225 C-0239",
    references=(_GKE, _AKS),
)
def cloud_workload_identity_off(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.workload_identity is False:
        yield Hit("workload identity is off", "spec.workloadIdentity")


@rule(
    "cloud-public-nodes",
    title="Nodes have public addresses",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="CloudCluster",
    why="Every port that a node or a pod of its network opens can be tried from the internet.",
    remediation="Make the cluster with private nodes, and let them reach the internet through NAT.",
    controls="cis-gke-1.9:5.6.5 mitre-attack:T1190",
    aliases="CKV_GCP_25 CKV_GCP_64 AVD-GCP-0059 C-0229 C-0248",
    references=(_GKE,),
)
def cloud_public_nodes(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.private_nodes is False:
        yield Hit("the cluster's nodes are not private", "spec.privateNodes")


@rule(
    "cloud-upgrade-channel",
    title="Versions are upgraded by hand",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="Known flaws stay open for as long as nobody finds the time.",
    remediation="Choose a release channel (GKE) or an upgrade channel (AKS), with a maintenance window.",
    controls="cis-gke-1.9:5.5.4",
    aliases="CKV_GCP_70 CKV_AZURE_171",
    references=(_GKE, _AKS),
)
def cloud_upgrade_channel(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.upgrade_channel == "":
        yield Hit("no upgrade channel is chosen", "spec.upgradeChannel")


@rule(
    "cloud-version-old",
    title="Kubernetes version without patches",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="Flaws that become known are no longer mended in this version by the project.",
    remediation="Upgrade a minor version at a time until it is one of the newest three.",
    controls="mitre-attack:T1190",
    aliases="CKV_AWS_339",
    references=("https://kubernetes.io/releases/",),
    notes="Providers mend theirs for longer, some for a price. Judged by the newest version that Seawall knows.",
)
def cloud_version_old(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    version = _version(spec.version)
    if version is not None and version.minor + _SUPPORTED <= NEWEST.minor:
        yield Hit(f"version {spec.version} is no longer patched by the project; the newest is {NEWEST}", "spec.version")
    elif spec.extended_support and version is None:
        yield Hit("the version is in extended support", "spec.extendedSupport", severity=Severity.LOW)


def _version(text: str) -> KubernetesVersion | None:
    try:
        return parse_version(text.partition("-")[0])
    except ValueError:
        return None
