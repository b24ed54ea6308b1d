"""Audits of nodes control by control, for the terminal and as JSON (``seawall.node-audit/v1``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from seawall import __version__
from seawall.engine.controls import ControlResult, ControlState
from seawall.engine.nodes import AuditedNode, NodeAudit
from seawall.reports.excerpt import printable

SCHEMA = "seawall.node-audit/v1"
_WORDS = {
    ControlState.PASS: "pass",
    ControlState.FAIL: "FAIL",
    ControlState.NOT_JUDGED: "not judged",
    ControlState.NOT_APPLICABLE: "n/a",
    ControlState.MANUAL: "manual",
}


def document(audit: NodeAudit) -> Iterator[bytes]:
    """The nodes with every control as JSON; the findings are those of ``seawall.findings/v1``."""
    states = Counter(control.state for node in audit.nodes for control in node.controls)
    yield (
        msgspec.json.encode(
            {
                "schema": SCHEMA,
                "tool": {"name": "seawall", "version": __version__},
                "summary": {
                    "complete": audit.scan.complete,
                    "nodes": len(audit.nodes),
                    "controls": {state.value: states[state] for state in ControlState},
                },
                "nodes": audit.nodes,
                "errors": [{"source": e.source, "where": e.where, "message": e.message} for e in audit.scan.errors],
            }
        )
        + b"\n"
    )


def table(audit: NodeAudit, everything: bool = True) -> Iterator[str]:
    """Every control, a line each, with what was seen where it fails; without ``everything`` those that need someone."""
    for node in audit.nodes:
        yield from _node(node, everything)


def _node(node: AuditedNode, everything: bool) -> Iterator[str]:
    version = node.kubernetes_version or "Kubernetes version unknown"
    yield printable(f"{node.name}: {node.layout}, {version}, facts of {node.collected}") + "\n"
    for selected in node.selection:
        controls = [control for control in node.controls if control.benchmark == selected.benchmark]
        yield f"\n{selected.title}\n"
        if selected.note:
            yield f"  note: {printable(selected.note)}\n"
        for control in controls:
            if everything or control.state in (ControlState.FAIL, ControlState.NOT_JUDGED):
                yield from _control(control)
        counts = Counter(control.state for control in controls)
        told = ", ".join(f"{counts[state]} {word.lower()}" for state, word in _WORDS.items() if counts[state])
        yield f"  {len(controls)} controls: {told}\n"
    yield "\n"


def _control(control: ControlResult) -> Iterator[str]:
    named = control.title if control.state is ControlState.FAIL or control.steps else ", ".join(control.rules)
    word = "accepted" if control.accepted else _WORDS[control.state]
    yield f"  {word:<10}  {control.id:<7} {printable(named)}\n"
    if control.reason and (control.state in (ControlState.FAIL, ControlState.NOT_JUDGED) or control.answered):
        yield f"{'':22}{printable(control.reason)}\n"


def answers(audit: NodeAudit) -> Iterator[str]:
    """A file of answers to fill in: the controls that wait for people, as YAML that an audit reads again."""
    yield "# Fill in result (pass, fail, not-applicable, accepted), by, date and what the record asks for.\n"
    yield "# An answer without node is for all nodes; one with until ends on that day.\n"
    yield "answers:\n"
    for node in audit.nodes:
        for control in node.controls:
            if control.steps and control.state in (ControlState.MANUAL, ControlState.NOT_JUDGED):
                yield f"  # {control.title}\n"
                yield f"  - control: {control.benchmark} {control.id}\n"
                yield f"    node: {_quoted(node.name)}\n"
                yield '    result: ""\n    by: ""\n    date: ""\n    record:\n'
                yield from (f'      {each["name"]}: ""  # {each["what"]}\n' for each in control.record)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def form(audit: NodeAudit) -> Iterator[str]:
    """The controls that people answer, with what to do and what to write down, as Markdown to fill in."""
    for node in audit.nodes:
        yield f"# {printable(node.name)}\n\n"
        for control in node.controls:
            if control.steps and control.state in (ControlState.MANUAL, ControlState.NOT_JUDGED):
                yield f"## {control.benchmark} {control.id}: {control.title}\n\n"
                yield from (f"{number}. {step}\n" for number, step in enumerate(control.steps, 1))
                yield "\n| to record | what | answer |\n|---|---|---|\n"
                yield from (f"| {each['name']} | {each['what']} | |\n" for each in control.record)
                yield "| result | pass or fail, by whom, on which day | |\n\n"
