"""Observed connections, as every source of flows tells them: the payload of an Event of a flow.

As JSON it is one object a line, ``seawall.flow/v1`` (``reports/schemas/flow.v1.json``): the fields below in camel
case, those with their default left out.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

SCHEMA = "seawall.flow/v1"


class FlowVerdict(StrEnum):
    """What became of a connection; unknown where the source does not tell."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "unknown"


class EndRole(StrEnum):
    """What an end is where its source says so; empty: what its other fields make of it."""

    NONE = ""
    HOST = "host"
    REMOTE_HOST = "remote-host"
    API_SERVER = "api-server"
    OUTSIDE = "outside"


class FlowEnd(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """One end, as far as the source knows it; what is unknown is empty.

    ``workload`` is a name with its ``kind``; ``labels`` are pod labels, ``key=value``; ``name`` is a DNS name;
    ``service_port`` is the port of ``service``, where the flow's own port is that of the pod.
    """

    namespace: str = ""
    workload: str = ""
    kind: str = ""
    pod: str = ""
    service: str = ""
    service_port: int = 0
    address: str = ""
    name: str = ""
    role: EndRole = EndRole.NONE
    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        named = self.workload or self.pod or (f"Service {self.service}" if self.service else "")
        if named:
            return f"{self.namespace}/{named}" if self.namespace else named
        return self.address or self.name or self.role or "an end that nothing is told of"


class FlowRecord(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """A connection, or ``count`` alike ones from ``time`` to ``last`` (RFC 3339 in UTC, to the second; may be empty).

    ``port`` is the one that ``target`` was asked at; 0 where the protocol has none or the source does not tell it.
    ``reply`` tells that it is an answer; None where the source does not know.
    """

    source: FlowEnd
    target: FlowEnd
    protocol: str
    port: int
    source_port: int = 0
    verdict: FlowVerdict = FlowVerdict.ALLOWED
    count: int = 1
    time: str = ""
    last: str = ""
    reply: bool | None = None
