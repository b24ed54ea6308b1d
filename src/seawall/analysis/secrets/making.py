"""Scanners made ready: with hyperscan where it is installed, else without."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from seawall.analysis.secrets.detector import Detector
from seawall.analysis.secrets.detectors import all_detectors
from seawall.analysis.secrets.foreign import ForeignRules
from seawall.analysis.secrets.prefilter import HyperscanPrefilter, PlainPrefilter, Prefilter
from seawall.analysis.secrets.scanner import Ask, Scanner


def make_scanner(
    *,
    fast: bool = True,
    now: datetime | None = None,
    foreign: ForeignRules | None = None,
    ask: Ask | None = None,
) -> Scanner:
    """A scanner with all detectors, or with the rules of ``foreign`` in addition to them or in their place.

    ``fast`` uses hyperscan where it is installed, which takes 30 ms to make ready: not worth it for one manifest.
    """
    if foreign is not None and foreign.alone:
        nothing = PlainPrefilter((), True)
        return Scanner((), nothing, nothing, now=now, foreign=foreign, ask=ask)
    disabled = foreign.disabled if foreign is not None else frozenset()
    detectors = tuple(each for each in all_detectors() if each.id not in disabled)
    return Scanner(
        detectors,
        _prefilter(detectors, fast, False),
        _prefilter(detectors, fast, True),
        now=now,
        foreign=foreign,
        ask=ask,
    )


@lru_cache(maxsize=4)
def _prefilter(detectors: Sequence[Detector], fast: bool, formed: bool) -> Prefilter:
    """A prefilter for all detectors and names of settings, or for those of a form of their own."""
    if fast:
        try:
            return HyperscanPrefilter(detectors, formed)
        except ImportError:
            pass
    return PlainPrefilter(detectors, formed)
