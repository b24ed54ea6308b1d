"""What is asked of a Docker engine, and what becomes of its answers; the engine is a server on a real socket."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.sources.host.trees import facts_of, plant, reasons

ID = "ab" * 32
ANSWERS: dict[str, Any] = {
    "/info": {"LiveRestoreEnabled": True, "HttpProxy": "http://u:hunter2hunter2@proxy:3128"},
    "/version": {"Version": "27.1"},
    "/containers/json?all=1": [{"Id": ID}, {"Id": "../../etc"}, "odd"],
    f"/containers/{ID}/json": {
        "Name": "/web",
        "Args": ["--token", "hunter2hunter2"],
        "Config": {"Env": ["PASSWORD=hunter2hunter2"], "Cmd": ["x", "--password=hunter2hunter2"]},
        "HostConfig": {"Privileged": True},
    },
    "/images/json": [{"Id": f"sha256:{ID}"}],
    f"/images/sha256%3A{ID}/json": {"Config": {"User": "root"}},
    "/networks": [{"Name": "bridge"}],
}


class _Engine(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        server.asked.append(self.path)
        body = server.raw if server.raw is not None else json.dumps(ANSWERS.get(self.path)).encode()
        self.send_response(200 if self.path in ANSWERS else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for start in range(0, len(body), 1) if server.drip else ():
            time.sleep(0.05)
            self.wfile.write(body[start : start + 1])
        if not server.drip:
            self.wfile.write(body)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client went away
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        return "test"


class _Server(socketserver.ThreadingUnixStreamServer):
    asked: list[str]
    raw: bytes | None = None
    drip = False
    daemon_threads = True


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    plant(tmp_path, {"/etc/docker/daemon.json": "{}"})
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")  # names of sockets are short
    with _Server("docker.sock", _Engine) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_answers_are_kept_without_secrets(tmp_path: Path, engine: _Server) -> None:
    docker = facts_of(tmp_path).docker
    assert docker is not None and docker.info is not None
    assert docker.info["LiveRestoreEnabled"] is True
    [container] = docker.containers
    assert container["HostConfig"] == {"Privileged": True}
    assert container["Config"]["Env"] == ["PASSWORD=<redacted>"]
    assert docker.images == ({"Config": {"User": "root"}},)
    assert docker.networks == ({"Name": "bridge"},)
    assert "hunter2" not in repr(docker)
    assert set(engine.asked) <= set(ANSWERS)


@pytest.mark.parametrize("raw", [b"not json", b"[]", b"[" * 100_000])
def test_odd_answers_are_told(tmp_path: Path, engine: _Server, raw: bytes) -> None:
    engine.raw = raw
    facts = facts_of(tmp_path)
    assert facts.docker is not None and facts.docker.info is None
    assert "GET /info" in reasons(facts)["docker.info"]


def test_an_engine_that_drips_is_left(tmp_path: Path, engine: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.sources.host.docker._TOTAL", 0.3)
    engine.drip = True
    facts = facts_of(tmp_path)
    assert facts.docker is not None and facts.docker.info is None
    assert "takes too long" in reasons(facts)["docker.info"] or "timed out" in reasons(facts)["docker.info"]


def test_a_file_in_place_of_the_socket_is_told(tmp_path: Path) -> None:
    facts = facts_of(plant(tmp_path, {"/run/docker.sock": "x"}))
    assert reasons(facts)["docker.info"] == "/run/docker.sock is not a socket"
