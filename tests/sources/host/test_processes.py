"""Processes: real ones that tests start, and broken ones in a /proc of files."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.model.facts import Facts
from tests.sources.host.trees import facts_of, plant, reasons, run

SLEEP = "import time; time.sleep(120)"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Facts, int, int]]:
    """Facts of this machine while a kubelet of ours runs; with its pid and the port that a socket listens on."""
    config = tmp_path_factory.mktemp("kubelet") / "config.yaml"
    config.write_text("authentication:\n  anonymous:\n    enabled: true\nreadOnlyPort: 10255\n")
    words = ["kubelet", "-c", SLEEP, f"--config={config}", "--anonymous-auth", "--token=hunter2hunter2", "--v", "3"]
    process = subprocess.Popen(words, executable=sys.executable, env={"ETCD_NAME": "x", "PASSWORD": "hunter2hunter2"})
    try:
        cmdline = Path(f"/proc/{process.pid}/cmdline")
        deadline = time.monotonic() + 10
        while not cmdline.read_bytes().startswith(b"kubelet\0") and time.monotonic() < deadline:
            time.sleep(0.01)
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            yield facts_of(Path("/")), process.pid, listening.getsockname()[1]
    finally:
        process.kill()
        process.wait()


def test_a_running_kubelet_is_told_with_its_flags_and_its_file(running: tuple[Facts, int, int]) -> None:
    facts, pid, _ = running
    kubelet = facts.components["kubelet"]
    if kubelet.pid != pid:
        pytest.skip("a kubelet of its own runs on this machine")
    assert (kubelet.seen_in, kubelet.uid) == ("process", os.geteuid())
    assert kubelet.flags["anonymous-auth"] == ("true",) and kubelet.flags["v"] == ("3",)
    assert kubelet.config is not None and kubelet.config["readOnlyPort"] == 10255
    assert kubelet.config_path in facts.files and facts.paths["kubelet.config"] == kubelet.config_path
    assert "worker" in facts.roles


def test_nothing_secret_of_a_process_is_kept(running: tuple[Facts, int, int]) -> None:
    assert "hunter2" not in repr(running[0])


def test_listening_sockets_have_their_process(running: tuple[Facts, int, int]) -> None:
    facts, _, port = running
    found = [each for each in facts.listeners if each.port == port and each.address == "127.0.0.1"]
    assert [(each.protocol, each.pid) for each in found] == [("tcp", os.getpid())]


def test_an_enormous_command_line_is_not_judged(tmp_path: Path) -> None:
    plant(tmp_path, {})
    run(tmp_path, 7, ["kubelet", *("--feature-gates=A=true" for _ in range(40_000)), "--anonymous-auth=false"])
    facts = facts_of(tmp_path)
    assert reasons(facts)["components.kubelet.flags"] == "its command line is longer than 256 KiB"
    assert len(facts.components["kubelet"].argv) <= 512


def test_processes_that_vanish_are_left_out(tmp_path: Path) -> None:
    plant(tmp_path, {})
    (tmp_path / "proc" / "99").mkdir()  # no files within: it is gone
    (tmp_path / "proc" / "98").write_text("not a folder")
    run(tmp_path, 7, ["/usr/bin/kubelet"])
    facts = facts_of(tmp_path)
    assert facts.components["kubelet"].pid == 7
    assert not [fact for fact in reasons(facts) if fact.startswith("processes")]


def test_a_pipe_in_place_of_a_command_line_does_not_block(tmp_path: Path) -> None:
    plant(tmp_path, {})
    (tmp_path / "proc" / "99").mkdir()
    os.mkfifo(tmp_path / "proc" / "99" / "cmdline")
    assert "is not a file" in reasons(facts_of(tmp_path))["processes.99"]


def test_hyperkube_and_programs_that_rename_themselves(tmp_path: Path) -> None:
    plant(tmp_path, {})
    run(tmp_path, 7, ["/hyperkube", "apiserver", "--profiling=false"])
    run(tmp_path, 8, ["/usr/local/bin/k3s server"])
    run(tmp_path, 9, ["vim", "kubelet"])
    facts = facts_of(tmp_path)
    assert facts.components["kube-apiserver"].flags == {"profiling": ("false",)}
    assert facts.components["k3s"].argv == ("/usr/local/bin/k3s", "server")
    assert facts.layout == "k3s" and facts.components["kubelet"].seen_in == "config"


def test_of_several_the_first_is_told(tmp_path: Path) -> None:
    plant(tmp_path, {})
    run(tmp_path, 9, ["etcd", "--name=b"])
    run(tmp_path, 7, ["etcd", "--name=a"])
    facts = facts_of(tmp_path)
    assert facts.components["etcd"].flags["name"] == ("a",)
    assert reasons(facts)["components.etcd.others"] == "2 run; pid 7 is told"
