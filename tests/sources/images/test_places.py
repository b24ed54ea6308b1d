"""Images wherever they lie: layouts, archives of either form, standard input, stores, root file systems, containers."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.engine.images import ImageOptions, read_image
from seawall.model.images import ImageInventory, Platform
from seawall.sources.images.bolt import Bolt
from seawall.sources.images.containerd import names
from seawall.sources.images.errors import ImageError
from seawall.sources.images.places import Place, PlaceOptions, place_of
from seawall.sources.images.running import root_of
from tests.registry import digest
from tests.sources.images.build import (
    BASE,
    OS_RELEASE,
    OWN,
    STATUS,
    Built,
    archive_of,
    build,
    entry,
    index_of,
    tar,
    write_layout,
)


def read(reference: object, **options: object) -> ImageInventory:
    return read_image(str(reference), ImageOptions(PlaceOptions(**options)))  # type: ignore[arg-type]


def is_whole(image: ImageInventory) -> bool:
    """Whether this is the image that :func:`build` makes, found as a whole."""
    return (
        image.os is not None
        and (image.os.id, image.os.version_id) == ("debian", "12")
        and [(p.name, p.version, p.layer) for p in image.packages] == [("bash", "5.2.15-2", 0)]
        and [(e.path, e.mode, e.layer) for e in image.executables] == [("app/run.sh", 0o4755, 1)]
        and image.config is not None
        and image.config.user == "1000"
        and not image.not_looked
    )


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return write_layout(tmp_path / "layout", (build(), "v1"))


def test_a_layout(layout: Path) -> None:
    image = read(layout)
    assert is_whole(image) and image.digest == build().digest and image.kind == "image"
    assert [layer.created_by for layer in image.layers] == ["step 0", "step 1"]
    assert [layer.diff_id for layer in image.layers] == [digest(BASE), digest(OWN)]
    for reference in (f"oci-dir:{layout}", f"oci-dir:{layout}#v1", f"{layout}#{build().digest}"):
        assert is_whole(read(reference))
    with pytest.raises(ImageError, match="holds no image v2: v1"):
        read(f"{layout}#v2")


def test_several_images_in_a_layout(tmp_path: Path) -> None:
    other = build([BASE], architecture="arm64")
    layout = write_layout(tmp_path / "l", (build(), "docker.io/library/app:1"), (other, "docker.io/library/app:2"))
    with pytest.raises(ImageError, match="holds several images; write which one after #: docker"):
        read(layout)
    assert read(f"{layout}#app:2").digest == other.digest
    assert is_whole(read(f"{layout}#docker.io/library/app:1"))


def test_an_index_by_platform(tmp_path: Path) -> None:
    arm, old, new = build(), build(architecture="arm64"), build(architecture="arm")
    layout = write_layout(tmp_path / "l", (arm, "x"), (old, "y"), (new, "z"))
    body = index_of((arm, "linux/amd64"), (old, "linux/arm64/v8"), (new, "linux/arm/v7"))
    (layout / "blobs/sha256" / digest(body)[7:]).write_bytes(body)
    item = {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest(body), "size": len(body)}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [item]}))
    for platform, image in [("linux/amd64", arm), ("linux/arm64", old), ("linux/arm/v7", new), ("linux/arm", new)]:
        found = read(layout, platform=Platform(*platform.split("/")))
        assert found.digest == image.digest and found.index_digest == digest(body)
    with pytest.raises(ImageError, match="not there for linux/s390x; --platform can be one of linux/amd64"):
        read(layout, platform=Platform("linux", "s390x"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_layout_in_an_archive(layout: Path, tmp_path: Path, packed: bool) -> None:
    data = archive_of(layout)
    file = tmp_path / "image.tar"
    file.write_bytes(gzip.compress(data) if packed else data)
    for reference in (file, f"oci-archive:{file}", f"docker-archive:{file}#v1"):
        image = read(reference)
        assert is_whole(image) and image.digest == build().digest


def saved(image: Built, layers: list[bytes], *, links: bool = False, first: bool = False) -> bytes:
    """What ``docker save`` wrote before version 25: the manifest comes last, a layer that comes again as a link."""
    config = image.blobs[json.loads(image.manifest)["config"]["digest"]]
    name = digest(config)[7:] + ".json"
    parts, listed = [entry(name, config)], []
    for number, layer in enumerate(layers):
        path = f"{number:064}/layer.tar"
        if links and layer in layers[:number]:
            target = f"../{layers.index(layer):064}/layer.tar"
            parts.append(entry(path, type=tarfile.SYMTYPE, linkname=target))
        else:
            parts.append(entry(path, layer))
        listed.append(path)
    told = [{"Config": name, "RepoTags": ["app:1"], "Layers": listed}]
    manifest = entry("manifest.json", json.dumps(told).encode())
    return tar(*([manifest, *parts] if first else [*parts, manifest]))


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_docker_archives_of_the_old_form(tmp_path: Path, packed: bool, first: bool) -> None:
    layers = [BASE, OWN, BASE]
    data = saved(build(layers), layers, links=True, first=first)
    file = tmp_path / "app.tar"
    file.write_bytes(gzip.compress(data) if packed else data)
    image = read(f"{file}#app:1")
    assert [layer.digest for layer in image.layers] == [digest(BASE), digest(OWN), digest(BASE)]
    assert [(p.name, p.layer) for p in image.packages] == [("bash", 0)] and not image.not_looked
    assert image.layers[1].created_by == "step 1"


def test_layers_of_an_archive_may_be_packed_and_must_be_the_right_ones(tmp_path: Path) -> None:
    file = tmp_path / "app.tar"
    file.write_bytes(saved(build(), [gzip.compress(BASE), OWN]))
    assert is_whole(read(file))
    file.write_bytes(saved(build(), [BASE, tar(entry("app/other", b"x"))]))
    image = read(file)
    assert [problem.where for problem in image.not_looked] == [f"layer {digest(OWN)}"]
    assert not image.executables
    file.write_bytes(gzip.compress(file.read_bytes()))
    assert "is not in the archive" in str(read(file).not_looked)


def test_archives_on_standard_input(layout: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "seawall", "image", "-", "--format", "json"]
    for data in (archive_of(layout), gzip.compress(archive_of(layout)), saved(build(), [BASE, OWN])):
        done = subprocess.run(command, input=data, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        (image,) = json.loads(done.stdout)["images"]
        assert image["os"]["versionId"] == "12" and [p["name"] for p in image["packages"]] == ["bash"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "holds neither index.json nor manifest.json"),
        (b"hello" * 300, "is no whole tar archive"),
        (tar(entry("x", b"y")), "holds neither index.json nor manifest.json"),
        (tar(entry("manifest.json", b"[]")), "holds no image"),
        (tar(entry("manifest.json", b"{")), "malformed manifest.json"),
        (tar(entry("index.json", b"[")), "malformed index.json"),
        (tar(entry("index.json", b'{"manifests": [{"digest": "sha256:../../etc"}]}')), "neither sha256 nor sha512"),
        (tar(entry("manifest.json", b'[{"Config": "../../etc/passwd"}]')), "leads out of the archive"),
        (tar(entry("manifest.json", b'[{"Config": "a.json"}]')), "holds no a.json"),
        (tar(entry("manifest.json", b" " * (5 << 20))), "larger than 4 MiB"),
        (tar(entry("manifest.json", b"x" * 4000))[:2000], "is cut short"),
        (gzip.compress(tar(entry("a", b"x" * 99999)))[:-60], "is no whole archive"),
    ],
)
def test_archives_that_are_none(tmp_path: Path, data: bytes, told: str) -> None:
    file = tmp_path / "x.tar"
    file.write_bytes(data)
    with pytest.raises(ImageError, match=told):
        read(file)


@given(st.binary(max_size=2000), st.data())
def test_any_file_is_an_image_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, draw: st.DataObject
) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzz.tar"
    whole = bytearray(saved(build([BASE]), [BASE]))
    for _ in range(draw.draw(st.integers(0, 5))):
        whole[draw.draw(st.integers(0, len(whole) - 1))] = draw.draw(st.integers(0, 255))
    for content in (data, bytes(whole), gzip.compress(whole)):
        file.write_bytes(content)
        with suppress(ImageError):
            read(f"docker-archive:{file}")


def test_skopeo_and_we_agree(layout: Path, tmp_path: Path) -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("no skopeo; apt-get install skopeo")
    for target in ("docker-archive", "oci-archive"):
        file = tmp_path / f"{target}.tar"
        subprocess.run(["skopeo", "copy", "-q", f"oci:{layout}:v1", f"{target}:{file}:app:1"], check=True)
        assert is_whole(read(f"{target}:{file}"))


@pytest.mark.parametrize("driver", ["vfs", "overlay"])
def test_the_store_of_cri_o(layout: Path, tmp_path: Path, driver: str) -> None:
    if shutil.which("skopeo") is None or os.geteuid():
        pytest.skip("needs skopeo, and root for its store")
    root = tmp_path / "store"
    target = f"containers-storage:[{driver}@{root}+{tmp_path / 'run'}]quay.example/team/app:1"
    done = subprocess.run(["skopeo", "copy", "-q", f"oci:{layout}:v1", target], capture_output=True, text=True)
    # The driver leaves its folder mounted on itself.
    subprocess.run(["umount", str(root / driver)], capture_output=True)
    if done.returncode:
        pytest.skip(f"skopeo cannot use {driver} here: {done.stderr[-200:]}")
    image = read("crio:quay.example/team/app:1", store=str(root))
    assert image.digest == build().digest and image.os is not None and [p.name for p in image.packages] == ["bash"]
    if driver == "overlay":
        assert is_whole(image) and [layer.digest for layer in image.layers] == [
            layer["digest"] for layer in json.loads(build().manifest)["layers"]
        ]
    with pytest.raises(ImageError, match="the store has no image nginx; it has quay"):
        read("crio:nginx", store=str(root))
    with pytest.raises(ImageError, match="no store of containers"):
        read("crio:nginx", store=str(tmp_path))


@pytest.fixture(scope="module")
def containerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root of a containerd that holds the image as docker.io/library/app:v1 in the namespace k8s.io."""
    if shutil.which("containerd") is None or os.geteuid():
        pytest.skip("needs containerd, and root to run it")
    folder = tmp_path_factory.mktemp("containerd")
    socket = folder / "c.sock"
    (folder / "config.toml").write_text(
        f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{socket}"\n[ttrpc]\naddress = "{folder}/t.sock"\n'
    )
    (folder / "image.tar").write_bytes(archive_of(write_layout(folder / "layout", (build(), "v1"))))
    server = subprocess.Popen(
        ["containerd", "-c", str(folder / "config.toml")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            if socket.exists():
                break
            time.sleep(0.05)
        call = ["ctr", "-a", str(socket), "-n", "k8s.io", "images"]
        name = "docker.io/library/app"
        subprocess.run(
            [*call, "import", "--no-unpack", "--base-name", name, str(folder / "image.tar")], check=True, timeout=60
        )
        for number in range(300):  # enough names that they do not fit one page
            subprocess.run([*call, "tag", f"{name}:v1", f"{name}:n{number}"], check=True, stdout=subprocess.DEVNULL)
        yield folder / "root"
    finally:
        server.terminate()
        server.wait(timeout=20)


def test_the_store_of_containerd(containerd: Path) -> None:
    store = str(containerd)
    assert len(names(store)) == 301
    for name in ("app:v1", "docker.io/library/app:n299", build().digest, f"app@{build().digest}"):
        assert is_whole(read(f"containerd:{name}", store=store))
    with pytest.raises(ImageError, match="containerd has no image nginx; it has docker"):
        read("containerd:nginx", store=store)
    with pytest.raises(ImageError, match="No such file"):
        read(f"containerd:app@{digest(b'other')}", store=store)


@given(st.data())
def test_damaged_metadata_is_an_error(
    containerd: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray((containerd / "io.containerd.metadata.v1.bolt/meta.db").read_bytes())
    folder = tmp_path_factory.getbasetemp() / "damaged" / "io.containerd.metadata.v1.bolt"
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    (folder / "meta.db").write_bytes(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    with suppress(ImageError):
        names(str(folder.parent))


def test_what_is_no_bbolt_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 20000)
    with pytest.raises(ImageError, match="is no bbolt file"):
        Bolt(str(tmp_path / "x"))


def make_root(folder: Path) -> Path:
    for name, data in [("etc/os-release", OS_RELEASE), ("var/lib/dpkg/status", STATUS), ("app/run.sh", b"#!/bin/sh\n")]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "app/run.sh").chmod(0o4755)
    return folder


def test_a_root_file_system(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "outside/run.sh").chmod(0o755)
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "absolute").symlink_to("/etc/shadow")
    (root / "loop").symlink_to(".")
    os.mkfifo(root / "fifo")
    os.mkfifo(root / "var/lib/dpkg/available")
    for reference in (f"rootfs:{root}", str(root)):
        image = read(reference)
        assert image.kind == "rootfs" and image.os is not None and image.os.id == "debian"
        assert [p.name for p in image.packages] == ["bash"]
        assert [(e.path, e.mode) for e in image.executables] == [("app/run.sh", 0o4755)]
        assert not image.not_looked and not image.layers
    with pytest.raises(ImageError, match="there is no folder"):
        read(f"rootfs:{tmp_path}/nothing")


def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root")
    for _ in range(210):
        root /= "d"
        root.mkdir()
    image = read(f"rootfs:{tmp_path / 'root'}")
    assert [problem.reason for problem in image.not_looked] == ["is nested more than 200 deep"]


def test_a_running_container(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root to change the root of a process")
    root = make_root(tmp_path / "root")
    child = os.fork()
    if not child:
        os.chroot(root)
        signal.pause()
        os._exit(0)
    try:
        for _ in range(100):
            if os.path.exists(f"/proc/{child}/root/app/run.sh"):
                break
            time.sleep(0.02)
        image = read(f"container:{child}")
        assert image.kind == "rootfs" and [p.name for p in image.packages] == ["bash"] and not image.not_looked
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_containers_are_found_by_their_ids(tmp_path: Path) -> None:
    first, second = "ab" * 32, "ab" * 4 + "cd" * 28
    for pid, group in [
        ("7", "0::/"),
        ("40", f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{first}.scope"),
        ("30", f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{first}.scope"),
        ("50", f"1:name=systemd:/docker/{second}"),
        ("sys", ""),
    ]:
        (tmp_path / pid / "root").mkdir(parents=True)
        (tmp_path / pid / "cgroup").write_text(f"{group}\n")
    proc = str(tmp_path)
    assert root_of(first, proc) == f"{proc}/30/root"
    assert root_of(f"containerd://{first}", proc) == f"{proc}/30/root"
    assert root_of(second[:12], proc) == f"{proc}/50/root"
    with pytest.raises(ImageError, match="is the start of 2 containers' ids"):
        root_of("abababab", proc)
    with pytest.raises(ImageError, match="no process of a container"):
        root_of("0" * 64, proc)
    with pytest.raises(ImageError, match="neither a process nor"):
        root_of("nginx", proc)


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        ("nginx", Place("registry", "nginx")),
        ("nginx:1.25", Place("registry", "nginx:1.25")),
        ("docker:dind", Place("registry", "docker:dind")),
        ("registry:2", Place("registry", "registry:2")),
        ("registry:nginx:1.25", Place("registry", "nginx:1.25")),
        ("registry:localhost:5000/a", Place("registry", "localhost:5000/a")),
        ("containers-storage:x", Place("crio", "x")),
        ("-", Place("-", "")),
        ("/", Place("rootfs", "/")),
    ],
)
def test_what_references_mean(reference: str, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nginx").mkdir()  # a folder that only happens to have an image's name
    assert place_of(reference) == place


def test_a_path_to_nothing() -> None:
    with pytest.raises(ImageError, match="there is no such file or folder"):
        place_of("./nothing.tar")


def test_a_bill_of_materials(layout: Path, tmp_path: Path) -> None:
    file = tmp_path / "bom.json"
    subprocess.run(
        [sys.executable, "-m", "seawall", "image", str(layout), "--format", f"cyclonedx={file}"], check=True, timeout=60
    )
    for reference in (file, f"sbom:{file}"):
        image = read(reference)
        assert image.kind == "sbom" and [(p.name, p.version) for p in image.packages] == [("bash", "5.2.15-2")]
    assert b"hunter2" not in file.read_bytes()


def test_an_archive_is_not_held_in_memory(tmp_path: Path) -> None:
    layer = tar(entry("big", bytes(300 << 20)))
    file = tmp_path / "big.tar"
    file.write_bytes(saved(build([layer]), [layer]))
    del layer
    code = (
        "import sys; from seawall.engine.images import *; read_image(sys.argv[1], ImageOptions()); "
        "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))"
    )
    for reference in (str(file), "-"):
        with file.open("rb") as stdin:
            command = [sys.executable, "-c", code, reference]
            done = subprocess.run(command, stdin=stdin, capture_output=True, check=True, timeout=120)
        assert int(done.stdout) < 150 << 10
