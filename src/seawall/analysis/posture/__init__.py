"""Posture: rules over configuration."""

from seawall.analysis.posture.catalogue import load_rules
from seawall.analysis.posture.judge import Context, Judge, RuleHit

__all__ = ["Context", "Judge", "RuleHit", "load_rules"]
