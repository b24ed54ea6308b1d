"""Versions of languages' packages with orders of their own: Python, Ruby, PHP."""

from __future__ import annotations

import re
from typing import Any

from seawall.analysis.images.versions.invalid import InvalidVersion

_PEP440 = re.compile(
    r"""\s*v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>[0-9]+)?)?
    (?P<post>-(?P<post_bare>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>[0-9]+)?)?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_number>[0-9]+)?)?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_PHASES = {"a": 0, "alpha": 0, "b": 1, "beta": 1}
_CANDIDATE = 2
_LOCAL_PARTS = re.compile(r"[-_.]")


def pep440(version: str) -> tuple[Any, ...]:
    """The order of PEP 440; versions of before it sort below all others, as setuptools ordered them."""
    match = _PEP440.fullmatch(version)
    if match is None:
        return (0, _legacy(version.lower()))
    release = [int(part) for part in match["release"].split(".")]
    while release and not release[-1]:
        release.pop()
    post = (1, int(match["post_bare"] or match["post_number"] or 0)) if match["post"] else (0, 0)
    dev = (0, int(match["dev_number"] or 0)) if match["dev"] else (1, 0)
    if match["pre"]:
        pre = (0, _PHASES.get(match["pre"].lower(), _CANDIDATE), int(match["pre_number"] or 0))
    elif match["dev"] and not match["post"]:
        pre = (-1, 0, 0)
    else:
        pre = (1, 0, 0)
    local = match["local"]
    parts = [(1, int(p), "") if p.isdigit() else (0, 0, p) for p in _LOCAL_PARTS.split(local.lower())] if local else []
    return (1, int(match["epoch"] or 0), tuple(release), pre, post, dev, tuple(parts))


_LEGACY = re.compile(r"[0-9]+|[a-z]+|\.|-")
_LEGACY_NAMES = {"pre": "c", "preview": "c", "-": "final-", "rc": "c", "dev": "@"}


def _legacy(version: str) -> tuple[tuple[int, int, str], ...]:
    """setuptools' order of before PEP 440: numbers above words, and ``final`` among the words."""
    parts: list[tuple[int, int, str]] = []
    for part in [*_LEGACY.findall(version), "final"]:
        if part == ".":
            continue
        if part.isdigit():
            parts.append((1, int(part), ""))
            continue
        word = _LEGACY_NAMES.get(part, part)
        if word < "final":
            while parts and parts[-1] == (0, 0, "final-"):
                parts.pop()
        while parts and parts[-1] == (1, 0, ""):
            parts.pop()
        parts.append((0, 0, word))
    return tuple(parts)


_GEM = re.compile(r"\s*[0-9][0-9A-Za-z.-]*\s*").fullmatch
_GEM_SEGMENTS = re.compile(r"[0-9]+|[a-z]+", re.IGNORECASE)


def rubygems(version: str) -> tuple[Any, ...]:
    """The order of Gem::Version: words are older than numbers, and a version goes on with zeros.

    So a run of zeros is told by what ends it: zeros before a word are older than the end, before a number newer.
    """
    if not _GEM(version):
        raise InvalidVersion(version)
    segments = _GEM_SEGMENTS.findall(version.replace("-", ".pre."))
    first_word = next((i for i, each in enumerate(segments) if not each.isdigit()), len(segments))
    kept = _without_zeros(segments[:first_word]) + _without_zeros(segments[first_word:])
    key: list[Any] = []
    zeros = 0
    for segment in kept:
        if not segment.isdigit():
            key.append((1, zeros, segment) if zeros else (0, 0, segment))
        elif number := int(segment):
            key.append((3, -zeros, number) if zeros else (4, number))
        else:
            zeros += 1
            continue
        zeros = 0
    key.append((2,))
    return tuple(key)


def _without_zeros(segments: list[str]) -> list[str]:
    end = len(segments)
    while end and segments[end - 1].isdigit() and not int(segments[end - 1]):
        end -= 1
    return segments[:end]


_PHP_PARTS = re.compile(r"[0-9]+|[A-Za-z]+|#")
_PHP_FORMS = (("dev", 0), ("a", 1), ("b", 2), ("rc", 3), ("#", 4), ("p", 5))
_PHP_END = (4, 0, 0)


def packagist(version: str) -> tuple[Any, ...]:
    """The order of PHP's version_compare, with Composer's leading ``v`` and its blindness to case."""
    text = version.strip().removeprefix("v").removeprefix("V")
    key: list[Any] = []
    for part in _PHP_PARTS.findall(text):
        if part.isdigit():
            key.append((4, 1, int(part)))
        else:
            word = part.lower()
            key.append((next((rank for form, rank in _PHP_FORMS if word.startswith(form)), -1), 0, 0))
    while key and key[-1] == _PHP_END:
        key.pop()
    key.append(_PHP_END)
    return tuple(key)
