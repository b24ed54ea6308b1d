"""Versions, suites and certificates, as real servers and hand-made ones have them."""

from __future__ import annotations

import re
import socket
import struct
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.model.x509 import Certificate
from seawall.sources.probe import ProbeOptions, Target, probe_one
from seawall.sources.probe.hello import Answer, _answer, _messages, client_hello
from seawall.sources.probe.suites import TLS12, TLS13, is_legacy, weaknesses
from seawall.sources.probe.tls import is_for
from seawall.sources.probe.wire import Broken
from tests.probe.servers import HOST, needed, openssl, replies, serving, write_certificate


def facts(port: int, role: str = "other", **options: Any) -> dict[str, Any]:
    return probe_one(Target(HOST, port, role), ProbeOptions(timeout=1.5, **options))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return write_certificate(tmp_path_factory.mktemp("tls"), "api.example.com")


def test_suites_are_called_as_openssl_calls_them() -> None:
    listed = subprocess.run(
        [needed("openssl"), "ciphers", "-V", "-stdname", "ALL:eNULL:@SECLEVEL=0"], capture_output=True, text=True
    ).stdout
    ours = {**TLS12, **TLS13}
    checked = 0
    for high, low, name in re.findall(r"0x(..),0x(..) - (\S+)", listed):
        if (number := int(high + low, 16)) in ours:
            assert ours[number] == name
            checked += 1
    assert checked > 50


