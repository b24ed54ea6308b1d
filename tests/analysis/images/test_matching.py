"""Inventories are matched by ecosystem, name, range and version; what is one vulnerability is told once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seawall.analysis.images.matching import Matcher, end_of_life, origin_of
from seawall.model.advisories import Advisory, Affected, Entry, Known
from seawall.model.images import ImageInventory, OsRelease, Package
from seawall.model.vulnerabilities import ImageVerdict, image_name
from tests.analysis.images.made import BOOKWORM, database, image, osv, package

FIXED = [{"introduced": "0"}, {"fixed": "2.0"}]
V3 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
V4 = {"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"}


def verdict(tmp_path: Path, documents: list[dict[str, Any]], inventory: ImageInventory, **more: Any) -> ImageVerdict:
    with database(tmp_path / "db", documents, **more) as store:
        return Matcher(store, "2026-11-25").match(inventory)


def ids(found: ImageVerdict) -> list[str]:
    return [each.id for each in found.vulnerabilities]


@pytest.mark.parametrize(
    ("events", "affected", "safe"),
    [
        ([{"introduced": "0"}, {"fixed": "2.0"}], ["0.1", "1.9"], ["2.0", "3"]),
        ([{"introduced": "1.0"}], ["1.0", "9"], ["0.9"]),
        ([{"introduced": "1.0"}, {"last_affected": "1.5"}], ["1.0", "1.5"], ["0.9", "1.5.1"]),
        # Events come in any order.
        (
            [{"fixed": "3.2"}, {"introduced": "3.0"}, {"introduced": "0"}, {"fixed": "1.2"}],
            ["1.1", "3.1"],
            ["2", "3.2"],
        ),
        ([{"introduced": "0"}, {"limit": "2.0"}], ["1.0"], ["2.0", "2.5"]),
        ([{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}], ["0.5", "2.0"], ["1.0", "1.9"]),
    ],
)
def test_ranges(tmp_path: Path, events: list[dict[str, str]], affected: list[str], safe: list[str]) -> None:
    with database(tmp_path / "db", [osv("CVE-2024-1", "PyPI", "thing", events)]) as store:
        matcher = Matcher(store, "2026-11-25")
        for version in affected:
            assert ids(matcher.match(image([package("pypi", "thing", version)]))) == ["CVE-2024-1"], version
        for version in safe:
            assert ids(matcher.match(image([package("pypi", "thing", version)]))) == [], version


def test_enumerated_versions_count_as_well(tmp_path: Path) -> None:
    document = osv("CVE-2024-1", "PyPI", "thing", FIXED, affected={"versions": ["2.5", "weird version"]})
    for version in ("1.0", "2.5", "weird version"):
        assert ids(verdict(tmp_path, [document], image([package("pypi", "thing", version)]))) == ["CVE-2024-1"]


@pytest.mark.parametrize(
    ("ecosystem", "advised", "type_", "installed"),
    [
        ("PyPI", "Flask_Login", "pypi", "flask.login"),
        ("npm", "@angular/core", "npm", "@angular/core"),
        ("Maven", "org.apache:log4j", "maven", "org.apache:log4j"),
        ("Packagist", "Symfony/HTTP", "composer", "symfony/http"),
        ("NuGet", "Newtonsoft.Json", "nuget", "newtonsoft.json"),
        ("Go", "github.com/a/b", "golang", "github.com/a/b"),
        ("crates.io", "serde_json", "cargo", "serde-json"),
    ],
)
def test_names_are_spelled_in_several_ways(
    tmp_path: Path, ecosystem: str, advised: str, type_: str, installed: str
) -> None:
    found = verdict(tmp_path, [osv("CVE-2024-1", ecosystem, advised, FIXED)], image([package(type_, installed, "1.0")]))
    assert ids(found) == ["CVE-2024-1"]
    assert found.vulnerabilities[0].packages[0].fixed == ("2.0",)


def test_distributions_are_matched_by_release_and_source_package(tmp_path: Path) -> None:
    documents = [
        osv("DEBIAN-CVE-2024-1", "Debian:12", "openssl", [{"introduced": "0"}, {"fixed": "3.0.2-1"}]),
        osv("DEBIAN-CVE-2024-2", "Debian:11", "openssl", [{"introduced": "0"}]),
    ]
    for name in ("libssl3", "openssl"):
        own = package("deb", name, "3.0.1-1+b1", source_name="openssl", source_version="3.0.1-1")
        assert ids(verdict(tmp_path, documents, image([own]))) == ["CVE-2024-1"]
    fixed = package("deb", "libssl3", "3.0.2-1+b1", source_name="openssl", source_version="3.0.2-1")
    assert ids(verdict(tmp_path, documents, image([fixed]))) == []


def test_binary_packages_of_one_source_are_one_vulnerability(tmp_path: Path) -> None:
    documents = [osv("DEBIAN-CVE-2024-1", "Debian:12", "openssl", FIXED)]
    both = [package("deb", name, "1.0", source_name="openssl", source_version="1.0") for name in ("libssl3", "openssl")]
    (only,) = verdict(tmp_path, documents, image(both)).vulnerabilities
    assert [each.package.name for each in only.packages] == ["libssl3", "openssl"]


def test_aliases_are_one_vulnerability(tmp_path: Path) -> None:
    documents = [
        osv("GHSA-aaaa-bbbb-cccc", "PyPI", "thing", FIXED, aliases=["CVE-2024-1"], severity=[V3]),
        osv("PYSEC-2024-1", "PyPI", "thing", FIXED, aliases=["CVE-2024-1", "GHSA-aaaa-bbbb-cccc"]),
        osv("DEBIAN-CVE-2024-1", "Debian:12", "python-thing", FIXED, upstream=["CVE-2024-1"]),
    ]
    packages = [package("pypi", "thing", "1.0"), package("deb", "python3-thing", "1.0", source_name="python-thing")]
    (only,) = verdict(tmp_path, documents, image(packages)).vulnerabilities
    assert (only.id, set(only.names)) == (
        "CVE-2024-1",
        {"GHSA-aaaa-bbbb-cccc", "PYSEC-2024-1", "DEBIAN-CVE-2024-1"},
    )
    assert len(only.packages) == 2


def test_an_erratum_is_each_of_its_vulnerabilities(tmp_path: Path) -> None:
    documents = [
        osv("RLSA-2024:1", "Rocky Linux:9", "curl", FIXED, upstream=["CVE-2024-1", "CVE-2024-2"], summary="curl"),
        osv("RLSA-2024:2", "Rocky Linux:9", "curl", FIXED, related=["CVE-2024-2"]),
    ]
    rocky = OsRelease("rocky", "9.4", name="Rocky Linux 9.4")
    found = verdict(tmp_path, documents, image([package("rpm", "curl", "1.0-1")], rocky))
    assert sorted(ids(found)) == ["CVE-2024-1", "CVE-2024-2"]
    assert {each.id: each.packages[0].advisories for each in found.vulnerabilities} == {
        "CVE-2024-1": ("RLSA-2024:1",),
        "CVE-2024-2": ("RLSA-2024:1", "RLSA-2024:2"),
    }


def test_withdrawn_and_disputed(tmp_path: Path) -> None:
    documents = [
        osv("CVE-2024-1", "PyPI", "thing", FIXED, withdrawn="2024-02-01T00:00:00Z"),
        osv("CVE-2024-2", "PyPI", "thing", FIXED, details="** DISPUTED ** this is by design"),
    ]
    (only,) = verdict(tmp_path, documents, image([package("pypi", "thing", "1.0")])).vulnerabilities
    assert (only.id, only.disputed) == ("CVE-2024-2", True)


@pytest.mark.parametrize(
    ("more", "known", "expected"),
    [
        ({"severity": [V3]}, {}, ("critical", "CVSS 3.1")),
        ({"severity": [V3, V4]}, {}, ("medium", "CVSS 4.0")),
        ({"database_specific": {"severity": "LOW"}}, {}, ("low", "ghsa")),
        ({"severity": [V3], "database_specific": {"severity": "LOW"}}, {}, ("critical", "CVSS 3.1")),
        ({}, {}, ("medium", "")),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:oops"}]}, {}, ("medium", "")),
    ],
)
def test_severity(tmp_path: Path, more: dict[str, Any], known: dict[str, Known], expected: tuple[str, str]) -> None:
    documents = [osv("GHSA-1", "PyPI", "thing", FIXED, aliases=["CVE-2024-1"], **more)]
    (only,) = verdict(tmp_path, documents, image([package("pypi", "thing", "1.0")]), known=known).vulnerabilities
    assert (only.severity, only.judged_by) == expected


def test_the_distribution_s_severity_is_first(tmp_path: Path) -> None:
    documents = [
        osv("UBUNTU-CVE-2024-1", "Ubuntu:22.04:LTS", "thing", FIXED, severity=[V3, {"type": "Ubuntu", "score": "low"}])
    ]
    jammy = OsRelease("ubuntu", "22.04", "jammy", "Ubuntu 22.04")
    (only,) = verdict(tmp_path, documents, image([package("deb", "thing", "1.0")], jammy)).vulnerabilities
    assert (only.severity, only.judged_by) == ("low", "ubuntu")
    assert only.cvss is not None
    assert only.cvss.score == 9.8


def test_what_is_known_of_a_cve_comes_along(tmp_path: Path) -> None:
    known = {"CVE-2024-1": Known(kev_added="2024-03-01", epss=0.9), "CVE-2024-3": Known(epss=0.2)}
    documents = [osv(f"CVE-2024-{n}", "PyPI", "thing", FIXED) for n in (1, 2, 3)]
    found = verdict(tmp_path, documents, image([package("pypi", "thing", "1.0")]), known=known)
    assert [(each.id, each.kev_added, each.epss) for each in found.vulnerabilities] == [
        ("CVE-2024-1", "2024-03-01", 0.9),
        ("CVE-2024-3", "", 0.2),
        ("CVE-2024-2", "", -1.0),
    ]


def tracker(state: str = "", severity: str = "", ranges: Any = ((("introduced", "0"),),)) -> Entry:
    advisory = Advisory("TRACKER-CVE-2024-1", "debian", names=("CVE-2024-1",))
    affected = Affected(advisory.id, "debian", ranges, state=state, severity=severity)
    return Entry(advisory, (("Debian:12", "thing", affected),))


def test_a_distribution_s_own_word_is_preferred(tmp_path: Path) -> None:
    documents = [
        osv("DEBIAN-CVE-2024-1", "Debian:12", "thing", FIXED),
        osv("DEBIAN-CVE-2024-2", "Debian:12", "thing", FIXED),
    ]
    own = image([package("deb", "thing", "1.0")])
    assert ids(verdict(tmp_path, documents, own, more=[tracker("not-affected")])) == ["CVE-2024-2"]
    found = verdict(tmp_path, documents, own, more=[tracker("ignored", "low")])
    first = next(each for each in found.vulnerabilities if each.id == "CVE-2024-1")
    assert (first.severity, first.judged_by, first.packages[0].state) == ("low", "debian", "ignored")


@pytest.mark.parametrize(
    ("version", "module", "expected"),
    [
        ("1.0-1.module+el9+1", "nginx:1.24:9010:abc:x86_64", ["CVE-2024-1"]),
        ("1.0-1.module+el9+1", "nginx:1.22", []),
        ("1.0-1.el9", "", []),
        ("3.0-1.module+el9+1", "nginx:1.24", []),
    ],
)
def test_modules_of_rpms(tmp_path: Path, version: str, module: str, expected: list[str]) -> None:
    affected = {"ecosystem_specific": {"module": "nginx:1.24"}}
    events = [{"introduced": "0"}, {"fixed": "2.0-1.module+el9+2"}]
    document = osv("ALSA-2024:1", "AlmaLinux:9", "nginx", events, upstream=["CVE-2024-1"], affected=affected)
    alma = OsRelease("almalinux", "9.4", name="AlmaLinux 9.4")
    found = verdict(tmp_path, [document], image([package("rpm", "nginx", version, module=module)], alma))
    assert ids(found) == expected


def test_go_s_standard_library_and_what_has_no_version(tmp_path: Path) -> None:
    documents = [
        osv("GO-2024-1", "Go", "stdlib", [{"introduced": "1.21.0-0"}, {"fixed": "1.21.8"}], aliases=["CVE-2024-1"]),
        osv("GO-2024-2", "Go", "github.com/a/b", FIXED),
    ]
    packages = [package("golang", "stdlib", "go1.21.3"), package("golang", "example.com/own", "(devel)")]
    found = verdict(tmp_path, documents, image(packages, None))
    assert (ids(found), found.unjudged) == (["CVE-2024-1"], ())
    found = verdict(tmp_path, documents, image([package("golang", "github.com/a/b", "(devel)")], None))
    assert found.vulnerabilities == ()
    assert "no version" in found.unjudged[0].reason


@pytest.mark.parametrize(
    ("own", "os", "reason"),
    [
        (package("deb", "a", "1"), None, "the distribution is not known"),
        (package("deb", "a", "1"), OsRelease("debian", "11"), "the database holds no advisories of Debian:11"),
        (package("npm", "a", "1"), BOOKWORM, "the database holds no advisories of npm"),
        (package("generic", "a", "1"), BOOKWORM, "there are no advisories for packages of type generic"),
        (package("deb", "a", "1"), OsRelease("kali", "2024", name="Kali"), "there are no advisories for Kali 2024"),
    ],
)
def test_what_cannot_be_judged_is_told(tmp_path: Path, own: Package, os: OsRelease | None, reason: str) -> None:
    found = verdict(tmp_path, [osv("CVE-2024-1", "Debian:12", "thing", FIXED)], image([own, own], os))
    assert [(each.reason, each.count, each.first) for each in found.unjudged] == [(reason, 2, "a 1")]


def test_a_language_package_of_the_distribution_is_judged_by_it_alone(tmp_path: Path) -> None:
    documents = [osv("PYSEC-1", "PyPI", "thing", FIXED), osv("DEBIAN-CVE-2024-9", "Debian:12", "other", FIXED)]
    packages = [package("deb", "python3-thing", "1.0"), package("pypi", "thing", "1.0", owner="python3-thing")]
    assert ids(verdict(tmp_path, documents, image(packages))) == []
    # A distribution that nothing is known of protects nothing.
    assert ids(verdict(tmp_path, documents, image(packages, OsRelease("kali", "1")))) == ["PYSEC-1"]


@pytest.mark.parametrize(
    ("os", "type_", "ecosystem"),
    [
        (OsRelease("debian", "12.5", "bookworm"), "deb", "Debian:12"),
        (OsRelease("debian", "", "trixie"), "deb", "Debian:13"),
        (OsRelease("ubuntu", "24.04"), "deb", "Ubuntu:24.04"),
        (OsRelease("alpine", "3.20.3"), "apk", "Alpine:v3.20"),
        (OsRelease("alpine", "3.22.0_alpha20250108"), "apk", "Alpine:edge"),
        (OsRelease("wolfi", "20230201"), "apk", "Wolfi"),
        (OsRelease("rhel", "9.4"), "rpm", "Red Hat:9"),
        (OsRelease("rocky", "8.9"), "rpm", "Rocky Linux:8"),
        (OsRelease("sles", "15.5"), "rpm", "SUSE:Linux Enterprise Server 15 SP5"),
        (OsRelease("opensuse-leap", "15.6"), "rpm", "openSUSE:Leap 15.6"),
        (OsRelease("centos", "9", name="CentOS Stream"), "rpm", ""),
        (OsRelease("centos", "7", name="CentOS Linux"), "rpm", "Red Hat:7"),
    ],
)
def test_ecosystems_of_distributions(os: OsRelease, type_: str, ecosystem: str) -> None:
    assert origin_of(package(type_, "a", "1"), os).ecosystem == ecosystem


def test_end_of_life() -> None:
    assert end_of_life(OsRelease("debian", "9"), "2026-11-25") == "2022-06-30"
    assert end_of_life(OsRelease("debian", "12"), "2026-11-25") == ""
    assert end_of_life(OsRelease("centos", "8"), "2026-11-25") == "2021-12-31"
    assert end_of_life(OsRelease("alpine", "3.16.1"), "2026-11-25") == "2024-05-23"
    assert end_of_life(None, "2026-11-25") == ""


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("nginx:1.27", "nginx@sha256:a"),
        ("localhost:5000/a/b:1", "localhost:5000/a/b@sha256:a"),
        ("localhost:5000/a/b@sha256:b", "localhost:5000/a/b@sha256:a"),
    ],
)
def test_names_of_images(reference: str, name: str) -> None:
    assert image_name(reference, "sha256:a") == name
    assert image_name(reference, "") == reference


def test_suse_tells_by_module(tmp_path: Path) -> None:
    module = "SUSE:Linux Enterprise Module for Basesystem 15 SP5"
    documents = [
        osv("SUSE-SU-2024:1-1", module, "curl", FIXED, upstream=["CVE-2024-1"]),
        osv("SUSE-SU-2024:2-1", "SUSE:Linux Enterprise Server 15 SP5", "other", FIXED, upstream=["CVE-2024-2"]),
    ]
    sles = OsRelease("sles", "15.5", name="SUSE Linux Enterprise Server 15 SP5")
    own = package("rpm", "libcurl4", "1.0-1", source_name="curl", source_version="1.0-1")
    assert ids(verdict(tmp_path, documents, image([own], sles))) == ["CVE-2024-1"]


def test_an_rpm_s_source_has_its_epoch(tmp_path: Path) -> None:
    events = [{"introduced": "0"}, {"fixed": "1:1.0-1"}]
    documents = [osv("RLSA-2024:1", "Rocky Linux:9", "curl", events, upstream=["CVE-2024-1"])]
    rocky = OsRelease("rocky", "9.4", name="Rocky Linux 9.4")
    own = package("rpm", "libcurl", "1:1.0-1", source_name="curl", source_version="1.0-1")
    assert ids(verdict(tmp_path, documents, image([own], rocky))) == []


def test_malicious_packages_are_critical(tmp_path: Path) -> None:
    documents = [osv("MAL-2024-1", "npm", "thing", [{"introduced": "0"}])]
    (only,) = verdict(tmp_path, documents, image([package("npm", "thing", "1.0.0")], None)).vulnerabilities
    assert (only.id, only.severity, only.judged_by) == ("MAL-2024-1", "critical", "mal")


def test_an_erratum_without_cves_goes_by_its_other_names(tmp_path: Path) -> None:
    documents = [
        osv("ALSA-2024:1", "AlmaLinux:9", "thing", FIXED, aliases=["GHSA-x"]),
        osv("CGA-aaaa-bbbb", "Wolfi", "thing", FIXED, upstream=["CVE-2024-1", "GHSA-y"]),
    ]
    alma, wolfi = OsRelease("almalinux", "9.4", name="AlmaLinux"), OsRelease("wolfi", "20230201")
    assert ids(verdict(tmp_path, documents, image([package("rpm", "thing", "1.0-1")], alma))) == ["GHSA-x"]
    assert ids(verdict(tmp_path, documents, image([package("apk", "thing", "1.0-r0")], wolfi))) == ["CVE-2024-1"]
