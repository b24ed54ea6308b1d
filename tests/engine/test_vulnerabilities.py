"""Findings on images: one a vulnerability and digest, waived by VEX, and never clean where nothing could be judged."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.engine.config import load_project
from seawall.engine.explain_image import explain_image
from seawall.engine.result import ScanResult
from seawall.engine.vulnerabilities import VulnerabilityOptions, judge_images
from seawall.model.advisories import Known
from seawall.model.finding import FindingStatus, PackageEvidence, Severity
from seawall.model.images import BaseImage, ImageInventory, LayerInfo, NotLooked, OsRelease
from seawall.reports import FORMATS, render, vex
from seawall.reports.view import View
from seawall.sources.vex import VexProblem, parse_vex
from seawall.store.advisories import AdvisoryStore, DatabaseProblem
from tests.analysis.images.made import DIGEST, database, image, osv, package

FIXED = [{"introduced": "0"}, {"fixed": "2.0"}]
V3 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
OPENSSL = package(
    "deb", "libssl3", "1.0", source_name="openssl", source_version="1.0", layer=0, locations=("var/lib/dpkg/status",)
)
THING = package("pypi", "thing", "1.0", layer=1, locations=("app/METADATA",))
DOCUMENTS = [
    osv("DEBIAN-CVE-2024-1", "Debian:12", "openssl", FIXED, upstream=["CVE-2024-1"], severity=[V3]),
    osv("GHSA-aaaa", "PyPI", "thing", FIXED, aliases=["CVE-2024-2"], database_specific={"severity": "LOW"}),
    osv("PYSEC-2", "PyPI", "thing", [{"introduced": "0"}], aliases=["CVE-2024-3"]),
]
VIEW = View(False, "object", 120, 0)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    database(tmp_path / "db", DOCUMENTS, {"CVE-2024-2": Known(kev_added="2024-05-01", epss=0.7)}).close()
    return tmp_path / "db"


def judged(db: Path, *inventories: ImageInventory, **options: Any) -> ScanResult:
    return judge_images(inventories, VulnerabilityOptions(str(db), **options))


def told(result: ScanResult) -> dict[str, Any]:
    return {
        each.evidence[0].vulnerabilities[0]: each
        for each in result.findings
        if isinstance(each.evidence[0], PackageEvidence)
    }


def test_findings(db: Path) -> None:
    base = BaseImage("debian:12", 1, "layers")
    result = judged(db, image([OPENSSL, THING], base=base))
    assert result.complete, result.reasons()
    found = told(result)
    assert set(found) == {"CVE-2024-1", "CVE-2024-2", "CVE-2024-3"}
    first = found["CVE-2024-1"]
    assert (first.severity, first.resource.name) == (Severity.CRITICAL, f"registry.example/shop/api@{DIGEST}")
    (evidence,) = first.evidence
    assert (evidence.name, evidence.fixed, evidence.layer, evidence.origin) == ("libssl3", ("2.0",), 0, "base")
    assert (evidence.location, evidence.cvss) == ("var/lib/dpkg/status", 9.8)
    assert "libssl3 1.0 (fixed in 2.0)" in first.message
    # What is exploited comes first, whatever its severity.
    assert result.findings[0] is found["CVE-2024-2"]
    assert found["CVE-2024-2"].risk == 95
    origins = [each.origin for each in found["CVE-2024-2"].evidence if isinstance(each, PackageEvidence)]
    assert origins == ["own"]
    assert result.exit_code(Severity.HIGH, False) == 1


def test_all_reports_tell_them(db: Path) -> None:
    result = judged(db, image([OPENSSL, THING]))
    for name in FORMATS:
        assert b"CVE-2024-1" in b"".join(render(name, result, VIEW)), name
    schema = json.loads((files("seawall.reports") / "schemas" / "findings.v1.json").read_text())
    document = json.loads(b"".join(render("json", result, VIEW)))
    jsonschema.validate(document, schema)
    checks = jsonschema.Draft202012Validator(schema["$defs"]["finding"] | {"$defs": schema["$defs"]})
    finding = document["findings"][0]
    assert checks.is_valid(finding)
    del finding["evidence"][0]["vulnerabilities"]
    assert not checks.is_valid(finding)


def test_one_finding_a_digest(db: Path) -> None:
    other = image([OPENSSL], reference="elsewhere.example/api:2")
    result = judged(db, image([OPENSSL]), other)
    assert len(result.findings) == 1
    again = judged(db, other)
    assert [each.fingerprint for each in again.findings] == [each.fingerprint for each in result.findings]
    third = judged(db, image([OPENSSL], digest="sha256:" + "cd" * 32))
    assert third.findings[0].fingerprint != result.findings[0].fingerprint


def test_what_was_not_judged_is_not_clean(db: Path) -> None:
    result = judged(db, image([package("apk", "a", "1")], OsRelease("alpine", "3.9.1")), image([THING]))
    assert (result.complete, result.exit_code(None, False)) == (False, 2)
    assert "no advisories of Alpine:v3.9" in " ".join(result.reasons())
    cut = judged(db, image([], not_looked=(NotLooked("layer 1", "is cut off"),)))
    assert cut.exit_code(None, False) == 2
    assert "is cut off" in " ".join(cut.reasons())


def test_outdated_distributions(db: Path) -> None:
    result = judged(db, image([], OsRelease("debian", "9", name="Debian GNU/Linux 9")))
    (finding,) = result.findings
    assert (finding.rule, finding.severity) == ("outdated-distribution", Severity.HIGH)
    assert "no fixes since 2022-06-30" in finding.message


def test_choices(db: Path) -> None:
    every = image([OPENSSL, THING])
    assert set(told(judged(db, every, ignore_unfixed=True))) == {"CVE-2024-1", "CVE-2024-2"}
    assert "1 vulnerabilities without a fixed version" in judged(db, every, ignore_unfixed=True).notes[0]
    assert set(told(judged(db, every, severity=Severity.HIGH))) == {"CVE-2024-1"}


def test_what_only_a_lock_file_names_is_less_sure(db: Path) -> None:
    locked = package("pypi", "thing", "1.0", declared=True)
    result = judged(db, image([locked]))
    assert {str(each.confidence) for each in result.findings} == {"medium"}
    assert {str(each.confidence) for each in judged(db, image([locked, THING])).findings} == {"high"}


def test_no_database_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseProblem):
        judged(tmp_path / "none", image([]))


PRODUCT = f"pkg:oci/api@{DIGEST.replace(':', '%3A')}?repository_url=registry.example/shop/api"


def openvex(status: str, product: Any, **more: Any) -> dict[str, Any]:
    statement = {"vulnerability": {"name": "CVE-2024-1"}, "products": [product], "status": status, **more}
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "x",
        "author": "us",
        "timestamp": "2024-01-01T00:00:00Z",
        "statements": [statement],
    }


def cyclonedx(state: str, purl: str) -> dict[str, Any]:
    analysis = {"state": state, "justification": "code_not_reachable", "detail": "never called"}
    vulnerability = {"id": "CVE-2024-1", "analysis": analysis, "affects": [{"ref": "urn:cdx:3e671687/1#lib"}]}
    components = [{"type": "library", "bom-ref": "lib", "name": "libssl3", "purl": purl}]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": components,
        "vulnerabilities": [vulnerability],
    }


def csaf(status: str, purl: str) -> dict[str, Any]:
    product = {"product_id": "lib", "name": "lib", "product_identification_helper": {"purl": purl}}
    flags = [{"label": "vulnerable_code_not_present", "product_ids": ["lib"]}]
    return {
        "document": {"csaf_version": "2.0", "category": "csaf_vex", "publisher": {"name": "Debian"}},
        "product_tree": {"full_product_names": [product]},
        "vulnerabilities": [{"cve": "CVE-2024-1", "product_status": {status: ["lib"]}, "flags": flags}],
    }


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (
            openvex("not_affected", {"@id": PRODUCT}, justification="component_not_present"),
            "not affected: component not present",
        ),
        (openvex("fixed", {"@id": DIGEST}), "fixed"),
        (openvex("not_affected", "registry.example/shop/api:1", impact_statement="never"), "not affected: never"),
        (openvex("not_affected", {"@id": PRODUCT, "subcomponents": [{"@id": OPENSSL.purl}]}), "not affected"),
        (openvex("not_affected", {"@id": "pkg:deb/libssl3"}), "not affected"),
        (openvex("not_affected", {"@id": "x", "hashes": {"sha-256": DIGEST[7:]}}), "not affected"),
        (openvex("not_affected", {"@id": "pkg:deb/openssl"}), "not affected"),
        (cyclonedx("not_affected", OPENSSL.purl), "not affected: code not reachable; never called"),
        (cyclonedx("resolved", OPENSSL.purl), "fixed: code not reachable; never called"),
        (csaf("known_not_affected", OPENSSL.purl), "not affected: vulnerable code not present"),
    ],
)
def test_vex_waives(db: Path, tmp_path: Path, document: dict[str, Any], reason: str) -> None:
    file = tmp_path / "vex.json"
    file.write_text(json.dumps(document))
    result = judged(db, image([OPENSSL, THING]), vex=(str(file),))
    found = told(result)
    waiver = found["CVE-2024-1"].waiver
    assert waiver is not None
    assert (waiver.reason, waiver.source) == (reason, f"VEX {file}")
    assert found["CVE-2024-1"].status is FindingStatus.WAIVED
    assert found["CVE-2024-2"].status is FindingStatus.OPEN
    assert result.notes == []


@pytest.mark.parametrize(
    "document",
    [
        openvex("affected", {"@id": PRODUCT}, action_statement="upgrade"),
        openvex("under_investigation", {"@id": PRODUCT}),
        openvex("not_affected", {"@id": PRODUCT.replace("ab" * 32, "cd" * 32)}),
        openvex("not_affected", {"@id": PRODUCT, "subcomponents": ["pkg:deb/zlib1g"]}),
        openvex("not_affected", {"@id": "pkg:deb/libssl3@9.9"}),
        openvex("not_affected", {"@id": "pkg:oci/api?repository_url=registry.example/other/api"}),
        openvex("not_affected", {"@id": "pkg:oci/other", "subcomponents": [OPENSSL.purl]}),
        cyclonedx("exploitable", OPENSSL.purl),
        cyclonedx("not_affected", "pkg:deb/other@1"),
        csaf("known_affected", OPENSSL.purl),
    ],
)
def test_vex_that_does_not_waive(db: Path, tmp_path: Path, document: dict[str, Any]) -> None:
    file = tmp_path / "vex.json"
    file.write_text(json.dumps(document))
    result = judged(db, image([OPENSSL]), vex=(str(file),))
    finding = told(result)["CVE-2024-1"]
    assert finding.status is FindingStatus.OPEN
    used = "(VEX: " in finding.message
    assert used or result.notes == ["1 VEX statements are for nothing that was found"]


def test_the_latest_statement_counts(db: Path, tmp_path: Path) -> None:
    document = openvex("not_affected", {"@id": PRODUCT}, timestamp="2024-02-01T00:00:00Z")
    later = openvex("affected", {"@id": PRODUCT}, timestamp="2024-03-01T00:00:00Z")
    document["statements"] += later["statements"]
    (tmp_path / "vex.json").write_text(json.dumps(document))
    assert told(judged(db, image([OPENSSL]), vex=(str(tmp_path / "vex.json"),)))["CVE-2024-1"].waiver is None


def test_one_cleared_package_of_two_clears_nothing(db: Path, tmp_path: Path) -> None:
    other = package("deb", "openssl", "1.0")
    (tmp_path / "vex.json").write_text(json.dumps(openvex("not_affected", {"@id": OPENSSL.purl})))
    result = judged(db, image([OPENSSL, other]), vex=(str(tmp_path / "vex.json"),))
    assert told(result)["CVE-2024-1"].waiver is None


@given(st.binary(max_size=100) | st.dictionaries(st.sampled_from(["@context", "statements", "bomFormat", "document"]),
       st.text(max_size=9) | st.lists(st.none(), max_size=2)).map(lambda d: json.dumps(d).encode()))  # fmt: skip
def test_what_is_no_vex(data: bytes) -> None:
    with pytest.raises(VexProblem):
        assert parse_vex(data, "x") != []


def test_vex_out_is_read_again(db: Path, tmp_path: Path) -> None:
    inventory = image([OPENSSL, THING])
    (tmp_path / "in.json").write_text(
        json.dumps(openvex("not_affected", {"@id": PRODUCT}, justification="component_not_present"))
    )
    result = judged(db, inventory, vex=(str(tmp_path / "in.json"),))
    for name, write in (("openvex", vex.openvex), ("cyclonedx", vex.cyclonedx)):
        written = write(result, datetime(2024, 6, 1, tzinfo=UTC))
        assert written == write(result, datetime(2024, 6, 1, tzinfo=UTC))
        statuses = {each.vulnerabilities[0]: str(each.status) for each in parse_vex(written, name)}
        assert statuses == {"CVE-2024-1": "not_affected", "CVE-2024-2": "affected", "CVE-2024-3": "affected"}
        (tmp_path / name).write_bytes(written)
        again = told(judged(db, inventory, vex=(str(tmp_path / name),)))
        assert again["CVE-2024-1"].status is FindingStatus.WAIVED
        assert again["CVE-2024-2"].status is FindingStatus.OPEN


def test_explain(db: Path) -> None:
    base = BaseImage("debian:12", 1, "layers")
    with AdvisoryStore(str(db)) as store:
        explained = explain_image("ghsa-none", image([OPENSSL, THING], base=base), store, "2026-11-25")
        assert explained.vulnerability is None
        explained = explain_image("cve-2024-1", image([OPENSSL, THING], base=base), store, "2026-11-25")
    assert explained.vulnerability is not None
    (place,) = explained.places
    assert (place.package.name, place.layer, place.origin, place.fixed) == ("libssl3", 0, "base", ("2.0",))
    assert [(each.kind, each.what, each.version, each.removes) for each in explained.upgrades] == [
        ("package", "thing", "2.0", ("CVE-2024-2",)),
        ("base", "debian:12", "", ("CVE-2024-1",)),
    ]
    assert explained.unfixable == 1


def test_upgrades_remove_all_that_can_be(tmp_path: Path) -> None:
    documents = [
        osv("CVE-2024-1", "npm", "a", [{"introduced": "0"}, {"fixed": "1.10.0"}]),
        osv("CVE-2024-2", "npm", "a", [{"introduced": "0"}, {"fixed": "1.9.0"}]),
        osv("GHSA-3", "npm", "a", FIXED, aliases=["CVE-2024-3"]),
        osv("GHSA-4", "npm", "b", FIXED, aliases=["CVE-2024-3"]),
        osv("CVE-2024-5", "npm", "c", FIXED),
    ]
    packages = [package("npm", name, "1.0.0") for name in "abc"]
    with database(tmp_path / "db", documents) as store:
        explained = explain_image("CVE-2024-3", image(packages, None), store, "2026-11-25")
    assert [(each.what, each.version, len(each.removes)) for each in explained.upgrades] == [
        ("a", "2.0", 2),
        ("c", "2.0", 1),
        ("b", "2.0", 1),
    ]


_HOSTILE = st.text(max_size=12) | st.sampled_from(["\udc80", "\x00", "\x1b[31m", "1" * 600, "(devel)", ""])


@given(
    st.lists(st.tuples(st.sampled_from(["deb", "rpm", "apk", "pypi", "npm", "golang", "x"]), _HOSTILE, _HOSTILE)),
    _HOSTILE,
)
def test_no_image_breaks_it(
    tmp_path_factory: pytest.TempPathFactory, given: list[tuple[str, str, str]], os: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "hostile"
    folder.mkdir(exist_ok=True)
    if not (folder / "db").exists():
        database(folder / "db", DOCUMENTS).close()
    # What is known is looked up by the source's name, whatever the binary package is called.
    packages = [
        package(type_, name, version, source_name="openssl", source_version="1") for type_, name, version in given
    ]
    for release in (None, OsRelease("debian", "12"), OsRelease(os, os, os, os)):
        result = judged(folder / "db", image(packages, release, reference=os or "x"))
        for name in FORMATS:
            b"".join(render(name, result, VIEW))
        vex.openvex(result)


def test_credentials_in_the_history_are_not_told(db: Path) -> None:
    made = LayerInfo("sha256:l0", "sha256:d0", 1, created_by="RUN curl -u admin:hunter2secret https://x.example")
    with AdvisoryStore(str(db)) as store:
        explained = explain_image("CVE-2024-1", image([OPENSSL], layers=(made,)), store, "2026-11-25")
    assert "RUN curl" in explained.places[0].created_by
    assert "hunter2secret" not in explained.places[0].created_by


@pytest.mark.parametrize(
    ("select", "waived"),
    [
        ("{}", True),
        ("{image: 'registry.example/shop/*'}", True),
        ("{name: '*/other/*'}", False),
        ("{kind: Pod}", False),
    ],
)
def test_waivers_of_files(db: Path, tmp_path: Path, select: str, waived: bool) -> None:
    file = tmp_path / "seawall.yaml"
    file.write_text(f"waivers: [{{rule: vulnerable-package, reason: known, owner: a, select: {select}}}]\n")
    result = judged(db, image([OPENSSL]), project=load_project(str(file)))
    (finding,) = result.findings
    assert (finding.status is FindingStatus.WAIVED) == waived
    assert finding.waiver is None or (finding.waiver.reason, finding.waiver.owner) == ("known", "a")
    assert result.exit_code(Severity.LOW, keep_going=False) == int(not waived)


def test_waivers_that_ended_waive_no_image(db: Path, tmp_path: Path) -> None:
    file = tmp_path / "seawall.yaml"
    file.write_text("waivers: [{rule: vulnerable-package, reason: known, expires: 2020-01-31}]\n")
    result = judged(db, image([OPENSSL]), project=load_project(str(file)))
    assert result.findings[0].message.endswith("expired on 2020-01-31)")
    assert any("expired on 2020-01-31" in note for note in result.notes)