def test_weak_suites_are_told_from_sound_ones() -> None:
    assert weaknesses("TLS_RSA_EXPORT_WITH_RC4_40_MD5") == ["export-grade keys", "RC4"]
    assert weaknesses("TLS_DH_anon_WITH_AES_128_CBC_SHA") == ["no authentication"]
    assert not weaknesses("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    assert is_legacy("TLS_RSA_WITH_AES_128_GCM_SHA256")
    assert not is_legacy("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256")


def test_a_modern_server(certificate: tuple[str, str]) -> None:
    with openssl(certificate, "-min_protocol", "TLSv1.2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256") as port:
        found = facts(port)
    tls = found["tls"]
    assert found["protocol"] == "https"
    assert found["problems"] == []
    assert tls["versions"] == ["TLSv1.2", "TLSv1.3"]
    named = {(suite["version"], suite["name"]) for suite in tls["suites"]}
    assert named == {
        ("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
        ("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"),
        ("TLSv1.3", "TLS_AES_128_GCM_SHA256"),
    }
    assert tls["clientCertificate"] == "none"
    assert tls["matches"] is True
    assert [each["name"] for each in tls["certificates"]] == ["api.example.com"]
    assert found["requests"]["/"] == {"status": 200, "sort": ""}


def test_an_old_server(certificate: tuple[str, str]) -> None:
    ciphers = "AES128-SHA:NULL-SHA:ADH-AES128-SHA:ECDHE-RSA-AES256-SHA:@SECLEVEL=0"
    with openssl(certificate, "-min_protocol", "TLSv1", "-no_tls1_3", "-cipher", ciphers) as port:
        tls = facts(port)["tls"]
    assert tls["versions"] == ["TLSv1.0", "TLSv1.1", "TLSv1.2"]
    old = {suite["name"]: suite["weaknesses"] for suite in tls["suites"] if suite["version"] == "TLSv1.0"}
    assert old == {
        "TLS_RSA_WITH_AES_128_CBC_SHA": [],
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": [],
        "TLS_RSA_WITH_NULL_SHA": ["no encryption"],
        "TLS_DH_anon_WITH_AES_128_CBC_SHA": ["no authentication"],
    }


def test_a_server_of_tls_13_alone_shows_its_own_certificate(certificate: tuple[str, str]) -> None:
    with openssl(certificate, "-tls1_3") as port:
        tls = facts(port)["tls"]
    assert tls["versions"] == ["TLSv1.3"]
    assert tls["clientCertificate"] == ""
    assert tls["certificates"][0]["dnsNames"] == ["api.example.com"]


@pytest.mark.parametrize(("option", "told"), [("-verify", "requested"), ("-Verify", "required")])
def test_client_certificates(certificate: tuple[str, str], option: str, told: str) -> None:
    with openssl(certificate, option, "1", "-CAfile", certificate[0]) as port:
        tls = facts(port)["tls"]
    assert tls["clientCertificate"] == told
    assert tls["clientAuthorities"] == ["api.example.com"]


def test_trust_is_judged_by_the_authority_given(certificate: tuple[str, str], tmp_path: Path) -> None:
    other, _ = write_certificate(tmp_path, "other.example.com")
    with openssl(certificate) as port:
        right = facts(port, authority=Path(certificate[0]).read_text())["tls"]
        wrong = facts(port, authority=Path(other).read_text())["tls"]
        none = facts(port)["tls"]
    assert right["trusted"] is True
    assert wrong["trusted"] is False
    assert "self" in wrong["trustProblem"]
    assert "trusted" not in none


def server_hello(version: int, suite: int, session: bytes = b"") -> bytes:
    """A record with a ServerHello and a ServerHelloDone."""
    body = struct.pack(">H", version) + bytes(32) + bytes([len(session)]) + session + struct.pack(">HB", suite, 0)
    messages = b"\x02" + len(body).to_bytes(3, "big") + body + b"\x0e\x00\x00\x00"
    return b"\x16" + struct.pack(">HH", version, len(messages)) + messages


def offered(hello: bytes) -> tuple[int, list[int]]:
    """The version and suites of a ClientHello."""
    version = int.from_bytes(hello[9:11], "big")
    at = 44 + hello[43]
    count = int.from_bytes(hello[at : at + 2], "big") // 2
    return version, list(struct.unpack_from(f">{count}H", hello, at + 2))


def test_suites_that_openssl_here_does_not_know_are_found() -> None:
    def answer(connection: socket.socket) -> None:
        hello = connection.recv(65536)
        if hello[:1] != b"\x16":
            return
        version, suites = offered(hello)
        chosen = next((suite for suite in (0x0005, 0x0003, 0x0009) if suite in suites), None)
        if version == 0x0300 and chosen is not None:
            connection.sendall(server_hello(version, chosen))
        else:
            connection.sendall(b"\x15\x03\x00\x00\x02\x02\x28")

    with serving(answer) as port:
        found = facts(port)
    assert found["tls"]["versions"] == ["SSLv3"]
    assert [suite["name"] for suite in found["tls"]["suites"]] == [
        "TLS_RSA_WITH_RC4_128_SHA",
        "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
        "TLS_RSA_WITH_DES_CBC_SHA",
    ]


def test_a_suite_that_was_not_offered_ends_it() -> None:
    with serving(replies(server_hello(0x0303, 0x1234))) as port:
        found = facts(port)
    assert any("not offered (0x1234)" in problem for problem in found["problems"])


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("api.example.com", True),
        ("API.example.com.", True),
        ("a.wild.example.com", True),
        ("a.b.wild.example.com", False),
        ("wild.example.com", False),
        ("127.0.0.1", True),
        ("127.0.0.2", False),
        ("::1", True),
        ("the-common-name", False),
    ],
)
def test_names_are_matched_as_clients_match_them(host: str, covered: bool) -> None:
    now = datetime.now(UTC)
    dns_names, addresses = ("api.example.com", "*.wild.example.com"), ("127.0.0.1", "::1")
    certificate = Certificate("the-common-name", (), now, now, dns_names=dns_names, addresses=addresses)
    assert is_for(certificate, host) is covered


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_no_handshake_breaks_the_reader(data: bytes) -> None:
    for records in ([data], [server_hello(0x0303, 0xC02F)[5:-4] + data]):
        try:
            assert isinstance(_answer(_messages(records)), Answer)
        except Broken:
            continue


@given(st.sampled_from(["SSLv3", "TLSv1.0", "TLSv1.2", "TLSv1.3"]), st.text(max_size=300))
def test_any_host_name_makes_a_hello(version: str, host: str) -> None:
    record = client_hello(host, version, [1, 2])
    assert int.from_bytes(record[3:5], "big") == len(record) - 5
    assert offered(record)[1] == [1, 2, 0x00FF]


def test_a_certificate_that_cannot_be_read_is_told() -> None:
    der = b"\x30\x03\x02\x01\x07"
    entry = len(der).to_bytes(3, "big") + der
    body = len(entry).to_bytes(3, "big") + entry
    message = b"\x0b" + len(body).to_bytes(3, "big") + body
    first = server_hello(0x0303, 0xC02F)
    record = b"\x16\x03\x03" + (len(first) - 5 + len(message)).to_bytes(2, "big")
    answer = record + first[5:-4] + message + first[-4:]

    def reply(connection: socket.socket) -> None:
        hello = connection.recv(65536)
        if hello[:1] != b"\x16":
            return
        version, suites = offered(hello)
        connection.sendall(answer if version == 0x0303 and 0xC02F in suites else b"\x15\x03\x03\x00\x02\x02\x28")

    with serving(reply) as port:
        found = facts(port)
    assert "certificate 1 of its chain cannot be read: another structure" in found["problems"]
