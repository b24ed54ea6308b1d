"""Package URLs against the reference library."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from seawall.model.purl import PurlError, make_purl, parse_purl

TYPES = (
    "deb",
    "apk",
    "rpm",
    "pypi",
    "npm",
    "golang",
    "cargo",
    "maven",
    "gem",
    "composer",
    "nuget",
    "hex",
    "conan",
    "oci",
)
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/", exclude_categories=("Cs", "Zs", "Cc", "Zl", "Zp")),
    min_size=1,
    max_size=12,
)
VERSIONS = st.text(st.sampled_from("0123456789.:+~-^%@abcrc_ü"), max_size=10)


@given(
    st.sampled_from(TYPES),
    st.one_of(st.just(""), NAMES),
    NAMES,
    VERSIONS,
    st.dictionaries(st.sampled_from(["arch", "epoch", "distro"]), VERSIONS),
)
def test_as_the_reference_library_writes_them(
    type_: str, namespace: str, name: str, version: str, qualifiers: dict[str, str]
) -> None:
    if type_ == "oci":
        version = version.lower()
    if type_ in ("deb", "rpm"):  # lower case says the specification; the library does not mind
        namespace = namespace.lower()
    if type_ == "deb":
        name = name.lower()
    ours = make_purl(type_, namespace, name, version, qualifiers)
    theirs = PackageURL(type_, namespace, name, version, qualifiers).to_string()
    # The library lowers escapes along with the name; the specification compares them in either case.
    theirs = re.sub("%[0-9a-f]{2}", lambda found: found[0].upper(), theirs)
    assert ours == theirs


@given(
    st.sampled_from(TYPES),
    st.one_of(st.just(""), NAMES),
    NAMES,
    VERSIONS,
    st.dictionaries(st.sampled_from(["arch", "epoch"]), VERSIONS),
)
def test_what_is_written_is_read(
    type_: str, namespace: str, name: str, version: str, qualifiers: dict[str, str]
) -> None:
    purl = parse_purl(make_purl(type_, namespace, name, version, qualifiers))
    again = make_purl(purl.type, purl.namespace, purl.name, purl.version, purl.qualifiers)
    assert again == make_purl(type_, namespace, name, version, qualifiers)
    assert purl.version == version


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pkg:npm/%40angular/core@17.0.0", ("npm", "@angular", "core", "17.0.0")),
        ("pkg:npm/@angular/core@17.0.0", ("npm", "@angular", "core", "17.0.0")),
        ("pkg:golang/github.com/a/b@v1.0.0#c/d", ("golang", "github.com/a", "b", "v1.0.0")),
        ("pkg://deb/debian/curl@7.50.3-1?arch=i386&distro=jessie", ("deb", "debian", "curl", "7.50.3-1")),
        ("PKG:RPM/fedora/curl", ("rpm", "fedora", "curl", "")),
    ],
)
def test_read(text: str, expected: tuple[str, str, str, str]) -> None:
    purl = parse_purl(text)
    assert (purl.type, purl.namespace, purl.name, purl.version) == expected


@pytest.mark.parametrize(
    "text",
    ["", "npm/a", "pkg:", "pkg:npm", "pkg:npm/", "pkg:npm/@1", "pkg:n m/a", "pkg:npm/a?x", "pkg:a/" + "b" * 5000],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(PurlError):
        parse_purl(text)


@given(st.text(max_size=60).map("pkg:npm/".__add__))
def test_any_text_is_answered(text: str) -> None:
    with contextlib.suppress(PurlError):
        parse_purl(text)
