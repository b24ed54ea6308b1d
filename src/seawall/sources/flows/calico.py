"""Calico's flow logs as JSON, one object a line (the files of the node agent, or hits of its log store).

Source of the fields: Calico's documentation of flow log data types.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from seawall.model.flow import EndRole, FlowEnd, FlowRecord, FlowVerdict
from seawall.sources.flows import fields
from seawall.sources.flows.fields import BadRecord, Parsed


class _Labels(Struct):
    labels: tuple[str, ...] | None = None


class _Flow(Struct):
    start_time: int | float | str | None = None
    end_time: int | float | str | None = None
    source_ip: str | None = None
    source_name: str | None = None
    source_name_aggr: str | None = None
    source_namespace: str | None = None
    source_port: int | str | None = None
    source_type: str | None = None
    source_labels: _Labels | None = None
    dest_ip: str | None = None
    dest_name: str | None = None
    dest_name_aggr: str | None = None
    dest_namespace: str | None = None
    dest_port: int | str | None = None
    dest_type: str | None = None
    dest_labels: _Labels | None = None
    dest_service_name: str | None = None
    dest_service_namespace: str | None = None
    dest_service_port_num: int | str | None = None
    dest_domains: tuple[str, ...] | None = None
    proto: str | int | None = None
    action: str | None = None
    reporter: str | None = None
    num_flows: int | None = None


class _Line(_Flow):
    _source: _Flow | None = None


_decoder = msgspec.json.Decoder(_Line)
_VERDICTS = {"allow": FlowVerdict.ALLOWED, "deny": FlowVerdict.DENIED, "pass": FlowVerdict.ALLOWED}


def parse(line: bytes) -> Parsed:
    """Read a line."""
    try:
        found = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecord(f"is no Calico flow: {str(error)[:120]}") from None
    flow: Any = found._source or found
    if flow.source_type is None or flow.dest_type is None or flow.proto is None:
        raise BadRecord("is no Calico flow: source_type, dest_type or proto is absent")
    verdict = _VERDICTS.get((flow.action or "").lower())
    if verdict is None:
        raise BadRecord(f"action is {fields.short(flow.action)}, not allow or deny")
    return (
        FlowRecord(
            _end(flow, "source"),
            _end(flow, "dest"),
            fields.protocol(flow.proto),
            fields.port(flow.dest_port),
            fields.port(flow.source_port),
            verdict,
            fields.count(flow.num_flows),
            fields.time(flow.start_time),
            fields.time(flow.end_time),
            # Both ends log connections from the side that opened them.
            reply=False,
        ),
    )


def _end(flow: Any, side: str) -> FlowEnd:
    def value(name: str) -> str:
        text = getattr(flow, f"{side}_{name}", None)
        return "" if text in (None, "-") else str(text)

    kind, labels = value("type").lower(), getattr(flow, f"{side}_labels")
    service = value("service_name")
    own, of_service = value("namespace"), value("service_namespace")
    domains = flow.dest_domains or () if side == "dest" else ()
    is_pod = kind in ("wep", "workloadendpoint")
    name = value("name") or value("name_aggr")
    return FlowEnd(
        namespace=own or of_service,
        pod=name if is_pod and name != "*" else "",
        service=service if service and (not own or own == of_service) else "",
        service_port=fields.port(value("service_port_num")) if side == "dest" else 0,
        address=fields.address(value("ip")),
        name=domains[0] if domains else "",
        role=EndRole.REMOTE_HOST if kind in ("hep", "hostendpoint") else EndRole.NONE,
        labels=tuple(sorted(labels.labels or ())) if labels is not None and is_pod else (),
    )
