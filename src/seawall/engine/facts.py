"""Facts of nodes: collected on a host now, or read from documents that were collected before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from seawall import __version__
from seawall.engine.host_packages import host_packages
from seawall.engine.nodes import FactsDocument
from seawall.model.facts import FACTS_SCHEMA, Facts
from seawall.model.finding import SourceError
from seawall.sources import nodeinfo
from seawall.sources.host import HostError, Problems, Root, collect

if TYPE_CHECKING:
    from seawall.sources.cluster import ClusterOptions

__all__ = ["FactsError", "collect_facts", "encode_facts", "read_facts"]

_MAX_BYTES = 128 * 1024 * 1024


class FactsError(Exception):
    """No facts can be collected, or written; the message says why."""


class ConfigzSource(msgspec.Struct, frozen=True):
    """Which node's kubelet to ask, and through which cluster."""

    node: str
    cluster: ClusterOptions


def collect_facts(root: str, proc: str | None = None, configz: ConfigzSource | None = None) -> FactsDocument:
    """The facts of the host whose files are below ``root``, and its processes in ``proc`` (``root``/proc).

    Raises:
        FactsError: there is no such folder.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    ask = None if configz is None else (lambda problems: _configz(configz, problems))
    try:
        with Root(root) as opened:
            facts = collect(opened, now, __version__, host_packages, ask, proc)
    except HostError as error:
        raise FactsError(f"no facts can be collected: {error}; name the host's root with --root") from error
    return FactsDocument("this host" if opened.real else root, facts)


def _configz(source: ConfigzSource, problems: Problems) -> tuple[dict[str, Any] | None, str]:
    """What a running kubelet says of its settings, and its version, through the API server."""
    from urllib.parse import quote

    from seawall.sources.cluster.client import connect
    from seawall.sources.cluster.errors import ClusterError
    from seawall.sources.host.scrub import scrub_document

    node = f"/api/v1/nodes/{quote(source.node, safe='')}"
    settings: dict[str, Any] | None = None
    version = ""
    try:
        client = connect(source.cluster)
    except ClusterError as error:
        problems.add("components.kubelet.configz", str(error))
        return None, ""
    try:
        settings = scrub_document(client.get(f"{node}/proxy/configz", _Configz.read).kubeletconfig)
    except ClusterError as error:
        problems.add("components.kubelet.configz", str(error))
    try:
        version = client.get(node, _Node.read).status.node_info.kubelet_version
    except ClusterError as error:
        problems.add("components.kubelet.version", str(error))
    finally:
        client.close()
    return settings, version


class _Configz(msgspec.Struct):
    kubeletconfig: dict[str, Any]

    @staticmethod
    def read(body: bytes) -> _Configz:
        return msgspec.json.decode(body, type=_Configz)


class _NodeInfo(msgspec.Struct, frozen=True, rename="camel"):
    kubelet_version: str = ""


class _NodeStatus(msgspec.Struct, frozen=True, rename="camel"):
    node_info: _NodeInfo = _NodeInfo()


class _Node(msgspec.Struct):
    status: _NodeStatus = _NodeStatus()

    @staticmethod
    def read(body: bytes) -> _Node:
        return msgspec.json.decode(body, type=_Node)


def encode_facts(facts: Facts) -> bytes:
    """Facts as JSON text with line breaks."""
    return msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n"


def read_facts(path: str) -> tuple[list[FactsDocument], list[SourceError]]:
    """The facts in a file: a document of ours, several one after another, or NodeInfo of Trivy's node collector.

    Gives also what could not be read. ``-`` is standard input.
    """
    name = "<stdin>" if path == "-" else path
    try:
        data = _read(path)
        return list(_documents(name, data)), []
    except OSError as error:
        return [], [SourceError(name, "", f"cannot be read: {error.strerror or error}", unreadable=True)]
    except FactsError as error:
        return [], [SourceError(name, "", str(error), unreadable=True)]


def _read(path: str) -> bytes:
    if path == "-":
        import sys

        data = sys.stdin.buffer.read(_MAX_BYTES + 1)
    else:
        if not os.path.isfile(path):
            raise FactsError("is no file" if os.path.exists(path) else "is not there")
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise FactsError(f"is larger than {_MAX_BYTES >> 20} MiB")
    return data


def _documents(name: str, data: bytes) -> Iterator[FactsDocument]:
    """One JSON value, or one a line."""
    lines = data.splitlines()
    try:
        values: list[bytes | msgspec.Raw] = [msgspec.Raw(data)]
        msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        values = [line for line in lines if line.strip()]
    if not values:
        raise FactsError("holds nothing")
    for number, value in enumerate(values, 1):
        where = f"{name}:{number}" if len(values) > 1 else name
        for facts in _facts(value):
            yield FactsDocument(where, facts)


def _facts(data: bytes | msgspec.Raw) -> Iterator[Facts]:
    try:
        document = msgspec.json.decode(data)
        items = document.get("items") if isinstance(document, dict) and "schema" not in document else None
        for each in items if isinstance(items, list) else [document]:
            yield _one(each)
    except (msgspec.DecodeError, RecursionError) as error:
        raise FactsError(f"holds no facts: {error}; write them with `seawall node collect -o FILE`") from error


def _one(document: Any) -> Facts:
    if nodeinfo.is_nodeinfo(document):
        return nodeinfo.facts_of(document)
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != FACTS_SCHEMA:
        told = f"its schema is {schema!r}" if isinstance(schema, str) else "it has no schema"
        raise FactsError(f"holds no facts of {FACTS_SCHEMA} ({told[:100]}); write them with `seawall node collect`")
    return msgspec.convert(document, Facts)
