"""Roles by which one takes in the traffic of others, or opens what kept it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.grants import RBAC_REFERENCE, is_built_in, names, told
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.rbac import Role
    from seawall.model.rule import Context

_WILDCARD = "Roles that cover every resource are told by rbac-wildcard-resources, those that the API server keeps pass."
_CHANGES = ("create", "update", "patch")
#: Settings of the cluster in kube-system, and what whoever writes them has.
_SETTINGS = {
    "kube-proxy": "where the traffic of services goes",
    "kubelet-config": "the settings of every kubelet that joins",
    "kubeadm-config": "the settings of the control plane at the next upgrade",
    "extension-apiserver-authentication": "whom aggregated API servers take for the API server",
    "cluster-info": "which CA joining nodes trust",
    "cilium-config": "which network policies are enforced",
    "calico-config": "how pods are connected",
    "ip-masq-agent": "as whom pods leave the cluster",
}


@rule(
    "rbac-endpoints-write",
    title="Role may set where services lead",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Whoever writes endpoints sends a service's requests to an address of its choice, also of another namespace "
    "that network policies keep it from (CVE-2021-25740).",
    remediation="Remove the write verbs on endpoints and endpointslices; controllers alone need them.",
    controls="mitre-attack:T1557 nsa-cisa:rbac",
    aliases="KSV-0056",
    references=("https://github.com/kubernetes/kubernetes/issues/103675",),
    notes=f"Rules that are limited by resourceNames, as leader election uses, pass. {_WILDCARD}",
)
def rbac_endpoints_write(role: Role, ctx: Context) -> Hits:
    targets = (("", "endpoints"), ("discovery.k8s.io", "endpointslices"))
    yield from told(role, ctx, targets, _CHANGES, "change", in_namespace=Severity.LOW, named=False)


@rule(
    "rbac-network-policy-write",
    title="Role may lift network policies",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Whoever deletes or changes network policies opens the ways that they closed, before the attack that they were "
    "meant to stop.",
    remediation="Leave network policies to the deployment pipeline.",
    controls="mitre-attack:T1562.007 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/services-networking/network-policies/",),
    notes=f"Low in a Role. Policies of Cilium and Calico count too. {_WILDCARD}",
)
def rbac_network_policy_write(role: Role, ctx: Context) -> Hits:
    targets = (
        ("networking.k8s.io", "networkpolicies"), ("policy.networking.k8s.io", "adminnetworkpolicies"),
        ("policy.networking.k8s.io", "baselineadminnetworkpolicies"),
        ("policy.networking.k8s.io", "clusternetworkpolicies"), ("cilium.io", "ciliumnetworkpolicies"),
        ("cilium.io", "ciliumclusterwidenetworkpolicies"), ("crd.projectcalico.org", "globalnetworkpolicies"),
        ("projectcalico.org", "globalnetworkpolicies"),
    )  # fmt: skip
    verbs = ("update", "patch", "delete", "deletecollection")
    yield from told(role, ctx, targets, verbs, "change", in_namespace=Severity.LOW)


@rule(
    "rbac-cluster-settings-write",
    title="Role may change settings of the cluster",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="ConfigMaps of kube-system and kube-public decide where traffic goes, whom extension servers trust and how "
    "nodes are set up: to write one is to own that part of the cluster.",
    remediation="Remove the write verbs on these ConfigMaps; leave them to kubeadm and the network's operator.",
    controls="mitre-attack:T1565 mitre-attack:T1557 nsa-cisa:rbac",
    references=(RBAC_REFERENCE,),
    notes="Rules that name them: coredns and aws-auth have rules of their own (the first is judged here in a "
    "ClusterRole). To create or change any ConfigMap of the cluster counts too.",
)
def rbac_cluster_settings_write(role: Role, ctx: Context) -> Hits:
    wide = ctx.resource.kind.name == "ClusterRole"
    home = role.metadata.namespace in ("kube-system", "kube-public")
    if is_built_in(role) or not (wide or home):
        return
    for i, r in numbered(role.rules):
        if not names(r, (("", "configmaps"),), ("update", "patch")):
            continue
        found = [f"{name} ({_SETTINGS[name]})" for name in r.resource_names if name in _SETTINGS]
        found += ["coredns (the cluster's names)"] * (wide and "coredns" in r.resource_names)
        if found:
            yield Hit(f"the role may change {', '.join(found)}", f"rules[{i}].resourceNames")
        elif wide and not r.resource_names:
            yield Hit(
                "the role may change every ConfigMap of the cluster, kube-system's too", f"rules[{i}].resources",
                severity=Severity.MEDIUM,
            )  # fmt: skip


@rule(
    "rbac-ingress-write",
    title="Role may publish services of every namespace",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="Whoever writes ingresses and routes in every namespace takes over host names of others, and with some "
    "controllers runs code in the proxy by annotations.",
    remediation="Grant it in the namespaces where it is needed.",
    controls="mitre-attack:T1557 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/services-networking/ingress/",),
    default=False,
    notes=_WILDCARD,
)
def rbac_ingress_write(role: Role, ctx: Context) -> Hits:
    targets = (
        ("networking.k8s.io", "ingresses"), ("gateway.networking.k8s.io", "httproutes"),
        ("gateway.networking.k8s.io", "gateways"), ("route.openshift.io", "routes"),
    )  # fmt: skip
    yield from told(role, ctx, targets, _CHANGES, "change", named=False)
