"""Remedies for objects other than pods, nodes and the control plane."""

from __future__ import annotations

from typing import Any

from seawall.analysis.posture.remedies.making import change, listed, put, put_beside, take_out
from seawall.model.remedy import Edit, Proposal, Remedy, Site

_REFUSES = "requests that it lets pass now are refused"
_NEW_ONLY = "what exists keeps its old value; this can be changed only by making the object anew"
_CLIENTS = "clients that use it now are cut off"
_USES = "whoever relies on it now loses it"

#: Versions that differ from a newer one in nothing but the name: kind, old version -> new version.
_SAME_FIELDS = {
    ("CronJob", "batch/v1beta1"): "batch/v1",
    ("HorizontalPodAutoscaler", "autoscaling/v2beta2"): "autoscaling/v2",
    ("PriorityClass", "scheduling.k8s.io/v1beta1"): "scheduling.k8s.io/v1",
    ("StorageClass", "storage.k8s.io/v1beta1"): "storage.k8s.io/v1",
    ("CSIDriver", "storage.k8s.io/v1beta1"): "storage.k8s.io/v1",
    ("IngressClass", "networking.k8s.io/v1beta1"): "networking.k8s.io/v1",
    ("Lease", "coordination.k8s.io/v1beta1"): "coordination.k8s.io/v1",
    ("RuntimeClass", "node.k8s.io/v1beta1"): "node.k8s.io/v1",
    ("NetworkPolicy", "extensions/v1beta1"): "networking.k8s.io/v1",
    ("FlowSchema", "flowcontrol.apiserver.k8s.io/v1beta3"): "flowcontrol.apiserver.k8s.io/v1",
    **{
        (kind, f"rbac.authorization.k8s.io/{old}"): "rbac.authorization.k8s.io/v1"
        for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
        for old in ("v1beta1", "v1alpha1")
    },
}
#: Of these the newer version wants a selector, and gives other defaults where fields are absent.
_CONTROLLERS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


def _newer_version(site: Site) -> Proposal | None:
    kind, old = str(site.raw.get("kind")), str(site.raw.get("apiVersion"))
    spec = site.raw.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    new, caution = _SAME_FIELDS.get((kind, old)), ""
    if kind == "PodDisruptionBudget" and old == "policy/v1beta1" and _selects_some(spec):
        new = "policy/v1"  # an empty selector meant no pod, and means all of them now
    elif kind in _CONTROLLERS and old in ("apps/v1beta2", "apps/v1beta1", "extensions/v1beta1") and _selects_some(spec):
        new = "apps/v1"
        if old != "apps/v1beta2":
            caution = "the defaults of fields that are absent, such as the way of updating, are other ones"
    return Proposal((Edit("set", ("apiVersion",), new),), caution) if new else None


def _selects_some(spec: dict[str, Any]) -> bool:
    selector = spec.get("selector")
    return isinstance(selector, dict) and any(selector.get(key) for key in ("matchLabels", "matchExpressions"))


def _prefix(value: Any) -> str | None:
    return f"{value}/" if isinstance(value, str) and value and value != "*" else None


def _named_types(site: Site) -> Proposal | None:
    """Say the policy type whose rules are there."""
    kind = {"ingress": "Ingress", "egress": "Egress"}.get(str(site.path[-1]))
    return Proposal((Edit("add", ("spec", "policyTypes"), kind),), _REFUSES) if kind else None


def _without_metadata(site: Site) -> Proposal | None:
    block = site.value
    if not isinstance(block, dict) or block.get("cidr") != "0.0.0.0/0":
        return None
    return Proposal((Edit("add", (*site.path, "except"), "169.254.169.254/32"),), "programs that ask the cloud fail")


def _kept_volume(site: Site) -> Proposal:
    """Of a volume the policy can be changed at any time; of a class only by making it anew."""
    return Proposal(
        (Edit("set", site.path, "Retain"),), "" if site.raw.get("kind") == "PersistentVolume" else _NEW_ONLY
    )


def _external_ip(site: Site) -> Proposal:
    return Proposal((Edit("remove", site.path),), _CLIENTS)


