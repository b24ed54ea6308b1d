"""Kubeconfigs as kubectl reads them, proxies as Go programs choose them, and hostile ones."""

from __future__ import annotations

import json
import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.sources.cluster import ClusterError, ClusterOptions
from seawall.sources.cluster.client import connect
from seawall.sources.cluster.kubeconfig import choose, kubeconfig_paths
from seawall.sources.web.http import target_of
from seawall.sources.web.proxy import choose_proxy
from tests.cluster.conftest import HASTE, Kubeconfig
from tests.cluster.reading import read
from tests.replay import Replay

ONE = """
apiVersion: v1
kind: Config
current-context: null
preferences: {}
clusters:
- name: shared
  cluster: {server: https://first:6443, certificate-authority: pki/ca.crt}
users: null
contexts:
- name: prod
  context: {cluster: shared, user: jo, namespace: shop}
"""
TWO = """
current-context: prod
clusters:
- name: shared
  cluster: {server: https://second:6443}
- name: other
  cluster: {server: https://other}
users:
- name: jo
  user: {tokenFile: jo.token, exec: null}
contexts:
- name: other
  context: {cluster: other, user: ""}
- name: prod
  context: {cluster: other}
"""


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    for name, text in (("one", ONE), ("two", TWO)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config").write_text(text)
    return [str(tmp_path / "one" / "config"), str(tmp_path / "two" / "config")]


def test_files_are_merged_and_the_first_wins(files: list[str], tmp_path: Path) -> None:
    chosen = choose(files, None)
    assert (chosen.context, chosen.cluster_name, chosen.cluster.server) == ("prod", "shared", "https://first:6443")
    assert chosen.cluster.certificate_authority == str(tmp_path / "one" / "pki" / "ca.crt")
    assert chosen.user.token_file == str(tmp_path / "two" / "jo.token")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("context", ["prod", "other"])
def test_files_are_merged_as_kubectl_does(files: list[str], context: str) -> None:
    command = ["kubectl", "config", "view", "--minify", "--context", context, "-o", "json"]
    done = subprocess.run(command, env={"KUBECONFIG": ":".join(files), "PATH": "/usr/bin:/bin"}, capture_output=True)
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    chosen = choose(files, context)
    assert chosen.cluster.server == theirs["clusters"][0]["cluster"]["server"]
    assert chosen.cluster_name == theirs["clusters"][0]["name"]
    # kubectl shows the name as it stands in the file.
    named = (theirs["users"] or [{"user": {}}])[0]["user"].get("tokenFile", "")
    assert Path(chosen.user.token_file).name == named


def test_where_kubeconfigs_are(files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = ":".join([files[0], "", str(tmp_path / "absent"), files[1]])
    assert kubeconfig_paths(None, {"KUBECONFIG": listed}) == files
    assert kubeconfig_paths(files[1], {"KUBECONFIG": listed}) == files[1:]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kubeconfig_paths(None, {}) == []
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(ONE)
    assert kubeconfig_paths(None, {}) == [str(tmp_path / ".kube" / "config")]


@pytest.mark.parametrize(
    ("text", "context", "message"),
    [
        ("", None, "no current context"),
        ("current-context: x", None, "has no context 'x'; it has: none"),
        (TWO, "nope", "it has: other, prod"),
        ("contexts: [{name: x, context: {cluster: gone}}]", "x", "'gone', which no kubeconfig defines"),
        ("contexts: [{name: x, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {}}]", "x", "user 'u'"),
        ("contexts: [{name: x, context: {cluster: 7}}]", "x", "context x: Expected"),
        ("contexts: 3", "x", "contexts must be a list"),
        ("[]", "x", "is no kubeconfig"),
        ("a: [", "x", "config:2:1: "),
        ("a: &a [x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n", "x", "no context"),
    ],
)
def test_unusable_kubeconfigs(tmp_path: Path, text: str, context: str | None, message: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(ClusterError, match=message):
        choose([str(tmp_path / "config")], context)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "current-context": VALUES | st.just("x"),
            "clusters": VALUES | st.lists(st.fixed_dictionaries({"name": st.just("x"), "cluster": VALUES})),
            "users": VALUES | st.lists(st.fixed_dictionaries({"name": st.just("x"), "user": VALUES})),
            "contexts": st.lists(
                st.fixed_dictionaries(
                    {"name": st.just("x"), "context": st.just({"cluster": "x", "user": "x"}) | VALUES}
                )
            ),
        },
    )
)
def test_no_kubeconfig_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, config: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "config"
    path.write_text(json.dumps(config))
    try:
        connect(ClusterOptions(kubeconfig=str(path)), {})
    except ClusterError as error:
        assert str(error)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"https?://[a-z\[\]:@/%0-9.-]{0,20}", fullmatch=True))
def test_no_address_breaks_the_reader(text: str) -> None:
    for configured in (text, ""):
        try:
            target_of(text or "x", configured, "", {"HTTPS_PROXY": text, "NO_PROXY": text})
        except ClusterError as error:
            assert str(error)


