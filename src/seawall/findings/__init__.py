"""What a finding means: identity, risk, and whether it counts."""

from seawall.findings.compare import BASELINE, Identity, identify, match, waive_known
from seawall.findings.identity import fingerprint, set_apart_twins
from seawall.findings.risk import WEIGHTS, base_risk, sums, vulnerability_risk, weighed, weighed_by
from seawall.findings.selecting import Subject
from seawall.findings.suppress import Suppressions
from seawall.findings.waivers import PlacedWaiver, Policy, Standing, Waivers, Waiving

__all__ = [
    "BASELINE",
    "WEIGHTS",
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
    "sums",
    "vulnerability_risk",
    "waive_known",
    "weighed",
    "weighed_by",
]
