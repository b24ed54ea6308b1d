"""Nodes: benchmarks as data, judged over the facts of a node."""

from seawall.analysis.nodes.catalogue import Benchmark, Catalogue, Check, Manual, catalogue, in_order
from seawall.analysis.nodes.node import Node
from seawall.analysis.nodes.outcome import Outcome, Seen, Verdict
from seawall.analysis.nodes.settings import DataError

__all__ = [
    "Benchmark",
    "Catalogue",
    "Check",
    "DataError",
    "Manual",
    "Node",
    "Outcome",
    "Seen",
    "Verdict",
    "catalogue",
    "in_order",
]
