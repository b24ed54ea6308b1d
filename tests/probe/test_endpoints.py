"""Endpoints of clusters: a recorded API server, a real etcd and nginx, and servers that mean harm."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seawall.engine.probe import parse_address, parse_ports, plan_targets
from seawall.engine.scan import UsageError
from seawall.sources.probe import NODE_PORTS, ProbeOptions, Target, probe_one
from tests.conftest import REPOSITORY, Run
from tests.probe.servers import HOST, await_port, free_port, http, needed, replies, running, serving, write_certificate
from tests.replay import Recording, Replay

SCHEMA = json.loads((REPOSITORY / "src/seawall/reports/schemas/probe.v1.json").read_text())
POD_LIST = b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"canary-of-the-test"}}]}'


def probed(run: Run, *args: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, findings by rule, and what was said on the side."""
    done = run("probe", *args, "--format", "json", "--timeout", "1.5")
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    return done.returncode, {each["rule"]: each for each in document["findings"]}, done.stderr


def facts(port: int, role: str = "other", timeout: float = 1.5) -> dict[str, Any]:
    found = probe_one(Target(HOST, port, role), ProbeOptions(timeout=timeout))
    document = {"schema": "seawall.probe/v1", "tool": {"name": "seawall", "version": "0"}, "endpoints": [found]}
    jsonschema.validate(json.loads(json.dumps(document)), SCHEMA)
    return found


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_certificate(tmp_path, "api.example.com"))
    return context


def test_an_api_server_that_lets_everyone_read(run: Run, conformance: Path, tls: ssl.SSLContext) -> None:
    with Replay(Recording.load(conformance), tls=tls) as server:
        code, found, told = probed(run, server.url)
    assert code == 1
    assert found["endpoint-anonymous-read"]["severity"] in ("critical", "high")
    assert "endpoint-discovery-open" in found
    assert "endpoint-version-told" in found
    assert f"seawall: asks {HOST} at {server.port} (kube-apiserver), 8001 (insecure-api)" in told
    assert all(path.startswith("/") for path in server.log)
    assert "endpoint-insecure-api" not in found


def test_an_api_server_that_refuses(run: Run, conformance: Path, tls: ssl.SSLContext) -> None:
    with Replay(Recording.load(conformance), tls=tls) as server:
        server.authorized = lambda who: False
        code, found, _ = probed(run, server.url)
    assert code == 0
    assert not {rule for rule in found if "anonymous" in rule or "discovery" in rule}


def test_an_api_server_without_tls(run: Run, conformance: Path) -> None:
    with Replay(Recording.load(conformance)) as server:
        code, found, _ = probed(run, f"{HOST}:{server.port}")
    assert code == 1
    assert found["endpoint-insecure-api"]["severity"] == "critical"


def test_facts_are_kept_without_bodies(run: Run, tls: ssl.SSLContext, conformance: Path) -> None:
    with Replay(Recording.load(conformance), tls=tls) as server:
        done = run("probe", server.url, "--format", "facts", "--timeout", "1.5")
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    api = document["endpoints"][0]
    assert api["requests"]["/api/v1/secrets?limit=1"]["sort"] == "SecretList"
    assert len(done.stdout) < 20_000


def test_a_kubelet_that_lets_everyone_in(run: Run) -> None:
    with serving(http(POD_LIST)) as port:
        code, found, _ = probed(run, f"{HOST}:1", "--ports", f"{port}=kubelet", "--keep-going")
        done = run("probe", f"{HOST}:1", "--ports", f"{port}=kubelet", "--format", "facts", "--timeout", "1")
    assert code == 1
    assert found["endpoint-kubelet-open"]["severity"] == "critical"
    assert "canary-of-the-test" not in done.stdout


def test_a_page_that_answers_anything_is_no_kubelet() -> None:
    with serving(http(b"<html>Welcome</html>")) as port:
        assert {each["sort"] for each in facts(port, "kubelet")["requests"].values()} == {""}


def etcd(tmp_path: Path, *options: str, scheme: str = "http") -> tuple[list[str], int]:
    """The command line of an etcd on loopback, and its client port."""
    port, peer = free_port(), free_port()
    client, other = f"{scheme}://{HOST}:{port}", f"http://{HOST}:{peer}"
    command = [needed("etcd"), "--data-dir", str(tmp_path / "etcd"), "--listen-client-urls", client]
    command += ["--advertise-client-urls", client, "--listen-peer-urls", other, "--initial-advertise-peer-urls", other]
    return [*command, "--initial-cluster", f"default={other}", *options], port


def test_a_real_etcd_that_takes_anyone(run: Run, tmp_path: Path) -> None:
    command, port = etcd(tmp_path)
    with running(*command):
        await_port(port)
        found = facts(port, "etcd")
        code, findings, _ = probed(run, f"{HOST}:1", "--ports", f"{port}=etcd", "--keep-going")
    assert found["protocol"] == "http"
    assert found["version"].startswith("3.")
    assert code == 1
    assert findings["endpoint-etcd-open"]["severity"] == "critical"


def test_a_real_etcd_that_wants_certificates(tmp_path: Path) -> None:
    crt, key = write_certificate(tmp_path, "etcd.example.com")
    options = ("--cert-file", crt, "--key-file", key, "--client-cert-auth", "--trusted-ca-file", crt)
    command, port = etcd(tmp_path, *options, scheme="https")
    with running(*command):
        await_port(port)
        found = facts(port, "etcd")
    assert found["state"] == "open"
    assert found["requests"] == {}
    assert found["problems"] == []
    assert found["tls"]["clientCertificate"] == "required"
    assert found["tls"]["clientAuthorities"] == ["etcd.example.com"]
    assert "TLSv1.2" in found["tls"]["versions"]


