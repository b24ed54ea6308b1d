"""Collection from what Debian's packages put on a host, and from a containerd that really runs.

``make e2e-setup`` unpacks the packages below ``.tools/debian``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.model.facts import Facts
from tests.conftest import REPOSITORY
from tests.sources.host.trees import facts_of, plant, reasons

PACKAGES = REPOSITORY / ".tools" / "debian"


@pytest.fixture
def debian(tmp_path: Path) -> Path:
    """A root with the files of the packages."""
    if not PACKAGES.is_dir():
        assert not os.environ.get("SEAWALL_E2E"), "run `make e2e-setup`"
        pytest.skip("no packages of Debian; `make e2e-setup` fetches them")
    for folder in ("etc", "lib"):
        shutil.copytree(PACKAGES / folder, tmp_path / folder, symlinks=True)
    return plant(tmp_path, {})


def test_units_and_configuration_as_packaged(debian: Path) -> None:
    facts = facts_of(debian)
    containerd, dockerd, etcd = (facts.components[name] for name in ("containerd", "dockerd", "etcd"))
    assert containerd.config is not None and containerd.config["version"] == 2
    assert facts.paths["cni.conf"] == "/etc/cni/net.d"
    assert dockerd.flags == {"host": ("fd://",), "containerd": ("/run/containerd/containerd.sock",)}
    assert etcd.environment["ETCD_DATA_DIR"] == facts.paths["etcd.data"] == "/var/lib/etcd/default"
    assert facts.docker is not None and facts.docker.audit_rules is not None and "-f 1" in facts.docker.audit_rules
    assert facts.files["/lib/systemd/system/docker.service"].kind == "file"
    assert not reasons(facts)


def test_what_containerd_itself_calls_its_defaults(debian: Path) -> None:
    defaults = subprocess.run(
        [PACKAGES / "usr/bin/containerd", "config", "default"], capture_output=True, check=True, timeout=60
    ).stdout
    (debian / "etc/containerd/config.toml").write_bytes(defaults)
    containerd = facts_of(debian).components["containerd"]
    assert containerd.config is not None
    assert containerd.config["plugins"]["io.containerd.grpc.v1.cri"]["enable_selinux"] is False


def test_the_ssh_server_as_packaged(debian: Path) -> None:
    shutil.copy(PACKAGES / "usr/share/openssh/sshd_config", debian / "etc/ssh/sshd_config")
    sshd = facts_of(debian).sshd
    assert sshd is not None and sshd["x11forwarding"] == ("yes",) and sshd["usepam"] == ("yes",)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Facts]:
    """Facts of this machine while a containerd of ours runs."""
    if not PACKAGES.is_dir() or os.geteuid() != 0:
        pytest.skip("needs root and `make e2e-setup`")
    config = tmp_path / "config.toml"
    config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
    words = ["containerd", "--config", str(config), "--root", f"{tmp_path}/r", "--state", f"{tmp_path}/s"]
    words += ["--address", f"{tmp_path}/c.sock"]
    process = subprocess.Popen(words, executable=PACKAGES / "usr/bin/containerd", stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "c.sock").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        yield facts_of(Path("/"))
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_running_containerd(running: Facts) -> None:
    containerd = running.components["containerd"]
    assert containerd.seen_in == "process" and containerd.flags["address"][0].endswith("/c.sock")
    assert containerd.config == {"version": 2, "disabled_plugins": ["io.containerd.grpc.v1.cri"]}
    assert running.files[containerd.flags["address"][0]].kind == "socket"
