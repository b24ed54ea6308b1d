"""Certificates of cert-manager."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.certificates import Certificate, Issuer
    from seawall.model.rule import Context

_CERTIFICATE = "https://cert-manager.io/docs/usage/certificate/"
_HOURS = {"h": 1.0, "m": 1 / 60, "s": 1 / 3600, "ms": 0.0, "us": 0.0, "µs": 0.0, "ns": 0.0}
#: The longest life that browsers and public authorities accept, in hours.
_LONGEST = 398 * 24


@rule(
    "certificate-long-lived",
    title="Certificate valid for years",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="Certificate",
    why="A key that was stolen is of use for as long as the certificate is valid.",
    remediation="Set duration to 2160h (90 days) or less; cert-manager renews by itself.",
    controls="mitre-attack:T1552.004",
    aliases="kyverno:cert-manager-limit-duration",
    references=(_CERTIFICATE,),
    notes="Judged above 398 days. Authorities (isCA) are left out.",
)
def certificate_long_lived(certificate: Certificate, ctx: Context) -> Hits:
    hours = _hours(certificate.spec.duration)
    if hours > _LONGEST and not certificate.spec.is_ca:
        yield Hit(f"the certificate is valid for {hours / 24:.0f} days", "spec.duration")


def _hours(duration: str) -> float:
    """The hours of a Go duration (1h30m); 0 for what is none."""
    parts = re.findall(r"(\d{1,9}(?:\.\d{1,9})?)(h|ms|us|µs|ns|m|s)", duration)
    return sum(float(number) * _HOURS[unit] for number, unit in parts)


@rule(
    "certificate-key-kept",
    title="Private key kept when the certificate is renewed",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="Certificate",
    why="A key that was stolen once stays good through every renewal.",
    remediation="Set privateKey.rotationPolicy to Always.",
    controls="mitre-attack:T1552.004",
    references=(_CERTIFICATE,),
    default=False,
    notes="Since cert-manager 1.18 Always is the default; Never is told.",
)
def certificate_key_kept(certificate: Certificate, ctx: Context) -> Hits:
    if certificate.spec.private_key.get("rotationPolicy") == "Never":
        yield Hit("the private key is kept at renewals", "spec.privateKey.rotationPolicy")


@rule(
    "certificate-wildcard",
    title="Certificate for every host of a domain",
    severity=Severity.INFO,
    scope=Scope.SECRET,
    on="Certificate",
    why="Who gets its key stands for every name of the domain, those of other services too.",
    remediation="Name the hosts in dnsNames.",
    controls="mitre-attack:T1557",
    aliases="kyverno:cert-manager-limit-dnsnames",
    references=(_CERTIFICATE,),
    default=False,
)
def certificate_wildcard(certificate: Certificate, ctx: Context) -> Hits:
    for i, name in numbered(certificate.spec.dns_names):
        if name.startswith("*."):
            yield Hit(f"the certificate is for {name}", f"spec.dnsNames[{i}]")


@rule(
    "issuer-unverified",
    title="Issuer of certificates that is not verified",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Issuer ClusterIssuer",
    why="Whoever is on the way hands out certificates in its place, or reads the token by which they are asked for.",
    remediation="Remove skipTLSVerify and set caBundle; write the server with https.",
    controls="mitre-attack:T1557",
    references=("https://cert-manager.io/docs/configuration/acme/",),
)
def issuer_unverified(issuer: Issuer, ctx: Context) -> Hits:
    acme, vault = issuer.spec.acme, issuer.spec.vault
    if acme is not None and acme.skip_tls_verify:
        yield Hit(f"the server {acme.server} is not verified", "spec.acme.skipTLSVerify")
    if vault is not None and vault.server.lower().startswith("http://"):
        yield Hit(f"the vault is spoken to in clear, at {vault.server}", "spec.vault.server")
