"""The page of a rule, in Markdown: for the documentation and for ``seawall rules show``."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.engine.fix import load_remedies
from seawall.engine.selection import least_profile
from seawall.engine.worked import STDIN, examples_of, fact_check
from seawall.model.rule import Rule
from seawall.model.version import NEWEST


def rule_page(rule: Rule) -> str:
    """Everything that is to be told about a rule."""
    return "\n".join(_lines(rule)) + "\n"


def _lines(rule: Rule) -> Iterator[str]:
    yield f"# {rule.id}: {rule.title}"
    yield ""
    profile = least_profile(rule, NEWEST)
    on = "" if profile == "default" else f", from profile {profile} on"
    yield f"Severity **{rule.severity}**, scope {rule.scope}{on}."
    yield from ("", "## Why", "", rule.why, "", "## How to mend", "", rule.remediation, "")
    if rule.id in load_remedies():
        yield f"`seawall fix PATH --rule {rule.id}` does it in place; where a program may need what is taken away, only"
        yield from ("with `--unsafe`, or `--interactive`.", "")
    for example in examples_of(rule.id):
        at = f" (at Kubernetes {example.version})" if example.version else ""
        yield from (f"## {'Bad' if example.verdict == 'bad' else 'Good'} example{at}", "")
        yield from (f"```{'yaml' if example.file == STDIN else 'dockerfile'}", example.text.strip(), "```", "")
    judged = fact_check(rule.id)
    if judged is not None:
        test, bad = judged
        yield from ("## On nodes", "", "`seawall node audit` puts this test to a node's facts:", "")
        yield from ("```yaml", test, "```", "", "It fails on a node with, for example:", "")
        for change in bad:
            yield from ("```yaml", change, "```", "")
    bounds = [f"since {rule.since}"] * bool(rule.since) + [f"until {rule.until}"] * bool(rule.until)
    gates = [f"Judged for Kubernetes {', '.join(bounds)}."] * bool(bounds) + [rule.notes] * bool(rule.notes)
    gates += ["Judged in manifests only, not of objects of a cluster."] * rule.manifests_only
    if gates:
        yield from ("## Versions", "", " ".join(gates), "")
    yield from ("## Controls and other tools' ids", "")
    for control in rule.controls:
        gate = f" since {control.since}" * bool(control.since) + f" until {control.until}" * bool(control.until)
        yield f"- {control.framework}: {control.id}{gate}"
    yield from (f"- {alias}" for alias in rule.aliases)
    if rule.references:
        yield from ("", "## References", "", *(f"- {reference}" for reference in rule.references))
