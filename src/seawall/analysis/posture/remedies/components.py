"""Remedies for the programs of the control plane and of nodes: flags, kubeadm's arguments, fields of their files."""

from __future__ import annotations

from typing import Any

from seawall.model.paths import Path
from seawall.model.remedy import Edit, Proposal, Remedy, Site

_METRICS = "what reads its metrics from another address does not any more"
_LOGIN = "requests without a login are refused: probes of load balancers, and kubeadm join by token"
_ANYONE = "what reads the kubelet without a login, such as an old collector of metrics, is refused"
_CERTIFICATES = "clients without a certificate of its authority are cut off"
_RIGHTS = "what worked without rights is refused"
_TOKENS = "clients that use it are cut off"


def flag(name: str, value: str, caution: str = "", field: Any = None) -> Remedy:
    """Give a flag this value: in a command, in kubeadm's arguments, or (``field``) as a field of a file."""

    def remedy(site: Site) -> Proposal | None:
        edits = _as_field(site, field) if field is not None and _is_field(site) else _flag_edits(site, name, value)
        return Proposal(tuple(edits), caution) if edits else None

    return remedy


def flag_list(
    name: str, *, add: str = "", remove: tuple[str, ...] = (), first: bool = False, caution: str = ""
) -> Remedy:
    """Add to the names that a flag lists, or remove some; ``first`` puts the new one before the others."""

    def remedy(site: Site) -> Proposal | None:
        told = _flag_value(site, name)
        if told is None:
            return None
        items = [item for item in told.split(",") if item and item not in remove]
        if add and add not in items:
            items = [add, *items] if first else [*items, add]
        edits = _flag_edits(site, name, ",".join(items)) if items else _without_flag(site)
        return Proposal(tuple(edits), caution) if edits else None

    return remedy


def flag_out(caution: str = "", field: bool = False) -> Remedy:
    """Take a flag away, so that its default holds."""

    def remedy(site: Site) -> Proposal | None:
        if field and _is_field(site):
            return Proposal((Edit("remove", site.path),), caution) if site.value is not None else None
        edits = _without_flag(site)
        return Proposal(tuple(edits), caution) if edits else None

    return remedy


def _is_field(site: Site) -> bool:
    """Whether the place is in a file of settings, and not in a command or in kubeadm's arguments."""
    return "extraArgs" not in site.path and "spec" not in site.path


def _as_field(site: Site, value: Any) -> list[Edit]:
    return [Edit("set", site.path, value)] if site.path else []


def _flag_value(site: Site, name: str) -> str | None:
    """What the flag at the place is given; None where the place is another one."""
    value = site.value
    if isinstance(value, str) and value.startswith(f"--{name}="):
        return value.partition("=")[2]
    if isinstance(value, str) and value == f"--{name}":
        following = _next_item(site)
        return site.at(following) if following is not None else None
    return value if isinstance(value, str) and "extraArgs" in site.path else None


def _next_item(site: Site) -> Path | None:
    """The item after a flag that is given without ``=``, where it is the flag's value."""
    last = site.path[-1]
    if not isinstance(last, int):
        return None
    path = (*site.path[:-1], last + 1)
    value = site.at(path)
    return path if isinstance(value, str) and not value.startswith("-") else None


def _flag_edits(site: Site, name: str, value: str) -> list[Edit]:
    here = site.value
    if not site.path:
        return []
    if "extraArgs" in site.path:
        return _kubeadm_edits(site, name, value)
    if isinstance(here, list):
        return [Edit("add", site.path, f"--{name}={value}")]
    if not isinstance(here, str):
        return []
    if here.startswith(f"--{name}="):
        return [Edit("set", site.path, f"--{name}={value}")]
    if here == f"--{name}":
        following = _next_item(site)
        return [Edit("set", following or site.path, value if following else f"--{name}={value}")]
    return []


def _kubeadm_edits(site: Site, name: str, value: str) -> list[Edit]:
    if site.path[-1] != "extraArgs":
        return [Edit("set", site.path, value)]
    # A map until v1beta3, a list of pairs since.
    version = str(site.raw.get("apiVersion", "")).rpartition("/")[2]
    if isinstance(site.value, dict) or version in ("v1beta2", "v1beta3"):
        return [Edit("set", (*site.path, name), value)]
    return [Edit("add", site.path, {"name": name, "value": value})]


def _without_flag(site: Site) -> list[Edit]:
    value = site.value
    if "extraArgs" in site.path and isinstance(value, str):
        path = site.path[:-1] if site.path[-1] == "value" else site.path
        return [Edit("remove", path)]
    if not isinstance(value, str) or not value.startswith("--"):
        return []
    edits = [Edit("remove", site.path)]
    following = None if "=" in value else _next_item(site)
    return [*edits, Edit("remove", following)] if following else edits


#: What CIS and Mozilla's intermediate set have in common.
_STRONG = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,"
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,"
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"
)
_OLD_CLIENTS = "clients that know no other suites are cut off"
_ADMISSION = "enable-admission-plugins"
_DISABLED = "disable-admission-plugins"

