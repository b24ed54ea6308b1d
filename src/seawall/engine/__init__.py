"""Orchestration: which sources, which analyses in which order, and what became of each."""

from seawall.engine.catalogue import load_rules
from seawall.engine.judge import Judge, RuleHit
from seawall.engine.reading import CLUSTER, Reading, ReadOptions
from seawall.engine.result import ScanResult
from seawall.engine.scan import ScanOptions, UsageError, scan
from seawall.engine.selection import Selection, select_rules

__all__ = [
    "CLUSTER",
    "Judge",
    "ReadOptions",
    "Reading",
    "RuleHit",
    "ScanOptions",
    "ScanResult",
    "Selection",
    "UsageError",
    "load_rules",
    "scan",
    "select_rules",
]
