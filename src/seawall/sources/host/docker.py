"""What the Docker engine answers on its socket. Only GET is ever sent: nothing is changed, nothing is run."""

from __future__ import annotations

import http.client
import os
import re
import socket
import stat
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from seawall.model.facts import Docker
from seawall.sources.host.auditd import read_audit_rules
from seawall.sources.host.problems import Problems
from seawall.sources.host.root import Absent, HostError, Root
from seawall.sources.host.scrub import scrub_argv, scrub_document

SOCKETS = ("/run/docker.sock", "/var/run/docker.sock")
_MAX_BODY = 32 * 1024 * 1024
_MAX_INSPECTED = 2_000
_TIMEOUT = 5.0
_TOTAL = 60.0
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}\Z")

#: Asks for an answer of a type, noting at a fact what goes wrong.
_Get = Callable[[str, str, type], Any]


class _Socket(socket.socket):
    """A socket that an engine cannot hold up by giving a byte now and then."""

    deadline = 0.0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Receive, as long as there is time left."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the engine takes too long")
        self.settimeout(min(left, _TIMEOUT))
        return super().recv_into(*args, **kwargs)


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket that a descriptor names, for a minute altogether."""

    def __init__(self, handle: int) -> None:
        super().__init__("docker", timeout=_TIMEOUT)
        self._handle = handle
        self._deadline = time.monotonic() + _TOTAL

    def connect(self) -> None:
        """Connect to it."""
        self.sock = _Socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.deadline = self._deadline
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(f"/proc/self/fd/{self._handle}")


def read_docker(root: Root, problems: Problems, installed: bool) -> Docker | None:
    """The engine's answers, and the host's audit rules beside them.

    None where no engine listens and, as ``installed`` tells, none is on the host.
    """
    for path in SOCKETS:
        try:
            handle = root.open(path)
        except Absent:
            continue
        except HostError as error:
            problems.add("docker.info", f"{path} {error}")
            break
        try:
            if not stat.S_ISSOCK(os.fstat(handle).st_mode):
                problems.add("docker.info", f"{path} is not a socket")
                break
            return _ask(_Connection(handle), path, read_audit_rules(root, problems), problems)
        finally:
            os.close(handle)
    return Docker(audit_rules=read_audit_rules(root, problems)) if installed else None


def _ask(engine: _Connection, path: str, audit_rules: tuple[str, ...] | None, problems: Problems) -> Docker:
    def get(fact: str, target: str, kind: type) -> Any:
        try:
            value = _get(engine, target)
        except (OSError, http.client.HTTPException, HostError, msgspec.DecodeError, RecursionError) as error:
            engine.close()
            problems.add(fact, f"{path}: GET {target}: {error or type(error).__name__}")
            return None
        if not isinstance(value, kind):
            problems.add(fact, f"{path}: GET {target}: the answer is of the wrong type")
            return None
        return value

    info = get("docker.info", "/info", dict)
    if info is None:
        return Docker(audit_rules=audit_rules)
    try:
        containers = _inspected(get, "containers", "/containers/json?all=1", problems)
        return Docker(
            info=scrub_document(info),
            version=scrub_document(get("docker.version", "/version", dict)),
            containers=tuple(_container(each) for each in containers),
            images=tuple(map(scrub_document, _inspected(get, "images", "/images/json", problems))),
            networks=tuple(map(scrub_document, _mappings(get("docker.networks", "/networks", list)))),
            audit_rules=audit_rules,
        )
    finally:
        engine.close()


def _inspected(get: _Get, what: str, target: str, problems: Problems) -> list[dict[str, Any]]:
    """The inspect documents of all containers or images that a list names."""
    listed = _mappings(get(f"docker.{what}", target, list))
    found = []
    if len(listed) > _MAX_INSPECTED:
        problems.add(f"docker.{what}", f"only the first {_MAX_INSPECTED} of {len(listed)} {what} were looked at")
    for each in listed[:_MAX_INSPECTED]:
        name = str(each.get("Id", ""))
        if _ID.match(name):
            document = get(f"docker.{what}.{name[-64:][:12]}", f"/{what}/{quote(name)}/json", dict)
            found += [] if document is None else [document]
    return found


def _mappings(listed: Any) -> list[dict[str, Any]]:
    return [each for each in listed or () if isinstance(each, dict)]


def _get(engine: _Connection, target: str) -> Any:
    engine.request("GET", target, headers={"Accept": "application/json"})
    answer = engine.getresponse()
    body = answer.read(_MAX_BODY + 1)
    if len(body) > _MAX_BODY:
        raise HostError(f"the answer is larger than {_MAX_BODY >> 20} MiB")
    if answer.status != 200:
        raise HostError(f"{answer.status} {answer.reason}")
    return msgspec.json.decode(body)


def _container(found: dict[str, Any]) -> dict[str, Any]:
    """An inspect document without credentials in arguments and environment."""
    kept: dict[str, Any] = scrub_document(found)
    for holder, key in ((kept, "Args"), (kept.get("Config"), "Cmd"), (kept.get("Config"), "Entrypoint")):
        if isinstance(holder, dict) and isinstance(holder.get(key), list):
            holder[key] = list(scrub_argv([str(word) for word in holder[key]]))
    return kept