COMPONENTS: dict[str, Remedy] = {
    "apiserver-profiling": flag("profiling", "false"),
    "apiserver-audit-log-age": flag("audit-log-maxage", "30"),
    "apiserver-audit-log-backups": flag("audit-log-maxbackup", "10"),
    "apiserver-audit-log-size": flag("audit-log-maxsize", "100"),
    "apiserver-request-timeout": flag("request-timeout", "1m0s"),
    "apiserver-old-tls": flag("tls-min-version", "VersionTLS12"),
    "apiserver-kubelet-http": flag("kubelet-https", "true"),
    "apiserver-service-account-lookup": flag("service-account-lookup", "true"),
    "apiserver-namespace-lifecycle": flag_list(_DISABLED, remove=("NamespaceLifecycle",)),
    "apiserver-node-restriction": flag_list(_ADMISSION, add="NodeRestriction"),
    "apiserver-always-admit": flag_list(_ADMISSION, remove=("AlwaysAdmit",)),
    "apiserver-node-authorizer": flag_list("authorization-mode", add="Node", first=True),
    "apiserver-service-account-plugin": flag_list(_DISABLED, remove=("ServiceAccount",)),
    "apiserver-insecure-port": flag("insecure-port", "0", "whoever uses the port without a login is cut off"),
    "apiserver-insecure-bind-address": flag_out("whoever uses the port without a login is cut off"),
    "apiserver-anonymous-auth": flag("anonymous-auth", "false", _LOGIN, field=False),
    "apiserver-authorization-unset": flag("authorization-mode", "Node,RBAC", _RIGHTS),
    "apiserver-always-allow": flag("authorization-mode", "Node,RBAC", _RIGHTS),
    "apiserver-rbac": flag_list("authorization-mode", add="RBAC", caution="RBAC comes to grant what it holds"),
    "apiserver-pod-security": flag_list(
        _DISABLED, remove=("PodSecurity",), caution="namespaces with a level refuse pods that need more"
    ),
    "apiserver-always-pull-images": flag_list(
        _ADMISSION, add="AlwaysPullImages", caution="pods do not start where the registry cannot be reached"
    ),
    "apiserver-external-ips": flag_list(
        _ADMISSION, add="DenyServiceExternalIPs", caution="Services with external addresses are refused"
    ),
    "apiserver-weak-ciphers": flag("tls-cipher-suites", _STRONG, _OLD_CLIENTS),
    "apiserver-token-auth-file": flag_out(_TOKENS),
    "apiserver-basic-auth-file": flag_out(_TOKENS),
    "apiserver-extended-tokens": flag(
        "service-account-extend-token-expiration", "false", "programs that never read their token again fail in an hour"
    ),
    "controller-manager-profiling": flag("profiling", "false"),
    "controller-manager-credentials": flag(
        "use-service-account-credentials", "true", "without RBAC its controllers have no rights"
    ),
    "controller-manager-pod-gc": flag("terminated-pod-gc-threshold", "1000"),
    "controller-manager-kubelet-certs": flag_list(
        "feature-gates",
        remove=("RotateKubeletServerCertificate=false",),
    ),
    "controller-manager-bind-address": flag("bind-address", "127.0.0.1", _METRICS),
    "scheduler-profiling": flag("profiling", "false", field=False),
    "scheduler-bind-address": flag("bind-address", "127.0.0.1", _METRICS),
    "kube-proxy-profiling": flag("profiling", "false", field=False),
    "kube-proxy-metrics-address": flag("metrics-bind-address", "127.0.0.1:10249", _METRICS, field="127.0.0.1:10249"),
    "etcd-auto-tls": flag("auto-tls", "false", _CERTIFICATES),
    "etcd-peer-auto-tls": flag("peer-auto-tls", "false", _CERTIFICATES),
    "etcd-client-cert-auth": flag("client-cert-auth", "true", _CERTIFICATES),
    "etcd-peer-client-cert-auth": flag("peer-client-cert-auth", "true", _CERTIFICATES),
    "kubelet-anonymous-auth": flag("anonymous-auth", "false", _ANYONE, field=False),
    "kubelet-cert-rotation": flag("rotate-certificates", "true", field=True),
    "kubelet-iptables-chains": flag("make-iptables-util-chains", "true", field=True),
    "kubelet-old-tls": flag("tls-min-version", "VersionTLS12", field="VersionTLS12"),
    "kubelet-idle-timeout": flag("streaming-connection-idle-timeout", "4h0m0s"),
    "kubelet-event-rate": flag("event-qps", "50", field=50),
    "kubelet-server-cert-rotation": flag_list("feature-gates", remove=("RotateKubeletServerCertificate=false",)),
    "kubelet-seccomp-default": flag(
        "seccomp-default", "true", "programs that need calls which the runtime's profile refuses fail", field=True
    ),
    "kubelet-always-allow": flag("authorization-mode", "Webhook", _RIGHTS, field="Webhook"),
    "kubelet-read-only-port": flag("read-only-port", "0", _METRICS, field=0),
    "kubelet-protect-kernel-defaults": flag(
        "protect-kernel-defaults", "true", "the kubelet does not start on a kernel set otherwise", field=True
    ),
    "kubelet-pid-limit": flag("pod-max-pids", "4096", "pods with more processes fail", field=4096),
    "kubelet-manifest-url": flag_out("pods that come from there end", field=True),
    "kubelet-unsafe-sysctls": flag_out("pods with these settings are refused", field=True),
    "kubelet-weak-ciphers": flag("tls-cipher-suites", _STRONG, _OLD_CLIENTS, field=_STRONG.split(",")),
}
