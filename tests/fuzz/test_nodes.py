"""Hosts of any bytes: whatever stands in their files, facts come out that can be written and read."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.model.facts import Facts
from tests.sources.host.trees import KUBEADM, facts_of, plant, run

_FILES = sorted(
    {
        *KUBEADM,
        *("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/ssh/sshd_config", "/etc/audit/audit.rules"),
        *("/etc/docker/daemon.json", "/etc/containerd/config.toml", "/etc/crio/crio.conf", "/proc/1/mounts"),
        *("/etc/rancher/k3s/config.yaml", "/proc/2/cmdline", "/proc/2/status", "/proc/1/cgroup", "/proc/modules"),
        *("/var/snap/microk8s/current/args/kubelet", "/proc/1/net/tcp6", "/proc/sys/kernel/panic", "/proc/cmdline"),
    }
)
#: Bytes that mean something to one parser or another, and any others.
_WORDS = [
    *(b"\n", b"=", b"[", b"]", b"{", b"}", b":", b"- ", b"'", b'"', b"\\", b"\0", b"\xff", b"a", b"--", b"1"),
    *(b"ExecStart", b"[Service]\n", b"$", b"${A}", b"Include *", b"Match all", b"kubelet\0", b"&a *a"),
]
_BYTES = st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(_WORDS), max_size=25).map(b"".join))


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(_FILES), _BYTES, max_size=8))
def test_any_files(contents: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = plant(Path(folder) / "root", KUBEADM)
        for pid, name in ((2, "kubelet"), (3, "containerd"), (4, "crio"), (5, "dockerd"), (6, "k3s")):
            run(root, pid, [name])
        for path, data in contents.items():
            place = root / path[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        facts = facts_of(root)
        assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts


@given(st.lists(st.sampled_from(["..", ".", "/", "etc", "a", "b", "root", "proc"]), min_size=1, max_size=8))
def test_any_link_stays_within(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        (top / "a").write_text("outside")
        (top / "etc").mkdir()
        (top / "etc/a").write_text("outside")
        root = plant(top / "root", {"/etc/a": "inside", "/b/a": "inside"})
        os.symlink("/".join(steps), root / "etc/kubernetes")
        facts = facts_of(root)
        assert "outside" not in repr(facts)
        shutil.rmtree(root)


def test_names_that_are_no_text_are_counted(tmp_path: Path) -> None:
    root = plant(tmp_path, KUBEADM)
    os.mkdir(bytes(root / "etc/kubernetes/pki") + b"/\xff\xfe")
    facts = facts_of(root)
    assert any(
        each.fact == "files./etc/kubernetes/pki" and "holds 1 names that are no text" in each.reason
        for each in facts.problems
    )
    assert msgspec.json.encode(facts)
