"""A secret by its place in the bytes: only for who redacts, tells or verifies, never kept."""

from __future__ import annotations

from typing import NamedTuple

from seawall.analysis.secrets.checks import Judged
from seawall.analysis.secrets.detector import Detector
from seawall.model.finding import Confidence


class Seen(NamedTuple):
    """Which detector saw it, where its value stands, the setting's name, how sure it is, and what a check said."""

    detector: Detector
    start: int
    end: int
    name: str
    confidence: Confidence
    judged: Judged
