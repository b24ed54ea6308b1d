"""Reading the fields that all forms of flows share. What cannot be read is a :class:`BadRecord`, never a guess."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address

from seawall.model.flow import FlowRecord
from seawall.model.reach import MAX_PORT

#: What a line holds: flows, or (text) why it holds none that count.
Parsed = tuple[FlowRecord, ...] | str
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\Z")
_PROTOCOLS = {"tcp": "TCP", "6": "TCP", "udp": "UDP", "17": "UDP", "sctp": "SCTP", "132": "SCTP"}
_NO_PORTS = {"icmp": "ICMP", "1": "ICMP", "icmpv6": "ICMP", "icmp6": "ICMP", "58": "ICMP"}
#: How much of a value is quoted in a message.
_SHOWN = 40


class BadRecord(Exception):
    """A line that cannot be read; the message says why."""


def short(value: object) -> str:
    """A value as a message quotes it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


@lru_cache(maxsize=65536)
def address(text: str) -> str:
    """An IP address in its usual form (IPv4 in IPv6 as IPv4); empty for an empty text or ``-``."""
    if text in ("", "-"):
        return ""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        raise BadRecord(f"{short(text)} is no IP address") from None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def split_address(text: str) -> tuple[str, int]:
    """``1.2.3.4:80`` or ``[::1]:80``; an absent one (``-``) is ("", 0)."""
    if text in ("", "-"):
        return "", 0
    host, colon, number = text.rpartition(":")
    if not colon:
        raise BadRecord(f"{short(text)} is no address with a port")
    return address(host.strip("[]")), port(number)


def port(value: object) -> int:
    """A port number, 0 for an absent one."""
    if value is None or value == "" or value == "-":
        return 0
    text = str(value)
    # int() takes more forms, among them 10,000 digits.
    if isinstance(value, bool) or not text.isascii() or not text.isdecimal() or len(text) > 5 or int(text) > MAX_PORT:
        raise BadRecord(f"{short(value)} is no port")
    return int(text)


def count(value: object) -> int:
    """How many, at least 1."""
    if value is None or value == "":
        return 1
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise BadRecord(f"{short(value)} is no count")
    return max(int(text), 1)


def protocol(value: object) -> str:
    """TCP, UDP or SCTP; ICMP or the text itself for what has no ports."""
    text = str(value).strip().lower()
    if not text or text == "-":
        raise BadRecord("no protocol is told")
    return _PROTOCOLS.get(text) or _NO_PORTS.get(text) or f"protocol {text[:_SHOWN]}"


def time(value: object) -> str:
    """A time in UTC, to the second; empty where there is none that can be read: only comments tell it."""
    if isinstance(value, str) and _UTC.match(value):
        return f"{value[:19]}Z"
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            found = datetime.fromtimestamp(value, UTC)
        elif isinstance(value, str) and value.isdecimal():
            found = datetime.fromtimestamp(int(value[:12]), UTC)
        elif isinstance(value, str) and len(value) < _SHOWN:
            found = datetime.fromisoformat(value)
        else:
            return ""
    except (ValueError, OverflowError, OSError):
        return ""
    return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
