"""What a finding means: identity, risk, and whether it counts."""

from seawall.findings.compare import BASELINE, Identity, identify, match, waive_known
from seawall.findings.identity import fingerprint, set_apart_twins
from seawall.findings.risk import base_risk, vulnerability_risk, weighed
from seawall.findings.selecting import Subject
from seawall.findings.suppress import Suppressions
from seawall.findings.waivers import PlacedWaiver, Policy, Standing, Waivers, Waiving

__all__ = [
    "BASELINE",
    "Identity",
    "PlacedWaiver",
    "Policy",
    "Standing",
    "Subject",
    "Suppressions",
    "Waivers",
    "Waiving",
    "base_risk",
    "fingerprint",
    "identify",
    "match",
    "set_apart_twins",
    "vulnerability_risk",
    "waive_known",
    "weighed",
]
