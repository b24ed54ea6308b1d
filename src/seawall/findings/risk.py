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
