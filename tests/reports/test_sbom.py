"""Bills of materials: valid for the ecosystem's own libraries, the same each time, and read back as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from seawall.analysis.images import assemble, collect
from seawall.model.images import (
    Executable,
    ImageConfig,
    ImageInventory,
    LayerInfo,
    NotLooked,
    OsRelease,
    Package,
    Platform,
)
from seawall.model.purl import make_purl
from seawall.reports import cyclonedx, spdx
from seawall.reports.licences import expression
from seawall.reports.sbom import SbomOptions
from seawall.sources.sbom import read_sbom
from tests.analysis.images.entries import Made

DIGEST = "sha256:" + "ab" * 32
STATUS = """Package: python3-requests
Status: install ok installed
Version: 1:2.28.1+dfsg-1
Architecture: all
Source: requests (2.28)
"""


def sample() -> ImageInventory:
    place = "usr/lib/python3/dist-packages/requests-2.28.1.egg-info/PKG-INFO"
    layers = [
        [
            Made("etc/os-release", b'ID=debian\nVERSION_ID="12"\nCPE_NAME="cpe:/o:debian:debian_linux:12"\n'),
            Made("var/lib/dpkg/status", STATUS.encode()),
            Made("var/lib/dpkg/info/python3-requests.list", f"/{place}\n".encode()),
            Made("usr/share/doc/python3-requests/copyright", b"Format: x\n\nLicense: Apache-2.0\n"),
            Made(place, b"Name: requests\nVersion: 2.28.1\nLicense: Apache 2.0\n"),
        ],
        [
            Made(
                "app/node_modules/a/package.json",
                b'{"name": "@s/a", "version": "1.0.0", "license": "(MIT OR GPL-2.0+)"}',
            ),
            Made(
                "app/node_modules/b/node_modules/@s/a/package.json",
                b'{"name": "@s/a", "version": "1.0.0", "license": "Odd \\u0007"}',
            ),
            Made("app/run", b"#!/bin/sh\n", 0o755),
            Made("app/broken.jar", b"PK"),
        ],
    ]
    infos = [LayerInfo(f"sha256:{index:064d}", f"sha256:{index + 7:064d}", 1) for index in range(2)]
    config = json.dumps({"created": "2026-01-02T03:04:05.678Z", "os": "linux", "architecture": "amd64"}).encode()
    return assemble(
        "registry.example.com/team/app:1", infos, [collect(layer) for layer in layers], digest=DIGEST, config=config
    )


def check(inventory: ImageInventory, folder: Path, options: SbomOptions | None = None) -> tuple[bytes, bytes]:
    options = options or SbomOptions()
    bom, document = cyclonedx.render(inventory, options), spdx.render(inventory, options)
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(bom.decode())
    assert error is None, error
    path = folder / "a.spdx.json"
    path.write_bytes(document)
    problems = validate_full_spdx_document(parse_file(str(path)))
    assert not problems, problems[0]
    return bom, document


def test_valid_and_the_same_each_time(tmp_path: Path) -> None:
    first = check(sample(), tmp_path)
    assert first == check(sample(), tmp_path)
    at = SbomOptions(created="2026-11-25T00:00:00Z", files=True)
    bom, document = check(sample(), tmp_path, at)
    assert json.loads(bom)["metadata"]["timestamp"] == at.created
    assert json.loads(document)["creationInfo"]["created"] == at.created
    assert json.loads(first[1])["creationInfo"]["created"] == "2026-01-02T03:04:05Z"


def test_what_is_in_cyclonedx() -> None:
    document = json.loads(cyclonedx.render(sample()))
    components: dict[str, Any] = {item["bom-ref"]: item for item in document["components"]}
    root = document["metadata"]["component"]
    assert root["purl"] == (f"pkg:oci/app@{DIGEST}?arch=amd64&repository_url=registry.example.com/team/app&tag=1")
    assert components["operating-system"]["cpe"] == "cpe:/o:debian:debian_linux:12"
    deb = components["pkg:deb/debian/python3-requests@1:2.28.1%2Bdfsg-1?arch=all&distro=debian-12"]
    assert deb["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert {"name": "seawall:source:name", "value": "requests"} in deb["properties"]
    twins = [item for item in document["components"] if item.get("purl") == "pkg:npm/%40s/a@1.0.0"]
    assert [item["licenses"] for item in twins] == [
        [{"expression": "(MIT OR GPL-2.0-or-later)"}],
        [{"license": {"name": "Odd \u0007"}}],
    ]
    assert twins[0]["bom-ref"] != twins[1]["bom-ref"]
    assert (twins[0]["group"], twins[0]["name"]) == ("@s", "a")
    file = components["file:app/run"]
    assert file["hashes"][0]["alg"] == "SHA-256"
    assert document["compositions"][0]["aggregate"] == "incomplete"
    graph = {item["ref"]: item["dependsOn"] for item in document["dependencies"]}
    assert graph[deb["bom-ref"]] == ["pkg:pypi/requests@2.28.1"]
    assert graph["operating-system"] == [deb["bom-ref"]]


def test_what_is_in_spdx() -> None:
    document = json.loads(spdx.render(sample()))
    by_name = {(item["name"], item["licenseDeclared"]): item for item in document["packages"]}
    deb = by_name["python3-requests", "Apache-2.0"]
    assert deb["sourceInfo"] == "built package from: requests 2.28"
    (odd,) = document["hasExtractedLicensingInfos"]
    assert odd["extractedText"] == "Odd \u0007"
    assert ("@s/a", odd["licenseId"]) in by_name
    kinds = {item["relationshipType"] for item in document["relationships"]}
    assert kinds == {"DESCRIBES", "CONTAINS"}


@pytest.mark.parametrize("render", [cyclonedx.render, spdx.render])
def test_read_back(render: Any) -> None:
    inventory = sample()
    found = read_sbom(render(inventory), "app.json")
    assert (found.kind, found.digest, found.platform) == ("sbom", DIGEST, Platform("linux", "amd64"))
    assert found.os and (found.os.id, found.os.version_id, found.os.codename) == ("debian", "12", "bookworm")
    fields = ("type", "name", "version", "purl", "arch", "source_name", "source_version", "locations", "layer", "owner")
    assert [[getattr(item, field) for field in fields] for item in found.packages] == [
        [getattr(item, field) for field in fields] for item in inventory.packages
    ]
    assert set(found.not_looked) == set(inventory.not_looked)


def test_nothing_inside(tmp_path: Path) -> None:
    check(assemble("", [], []), tmp_path)


TEXT = st.text(max_size=12)
PACKAGES = st.lists(
    st.builds(
        lambda name, version, licences, places, layer, owner: Package(
            "npm",
            name,
            version,
            make_purl("npm", "", name, version),
            licences=licences,
            locations=places,
            layer=layer,
            owner=owner,
        ),
        st.text(min_size=1, max_size=8),
        TEXT,
        st.lists(st.one_of(TEXT, st.sampled_from(["MIT", "MIT OR (", "GPL-2+", "Apache-2.0 AND MIT"])), max_size=3).map(
            tuple
        ),
        st.lists(TEXT, max_size=2).map(tuple),
        st.integers(-1, 3),
        TEXT,
    ),
    max_size=4,
)


@settings(max_examples=60)
@given(
    st.builds(
        ImageInventory,
        reference=TEXT,
        digest=st.sampled_from(["", DIGEST, "sha512:ab"]),
        kind=st.sampled_from(["image", "rootfs", "sbom"]),
        platform=st.sampled_from([None, Platform("linux", "arm64")]),
        os=st.one_of(
            st.none(),
            st.builds(
                OsRelease,
                id=st.text(min_size=1, max_size=4),
                version_id=TEXT,
                cpe=st.one_of(TEXT, TEXT.map("cpe:/o:".__add__)),
            ),
        ),
        config=st.one_of(st.none(), st.builds(ImageConfig, created=TEXT)),
        layers=st.just(()),
        packages=PACKAGES.map(tuple),
        executables=st.just((Executable("a b", "elf", 0o755, 0, 0, 1, "ab" * 32),)),
        not_looked=st.lists(st.builds(NotLooked, TEXT, TEXT), max_size=2).map(tuple),
    )
)
def test_any_inventory_is_valid(inventory: ImageInventory) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        check(inventory, Path(folder))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mit", "MIT"),
        ("Expat", "MIT"),
        ("GPLv2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GPL-3.0", "GPL-3.0-only"),
        ("ASL 2.0", "Apache-2.0"),
        ("MIT and BSD-3-Clause", "MIT AND BSD-3-Clause"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("(MIT OR (ISC AND Zlib))", "(MIT OR (ISC AND Zlib))"),
        ("BSD", ""),
        ("MIT OR", ""),
        ("(MIT", ""),
        ("MIT)", ""),
        ("MIT MIT", ""),
        ("SEE LICENSE IN x", ""),
        ("MIT WITH nothing", ""),
        ("(" * 100 + "MIT" + ")" * 100, ""),
        ("", ""),
    ],
)
def test_licences(text: str, expected: str) -> None:
    assert expression(text) == expected


def test_which_package_needs_which() -> None:
    def manifest(place: str, name: str, version: str, *needs: str) -> Made:
        text = json.dumps({"name": name, "version": version, "dependencies": dict.fromkeys(needs, "*")})
        return Made(f"{place}/node_modules/{name}/package.json", text.encode())

    entries = [
        manifest("app", "a", "1.0.0", "b", "c", "missing"),
        manifest("app", "b", "1.0.0"),
        manifest("app/node_modules/a", "b", "2.0.0", "c"),
        manifest("app", "c", "1.0.0", "b"),
        Made("s/Tide_Table-1.dist-info/METADATA", b"Name: Tide_Table\nVersion: 1\nRequires-Dist: moon.phase (>=1)\n"
             b"Requires-Dist: extra-thing ; extra == 'x'\n"),
        Made("s/Moon_Phase-1.dist-info/METADATA", b"Name: Moon-Phase\nVersion: 1\n"),
        Made("s/extra_thing-1.dist-info/METADATA", b"Name: extra-thing\nVersion: 1\n"),
    ]  # fmt: skip
    inventory = assemble("x", [], [collect(entries)])
    graph = {item["ref"]: item["dependsOn"] for item in json.loads(cyclonedx.render(inventory))["dependencies"]}
    del graph["root"]
    assert graph == {
        "pkg:npm/a@1.0.0": ["pkg:npm/b@2.0.0", "pkg:npm/c@1.0.0"],
        "pkg:npm/b@2.0.0": ["pkg:npm/c@1.0.0"],
        "pkg:npm/c@1.0.0": ["pkg:npm/b@1.0.0"],
        "pkg:pypi/tide-table@1": ["pkg:pypi/moon-phase@1"],
    }
    kinds = [item["relationshipType"] for item in json.loads(spdx.render(inventory))["relationships"]]
    assert kinds.count("DEPENDS_ON") == 5
