"""The short form of a policy, as it stands in ``seawall.yaml``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from seawall.model.finding import Severity

Globs = str | tuple[str, ...]


class PolicyMatch(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a policy is about; all parts must match, each by one of its globs. ``kind`` may be ``group/Kind``."""

    kind: Globs = ()
    namespace: Globs = ()
    name: Globs = ()
    labels: dict[str, str] = {}


class Variable(Struct, frozen=True, forbid_unknown_fields=True):
    """A CEL expression with a name, read as ``variables.NAME``."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    expression: str


class OwnPolicy(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A rule of one's own: an object that ``match`` selects and for which the CEL ``expression`` is false is a finding.

    ``message`` is told of it, or what ``message_expression`` gives. ``controls`` are of the form framework:id.
    """

    id: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,50}$")]
    expression: str
    match: PolicyMatch = PolicyMatch()
    title: str = ""
    message: str = ""
    message_expression: str = ""
    variables: tuple[Variable, ...] = ()
    severity: Severity = Severity.MEDIUM
    controls: tuple[str, ...] = ()
    why: str = ""
    remediation: str = ""
