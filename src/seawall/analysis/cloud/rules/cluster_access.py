"""Who reaches a managed cluster's API server, and how people log in there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.cloud import CloudCluster
    from seawall.model.rule import Context

_EKS = "https://docs.aws.amazon.com/eks/latest/best-practices/security.html"
_GKE = "https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"
_AKS = "https://learn.microsoft.com/azure/aks/concepts-security"
#: As the reader of GKE says it.
_GOOGLE = "every address of Google Cloud"
_EVERYWHERE = ("0.0.0.0/0", "::/0")


@rule(
    "cloud-endpoint-open",
    title="API server reachable from the whole internet",
    severity=Severity.HIGH,
    scope=Scope.NETWORK,
    on="CloudCluster",
    why="Anyone can try stolen credentials, and every flaw of the API server, from anywhere.",
    remediation="Make the endpoint private, or name the ranges that need it (publicAccessCidrs, authorized networks, "
    "authorized IP ranges).",
    controls="cis-eks-1.8:5.4.1 cis-gke-1.9:5.6.3 cis-aks-1.8:5.4.1 mitre-attack:T1190 nsa-cisa:control-plane",
    aliases="CKV_AWS_38 AVD-AWS-0041 CKV_GCP_20 AVD-GCP-0061 CKV_AZURE_6 AVD-AZU-0041 C-0227",
    references=(_EKS, _GKE, _AKS),
    notes="Authorized networks that let in every address of the provider's own cloud are of medium severity.",
)
def cloud_endpoint_open(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if not spec.public_endpoint:
        return
    if spec.public_ranges is None:
        yield Hit("the API server is reachable from every address", "spec.publicEndpoint")
    for i, each in numbered(spec.public_ranges or ()):
        if each in _EVERYWHERE:
            yield Hit(f"the API server is reachable from {each}", f"spec.publicRanges[{i}]")
        elif each == _GOOGLE:
            yield Hit(f"the API server is reachable from {each}", f"spec.publicRanges[{i}]", severity=Severity.MEDIUM)


@rule(
    "cloud-endpoint-public",
    title="API server has a public address",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="CloudCluster",
    why="The ranges that may reach it are all that stands between the internet and a flaw of the API server or a "
    "stolen credential.",
    remediation="Use a private endpoint alone, with a VPN, a bastion or the provider's own tunnel for people.",
    controls="cis-eks-1.8:5.4.2 cis-gke-1.9:5.6.4 cis-aks-1.8:5.4.2 mitre-attack:T1190",
    aliases="CKV_AWS_39 AVD-AWS-0040 CKV_GCP_18 AVD-GCP-0053 CKV_AZURE_115 C-0228",
    references=(_EKS, _GKE, _AKS),
)
def cloud_endpoint_public(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.public_endpoint:
        yield Hit("the API server has a public address", "spec.publicEndpoint")


@rule(
    "cloud-legacy-abac",
    title="Old authorization gives everyone rights",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="CloudCluster",
    why="With ABAC every account of the cluster has broad rights, whatever RBAC says.",
    remediation="Switch it off: gcloud container clusters update NAME --no-enable-legacy-authorization.",
    controls="cis-gke-1.9:5.8.3 mitre-attack:T1078",
    aliases="CKV_GCP_7 AVD-GCP-0062 C-0088",
    references=(_GKE,),
)
def cloud_legacy_abac(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.legacy_abac:
        yield Hit("legacy authorization (ABAC) is on", "spec.legacyAbac")


@rule(
    "cloud-basic-login",
    title="API server takes a password",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="The password never ends, is the same for everyone and gives all rights.",
    remediation="Switch basic authentication off and change to a version that no longer has it.",
    controls="cis-gke-1.9:5.8.1 mitre-attack:T1078 nsa-cisa:authentication",
    aliases="CKV_GCP_19",
    references=(_GKE,),
)
def cloud_basic_login(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.basic_login:
        yield Hit("basic authentication is on", "spec.basicLogin")


@rule(
    "cloud-client-certificate",
    title="Provider issued a client certificate",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="The certificate is good for years, and nothing can withdraw it.",
    remediation="Make the cluster without one (--no-issue-client-certificate), and rotate the credentials of this one.",
    controls="cis-gke-1.9:5.8.1 mitre-attack:T1078 nsa-cisa:authentication",
    aliases="CKV_GCP_13 AVD-GCP-0064 C-0286",
    references=(_GKE,),
)
def cloud_client_certificate(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.client_certificate:
        yield Hit("a client certificate was issued with the cluster", "spec.clientCertificate")


@rule(
    "cloud-local-accounts",
    title="Administrator's account beside the identity provider",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="Its certificate gives all rights, does not end for years, and no lock-out or second factor of the identity "
    "provider reaches it.",
    remediation="Disable local accounts: az aks update --disable-local-accounts.",
    controls="cis-aks-1.8:5.5.1 mitre-attack:T1078 nsa-cisa:authentication",
    aliases="CKV_AZURE_141",
    references=(_AKS,),
)
def cloud_local_accounts(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.local_accounts:
        yield Hit("local accounts are on", "spec.localAccounts")


@rule(
    "cloud-no-rbac",
    title="RBAC is off",
    severity=Severity.CRITICAL,
    scope=Scope.RBAC,
    on="CloudCluster",
    why="Every account of the cluster, that of any pod among them, can do everything.",
    remediation="Make the cluster anew with RBAC: it cannot be switched on later.",
    controls="cis-aks-1.8:5.5.1 mitre-attack:T1078 nsa-cisa:rbac",
    aliases="CKV_AZURE_5 AVD-AZU-0042",
    references=(_AKS,),
)
def cloud_no_rbac(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.rbac is False:
        yield Hit("RBAC is off", "spec.rbac")


@rule(
    "cloud-no-identity-provider",
    title="People are not managed by the provider's identities",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="Who left the company keeps his rights until someone remembers the cluster.",
    remediation="Use Microsoft Entra ID (AKS), Google Groups for RBAC (GKE) or access entries (EKS: authentication "
    "mode API).",
    controls="cis-eks-1.8:5.5.1 cis-gke-1.9:5.8.2 cis-aks-1.8:5.5.1 mitre-attack:T1078 nsa-cisa:authentication",
    aliases="CKV_GCP_65 C-0232 C-0241",
    references=(_EKS, _GKE, _AKS),
)
def cloud_no_identity_provider(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.identity_provider is False:
        told = {"eks": "rights are given by the aws-auth ConfigMap alone", "gke": "Google Groups are not used for RBAC"}
        yield Hit(told.get(spec.provider, "Microsoft Entra ID is not used"), "spec.identityProvider")


@rule(
    "cloud-run-command",
    title="Commands run in the cluster through the provider's API",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="CloudCluster",
    why="Whoever has the right in Azure runs kubectl in the cluster, past a private endpoint and its networks.",
    remediation="Disable it where it is not used: az aks update --disable-run-command.",
    controls="mitre-attack:T1609",
    references=(_AKS,),
    default=False,
)
def cloud_run_command(cluster: CloudCluster, ctx: Context) -> Hits:
    spec = cluster.spec
    if spec.run_command:
        yield Hit("az aks command invoke is on", "spec.runCommand")
