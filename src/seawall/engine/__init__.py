"""Orchestration: which sources, which analyses in which order, and what became of each."""

from seawall.engine.result import ScanResult
from seawall.engine.scan import ScanOptions, UsageError, scan
from seawall.engine.selection import Selection, select_rules

__all__ = ["ScanOptions", "ScanResult", "Selection", "UsageError", "scan", "select_rules"]
