"""Pods and namespaces that are open, and where a hijacked pod gets to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.network.shared import openness, settle
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.analysis.network.shared import Known
    from seawall.model.resource import Inventory, Resource
    from seawall.model.rule import Context

_POLICIES = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


@rule(
    "pod-without-network-policy",
    title="Pod that no network policy holds",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="inventory",
    why="Every pod of the cluster reaches it and it reaches every other: one hijacked pod is a way to all.",
    remediation="Add a NetworkPolicy that selects the pod; begin with one that denies everything in the namespace.",
    controls="cis:5.3.2 mitre-attack:T1046 nsa-cisa:network-policies",
    aliases="CKV2_K8S_6 C-0260 kube-linter:non-isolated-pod kube-score:pod-networkpolicy "
    "kyverno:require-network-policy",
    references=(_POLICIES,),
    notes="Pods in the node's network cannot be held. Cluster-wide policies count too. Where a network plugin's own "
    "policies are in use, whose selectors are not read, nothing is said.",
)
def pod_without_network_policy(inventory: Inventory, ctx: Context) -> Hits:
    found = ctx.once(openness)
    for each in found.unheld():
        yield Hit("no network policy selects the pods", resource=each.resource)
    settle(found.unread)


@rule(
    "namespace-open-to-cluster",
    title="Namespace whose pods take connections from every other",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="inventory",
    why="Nothing stands between a hijacked pod of another team and any pod of this namespace.",
    remediation="Add a NetworkPolicy with an empty podSelector and policyTypes Ingress, then allow what is needed.",
    controls="cis:5.3.2 mitre-attack:T1046 nsa-cisa:network-policies",
    references=(_POLICIES,),
    notes="Told once a namespace, where not one pod is held against connections from other namespaces.",
)
def namespace_open_to_cluster(inventory: Inventory, ctx: Context) -> Hits:
    found = ctx.once(openness)
    for workloads in found.open_to_cluster():
        count = len(workloads)
        every = "its workload is" if count == 1 else f"all {count} workloads are"
        text = f"namespace {workloads[0].namespace}: {every} open to every pod of the cluster"
        yield Hit(text, resource=_namespace(inventory, workloads))
    settle(found.unread)


@rule(
    "wide-lateral-movement",
    title="Workload from which most others are reached",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="inventory",
    why="Who takes over this workload reaches most of the cluster in one step.",
    remediation="Limit its egress to what it needs, and the ingress of what it reaches.",
    controls="mitre-attack:T1210 mitre-attack:T1046",
    references=(_POLICIES,),
    notes="The five that reach most are told, where they reach four of five workloads and at least ten.",
)
def wide_lateral_movement(inventory: Inventory, ctx: Context) -> Hits:
    found = ctx.once(openness)
    for each, count in found.spreaders():
        yield Hit(f"it reaches {count} of {found.count - 1} other workloads directly", resource=each.resource)
    settle(found.unread)


@rule(
    "metadata-service-reachable",
    title="Pods that reach the cloud's metadata service",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="inventory",
    why="On a cloud, 169.254.169.254 hands the credentials of the node to whoever asks: a hijacked pod becomes the "
    "node's account.",
    remediation="Deny egress to 169.254.169.254/32 by policy, and require a hop limit of 1 (IMDSv2) or workload "
    "identity.",
    controls="mitre-attack:T1552.005",
    references=("https://kubernetes.io/docs/concepts/security/cloud-native-security/",),
    notes="Told once a namespace. Whether the cluster runs on a cloud is not known from manifests.",
)
def metadata_service_reachable(inventory: Inventory, ctx: Context) -> Hits:
    found = ctx.once(openness)
    for workloads in found.reaching_metadata():
        text = f"{_which(workloads)} 169.254.169.254 on port 80"
        yield Hit(text, resource=_namespace(inventory, workloads))
    settle(found.unread)


@rule(
    "kubelet-reachable",
    title="Pods that reach kubelets",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="inventory",
    why="The kubelet's port 10250 runs commands in every pod of its node for whoever it lets in.",
    remediation="Deny egress to the addresses of the nodes; allow port 10250 to the monitoring that needs it.",
    controls="mitre-attack:T1210",
    references=("https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/",),
    notes="Judged where Nodes with addresses are known; a pod's own node always reaches it. Told once a namespace.",
)
def kubelet_reachable(inventory: Inventory, ctx: Context) -> Hits:
    found = ctx.once(openness)
    for workloads in found.reaching_kubelets():
        yield Hit(f"{_which(workloads)} port 10250 of nodes", resource=_namespace(inventory, workloads))
    settle(found.unread)


@rule(
    "api-server-reachable",
    title="Pods that reach the API server",
    severity=Severity.INFO,
    scope=Scope.NETWORK,
    on="inventory",
    why="With the token of a hijacked pod, or a weakness of the API server, an attacker goes on to the whole cluster.",
    remediation="Deny egress to the addresses of the API server where the pods do not need it.",
    controls="mitre-attack:T1609",
    references=(_POLICIES,),
    default=False,
    notes="Judged where the Endpoints or EndpointSlice of the Service default/kubernetes are known. Told once a "
    "namespace.",
)
def api_server_reachable(inventory: Inventory, ctx: Context) -> Hits:
    found = ctx.once(openness)
    for workloads in found.reaching_api_server():
        yield Hit(f"{_which(workloads)} the API server", resource=_namespace(inventory, workloads))
    settle(found.unread)


@rule(
    "internet-egress",
    title="Pods that connect to any address outside",
    severity=Severity.INFO,
    scope=Scope.NETWORK,
    on="inventory",
    why="A hijacked pod fetches its tools and sends out what it finds over any such connection.",
    remediation="Allow egress to the addresses that the workload needs, or through a proxy.",
    controls="mitre-attack:T1041 mitre-attack:T1105",
    references=(_POLICIES,),
    default=False,
    notes="Told once a namespace.",
)
def internet_egress(inventory: Inventory, ctx: Context) -> Hits:
    found = ctx.once(openness)
    for workloads in found.reaching_everywhere():
        yield Hit(f"{_which(workloads)} every address outside", resource=_namespace(inventory, workloads))
    settle(found.unread)


def _which(workloads: list[Known]) -> str:
    count = len(workloads)
    return f"namespace {workloads[0].namespace}: {f'{count} workloads reach' if count > 1 else '1 workload reaches'}"


def _namespace(inventory: Inventory, workloads: list[Known]) -> Resource:
    """The Namespace object, or where it is not known the first workload."""
    return inventory.get("Namespace", None, workloads[0].namespace) or workloads[0].resource
