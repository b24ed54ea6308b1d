"""Versions in the manner of semantic versioning: npm, crates.io and many more; Go, NuGet, Pub; plain numbers."""

from __future__ import annotations

import re
from typing import Any

from seawall.analysis.images.versions.invalid import InvalidVersion

_SEMVER = re.compile(r"[=v\s]*(?P<numbers>[0-9]+(?:\.[0-9]+)*)\.?-?(?P<pre>[^+]*)(?:\+(?P<build>.*))?", re.IGNORECASE)
_RELEASE: tuple[Any, ...] = (1,)
_CORE = 3


def _parts(version: str) -> tuple[list[int], str, str]:
    match = _SEMVER.fullmatch(version.strip())
    if match is None:
        raise InvalidVersion(version)
    numbers = [int(number) for number in match["numbers"].split(".")]
    return numbers + [0] * (_CORE - len(numbers)), match["pre"], match["build"] or ""


def _identifiers(text: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers before words, numbers by value, words by their characters; fewer before more."""
    return tuple((0, int(each), "") if each.isascii() and each.isdigit() else (1, 0, each) for each in text.split("."))


def _pre(text: str) -> tuple[Any, ...]:
    return (0, _identifiers(text)) if text else _RELEASE


def semver(version: str) -> tuple[Any, ...]:
    """semver.org, read loosely as npm does: a ``v`` or ``=`` before, missing numbers are 0, ``1.2.3beta``.

    Build metadata do not count; numbers after the third do.
    """
    numbers, pre, _ = _parts(version)
    return (*numbers[:_CORE], _extra(numbers), _pre(pre))


def _extra(numbers: list[int]) -> tuple[int, ...]:
    extra = numbers[_CORE:]
    while extra and not extra[-1]:
        extra.pop()
    return tuple(extra)


_GO_RELEASE = re.compile(r"go([0-9]+(?:\.[0-9]+)*)(?:(beta|rc)([0-9]+))?(?:[ +-].*)?").fullmatch


def go(version: str) -> tuple[Any, ...]:
    """Go's modules (semver with ``v``, pseudo-versions and ``+incompatible``) and releases (``go1.22rc1``)."""
    text = version.strip()
    release = _GO_RELEASE(text)
    if release is not None:
        text = release[1] if release[2] is None else f"{release[1]}-{release[2]}.{release[3]}"
    else:
        text = re.sub(r"^(v?[0-9]+\.[0-9]+)(beta|rc)([0-9]+)$", r"\1-\2.\3", text)
    return semver(text)


def nuget(version: str) -> tuple[Any, ...]:
    """NuGet: four numbers, identifiers without regard to case."""
    numbers, pre, _ = _parts(version)
    return (*numbers[:_CORE], _extra(numbers), _pre(pre.lower()))


def pub(version: str) -> tuple[Any, ...]:
    """Dart's pub_semver: as semver, and build metadata are compared last, none before some."""
    numbers, pre, build = _parts(version)
    return (*numbers[:_CORE], _extra(numbers), _pre(pre), _identifiers(build) if build else ())


_NUMBERS = re.compile(r"[0-9]+(?:[.-][0-9]+)*").fullmatch


def numbers(version: str) -> tuple[Any, ...]:
    """Lists of numbers, the shorter first (R's package_version, Haskell's Version)."""
    text = version.strip()
    if not _NUMBERS(text):
        raise InvalidVersion(version)
    return tuple(int(number) for number in re.split(r"[.-]", text))
