"""What an inventory costs: collecting a root of 250 MB, laying it out, writing it as an SBOM, against stated bounds.

The root is this machine's own: the files of its packages of Debian, the most needed first, until they are 250 MB
(none larger than 60 MB: a program is read whole, so the largest says what memory it takes). Reading them from disk is
part of the measure; unpacking a layer is not (see the bench of reading).
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measuring import measure

RUNS = 5
BYTES = 250_000_000
LARGEST = 60_000
COLLECT_SECONDS, COLLECT_MEGABYTES = 1.5, 200.0
REST_SECONDS = 0.5
_DPKG = shutil.which("dpkg-query") or ""
_PRIORITIES = ("required", "important", "standard", "optional", "extra")


class _Entry:
    """A file on disk with the face of an entry of a layer."""

    target, capability, head_bytes = "", b"", b""

    def __init__(self, path: str, status: os.stat_result) -> None:
        from seawall.model.images import EntryKind

        self.path = path
        self.mode = stat.S_IMODE(status.st_mode)
        self.uid, self.gid = status.st_uid, status.st_gid
        kind = stat.S_IFMT(status.st_mode)
        self.kind = {stat.S_IFDIR: EntryKind.DIRECTORY, stat.S_IFLNK: EntryKind.SYMLINK}.get(kind, EntryKind.FILE)
        self.size = status.st_size if self.kind is EntryKind.FILE else 0
        if self.kind is EntryKind.SYMLINK:
            self.target = os.readlink(f"/{path}")

    def head(self, count: int) -> bytes:
        with open(f"/{self.path}", "rb") as file:
            return file.read(count)

    def read(self, limit: int) -> bytes:
        return Path("/", self.path).read_bytes()

    def pieces(self) -> Iterator[bytes]:
        yield Path("/", self.path).read_bytes()


def _paths() -> list[str]:
    """Files, links and directories of packages up to the size, each once, by its real name, parents first."""
    form = "${Priority}\t${Package}\t${Installed-Size}\n"
    told = subprocess.run([_DPKG, "-W", "-f", form], check=True, capture_output=True, text=True).stdout
    packages = sorted(
        (line.split("\t") for line in told.splitlines()), key=lambda row: (_PRIORITIES.index(row[0] or "extra"), row[1])
    )
    size = 0
    found: set[str] = set()
    for _, package, kilobytes in packages:
        if size >= BYTES:
            break
        if int(kilobytes or 0) > LARGEST:
            continue
        listed = subprocess.run([_DPKG, "-L", package], check=True, capture_output=True, text=True).stdout
        for name in listed.splitlines():
            path = Path(name)
            real = str(path.parent.resolve() / path.name)[1:]
            if real and real not in found and path.exists():
                found.add(real)
                size += path.lstat().st_size if path.is_file() else 0
        found.update(f"var/lib/dpkg/info/{path.name}" for path in Path("/var/lib/dpkg/info").glob(f"{package}[.:]*"))
    return sorted((*found, "var/lib/dpkg/status", "bin", "sbin", "lib", "lib64", "etc/os-release"))


def _entries(paths: list[str]) -> Iterator[_Entry]:
    for path in paths:
        yield _Entry(path, os.lstat(f"/{path}"))


def _collect(listing: Path) -> None:
    from seawall.analysis.images import collect

    collect(_entries(listing.read_text().split("\n")))


def _walk(listing: Path) -> None:
    """The same without looking at anything: what reading the directory costs by itself."""
    for _ in _entries(listing.read_text().split("\n")):
        pass


def _rest(listing: Path) -> float:
    """Seconds of laying out, writing both forms of SBOM and reading one again."""
    from seawall.analysis.images import assemble, collect, decode_contents, encode_contents
    from seawall.reports import cyclonedx, spdx
    from seawall.sources.sbom import read_sbom

    contents = collect(_entries(listing.read_text().split("\n")))
    start = time.process_time()
    inventory = assemble("bench", (), (decode_contents(encode_contents(contents)),))
    document = cyclonedx.render(inventory)
    spdx.render(inventory)
    read_sbom(document, "bench")
    seconds = time.process_time() - start
    print(f"{len(inventory.packages)} packages, {len(inventory.executables)} programs, SBOM of {len(document):,} bytes")
    return seconds


def main() -> int:
    """Print the figures, or play one of the parts."""
    if sys.argv[1:2] == ["collect"]:
        _collect(Path(sys.argv[2]))
        return 0
    if sys.argv[1:2] == ["walk"]:
        _walk(Path(sys.argv[2]))
        return 0
    import tempfile

    if not _DPKG:
        print("inventory: no machine of dpkg, nothing to measure")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "paths"
        paths = _paths()
        listing.write_text("\n".join(paths))
        size = sum(entry.size for entry in _entries(paths))
        cpu, peak = measure([sys.executable, "-m", "bench.inventory", "collect", str(listing)], RUNS)
        walk, _ = measure([sys.executable, "-m", "bench.inventory", "walk", str(listing)], RUNS)
        rest = _rest(listing)
    good = cpu <= COLLECT_SECONDS and peak <= COLLECT_MEGABYTES
    print(
        f"collect {len(paths):,} entries, {size / 1e6:.0f} MB   {cpu:.3f} s of {COLLECT_SECONDS} s "
        f"({cpu / COLLECT_SECONDS:.2f}; walking alone {walk:.3f} s)   {peak:.0f} MB of {COLLECT_MEGABYTES:.0f} MB  "
        f"{'ok' if good else 'OVER'}"
    )
    fine = rest <= REST_SECONDS
    print(f"lay out, two SBOMs, read one   {rest:.3f} s of {REST_SECONDS} s  {'ok' if fine else 'OVER'}")
    return 0 if good and fine else 1


if __name__ == "__main__":
    sys.exit(main())
