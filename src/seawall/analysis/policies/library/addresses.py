"""Addresses and ranges of them.

Source: Kubernetes' reference of its CEL libraries, and Go's ``net/netip`` for what is an address.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from seawall.analysis.policies.library.marked import Marked, as_string, is_marked, kind_of, mark, text_of
from seawall.analysis.policies.library.table import Function, holds, members, plain

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_LOCAL_MULTICAST = (ipaddress.ip_network("224.0.0.0/24"), *(ipaddress.ip_network(f"ff{n:x}2::/16") for n in range(16)))


def _address(text: str) -> _Address:
    found = ipaddress.ip_address(text)
    if "%" in text or (isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None):
        raise ValueError(f"{text[:40]!r} has a zone, or is IPv4 within IPv6")
    return found


def _ip(text: str) -> Marked:
    return mark("ip", str(_address(text)))


def _cidr(text: str) -> Marked:
    if not re.search(r"/(?:0|[1-9]\d{0,2})\Z", text, re.ASCII):
        raise ValueError(f"{text[:40]!r} is no range of addresses")
    found = ipaddress.ip_interface(text)
    _address(str(found.ip))
    return mark("cidr", str(found))


def _at(marked: Marked) -> _Address:
    return ipaddress.ip_address(text_of(marked, "ip"))


def _is_global(marked: Marked) -> bool:
    """As Go has it: private addresses are global unicast as well."""
    address = _at(marked)
    broadcast = str(address) == "255.255.255.255"
    others = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not (others or broadcast)


def _net(marked: Marked) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text_of(marked, "cidr"), strict=False)


def _within(net: Marked, text: str) -> bool:
    return _address(text) in _net(net)


def _net_within(net: Marked, text: str) -> bool:
    inner, outer = _net(_cidr(text)), _net(net)
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _first(marked: Marked) -> Marked:
    return _ip(str(ipaddress.ip_interface(text_of(marked, "cidr")).ip))


def functions() -> Iterator[Function]:
    """All functions on addresses, and those that tell marked values from others."""
    yield from plain(
        (
            ("ip", "string", "ip", _ip),
            ("isIP", "string", "bool", holds(_ip)),
            ("ip.isCanonical", "string", "bool", lambda text: str(_address(text)) == text),
            ("cidr", "string", "cidr", _cidr),
            ("isCIDR", "string", "bool", holds(_cidr)),
            ("kubernetes.marked", "map", "bool", is_marked),
            ("kubernetes.kind", "map", "string", kind_of),
            ("kubernetes.text", "map", "string", as_string),
        )
    )
    yield from members(
        (
            ("family", "ip", "int", lambda value: _at(value).version),
            ("isLoopback", "ip", "bool", lambda value: _at(value).is_loopback),
            ("isUnspecified", "ip", "bool", lambda value: _at(value).is_unspecified),
            ("isLinkLocalUnicast", "ip", "bool", lambda value: _at(value).is_link_local),
            ("isLinkLocalMulticast", "ip", "bool", lambda value: any(_at(value) in net for net in _LOCAL_MULTICAST)),
            ("isGlobalUnicast", "ip", "bool", _is_global),
            ("prefixLength", "cidr", "int", lambda value: _net(value).prefixlen),
            ("masked", "cidr", "cidr", lambda value: mark("cidr", str(_net(value)))),
            ("ip", "cidr", "ip", _first),
            ("containsIP", "cidr string", "bool", _within),
            ("containsIP", "cidr ip", "bool", lambda net, value: _at(value) in _net(net)),
            ("containsCIDR", "cidr string", "bool", _net_within),
            ("containsCIDR", "cidr cidr", "bool", lambda net, value: _net_within(net, text_of(value, "cidr"))),
        )
    )
