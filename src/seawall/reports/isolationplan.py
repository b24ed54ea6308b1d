"""A plan of pools, for the terminal, as JSON (``seawall.isolation-plan/v1``) and as patches to apply (YAML)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from seawall import __version__
from seawall.model.isolation import Plan, Total
from seawall.reports.excerpt import many, printable
from seawall.reports.yamlout import to_yaml

SCHEMA = "seawall.isolation-plan/v1"
_FIGURES = (
    ("nodes with sensitive and untrusted workloads", "mixed"),
    ("nodes with untrusted workloads", "entries"),
    ("  Secrets there", "exposed_secrets"),
    ("  tokens there", "exposed_tokens"),
    ("  strong rights there", "exposed_strong"),
    ("  sensitive workloads there", "exposed_sensitive"),
    ("nodes with which the cluster falls", "cluster_nodes"),
    ("worst radius of a node", "worst"),
    ("mean radius", "mean"),
)
_SHOWN = 12


def document(plan: Plan, inputs: Sequence[str], problems: Sequence[str]) -> bytes:
    """The plan as JSON."""
    head = {"schema": SCHEMA, "tool": {"name": "seawall", "version": __version__}, "inputs": list(inputs)}
    return msgspec.json.encode(
        {**head, "complete": not problems, "problems": list(problems), **msgspec.to_builtins(plan)}
    )


def yaml(plan: Plan) -> Iterator[bytes]:
    """Each patch as an object with what identifies it, a document each."""
    for number, each in enumerate(plan.patches):
        ref = each.resource
        metadata = {"name": ref.name, **({"namespace": ref.namespace} if ref.namespace else {})}
        whole = {**metadata, **each.patch.get("metadata", {})}
        value = {"apiVersion": ref.api_version, "kind": ref.kind, **each.patch, "metadata": whole}
        value = {name: value[name] for name in ("apiVersion", "kind", "metadata", *each.patch)}
        comments = [f"{ref}: {each.why}.", *each.commands]
        yield (("---\n" if number else "") + to_yaml(value, comments)).encode()


def terminal(plan: Plan) -> Iterator[str]:
    """Pools, moves, patches in short, and the estate before and after."""
    if plan.state != "found":
        yield f"{plan.state}: {printable(plan.reason)}\n"
    for pool in plan.pools:
        nodes, workloads = many(len(pool.nodes), "node"), many(len(pool.workloads), "workload")
        yield f"pool {printable(pool.name)}: {nodes} ({printable(', '.join(pool.nodes[:_SHOWN]))})\n"
        yield f"  {workloads}: {printable(', '.join(pool.workloads[:_SHOWN]))}\n"
    if plan.moves:
        moving = sum(move.pods for move in plan.moves)
        yield f"\n{many(moving, 'pod')} {'moves' if moving == 1 else 'move'}:\n"
        for move in plan.moves[:_SHOWN]:
            yield f"  {move.pods} of {printable(f'{move.workload} from {move.source} to {move.target}')}\n"
        if len(plan.moves) > _SHOWN:
            yield f"  {len(plan.moves) - _SHOWN} more; --format json tells all\n"
    if plan.patches:
        yield f"\n{len(plan.patches)} patch{'' if len(plan.patches) == 1 else 'es'}; --format yaml=FILE writes them\n"
    if plan.after is not None:
        yield from _compared(plan.before, plan.after)
    for line in plan.proof:
        yield f"checked: {printable(line)}\n"
    for line in plan.stays:
        yield f"stays: {printable(line)}\n"


def _compared(before: Total, after: Total) -> Iterator[str]:
    yield f"\n{'':46}{'before':>8}{'after':>8}\n"
    for title, name in _FIGURES:
        yield f"{title:46}{getattr(before, name):>8}{getattr(after, name):>8}\n"
