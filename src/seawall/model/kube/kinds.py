"""Which view an object is read into, by API group and kind; modules are imported when a kind is met."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from msgspec import Struct

from seawall.model.kube.base import KubeObject
from seawall.model.paths import Path


class Kind(Struct, frozen=True):
    """A modelled kind: its name (what rules say in ``on``), its view, and where its pod template is, if it has one.

    The template path is that of the object with ``metadata`` and ``spec``: ``()`` for a pod.
    """

    name: str
    view: type[KubeObject]
    template: Path | None


_TEMPLATE: Path = ("spec", "template")
_POD = "seawall.model.kube.pod"
_CONFIG = "seawall.model.kube.config"
_NETWORK = "seawall.model.kube.network"
_RBAC = "seawall.model.kube.rbac"
_STORAGE = "seawall.model.kube.storage"
_COMPONENTS = "seawall.model.kube.components"
_SERVER_CONFIG = "apiserver.config.k8s.io"
_POLICY = "seawall.model.kube.policy"
_ADMISSION = "seawall.model.kube.admission"
_GATEWAY = "seawall.model.kube.gateway"
_MESH = "seawall.model.kube.mesh"
_GITOPS = "seawall.model.kube.gitops"
_CERTIFICATES = "seawall.model.kube.certificates"
_STORES = "seawall.model.kube.secretstores"
_OPENSHIFT = "seawall.model.kube.openshift"
_POLICY_ENGINES = "seawall.model.kube.policy_engines"
_REGISTRY = "seawall.model.kube.registry"
_CREDENTIALS = "seawall.model.kube.credentials"
_ENDPOINT = "seawall.model.kube.endpoint"
_CLOUD = "seawall.model.kube.cloud"
_NODE = "seawall.model.kube.node"
_EXTERNAL = "external-secrets.io"
_FLUX = "source.toolkit.fluxcd.io"
_GATEWAY_API = "gateway.networking.k8s.io"

#: What is an object to us and not to Kubernetes: registries, images, endpoints, clouds.
OWN_GROUP = "seawall.dev"

#: (group, kind) -> name, module, struct, pod template path. The first entry of a kind is its usual group.
_KINDS: dict[tuple[str, str], tuple[str, str, str, Path | None]] = {
    ("", "Pod"): ("Pod", _POD, "Pod", ()),
    ("", "PodTemplate"): ("PodTemplate", _POD, "PodTemplateObject", ("template",)),
    ("", "ReplicationController"): ("ReplicationController", _POD, "LooseWorkload", _TEMPLATE),
    ("apps", "Deployment"): ("Deployment", _POD, "Workload", _TEMPLATE),
    ("apps", "StatefulSet"): ("StatefulSet", _POD, "Workload", _TEMPLATE),
    ("apps", "DaemonSet"): ("DaemonSet", _POD, "Workload", _TEMPLATE),
    ("apps", "ReplicaSet"): ("ReplicaSet", _POD, "Workload", _TEMPLATE),
    ("batch", "Job"): ("Job", _POD, "Workload", _TEMPLATE),
    ("batch", "CronJob"): ("CronJob", _POD, "CronJob", ("spec", "jobTemplate", "spec", "template")),
    ("argoproj.io", "Rollout"): ("Rollout", _POD, "Workload", _TEMPLATE),
    ("serving.knative.dev", "Service"): ("KnativeService", _POD, "LooseWorkload", _TEMPLATE),
    ("apps.openshift.io", "DeploymentConfig"): ("DeploymentConfig", _POD, "LooseWorkload", _TEMPLATE),
    ("", "Namespace"): ("Namespace", _CONFIG, "Namespace", None),
    ("", "ConfigMap"): ("ConfigMap", _CONFIG, "ConfigMap", None),
    ("", "Secret"): ("Secret", _CONFIG, "Secret", None),
    ("", "ServiceAccount"): ("ServiceAccount", _CONFIG, "ServiceAccount", None),
    ("", "ResourceQuota"): ("ResourceQuota", _CONFIG, "ResourceQuota", None),
    ("", "LimitRange"): ("LimitRange", _CONFIG, "LimitRange", None),
    ("", "Service"): ("Service", _NETWORK, "Service", None),
    ("networking.k8s.io", "Ingress"): ("Ingress", _NETWORK, "Ingress", None),
    ("networking.k8s.io", "NetworkPolicy"): ("NetworkPolicy", _NETWORK, "NetworkPolicy", None),
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"): (
        "BaselineAdminNetworkPolicy",
        _NETWORK,
        "SpecObject",
        None,
    ),
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"): ("ClusterNetworkPolicy", _NETWORK, "SpecObject", None),
    ("gateway.networking.k8s.io", "UDPRoute"): ("UDPRoute", _NETWORK, "SpecObject", None),
    ("rbac.authorization.k8s.io", "Role"): ("Role", _RBAC, "Role", None),
    ("rbac.authorization.k8s.io", "ClusterRole"): ("ClusterRole", _RBAC, "Role", None),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("RoleBinding", _RBAC, "RoleBinding", None),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("ClusterRoleBinding", _RBAC, "RoleBinding", None),
    ("", "Node"): ("Node", _NODE, "Node", None),
    ("node.k8s.io", "RuntimeClass"): ("RuntimeClass", _NODE, "RuntimeClass", None),
    ("", "PersistentVolume"): ("PersistentVolume", _STORAGE, "PersistentVolume", None),
    ("storage.k8s.io", "StorageClass"): ("StorageClass", _STORAGE, "StorageClass", None),
    (OWN_GROUP, "Registry"): ("Registry", _REGISTRY, "Registry", None),
    (OWN_GROUP, "RegistryRepository"): ("RegistryRepository", _REGISTRY, "RegistryRepository", None),
    (OWN_GROUP, "Image"): ("Image", "seawall.model.kube.images", "Image", None),
    (OWN_GROUP, "File"): ("File", "seawall.model.kube.searched", "Searched", None),
    (OWN_GROUP, "History"): ("History", "seawall.model.kube.searched", "Searched", None),
    (OWN_GROUP, "Log"): ("Log", "seawall.model.kube.searched", "Searched", None),
    ("audit.k8s.io", "Policy"): ("AuditPolicy", _COMPONENTS, "AuditPolicy", None),
    ("", "Config"): ("Kubeconfig", _COMPONENTS, "Kubeconfig", None),
    # As the configuration was called, and still may be.
    ("", "EncryptionConfig"): ("EncryptionConfiguration", _COMPONENTS, "EncryptionConfiguration", None),
    ("constraints.gatekeeper.sh", "K8sAllowedRepos"): ("K8sAllowedRepos", _COMPONENTS, "Constraint", None),
    ("policy.networking.k8s.io", "AdminNetworkPolicy"): ("AdminNetworkPolicy", _NETWORK, "AdminNetworkPolicy", None),
    ("", "PersistentVolumeClaim"): ("PersistentVolumeClaim", _STORAGE, "PersistentVolumeClaim", None),
    ("storage.k8s.io", "CSIDriver"): ("CSIDriver", _STORAGE, "CsiDriver", None),
    ("snapshot.storage.k8s.io", "VolumeSnapshotClass"): ("VolumeSnapshotClass", _STORAGE, "VolumeSnapshotClass", None),
    ("policy", "PodDisruptionBudget"): ("PodDisruptionBudget", _POLICY, "PodDisruptionBudget", None),
    ("autoscaling", "HorizontalPodAutoscaler"): ("HorizontalPodAutoscaler", _POLICY, "HorizontalPodAutoscaler", None),
    ("scheduling.k8s.io", "PriorityClass"): ("PriorityClass", _POLICY, "PriorityClass", None),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): ("FlowSchema", _POLICY, "FlowSchema", None),
    ("monitoring.coreos.com", "ServiceMonitor"): ("ServiceMonitor", _POLICY, "ServiceMonitor", None),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): (
        "ValidatingWebhookConfiguration",
        _ADMISSION,
        "WebhookConfiguration",
        None,
    ),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): (
        "MutatingWebhookConfiguration",
        _ADMISSION,
        "WebhookConfiguration",
        None,
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): (
        "ValidatingAdmissionPolicy",
        _ADMISSION,
        "AdmissionPolicy",
        None,
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): (
        "ValidatingAdmissionPolicyBinding",
        _ADMISSION,
        "AdmissionPolicyBinding",
        None,
    ),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (
        "CustomResourceDefinition",
        _ADMISSION,
        "CustomResourceDefinition",
        None,
    ),
    ("apiregistration.k8s.io", "APIService"): ("APIService", _ADMISSION, "ApiService", None),
    (_GATEWAY_API, "Gateway"): ("Gateway", _GATEWAY, "Gateway", None),
    (_GATEWAY_API, "HTTPRoute"): ("HTTPRoute", _GATEWAY, "GatewayRoute", None),
    (_GATEWAY_API, "GRPCRoute"): ("GRPCRoute", _GATEWAY, "GatewayRoute", None),
    (_GATEWAY_API, "TLSRoute"): ("TLSRoute", _GATEWAY, "GatewayRoute", None),
    (_GATEWAY_API, "TCPRoute"): ("TCPRoute", _GATEWAY, "GatewayRoute", None),
    (_GATEWAY_API, "ReferenceGrant"): ("ReferenceGrant", _GATEWAY, "ReferenceGrant", None),
    ("security.istio.io", "PeerAuthentication"): ("PeerAuthentication", _MESH, "PeerAuthentication", None),
    ("security.istio.io", "AuthorizationPolicy"): ("AuthorizationPolicy", _MESH, "AuthorizationPolicy", None),
    ("security.istio.io", "RequestAuthentication"): ("RequestAuthentication", _MESH, "RequestAuthentication", None),
    ("networking.istio.io", "DestinationRule"): ("DestinationRule", _MESH, "DestinationRule", None),
    ("networking.istio.io", "VirtualService"): ("VirtualService", _MESH, "VirtualService", None),
    ("networking.istio.io", "Sidecar"): ("Sidecar", _MESH, "Sidecar", None),
    ("networking.istio.io", "ServiceEntry"): ("ServiceEntry", _MESH, "ServiceEntry", None),
    ("networking.istio.io", "Gateway"): ("IstioGateway", _MESH, "IstioGateway", None),
    ("policy.linkerd.io", "Server"): ("LinkerdServer", _MESH, "LinkerdServer", None),
    ("policy.linkerd.io", "ServerAuthorization"): ("ServerAuthorization", _MESH, "ServerAuthorization", None),
    ("policy.linkerd.io", "AuthorizationPolicy"): (
        "LinkerdAuthorizationPolicy",
        _MESH,
        "LinkerdAuthorizationPolicy",
        None,
    ),
    ("policy.linkerd.io", "MeshTLSAuthentication"): ("MeshTLSAuthentication", _MESH, "MeshTlsAuthentication", None),
    ("policy.linkerd.io", "NetworkAuthentication"): ("NetworkAuthentication", _MESH, "NetworkAuthentication", None),
    ("argoproj.io", "Application"): ("ArgoApplication", _GITOPS, "ArgoApplication", None),
    ("argoproj.io", "ApplicationSet"): ("ArgoApplicationSet", _GITOPS, "ArgoApplicationSet", None),
    ("argoproj.io", "AppProject"): ("ArgoProject", _GITOPS, "ArgoProject", None),
    (_FLUX, "GitRepository"): ("GitRepository", _GITOPS, "FluxSource", None),
    (_FLUX, "HelmRepository"): ("HelmRepository", _GITOPS, "FluxSource", None),
    (_FLUX, "OCIRepository"): ("OCIRepository", _GITOPS, "FluxSource", None),
    (_FLUX, "Bucket"): ("Bucket", _GITOPS, "FluxSource", None),
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): ("FluxKustomization", _GITOPS, "FluxApply", None),
    ("helm.toolkit.fluxcd.io", "HelmRelease"): ("HelmRelease", _GITOPS, "FluxApply", None),
    ("cert-manager.io", "Certificate"): ("Certificate", _CERTIFICATES, "Certificate", None),
    ("cert-manager.io", "Issuer"): ("Issuer", _CERTIFICATES, "Issuer", None),
    ("cert-manager.io", "ClusterIssuer"): ("ClusterIssuer", _CERTIFICATES, "Issuer", None),
    (_EXTERNAL, "SecretStore"): ("SecretStore", _STORES, "SecretStore", None),
    (_EXTERNAL, "ClusterSecretStore"): ("ClusterSecretStore", _STORES, "SecretStore", None),
    (_EXTERNAL, "ExternalSecret"): ("ExternalSecret", _STORES, "ExternalSecret", None),
    (_EXTERNAL, "ClusterExternalSecret"): ("ClusterExternalSecret", _STORES, "ClusterExternalSecret", None),
    (_EXTERNAL, "PushSecret"): ("PushSecret", _STORES, "PushSecret", None),
    ("bitnami.com", "SealedSecret"): ("SealedSecret", _STORES, "SealedSecret", None),
    ("secrets-store.csi.x-k8s.io", "SecretProviderClass"): (
        "SecretProviderClass",
        _STORES,
        "SecretProviderClass",
        None,
    ),
    ("security.openshift.io", "SecurityContextConstraints"): (
        "SecurityContextConstraints",
        _OPENSHIFT,
        "SecurityContextConstraints",
        None,
    ),
    ("config.openshift.io", "APIServer"): ("OpenShiftAPIServer", _OPENSHIFT, "OpenShiftApiServer", None),
    ("kyverno.io", "ClusterPolicy"): ("ClusterPolicy", _POLICY_ENGINES, "KyvernoPolicy", None),
    ("kyverno.io", "Policy"): ("KyvernoPolicy", _POLICY_ENGINES, "KyvernoPolicy", None),
    ("kyverno.io", "PolicyException"): ("PolicyException", _POLICY_ENGINES, "KyvernoException", None),
    (OWN_GROUP, "KubeconfigFile"): ("KubeconfigFile", _CREDENTIALS, "KubeconfigFile", None),
    (OWN_GROUP, "CloudCluster"): ("CloudCluster", _CLOUD, "CloudCluster", None),
    (OWN_GROUP, "CloudNodePool"): ("CloudNodePool", _CLOUD, "CloudNodePool", None),
    (OWN_GROUP, "Endpoint"): ("Endpoint", _ENDPOINT, "Endpoint", None),
    (OWN_GROUP, "Component"): ("Component", "seawall.model.kube.images", "Image", None),
    (OWN_GROUP, "Node"): ("Host", "seawall.model.kube.images", "Image", None),
    (OWN_GROUP, "Dockerfile"): ("Dockerfile", "seawall.model.kube.buildfile", "BuildFile", None),
    ("route.openshift.io", "Route"): ("Route", _OPENSHIFT, "Route", None),
}
_KINDS |= {
    (group, kind): (kind, _COMPONENTS, kind, None)
    for group, kind in (
        ("policy", "PodSecurityPolicy"),
        ("kubelet.config.k8s.io", "KubeletConfiguration"),
        ("kubeproxy.config.k8s.io", "KubeProxyConfiguration"),
        ("kubescheduler.config.k8s.io", "KubeSchedulerConfiguration"),
        (_SERVER_CONFIG, "EncryptionConfiguration"),
        (_SERVER_CONFIG, "AdmissionConfiguration"),
        (_SERVER_CONFIG, "AuthenticationConfiguration"),
        (_SERVER_CONFIG, "AuthorizationConfiguration"),
    )
}
#: kubeadm's configurations; the programs that they start are judged as if they stood in pods.
KUBEADM_KINDS = ("ClusterConfiguration", "InitConfiguration", "JoinConfiguration")
_KINDS |= {("kubeadm.k8s.io", kind): (kind, _COMPONENTS, "KubeadmConfiguration", None) for kind in KUBEADM_KINDS}
#: Configuration files of programs, and what only we see as objects: written like them, but no server has them.
_FILE_GROUPS = frozenset(
    (
        "kubelet.config.k8s.io",
        "kubeproxy.config.k8s.io",
        "kubescheduler.config.k8s.io",
        "kubeadm.k8s.io",
        "audit.k8s.io",
        _SERVER_CONFIG,
        OWN_GROUP,
    )
)
_USUAL_GROUP = {kind: group for group, kind in reversed(_KINDS)}


@cache
def find_kind(api_version: str, kind: str) -> Kind | None:
    """The modelled kind of an object, or None. Old groups of built-in kinds (extensions/v1beta1) count by kind."""
    group = api_version.rpartition("/")[0]
    entry = _KINDS.get((group, kind))
    if entry is None and ("." not in group or group.endswith(".k8s.io")) and kind in _USUAL_GROUP:
        usual = _USUAL_GROUP[kind]
        entry = _KINDS[(usual, kind)] if "." not in usual or usual.endswith(".k8s.io") else None
    if entry is None:
        return None
    name, module, view, template = entry
    return Kind(name, getattr(import_module(module), view), template)


def modelled_names() -> frozenset[str]:
    """The names of all modelled kinds."""
    return frozenset(name for name, *_ in _KINDS.values())


@cache
def own_names() -> frozenset[str]:
    """The names of the modelled kinds that are no objects of Kubernetes."""
    return frozenset(entry[0] for (group, _), entry in _KINDS.items() if group == OWN_GROUP)


@cache
def templated_names() -> frozenset[str]:
    """The names of the modelled kinds that have a pod template."""
    return frozenset(name for name, *_, template in _KINDS.values() if template is not None)


def served_kinds() -> list[tuple[str, str, str]]:
    """Group, kind and modelled name of the modelled kinds that an API server can list; the rest live in files."""
    return [
        (group, kind, entry[0])
        for (group, kind), entry in _KINDS.items()
        if group not in _FILE_GROUPS and (group, kind) not in (("", "Config"), ("", "EncryptionConfig"))
    ]
