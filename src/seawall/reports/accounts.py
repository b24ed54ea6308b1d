"""Accounts for workloads: told in the terminal, as manifests, as patches, and as JSON (``seawall.accounts/v1``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from seawall import __version__
from seawall.engine.accounts import Accounts, objects_of, patch_of
from seawall.model.resource import Inventory
from seawall.reports.excerpt import printable
from seawall.reports.yamlout import to_documents

SCHEMA = "seawall.accounts/v1"


def _terminal(found: Accounts, inventory: Inventory) -> Iterator[bytes]:
    if not found.accounts:
        yield b"every workload has an account of its own\n"
    for own in found.accounts:
        shared = f", which {own.shared_by} workloads share" if own.shared_by > 1 else ""
        yield f"{printable(str(own.workload))}: {printable(str(own.before))}{shared}\n".encode("utf-8", "replace")
        yield f"  gets {printable(str(own.account))}\n".encode("utf-8", "replace")
        if not own.roles:
            yield b"  with no rights and no token\n"
        for role in own.roles:
            where = f"in {printable(role.namespace)}" if role.namespace else "in the whole cluster"
            for rule in role.rules:
                yield f"  {where}: {printable(str(rule))}\n".encode("utf-8", "replace")
        for request in own.lost:
            yield f"  LOST: {printable(str(request))}\n".encode("utf-8", "replace")
    if found.accounts:
        yield b"\nApply `--format yaml` first, then each document of `--format patch`.\n"


def _yaml(found: Accounts, inventory: Inventory) -> Iterator[bytes]:
    objects = [each for own in found.accounts for each in objects_of(own, inventory)]
    yield to_documents(objects).encode("utf-8", "replace")


def _patch(found: Accounts, inventory: Inventory) -> Iterator[bytes]:
    patches = [(patch_of(own, inventory), [f"Puts it under {own.account}."]) for own in found.accounts]
    yield to_documents(patches).encode("utf-8", "replace")


def _json(found: Accounts, inventory: Inventory) -> Iterator[bytes]:
    accounts = [
        {
            **msgspec.to_builtins(own),
            "objects": [each for each, _ in objects_of(own, inventory)],
            "patch": patch_of(own, inventory),
        }
        for own in found.accounts
    ]
    head = {"schema": SCHEMA, "tool": {"name": "seawall", "version": __version__}}
    yield msgspec.json.encode({**head, "accounts": accounts}) + b"\n"


RENDERERS: dict[str, Callable[[Accounts, Inventory], Iterable[bytes]]] = {
    "terminal": _terminal,
    "yaml": _yaml,
    "patch": _patch,
    "json": _json,
}
