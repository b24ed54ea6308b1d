"""What an endpoint speaks of TLS: versions, suites, certificates, and whom it takes."""

from __future__ import annotations

import socket
import ssl
from ipaddress import ip_address
from typing import Any

from msgspec import Struct

from seawall.model.x509 import Certificate, NoCertificate, read_der
from seawall.sources.probe.hello import VERSIONS, Answer, ask
from seawall.sources.probe.suites import TLS12, TLS13, is_legacy, weaknesses
from seawall.sources.probe.wire import Broken, Deadline, connect


class Survey(Struct):
    """What was found. ``facts`` is the ``tls`` of an Endpoint; ``asked`` whether a client certificate was asked for."""

    facts: dict[str, Any]
    asked: bool = False
    versions: tuple[str, ...] = ()


def survey(host: str, port: int, authority: str | None, timeout: float, budget: Deadline) -> Survey | None:
    """Find out by hellos; None where TLS is not spoken at all.

    Raises:
        Silence: nobody is there.
        Broken: it answers, but neither TLS nor a refusal of it.
    """
    answers: dict[str, Answer] = {}
    suites: list[dict[str, Any]] = []
    problems: list[str] = []
    for version in reversed(VERSIONS):
        try:
            answer, found = _suites(host, port, version, timeout, budget)
        except Broken as error:
            if not answers and version == "TLSv1.3":
                raise
            problems.append(f"{version} is not judged: {error}")
            continue
        if answer is not None:
            answers[version] = answer
        suites += found
    if not answers:
        if problems:
            raise Broken(problems[0])
        return None
    open_answer = next((answer for answer in answers.values() if answer.certificates), None)
    asked = any(answer.authorities is not None for answer in answers.values())
    facts: dict[str, Any] = {
        "versions": [version for version in VERSIONS if version in answers],
        "suites": suites,
        "clientCertificate": "requested" if asked else "none" if open_answer is not None else "",
        "clientAuthorities": list(next((a.authorities for a in answers.values() if a.authorities), ())),
    }
    chain = open_answer.certificates if open_answer is not None else _leaf(host, port, timeout, budget)
    _add_certificates(facts, chain, host, problems)
    if authority is not None:
        facts |= _trust(host, port, authority, timeout, budget)
    facts["problems"] = problems
    return Survey(facts, asked, tuple(answers))


def _suites(
    host: str, port: int, version: str, timeout: float, budget: Deadline
) -> tuple[Answer | None, list[dict[str, Any]]]:
    """The first answer at a version, and every suite that is taken, in the order of the server's choice."""
    known = TLS13 if version == "TLSv1.3" else TLS12
    offered = list(known)
    first: Answer | None = None
    found: list[dict[str, Any]] = []
    while offered:
        answer = ask(host, port, version, offered, Deadline(timeout, budget))
        if answer.version != version:
            break
        if answer.suite not in offered:
            raise Broken(f"it chose a cipher suite that was not offered (0x{answer.suite:04x})")
        first = first or answer
        offered.remove(answer.suite)
        name = known[answer.suite]
        legacy = version != "TLSv1.3" and is_legacy(name)
        found.append({"version": version, "name": name, "weaknesses": weaknesses(name), "legacy": legacy})
    return first, found


def _add_certificates(facts: dict[str, Any], chain: tuple[bytes, ...], host: str, problems: list[str]) -> None:
    certificates = []
    for number, der in enumerate(chain):
        try:
            certificates.append(read_der(der))
        except NoCertificate as error:
            problems.append(f"certificate {number + 1} of its chain cannot be read: {error}")
            break
    facts["certificates"] = [_told(certificate) for certificate in certificates]
    if certificates:
        facts["matches"] = is_for(certificates[0], host)


def _told(certificate: Certificate) -> dict[str, Any]:
    return {
        "name": certificate.user[:200],
        "issuer": certificate.issuer[:200],
        "begins": certificate.begins.isoformat(),
        "ends": certificate.ends.isoformat(),
        "dnsNames": [name[:260] for name in certificate.dns_names[:100]],
        "addresses": list(certificate.addresses[:100]),
        "key": certificate.key,
        "bits": certificate.bits,
        "signature": certificate.signature,
        "selfIssued": certificate.self_issued,
    }


def is_for(certificate: Certificate, host: str) -> bool:
    """Whether it is for a host name or address: by its alternative names alone, as Go and browsers judge (RFC 6125)."""
    try:
        return str(ip_address(host)) in certificate.addresses
    except ValueError:
        wanted = host.lower().rstrip(".")
    names = [name.lower().rstrip(".") for name in certificate.dns_names]
    return wanted in names or (wanted.count(".") > 1 and f"*.{wanted.partition('.')[2]}" in names)


def open_context(versions: tuple[str, ...]) -> ssl.SSLContext:
    """Settings that take whatever the server speaks; nothing secret is ever sent with them.

    Where TLS 1.2 is spoken nothing newer is used: a server that wants a client certificate says so there before the
    handshake ends, and not in the middle of the answer.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    if "TLSv1.2" in versions:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def open_tls(host: str, port: int, context: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSocket:
    """A TLS connection.

    Raises:
        Silence, Broken: as for :func:`connect`.
        ssl.SSLError, OSError: the handshake failed.
    """
    connection = connect(host, port, deadline)
    try:
        connection.settimeout(deadline.left())
        return context.wrap_socket(connection, server_hostname=host)
    except TimeoutError as error:
        connection.close()
        raise Broken("its TLS handshake does not end") from error
    except BaseException:
        connection.close()
        raise


def _leaf(host: str, port: int, timeout: float, budget: Deadline) -> tuple[bytes, ...]:
    """The server's own certificate, through OpenSSL: for servers of TLS 1.3 alone, which encrypt their chain."""
    try:
        with open_tls(host, port, open_context(()), Deadline(timeout, budget)) as connection:
            leaf = connection.getpeercert(binary_form=True)
    except (OSError, Broken):
        return ()
    return (leaf,) if leaf else ()


def _trust(host: str, port: int, authority: str, timeout: float, budget: Deadline) -> dict[str, Any]:
    """Whether OpenSSL can build a chain to the authority (PEM); names are judged apart."""
    context = ssl.create_default_context(cadata=authority)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = False
    try:
        with open_tls(host, port, context, Deadline(timeout, budget)):
            return {"trusted": True}
    except ssl.SSLCertVerificationError as error:
        return {"trusted": False, "trustProblem": error.verify_message}
    except (ssl.SSLError, OSError, Broken, socket.gaierror):
        return {}
