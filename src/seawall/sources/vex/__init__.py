"""VEX documents: OpenVEX, CycloneDX and CSAF."""

from __future__ import annotations

from seawall.sources.vex.read import VexProblem, parse_vex, read_vex

__all__ = ["VexProblem", "parse_vex", "read_vex"]
