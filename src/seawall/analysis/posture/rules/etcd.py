"""etcd: who may reach the store that holds the whole cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.flags import absent, at_flag
from seawall.model.finding import Severity
from seawall.model.rule import Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.programs import Program
    from seawall.model.rule import Context

_SECURITY = "https://etcd.io/docs/v3.6/op-guide/security/"
_NOTES = "Flags and variables (ETCD_...) count; not judged where --config-file names a file."
_WHOLE = "etcd holds the whole cluster, Secrets included"
_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))


def _off(etcd: Program, name: str, message: str) -> Hits:
    """A hit where a switch that is off by default was not turned on."""
    if not etcd.has_config and etcd.switch(name, False) is False:
        yield at_flag(etcd, name, message)


def _on(etcd: Program, name: str, message: str) -> Hits:
    if not etcd.has_config and etcd.switch(name, False):
        yield at_flag(etcd, name, message)


def _missing(etcd: Program, *names: str) -> Hits:
    missing = [] if etcd.has_config else absent(etcd, *names)
    if missing:
        yield at_flag(etcd, names[0], f"etcd is given no {' and '.join(missing)}")


@rule(
    "etcd-serving-cert",
    title="etcd serves clients without TLS",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="etcd",
    why=f"{_WHOLE}: in clear it is read and changed by anyone on the way.",
    remediation="Set --cert-file and --key-file.",
    controls="cis:2.1 mitre-attack:T1040 nsa-cisa:etcd",
    aliases="KCV-0042 CKV_K8S_116 C-0153 prowler:etcd_tls_encryption",
    references=(_SECURITY,),
    notes=_NOTES,
)
def etcd_serving_cert(etcd: Program, ctx: Context) -> Hits:
    yield from _missing(etcd, "cert-file", "key-file")


@rule(
    "etcd-client-cert-auth",
    title="etcd does not ask clients for certificates",
    severity=Severity.CRITICAL,
    scope=Scope.CONTROL_PLANE,
    on="etcd",
    why=f"{_WHOLE}: whoever reaches its port reads and writes all of it.",
    remediation="Set --client-cert-auth=true and --trusted-ca-file.",
    controls="cis:2.2 mitre-attack:T1552 nsa-cisa:etcd",
    aliases="KCV-0043 CKV_K8S_117 C-0154 prowler:etcd_client_cert_auth",
    references=(_SECURITY,),
    notes=f"Off by default. {_NOTES}",
)
def etcd_client_cert_auth(etcd: Program, ctx: Context) -> Hits:
    yield from _off(etcd, "client-cert-auth", "etcd does not ask clients for certificates")


@rule(
    "etcd-auto-tls",
    title="etcd makes its own certificate for clients",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="etcd",
    why="Clients cannot know a self-signed certificate for the right one: whoever gets in between reads and changes "
    "the store.",
    remediation="Remove --auto-tls; set --cert-file and --key-file to a certificate of etcd's CA.",
    controls="cis:2.3 mitre-attack:T1557",
    aliases="KCV-0044 CKV_K8S_118 C-0155 prowler:etcd_no_auto_tls",
    references=(_SECURITY,),
    notes=_NOTES,
)
def etcd_auto_tls(etcd: Program, ctx: Context) -> Hits:
    yield from _on(etcd, "auto-tls", "etcd makes its own certificate for clients")


@rule(
    "etcd-peer-cert",
    title="etcd's members talk without TLS",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="etcd",
    why=f"{_WHOLE}, and its members send each other all of it: in clear it is read and changed by anyone on the way.",
    remediation="Set --peer-cert-file and --peer-key-file.",
    controls="cis:2.4 mitre-attack:T1040 nsa-cisa:etcd",
    aliases="KCV-0045 CKV_K8S_119 C-0156 prowler:etcd_peer_tls_config",
    references=(_SECURITY,),
    notes=_NOTES,
)
def etcd_peer_cert(etcd: Program, ctx: Context) -> Hits:
    yield from _missing(etcd, "peer-cert-file", "peer-key-file")


@rule(
    "etcd-peer-client-cert-auth",
    title="etcd takes anyone as a member",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="etcd",
    why="Whoever reaches the peer port without a certificate joins in as a member and is sent the whole store.",
    remediation="Set --peer-client-cert-auth=true and --peer-trusted-ca-file.",
    controls="cis:2.5 mitre-attack:T1552 nsa-cisa:etcd",
    aliases="KCV-0046 CKV_K8S_121 C-0157 prowler:etcd_peer_client_cert_auth",
    references=(_SECURITY,),
    notes=f"Off by default. {_NOTES}",
)
def etcd_peer_client_cert_auth(etcd: Program, ctx: Context) -> Hits:
    yield from _off(etcd, "peer-client-cert-auth", "etcd does not ask its peers for certificates")


@rule(
    "etcd-peer-auto-tls",
    title="etcd's members make their own certificates",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="etcd",
    why="Members cannot know a self-signed certificate for the right one: whoever gets in between is sent the store.",
    remediation="Remove --peer-auto-tls; set --peer-cert-file and --peer-key-file to a certificate of etcd's CA.",
    controls="cis:2.6 mitre-attack:T1557",
    aliases="KCV-0047 C-0158 prowler:etcd_no_peer_auto_tls",
    references=(_SECURITY,),
    notes=_NOTES,
)
def etcd_peer_auto_tls(etcd: Program, ctx: Context) -> Hits:
    yield from _on(etcd, "peer-auto-tls", "etcd makes its own certificate for its peers")


@rule(
    "etcd-plain-http",
    title="etcd listens in clear on the network",
    severity=Severity.CRITICAL,
    scope=Scope.CONTROL_PLANE,
    on="etcd",
    why=f"{_WHOLE}: on a plain HTTP address certificates are neither shown nor asked for, whatever the other flags "
    "say.",
    remediation="Write https:// in --listen-client-urls and --listen-peer-urls; keep http:// to 127.0.0.1.",
    controls="cis:2.1 mitre-attack:T1552 nsa-cisa:etcd",
    references=(_SECURITY,),
    notes=f"--listen-metrics-urls, which serves no data, is left out. {_NOTES}",
)
def etcd_plain_http(etcd: Program, ctx: Context) -> Hits:
    for name in ("listen-client-urls", "listen-peer-urls"):
        for url in [] if etcd.has_config else etcd.items(name):
            if _is_open(url):
                yield at_flag(etcd, name, f"etcd listens on {url}")


def _is_open(url: str) -> bool:
    """Whether an address is plain HTTP beyond the machine; one that cannot be read is not judged."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and "$" not in url and parts.hostname not in _LOOPBACK
    except ValueError:
        return False
