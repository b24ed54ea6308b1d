"""What is read of X.509 certificates; some were made with OpenSSL, others are made here."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from seawall.model.x509 import NoCertificate, read_certificate, read_der

#: An EC key, O=system:masters, CN=kubernetes-admin, 365 days.
EC = """\
MIIBvTCCAWOgAwIBAgIUFgvYPz1HRR2U4eDZmvta87ireGcwCgYIKoZIzj0EAwIw
NDEXMBUGA1UECgwOc3lzdGVtOm1hc3RlcnMxGTAXBgNVBAMMEGt1YmVybmV0ZXMt
YWRtaW4wHhcNMjYxMTI1MDQxMzM2WhcNMjcxMTI1MDQxMzM2WjA0MRcwFQYDVQQK
DA5zeXN0ZW06bWFzdGVyczEZMBcGA1UEAwwQa3ViZXJuZXRlcy1hZG1pbjBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABNftXnHd82lZC1RQmj5iLdinozrDMvIXqGtZ
Qe9dszserJEj121zxYnzArAAiCvLzmu7DJeSbm898erIVA2pSzSjUzBRMB0GA1Ud
DgQWBBQd+SDxJpaPgPt4R/LArxRbverJlTAfBgNVHSMEGDAWgBQd+SDxJpaPgPt4
R/LArxRbverJlTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQC6
N/YYoLzPAhF63o61DTz0j6amJ6Y6LwuQE3TKtocfdAIgJQ+RIMWFrCluF5VwSWvb
q4hKqgYndMTlr+U0Nyzyl3Y="""
#: An RSA key, O=dev, O=ops, CN=Jäne in UTF-8, 36500 days: ends in GeneralizedTime.
RSA = """\
MIIDOzCCAiOgAwIBAgIUONH7tQKFKTfhHNogCGeCWJMQCpEwDQYJKoZIhvcNAQEL
BQAwLDEMMAoGA1UECgwDZGV2MQwwCgYDVQQKDANvcHMxDjAMBgNVBAMMBUrDpG5l
MCAXDTI2MTEyNTA0MjIzOVoYDzIxMjYxMTAxMDQyMjM5WjAsMQwwCgYDVQQKDANk
ZXYxDDAKBgNVBAoMA29wczEOMAwGA1UEAwwFSsOkbmUwggEiMA0GCSqGSIb3DQEB
AQUAA4IBDwAwggEKAoIBAQDrxH8qEGxDE6TwgSlHxr2VCdMgfPuuV6S23RgCC4vL
cdL7s7/7NyCDaYfi6bZXLmFmAPuqG/2XT02Ha9xtYGFXTaPHCtJ0YLp2dkhV1GhM
5UkBGo9G9B4ppF7Dhav5PsLqxho2s84zypbJS/wWDC6UEfJ7Doaou4JUPnCj/Tlf
6qe5OYUdo4P1O8OqWUBja5qxcNQsXXui8Z0gW+tSGk29pn1Ukc3jxF9Dpa5uivQp
XkvmoR/ko85L4aG8tOWu2xqQ2qiKvtQN4Gwa/fcpS7iavFpwSfk5AaI6NYTbPdic
PMKIF8irXe6eybTNyoceFxR/lGlxE37ARylmU+G9zn59AgMBAAGjUzBRMB0GA1Ud
DgQWBBQ8FO99StxkbKHL5mmsQHJo1z2HJjAfBgNVHSMEGDAWgBQ8FO99StxkbKHL
5mmsQHJo1z2HJjAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQBj
orgALCkKeBa7j38NopoJrbZGvRHwdlpl+4xPGbnZkt7Zah91+5hJboqjFROu89tK
spZe8gPNSbW3aqOQR4gBbpACbP+F4jHXDqvTps35E1cDNIB+AgdWJyDotDX+NywQ
KE9f6PSWjKeQZp0duQySs9Mn3sWpwn6XhBOS7VTzKGaOJQex14nboY1WR9wBn8Fb
5GhNE3Q73EiHLONIu7myBWbA03bvEWHHCm/1dgTs/gIUFLUL1EekeH8t1O5Tp3tK
UVNfbU3glLnU6UrpslhkmOU1/epfPy2rbSZAayXIxMZNXDZQ7EEkVnRTQ+ugwXdU
nBwlfXDzIQgrG8dlvLkE"""


def encoded(body: str) -> str:
    """A certificate as kubeconfig files hold it."""
    pem = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    return base64.b64encode(pem.encode()).decode()


def test_an_ec_certificate() -> None:
    found = read_certificate(encoded(EC))
    assert (found.user, found.groups, found.lifetime.days) == ("kubernetes-admin", ("system:masters",), 365)


def test_an_rsa_certificate_of_several_groups_that_ends_far_off() -> None:
    found = read_certificate(encoded(RSA))
    assert (found.user, found.groups, found.lifetime.days) == ("Jäne", ("dev", "ops"), 36500)


def test_every_cut_and_every_changed_byte_is_borne() -> None:
    der = base64.b64decode(EC)
    cuts = [der[:length] for length in range(len(der))]
    changed = [der[:at] + bytes([der[at] ^ 0x80]) + der[at + 1 :] for at in range(len(der))]
    for each in cuts + changed:
        try:
            read_certificate(encoded(base64.b64encode(each).decode()))
        except NoCertificate:
            continue


@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    for text in (encoded(base64.b64encode(data).decode()), base64.b64encode(data).decode(), data.decode("latin-1")):
        with pytest.raises(NoCertificate):
            read_certificate(text)


@pytest.mark.parametrize("text", ["", "not base64 at all!", "A" * 1_000_000, encoded(""), encoded("MAA=")])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(NoCertificate):
        read_certificate(text)


def made(key: Any, **options: Any) -> bytes:
    """A certificate with names, in its binary form."""
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "api"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "o")]
    )
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(begins).not_valid_after(begins + timedelta(days=90))
    names = [
        x509.DNSName("api.example.com"),
        x509.IPAddress(ip_address("10.0.0.1")),
        x509.IPAddress(ip_address("fd00::1")),
    ]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=options.get("ca", False), path_length=None), critical=True)
    return builder.sign(key, options.get("hash", hashes.SHA256())).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (rsa.generate_private_key(65537, 2048), ("rsa", 2048, "sha256-rsa")),
        (rsa.generate_private_key(65537, 1024), ("rsa", 1024, "sha256-rsa")),  # noqa: S505 - a weak key to be told
        (ec.generate_private_key(ec.SECP384R1()), ("ec", 384, "sha256-ecdsa")),
    ],
    ids=["rsa", "short rsa", "ec"],
)
def test_keys_signatures_and_names_agree_with_the_library(key: Any, told: tuple[str, int, str]) -> None:
    found = read_der(made(key))
    assert (found.key, found.bits, found.signature) == told
    assert found.dns_names == ("api.example.com",)
    assert found.addresses == ("10.0.0.1", "fd00::1")
    assert (found.user, found.groups, found.issuer, found.self_issued) == ("api", ("o",), "api", True)
    assert (found.begins, found.lifetime.days, found.authority) == (datetime(2026, 1, 1, tzinfo=UTC), 90, False)


def test_an_authority_and_an_edwards_key() -> None:
    found = read_der(made(ed25519.Ed25519PrivateKey.generate(), ca=True, hash=None))
    assert (found.key, found.bits, found.signature, found.authority) == ("ed25519", 256, "ed25519", True)


def test_every_cut_and_changed_byte_of_a_server_certificate_is_borne() -> None:
    der = made(ec.generate_private_key(ec.SECP256R1()))
    for each in [der[:n] for n in range(len(der))] + [
        der[:at] + bytes([der[at] ^ flip]) + der[at + 1 :] for at in range(len(der)) for flip in (0x80, 0x01)
    ]:
        try:
            read_der(each)
        except NoCertificate:
            continue
