"""Reading below a root: links, pipes, devices and changing files lead nowhere else, and never block."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from seawall.sources.host.root import Absent, HostError, Root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "outside").write_text("not yours")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "real").write_text("yours")
    return root


def read(root: Path, path: str, limit: int = 1 << 20) -> bytes:
    with Root(str(root)) as opened:
        return opened.read(path, limit)


@pytest.mark.parametrize("target", ["/etc/real", "real", "../etc/real", "/etc/../etc/./real"])
def test_links_within_the_root_are_followed_from_it(tree: Path, target: str) -> None:
    os.symlink(target, tree / "etc" / "link")
    assert read(tree, "/etc/link") == b"yours"


def test_links_of_folders_begin_at_the_root(tree: Path) -> None:
    os.symlink("/etc", tree / "alias")
    assert read(tree, "/alias/real") == b"yours"


@pytest.mark.parametrize("target", ["../../outside", "../../../../../../../../etc/passwd", "/../outside"])
def test_a_link_out_of_the_root_is_refused(tree: Path, target: str) -> None:
    os.symlink(target, tree / "etc" / "link")
    with pytest.raises(HostError, match="out of the root"):
        read(tree, "/etc/link")


def test_an_absolute_link_does_not_reach_this_machines_files(tree: Path, tmp_path: Path) -> None:
    os.symlink(tmp_path / "outside", tree / "etc" / "link")
    with pytest.raises(Absent):
        read(tree, "/etc/link")


def test_paths_themselves_stay_below_the_root(tree: Path) -> None:
    assert read(tree, "/../../../etc/real") == b"yours"


def test_links_in_a_circle_end(tree: Path) -> None:
    os.symlink("b", tree / "a")
    os.symlink("a", tree / "b")
    with pytest.raises(HostError, match="circle"):
        read(tree, "/a")


def test_a_pipe_does_not_block(tree: Path) -> None:
    os.mkfifo(tree / "etc" / "pipe")
    with pytest.raises(HostError, match="is a fifo, not a file"):
        read(tree, "/etc/pipe")


def test_a_device_is_not_read(tree: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes devices")
    os.mknod(tree / "etc" / "zero", 0o600 | 0o020000, os.makedev(1, 5))
    with pytest.raises(HostError, match="is a device"):
        read(tree, "/etc/zero")


def test_a_large_file_is_not_read(tree: Path) -> None:
    with (tree / "big").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(HostError, match="larger than 1 MiB"):
        read(tree, "/big")


def test_a_file_that_may_not_be_read_says_so(tree: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (tree / "etc" / "real").chmod(0)
    with pytest.raises(HostError, match="permission denied"):
        read(tree, "/etc/real")


def test_what_is_not_there_is_absent(tree: Path) -> None:
    for path in ("/nothing", "/etc/real/below", "/etc/\0"):
        with pytest.raises(Absent):
            read(tree, path)


def test_a_link_that_turns_while_it_is_read_never_leads_out(tree: Path) -> None:
    """A racing writer swaps a file and a link out of the root: either the file is read, or nothing is."""
    stop = threading.Event()
    place = tree / "etc" / "racing"

    def swap() -> None:
        while not stop.is_set():
            for make in (lambda each: each.write_text("yours"), lambda each: os.symlink("../../outside", each)):
                fresh = place.with_name("fresh")
                make(fresh)
                os.replace(fresh, place)

    thread = threading.Thread(target=swap)
    place.write_text("yours")
    thread.start()
    try:
        with Root(str(tree)) as opened:
            for _ in range(2000):
                try:
                    assert opened.read("/etc/racing") == b"yours"
                except HostError:
                    continue
    finally:
        stop.set()
        thread.join()


def test_entries_tell_links_themselves(tree: Path) -> None:
    os.symlink("real", tree / "etc" / "link")
    (tree / "etc" / "real").chmod(0o4750)
    with Root(str(tree)) as opened:
        assert opened.entry("/etc/link")[0::5] == ("symlink", "real")
        assert (opened.entry("/etc/real").kind, oct(opened.entry("/etc/real").mode)) == ("file", "0o4750")
        assert opened.names("/etc") == ["link", "real"]


def test_descriptors_are_given_back(tree: Path) -> None:
    os.symlink("../../outside", tree / "etc" / "out")
    with Root(str(tree)) as opened:
        before = len(os.listdir("/proc/self/fd"))
        for path in ("/etc/real", "/etc/out", "/no/such", "/etc/real/x") * 20:
            try:
                opened.read(path)
            except HostError:
                continue
        assert len(os.listdir("/proc/self/fd")) == before
