"""Layers laid over each other, the configuration, and the likely base."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from msgspec.structs import replace

from seawall.analysis.images import (
    LayerContents,
    Unreadable,
    assemble,
    chain_ids,
    collect,
    decode_contents,
    encode_contents,
    inventory_of,
    read_config,
)
from seawall.model.images import EntryKind, ImageInventory, LayerInfo, Platform
from tests.analysis.images.entries import Made, folder, link, opaque, whiteout

OS = Made("etc/os-release", b"ID=debian\nVERSION_ID=12\n")
SH = b"#!/bin/sh\n"


def status(*packages: tuple[str, str]) -> Made:
    text = "\n".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\n"
        for name, version in packages
    )
    return Made("var/lib/dpkg/status", text.encode())


def dist_info(name: str, version: str, base: str = "opt/lib") -> Made:
    return Made(f"{base}/{name}-{version}.dist-info/METADATA", f"Name: {name}\nVersion: {version}\n".encode())


def image(*layers: list[Made], **options: Any) -> ImageInventory:
    infos = [LayerInfo(f"sha256:{index}", f"sha256:d{index}", 1) for index in range(len(layers))]
    contents = [decode_contents(encode_contents(collect(entries))) for entries in layers]
    return assemble("app:1", infos, contents, **options)


def brought(found: ImageInventory) -> dict[tuple[str, str], int]:
    return {(package.name, package.version): package.layer for package in found.packages}


def test_a_database_in_a_later_layer_replaces_the_earlier() -> None:
    found = image(
        [OS, status(("bash", "5.2"), ("curl", "7.88-1"))],
        [Made("app/x", b"x")],
        [status(("bash", "5.2"), ("curl", "7.88-2"), ("vim", "9"))],
        [status(("bash", "5.2"), ("curl", "7.88-2"))],
    )
    assert brought(found) == {("bash", "5.2"): 0, ("curl", "7.88-2"): 2}
    assert {package.purl for package in found.packages} == {
        "pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12",
        "pkg:deb/debian/curl@7.88-2?arch=amd64&distro=debian-12",
    }


@pytest.mark.parametrize(
    "second",
    [
        [whiteout("opt/lib/a-1.dist-info/METADATA")],
        [whiteout("opt/lib")],
        [whiteout("opt")],
        [opaque("opt")],
        [opaque("opt/lib")],
        [opaque("")],
        [link("opt", "srv")],
        [Made("opt/lib", b"now a file")],
        [folder("opt/lib/a-1.dist-info/METADATA")],
        [Made("opt/lib/a-1.dist-info/METADATA", kind=EntryKind.SYMLINK, target="/etc/passwd")],
    ],
)
def test_what_is_hidden_is_gone(second: list[Made]) -> None:
    first = [folder("opt"), folder("opt/lib"), dist_info("a", "1"), Made("srv/run", SH, 0o755)]
    found = image(first, second)
    assert not found.packages
    assert bool(found.executables) is (second != [opaque("")])


@pytest.mark.parametrize(
    "second",
    [[folder("opt"), folder("opt/lib", 0o700)], [whiteout("opt/libx")], [whiteout("op")], [opaque("opt/lib/b")], []],
)
def test_what_is_not_hidden_stays(second: list[Made]) -> None:
    assert brought(image([folder("opt"), dist_info("a", "1")], second)) == {("a", "1"): 0}


def test_paths_of_any_depth() -> None:
    deep = "d/" * 20_000
    first = [Made(f"{deep}run", SH, 0o755), Made(f"{deep}gone", SH, 0o755)]
    assert [program.path for program in image(first, [whiteout(f"{deep}gone")]).executables] == [f"{deep}run"]
    assert not image(first, [opaque("d/d")]).executables


def test_whiteouts_hide_only_what_is_below() -> None:
    found = image([dist_info("a", "1")], [dist_info("b", "1"), opaque("opt"), whiteout("opt/lib/b-1.dist-info")])
    assert brought(found) == {("b", "1"): 1}


def test_what_comes_back_is_of_the_later_layer() -> None:
    assert brought(image([dist_info("a", "1")], [whiteout("opt")], [dist_info("a", "1")])) == {("a", "1"): 2}
    assert brought(image([dist_info("a", "1")], [dist_info("a", "1")])) == {("a", "1"): 0}, (
        "copied up, not brought anew"
    )


def test_programs_are_of_the_layer_that_wrote_them_last() -> None:
    found = image(
        [Made("opt/run", SH, 0o755), Made("opt/gone", SH, 0o755)], [Made("opt/run", SH, 0o4755), whiteout("opt/gone")]
    )
    assert [(program.path, program.mode, program.layer) for program in found.executables] == [("opt/run", 0o4755, 1)]


def test_a_writable_directory_that_is_mended_is_none() -> None:
    assert image([folder("srv", 0o777)]).executables
    assert not image([folder("srv", 0o777)], [folder("srv", 0o755)]).executables


def test_owners_across_layers() -> None:
    listed = Made("var/lib/dpkg/info/tool.list", b"/.\n/bin\n/bin/tool\n")
    found = image([OS, link("bin", "usr/bin"), Made("usr/bin/tool", SH, 0o755)], [status(("tool", "1")), listed])
    assert [program.owner for program in found.executables] == ["tool"]


def test_contents_of_another_version_are_refused() -> None:
    contents = collect([OS])
    data = encode_contents(contents)
    assert decode_contents(data) == contents
    other = encode_contents(LayerContents(version=0, items={}))
    torn = encode_contents(replace(contents, written=contents.written[:-2]))
    for bad in (other, data[:-3], b"", b"\xc1", torn):
        with pytest.raises(Unreadable):
            decode_contents(bad)


CONFIG = {
    "architecture": "arm64",
    "os": "linux",
    "variant": "v8",
    "created": "2026-01-02T03:04:05Z",
    "author": "me",
    "config": {
        "User": "app",
        "Env": ["PATH=/bin", 3],
        "Entrypoint": ["/run"],
        "Cmd": "plain",
        "ExposedPorts": {"8080/tcp": {}, "53/udp": {}},
        "Volumes": {"/data": {}},
        "WorkingDir": "/srv",
        "Healthcheck": {"Test": ["CMD", "/ok"]},
        "StopSignal": "SIGINT",
        "Labels": {"a": "b", "c": 1},
    },
    "rootfs": {"type": "layers", "diff_ids": ["sha256:d0", "sha256:d1"]},
    "history": [
        {"created": "2025-01-01T00:00:00Z", "created_by": "/bin/sh -c #(nop) ADD file:x in / "},
        {"created": "2025-01-01T00:00:01Z", "created_by": '/bin/sh -c #(nop)  CMD ["bash"]', "empty_layer": True},
        {"created": "2026-01-02T03:04:05Z", "created_by": "RUN apt-get install vim", "comment": "buildkit"},
        {"created": "2026-01-02T03:04:05Z", "created_by": 'CMD ["/run"]', "empty_layer": True},
    ],
}


def test_configuration() -> None:
    read = read_config(json.dumps(CONFIG).encode())
    config = read.config
    assert read.platform == Platform("linux", "arm64", "v8")
    assert read.diff_ids == ("sha256:d0", "sha256:d1")
    assert (config.user, config.env, config.entrypoint, config.cmd) == ("app", ("PATH=/bin",), ("/run",), ("plain",))
    assert (config.ports, config.volumes) == (("53/udp", "8080/tcp"), ("/data",))
    assert config.healthcheck == ("CMD", "/ok")
    assert config.labels == {"a": "b"}
    assert [step.layer for step in config.history] == [0, -1, 1, -1]


def test_configuration_of_an_image() -> None:
    found = image([OS, status(("bash", "1"))], [Made("a")], config=json.dumps(CONFIG).encode())
    assert found.platform == Platform("linux", "arm64", "v8")
    assert found.layers[1].created_by == "RUN apt-get install vim"
    broken = image([OS], config=b"{")
    assert broken.config is None
    assert [problem.where for problem in broken.not_looked] == ["config"]


def test_base_by_digests_of_layers() -> None:
    two = f"sha256:{hashlib.sha256(b'sha256:d0 sha256:d1').hexdigest()}"
    assert chain_ids(["sha256:d0", "sha256:d1"]) == ["sha256:d0", two]
    layers = [[OS, status(("bash", "1"))], [Made("a")], [Made("b")]]
    found = image(*layers, known_bases={"sha256:d0": "debian:12", two: "python:3.12", "sha256:x": "no"})
    assert found.base and (found.base.name, found.base.layers) == ("python:3.12", 2)


def test_base_by_history_and_by_label() -> None:
    layers = [[OS, status(("bash", "1"))], [Made("a")]]
    found = image(*layers, config=json.dumps(CONFIG).encode())
    assert found.base and (found.base.name, found.base.layers) == ("debian:12", 1)
    assert "history" in found.base.evidence
    labels = {
        "org.opencontainers.image.base.name": "example.com/py:3",
        "org.opencontainers.image.base.digest": "sha256:f",
    }
    labelled = json.loads(json.dumps(CONFIG))
    labelled["config"]["Labels"] = labels
    base = image(*layers, config=json.dumps(labelled).encode()).base
    assert base and (base.name, base.digest, base.layers) == ("example.com/py:3", "sha256:f", 1)


def test_base_by_packages() -> None:
    found = image([OS, status(("bash", "1"), ("sed", "1"))], [status(("bash", "1"), ("sed", "1"), ("vim", "1"))])
    assert found.base and (found.base.name, found.base.layers) == ("debian:12", 1)
    assert "2 of 3 packages" in found.base.evidence
    assert image([OS, status(("bash", "1"))]).base is None
    assert image([Made("a")], [Made("b")]).base is None


def test_a_root_file_system_has_no_layers() -> None:
    found = inventory_of("/srv/root", [OS, status(("bash", "1")), Made("opt/run", SH, 0o755)])
    assert (found.kind, found.layers, found.base) == ("rootfs", (), None)
    assert {package.layer for package in found.packages} | {program.layer for program in found.executables} == {-1}


def test_more_than_is_kept_is_told() -> None:
    from seawall.analysis.images import CollectOptions

    entries = [Made(f"opt/{number}", SH, 0o755) for number in range(5)]
    found = inventory_of("x", entries, CollectOptions(items=3))
    assert len(found.executables) == 3
    assert "2 files are beyond" in found.not_looked[0].reason
