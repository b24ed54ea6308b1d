"""What reading an image costs: walking a layer of 250 MB, against Python's tarfile and a bound; a whole SBOM; and the
vulnerabilities of 1 GB.

The layer is made here, always alike: 12,000 files of words and noise that pack as those of a distribution do, with the
database of 400 packages, programs, and Python and Node packages. The peer unpacks and lists the same layer with the
standard library, without checking any digest; Seawall checks both, of the stored and of the plain bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measuring import SEAWALL, measure

RUNS = 5
PLAIN = 250_000_000
WALK_SECONDS, WALK_MEGABYTES = 1.0, 60.0
SBOM_SECONDS, SBOM_MEGABYTES = 3.0, 200.0
CACHED_SECONDS = 0.5
LARGE_SECONDS, LARGE_MEGABYTES = 8.0, 400.0
_MEAN = 20_000


def layer_file(path: Path, seed: int) -> str:
    """Write the packed layer; returns the digest of the plain tar."""
    plain = hashlib.sha256()

    class Both(io.RawIOBase):
        def write(self, data: object) -> int:
            plain.update(data)  # type: ignore[arg-type]
            return packed.write(data)  # type: ignore[arg-type]

    with gzip.GzipFile(path, "wb", 6, mtime=0) as packed, tarfile.open(fileobj=Both(), mode="w|") as archive:
        for name, data, mode in _files(random.Random(seed)):  # noqa: S311 - not for secrets
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            archive.addfile(info, io.BytesIO(data))
    return f"sha256:{plain.hexdigest()}"


def _files(rnd: random.Random) -> Iterator[tuple[str, bytes, int]]:
    words = [bytes(rnd.choices(b"abcdefghijklmnopqrstuvwxyz", k=rnd.randrange(2, 12))) for _ in range(4000)]
    text = b" ".join(rnd.choices(words, k=400_000))
    noise = rnd.randbytes(1 << 21)
    yield "etc/os-release", b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n', 0o644
    yield "var/lib/dpkg/status", b"".join(_paragraph(number) for number in range(400)), 0o644
    size, number = 0, 0
    while size < PLAIN:
        length = min(int(rnd.expovariate(1 / _MEAN)), 4_000_000)
        start = rnd.randrange(len(text) - 1)
        part = text[start : start + length // 2 + 1]
        part = (part * (length // 2 // len(part) + 1))[: length // 2]
        begin = rnd.randrange(len(noise))
        data = part + noise[begin : begin + length // 4] + bytes(length // 4)
        number += 1
        size += len(data) + 1024
        yield _named(number, data)


def _named(number: int, data: bytes) -> tuple[str, bytes, int]:
    if number % 40 == 0:
        return (
            f"usr/lib/python3/dist-packages/p{number}-1.0.dist-info/METADATA",
            (f"Metadata-Version: 2.1\nName: p{number}\nVersion: 1.0\n\n".encode() + data[:2000]),
            0o644,
        )
    if number % 40 == 1:
        return f"app/node_modules/n{number}/package.json", f'{{"name":"n{number}","version":"1.0.0"}}'.encode(), 0o644
    if number % 20 == 2:
        return f"usr/bin/tool{number}", b"#!/bin/sh\n" + data, 0o755
    return f"usr/share/doc/part{number % 400}/file{number}.txt", data, 0o644


def _paragraph(number: int) -> bytes:
    return (
        f"Package: part{number}\nStatus: install ok installed\nPriority: optional\nSection: libs\n"
        f"Version: 1.{number}-1\nArchitecture: amd64\nMaintainer: A <a@example.org>\nDescription: a part\n\n"
    ).encode()


def image_folder(folder: Path, count: int) -> None:
    """An OCI layout of one image with so many layers of 250 MB."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    layer = folder / "layer"
    diff_ids, layers = [], []
    for seed in range(11, 11 + count):
        diff_ids.append(layer_file(layer, seed))
        layers.append(("layer", layer.read_bytes()))
    config = {"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    parts = []
    for kind, data in [("config", json.dumps(config).encode()), *layers]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        media = "application/vnd.oci.image." + ("config.v1+json" if kind == "config" else "layer.v1.tar+gzip")
        parts.append({"mediaType": media, "digest": f"sha256:{digest}", "size": len(data)})
    manifest = json.dumps({"schemaVersion": 2, "config": parts[0], "layers": parts[1:]}).encode()
    digest = hashlib.sha256(manifest).hexdigest()
    (blobs / digest).write_bytes(manifest)
    item = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": f"sha256:{digest}",
        "size": len(manifest),
    }
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [item]}))


