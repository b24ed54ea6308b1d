"""Versions are ordered as their ecosystems order them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from seawall.analysis.images.versions import SCHEMES, InvalidVersion, compare, scheme_of, sort_key

FILES = {
    "alpine": "Alpine:v3.20",
    "cran": "CRAN",
    "debian": "Debian:12",
    "hackage": "Hackage",
    "maven": "Maven",
    "nuget": "NuGet",
    "packagist": "Packagist",
    "pub": "Pub",
    "pypi": "PyPI",
    "redhat": "Red Hat:enterprise_linux:9",
    "rubygems": "RubyGems",
    "semver": "npm",
}
_FACT = re.compile(r"(\S+) ([<=>]) (\S+)")
_SIGNS = {"<": -1, "=": 0, ">": 1}


def facts(folder: Path, name: str) -> Iterator[tuple[str, str, str]]:
    for file in sorted((folder / "versions").glob(f"{name}-versions*.txt")):
        for line in file.read_text().splitlines():
            fact = _FACT.fullmatch(line.strip())
            if fact and not line.startswith("//"):
                yield fact[1], fact[2], fact[3]


@pytest.mark.parametrize("name", FILES)
def test_every_public_fact_holds(conformance: Path, name: str) -> None:
    scheme = scheme_of(FILES[name])
    assert scheme is not None
    every = list(facts(conformance, name))
    assert every
    wrong = [fact for fact in every if compare(scheme, fact[0], fact[2]) != _SIGNS[fact[1]]]
    wrong += [fact for fact in every if compare(scheme, fact[2], fact[0]) != -_SIGNS[fact[1]]]
    assert wrong == []


@pytest.mark.parametrize(
    ("scheme", "ordered"),
    [
        ("dpkg", ["0~", "0", "0a", "0.0~", "0.0", "0.0-0a"]),
        ("dpkg", ["1.0~rc1", "1.0", "1.0-1", "1.0-1+b1", "1.0a", "1.0+dfsg", "1:0.1"]),
        ("rpm", ["1.0~rc1-1", "1.0-1.el9", "1.0-1.el9_2", "1.0-2.el9", "1.0^git1-1", "1.0.1-1", "1:0-1"]),
        ("apk", ["1.0_alpha", "1.0_rc1", "1.0", "1.0-r1", "1.0_p1", "1.0a", "1.0.1", "1.1", "1.10"]),
        ("pep440", ["old-thing", "1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0+deb1", "1.0.post1", "1.1", "1!0"]),
        ("semver", ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc.1", "1.0.0", "v1.0.1", "1.1", "2"]),
        ("go", ["v0.0.0-20190101000000-abcdefabcdef", "v0.0.1", "v1.9.0", "v1.10.0-rc.1", "v2.0.0+incompatible"]),
        ("go", ["go1.21rc2", "go1.21.0", "1.21.1", "go1.22"]),
        ("maven", ["1-alpha1", "1-beta", "1-m1", "1-rc1", "1-SNAPSHOT", "1", "1-sp", "1-jre", "1-1", "1.1"]),
        ("rubygems", ["1.0.a", "1.0.b1", "1.0", "1.0.0.1", "1.1.pre", "1.1"]),
        ("nuget", ["1.0.0-alpha", "1.0.0-Beta", "1.0", "1.0.0.1", "1.1"]),
        ("packagist", ["1.0-dev", "1.0-alpha1", "1.0-BETA2", "1.0-RC1", "v1.0", "1.0-p1", "1.1"]),
        ("pub", ["1.0.0-a", "1.0.0-a+1", "1.0.0", "1.0.0+1", "1.0.0+a"]),
        ("cran", ["1.0", "1.0-1", "1.0.2", "1.1"]),
        ("hackage", ["0.9", "0.10", "0.10.0"]),
    ],
)
def test_orders_that_matter(scheme: str, ordered: list[str]) -> None:
    for index, version in enumerate(ordered):
        for later in ordered[index + 1 :]:
            assert compare(scheme, version, later) == -1, (version, later)


@pytest.mark.parametrize(("scheme", "one", "other"), [
    ("go", "v2.0.0+incompatible", "2.0.0"),
    ("pep440", "1.0", "v1.0.0"),
    ("pep440", "1.0-1", "1.0.post1"),
    ("dpkg", "0:1.0", "1.0-0"),
    ("nuget", "1.0", "1.0.0.0+abc"),
    ("rubygems", "1.0.0", "1"),
])  # fmt: skip
def test_spellings_that_are_equal(scheme: str, one: str, other: str) -> None:
    assert compare(scheme, one, other) == 0


@pytest.mark.parametrize(("scheme", "version"), [
    ("semver", "latest"),
    ("semver", "file:../lib"),
    ("go", "(devel)"),
    ("cran", "one"),
    ("dpkg", "a:1"),
    ("dpkg", ""),
    ("rpm", "1\x00"),
    ("rubygems", "master"),
    ("pep440", "1" * 600),
])  # fmt: skip
def test_what_is_no_version_is_told(scheme: str, version: str) -> None:
    for _ in range(2):
        with pytest.raises(InvalidVersion):
            sort_key(scheme, version)


def test_unknown_ecosystems_have_no_scheme() -> None:
    assert scheme_of("Linux") is None
    assert scheme_of("Rocky Linux:9") == "rpm"


_VERSIONS = st.one_of(
    st.from_regex(r"[0-9]{1,3}([.~^_+-]?([0-9]{1,3}|[a-z]{1,4}|rc|alpha|SNAPSHOT|post|dev)){0,5}", fullmatch=True),
    st.text(alphabet="0129.-~^+_:!abpvrRC ", max_size=12),
    st.text(max_size=20),
)


def ordered(scheme: str, versions: list[str]) -> list[str]:
    kept = []
    for version in versions:
        try:
            sort_key(scheme, version)
        except InvalidVersion:
            continue
        kept.append(version)
    return kept


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
@given(st.lists(_VERSIONS, min_size=3, max_size=5))
def test_any_text_has_its_place_or_none(scheme: str, versions: list[str]) -> None:
    kept = ordered(scheme, versions)
    for one in kept:
        assert compare(scheme, one, one) == 0
        for other in kept:
            assert compare(scheme, one, other) == -compare(scheme, other, one)
    if scheme == "maven":  # known not to be transitive
        return
    in_line = sorted(kept, key=lambda version: sort_key(scheme, version))
    for index, one in enumerate(in_line):
        for later in in_line[index + 1 :]:
            assert compare(scheme, one, later) <= 0


_DEBIAN = st.from_regex(r"(?:[0-2]:)?[0-9][0-9a-c.+~]{0,6}(?:-[0-9a-c.+~]{1,4})?", fullmatch=True)
_RPM = st.from_regex(r"[0-9a-b.~^_]{1,8}", fullmatch=True)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed")
@given(_DEBIAN, _DEBIAN)
def test_dpkg_agrees(one: str, other: str) -> None:
    sign = compare("dpkg", one, other)
    relation = {-1: "lt", 0: "eq", 1: "gt"}[sign]
    assert subprocess.run(["dpkg", "--compare-versions", one, relation, other], check=False).returncode == 0


@pytest.mark.skipif(shutil.which("rpm") is None, reason="rpm is not installed")
@given(st.lists(st.tuples(_RPM, _RPM), min_size=8, max_size=8))
def test_rpm_agrees(pairs: list[tuple[str, str]]) -> None:
    calls = " ".join(f'print(rpm.vercmp("{one}","{other}").." ")' for one, other in pairs)
    told = subprocess.run(["rpm", "--eval", f"%{{lua:{calls}}}"], capture_output=True, text=True, check=True).stdout
    assert [int(each) for each in told.split()] == [compare("rpm", one, other) for one, other in pairs]


_PEP440 = st.from_regex(
    r"(?:[0-1]!)?[0-9]{1,2}(?:\.[0-9]){0,3}(?:(?:a|rc|\.beta)[0-9]?)?(?:\.post[0-9])?(?:\.dev[0-9])?(?:\+[a-z0-9]{1,2})?",
    fullmatch=True,
)


@given(_PEP440, _PEP440)
def test_packaging_agrees(one: str, other: str) -> None:
    first, second = Version(one), Version(other)
    assert compare("pep440", one, other) == (first > second) - (first < second)
