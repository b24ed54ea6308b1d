"""Versions of distributions' packages: dpkg, rpm, apk."""

from __future__ import annotations

import re
from typing import Any

from seawall.analysis.images.versions.invalid import InvalidVersion

_RUNS = re.compile(r"([^0-9]*)([0-9]*)")
_DIGITS = re.compile(r"[0-9]+").fullmatch
_END = (0,)


def dpkg(version: str) -> tuple[Any, ...]:
    """``epoch:upstream-revision`` in the order of deb-version(7).

    Runs of other characters and numbers alternate. In the former a tilde sorts before the end, the end before
    letters, letters before the rest; no revision is revision 0.
    """
    version = version.strip()
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    if not _DIGITS(epoch) or not upstream or " " in rest:
        raise InvalidVersion(version)
    return (int(epoch), _dpkg_part(upstream), _dpkg_part(revision))


def _dpkg_part(text: str) -> tuple[Any, ...]:
    key: list[Any] = []
    for other, digits in _RUNS.findall(text):
        if other or digits:
            key += ((*map(_dpkg_order, other), 0), int(digits or 0))
    # Nothing at all is like "0".
    if not key:
        key += (_END, 0)
    key.append(_END)
    return tuple(key)


def _dpkg_order(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) + (0 if character.isalpha() and character.isascii() else 256)


_RPM_SEGMENTS = re.compile(r"[0-9]+|[A-Za-z]+|[~^]")
#: The ranks of what may come next: a tilde, the end, a caret, letters, a number.
_TILDE, _RPM_END, _CARET, _LETTERS, _NUMBER = range(5)


def rpm(version: str) -> tuple[Any, ...]:
    """``epoch:version-release`` in the order of rpmvercmp; no release is older than any.

    An epoch that is no number is compared as a version is, as OSV's data want it.
    """
    epoch, colon, rest = version.strip().partition(":")
    if not colon:
        epoch, rest = "0", version.strip()
    number, dash, release = rest.rpartition("-")
    if not dash:
        number, release = rest, ""
    return (_rpm_part(epoch or "0"), _rpm_part(number), bool(dash), _rpm_part(release))


def _rpm_part(text: str) -> tuple[Any, ...]:
    key: list[Any] = []
    for segment in _RPM_SEGMENTS.findall(text):
        if segment == "~":
            key.append((_TILDE,))
        elif segment == "^":
            key.append((_CARET,))
        elif segment[0] <= "9":
            key.append((_NUMBER, int(segment)))
        else:
            key.append((_LETTERS, segment))
    key.append((_RPM_END,))
    return tuple(key)


#: What may come next, the oldest first; a suffix that tells of a release to come is older than the end.
(_PRE, _INVALID, _APK_END, _REVISION, _HASH, _SUFFIX_NUMBER, _POST, _LETTER, _DIGITS_AFTER) = range(9)
_PRE_SUFFIXES = ("alpha", "beta", "pre", "rc")
_POST_SUFFIXES = ("cvs", "svn", "git", "hg", "p")
_APK = re.compile(
    r"(?P<numbers>[0-9]+(?:\.[0-9]+)*)(?P<letter>[a-z]?)"
    r"(?P<suffixes>(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)"
    r"(?P<hash>(?:~[0-9a-f]+)?)(?:-r(?P<revision>[0-9]+))?"
)
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)")


def apk(version: str) -> tuple[Any, ...]:
    """``1.2.3a_rc1~hash-r0`` in the order of apk-tools.

    From the first character that does not belong a version is older than one that ends there; two such are ordered
    by their text, unless the revision is before it.
    """
    match = _APK.match(version)
    if match is None:
        return ((_INVALID, version),)
    first, *others = match["numbers"].split(".")
    key: list[Any] = [(_DIGITS_AFTER, 1, int(first))]
    # With a leading zero numbers are compared as text, which is before all others.
    key += ((_DIGITS_AFTER, 0, each) if each[0] == "0" else (_DIGITS_AFTER, 1, int(each)) for each in others)
    if match["letter"]:
        key.append((_LETTER, match["letter"]))
    for name, number in _SUFFIX.findall(match["suffixes"]):
        if name in _PRE_SUFFIXES:
            key.append((_PRE, _PRE_SUFFIXES.index(name)))
        else:
            key.append((_POST, _POST_SUFFIXES.index(name)))
        if number:
            key.append((_SUFFIX_NUMBER, int(number)))
    if match["hash"]:
        key.append((_HASH, match["hash"]))
    if match["revision"] is not None:
        key.append((_REVISION, int(match["revision"])))
    if match.end() == len(version):
        key.append((_APK_END,))
    else:
        key.append((_INVALID, "" if match["revision"] is not None else version))
    return tuple(key)