@pytest.mark.parametrize(
    ("host", "exempt"),
    [
        ("localhost", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("api.corp.example", True),
        ("corp.example", True),
        ("notcorp.example", False),
        ("x.dotted.example", True),
        ("dotted.example", False),
        ("a.star.example", True),
        ("ported.example", True),
        ("wrongport.example", False),
        ("192.0.2.7", True),
    ],
)
def test_no_proxy(host: str, exempt: bool) -> None:
    listed = (
        "10.0.0.0/8, corp.example,.dotted.example,*.star.example,ported.example:6443,wrongport.example:1,192.0.2.7,"
    )
    environ = {"HTTPS_PROXY": "proxy.example:3128", "NO_PROXY": listed}
    assert (choose_proxy("https", host, 6443, "", environ) is None) == exempt
    # What the kubeconfig says holds for every host.
    assert choose_proxy("https", host, 6443, "http://p:1", environ) is not None


def test_no_proxy_for_all() -> None:
    assert choose_proxy("https", "x.example", 443, "", {"https_proxy": "http://p", "no_proxy": "*"}) is None


@pytest.mark.parametrize(
    "proxy", ["ftp://p:1", "https://p:1", "http://", "socks4://p", "http://[", "http://p:99999", "http://[::1"]
)
def test_proxies_that_are_not_spoken(proxy: str) -> None:
    with pytest.raises(ClusterError, match=r"must be http://HOST:PORT or socks5://"):
        choose_proxy("https", "x.example", 443, proxy, {})


class Proxy:
    """A proxy that speaks CONNECT or SOCKS5, and sends everything to one port here, whatever host was asked for."""

    def __init__(self, socks: bool, port: int) -> None:
        self.asked: list[str] = []
        self.refuses = False
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                (proxy.socks if socks else proxy.connect)(self.request)
                if not proxy.refuses:
                    proxy.pump(self.request, port)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def connect(self, client: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(1024)
        self.asked.append(request.decode())
        client.sendall(b"HTTP/1.1 407 No\r\n\r\n" if self.refuses else b"HTTP/1.1 200 OK\r\n\r\n")

    def socks(self, client: socket.socket) -> None:
        methods = client.recv(2)[1]
        offered = client.recv(methods)
        if 2 in offered:
            client.sendall(b"\x05\x02")
            client.recv(1)
            name = client.recv(client.recv(1)[0])
            password = client.recv(client.recv(1)[0])
            self.asked.append(f"{name.decode()}:{password.decode()}")
            client.sendall(b"\x01\x00")
        else:
            client.sendall(b"\x05\x00")
        client.recv(4)
        host = client.recv(client.recv(1)[0]).decode()
        self.asked.append(f"{host}:{int.from_bytes(client.recv(2), 'big')}")
        client.sendall(b"\x05" + (b"\x02" if self.refuses else b"\x00") + b"\x00\x01\x7f\x00\x00\x01\x00\x00")

    def pump(self, client: socket.socket, port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as server:
            threading.Thread(target=self._copy, args=(server, client), daemon=True).start()
            self._copy(client, server)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.fixture(params=[False, True], ids=["http", "socks5"])
def proxy(request: pytest.FixtureRequest, server: Replay) -> Iterator[Proxy]:
    proxy = Proxy(request.param, server.port)
    yield proxy
    proxy.server.shutdown()
    proxy.server.server_close()


def address(proxy: Proxy, request: pytest.FixtureRequest, user: str = "") -> str:
    scheme = "socks5" if "socks5" in request.node.name else "http"
    return f"{scheme}://{user}127.0.0.1:{proxy.port}"


def test_a_proxy_of_the_kubeconfig(kubeconfig: Kubeconfig, proxy: Proxy, request: pytest.FixtureRequest) -> None:
    path = kubeconfig("http://api.invalid:8080", **{"proxy-url": address(proxy, request, "jo:p%40ss@")})
    assert read(path).errors == []
    assert any("api.invalid:8080" in asked for asked in proxy.asked)
    assert any("jo:p@ss" in asked or "am86cEBzcw==" in asked for asked in proxy.asked)


def test_a_proxy_of_the_environment(kubeconfig: Kubeconfig, proxy: Proxy, request: pytest.FixtureRequest) -> None:
    path = kubeconfig("http://api.invalid:8080")
    assert read(path, {"HTTP_PROXY": address(proxy, request)}).errors == []
    assert len(proxy.asked) == 1, "one connection is kept alive"


def test_a_proxy_that_refuses(kubeconfig: Kubeconfig, proxy: Proxy, request: pytest.FixtureRequest) -> None:
    proxy.refuses = True
    path = kubeconfig("http://api.invalid:8080", **{"proxy-url": address(proxy, request)})
    with pytest.raises(ClusterError, match=r"does not connect to api.invalid:8080"):
        read(path, patience=HASTE)


def test_a_server_behind_a_path(server: Replay, kubeconfig: Kubeconfig) -> None:
    """As Rancher serves its clusters."""
    answer = server.answer
    server.answer = lambda path, accept: answer(path.removeprefix("/k8s/clusters/c-1"), accept)  # type: ignore[method-assign]
    assert read(kubeconfig(f"{server.url}/k8s/clusters/c-1/")).errors == []
    assert all(path.startswith("/k8s/clusters/c-1/") for path in server.log)
