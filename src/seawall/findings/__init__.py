"""What a finding means: identity, risk, and whether it counts."""

from seawall.findings.compare import BASELINE, Identity, identify, match, waive_known
from seawall.findings.identity import fingerprint, set_apart_twins
from seawall.findings.risk import base_risk, vulnerability_risk
from seawall.findings.suppress import Suppressions

__all__ = [
    "BASELINE",
    "Identity",
    "Suppressions",
    "base_risk",
    "fingerprint",
    "identify",
    "match",
    "set_apart_twins",
    "vulnerability_risk",
    "waive_known",
]
