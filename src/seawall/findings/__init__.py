"""What a finding means: identity, risk, and whether it counts."""

from seawall.findings.identity import fingerprint, set_apart_twins
from seawall.findings.risk import base_risk
from seawall.findings.suppress import Suppressions

__all__ = ["Suppressions", "base_risk", "fingerprint", "set_apart_twins"]