OBJECTS: dict[str, Remedy] = {
    "deprecated-api-version": _newer_version,
    "removed-api-version": _newer_version,
    "gatekeeper-repository-prefix": change(_prefix),
    "audit-policy-secret-bodies": put("Metadata"),
    "webhook-exact-version": put("Equivalent"),
    "webhook-timeout": put(10),
    "certificate-key-kept": put("Always"),
    "certificate-long-lived": put("2160h"),
    "disruption-budget-unhealthy-pods": put("AlwaysAllow"),
    "network-policy-without-selector": put({}),
    "istio-gateway-old-tls": put("TLSV1_2"),
    "kubeadm-endless-token": put("24h0m0s"),
    "snapshot-policy-delete": put("Retain"),
    "route-serves-plain-http": put("Redirect"),
    "ingress-no-redirect": put("true"),
    "gitops-auto-prune": put(False, "what is deleted in Git stays in the cluster until somebody deletes it"),
    "service-account-automount": put(False, "pods that use the account's token do not get it"),
    "default-account-automount": put(False, "pods of the default account that talk to the API fail"),
    "namespace-pod-security-label": put("baseline", "pods that need more are refused when they are made anew"),
    "namespace-privileged-level": put("baseline", "pods that need more are refused when they are made anew"),
    "webhook-fails-open": put("Fail", "nothing that it is asked about can be changed while it is down"),
    "admission-policy-fails-open": put("Fail", _REFUSES),
    "admission-policy-warns-only": listed("Deny", _REFUSES),
    "admission-policy-without-parameter": put("Deny", _REFUSES),
    "kyverno-fails-open": put("Fail", _REFUSES),
    "gatekeeper-warns-only": put("deny", _REFUSES),
    "service-external-ips": _external_ip,
    "service-node-port": put("ClusterIP", _CLIENTS),
    "storage-class-unencrypted": put("true", _NEW_ONLY),
    "storage-class-encryption-off": put("true", _NEW_ONLY),
    "reclaim-policy-delete": _kept_volume,
    "priority-class-global-default": put(False, "pods without a class get the priority 0"),
    "network-policy-rules-ignored": _named_types,
    "network-policy-metadata-service": _without_metadata,
    "ingress-nginx-snippet": take_out(_USES),
    "ingress-nginx-snippet-alias": take_out(_USES),
    "ingress-nginx-snippet-lua": take_out(_USES),
    "issuer-unverified": put(False, "a server with an unknown certificate is refused", lambda s: s.value is True),
    "istio-mtls-off": put("STRICT", _CLIENTS),
    "istio-destination-unverified": put(False, "servers with unknown certificates are refused"),
    "istio-outbound-any": put("REGISTRY_ONLY", "connections to hosts that the mesh does not know fail"),
    "linkerd-server-open": put("all-authenticated", _CLIENTS),
    "linkerd-default-open": put("all-authenticated", _CLIENTS),
    "linkerd-unauthenticated-clients": put(False, _CLIENTS, lambda s: s.value is True),
    "mesh-namespace-injection-off": put("enabled", "pods get sidecars when they are made anew"),
    "gateway-routes-from-all": put("Same", "routes of other namespaces are cut off"),
    "route-wildcard": put("None", _CLIENTS),
    "scc-privileged": put(False, _USES),
    "scc-host-access": put(False, _USES),
    "scc-any-capability": take_out(_USES),
    "psp-privileged": put(False, _USES),
    "psp-host-pid": put(False, _USES),
    "psp-host-ipc": put(False, _USES),
    "psp-host-network": put(False, _USES),
    "psp-privilege-escalation": put(False, _USES),
    "psp-net-raw": listed("NET_RAW", _USES),
    "psp-kept-capabilities": listed("ALL", _USES),
    "autoscaler-minimum": put(2, "a second pod costs its requests"),
    "openshift-etcd-unencrypted": put("aescbc", "all objects are written anew, which takes a while"),
    "argocd-project-cluster-objects": take_out(_USES),
    "api-service-insecure": put_beside(0, (), False, "without a caBundle the API server cannot reach it"),
}