def advisories(folder: Path) -> None:
    """OSV documents on the packages of the distribution, half of which are mended."""
    folder.mkdir()
    for number in range(400):
        fixed = f"1.{number}-{1 + number % 2}"
        affected = {
            "package": {"ecosystem": "Debian:12", "name": f"part{number}"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
        }
        document = {"id": f"CVE-2024-{number}", "modified": "2024-01-01T00:00:00Z", "affected": [affected]}
        (folder / f"{number}.json").write_text(json.dumps(document))


def walk(path: str, digest: str) -> int:
    """Ours: every entry of a layer, digests checked; returns how many."""
    from seawall.model.images import LayerInfo
    from seawall.sources.images.files import file_pieces
    from seawall.sources.images.layer import LayerWalk

    walked = LayerWalk(LayerInfo(digest, "", 0), file_pieces(path))
    count = sum(1 for _ in walked)
    if not walked.trusted or walked.problems:
        raise SystemExit("the walk failed")
    return count


def peer(path: str) -> int:
    """Theirs: every member, by the standard library."""
    with tarfile.open(path, "r|gz") as archive:
        return sum(1 for _ in archive)


def _print(name: str, mine: tuple[float, float], seconds: float, megabytes: float, against: str = "") -> None:
    verdict = "ok" if mine[0] <= seconds and mine[1] <= megabytes else "OVER"
    print(f"{name:<34} {mine[0]:6.2f} s of {seconds} s   {mine[1]:5.0f} MB of {megabytes:.0f} MB  {verdict}{against}")


def main() -> None:
    """Make the layer, measure, print."""
    python = [sys.executable, "-m", "bench.images"]
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as name:
        folder = Path(name)
        # In a process of its own: what measures must stay small, as children are born with their parent's peak.
        subprocess.run([*python, "make", str(folder / "image"), "1"], check=True)
        layer = folder / "image" / "layer"
        with layer.open("rb") as stream:
            digest = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
        mine = measure([*python, "walk", str(layer), digest], RUNS)
        theirs = measure([*python, "peer", str(layer)], RUNS)
        told = f"   tarfile {theirs[0]:.2f} s, ratio {mine[0] / theirs[0]:.2f}"
        _print("walk a layer of 250 MB", mine, WALK_SECONDS, WALK_MEGABYTES, told)
        command = [str(SEAWALL), "image", f"oci-dir:{folder / 'image'}", "--format", f"cyclonedx={folder / 'bom'}"]
        _print("its SBOM", measure([*command, "--no-cache"], RUNS), SBOM_SECONDS, SBOM_MEGABYTES)
        os.environ["SEAWALL_CACHE"] = str(folder / "cache")
        measure(command, 1)
        _print("its SBOM, the layer being known", measure(command, RUNS), CACHED_SECONDS, SBOM_MEGABYTES)
        subprocess.run([*python, "make", str(folder / "large"), "4"], check=True)
        advisories(folder / "osv")
        database = f"--db={folder / 'db'}"
        subprocess.run(
            [str(SEAWALL), "db", "build", "--from", str(folder / "osv"), database], check=True, capture_output=True
        )
        large = [str(SEAWALL), "image", f"oci-dir:{folder / 'large'}", database, "--no-cache", "--format", "json"]
        _print("vulnerabilities of 1 GB", measure(large, 3), LARGE_SECONDS, LARGE_MEGABYTES)


if __name__ == "__main__":
    if sys.argv[1:2] == ["walk"]:
        walk(sys.argv[2], sys.argv[3])
    elif sys.argv[1:2] == ["make"]:
        image_folder(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] == ["peer"]:
        peer(sys.argv[2])
    else:
        main()
