"""Roles by which one reaches nodes, and pods past what guards them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.grants import GOOD_PRACTICES, is_built_in, told
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.rbac import Role
    from seawall.model.rule import Context

_WILDCARD = "Roles that cover every resource are told by rbac-wildcard-resources, those that the API server keeps pass."
_KUBELET = "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/"


@rule(
    "rbac-node-files",
    title="Role may read files and memory of nodes",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="nodes/log reads /var/log of the node, where a pod that mounts it may put links to any file; nodes/checkpoint "
    "writes the memory of a container, its keys too, to disk.",
    remediation="Remove nodes/log and nodes/checkpoint; for metrics nodes/metrics and nodes/stats do.",
    controls="cis:5.1.10 mitre-attack:T1005 nsa-cisa:rbac",
    references=(_KUBELET,),
    notes=_WILDCARD,
)
def rbac_node_files(role: Role, ctx: Context) -> Hits:
    targets = (("", "nodes/log"), ("", "nodes/checkpoint"))
    yield from told(role, ctx, targets, ("get", "create", "update"), "reach by the kubelet")


@rule(
    "rbac-proxy",
    title="Role may reach pods and services through the API server",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The proxy reaches ports of pods and services as the API server does: past network policies and the meshes' "
    "identity checks.",
    remediation="Remove pods/proxy and services/proxy, or name the service in resourceNames.",
    controls="mitre-attack:T1090 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/cluster-administration/proxies/",),
    notes=f"Rules that are limited by resourceNames pass. {_WILDCARD}",
)
def rbac_proxy(role: Role, ctx: Context) -> Hits:
    targets = (("", "pods/proxy"), ("", "services/proxy"))
    verbs = ("get", "create", "update", "patch", "delete")
    yield from told(role, ctx, targets, verbs, "use", named=False)


@rule(
    "rbac-pod-binding",
    title="Role may place pods on nodes",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Whoever binds pods puts them past the scheduler on a node of its choice: beside the pods that it is after, or "
    "pods with secrets onto a node that it has.",
    remediation="Leave pods/binding to schedulers.",
    controls="mitre-attack:T1610 nsa-cisa:rbac",
    references=(GOOD_PRACTICES,),
    notes=f"Schedulers need it. {_WILDCARD}",
)
def rbac_pod_binding(role: Role, ctx: Context) -> Hits:
    yield from told(role, ctx, (("", "pods/binding"), ("", "bindings")), ("create",), "create")


@rule(
    "rbac-pod-status-write",
    title="Role may change the status of pods",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The status holds a pod's address and readiness: whoever writes it draws a service's requests to another "
    "address, or takes the pods of a service out of it.",
    remediation="Leave pods/status to the kubelets.",
    controls="mitre-attack:T1557 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/",),
    notes=_WILDCARD,
)
def rbac_pod_status_write(role: Role, ctx: Context) -> Hits:
    yield from told(role, ctx, (("", "pods/status"),), ("update", "patch"), "change")


@rule(
    "rbac-eviction",
    title="Role may evict pods",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="Evicted pods start anew elsewhere: with a tainted or full cluster they land on a node that the attacker has, "
    "and guards that run as pods are gone for that time.",
    remediation="Leave eviction to autoscalers and to the people who drain nodes.",
    controls="mitre-attack:T1489 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/",),
    notes=f"Autoscalers and deschedulers need it. {_WILDCARD}",
)
def rbac_eviction(role: Role, ctx: Context) -> Hits:
    yield from told(role, ctx, (("", "pods/eviction"),), ("create",), "create")


@rule(
    "rbac-pod-logs-read",
    title="Role may read logs of all pods",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="Programs log tokens, connection strings and people's data more often than their owners know.",
    remediation="Grant pods/log in the namespaces where it is needed.",
    controls="mitre-attack:T1552.007 nsa-cisa:rbac",
    references=(GOOD_PRACTICES,),
    default=False,
    notes=_WILDCARD,
)
def rbac_pod_logs_read(role: Role, ctx: Context) -> Hits:
    yield from told(role, ctx, (("", "pods/log"),), ("get", "list"), "read", named=False)


@rule(
    "rbac-debug-urls",
    title="Role may reach debug pages of the API server",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="/debug shows the server's memory profile and flags, /logs its files, and a wildcard takes in all of it and "
    "what comes with later versions.",
    remediation="Name the paths that are needed: /metrics, /healthz, /livez, /readyz, /version.",
    controls="mitre-attack:T1613 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/reference/access-authn-authz/rbac/",),
    notes="Rules that cover every resource as well are told by rbac-wildcard-resources; roles that the API server "
    "keeps pass.",
)
def rbac_debug_urls(role: Role, ctx: Context) -> Hits:
    if is_built_in(role) or any("*" in r.resources and "*" in r.verbs for r in role.rules):
        return
    for i, r in numbered(role.rules):
        found = [url for url in r.non_resource_urls if url in ("*", "/*") or url.startswith(("/debug", "/logs"))]
        if found:
            yield Hit(f"the role may reach {', '.join(found)}", f"rules[{i}].nonResourceURLs")
