"""What an API server tells and lets people do who have not logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.model.kube.endpoint import Asked, Endpoint
    from seawall.model.paths import Path
    from seawall.model.rule import Context

_ANONYMOUS = "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests"
_SERVERS = ("kube-apiserver", "insecure-api")
_LISTS = {
    "/api/v1/secrets?limit=1": "SecretList",
    "/api/v1/pods?limit=1": "PodList",
    "/api/v1/nodes?limit=1": "NodeList",
    "/api/v1/namespaces?limit=1": "NamespaceList",
}
_DISCOVERY = {"/api": ("APIVersions",), "/apis": ("APIGroupList",), "/openapi/v2": ("openapi",)}
_OK = 200


def requests(endpoint: Endpoint) -> Iterator[tuple[Path, str, Asked]]:
    """All requests: where each stands, what was asked for, and the answer."""
    for path, asked in endpoint.spec.requests.items():
        yield ("spec", "requests", path), path, asked


def answers(endpoint: Endpoint) -> Iterator[tuple[Path, str, Asked]]:
    """The requests that were granted."""
    return (each for each in requests(endpoint) if each[2].status == _OK)


def place(endpoint: Endpoint) -> str:
    """Its address, as people write it."""
    host = f"[{endpoint.spec.host}]" if ":" in endpoint.spec.host else endpoint.spec.host
    return f"{host}:{endpoint.spec.port}"


@rule(
    "endpoint-anonymous-read",
    title="API server lets everyone read objects",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="Anyone who reaches the server reads the cluster without a login: its secrets, its pods with their settings, "
    "its nodes.",
    remediation="Take the bindings of system:anonymous and system:unauthenticated away, and set "
    "--anonymous-auth=false.",
    controls="cis:1.2.1 mitre-attack:T1190 mitre-attack:T1613 nsa-cisa:authentication",
    references=(_ANONYMOUS,),
    notes="Of critical severity where Secrets can be listed. One object was asked for, and nothing of it kept.",
)
def endpoint_anonymous_read(endpoint: Endpoint, ctx: Context) -> Hits:
    for field, path, asked in answers(endpoint):
        if endpoint.spec.role in _SERVERS and _LISTS.get(path, "-") == asked.sort:
            what = asked.sort.removesuffix("List").lower() + "s"
            severity = Severity.CRITICAL if what == "secrets" else None
            yield Hit(f"{place(endpoint)} lists {what} to people without a login", field, severity=severity)


@rule(
    "endpoint-insecure-api",
    title="API server answers without TLS",
    severity=Severity.CRITICAL,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="The plain port asks for no login and checks no rights: whoever reaches it owns the cluster.",
    remediation="Set --insecure-port=0 (Kubernetes before 1.24), stop the kubectl proxy, or close the port.",
    controls="cis:1.2.1 mitre-attack:T1190 nsa-cisa:authentication",
    references=("https://kubernetes.io/docs/concepts/security/controlling-access/",),
    notes="A kubectl proxy that listens on more than the machine itself looks the same, and is as bad.",
)
def endpoint_insecure_api(endpoint: Endpoint, ctx: Context) -> Hits:
    if endpoint.spec.protocol != "http":
        return
    for field, _, asked in answers(endpoint):
        if asked.sort in ("APIVersions", "APIGroupList") or asked.sort in _LISTS.values():
            yield Hit(f"{place(endpoint)} speaks the API of Kubernetes without TLS", field)
            return


@rule(
    "endpoint-anonymous-requests",
    title="Requests without a login are heard",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="Every flaw of the server, and every binding that someone gives to system:anonymous or "
    "system:unauthenticated by mistake, is open to whoever reaches it.",
    remediation="Set --anonymous-auth=false, or since Kubernetes 1.32 let an AuthenticationConfiguration allow it "
    "for the health checks alone; of a kubelet set authentication.anonymous.enabled to false.",
    controls="cis:1.2.1 cis:4.2.1 mitre-attack:T1190 nsa-cisa:authentication",
    references=(_ANONYMOUS,),
    notes="Told by a refusal as forbidden (403): a server that lets no one in without a login says 401.",
)
def endpoint_anonymous_requests(endpoint: Endpoint, ctx: Context) -> Hits:
    asked_for = {"kube-apiserver": _LISTS, "kubelet": ("/pods",)}.get(endpoint.spec.role, ())
    for field, path, asked in requests(endpoint):
        if asked.status == 403 and path in asked_for:
            yield Hit(f"{place(endpoint)} hears people without a login as system:anonymous", field)
            return


@rule(
    "endpoint-version-told",
    title="Version told to everyone",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="Attackers who sweep the internet pick out the servers for which they have a working exploit.",
    remediation="Keep the port from the internet; for an API server take the rights of system:public-info-viewer from "
    "system:unauthenticated, or set --anonymous-auth=false.",
    controls="mitre-attack:T1592",
    references=("https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles",),
)
def endpoint_version_told(endpoint: Endpoint, ctx: Context) -> Hits:
    if endpoint.spec.version:
        yield Hit(f"{place(endpoint)} says that it is of version {endpoint.spec.version}", "spec.version")


@rule(
    "endpoint-discovery-open",
    title="API server tells everyone which APIs it has",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="The list of APIs names the operators and products that run in the cluster, and with them the ways in.",
    remediation="Take the binding of system:discovery to system:unauthenticated away, or set --anonymous-auth=false.",
    controls="cis:1.2.1 mitre-attack:T1613",
    references=("https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles",),
)
def endpoint_discovery_open(endpoint: Endpoint, ctx: Context) -> Hits:
    for field, path, asked in answers(endpoint):
        if endpoint.spec.protocol == "https" and asked.sort in _DISCOVERY.get(path, ()):
            yield Hit(f"{place(endpoint)} answers {path} to people without a login", field)
            return


@rule(
    "endpoint-debug-open",
    title="Debugging pages open to everyone",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="Profiles and logs hold what the program works on, tokens among it; asking for a profile keeps it busy, many "
    "times over until it stops.",
    remediation="Set --profiling=false (kubelet: enableDebuggingHandlers: false), and let no one in without a login.",
    controls="cis8:1.2.16 cis9-12:1.2.15 mitre-attack:T1046 mitre-attack:T1499",
    references=("https://kubernetes.io/docs/reference/command-line-tools-reference/",),
)
def endpoint_debug_open(endpoint: Endpoint, ctx: Context) -> Hits:
    for field, path, asked in answers(endpoint):
        pages = (path == "/debug/pprof/" and asked.sort == "pprof") or (path == "/logs/" and asked.sort == "listing")
        if pages or asked.sort == "configz":
            yield Hit(f"{place(endpoint)} answers {path} to people without a login", field)


@rule(
    "endpoint-metrics-open",
    title="Metrics open to everyone",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="Metrics name nodes, pods, images and requests, and tell an attacker what runs where and whether he is "
    "noticed.",
    remediation="Let only the monitoring reach the port, or ask for a login (kube-rbac-proxy, the program's own "
    "--authorization flags).",
    controls="mitre-attack:T1046 mitre-attack:T1613",
    references=("https://kubernetes.io/docs/concepts/cluster-administration/system-metrics/",),
)
def endpoint_metrics_open(endpoint: Endpoint, ctx: Context) -> Hits:
    for field, path, asked in answers(endpoint):
        if asked.sort == "metrics":
            yield Hit(f"{place(endpoint)} answers {path} to people without a login", field)
            return
