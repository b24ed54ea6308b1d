"""Every way to be let in: tokens, files, passwords, certificates, plugins, identity providers, pods, impersonation."""

from __future__ import annotations

import base64
import json
import os
import ssl
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import trustme

from seawall.sources.cluster import ClusterError, ClusterOptions
from seawall.sources.cluster import credentials as credentials_module
from seawall.sources.cluster.client import connect
from seawall.sources.cluster.execplugin import ExecPlugin
from seawall.sources.cluster.kubeconfig import Cluster, Exec
from tests.cluster.conftest import HASTE, Kubeconfig, pem
from tests.cluster.reading import read
from tests.replay import Replay, Who

V1 = "client.authentication.k8s.io/v1"
V1BETA1 = "client.authentication.k8s.io/v1beta1"


def only(authorization: str) -> Callable[[Who], bool]:
    return lambda who: who.authorization == authorization


def ask(path: str, **options: Any) -> None:
    """Ask one question; raises where it is not answered."""
    client = connect(ClusterOptions(kubeconfig=path, patience=HASTE, **options), {})
    client.get("/version", json.loads)
    client.close()


def test_token(tls_server: Replay, authority: trustme.CA, kubeconfig: Kubeconfig) -> None:
    tls_server.authorized = only("Bearer s3cret")
    trust: dict[str, Any] = {"certificate-authority-data": pem(authority)}
    assert read(kubeconfig(tls_server.url, {"token": "s3cret"}, **trust)).errors == []
    with pytest.raises(ClusterError, match="does not accept these credentials"):
        ask(kubeconfig(tls_server.url, {"token": "wrong"}, **trust))


def test_a_token_file_is_read_again(server: Replay, kubeconfig: Kubeconfig, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first\n")
    server.authorized = only("Bearer first")
    path = kubeconfig(server.url, {"tokenFile": "token", "token": "unused"})
    client = connect(ClusterOptions(kubeconfig=path, patience=HASTE), {})
    client.get("/version", json.loads)
    server.authorized = only("Bearer second")
    (tmp_path / "token").write_text("second")
    client.get("/version", json.loads)
    server.authorized = only("Bearer third")
    with pytest.raises(ClusterError, match="log in again"):
        client.get("/version", json.loads)


def test_a_token_file_is_read_again_after_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("first")
    source = credentials_module.TokenFile(str(tmp_path / "token"), None)
    assert source.token() == "Bearer first"
    (tmp_path / "token").write_text("second")
    assert source.token() == "Bearer first"
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert source.token() == "Bearer second"


@pytest.mark.parametrize("content", [None, "", "  \n", "two words", "line\nbreak", "\x00"])
def test_bad_token_files(server: Replay, kubeconfig: Kubeconfig, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)
    with pytest.raises(ClusterError, match="token"):
        ask(kubeconfig(server.url, {"tokenFile": "token"}))
    assert server.log == []


def test_password(server: Replay, kubeconfig: Kubeconfig) -> None:
    server.authorized = only("Basic " + base64.b64encode("jo:pässword".encode()).decode())
    ask(kubeconfig(server.url, {"username": "jo", "password": "pässword"}))


@pytest.mark.parametrize("inline", [True, False])
def test_client_certificate(
    tls_server: Replay, authority: trustme.CA, kubeconfig: Kubeconfig, tmp_path: Path, inline: bool
) -> None:
    pair = authority.issue_cert("jo@example.org", common_name="jo")
    chain, key = pair.cert_chain_pems[0].bytes(), pair.private_key_pem.bytes()
    (tmp_path / "jo.crt").write_bytes(chain)
    (tmp_path / "jo.key").write_bytes(key)
    user = {"client-certificate": "jo.crt", "client-key": str(tmp_path / "jo.key")}
    if inline:
        user = {f"{k}-data": base64.b64encode(v).decode() for k, v in zip(user, (chain, key), strict=True)}
    tls_server.authorized = lambda who: "jo" in who.certificate.split(",")
    assert read(kubeconfig(tls_server.url, user, **{"certificate-authority-data": pem(authority)})).errors == []


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({"client-certificate-data": "YQ=="}, "without its key"),
        ({"client-certificate-data": "!", "client-key-data": "YQ=="}, "no base64"),
        ({"client-certificate-data": "YQ==", "client-key-data": "YQ=="}, "cannot be used"),
        ({"client-certificate": "no.crt", "client-key": "no.key"}, "no.crt"),
        ({"auth-provider": {"name": "gcp", "config": {}}}, "exec plugin"),
        ({"token": "with space"}, "characters that no token has"),
    ],
)
def test_unusable_credentials(tls_server: Replay, kubeconfig: Kubeconfig, user: dict[str, Any], message: str) -> None:
    with pytest.raises(ClusterError, match=message):
        ask(kubeconfig(tls_server.url, user))
    assert tls_server.log == []


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[[str], str]:
    """Writes an exec plugin; returns its file name. The program sees ``runs``, how often it ran before."""

    def write(program: str) -> str:
        path = tmp_path / "plugin"
        head = (
            f"#!{sys.executable}\nimport json, os, sys, time\n"
            f"open({str(tmp_path / 'runs')!r}, 'a').write('x')\n"
            f"runs = os.path.getsize({str(tmp_path / 'runs')!r})\n"
            "info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
            "def give(**status): print(json.dumps({'kind': 'ExecCredential', 'apiVersion': info['apiVersion'],"
            " 'status': status}))\n"
        )
        path.write_text(head + program)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return "./plugin"

    return write


