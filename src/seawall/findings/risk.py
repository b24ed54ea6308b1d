"""Risk from 0 to 100. Until exposure and paths are known it rests on severity and confidence alone."""

from __future__ import annotations

from functools import cache

from seawall.model.finding import Confidence, Severity

_BY_SEVERITY = {
    Severity.CRITICAL: 90,
    Severity.HIGH: 70,
    Severity.MEDIUM: 45,
    Severity.LOW: 20,
    Severity.INFO: 5,
}
_DISCOUNT = {Confidence.HIGH: 0, Confidence.MEDIUM: 10, Confidence.LOW: 20}


@cache
def base_risk(severity: Severity, confidence: Confidence) -> int:
    """The risk of a finding by itself."""
    return max(_BY_SEVERITY[severity] - _DISCOUNT[confidence], 1)


#: What is exploited is dealt with before anything that might be.
_EXPLOITED = 95
#: From which probability of exploitation within 30 days (EPSS) how much is added.
_LIKELY = ((0.5, 15), (0.1, 10), (0.01, 4))


def vulnerability_risk(severity: Severity, confidence: Confidence, exploited: bool, epss: float) -> int:
    """The risk of a vulnerability; ``exploited`` by CISA's catalogue, ``epss`` is negative where it is not known."""
    risk = base_risk(severity, confidence) + next((more for floor, more in _LIKELY if epss >= floor), 0)
    return min(max(risk, _EXPLOITED) if exploited else min(risk, _EXPLOITED - 1), 100)
