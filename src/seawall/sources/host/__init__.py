"""Hosts: the facts of a node from its files and processes, below a root."""

from seawall.sources.host.collect import collect
from seawall.sources.host.problems import Problems
from seawall.sources.host.root import HostError, Root

__all__ = ["HostError", "Problems", "Root", "collect"]
