"""Services, ingresses, network policies, and what else decides which connections pass."""

from __future__ import annotations

from typing import Any

from msgspec import field

from seawall.model.kube.base import IntOrString, KubeObject, LabelSelector, View


class ServicePort(View, frozen=True):
    """A port of a service."""

    port: int = 0
    name: str = ""
    target_port: IntOrString = 0
    node_port: int = 0
    protocol: str = "TCP"


class ServiceSpec(View, frozen=True):
    """How a set of pods is reached."""

    type: str = "ClusterIP"
    selector: dict[str, str] = {}
    ports: tuple[ServicePort, ...] = ()
    external_ips: tuple[str, ...] = field(default=(), name="externalIPs")
    external_name: str = ""
    cluster_ip: str = field(default="", name="clusterIP")
    load_balancer_source_ranges: tuple[str, ...] = ()
    external_traffic_policy: str = ""


class Service(KubeObject, frozen=True):
    """A service."""

    spec: ServiceSpec = ServiceSpec()


class IngressTls(View, frozen=True):
    """Hosts that one certificate serves."""

    hosts: tuple[str, ...] = ()
    secret_name: str = ""


class IngressRule(View, frozen=True):
    """A host and its paths."""

    host: str = ""
    http: dict[str, Any] = {}


class IngressSpec(View, frozen=True):
    """Which hosts and paths lead to which services; ``backend`` is v1beta1's name of ``default_backend``."""

    ingress_class_name: str | None = None
    tls: tuple[IngressTls, ...] = ()
    rules: tuple[IngressRule, ...] = ()
    default_backend: dict[str, Any] | None = None
    backend: dict[str, Any] | None = None


class Ingress(KubeObject, frozen=True):
    """An ingress."""

    spec: IngressSpec = IngressSpec()


class NetworkPolicyRule(View, frozen=True):
    """Peers and ports that are let through; no peers means everyone, no ports means all."""

    from_: tuple[dict[str, Any], ...] | None = field(default=None, name="from")
    to: tuple[dict[str, Any], ...] | None = None
    ports: tuple[dict[str, Any], ...] = ()


class NetworkPolicySpec(View, frozen=True):
    """Which pods are isolated and what may pass. ``pod_selector`` None reads as empty: every pod."""

    pod_selector: LabelSelector = LabelSelector()
    policy_types: tuple[str, ...] = ()
    ingress: tuple[NetworkPolicyRule, ...] | None = None
    egress: tuple[NetworkPolicyRule, ...] | None = None


class NetworkPolicy(KubeObject, frozen=True):
    """A network policy of networking.k8s.io."""

    spec: NetworkPolicySpec = NetworkPolicySpec()


class AdminPolicyRule(View, frozen=True):
    """What an administrator's policy does with traffic of some peers."""

    action: str = ""
    from_: tuple[dict[str, Any], ...] = field(default=(), name="from")
    to: tuple[dict[str, Any], ...] = ()
    ports: tuple[dict[str, Any], ...] | None = None


class AdminPolicySpec(View, frozen=True):
    """Whom an administrator's policy is about, and its rules in the order in which they are asked."""

    priority: int = 0
    subject: dict[str, Any] = {}
    ingress: tuple[AdminPolicyRule, ...] = ()
    egress: tuple[AdminPolicyRule, ...] = ()


class AdminNetworkPolicy(KubeObject, frozen=True):
    """An AdminNetworkPolicy of policy.networking.k8s.io; it is asked before any NetworkPolicy."""

    spec: AdminPolicySpec = AdminPolicySpec()


class SpecObject(KubeObject, frozen=True):
    """An object whose spec the network analysis reads as it stands, to tell unknown fields from absent ones."""

    spec: dict[str, Any] = {}
