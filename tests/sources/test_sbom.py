"""Bills of materials by others: written by the ecosystem's libraries, shaped as tools do, and hostile."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from packageurl import PackageURL
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.writer.write_anything import write_file

from seawall.model.images import ImageInventory
from seawall.reports import cyclonedx as cyclonedx_report
from seawall.reports import spdx as spdx_report
from seawall.sources.sbom import SbomError, looks_like_sbom, read_sbom
from tests.fuzz.test_images import changed
from tests.reports.test_sbom import sample


def read(document: Any) -> ImageInventory:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_sbom(data, "x")


def bom() -> Bom:
    deb = Component(
        name="openssl",
        version="1:3.0.11-1",
        type=ComponentType.LIBRARY,
        purl=PackageURL("deb", "debian", "openssl", "1:3.0.11-1", {"arch": "amd64", "distro": "debian-12"}),
        licenses=[LicenseExpression("Apache-2.0 OR MIT")],
    )
    npm = Component(
        name="core",
        group="@Scope",
        version="1.0.0",
        type=ComponentType.LIBRARY,
        purl=PackageURL("npm", "@scope", "core", "1.0.0"),
        licenses=[DisjunctiveLicense(id="MIT")],
    )
    nameless = Component(name="mystery", version="1", type=ComponentType.LIBRARY)
    system = Component(name="debian", version="12.4", type=ComponentType.OPERATING_SYSTEM)
    file = Component(name="/bin/sh", type=ComponentType.FILE)
    root = Component(name="app", version="sha256:" + "a" * 64, type=ComponentType.CONTAINER)
    made = Bom(components=[deb, npm, nameless, system, file])
    made.metadata.component = root
    made.register_dependency(root, [deb])
    return made


@pytest.mark.parametrize(
    "version", [SchemaVersion.V1_2, SchemaVersion.V1_3, SchemaVersion.V1_4, SchemaVersion.V1_5, SchemaVersion.V1_6]
)
@pytest.mark.parametrize("form", [OutputFormat.JSON, OutputFormat.XML])
def test_what_the_library_of_cyclonedx_writes(version: SchemaVersion, form: OutputFormat) -> None:
    data = make_outputter(bom(), form, version).output_as_string().encode()
    assert looks_like_sbom(data[:4096])
    found = read(data)
    assert found.kind == "sbom"
    assert found.digest == "sha256:" + "a" * 64
    assert found.os and (found.os.id, found.os.version_id) == ("debian", "12.4")
    packages = {package.type: package for package in found.packages}
    assert (packages["deb"].name, packages["deb"].version, packages["deb"].arch) == ("openssl", "1:3.0.11-1", "amd64")
    assert packages["deb"].licences == ("Apache-2.0 OR MIT",)
    assert packages["npm"].name == "@Scope/core", "as the document writes it, where the URL is in lower case"
    assert [problem.where for problem in found.not_looked] == ["mystery 1"]


def test_tag_value_as_the_library_of_spdx_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "a.spdx.json"
    path.write_bytes(spdx_report.render(sample()))
    write_file(parse_file(str(path)), str(tmp_path / "a.spdx"))
    tags, plain = read((tmp_path / "a.spdx").read_bytes()), read(path.read_bytes())
    assert looks_like_sbom((tmp_path / "a.spdx").read_bytes()[:4096])
    # The library writes licences in its own spelling.
    assert [replace(item, licences=()) for item in tags.packages] == [
        replace(item, licences=()) for item in plain.packages
    ]
    assert (tags.os, tags.digest) == (plain.os, plain.digest)
    assert tags.not_looked == plain.not_looked


TRIVY = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {
        "component": {
            "type": "container",
            "name": "alpine:3.20",
            "properties": [{"name": "aquasecurity:trivy:RepoDigest", "value": "alpine@sha256:" + "b" * 64}],
        }
    },
    "components": [
        {"type": "operating-system", "name": "redhat", "version": "9.4"},
        {"type": "application", "name": "app/package-lock.json"},
        {
            "type": "library",
            "name": "openssl-libs",
            "version": "3.0.7-25.el9",
            "purl": "pkg:rpm/redhat/openssl-libs@3.0.7-25.el9?arch=x86_64&distro=redhat-9.4&epoch=1",
            "properties": [
                {"name": "aquasecurity:trivy:SrcName", "value": "openssl"},
                {"name": "aquasecurity:trivy:SrcVersion", "value": "3.0.7"},
                {"name": "aquasecurity:trivy:SrcRelease", "value": "25.el9"},
                {"name": "aquasecurity:trivy:SrcEpoch", "value": "1"},
                {"name": "aquasecurity:trivy:Modularitylabel", "value": "a:1"},
            ],
        },
    ],
}
SYFT = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "components": [
        {
            "type": "library",
            "name": "libssl3",
            "version": "3.0.11-1~deb12u2",
            "purl": "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl%403.0.11",
            "properties": [{"name": "syft:location:0:path", "value": "/var/lib/dpkg/status"}],
            "components": [{"type": "library", "name": "idna", "version": "3.6", "purl": "pkg:pypi/idna@3.6"}],
        },
        {
            "type": "library",
            "name": "bash",
            "purl": "pkg:rpm/rhel/bash@5.1.8-6.el9?upstream=bash-5.1.8-6.el9.src.rpm",
        },
    ],
}


def test_as_trivy_writes() -> None:
    found = read(TRIVY)
    (package,) = found.packages
    assert (package.version, package.source_name, package.source_version) == (
        "1:3.0.7-25.el9",
        "openssl",
        "1:3.0.7-25.el9",
    )
    assert package.module == "a:1"
    assert found.digest == "sha256:" + "b" * 64
    assert found.os and (found.os.id, found.os.version_id) == ("rhel", "9.4")
    assert not found.not_looked


def test_as_syft_writes() -> None:
    found = read(SYFT)
    ssl, idna, bash = found.packages
    assert (ssl.source_name, ssl.source_version) == ("openssl", "3.0.11")
    assert ssl.locations == ("/var/lib/dpkg/status",)
    assert (idna.name, idna.source_name) == ("idna", "")
    assert (bash.source_name, bash.source_version) == ("bash", "5.1.8-6.el9")
    assert found.os and (found.os.id, found.os.version_id) == ("debian", "12")


def test_spdx_2_2_and_what_it_describes() -> None:
    found = read(
        {
            "spdxVersion": "SPDX-2.2",
            "documentDescribes": ["SPDXRef-root"],
            "packages": [
                {
                    "SPDXID": "SPDXRef-root",
                    "name": "app",
                    "checksums": [{"algorithm": "SHA256", "checksumValue": "AB" * 32}],
                },
                {
                    "SPDXID": "SPDXRef-1",
                    "name": "zlib1g",
                    "versionInfo": "1:1.2.13",
                    "sourceInfo": "built package from: zlib 1:1.2.13.dfsg-1",
                    "licenseConcluded": "NOASSERTION",
                    "licenseDeclared": "Zlib",
                    "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:deb/debian/zlib1g@1:1.2.13"}],
                },
                {"SPDXID": "SPDXRef-2", "name": "no url"},
            ],
        }
    )  # fmt: skip
    (package,) = found.packages
    assert (package.source_name, package.source_version, package.licences) == ("zlib", "1:1.2.13.dfsg-1", ("Zlib",))
    assert found.digest == "sha256:" + "ab" * 32
    assert [problem.where for problem in found.not_looked] == ["no url"]


def test_an_attestation_carries_one() -> None:
    assert len(read({"_type": "https://in-toto.io/Statement/v1", "predicate": SYFT}).packages) == 3


def test_what_says_that_it_is_incomplete_is() -> None:
    assert read({**SYFT, "compositions": [{"aggregate": "incomplete"}]}).not_looked
    assert not read({**SYFT, "compositions": [{"aggregate": "complete"}]}).not_looked


def _nested(depth: int) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "library", "name": "a"}
    for _ in range(depth):
        component = {"type": "library", "name": "a", "components": [component]}
    return {**SYFT, "components": [component]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no SBOM"),
        (b"hello", "no SBOM"),
        (b"{", "no JSON"),
        (b"[" * 10, "no SBOM"),
        (b'{"a":' * 100_000, "no JSON"),
        (b"{}", "neither"),
        (b'{"predicate": {"bomFormat": 3}}', "neither"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "9.9"}', "versions 1.2 to 1.6"),
        (b'{"bomFormat": "Other", "specVersion": "1.6"}', "not CycloneDX"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": {}}', "no list"),
        (b'{"spdxVersion": "SPDX-3.0"}', "SPDX-2.3"),
        (b'{"spdxVersion": "SPDX-2.3", "packages": 3}', "no list"),
        (json.dumps(_nested(70)).encode(), "nested deeper"),
        (b"<a/>", "not CycloneDX"),
        (b"<bom", "no XML"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><bom>&b;</bom>', "document type"),
        (b'<bom xmlns="http://cyclonedx.org/schema/bom/1.5">' + b"<a>" * 500, "too deep"),
        (b"SPDXVersion: SPDX-2.3\nPackageName: a\nPackageComment: <text>open", "never closed"),
        (b"SPDXVersion: SPDX-9\n", "SPDX-2.3"),
    ],
)
def test_what_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(SbomError, match=words) as caught:
        read(data)
    assert "\n" not in str(caught.value)


SEEDS = [
    cyclonedx_report.render(sample()),
    spdx_report.render(sample()),
    json.dumps(TRIVY).encode(),
    make_outputter(bom(), OutputFormat.XML, SchemaVersion.V1_5).output_as_string().encode(),
    b"SPDXVersion: SPDX-2.3\nPackageName: a\nExternalRef: OTHER purl pkg:npm/a@1\nComment: <text>b\nc</text>\n",
]


@settings(max_examples=500, suppress_health_check=list(HealthCheck))
@given(changed(SEEDS))
def test_changed_documents_are_answered(data: bytes) -> None:
    with contextlib.suppress(SbomError):
        read(data)


ODD: list[Any] = [None, 3, "", "x", [], [None], [3], {}, {"a": None}, True, -1.5]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in items for place in ((*path, key), *_places(item, (*path, key)))]


@pytest.mark.parametrize("seed", range(3))
def test_odd_values_everywhere_are_answered(seed: int) -> None:
    text = SEEDS[seed]
    for path in _places(json.loads(text)):
        for odd in ODD:
            document = json.loads(text)
            value = document
            for key in path[:-1]:
                value = value[key]
            value[path[-1]] = odd
            with contextlib.suppress(SbomError):
                read(document)


@given(st.binary(max_size=100))
def test_any_bytes_are_answered(data: bytes) -> None:
    for head in (b"", b"{", b"<bom>", b"SPDXVersion: SPDX-2.3\n"):
        with contextlib.suppress(SbomError):
            read(head + data)
