"""Risk from 0 to 100: severity and confidence, then named terms. See docs/guide/risk.md, which gives the formula.

The base comes from severity and confidence. Terms that raise it take it part of the way to 100, so that what is worse
by itself stays ahead where the rest is equal; terms that lower it take away a share. What is not known adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from seawall.model.finding import Confidence, RiskTerm, Severity

_BY_SEVERITY = {
    Severity.CRITICAL: 90,
    Severity.HIGH: 70,
    Severity.MEDIUM: 45,
    Severity.LOW: 20,
    Severity.INFO: 5,
}
_DISCOUNT = {Confidence.HIGH: 0, Confidence.MEDIUM: 10, Confidence.LOW: 20}
#: The weights of all terms that raise the risk add up to this at most; with all of it the risk is 100.
_FULL = 60
#: The weights of the terms; where there are several, by how much of it there is. Below 0: what lowers, in percent.
WEIGHTS: dict[str, tuple[int, ...]] = {
    "exposed": (40,),
    "near": (30,),
    "privilege": (24, 16, 14),
    "targets": (20,),
    "sensitivity": (12,),
    "sandbox": (-25,),
    "user-namespace": (-10,),
    "unprivileged": (-40,),
    "moot": (-15,),
    "closed": (-10,),
    "unserved": (-15,),
    "brief": (-35, -15),
    "absent": (-40,),
    "control-plane": (-40,),
    "person": (-10,),
    "unused": (-40, -15),
}


@cache
def base_risk(severity: Severity, confidence: Confidence) -> int:
    """The risk of a finding by itself."""
    return max(_BY_SEVERITY[severity] - _DISCOUNT[confidence], 1)


@cache
def _combined(base: int, raised: int, lowered: int) -> int:
    worse = base + (100 - base) * min(raised, _FULL) / _FULL
    return min(max(round(worse * (100 - min(lowered, 90)) / 100), 1), 100)


def sums(terms: Sequence[RiskTerm]) -> tuple[int, int]:
    """What terms add up to: the weights that raise, and those that lower."""
    raised = lowered = 0
    for term in terms:
        if term.weight > 0:
            raised += term.weight
        else:
            lowered -= term.weight
    return raised, lowered


def weighed_by(base: int, raised: int, lowered: int) -> int:
    """The risk by what its terms add up to: ``base + (100 - base) * raised / 60``, less ``lowered`` percent of it."""
    return _combined(base, raised, lowered)


def weighed(base: int, terms: Sequence[RiskTerm]) -> int:
    """The risk with its terms."""
    return _combined(base, *sums(terms))


#: What is exploited is dealt with before anything that might be.
_EXPLOITED = 95
#: From which probability of exploitation within 30 days (EPSS) how much is added.
_LIKELY = ((0.5, 15), (0.1, 10), (0.01, 4))


def vulnerability_risk(
    severity: Severity, confidence: Confidence, exploited: bool, epss: float
) -> tuple[int, tuple[RiskTerm, ...]]:
    """The risk of a vulnerability with its terms; ``exploited`` by CISA's catalogue, ``epss`` is negative where it is
    not known. What is known to be exploited is at 95 at least, all else below."""
    more = next((more for floor, more in _LIKELY if epss >= floor), 0)
    terms = (RiskTerm("likely", more, f"exploitation within 30 days has a probability of {epss:.0%} (EPSS)"),) * bool(
        more
    )
    risk = base_risk(severity, confidence) + more
    if exploited:
        terms += (RiskTerm("exploited", _FULL, "it is known to be exploited (CISA KEV)"),)
        return min(max(risk, _EXPLOITED), 100), terms
    return min(risk, _EXPLOITED - 1), terms
