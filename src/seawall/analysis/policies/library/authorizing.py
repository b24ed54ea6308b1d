"""What asks whether a user may do something. It is declared, so that policies with it compile; an authorizer to call it
on there is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.analysis.policies.library.table import Function, members


def _unknown(*_: Any) -> Any:
    raise ValueError("what users may do is known to a cluster only")


def functions() -> Iterator[Function]:
    """All functions of an authorizer."""
    rows = (
        ("path", "authorizer string", "path_check"),
        ("group", "authorizer string", "group_check"),
        ("serviceAccount", "authorizer string string", "authorizer"),
        ("resource", "group_check string", "resource_check"),
        ("subresource", "resource_check string", "resource_check"),
        ("namespace", "resource_check string", "resource_check"),
        ("name", "resource_check string", "resource_check"),
        ("fieldSelector", "resource_check string", "resource_check"),
        ("labelSelector", "resource_check string", "resource_check"),
        ("check", "resource_check string", "decision"),
        ("check", "path_check string", "decision"),
        ("allowed", "decision", "bool"),
        ("reason", "decision", "string"),
        ("errored", "decision", "bool"),
        ("error", "decision", "string"),
    )
    yield from members([(name, parameters, result.replace(" ", "_"), _unknown) for name, parameters, result in rows])
