"""The detectors, by theme. Their forms are those that the providers document, or that their tokens visibly have."""

from __future__ import annotations

from functools import cache

from seawall.analysis.secrets.detector import Detector


@cache
def all_detectors() -> tuple[Detector, ...]:
    """Every detector but the generic one, which is no row."""
    from seawall.analysis.secrets.detectors import cloud, code, keys, models, places, platforms, services, settings

    return (
        *keys.ROWS,
        *cloud.ROWS,
        *code.ROWS,
        *services.ROWS,
        *models.ROWS,
        *platforms.ROWS,
        *settings.ROWS,
        *places.ROWS,
    )
