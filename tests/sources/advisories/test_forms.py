"""Each source's own form is read into the one form of advisories."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model.advisories import Entry, Known
from seawall.sources.advisories.alpine import parse_secdb
from seawall.sources.advisories.cvss import score_vector
from seawall.sources.advisories.debian import parse_tracker
from seawall.sources.advisories.exploited import parse_epss, parse_kev
from seawall.sources.advisories.files import FileReader, advisory_files
from seawall.sources.advisories.osv import parse_osv, parse_osv_yaml
from seawall.sources.advisories.problem import AdvisoryProblem
from seawall.sources.advisories.redhat import parse_redhat_vex

OSV = {
    "id": "GHSA-1",
    "modified": "2024-01-01T00:00:00Z",
    "affected": [{"package": {"ecosystem": "npm", "name": "thing"}, "versions": ["1.0"]}],
}
TRACKER: dict[str, Any] = {
    "thing": {
        "CVE-2024-1": {
            "description": "thing is broken",
            "releases": {
                "bookworm": {"status": "resolved", "fixed_version": "1.2-3", "urgency": "low"},
                "bullseye": {"status": "open", "urgency": "not yet assigned", "nodsa_reason": "ignored"},
                "buster": {"status": "open", "urgency": "end-of-life"},
                "trixie": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"},
                "sid": {"status": "undetermined", "urgency": "unimportant"},
            },
        }
    }
}


def test_debian() -> None:
    (entry,) = parse_tracker(json.dumps(TRACKER).encode(), "tracker")
    said = {ecosystem: affected for ecosystem, _, affected in entry.affected}
    assert {each: (a.state, a.severity) for each, a in said.items()} == {
        "Debian:12": ("", "low"),
        "Debian:11": ("ignored", ""),
        "Debian:10": ("end-of-life", ""),
        "Debian:13": ("not-affected", ""),
        "Debian:sid": ("under-investigation", "info"),
    }
    assert said["Debian:12"].ranges == ((("introduced", "0"), ("fixed", "1.2-3")),)
    assert entry.advisory.names == ("CVE-2024-1",)


def test_alpine() -> None:
    fixes = {"1.2-r0": ["CVE-2024-1 CVE-2024-2 (+)", "XSA-1"], "0": ["CVE-2024-3"], "2-r0": None}
    secdb = {"distroversion": "v3.20", "packages": [{"pkg": {"name": "thing", "secfixes": fixes}}]}
    entries = list(parse_secdb(json.dumps(secdb).encode(), "secdb"))
    said = {entry.advisory.names[0]: entry.affected[0] for entry in entries}
    assert set(said) == {"CVE-2024-1", "CVE-2024-2", "CVE-2024-3", "XSA-1"}
    assert said["CVE-2024-1"][:2] == ("Alpine:v3.20", "thing")
    assert said["CVE-2024-1"][2].ranges == ((("introduced", "0"), ("fixed", "1.2-r0")),)
    assert said["CVE-2024-3"][2].state == "not-affected"


def test_wolfi_is_told_by_its_address() -> None:
    secdb = {
        "urlprefix": "https://packages.wolfi.dev",
        "packages": [{"pkg": {"name": "a", "secfixes": {"1": ["CVE-2024-1"]}}}],
    }
    (entry,) = parse_secdb(json.dumps(secdb).encode(), "secdb")
    assert entry.affected[0][0] == "Wolfi"
    with pytest.raises(AdvisoryProblem, match="which release"):
        list(parse_secdb(b'{"packages": []}', "secdb"))


def test_kev_and_epss() -> None:
    item = {
        "cveID": "CVE-2024-1",
        "dateAdded": "2024-03-01",
        "dueDate": "2024-03-22",
        "knownRansomwareCampaignUse": "Known",
    }
    kev = {"catalogVersion": "1", "count": 1, "vulnerabilities": [item]}
    assert parse_kev(json.dumps(kev).encode(), "kev") == [
        ("CVE-2024-1", Known(kev_added="2024-03-01", kev_due="2024-03-22", ransomware=True))
    ]
    with pytest.raises(AdvisoryProblem, match="says that it holds 2"):
        parse_kev(json.dumps({**kev, "count": 2}).encode(), "kev")
    table = ["#model_version:v2025", "cve,epss,percentile", "CVE-2024-1,0.5,0.99"]
    assert list(parse_epss(table, "epss")) == [("CVE-2024-1", Known(epss=0.5, epss_percentile=0.99))]
    for bad in (["a,b"], [*table, "CVE-2024-2,high,1"], [*table, "CVE-2024-2,7,1"], [*table, "CVE-2024-2"]):
        with pytest.raises(AdvisoryProblem):
            list(parse_epss(bad, "epss"))


def redhat() -> dict[str, Any]:
    def product(name: str, helper: dict[str, str]) -> dict[str, Any]:
        return {"product": {"product_id": name, "name": name, "product_identification_helper": helper}}

    def part(whole: str, name: str) -> dict[str, Any]:
        return {
            "category": "default_component_of",
            "full_product_name": {"product_id": f"{whole}:{name}", "name": name},
            "product_reference": name,
            "relates_to_product_reference": whole,
        }

    products = [
        product("rhel9", {"cpe": "cpe:/o:redhat:enterprise_linux:9"}),
        product("app9", {"cpe": "cpe:/a:redhat:enterprise_linux:9::appstream"}),
        product("eus", {"cpe": "cpe:/o:redhat:rhel_eus:9.2::baseos"}),
        product("curl-x86", {"purl": "pkg:rpm/redhat/curl@7.76.1-29.el9?arch=x86_64&epoch=1"}),
        product("curl-src", {"purl": "pkg:rpm/redhat/curl@7.76.1-29.el9?arch=src"}),
        product("wget", {"purl": "pkg:rpm/redhat/wget"}),
        product(
            "nginx-x86", {"purl": "pkg:rpm/redhat/nginx@1.24-1.module%2Bel9?arch=x86_64&rpmmod=nginx%3A1.24%3A9%3Aabc"}
        ),
        product("vim", {"purl": "pkg:rpm/redhat/vim"}),
    ]
    relationships = [
        part("rhel9", "curl-x86"), part("rhel9", "curl-src"), part("rhel9", "wget"), part("eus", "curl-x86"),
        part("app9", "nginx-x86"), part("rhel9", "vim"),
    ]  # fmt: skip
    vulnerability = {
        "cve": "CVE-2024-1",
        "title": "curl: broken",
        "product_status": {
            "fixed": ["rhel9:curl-x86", "rhel9:curl-src", "eus:curl-x86", "app9:nginx-x86"],
            "known_affected": ["rhel9:wget"],
            "known_not_affected": ["rhel9:vim"],
        },
        "remediations": [{"category": "no_fix_planned", "details": "Will not fix", "product_ids": ["rhel9:wget"]}],
        "threats": [{"category": "impact", "details": "Important", "product_ids": ["rhel9:curl-x86"]}],
        "scores": [{"cvss_v3": {"vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}],
    }
    return {
        "document": {"csaf_version": "2.0", "category": "csaf_vex", "aggregate_severity": {"text": "Moderate"}},
        "product_tree": {"branches": [{"branches": products}], "relationships": relationships},
        "vulnerabilities": [vulnerability],
    }


def test_redhat() -> None:
    entry = parse_redhat_vex(json.dumps(redhat()).encode(), "vex")
    assert isinstance(entry, Entry)
    assert (entry.advisory.severity, entry.advisory.cvss[0].score) == ("medium", 7.5)
    said = {package: (ecosystem, affected) for ecosystem, package, affected in entry.affected}
    assert set(said) == {"curl", "wget", "nginx", "vim"}
    ecosystem, curl = said["curl"]
    assert (ecosystem, curl.severity) == ("Red Hat:9", "high")
    assert curl.ranges == ((("introduced", "0"), ("fixed", "1:7.76.1-29.el9")),)
    assert said["wget"][1].state == "ignored"
    assert said["vim"][1].state == "not-affected"
    assert said["nginx"][1].module == "nginx:1.24"


@pytest.mark.parametrize(
    ("vector", "version", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "3.1", 9.8),
        ("CVSS:3.0/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N", "3.0", 2.5),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "4.0", 9.3),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", "2.0", 7.5),
    ],
)
def test_scores(vector: str, version: str, score: float) -> None:
    scored = score_vector(vector)
    assert scored is not None
    assert (scored.version, scored.score) == (version, score)


@given(st.text(max_size=60).map(lambda text: f"CVSS:3.1/{text}") | st.text(max_size=60))
def test_vectors_that_are_none(vector: str) -> None:
    scored = score_vector(vector)
    assert scored is None or 0 <= scored.score <= 10


def test_yaml_scalars_are_text() -> None:
    text = """
