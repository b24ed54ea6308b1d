"""Ports and probes of containers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.base import IntOrString
    from seawall.model.kube.pod import Container
    from seawall.model.rule import Context

_PROBES = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/"


@rule(
    "privileged-port",
    title="Container listens on a port below 1024",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="To bind such a port a program needs root, or a capability, or a kernel parameter, and with them an attacker "
    "has more to work with.",
    remediation="Listen on a port of 1024 or above; a Service may still offer the usual one.",
    controls="mitre-attack:T1046",
    aliases="KSV-0117 kube-linter:privileged-ports kube-score:container-ports-check",
    references=("https://kubernetes.io/docs/concepts/services-networking/service/",),
    default=False,
)
def privileged_port(c: Container, ctx: Context) -> Hits:
    for i, port in numbered(c.ports):
        if 0 < port.container_port < 1024:
            yield Hit(f"container {c.name!r} listens on port {port.container_port}", f"ports[{i}].containerPort")


@rule(
    "identical-probes",
    title="Liveness and readiness probe are the same",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="A container that is too busy to answer is restarted, where it should only be left out: an overload, made by "
    "an attacker or not, becomes an outage.",
    remediation="Let the liveness probe ask for less, and give it more time, than the readiness probe.",
    controls="mitre-attack:T1499",
    aliases="kube-score:pod-probes-identical kyverno:validate-probes",
    references=(_PROBES,),
    default=False,
)
def identical_probes(c: Container, ctx: Context) -> Hits:
    if c.liveness_probe is None or c.liveness_probe != c.readiness_probe:
        return
    raw = ctx.resource.value_at(_container_path(c, ctx))
    if isinstance(raw, dict) and raw.get("livenessProbe") != raw.get("readinessProbe"):
        return  # they differ in times or thresholds
    yield Hit(f"container {c.name!r} has the same liveness and readiness probe", "livenessProbe")


def _container_path(c: Container, ctx: Context) -> tuple[str | int, ...]:
    """Where a container stands in its object."""
    spec = ctx.pod.spec
    containers = spec.containers if ctx.field == "containers" else spec.init_containers
    index = next((i for i, each in numbered(containers) if each is c), 0)
    return (*(ctx.resource.kind.template or ()), "spec", ctx.field, index)


@rule(
    "probe-port-undeclared",
    title="Probe of a port that the container does not declare",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="container",
    why="A probe of the wrong port tells nothing of the program, or kills it; a port that is not declared is passed "
    "over by those who write network policies.",
    remediation="Declare the port in ports, or correct the probe.",
    aliases="kube-linter:liveness-port kube-linter:readiness-port kube-linter:startup-port",
    references=(_PROBES,),
    default=False,
    notes="Low where a name is used that no port has: such a probe always fails.",
)
def probe_port_undeclared(c: Container, ctx: Context) -> Hits:
    for path, port in _probed(c):
        declared = any(port in (each.container_port, each.name) for each in c.ports)
        if not declared:
            severity = Severity.LOW if isinstance(port, str) and not port.isdigit() else None
            yield Hit(f"container {c.name!r} is probed on port {port}, not one of its own", path, severity=severity)


def _probed(c: Container) -> Iterator[tuple[str, IntOrString]]:
    for field, probe in (
        ("livenessProbe", c.liveness_probe),
        ("readinessProbe", c.readiness_probe),
        ("startupProbe", c.startup_probe),
    ):
        if probe is None:
            continue
        if probe.http_get is not None and not probe.http_get.host:
            yield f"{field}.httpGet.port", probe.http_get.port
        if probe.tcp_socket is not None and not probe.tcp_socket.host:
            yield f"{field}.tcpSocket.port", probe.tcp_socket.port


@rule(
    "host-port-on-every-address",
    title="Port of the node open on every address",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="Without hostIP the port answers on the node's public addresses too, past Services and often past network "
    "policies.",
    remediation="Set hostIP to the one address that is meant, 127.0.0.1 for agents of the node itself.",
    controls="mitre-attack:T1133",
    references=("https://kubernetes.io/docs/concepts/configuration/overview/",),
    default=False,
)
def host_port_on_every_address(c: Container, ctx: Context) -> Hits:
    for i, port in numbered(c.ports):
        if port.host_port and port.host_ip in ("", "0.0.0.0", "::") and not ctx.pod.spec.host_network:  # noqa: S104
            message = f"container {c.name!r} opens port {port.host_port} on every address of the node"
            yield Hit(message, f"ports[{i}].hostPort")
