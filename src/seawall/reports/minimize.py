"""Least privilege, for the terminal, as JSON (``seawall.minimize/v1``) and as manifests."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seawall import __version__
from seawall.engine.minimize import Minimization, Minimized, manifests
from seawall.reports.excerpt import printable
from seawall.reports.yamlout import to_documents

SCHEMA = "seawall.minimize/v1"


def document(found: Minimization) -> Iterator[bytes]:
    """The whole result as JSON."""
    head = {"schema": SCHEMA, "tool": {"name": "seawall", "version": __version__}}
    yield msgspec.json.encode({**head, **msgspec.to_builtins(found)}) + b"\n"


def roles(found: Minimization) -> str:
    """Roles and bindings of every actor, ready to be applied."""
    return to_documents([each for actor in found.actors for each in manifests(actor)])


def overview(found: Minimization) -> Iterator[str]:
    """What was read, and for each actor the permissions before, used and after."""
    window = found.window
    yield f"{window.events} requests from {window.first or '?'} to {window.last or '?'}"
    yield f", {window.refused} refused ones left out"
    if window.bad_lines or window.unknown_stages:
        yield f"; {window.bad_lines} lines could not be read, {window.unknown_stages} events are of unknown stages"
    yield "\n\n"
    for actor in found.actors:
        yield from _actor(actor)


def _actor(found: Minimized) -> Iterator[str]:
    before = f"{found.before} permissions granted, " if found.before is not None else ""
    yield f"{printable(found.actor.username)}: {before}{found.used} used, {found.after} in the new roles\n"
    if found.note:
        yield f"  note: {found.note}\n"
    for role in found.roles:
        yield f"  {f'in {printable(role.namespace)}' if role.namespace else 'in the whole cluster'}\n"
        for rule in role.rules:
            yield f"    {printable(str(rule))}\n"
    added: dict[tuple[str, str], list[str]] = {}
    for implied in found.implied:
        added.setdefault((implied.reason, str(implied.cause)), []).append(str(implied.request))
    for (why, cause), requests in added.items():
        yield f"  added: {printable(', '.join(requests))}, because {printable(why)} ({printable(cause)})\n"
    for reason in found.unresolved:
        yield f"  not known: {printable(reason)}\n"
    never: dict[str, list[str]] = {}
    for unused in found.unused:
        never.setdefault(f"{unused.role} by {unused.binding}", []).append(f"{unused.verb} {unused.what}")
    for source, permissions in never.items():
        yield f"  never used of {printable(source)}: {printable(', '.join(permissions))}\n"
    for request in found.lost:
        yield f"  LOST: {printable(str(request))}\n"
    yield "\n"