id: X-1
modified: 2024-01-01
affected:
- package: {ecosystem: PyPI, name: thing}
  versions: [1.10, 2, yes, 1e3, null]
  ranges: [{type: ECOSYSTEM, events: [{introduced: 0}, {fixed: 1.20}]}]
"""
    with pytest.raises(AdvisoryProblem, match="got `null`"):
        parse_osv_yaml(text.encode(), "x.yaml")
    entry = parse_osv_yaml(text.replace(", null", "").encode(), "x.yaml")
    assert isinstance(entry, Entry)
    affected = entry.affected[0][2]
    assert affected.versions == ("1.10", "2", "yes", "1e3")
    assert affected.ranges == ((("introduced", "0"), ("fixed", "1.20")),)


@pytest.mark.parametrize(
    "text", ["a: &a [1]\nb: *a", "[" * 100, "a: b: c", "id: 1", "\x00", "id: x\naffected: 7", "- id", "\xff"]
)
def test_yaml_that_is_no_advisory(text: str) -> None:
    with pytest.raises(AdvisoryProblem):
        entry = parse_osv_yaml(text.encode("latin-1"), "x.yaml")
        assert isinstance(entry, str)
        raise AdvisoryProblem(entry)


PARSERS: tuple[Callable[[bytes, str], Any], ...] = (
    parse_osv,
    parse_osv_yaml,
    parse_redhat_vex,
    parse_kev,
    parse_tracker,
    parse_secdb,
)


@given(
    st.binary(max_size=200)
    | st.dictionaries(st.text(max_size=8), st.text(max_size=8)).map(lambda d: json.dumps(d).encode())
)
def test_no_bytes_break_a_parser(data: bytes) -> None:
    for parse in PARSERS:
        try:
            made = parse(data, "x")
            if not isinstance(made, Entry | str):
                list(made)
        except AdvisoryProblem:
            pass


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({**OSV, "withdrawn": "2024-01-02T00:00:00Z"}, "withdrawn"),
        (
            {**OSV, "affected": [{"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}]},
            "only ranges of git commits",
        ),
        ({**OSV, "affected": []}, "no package"),
    ],
)
def test_what_is_left_out_has_a_reason(document: dict[str, Any], reason: str) -> None:
    assert parse_osv(json.dumps(document).encode(), "x") == reason


def archive(path: Path, files: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as made:
            for name, data in files.items():
                made.writestr(name, data)
        return path
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    packers: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".xz": lzma.compress}
    path.write_bytes(packers.get(path.suffix, bytes)(buffer.getvalue()))
    return path


@pytest.mark.parametrize("name", ["all.zip", "all.tar", "all.tar.gz", "all.tar.xz"])
def test_archives(tmp_path: Path, name: str) -> None:
    files = {
        "a.json": json.dumps(OSV).encode(),
        "b.yaml": b"id: X-1\nmodified: x\n",
        "readme.md": b"text",
        "c.json": b"{",
    }
    reader = FileReader(str(archive(tmp_path / name, files)))
    assert len(list(reader.items())) == 1
    assert reader.left_out == {"no package": 1, "unreadable": 1}
    assert "c.json" in reader.problems[0]


@pytest.mark.parametrize("name", ["all.zip", "all.tar.gz", "all.tar.xz"])
def test_damaged_archives(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / name, {f"{n}.json": json.dumps({**OSV, "id": f"A-{n}"}).encode() for n in range(50)})
    data = path.read_bytes()
    for broken in (data[: len(data) // 2], b"", data[:40] + bytes(20) + data[60:]):
        path.write_bytes(broken)
        with pytest.raises(AdvisoryProblem):
            list(FileReader(str(path)).items())


def test_an_archive_of_other_things_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "all.zip", {f"{n}.json": b"{}" for n in range(50)})
    with pytest.raises(AdvisoryProblem):
        list(FileReader(str(path)).items())
    with pytest.raises(AdvisoryProblem, match="no advisories"):
        list(FileReader(str(archive(tmp_path / "other.zip", {"a.txt": b""}))).items())


def test_kinds_of_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "tracker.json").write_text(json.dumps(TRACKER))
    (tmp_path / "one.json").write_text(json.dumps(OSV))
    (tmp_path / "vex.json").write_text(json.dumps(redhat()))
    (tmp_path / "kev.json").write_text('{"catalogVersion": "1", "vulnerabilities": []}')
    (tmp_path / "alpine.json").write_text('{"distroversion": "v3.20", "packages": []}')
    (tmp_path / "epss.csv.gz").write_bytes(gzip.compress(b"cve,epss,percentile\nCVE-2024-1,0.1,0.2\n"))
    (tmp_path / ".hidden.json").write_text("{}")
    taken = {Path(path).name: len(list(FileReader(path).items())) for path in advisory_files(str(tmp_path))}
    assert taken == {
        "alpine.json": 0, "epss.csv.gz": 1, "kev.json": 0, "one.json": 1, "tracker.json": 1, "vex.json": 1,
    }  # fmt: skip
    (tmp_path / "strange.json").write_text('{"hello": 1}')
    with pytest.raises(AdvisoryProblem, match="no advisory in any form"):
        list(FileReader(str(tmp_path / "strange.json")).items())
