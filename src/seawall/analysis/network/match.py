"""Naming ends: ``ns=dev,app=web``, ``shop/cart``, ``outside``, ``10.0.0.0/8`` and ports: ``8080``, ``udp/53``.

Terms with commas between them must all hold. ``ns``, ``name`` and ``kind`` take globs; other keys are pod labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from ipaddress import ip_network

from seawall.analysis.network.form import AddressRange
from seawall.model.reach import MAX_PORT, PROTOCOLS, End, EndKind

_FULL = re.compile(r"([^/\[\]]+)/([^/\[\]]+)(?:\[(\w+)\])?\Z")
_PORT = re.compile(r"(?:([A-Za-z]+)/)?(\d{1,5})(?:-(\d{1,5}))?\Z")

#: Gives the labels of a workload's pods, by its label as an end.
LabelsOf = Callable[[str], list[dict[str, str]]]


class BadExpression(Exception):
    """An expression that names no end or port; the message says how to write one."""


class EndMatch:
    """Which ends an expression means.

    Raises:
        BadExpression: it cannot be read.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.addresses: tuple[AddressRange, ...] = ()
        self._terms: list[tuple[str, str]] = []
        self._kinds: set[EndKind] | None = None
        for term in filter(None, (part.strip() for part in text.split(","))):
            self._read(term)
        if not text.strip():
            raise BadExpression("an empty expression names no end; write `any` for every one")

    def _read(self, term: str) -> None:
        if term in ("any", "*"):
            return
        if term in ("outside", "internet", "external"):
            self._kinds = {EndKind.OUTSIDE, EndKind.DOMAIN}
        elif term in ("workload", "workloads", "pods"):
            self._kinds = {EndKind.WORKLOAD}
        elif term in ("ingress-controller", "{ingress-controller}", "{gateway}", "gateway"):
            self._terms.append(("label", "{" + term.strip("{}") + "}"))
        elif re.match(r"[0-9a-fA-F:.]+(/\d+)?\Z", term) and ("." in term or ":" in term):
            self.addresses += (_range(term),)
            self._kinds = {EndKind.OUTSIDE}
        elif "=" in term:
            key, _, value = term.partition("=")
            self._terms.append((key.strip(), value.strip()))
        elif match := _FULL.match(term):
            self._terms += [("ns", match[1]), ("name", match[2])] + ([("kind", match[3])] if match[3] else [])
        elif "/" in term:
            raise BadExpression(
                f"{term!r} names no end; write ns=NAME, NS/NAME, KEY=VALUE (a pod label), outside or a CIDR"
            )
        else:
            self._terms.append(("name", term))

    def test(self, end: End, labels_of: LabelsOf) -> bool:
        """Whether an end is meant."""
        if self._kinds is not None and end.type not in self._kinds:
            return False
        if self.addresses and not any(_inside(end, each) for each in self.addresses):
            return False
        return all(_holds(key, value, end, labels_of) for key, value in self._terms)


def _holds(key: str, value: str, end: End, labels_of: LabelsOf) -> bool:
    if key == "label":
        return end.label == value
    if end.type is not EndKind.WORKLOAD:
        return False
    own = {"ns": end.namespace, "namespace": end.namespace, "name": end.name, "kind": end.kind}.get(key)
    if own is not None:
        return fnmatchcase(own, value)
    return any(labels.get(key) == value for labels in labels_of(end.label))


def _range(text: str) -> AddressRange:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise BadExpression(f"{text!r} is no address and no CIDR") from None
    return AddressRange(network.version, int(network.network_address), int(network.broadcast_address))


def _inside(end: End, wanted: AddressRange) -> bool:
    first, _, last = end.label.removesuffix("[External]").partition("-")
    low, high = _range(first), _range(last)
    return low.version == wanted.version and wanted.first <= low.first and high.last <= wanted.last


def parse_port(text: str) -> tuple[str, int, int]:
    """Read ``8080``, ``tcp/8080``, ``udp/53`` or ``8000-8100``; without a protocol it is TCP.

    Raises:
        BadExpression: it cannot be read.
    """
    match = _PORT.match(text.strip())
    protocol = (match[1] or "TCP").upper() if match else ""
    first, last = (int(match[2]), int(match[3] or match[2])) if match else (0, 0)
    if protocol not in PROTOCOLS or not 1 <= first <= last <= MAX_PORT:
        raise BadExpression(f"{text!r} is no port; write 8080, udp/53 or tcp/8000-8100")
    return protocol, first, last
