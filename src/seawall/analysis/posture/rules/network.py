"""Services, ingresses and the plain mistakes of network policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.indexes import judged_pods, view_of
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.network import Ingress, NetworkPolicy, Service
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_SERVICES = "https://kubernetes.io/docs/concepts/services-networking/service/"
_INGRESS = "https://kubernetes.io/docs/concepts/services-networking/ingress/"
_POLICIES = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"

#: Annotations by which clouds make a load balancer internal, and their values.
_INTERNAL = {
    "service.beta.kubernetes.io/aws-load-balancer-internal": ("true", "0.0.0.0/0"),
    "service.beta.kubernetes.io/aws-load-balancer-scheme": ("internal",),
    "service.beta.kubernetes.io/azure-load-balancer-internal": ("true",),
    "cloud.google.com/load-balancer-type": ("internal",),
    "networking.gke.io/load-balancer-type": ("internal",),
    "service.beta.kubernetes.io/oci-load-balancer-internal": ("true",),
    "service.beta.kubernetes.io/openstack-internal-load-balancer": ("true",),
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": ("intranet",),
    "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type": ("private",),
}
_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_EVERYONE = frozenset(("0.0.0.0/0", "::/0"))
#: Annotations by which a cloud's own load balancer is given certificates.
_CERTIFICATES = (
    "alb.ingress.kubernetes.io/certificate-arn",
    "ingress.gcp.kubernetes.io/pre-shared-cert",
    "networking.gke.io/managed-certificates",
    "appgw.ingress.kubernetes.io/appgw-ssl-certificate",
)


@rule(
    "service-external-ips",
    title="Service claims external addresses",
    severity=Severity.HIGH,
    scope=Scope.SERVICE,
    on="Service",
    why="Nodes send traffic for these addresses to the Service, whoever owns them: an attacker takes in what pods send "
    "to any address (CVE-2020-8554).",
    remediation="Remove externalIPs; use a LoadBalancer Service or an Ingress.",
    controls="mitre-attack:T1557",
    aliases="KSV-0108 kyverno:restrict-external-ips",
    references=("https://github.com/kubernetes/kubernetes/issues/97076",),
)
def service_external_ips(service: Service, ctx: Context) -> Hits:
    for i, address in numbered(service.spec.external_ips):
        yield Hit(f"the service takes traffic for {address}", f"spec.externalIPs[{i}]")


@rule(
    "service-node-port",
    title="Service opens a port on every node",
    severity=Severity.LOW,
    scope=Scope.SERVICE,
    on="Service",
    why="The port answers on every address of every node: an attacker needs to reach only one of them.",
    remediation="Use a ClusterIP Service behind an Ingress or a Gateway.",
    controls="mitre-attack:T1133",
    aliases="kube-linter:exposed-services kube-score:service-type kyverno:restrict-nodeport",
    references=(_SERVICES,),
)
def service_node_port(service: Service, ctx: Context) -> Hits:
    if service.spec.type == "NodePort":
        yield Hit("the service opens a port on every node", "spec.type")


@rule(
    "service-load-balancer-open",
    title="Load balancer open to everyone",
    severity=Severity.LOW,
    scope=Scope.SERVICE,
    on="Service",
    why="Clouds give such a Service a public address that takes connections from anywhere.",
    remediation="Set loadBalancerSourceRanges to the networks of its users, or make the load balancer internal by the "
    "annotation of your cloud.",
    controls="mitre-attack:T1133",
    aliases="C-0256 kube-linter:exposed-services kyverno:no-loadbalancer-service",
    references=(_SERVICES,),
)
def service_load_balancer_open(service: Service, ctx: Context) -> Hits:
    if is_open_load_balancer(service):
        yield Hit("the load balancer takes connections from anywhere", "spec.loadBalancerSourceRanges")


def is_open_load_balancer(service: Service) -> bool:
    """Whether a Service has a load balancer that is neither internal nor limited to some networks."""
    notes = service.metadata.annotations
    internal = any(notes.get(key, "").lower() in values for key, values in _INTERNAL.items())
    if service.spec.type != "LoadBalancer" or internal:
        return False
    ranges = service.spec.load_balancer_source_ranges or tuple(filter(None, notes.get(_RANGES, "").split(",")))
    return not ranges or any(cidr.strip() in _EVERYONE for cidr in ranges)


@rule(
    "ingress-no-tls",
    title="Ingress without TLS",
    severity=Severity.MEDIUM,
    scope=Scope.INGRESS,
    on="Ingress",
    why="Requests, passwords and session cookies pass in clear, to be read and changed by anyone on the way.",
    remediation="Add spec.tls with a Secret that holds a certificate for the hosts.",
    controls="mitre-attack:T1040",
    aliases="C-0263 kyverno:require-ingress-https",
    references=(f"{_INGRESS}#tls",),
    notes="Annotations that give a cloud's load balancer its certificate count as TLS.",
)
def ingress_no_tls(ingress: Ingress, ctx: Context) -> Hits:
    if not ingress.spec.tls and not any(key in ingress.metadata.annotations for key in _CERTIFICATES):
        yield Hit("the ingress serves its hosts without TLS", "spec.tls")


@rule(
    "ingress-wildcard-host",
    title="Ingress takes requests for any host",
    severity=Severity.LOW,
    scope=Scope.INGRESS,
    on="Ingress",
    why="A rule for every name takes in requests that are meant for others, and lets names that an attacker points "
    "here reach the service.",
    remediation="Name the hosts that the service has.",
    controls="mitre-attack:T1557",
    aliases="kyverno:restrict-ingress-wildcard kyverno:disallow-empty-ingress-host",
    references=(f"{_INGRESS}#hostname-wildcards",),
)
def ingress_wildcard_host(ingress: Ingress, ctx: Context) -> Hits:
    for i, each in numbered(ingress.spec.rules):
        if not each.host or each.host.startswith("*"):
            yield Hit(f"a rule takes requests for {each.host or 'every host'}", f"spec.rules[{i}].host")


@rule(
    "network-policy-without-selector",
    title="Network policy that names neither pods nor peers",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="NetworkPolicy",
    why="A policy without a podSelector takes in every pod of the namespace, whether that was meant or forgotten: "
    "what it opens is open for all of them.",
    remediation="Set spec.podSelector, to {} where every pod is meant, and name peers by podSelector and "
    "namespaceSelector.",
    controls="cis:5.3.2 nsa-cisa:network-policies",
    aliases="KSV-0038 kyverno:restrict-networkpolicy-empty-podselector",
    references=(_POLICIES,),
)
def network_policy_without_selector(policy: NetworkPolicy, ctx: Context) -> Hits:
    rules = (*(policy.spec.ingress or ()), *(policy.spec.egress or ()))
    peers = [peer for each in rules for peer in (*(each.from_ or ()), *(each.to or ()))]
    named = any("podSelector" in peer or "namespaceSelector" in peer for peer in peers)
    if not named and ctx.resource.value_at(("spec", "podSelector")) is None:
        yield Hit("the policy names neither pods nor peers by their labels", "spec.podSelector")


@rule(
    "service-selects-nothing",
    title="Service that selects no pods",
    severity=Severity.LOW,
    scope=Scope.SERVICE,
    on="inventory",
    why="The Service leads nowhere until someone runs a pod with these labels, and then that pod gets the requests.",
    remediation="Correct the selector, or remove the Service.",
    aliases="C-0293 kube-linter:dangling-service kube-score:service-targets-pod",
    references=(_SERVICES,),
    notes="Judged in namespaces of which at least one workload is known, and no custom object that an operator may "
    "make pods of.",
)
def service_selects_nothing(inventory: Inventory, ctx: Context) -> Hits:
    for resource in inventory.of_kind("Service"):
        spec = view_of(resource).spec
        pods = ctx.once(judged_pods).get(namespace_of(resource)) if spec.selector else None
        if pods is not None and spec.type != "ExternalName" and not pods.has(spec.selector):
            yield Hit("no workload of the namespace has the labels it selects", "spec.selector", resource=resource)
