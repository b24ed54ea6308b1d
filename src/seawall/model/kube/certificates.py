"""cert-manager's certificates and issuers."""

from __future__ import annotations

from typing import Any

from msgspec import field

from seawall.model.kube.base import KubeObject, View


class CertificateSpec(View, frozen=True):
    """What is certified, for how long (a Go duration)."""

    duration: str = ""
    dns_names: tuple[str, ...] = ()
    is_ca: bool = field(default=False, name="isCA")
    private_key: dict[str, Any] = {}


class Certificate(KubeObject, frozen=True):
    """A certificate of cert-manager."""

    spec: CertificateSpec = CertificateSpec()


class AcmeIssuer(View, frozen=True):
    """A server that issues by ACME."""

    server: str = ""
    skip_tls_verify: bool = field(default=False, name="skipTLSVerify")


class VaultServer(View, frozen=True):
    """A Vault."""

    server: str = ""


class IssuerSpec(View, frozen=True):
    """Who issues."""

    acme: AcmeIssuer | None = None
    vault: VaultServer | None = None


class Issuer(KubeObject, frozen=True):
    """An Issuer or ClusterIssuer of cert-manager."""

    spec: IssuerSpec = IssuerSpec()
