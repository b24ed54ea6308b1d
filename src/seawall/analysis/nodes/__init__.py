"""Nodes: benchmarks as data, judged over the facts of a node."""

from seawall.analysis.nodes.catalogue import Benchmark, Catalogue, Check, Manual, catalogue, in_order
from seawall.analysis.nodes.judging import evidence, hits_of, judge, message
from seawall.analysis.nodes.node import Node
from seawall.analysis.nodes.outcome import Outcome, Seen, Verdict
from seawall.analysis.nodes.plan import Remedy, Step, remedy
from seawall.analysis.nodes.selection import Chosen, UnknownBenchmark, for_node, named
from seawall.analysis.nodes.settings import DataError

__all__ = [
    "Benchmark",
    "Catalogue",
    "Check",
    "Chosen",
    "DataError",
    "Manual",
    "Node",
    "Outcome",
    "Remedy",
    "Seen",
    "Step",
    "UnknownBenchmark",
    "Verdict",
    "catalogue",
    "evidence",
    "for_node",
    "hits_of",
    "in_order",
    "judge",
    "message",
    "named",
    "remedy",
]
