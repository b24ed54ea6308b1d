"""The few fields that are read of X.509 certificates; the certificates were made with OpenSSL."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.analysis.posture.certificate import NoCertificate, read_certificate

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
