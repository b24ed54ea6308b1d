"""``seawall image`` on the command line: formats, exit codes, and the published schema."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import REPOSITORY, Run
from tests.sources.images.build import BASE, build, entry, tar, write_layout

SCHEMA = REPOSITORY / "src" / "seawall" / "reports" / "schemas" / "image.v1.json"
SECRET = "AKIAIOSFODNN7EXAMPLQ"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEAWALL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def layout(tmp_path: Path) -> str:
    history = [{"created_by": f"RUN AWS_ACCESS_KEY_ID={SECRET} make"}, {"created_by": "COPY app"}]
    return str(write_layout(tmp_path / "app", (build(config={"history": history}), "v1")))


def document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    return found


def test_the_summary(run: Run, layout: str) -> None:
    done = run("image", layout)
    assert done.returncode == 0 and not done.stderr
    for line in (
        "  system      Debian GNU/Linux 12 (bookworm)",
        "  user        1000",
        "  packages    1 deb",
        "  layers      2",
        "    setuid           4755 app/run.sh",
    ):
        assert line in done.stdout
    assert SECRET not in done.stdout and "hunter2" not in done.stdout


def test_json_is_as_its_schema_says(run: Run, layout: str, tmp_path: Path) -> None:
    done = run("image", layout, f"rootfs:{tmp_path}", "./nothing", "--format", "json")
    assert done.returncode == 2
    found = document(done.stdout)
    assert found["summary"] == {"complete": False, "images": 2, "errors": 1}
    image, root = found["images"]
    assert image["config"]["env"] == ["PATH=/bin", "DB_PASSWORD=[redacted]"] and image["config"]["user"] == "1000"
    assert image["executables"][0]["mode"] == "4755" and image["packages"][0]["layer"] == 0
    assert root["kind"] == "rootfs" and root["config"] is None and not root["layers"]
    assert found["errors"][0]["source"] == "./nothing"
    assert SECRET not in done.stdout and "hunter2" not in done.stdout
    assert run("image", layout, "./nothing", "--keep-going").returncode == 0
    assert run("image", "./nothing", "--keep-going").returncode == 2


def test_what_was_not_looked_into_is_told_and_makes_the_run_incomplete(run: Run, tmp_path: Path) -> None:
    evil = tar(entry("good", b"x"), entry("../../evil", b"x"))
    layout = str(write_layout(tmp_path / "app", (build([BASE, evil]), "v1")))
    for _ in range(2):  # a layer with problems is not kept, so that the second run tells them too
        done = run("image", layout, "--format", "json")
        assert done.returncode == 2
        (image,) = document(done.stdout)["images"]
        assert image["notLooked"][0]["reason"] == "has a name that leads out of the image"
        assert "entry ../../evil" in done.stderr and "the run is incomplete" in done.stderr
        assert image["os"]["id"] == "debian"


def test_names_that_are_no_text(run: Run, tmp_path: Path) -> None:
    odd = tar(entry("bin/\udcff\udcfe", b"#!/bin/sh\n", 0o4755), entry("../\udcff", b"x"), form=tarfile.GNU_FORMAT)
    layout = str(write_layout(tmp_path / "app", (build([BASE, odd]), "v1")))
    for form in ("json", "terminal", "cyclonedx", "spdx"):
        done = run("image", layout, "--format", form)
        assert done.returncode == 2 and done.stdout and "Traceback" not in done.stderr


def test_layers_are_read_once(run: Run, layout: str, cache: Path) -> None:
    first = run("image", layout, "--format", "json").stdout
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 2
    for blob in (Path(layout) / "blobs/sha256").iterdir():
        data = blob.read_bytes()
        if not data.startswith(b"{"):
            blob.write_bytes(b"gone")  # a layer, which is not looked at again
    assert run("image", layout, "--format", "json").stdout == first
    done = run("image", layout, "--format", "json", "--no-cache")
    assert done.returncode == 2 and "that are not of this digest" in done.stderr
    for path in cache.rglob("*"):
        if path.is_file():
            path.write_bytes(b"damaged")
    assert run("image", layout).returncode == 2


def test_bills_of_materials(run: Run, layout: str, tmp_path: Path) -> None:
    files = [f"{name}={tmp_path / name}.json" for name in ("cyclonedx", "spdx")]
    done = run("image", layout, "--format", files[0], "--format", files[1])
    assert done.returncode == 0 and not done.stdout
    assert json.loads((tmp_path / "cyclonedx.json").read_text())["bomFormat"] == "CycloneDX"
    assert json.loads((tmp_path / "spdx.json").read_text())["spdxVersion"] == "SPDX-2.3"
    for name in ("cyclonedx", "spdx"):
        text = (tmp_path / f"{name}.json").read_text()
        assert "hunter2" not in text and SECRET not in text
    done = run("image", layout, layout, "--format", "spdx")
    assert done.returncode == 2 and "is of one image" in done.stderr


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["nginx", "--offline"], "nginx: is in a registry, and --offline was given"),
        (["a", "--platform", "x/"], "is no platform"),
        (["a", "--mirror", "docker.io"], "says not what is mirrored where"),
        (["a", "--mirror", "docker.io=http://m.example"], "speaks plain HTTP"),
        (["crio:a", "--store", "/nowhere"], "no store of containers"),
        (["containerd:a", "--store", "/nowhere"], "cannot be read: No such file"),
        (["Bad Name"], "is no image's name"),
        (["container:nginx"], "neither a process nor a container's id"),
    ],
)
def test_what_makes_no_sense(run: Run, args: list[str], told: str) -> None:
    done = run("image", *args)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr


def test_a_mirror_that_is_no_address(run: Run) -> None:
    done = run("image", "nginx", "--mirror", "docker.io=https://[", "--offline")
    assert done.returncode == 2
    assert "the mirror https://[ makes no sense" in done.stderr
    assert len(done.stderr.splitlines()) == 1
