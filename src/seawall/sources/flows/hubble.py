"""Cilium Hubble: ``hubble observe -o jsonpb`` (also the older ``-o json``) and files of the Hubble exporter.

Source of the fields: the Flow message of Cilium's ``api/v1/flow/flow.proto``, in protobuf's JSON with proto names.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

from seawall.model.flow import EndRole, FlowEnd, FlowRecord, FlowVerdict
from seawall.sources.flows import fields
from seawall.sources.flows.fields import BadRecord, Parsed


class _Ip(Struct):
    source: str = ""
    destination: str = ""


class _Flags(Struct):
    syn: bool = field(default=False, name="SYN")
    ack: bool = field(default=False, name="ACK")


class _Ports(Struct):
    source_port: int = 0
    destination_port: int = 0
    flags: _Flags | None = None


class _Layer4(Struct):
    tcp: _Ports | None = field(default=None, name="TCP")
    udp: _Ports | None = field(default=None, name="UDP")
    sctp: _Ports | None = field(default=None, name="SCTP")
    icmp4: dict[str, int] | None = field(default=None, name="ICMPv4")
    icmp6: dict[str, int] | None = field(default=None, name="ICMPv6")


class _Workload(Struct):
    name: str = ""
    kind: str = ""


class _Endpoint(Struct):
    namespace: str = ""
    pod_name: str = ""
    labels: tuple[str, ...] = ()
    workloads: tuple[_Workload, ...] = ()


class _Service(Struct):
    name: str = ""
    namespace: str = ""


class _Flow(Struct):
    verdict: str = ""
    time: str = ""
    ip: _Ip | None = field(default=None, name="IP")
    l4: _Layer4 | None = None
    source: _Endpoint | None = None
    destination: _Endpoint | None = None
    source_names: tuple[str, ...] = ()
    destination_names: tuple[str, ...] = ()
    destination_service: _Service | None = None
    is_reply: bool | None = None
    type: str = field(default="", name="Type")


class _Line(_Flow):
    """Newer output has the flow in a field of its own, older has its fields at the top."""

    flow: _Flow | None = None
    lost_events: dict[str, object] | None = None
    node_status: dict[str, object] | None = None
    agent_event: dict[str, object] | None = None
    debug_event: dict[str, object] | None = None


_decoder = msgspec.json.Decoder(_Line)
_VERDICTS = {
    "FORWARDED": FlowVerdict.ALLOWED,
    "REDIRECTED": FlowVerdict.ALLOWED,
    # Policy audit mode: the policies would drop it, but it passes.
    "AUDIT": FlowVerdict.ALLOWED,
    "DROPPED": FlowVerdict.DENIED,
    "ERROR": FlowVerdict.DENIED,
}
_ROLES = {
    "reserved:host": EndRole.HOST,
    "reserved:remote-node": EndRole.REMOTE_HOST,
    "reserved:kube-apiserver": EndRole.API_SERVER,
    "reserved:world": EndRole.OUTSIDE,
    "reserved:world-ipv4": EndRole.OUTSIDE,
    "reserved:world-ipv6": EndRole.OUTSIDE,
}


def parse(line: bytes) -> Parsed:
    """Read a line."""
    try:
        found = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecord(f"is no Hubble flow: {str(error)[:120]}") from None
    flow = found.flow or found
    if found.lost_events is not None:
        return "Hubble says that it lost events here"
    if found.node_status is not None or found.agent_event is not None or found.debug_event is not None:
        return "events that are no flows"
    if not flow.verdict:
        raise BadRecord("is no Hubble flow: it has no verdict")
    verdict = _VERDICTS.get(flow.verdict)
    if verdict is None or flow.type == "SOCK":
        return "events of sockets and traces, told as flows elsewhere"
    if flow.ip is None:
        return "frames without an IP address"
    protocol, ports = _layer4(flow)
    if not protocol:
        return "packets without a protocol"
    time = fields.time(flow.time)
    return (
        FlowRecord(
            _end(flow.source, flow.ip.source, flow.source_names, None),
            _end(flow.destination, flow.ip.destination, flow.destination_names, flow.destination_service),
            protocol,
            fields.port(ports.destination_port),
            fields.port(ports.source_port),
            verdict,
            time=time,
            last=time,
            reply=_reply(flow, ports),
        ),
    )


def _layer4(flow: _Flow) -> tuple[str, _Ports]:
    l4 = flow.l4 or _Layer4()
    for protocol, ports in (("TCP", l4.tcp), ("UDP", l4.udp), ("SCTP", l4.sctp)):
        if ports is not None:
            return protocol, ports
    return "ICMP" if l4.icmp4 is not None or l4.icmp6 is not None else "", _Ports()


def _reply(flow: _Flow, ports: _Ports) -> bool | None:
    if flow.is_reply is None and ports.flags is not None and ports.flags.syn:
        return ports.flags.ack
    return flow.is_reply


def _end(end: _Endpoint | None, address: str, names: tuple[str, ...], service: _Service | None) -> FlowEnd:
    end = end or _Endpoint()
    roles = [_ROLES[label] for label in end.labels if label in _ROLES]
    # A kube-apiserver on a node has both labels; its address is what matters.
    role = EndRole.API_SERVER if EndRole.API_SERVER in roles else next(iter(roles), EndRole.NONE)
    workload = end.workloads[0] if len(end.workloads) == 1 else _Workload()
    labels = tuple(
        sorted(
            each.removeprefix("k8s:")
            for each in end.labels
            if each.startswith("k8s:") and not each.startswith("k8s:io.")
        )
    )
    in_namespace = service is not None and (not end.namespace or service.namespace == end.namespace)
    return FlowEnd(
        namespace=end.namespace or (service.namespace if service is not None else ""),
        workload=workload.name,
        kind=workload.kind,
        pod=end.pod_name,
        service=service.name if service is not None and in_namespace else "",
        address=fields.address(address),
        name=names[0] if names else "",
        role=role,
        labels=labels if end.namespace else (),
    )
