"""What falls together, for the terminal, as JSON (``seawall.isolation/v1``) and as one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from seawall import __version__
from seawall.model.isolation import Estate, Falls, Lost, Total
from seawall.reports.excerpt import many, printable
from seawall.reports.html import fill

SCHEMA = "seawall.isolation/v1"
_BAR = 20
_SHOWN = 4


def document(estate: Estate, inputs: Sequence[str], problems: Sequence[str]) -> bytes:
    """The answer as JSON."""
    head = {"schema": SCHEMA, "tool": {"name": "seawall", "version": __version__}, "inputs": list(inputs)}
    body = msgspec.to_builtins(estate)
    return msgspec.json.encode({**head, "complete": not problems, "problems": list(problems), **body})


def html(document: bytes) -> bytes:
    """The page of a ``seawall.isolation/v1`` document."""
    return fill("isolation", document, base="report").encode("utf-8", "replace")


def terminal(estate: Estate, limit: int) -> Iterator[str]:
    """The whole in a few lines, then a block a node, namespace or pool, worst first."""
    if not (estate.total.nodes or estate.total.workloads):
        yield "no workloads and no nodes were read\n"
        return
    yield from summary(estate.total)
    for note in estate.notes:
        yield f"note: {printable(note)}\n"
    shown = estate.rows[:limit] if limit else estate.rows
    for row in shown:
        yield "\n"
        yield from _row(row, estate.by)
    left = len(estate.rows) - len(shown)
    if left:
        yield f"\n{left} more are not shown: --limit 0 shows all, --format html=FILE a page\n"


def summary(total: Total) -> Iterator[str]:
    """The estate in figures."""
    yield (
        f"{many(total.nodes, 'node')}, {many(total.workloads, 'workload')}, {many(total.secrets, 'Secret')}, "
        f"{many(total.tokens, 'token')}, {many(total.tenants, 'tenant')}, {many(total.volumes, 'volume')}\n"
    )
    yield (
        f"the whole cluster falls with {total.cluster_nodes} of the nodes; worst radius {total.worst}, "
        f"mean {total.mean}\n"
    )
    have = "has" if total.mixed == 1 else "have"
    yield f"{many(total.mixed, 'node')} {have} sensitive and untrusted workloads together\n"
    if total.entries:
        yield (
            f"on the {many(total.entries, 'node')} with untrusted workloads lie "
            f"{many(total.exposed_secrets, 'Secret')}, {many(total.exposed_tokens, 'token')}, "
            f"{many(total.exposed_strong, 'strong right')}, {many(total.exposed_sensitive, 'sensitive workload')}\n"
        )


def _row(row: Falls, by: str) -> Iterator[str]:
    full = round(row.radius * _BAR / 100)
    more = f" (+{row.readable} by rights)" if row.readable else ""
    pool = f"  pool {row.pool}" if by == "node" and row.pool and row.pool != row.name else ""
    yield f"{printable(row.name)}{printable(pool)}\n"
    yield (
        f"  radius {row.radius:>3} {'#' * full}{'.' * (_BAR - full)}  {many(row.pods, 'pod')}, "
        f"{many(len(row.tenants), 'tenant')}, {many(len(row.tokens), 'token')}, "
        f"{many(len(row.secrets), 'Secret')}{more}, {many(len(row.volumes), 'volume')}\n"
    )
    for why in row.cluster[:_SHOWN]:
        yield f"  the cluster falls: {printable(why)}\n"
    if row.rights:
        yield f"  rights: {printable(', '.join(row.rights[: _SHOWN * 2]))}{_more(row.rights, _SHOWN * 2)}\n"
    if row.tenants:
        yield f"  tenants: {printable(', '.join(row.tenants[: _SHOWN * 2]))}{_more(row.tenants, _SHOWN * 2)}\n"
    if row.roles:
        yield f"  roles of the cloud: {printable(', '.join(row.roles[:_SHOWN]))}{_more(row.roles, _SHOWN)}\n"
    for title, found in (("sensitive", row.sensitive), ("untrusted", row.untrusted), ("takes the node", row.escapes)):
        yield from _lost(title, found)
    if row.mixed:
        yield "  sensitive and untrusted workloads are together here\n"
    if row.taints:
        yield f"  taints: {printable(', '.join(row.taints))}\n"
    if row.kubelet:
        yield f"  kubelet: {printable(row.kubelet)}\n"


def _lost(title: str, found: tuple[Lost, ...]) -> Iterator[str]:
    for each in found[:_SHOWN]:
        yield f"  {title}: {printable(f'{each.name} ({each.how})')}\n"
    if len(found) > _SHOWN:
        yield f"  {title}: {len(found) - _SHOWN} more\n"


def _more(found: Sequence[str], shown: int) -> str:
    return f" and {len(found) - shown} more" if len(found) > shown else ""
