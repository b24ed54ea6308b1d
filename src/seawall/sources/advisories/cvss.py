"""CVSS vectors: their base scores, by the ``cvss`` package."""

from __future__ import annotations

from functools import lru_cache

from seawall.model.advisories import Cvss

_MAX_LENGTH = 300


@lru_cache(maxsize=1 << 15)
def score_vector(vector: str) -> Cvss | None:
    """The version and base score of a vector of CVSS 2, 3.0, 3.1 or 4.0; None where it is no valid one."""
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError

    text = vector.strip().strip("()")
    if not text or len(text) > _MAX_LENGTH or not text.isascii():
        return None
    try:
        if text.startswith("CVSS:4.0/"):
            return Cvss("4.0", text, float(CVSS4(text).base_score))
        if text.startswith("CVSS:3."):
            return Cvss(text[5:8], text, float(CVSS3(text).base_score))
        return Cvss("2.0", text, float(CVSS2(text).base_score))
    except (CVSSError, ValueError, KeyError):
        return None


def score_all(vectors: list[str]) -> tuple[Cvss, ...]:
    """The valid vectors with their scores, the newest version of CVSS first."""
    scored = {each for vector in vectors if (each := score_vector(vector)) is not None}
    return tuple(sorted(scored, key=lambda each: (each.version, each.score), reverse=True))
