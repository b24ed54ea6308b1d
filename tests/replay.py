"""An API server of the tests: it answers as a recorded one did, cuts its own pages, and fails on demand."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Mapping[str, str], bytes]


AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Fault(NamedTuple):
    """How a request goes wrong, instead of being answered.

    ``what``: status (with ``status`` and ``headers``), reset, silence, drip (headers and body a byte at a time),
    truncated, text (not JSON), redirect.
    """

    what: str
    status: int = 500
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""


class Recording:
    """Discovery and lists of a cluster, by path; lists are kept as the JSON of each item."""

    def __init__(self, responses: Mapping[str, Any]) -> None:
        self.documents: dict[str, Any] = {}
        self.heads: dict[str, dict[str, Any]] = {}
        self.items: dict[str, list[bytes]] = {}
        for path, answer in responses.items():
            plain = path.split("?")[0]
            if isinstance(answer, dict) and "items" in answer and str(answer.get("kind")).endswith("List"):
                self.put(plain, answer["kind"], answer["apiVersion"], answer["items"] or [])
            elif answer is not None:
                self.documents[plain] = answer

    @classmethod
    def load(cls, conformance: Path) -> Self:
        """The recorded cluster of the conformance data."""
        with gzip.open(conformance / "cluster" / "api-responses.json.gz") as file:
            return cls(json.load(file))

    def put(self, path: str, kind: str, version: str, items: Iterable[Any]) -> None:
        """Set what a list holds."""
        self.heads[path] = {"kind": kind, "apiVersion": version}
        self.items[path] = [json.dumps(item, separators=(",", ":")).encode() for item in items]

    def count(self, path: str) -> int:
        """How many objects a list holds."""
        return len(self.items[path])

    def aggregated(self, root: str) -> dict[str, Any]:
        """The document of aggregated discovery for ``/api`` or ``/apis``, made from the plain one."""
        if root == "/api":
            groups = [("", [f"/api/{version}" for version in self.documents["/api"]["versions"]])]
        else:
            groups = [
                (g["name"], [f"/apis/{version['groupVersion']}" for version in g["versions"]])
                for g in self.documents["/apis"]["groups"]
            ]
        items = [
            {"metadata": {"name": name}, "versions": [self._aggregated_version(path) for path in paths]}
            for name, paths in groups
        ]
        return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items}

    def _aggregated_version(self, path: str) -> dict[str, Any]:
        known = self.documents.get(path)
        group, version = ("", path.split("/")[2]) if path.startswith("/api/") else tuple(path.split("/")[2:4])
        resources = [
            {
                "resource": r["name"],
                "responseKind": {"group": group, "version": version, "kind": r["kind"]},
                "scope": "Namespaced" if r["namespaced"] else "Cluster",
                "verbs": r["verbs"],
            }
            for r in (known or {"resources": []})["resources"]
            if "/" not in r["name"]
        ]
        return {"version": version, "freshness": "Current" if known else "Stale", "resources": resources}


class Who(NamedTuple):
    """Who a server thinks is asking."""

    authorization: str
    certificate: str
    impersonated: tuple[str, ...]


class Replay:
    """The server. Start and stop it with ``with``; ``url`` is its address.

    ``faults`` are used up one a request to their path (with ``*`` for every request); ``allowed`` decides on
    (verb, group, resource) and ``authorized`` on who asks; ``log`` has every path asked for, with its query.
    """

    def __init__(self, recording: Recording, *, page: int = 500, tls: ssl.SSLContext | None = None) -> None:
        self.recording = recording
        self.page = page
        self.tls = tls
        self.aggregated = True
        self.packs = False
        self.expired_tokens = 0
        self.faults: dict[str, list[Fault]] = {}
        self.allowed: Callable[[str, str, str], bool] = lambda verb, group, resource: True
        self.authorized: Callable[[Who], bool] = lambda who: True
        self.log: list[str] = []
        self.seen: list[Who] = []
        self.stopping = threading.Event()
        self._pages: dict[tuple[str, int, int], bytes] = {}

    def __enter__(self) -> Self:
        replay = self

        class Handler(_Handler):
            server_state: Replay = replay

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def asked(self, part: str) -> list[str]:
        """The requests whose path has a part."""
        return [path for path in self.log if part in path]

    def answer(self, path: str, accept: str) -> Answer:
        """What to say to a GET."""
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path in ("/api", "/apis") and self.aggregated and "APIGroupDiscoveryList" in accept:
            status, _, body = self._document(self.recording.aggregated(parts.path))
            return status, {"Content-Type": AGGREGATED}, body
        if parts.path in self.recording.documents:
            if not self.allowed("get", "", parts.path):
                return _status(403, f"forbidden: cannot get path {parts.path!r}")
            return self._document(self.recording.documents[parts.path])
        return self._list(parts.path, query)

    def _document(self, document: Any) -> Answer:
        return 200, {}, json.dumps(document).encode()

    def _list(self, path: str, query: Mapping[str, str]) -> Answer:
        base, namespace = _without_namespace(path)
        if base == "/api/v1/namespaces" and namespace and path.endswith(f"/{namespace}"):
            return self._one_namespace(namespace)
        steps = base.split("/")
        group, resource = (steps[2] if steps[1] == "apis" else ""), steps[-1]
        if not self.allowed("list", group, resource):
            return _status(403, f"{resource} is forbidden: User cannot list resource {resource!r}")
        if base not in self.recording.items:
            return _status(404, "the server could not find the requested resource")
        start = 0
        if query.get("continue"):
            start = json.loads(base64.b64decode(query["continue"]))["start"]
            if self.expired_tokens:
                self.expired_tokens -= 1
                return _status(410, "The provided continue parameter is too old")
        limit = min(int(query["limit"]), self.page) if query.get("limit") else 1 << 30
        return 200, {}, self._cut(base, namespace, start, limit)

    def _one_namespace(self, name: str) -> Answer:
        if not self.allowed("get", "", "namespaces"):
            return _status(403, "namespaces is forbidden")
        for item in self.recording.items["/api/v1/namespaces"]:
            if json.loads(item)["metadata"]["name"] == name:
                return 200, {}, b'{"kind":"Namespace","apiVersion":"v1",' + item[1:]
        return _status(404, "not found")

    def _cut(self, path: str, namespace: str, start: int, limit: int) -> bytes:
        key = (f"{path}?{namespace}", start, limit)
        if key not in self._pages:
            items = self.recording.items[path]
            if namespace:
                items = [item for item in items if json.loads(item)["metadata"].get("namespace") == namespace]
            metadata: dict[str, Any] = {"resourceVersion": "1"}
            if start + limit < len(items):
                metadata["continue"] = base64.b64encode(json.dumps({"start": start + limit}).encode()).decode()
                metadata["remainingItemCount"] = len(items) - start - limit
            head = json.dumps({**self.recording.heads[path], "metadata": metadata}).encode()
            self._pages[key] = head[:-1] + b',"items":[' + b",".join(items[start : start + limit]) + b"]}\n"
        return self._pages[key]


def _without_namespace(path: str) -> tuple[str, str]:
    before, found, after = path.partition("/namespaces/")
    if not found:
        return path, ""
    namespace, _, rest = after.partition("/")
    return (f"{before}/{rest}" if rest else f"{before}/namespaces"), namespace


def _status(code: int, message: str) -> Answer:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "code": code}
    return code, {}, json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: Replay
    timeout = 20

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError, TimeoutError):
            self.close_connection = True

    def do_GET(self) -> None:
        state = self.server_state
        state.log.append(self.path)
        who = self._who()
        state.seen.append(who)
        plain = self.path.split("?")[0]
        for key in (self.path, plain, "*"):
            if state.faults.get(key):
                self._fail(state.faults[key].pop(0))
                return
        if not state.authorized(who):
            self._send(_status(401, "Unauthorized"))
            return
        self._send(state.answer(self.path, self.headers.get("Accept", "")))

    def _who(self) -> Who:
        certificate = ""
        if isinstance(self.connection, ssl.SSLSocket):
            subject: Any = (self.connection.getpeercert() or {}).get("subject", ())
            certificate = ",".join(str(value) for part in subject for _, value in part)
        impersonated = tuple(value for key, value in self.headers.items() if key.lower().startswith("impersonate"))
        return Who(self.headers.get("Authorization", ""), certificate, impersonated)

    def _send(self, answer: Answer) -> None:
        status, headers, body = answer
        self.send_response(status)
        if "Content-Type" not in headers:
            self.send_header("Content-Type", "application/json")
        if self.server_state.packs and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _fail(self, fault: Fault) -> None:
        state = self.server_state
        if fault.what == "status":
            status, _, body = _status(fault.status, "as the test wanted")
            self._send((status, fault.headers, fault.body or body))
        elif fault.what == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
        elif fault.what == "silence":
            state.stopping.wait(15)
            self.close_connection = True
        elif fault.what == "drip":
            self._drip(fault.headers.get("where", "body"))
        elif fault.what == "truncated":
            body = state.answer(self.path, self.headers.get("Accept", ""))[2]
            self._send((200, {}, body[: len(body) // 2]))
        elif fault.what == "cut":
            body = state.answer(self.path, self.headers.get("Accept", ""))[2]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif fault.what == "text":
            self._send((200, {}, fault.body or b"<html>Welcome to the captive portal</html>"))
        elif fault.what == "redirect":
            self._send((302, {"Location": "https://elsewhere.example/"}, b""))
        else:
            raise ValueError(fault.what)

    def _drip(self, where: str) -> None:
        self.close_connection = True
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n"
        self.connection.sendall(head if where == "headers" else head + b"\r\n")
        try:
            while not self.server_state.stopping.wait(0.02):
                self.connection.sendall(b"a")
        except OSError:
            time.sleep(0)