def runs(tmp_path: Path) -> int:
    return (tmp_path / "runs").stat().st_size


@pytest.mark.parametrize("version", [V1, V1BETA1])
def test_exec_plugin_token(
    server: Replay, kubeconfig: Kubeconfig, plugin: Callable[[str], str], tmp_path: Path, version: str
) -> None:
    command = plugin("give(token=os.environ['WHO'] + sys.argv[1] + str(info['spec']['interactive']))")
    server.authorized = only("Bearer jo-xFalse")
    spec = {"apiVersion": version, "command": command, "args": ["-x"], "env": [{"name": "WHO", "value": "jo"}]}
    assert read(kubeconfig(server.url, {"exec": {**spec, "interactiveMode": "IfAvailable"}})).errors == []
    assert runs(tmp_path) == 1, "credentials without an expiry are asked for once"


def test_exec_plugin_is_told_of_the_cluster(
    server: Replay, kubeconfig: Kubeconfig, plugin: Callable[[str], str]
) -> None:
    command = plugin(
        "give(token=info['spec']['cluster']['server'].replace(':', '') + info['spec']['cluster']['config']['aud'])"
    )
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"aud": "prod"}}
    spec = {"apiVersion": V1, "command": command, "provideClusterInfo": True, "interactiveMode": "Never"}
    server.authorized = only(f"Bearer {server.url.replace(':', '')}prod")
    ask(kubeconfig(server.url, {"exec": spec}, extensions=[extension]))


def test_exec_plugin_runs_again_when_credentials_ran_out(plugin: Callable[[str], str], tmp_path: Path) -> None:
    command = plugin(
        "give(token=f't{runs}', expirationTimestamp='2020-01-01T00:00:00Z' if runs == 1 else '2099-01-01T00:00:00Z')"
    )
    source = ExecPlugin(Exec(command=str(tmp_path / command), api_version=V1), Cluster(), None)
    assert [source.token() for _ in range(3)] == ["Bearer t1", "Bearer t2", "Bearer t2"]


def test_exec_plugin_runs_again_when_the_server_refuses(
    server: Replay, kubeconfig: Kubeconfig, plugin: Callable[[str], str], tmp_path: Path
) -> None:
    command = plugin("give(token=f't{runs}')")
    server.authorized = only("Bearer t2")
    ask(kubeconfig(server.url, {"exec": {"apiVersion": V1, "command": command, "interactiveMode": "Never"}}))
    assert runs(tmp_path) == 2


