"""Access logs of Istio's proxies: Envoy's JSON with Istio's keys, and Istio's default text format.

A proxy in a pod logs what the pod sends (cluster ``outbound|...``) and receives (``inbound|...``); one at a gateway
has a connection on either side.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

import msgspec
from msgspec import Struct

from seawall.model.flow import FlowEnd, FlowRecord, FlowVerdict
from seawall.sources.flows import fields
from seawall.sources.flows.fields import BadRecord, Parsed


class _Entry(Struct):
    start_time: str | None = None
    response_code: int | str | None = None
    response_flags: str | None = None
    response_code_details: str | None = None
    upstream_host: str | None = None
    upstream_cluster: str | None = None
    upstream_local_address: str | None = None
    downstream_local_address: str | None = None
    downstream_remote_address: str | None = None


_decoder = msgspec.json.Decoder(_Entry)
#: What `kubectl logs --prefix` puts before a line.
_PREFIX = re.compile(r"\[pod/[^\]\s]+\] ")
_HEAD = re.compile(r'\[(?P<time>[^\]]{1,40})\] ".*?" (?P<code>\d+) (?P<flags>\S+) (?P<details>\S+) ')
# From the end, for what stands before it (user agent, path) is what clients wrote.
_TAIL = re.compile(r'"(?P<host>[^"\s]*)" (?P<cluster>\S+) (?P<local>\S+) (?P<down>\S+) (?P<remote>\S+) \S+ \S+\s*\Z')
_TAIL_BYTES = 4096
#: Other lines of the proxy and its agent: `2024-05-01T10:00:00.1Z info ...`, `[2024-...][19][info]...`.
_OTHER = re.compile(
    r"\d{4}-\d\d-\d\dT\S+\s+(?:trace|debug|info|warn|warning|error|critical|fatal)\s|\[\d{4}-[^\]]*\]\[\d+\]\["
)
_CLUSTER = re.compile(r"(outbound|inbound)_?\|(\d+)\|[^|]*\|(.*)\Z")


def parse(line: bytes) -> Parsed:
    """Read a line."""
    if line.lstrip()[:1] == b"{":
        try:
            return _flows(_decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRecord(f"is no access log entry: {str(error)[:120]}") from None
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise BadRecord("is not UTF-8") from None
    if prefix := _PREFIX.match(text):
        text = text[prefix.end() :]
    if text.lstrip()[:1] == "{" and prefix:
        return parse(text.encode())
    if _OTHER.match(text):
        return "lines of the proxy that are no access log"
    head, tail = _HEAD.match(text), _TAIL.search(text, max(0, len(text) - _TAIL_BYTES))
    if head is None or tail is None:
        raise BadRecord("is no line of Istio's default access log format")
    entry = _Entry(
        head["time"],
        head["code"],
        head["flags"],
        head["details"],
        tail["host"],
        tail["cluster"],
        tail["local"],
        tail["down"],
        tail["remote"],
    )
    return _flows(entry)


def _flows(entry: _Entry) -> Parsed:
    if entry.upstream_cluster is None or entry.downstream_remote_address is None:
        raise BadRecord("is no access log entry: upstream_cluster or downstream_remote_address is absent")
    remote, _ = fields.split_address(entry.downstream_remote_address)
    here, here_port = fields.split_address(entry.downstream_local_address or "")
    match = _CLUSTER.match(entry.upstream_cluster)
    verdict = FlowVerdict.DENIED if _denied(entry) else FlowVerdict.ALLOWED
    time = fields.time(entry.start_time)
    if match is not None and match[1] == "inbound":
        if not here or not remote:
            return "entries without addresses"
        return (_record(FlowEnd(address=remote), FlowEnd(address=here), here_port, verdict, time),)
    host = entry.upstream_host or "-"
    if host.startswith("/") or "envoy" in host:
        return "entries of the proxy itself"
    to, port = fields.split_address(host)
    if not to and verdict is FlowVerdict.DENIED:
        to, port = here, here_port
    if not to:
        return "requests that no connection was made for"
    local, _ = fields.split_address(entry.upstream_local_address or "")
    source = local if local and not ip_address(local).is_loopback else remote
    found = [_record(FlowEnd(address=source), _target(match, to), port, verdict, time)]
    if remote and remote != source and here == source:
        found.append(_record(FlowEnd(address=remote), FlowEnd(address=here), here_port, FlowVerdict.ALLOWED, time))
    return tuple(found)


def _denied(entry: _Entry) -> bool:
    details = entry.response_code_details or ""
    return "rbac_access_denied" in details or "BlackHoleCluster" in (entry.upstream_cluster or "")


def _record(source: FlowEnd, target: FlowEnd, port: int, verdict: FlowVerdict, time: str) -> FlowRecord:
    return FlowRecord(source, target, "TCP", port, verdict=verdict, time=time, last=time, reply=False)


def _target(match: re.Match[str] | None, address: str) -> FlowEnd:
    """The service behind a cluster ``outbound|80||cart.shop.svc.cluster.local``, for where no pod has the address."""
    parts = match[3].split(".") if match is not None else []
    if match is not None and len(parts) > 2 and parts[2] == "svc":
        service_port = fields.port(match[2])
        return FlowEnd(namespace=parts[1], service=parts[0], service_port=service_port, address=address)
    return FlowEnd(address=address, name=match[3] if match is not None else "")
