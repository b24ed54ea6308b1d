"""An endpoint as it looks from outside; the facts of a probe (``seawall.probe/v1``)."""

from __future__ import annotations

from seawall.model.kube.base import KubeObject, View


class Suite(View, frozen=True):
    """A cipher suite that the server takes at a version. ``weaknesses`` are of a kind that is broken in practice."""

    version: str = ""
    name: str = ""
    weaknesses: tuple[str, ...] = ()
    legacy: bool = False


class ServedCertificate(View, frozen=True):
    """A certificate of the chain; times are RFC 3339. See ``seawall.model.x509.Certificate``."""

    name: str = ""
    issuer: str = ""
    begins: str = ""
    ends: str = ""
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    key: str = ""
    bits: int = 0
    signature: str = ""
    self_issued: bool = False


class EndpointTls(View, frozen=True):
    """What it speaks of TLS. ``clientCertificate`` is ``required``, ``requested``, ``none``, or empty: not known.

    ``matches`` says whether the certificate is for the host that was asked, ``trusted`` whether it leads to the
    authority that was given; None where that was not judged.
    """

    versions: tuple[str, ...] = ()
    suites: tuple[Suite, ...] = ()
    certificates: tuple[ServedCertificate, ...] = ()
    matches: bool | None = None
    trusted: bool | None = None
    trust_problem: str = ""
    client_certificate: str = ""
    client_authorities: tuple[str, ...] = ()


class Asked(View, frozen=True):
    """A GET without credentials: the status of the answer, and what it holds (a kind, or a word of ours)."""

    status: int = 0
    sort: str = ""


class EndpointSpec(View, frozen=True):
    """What was found at a port, when (RFC 3339). ``role`` is the program that is expected there;
    ``requests`` are by the path that was asked."""

    observed: str = ""
    host: str = ""
    port: int = 0
    role: str = ""
    state: str = "open"
    protocol: str = ""
    reason: str = ""
    version: str = ""
    tls: EndpointTls | None = None
    requests: dict[str, Asked] = {}
    problems: tuple[str, ...] = ()


class Endpoint(KubeObject, frozen=True):
    """A port of a cluster."""

    spec: EndpointSpec = EndpointSpec()
