"""``seawall.flow/v1``: one FlowRecord a line, with a field ``schema``."""

from __future__ import annotations

import msgspec
from msgspec import Struct, ValidationError
from msgspec.structs import replace

from seawall.model.flow import SCHEMA, FlowRecord
from seawall.sources.flows import fields
from seawall.sources.flows.fields import BadRecord, Parsed


class _Head(Struct):
    schema: str = ""


_head = msgspec.json.Decoder(_Head)
_record = msgspec.json.Decoder(FlowRecord)


def parse(line: bytes) -> Parsed:
    """Read a line."""
    try:
        if (schema := _head.decode(line).schema) != SCHEMA:
            raise BadRecord(f"schema is {fields.short(schema)}, not {SCHEMA}")
        record = _record.decode(line)
    except (ValidationError, msgspec.DecodeError, RecursionError) as error:
        raise BadRecord(f"is no {SCHEMA}: {str(error)[:120]}") from None
    ends = [replace(end, address=fields.address(end.address)) for end in (record.source, record.target)]
    fields.port(record.port)
    fields.port(record.source_port)
    return (
        replace(
            record,
            source=ends[0],
            target=ends[1],
            protocol=fields.protocol(record.protocol),
            count=fields.count(record.count),
            time=fields.time(record.time),
            last=fields.time(record.last or record.time),
        ),
    )