def test_a_plugin_that_fails_half_way_is_not_run_for_every_kind(
    server: Replay, kubeconfig: Kubeconfig, plugin: Callable[[str], str], tmp_path: Path
) -> None:
    command = plugin("give(token='t', expirationTimestamp='2020-01-01T00:00:00Z') if runs < 15 else sys.exit('gone')")
    spec = {"apiVersion": V1, "command": command, "interactiveMode": "Never"}
    result = read(kubeconfig(server.url, {"exec": spec}))
    assert runs(tmp_path) == 15
    assert any("exit code 1: gone" in error.message for error in result.errors)
    assert "not asked for any more" in result.errors[-1].message
    assert result.resources


def test_exec_plugin_certificate(
    tls_server: Replay, authority: trustme.CA, kubeconfig: Kubeconfig, plugin: Callable[[str], str], tmp_path: Path
) -> None:
    pair = authority.issue_cert("jo@example.org", common_name="jo")
    (tmp_path / "crt").write_bytes(pair.cert_chain_pems[0].bytes())
    (tmp_path / "key").write_bytes(pair.private_key_pem.bytes())
    folder = str(tmp_path)
    command = plugin(
        f"give(clientCertificateData=open({folder!r} + '/crt').read(), clientKeyData=open({folder!r} + '/key').read())"
    )
    tls_server.authorized = lambda who: "jo" in who.certificate.split(",")
    user = {"exec": {"apiVersion": V1, "command": command, "interactiveMode": "Never"}}
    ask(kubeconfig(tls_server.url, user, **{"certificate-authority-data": pem(authority)}))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("sys.exit('please log in')", "failed with exit code 1: please log in"),
        ("print('hello')", "did not print an ExecCredential"),
        ("print('[' * 100000)", "did not print an ExecCredential"),
        ("give()", "neither a token nor a certificate"),
        ("give(clientCertificateData='x')", "neither a token nor a certificate"),
        ("print('{}')", "expected ExecCredential"),
        ("print('x' * 3_000_000)", "more than 1 MiB"),
        ("give(token='a b')", "characters that no token has"),
        ("print(json.dumps({'kind': 'ExecCredential', 'apiVersion': 'v0', 'status': {'token': 'x'}}))", "v0; expected"),
    ],
)
def test_exec_plugins_that_fail(
    server: Replay, kubeconfig: Kubeconfig, plugin: Callable[[str], str], program: str, message: str
) -> None:
    spec = {"apiVersion": V1, "command": plugin(program), "interactiveMode": "Never"}
    with pytest.raises(ClusterError, match=message):
        ask(kubeconfig(server.url, {"exec": spec}))
    assert server.log == []


def test_an_exec_plugin_that_hangs_is_ended_with_all_it_started(plugin: Callable[[str], str], tmp_path: Path) -> None:
    command = plugin(
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)"
    )
    source = ExecPlugin(Exec(command=str(tmp_path / command), api_version=V1), Cluster(), None, seconds=1.0)
    with pytest.raises(ClusterError, match="does it wait for a login"):
        source.token()
    pid = int((tmp_path / "pid").read_text())
    for _ in range(50):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]:
            return
        time.sleep(0.05)
    pytest.fail("what the plugin started still runs")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"apiVersion": V1, "command": "no-such-plugin", "installHint": "get it\nfrom us"}, "get it from us"),
        ({"apiVersion": V1, "command": "x", "interactiveMode": "Always"}, "log in with it first"),
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1", "command": "x"}, "update it"),
        ({"command": "x"}, "no version"),
    ],
)
def test_exec_plugins_that_are_not_run(
    server: Replay, kubeconfig: Kubeconfig, spec: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClusterError, match=message):
        ask(kubeconfig(server.url, {"exec": spec}))


