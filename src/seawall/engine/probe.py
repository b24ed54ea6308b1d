"""Looking at a cluster from outside: what will be asked, the facts, and the findings that rules make of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, structs

from seawall.engine.reading import Supplied
from seawall.engine.result import ScanResult
from seawall.engine.scan import ScanOptions, UsageError, scan
from seawall.model.finding import SourceError
from seawall.model.resource import Resource
from seawall.sources.made import make_resource
from seawall.sources.probe import API_PORTS, NODE_PORTS, PATHS, ProbeOptions, Target, probe

_API_PORT = 6443
_MAX_PORT = 65535
_API = "kube-apiserver"


class Probed(Struct):
    """The findings, and the facts of every port that was asked (``spec`` of an Endpoint), closed ones too."""

    result: ScanResult
    facts: list[dict[str, Any]]


def plan_targets(server: str, nodes: Sequence[str], ports: Mapping[int, str]) -> list[Target]:
    """What is asked: the API server, the ports of its host that need no login, the usual ports of the nodes.

    ``ports`` are further ones, with the role of each, of every host.

    Raises:
        UsageError: something that is no address.
    """
    host, port = parse_address(server, _API_PORT)
    targets = [Target(host, port, _API)]
    targets += [Target(host, each, role) for each, role in API_PORTS.items()]
    hosts = [parse_address(node, 0)[0] for node in nodes]
    targets += [Target(node, each, role) for node in hosts for each, role in NODE_PORTS.items()]
    targets += [Target(each, number, role) for each in (host, *hosts) for number, role in ports.items()]
    # The first to name a port says what is expected there, except that a role given by hand wins over a usual one.
    chosen: dict[tuple[str, int], Target] = {}
    for target in targets:
        key = (target.host, target.port)
        if key not in chosen or (target.port in ports and chosen[key].role != _API):
            chosen[key] = target
    return list(chosen.values())


def parse_address(text: str, default_port: int) -> tuple[str, int]:
    """Host and port of ``https://HOST:PORT``, ``HOST:PORT``, ``HOST`` or an IPv6 address, bare or in brackets.

    Raises:
        UsageError: it is none of these.
    """
    bare = text.count(":") > 1 and not text.startswith("[") and "//" not in text
    try:
        parts = urlsplit(text if "://" in text else f"https://{f'[{text}]' if bare else text}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"{text[:200]!r} is no address: {error}; write https://HOST:PORT") from error
    odd = parts.username is not None or parts.path.strip("/") or parts.query or parts.scheme not in ("https", "http")
    if odd or not host or not host.isascii() or not all(letter.isalnum() or letter in "-._:%" for letter in host):
        raise UsageError(f"{text[:200]!r} is no address of a server; write https://HOST:PORT")
    return host, port or (443 if "://" in text and not port else default_port)


def parse_ports(text: str) -> dict[int, str]:
    """Ports with their roles: ``8443=dashboard,30080``; one without a role is ``other``.

    Raises:
        UsageError: no port, or no role that is known.
    """
    ports: dict[int, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        number, _, role = item.partition("=")
        if not (number.isascii() and number.isdigit() and len(number) < 6 and 0 < int(number) <= _MAX_PORT):
            raise UsageError(f"--ports: {item[:80]!r} is no port; write PORT or PORT=ROLE")
        if role and role not in PATHS:
            raise UsageError(f"--ports: there is no role {role[:80]!r}; choose from {', '.join(PATHS)}")
        ports[int(number)] = role or "other"
    return ports


def probe_cluster(targets: Sequence[Target], options: ProbeOptions, judging: ScanOptions) -> Probed:
    """Ask every target and judge what answered.

    What could not be understood is among the errors of the result, as is an API server that nobody answers at.
    """
    facts = list(probe(targets, options))
    source = targets[0].address
    supplied = {source: Supplied("probe", lambda: _resources(targets, facts))}
    read = structs.replace(judging.read, paths=(source,), supplied=supplied)
    result = scan(structs.replace(judging, read=read))
    states = Counter(each["state"] for each in facts)
    result.notes.append(f"{states['open']} of {len(facts)} ports answer; {states['closed']} are closed to here")
    return Probed(result, facts)


def _resources(targets: Sequence[Target], facts: Sequence[dict[str, Any]]) -> Iterator[Resource | SourceError]:
    for target, spec in zip(targets, facts, strict=True):
        if spec["state"] == "closed":
            if target.role == _API:
                message = f"the API server does not answer: {spec.get('reason', '')}"
                yield SourceError(target.address, "", message, unreadable=True)
            continue
        for problem in spec["problems"]:
            yield SourceError(target.address, "", f"not judged as {target.role}: {problem}")
        if spec["state"] == "open":
            yield make_resource("Endpoint", target.address, spec, target.address)