def test_a_real_nginx_of_old_habits(tmp_path: Path) -> None:
    crt, key = write_certificate(tmp_path, "web.example.com", days=10)
    port = free_port()
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log /dev/null;\nevents {{}}\nhttp {{ access_log off; server {{\n"
        f"listen {HOST}:{port} ssl; ssl_certificate {crt}; ssl_certificate_key {key};\n"
        "ssl_protocols TLSv1 TLSv1.2; ssl_ciphers AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0;\n"
        "location / { return 200 '# HELP up\\n'; } } }\n"
    )
    with running(needed("nginx"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")):
        await_port(port)
        found = facts(port, "metrics")
    assert found["tls"]["versions"] == ["TLSv1.0", "TLSv1.2"]
    assert {suite["name"] for suite in found["tls"]["suites"] if suite["legacy"]} == {"TLS_RSA_WITH_AES_128_CBC_SHA"}
    assert found["requests"]["/metrics"] == {"status": 200, "sort": "metrics"}


def test_a_certificate_that_has_ended(run: Run, tmp_path: Path, conformance: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_certificate(tmp_path, "api.example.com", days=90, start=-100))
    with Replay(Recording.load(conformance), tls=context) as server:
        _, found, _ = probed(run, server.url, "--rule", "endpoint-certificate-ends")
    assert found["endpoint-certificate-ends"]["severity"] == "high"
    assert "ended on" in found["endpoint-certificate-ends"]["message"]


def drip(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"H")
        time.sleep(0.05)


def flood(data: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        while True:
            connection.sendall(data)

    return answer


def endless_head(connection: socket.socket) -> None:
    if connection.recv(65536)[:1] != b"G":
        return
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Filler: " + b"a" * 4000 + b"\r\n")


HOSTILE: dict[str, Callable[[socket.socket], None]] = {
    "silent": lambda connection: time.sleep(30),
    "drips": drip,
    "hangs up": lambda connection: None,
    "garbage": replies(bytes(range(7, 250)) * 8),
    "endless garbage": flood(b"\x00" * 65536),
    "endless handshake": flood(b"\x16\x03\x03\x40\x00" + b"\x16" * 0x4000),
    "endless head": endless_head,
    "cut-off record": replies(b"\x16\x03\x03\x40\x00\x02"),
    "cut-off hello": replies(b"\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_understood_is_bounded_and_told(name: str) -> None:
    with serving(HOSTILE[name]) as port:
        found = facts(port, "kubelet", timeout=0.4)
    assert found["state"] == "broken", found
    assert len(found["problems"]) == 1
    assert "can be understood" in found["problems"][0]
    assert found["requests"] == {}


def test_an_endless_body_is_cut(run: Run) -> None:
    def answer(connection: socket.socket) -> None:
        if connection.recv(65536)[:1] != b"G":
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n# HELP up\n")
        while True:
            connection.sendall(b"a" * 65536)

    with serving(answer) as port:
        found = facts(port, "metrics")
    assert found["requests"]["/metrics"] == {"status": 200, "sort": "metrics"}


def test_a_broken_server_makes_the_run_incomplete(run: Run) -> None:
    with serving(lambda connection: connection.close()) as port:
        done = run("probe", f"{HOST}:{port}", "--timeout", "0.5")
    assert done.returncode == 2
    assert "not judged as kube-apiserver" in done.stderr


def test_nobody_there(run: Run) -> None:
    done = run("probe", f"{HOST}:{free_port()}", "--timeout", "0.5")
    assert done.returncode == 2
    assert "the API server does not answer: Connection refused" in done.stderr


def test_offline_refuses_and_plan_asks_nothing(run: Run) -> None:
    done = run("probe", "https://api.example.com", "--offline")
    assert done.returncode == 2
    assert "--offline opens no socket" in done.stderr
    done = run("probe", "https://api.example.com", "--node", "10.0.0.7", "--plan", "--offline")
    assert done.returncode == 0
    assert "asks api.example.com at 443 (kube-apiserver)" in done.stdout
    assert "10250 (kubelet)" in done.stdout


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://api.example.com", ("api.example.com", 443)),
        ("https://api.example.com:6443/", ("api.example.com", 6443)),
        ("10.0.0.1", ("10.0.0.1", 6443)),
        ("10.0.0.1:443", ("10.0.0.1", 443)),
        ("fd00::1", ("fd00::1", 6443)),
        ("[fd00::1]:443", ("fd00::1", 443)),
    ],
)
def test_addresses(text: str, found: tuple[str, int]) -> None:
    assert parse_address(text, 6443) == found


@pytest.mark.parametrize(
    "text",
    ["", "ftp://a", "https://", "https://u:p@a", "https://a/path", "a:99999", "a b", "a\r\nX: y", "[::", "https://a?q"],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        parse_address(text, 6443)


def test_a_role_given_by_hand_wins() -> None:
    targets = plan_targets("https://a", ["b"], parse_ports("8443=dashboard,8080=metrics,30000"))
    roles = {(target.host, target.port): target.role for target in targets}
    assert roles["a", 8443] == roles["b", 8443] == "dashboard"
    assert roles["a", 8080] == roles["b", 8080] == "metrics"
    assert roles["b", 30000] == "other"
    assert {port for host, port in roles if host == "b"} == {*NODE_PORTS, 8443, 30000}


@pytest.mark.parametrize("text", ["x", "0", "70000", "80=nothing", "-1", "٣"])
def test_odd_ports_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--ports"):
        parse_ports(text)
