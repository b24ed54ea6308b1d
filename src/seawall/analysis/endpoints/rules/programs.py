"""Programs of nodes and of the control plane that answer people without credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.endpoints.rules.anonymous import answers, place, requests
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.endpoint import Endpoint
    from seawall.model.rule import Context

_KUBELET = "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/"
_PORTS = "https://kubernetes.io/docs/reference/networking/ports-and-protocols/"
_ETCD = "https://etcd.io/docs/v3.6/op-guide/security/"
_DOCKER = "https://docs.docker.com/engine/security/protect-access/"
_REFUSED = (401, 403)
_ETCD_SORTS = ("etcd-version", "etcd-health")
_COMPONENTS = {
    "kube-controller-manager": "the controller manager",
    "kube-scheduler": "the scheduler",
    "kube-proxy": "kube-proxy",
    "container-runtime": "the container runtime",
}


@rule(
    "endpoint-kubelet-open",
    title="Kubelet lets everyone in",
    severity=Severity.CRITICAL,
    scope=Scope.NODE,
    on="Endpoint",
    why="Whoever reaches the port runs commands in every container of the node and reads every token there, without a "
    "login.",
    remediation="In the kubelet's configuration set authentication.anonymous.enabled to false and authorization.mode "
    "to Webhook.",
    controls="cis:4.2.1 cis:4.2.2 mitre-attack:T1190 mitre-attack:T1609 nsa-cisa:kubelet",
    references=(_KUBELET,),
    notes="Judged by the lists of pods, and by whether a command for a pod that does not exist is refused before the "
    "kubelet looks for it.",
)
def endpoint_kubelet_open(endpoint: Endpoint, ctx: Context) -> Hits:
    if endpoint.spec.role != "kubelet":
        return
    for field, path, asked in requests(endpoint):
        if path in ("/pods", "/runningpods/") and asked.status == 200 and asked.sort == "PodList":
            yield Hit(f"{place(endpoint)} lists its pods to people without a login", field)
        elif path.startswith("/exec/") and asked.status not in _REFUSED and _is_kubelet(endpoint):
            yield Hit(f"{place(endpoint)} takes commands of people without a login", field)


def _is_kubelet(endpoint: Endpoint) -> bool:
    """Whether it has shown itself to be one: by a list of pods."""
    return any(asked.sort == "PodList" for _, _, asked in answers(endpoint))


@rule(
    "endpoint-kubelet-read-only",
    title="Read-only port of the kubelet",
    severity=Severity.HIGH,
    scope=Scope.NODE,
    on="Endpoint",
    why="Anyone who reaches it reads every pod of the node with its settings, in clear and without a login.",
    remediation="Set readOnlyPort to 0 in the kubelet's configuration.",
    controls="cis:4.2.4 mitre-attack:T1613 nsa-cisa:kubelet",
    references=(_KUBELET,),
)
def endpoint_kubelet_read_only(endpoint: Endpoint, ctx: Context) -> Hits:
    for field, path, asked in answers(endpoint):
        if endpoint.spec.role == "kubelet-read-only" and asked.sort in ("PodList", "stats", "metrics", "configz"):
            yield Hit(f"{place(endpoint)} answers {path} in clear", field)
            return


@rule(
    "endpoint-etcd-open",
    title="etcd takes anyone's connection",
    severity=Severity.CRITICAL,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="etcd holds the whole cluster: who reads it has every Secret, who writes to it makes himself an administrator, "
    "and nothing of that is in the audit log.",
    remediation="Set --client-cert-auth=true with --trusted-ca-file, and let only API servers reach the port.",
    controls="cis:2.2 mitre-attack:T1190 mitre-attack:T1552.007 nsa-cisa:etcd",
    references=(_ETCD,),
    notes="Told where it answers /version or /health without a client certificate. Nothing that is stored was asked "
    "for.",
)
def endpoint_etcd_open(endpoint: Endpoint, ctx: Context) -> Hits:
    for field, _, asked in answers(endpoint):
        if endpoint.spec.role == "etcd" and asked.sort in _ETCD_SORTS:
            yield Hit(f"{place(endpoint)} answers without a client certificate", field)
            return


@rule(
    "endpoint-etcd-peer-open",
    title="Peer port of etcd takes anyone's connection",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="Whoever reaches it may take part in the cluster of etcd, and so read and change all that it stores.",
    remediation="Set --peer-client-cert-auth=true with --peer-trusted-ca-file, and let only the members reach the "
    "port.",
    controls="cis:2.5 mitre-attack:T1190 nsa-cisa:etcd",
    references=(_ETCD,),
)
def endpoint_etcd_peer_open(endpoint: Endpoint, ctx: Context) -> Hits:
    for field, path, asked in answers(endpoint):
        if endpoint.spec.role == "etcd-peer" and (asked.sort in _ETCD_SORTS or path == "/members"):
            yield Hit(f"{place(endpoint)} answers without a client certificate", field)
            return


@rule(
    "endpoint-docker-open",
    title="Docker engine takes anyone's connection",
    severity=Severity.CRITICAL,
    scope=Scope.NODE,
    on="Endpoint",
    why="Whoever reaches the engine starts a privileged container and owns the machine.",
    remediation="Remove -H tcp://, or set --tlsverify with a CA of your own.",
    controls="cis-docker-1.7:2.7 mitre-attack:T1190 mitre-attack:T1610",
    references=(_DOCKER,),
)
def endpoint_docker_open(endpoint: Endpoint, ctx: Context) -> Hits:
    for field, _, asked in answers(endpoint):
        if endpoint.spec.role == "docker" and asked.sort == "docker-version":
            yield Hit(f"{place(endpoint)} answers without a client certificate", field)
            return


@rule(
    "endpoint-cadvisor-open",
    title="cAdvisor open to everyone",
    severity=Severity.MEDIUM,
    scope=Scope.NODE,
    on="Endpoint",
    why="It lists every container of the node with its image and resources, to anyone.",
    remediation="Set the kubelet's --cadvisor-port to 0 (before 1.12), or keep cAdvisor's pods from the outside.",
    controls="mitre-attack:T1613",
    references=(_PORTS,),
)
def endpoint_cadvisor_open(endpoint: Endpoint, ctx: Context) -> Hits:
    for field, path, asked in answers(endpoint):
        if endpoint.spec.role == "cadvisor" and asked.sort in ("machine", "metrics"):
            yield Hit(f"{place(endpoint)} answers {path} to everyone", field)
            return


@rule(
    "endpoint-dashboard-open",
    title="Dashboard reachable from here",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="A page that runs with rights in the cluster is a favourite way in: one that skips the login, or a flaw in it, "
    "gives these rights to everyone.",
    remediation="Remove it, or let it be reached through kubectl proxy or a login of your own alone.",
    controls="mitre-attack:T1190 mitre-attack:T1133",
    references=("https://kubernetes.io/docs/tasks/access-application-cluster/web-ui-dashboard/",),
    notes="Prometheus and Grafana pages are of medium severity.",
)
def endpoint_dashboard_open(endpoint: Endpoint, ctx: Context) -> Hits:
    for field, _, asked in answers(endpoint):
        if asked.sort in ("dashboard", "prometheus", "grafana"):
            severity = None if asked.sort == "dashboard" else Severity.MEDIUM
            what = "the dashboard of Kubernetes" if asked.sort == "dashboard" else asked.sort.capitalize()
            yield Hit(f"{place(endpoint)} shows {what}", field, severity=severity)
            return


@rule(
    "endpoint-component-reachable",
    title="Program of the control plane or a node reachable from here",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="Nobody but the machine itself and the monitoring needs the port: each flaw of the program is open to whoever "
    "reaches it.",
    remediation="Bind it to 127.0.0.1 (--bind-address), or close the port to others.",
    controls="cis:1.3.7 cis:1.4.2 mitre-attack:T1046",
    references=(_PORTS,),
    notes="Judged from where the probe runs: a port that only other nodes reach passes when asked from outside.",
)
def endpoint_component_reachable(endpoint: Endpoint, ctx: Context) -> Hits:
    spec = endpoint.spec
    if spec.state == "open" and spec.role in _COMPONENTS and spec.requests and not spec.host.startswith("127."):
        yield Hit(f"{_COMPONENTS[spec.role]} answers at {place(endpoint)}", "spec.port")