class Provider:
    """An identity provider that gives id tokens for refresh tokens."""

    def __init__(self, authority: trustme.CA) -> None:
        self.asked: list[dict[str, str]] = []
        self.reply: dict[str, Any] = {}
        self.status = 200
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                self.send({"token_endpoint": f"{provider.url}/token"})

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                asked = {key: values[0] for key, values in form.items()}
                provider.asked.append({**asked, "authorization": self.headers.get("Authorization", "")})
                self.send(provider.reply)

            def send(self, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(provider.status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def provider(authority: trustme.CA) -> Iterator[Provider]:
    provider = Provider(authority)
    yield provider
    provider.server.shutdown()
    provider.server.server_close()


def id_token(expires: float) -> str:
    body = base64.urlsafe_b64encode(json.dumps({"exp": expires}).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


def oidc(provider: Provider, authority: trustme.CA, **config: str) -> dict[str, Any]:
    base = {
        "idp-issuer-url": provider.url,
        "client-id": "kubernetes",
        "idp-certificate-authority-data": pem(authority),
        **config,
    }
    return {"auth-provider": {"name": "oidc", "config": base}}


def test_oidc_token_while_it_lasts(
    server: Replay, kubeconfig: Kubeconfig, provider: Provider, authority: trustme.CA
) -> None:
    token = id_token(time.time() + 3600)
    server.authorized = only(f"Bearer {token}")
    ask(kubeconfig(server.url, oidc(provider, authority, **{"id-token": token})))
    assert provider.asked == []


def test_oidc_token_is_refreshed(
    server: Replay, kubeconfig: Kubeconfig, provider: Provider, authority: trustme.CA
) -> None:
    fresh = id_token(time.time() + 3600)
    provider.reply = {"id_token": fresh, "refresh_token": "r2"}
    server.authorized = only(f"Bearer {fresh}")
    config = {"id-token": id_token(1), "refresh-token": "r1", "client-secret": "c:1"}
    assert read(kubeconfig(server.url, oidc(provider, authority, **config))).errors == []
    assert [(a["grant_type"], a["refresh_token"], a["client_id"]) for a in provider.asked] == [
        ("refresh_token", "r1", "kubernetes")
    ]
    assert provider.asked[0]["authorization"] == "Basic " + base64.b64encode(b"kubernetes:c%3A1").decode()


def test_oidc_token_that_the_server_refuses_is_refreshed(
    server: Replay, kubeconfig: Kubeconfig, provider: Provider, authority: trustme.CA
) -> None:
    old, fresh = id_token(time.time() + 3600), id_token(time.time() + 7200)
    provider.reply = {"id_token": fresh}
    server.authorized = only(f"Bearer {fresh}")
    ask(kubeconfig(server.url, oidc(provider, authority, **{"id-token": old, "refresh-token": "r1"})))


@pytest.mark.parametrize(
    ("config", "reply", "status", "message"),
    [
        ({"id-token": "junk"}, {}, 200, "log in again"),
        ({"id-token": "a.!!.c", "refresh-token": "r"}, {"error": "invalid_grant"}, 200, "invalid_grant"),
        ({"refresh-token": "r"}, {}, 400, "answered 400"),
        ({"refresh-token": "r", "idp-issuer-url": "http://idp.example"}, {}, 200, "not https"),
        ({"refresh-token": "r"}, [], 200, "did not answer as an identity provider"),
        ({"refresh-token": "r", "idp-certificate-authority-data": ""}, {}, 200, "not trusted"),
    ],
)
def test_oidc_failures(
    server: Replay,
    kubeconfig: Kubeconfig,
    provider: Provider,
    authority: trustme.CA,
    config: dict[str, str],
    reply: Any,
    status: int,
    message: str,
) -> None:
    provider.reply, provider.status = reply, status
    with pytest.raises(ClusterError, match=message) as failure:
        ask(kubeconfig(server.url, oidc(provider, authority, **config)))
    assert "r1" not in str(failure.value)
    assert server.log == []


def test_in_cluster(tls_server: Replay, authority: trustme.CA, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("pod-token")
    (tmp_path / "ca.crt").write_bytes(authority.cert_pem.bytes())
    environ = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(tls_server.port)}
    tls_server.authorized = only("Bearer pod-token")
    options = ClusterOptions(in_cluster=True, service_account=str(tmp_path), patience=HASTE)
    client = connect(options, environ)
    assert client.name == "in-cluster"
    client.get("/version", json.loads)


def test_in_cluster_where_there_is_no_kubeconfig(tls_server: Replay, authority: trustme.CA, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("pod-token")
    (tmp_path / "ca.crt").write_bytes(authority.cert_pem.bytes())
    environ = {
        "KUBECONFIG": str(tmp_path / "absent"),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(tls_server.port),
    }
    assert connect(ClusterOptions(service_account=str(tmp_path)), environ).name == "in-cluster"


def test_impersonation(server: Replay, kubeconfig: Kubeconfig) -> None:
    ask(kubeconfig(server.url), as_user="jo", as_groups=("a", "b, c"))
    assert server.seen[-1].impersonated == ("jo", "a", "b, c")
    user = {"as": "sam", "as-groups": ["ops"], "as-uid": "7", "as-user-extra": {"scope/x": ["y"]}}
    ask(kubeconfig(server.url, user))
    assert sorted(server.seen[-1].impersonated) == ["7", "ops", "sam", "y"]
    ask(kubeconfig(server.url, user), as_user="jo")
    assert list(server.seen[-1].impersonated) == ["jo"]


def test_credentials_are_not_sent_in_clear(kubeconfig: Kubeconfig) -> None:
    with pytest.raises(ClusterError, match="sent in clear"):
        ask(kubeconfig("http://api.example:8080", {"token": "t"}))


def test_an_untrusted_server_gets_no_credentials(tls_server: Replay, kubeconfig: Kubeconfig) -> None:
    other = pem(trustme.CA())
    with pytest.raises(ClusterError, match="certificate is not trusted"):
        ask(kubeconfig(tls_server.url, {"token": "t"}, **{"certificate-authority-data": other}))
    assert tls_server.log == []


def test_tls_server_name(tls_server: Replay, authority: trustme.CA, kubeconfig: Kubeconfig) -> None:
    trust: dict[str, Any] = {"certificate-authority-data": pem(authority)}
    ask(kubeconfig(tls_server.url, **trust, **{"tls-server-name": "api.example"}))
    with pytest.raises(ClusterError, match="not trusted"):
        ask(kubeconfig(tls_server.url, **trust, **{"tls-server-name": "other.example"}))


def test_verification_is_off_only_where_the_kubeconfig_says_so(tls_server: Replay, kubeconfig: Kubeconfig) -> None:
    result = read(kubeconfig(tls_server.url, **{"insecure-skip-tls-verify": True}))
    assert result.errors == []
    assert "turns off TLS verification" in result.notes[0]


def test_an_authority_from_a_file(
    tls_server: Replay, authority: trustme.CA, kubeconfig: Kubeconfig, tmp_path: Path
) -> None:
    (tmp_path / "ca.crt").write_bytes(authority.cert_pem.bytes())
    ask(kubeconfig(tls_server.url, **{"certificate-authority": "ca.crt"}))
    (tmp_path / "ca.crt").write_bytes(b"nothing")
    with pytest.raises(ClusterError, match="no PEM certificate"):
        ask(kubeconfig(tls_server.url, **{"certificate-authority": "ca.crt"}))


def test_credentials_never_show(server: Replay, kubeconfig: Kubeconfig) -> None:
    server.authorized = lambda who: False
    with pytest.raises(ClusterError) as failure:
        ask(kubeconfig(server.url, {"token": "hunter2hunter2"}))
    assert "hunter2" not in str(failure.value)
    assert os.environ.get("KUBERNETES_EXEC_INFO") is None
