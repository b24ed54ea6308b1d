"""Every kind of step: what it needs, how likely it is, who told of it, and the rule that finds what makes it possible.

``likelihood`` is a judgement on a scale of five: 1 follows by itself, 0.9 works as documented, 0.7 usually works,
0.5 depends on the node or the program, 0.3 takes luck or a flaw. ``peers`` are KubeHound's names of the same step.
"""

from __future__ import annotations

from seawall.analysis.paths.kindtable import BODIES, ESCAPES, PERMISSIONS
from seawall.model.attack import StepKind
from seawall.model.finding import Severity


def _table() -> dict[str, StepKind]:
    found: dict[str, StepKind] = {}
    for block in (BODIES, ESCAPES, PERMISSIONS):
        for entry in block.strip().split("\n\n"):
            title, needs, source, facts = (line.strip() for line in entry.strip().splitlines())
            name, _, words = title.partition(": ")
            likelihood, severity, rule, peers, removable = (each.strip() for each in facts.split("|"))
            known = StepKind(name, words, needs, source, float(likelihood), Severity(severity), rule, peers, removable)
            if name in found:
                raise ValueError(f"the kind of step {name} is there twice")
            found[name] = known
    return found


#: The kinds by id.
STEP_KINDS = _table()
