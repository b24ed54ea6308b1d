"""Registries for tests: Debian's docker-registry, servers that answer as a function says, and pushing to them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

Answer = tuple[int, dict[str, str], bytes]


def digest(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()}"


def free_host() -> str:
    """An address on loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def running_registry(folder: Path, more: str = "", tls: str = "") -> Iterator[str]:
    """A docker-registry on loopback: its host and port. ``more`` is put into its configuration, ``tls`` into http's."""
    if shutil.which("docker-registry") is None:
        pytest.skip("no docker-registry; apt-get install docker-registry")
    host = free_host()
    config = folder / "config.yml"
    storage = f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}"
    config.write_text(f"version: 0.1\n{storage}\nhttp: {{addr: {host}{tls}}}\n{more}")
    server = subprocess.Popen(
        ["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(host)
        yield host
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(host: str) -> None:
    for _ in range(200):
        try:
            send(host, "GET", "/v2/", b"", {})
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the registry does not answer")


def send(host: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """A request; its status and where it says to go on."""
    connection = HTTPConnection(host, timeout=10)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    location = answer.getheader("Location", "") or ""
    connection.close()
    return answer.status, location


def push_blob(host: str, name: str, data: bytes, token: dict[str, str] | None = None) -> str:
    """Push a blob; its digest."""
    headers = dict(token or {})
    status, location = send(host, "POST", f"/v2/{name}/blobs/uploads/", b"", headers)
    assert status == 202
    path = location.split(host, 1)[-1]
    where = f"{path}{'&' if '?' in path else '?'}digest={digest(data)}"
    assert send(host, "PUT", where, data, {"Content-Type": "application/octet-stream", **headers})[0] == 201
    return digest(data)


def push_manifest(host: str, name: str, tag: str, body: bytes, kind: str, token: dict[str, str] | None = None) -> str:
    """Push a manifest; its digest."""
    headers = {"Content-Type": kind, **(token or {})}
    assert send(host, "PUT", f"/v2/{name}/manifests/{tag}", body, headers)[0] == 201
    return digest(body)


class Serve:
    """Starts servers that answer as a function of method, path and headers says; gives their host and port."""

    def __init__(self) -> None:
        self._servers: list[ThreadingHTTPServer] = []

    def __call__(self, answer: Callable[[str, dict[str, str]], Answer]) -> str:
        return self.full(lambda method, path, headers, body: answer(path, headers))

    def full(self, answer: Callable[[str, str, dict[str, str], bytes], Answer | None]) -> str:
        """With the method and the body as well. None hangs up; a body shorter than its length breaks off."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                told = answer(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                if told is None:
                    self.close_connection = True
                    return
                status, headers, content = told
                self.send_response(status)
                for key, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(content)
                if len(content) < int(headers.get("Content-Length", 0)):
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"127.0.0.1:{server.server_port}"

    def close(self) -> None:
        """Stop them."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
