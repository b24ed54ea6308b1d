"""OpenShift: security context constraints, routes and the API server's settings."""

from __future__ import annotations

from typing import Any

from msgspec import field

from seawall.model.kube.base import KubeObject, View


class Strategy(View, frozen=True):
    """How a field of pods is bounded; RunAsAny does not bound it."""

    type: str = ""


class SecurityContextConstraints(KubeObject, frozen=True):
    """What pods of some users and groups may ask for."""

    allow_privileged_container: bool = False
    allow_host_network: bool = False
    allow_host_pid: bool = field(default=False, name="allowHostPID")
    allow_host_ipc: bool = field(default=False, name="allowHostIPC")
    allow_host_dir_volume_plugin: bool = False
    allow_host_ports: bool = False
    allowed_capabilities: tuple[str, ...] | None = None
    run_as_user: Strategy = Strategy()
    se_linux_context: Strategy = Strategy()
    users: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None


class RouteTls(View, frozen=True):
    """How a route is encrypted, and what becomes of plain requests."""

    termination: str = ""
    insecure_edge_termination_policy: str = ""


class RouteSpec(View, frozen=True):
    """Which host leads where."""

    host: str = ""
    to: dict[str, Any] = {}
    tls: RouteTls | None = None
    wildcard_policy: str = ""


class Route(KubeObject, frozen=True):
    """A route of OpenShift."""

    spec: RouteSpec = RouteSpec()


class EncryptionSettings(View, frozen=True):
    """How what is stored is encrypted; empty and identity are not at all."""

    type: str = ""


class OpenShiftApiServerSpec(View, frozen=True):
    """Settings of the API server."""

    encryption: EncryptionSettings = EncryptionSettings()


class OpenShiftApiServer(KubeObject, frozen=True):
    """The APIServer object of config.openshift.io."""

    spec: OpenShiftApiServerSpec = OpenShiftApiServerSpec()
