"""Matching inventories against advisories."""

from __future__ import annotations

from seawall.analysis.images.matching.ecosystems import end_of_life, origin_of
from seawall.analysis.images.matching.matcher import Matcher

__all__ = ["Matcher", "end_of_life", "origin_of"]
