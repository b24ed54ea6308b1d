"""Flows as CSV with a header. Ends are addresses, ``namespace/pod``, ``namespace/workload[Kind]``, or in parts."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable

from seawall.model.flow import FlowEnd, FlowRecord, FlowVerdict
from seawall.sources.flows import fields
from seawall.sources.flows.fields import BadRecord, Parsed

#: What a column may be called, spaces and dashes as underscores.
_NAMES = {
    "source": ("source", "src", "from", "source_ip", "src_ip", "source_address", "srcaddr", "client"),
    "target": (
        "target", "destination", "dest", "dst", "to", "destination_ip", "dest_ip", "dst_ip", "target_ip",
        "destination_address", "dstaddr", "server",
    ),
    "protocol": ("protocol", "proto", "l4_protocol"),
    "port": ("port", "destination_port", "dest_port", "dst_port", "target_port", "dstport"),
    "source_port": ("source_port", "src_port", "srcport"),
    "verdict": ("verdict", "action", "decision"),
    "count": ("count", "flows", "connections", "num_flows"),
    "time": ("time", "first_seen", "start", "start_time", "timestamp"),
    "last": ("last", "last_seen", "end", "end_time"),
}  # fmt: skip
_PARTS = ("namespace", "workload", "kind", "pod", "service")
_SIDES = {"source": ("source", "src", "from"), "target": ("target", "destination", "dest", "dst", "to")}
_ALLOWED = frozenset(("", "allow", "allowed", "accept", "accepted", "forwarded", "pass", "permit", "audit"))
_DENIED = frozenset(("deny", "denied", "drop", "dropped", "reject", "rejected", "block", "blocked"))
_LABEL = re.compile(r"([^/\[\]\s]+)/([^/\[\]\s]+?)(?:\[(\w+)\])?\Z")
_ADDRESS = re.compile(r"[0-9a-fA-F.]+\Z|[0-9a-fA-F:.%]*:[0-9a-fA-F:.%]*\Z")


def columns(line: bytes) -> dict[str, int] | None:
    """What each column of a header means, or None where it is no header of flows."""
    try:
        header = _split(line.removeprefix(b"\xef\xbb\xbf"))
    except BadRecord:
        return None
    names = [name.strip().lower().replace(" ", "_").replace("-", "_") for name in header]
    found: dict[str, int] = {}
    for meaning, known in _NAMES.items():
        for number, name in enumerate(names):
            if name in known:
                found.setdefault(meaning, number)
    for side, prefixes in _SIDES.items():
        for part in _PARTS:
            for number, name in enumerate(names):
                if name in [f"{prefix}_{part}" for prefix in prefixes]:
                    found.setdefault(f"{side}_{part}", number)
    sides = all(any(key in found for key in (side, f"{side}_pod", f"{side}_workload")) for side in _SIDES)
    return found if "port" in found and (sides or {"source", "target_service"} <= found.keys()) else None


def parser(header: dict[str, int]) -> Callable[[bytes], Parsed]:
    """A reader of lines with this header."""

    def parse(line: bytes) -> Parsed:
        row = _split(line)

        def value(name: str) -> str:
            at = header.get(name)
            return row[at].strip() if at is not None and at < len(row) else ""

        port = fields.port(value("port"))
        return (
            FlowRecord(
                _end(value, "source"),
                _end(value, "target"),
                fields.protocol(value("protocol") or "TCP"),
                port,
                fields.port(value("source_port")),
                _verdict(value("verdict")),
                fields.count(value("count")),
                fields.time(value("time")),
                fields.time(value("last") or value("time")),
            ),
        )

    return parse


def _split(line: bytes) -> list[str]:
    try:
        return next(csv.reader([line.decode()], strict=True))
    except UnicodeDecodeError:
        raise BadRecord("is not UTF-8") from None
    except (csv.Error, StopIteration) as error:
        raise BadRecord(f"is no CSV: {error}") from None


def _verdict(text: str) -> FlowVerdict:
    word = text.lower()
    if word in _ALLOWED:
        return FlowVerdict.ALLOWED
    if word in _DENIED:
        return FlowVerdict.DENIED
    if word == "unknown":
        return FlowVerdict.UNKNOWN
    raise BadRecord(f"verdict is {fields.short(text)}, not allowed or denied")


def _end(value: Callable[[str], str], side: str) -> FlowEnd:
    namespace, workload, kind, pod, service = (value(f"{side}_{part}") for part in _PARTS)
    text = value(side)
    if text and _ADDRESS.match(text):
        return FlowEnd(namespace, workload, kind, pod, service, address=fields.address(text))
    if text and (match := _LABEL.match(text)):
        if match[3]:
            return FlowEnd(namespace=match[1], workload=match[2], kind=match[3])
        return FlowEnd(namespace=match[1], pod=match[2])
    if text and namespace and "/" not in text:
        return FlowEnd(namespace=namespace, pod=text)
    if text or not (workload or pod or service):
        raise BadRecord(f"{side} {fields.short(text)} is no address and no namespace/name")
    return FlowEnd(namespace, workload, kind, pod, service)
