"""Configuration files, accounts, the SSH server, audit rules, mounts and sockets as their programs read them."""

from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.sources.host import HostError, configs
from seawall.sources.host.kernel import parse_mounts
from seawall.sources.host.network import parse_sockets
from seawall.sources.host.scrub import scrub_document
from tests.sources.host.trees import facts_of, plant, reasons, run


def test_containerd_with_imports(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "/etc/containerd/config.toml": 'version = 2\nimports = ["conf.d/*.toml", "/opt/more.toml"]\n'
            '[plugins."io.containerd.grpc.v1.cri"]\n  enable_selinux = false\n'
            '[plugins."io.containerd.grpc.v1.cri".registry.configs."r".auth]\n  password = "hunter2hunter2"\n',
            "/etc/containerd/conf.d/a.toml": '[plugins."io.containerd.grpc.v1.cri"]\n  enable_selinux = true\n'
            '[plugins."io.containerd.grpc.v1.cri".cni]\n  conf_dir = "/opt/cni/net.d"\n',
            "/opt/more.toml": 'oom_score = -999\nimports = ["/etc/containerd/config.toml"]\n',
            "/opt/cni/net.d/10.conflist": "{}",
        },
    )
    run(tmp_path, 7, ["containerd"])
    facts = facts_of(tmp_path)
    containerd = facts.components["containerd"]
    assert containerd.config is not None and containerd.config["oom_score"] == -999
    assert containerd.config["plugins"]["io.containerd.grpc.v1.cri"]["enable_selinux"] is True
    assert containerd.dropins == ("/etc/containerd/conf.d/a.toml", "/opt/more.toml")
    assert facts.paths["cni.conf"] == "/opt/cni/net.d" and "/opt/cni/net.d/10.conflist" in facts.files
    assert "hunter2" not in repr(facts)


@pytest.mark.parametrize("imports", ['["/none.toml"]', '["bad.toml"]'])
def test_containerd_with_a_broken_import_is_not_judged(tmp_path: Path, imports: str) -> None:
    plant(tmp_path, {"/etc/containerd/config.toml": f"imports = {imports}\n", "/etc/containerd/bad.toml": "a = ["})
    run(tmp_path, 7, ["containerd"])
    facts = facts_of(tmp_path)
    assert facts.components["containerd"].config is None
    assert "components.containerd.config" in reasons(facts)


def test_crio_with_its_drop_ins(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "/etc/crio/crio.conf": '[crio.runtime]\nselinux = false\nseccomp_profile = "/a"\n',
            "/etc/crio/crio.conf.d/10.conf": "[crio.runtime]\nselinux = true\n",
        },
    )
    run(tmp_path, 7, ["/usr/bin/crio"])
    crio = facts_of(tmp_path).components["crio"]
    assert crio.config == {"crio": {"runtime": {"selinux": True, "seccomp_profile": "/a"}}}


def test_dockerd_with_its_file_unit_and_audit_rules(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "/etc/docker/daemon.json": '{"icc": false, "data-root": "/data/docker", "tlscacert": "/etc/docker/ca.pem"}',
            "/lib/systemd/system/docker.service": "[Service]\nExecStart=/usr/bin/dockerd -H fd:// $DOCKER_OPTS\n",
            "/etc/audit/rules.d/docker.rules": "## c\n-w /usr/bin/dockerd   -k docker\n-w /etc/docker -k docker\n",
            "/etc/audit/audit.rules": "-w /etc/docker -k docker\n",
        },
    )
    facts = facts_of(tmp_path)
    dockerd = facts.components["dockerd"]
    assert dockerd.config == {"icc": False, "data-root": "/data/docker", "tlscacert": "/etc/docker/ca.pem"}
    assert dockerd.flags == {"host": ("fd://",)}
    assert (facts.paths["docker.root"], facts.paths["docker.tls-ca"]) == ("/data/docker", "/etc/docker/ca.pem")
    assert facts.docker is not None
    assert facts.docker.audit_rules == ("-w /etc/docker -k docker", "-w /usr/bin/dockerd -k docker")


def test_accounts_keep_no_hash(tmp_path: Path) -> None:
    shadow = "root:$6$hunter2$abc:1::::::\netcd:!*:1::::::\n"
    passwd = "broken\nroot:x:0:0::/root:/bin/sh\netcd:x:990:990:::\n"
    plant(tmp_path, {"/etc/shadow": shadow, "/etc/passwd": passwd})
    facts = facts_of(tmp_path)
    assert [(each.name, each.locked) for each in facts.accounts] == [("root", False), ("etcd", True)]
    assert "hunter2" not in repr(facts)


def test_sshd_takes_the_first_value_and_leaves_conditions_out(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "/etc/ssh/sshd_config": "Include sshd_config.d/*.conf\nPermitRootLogin yes\nPort 22\nPort=2222\n# X 1\n"
            'Banner "/etc/issue"  \nMatch User a\n  PasswordAuthentication yes\nMatch all\nX11Forwarding no\n',
            "/etc/ssh/sshd_config.d/10.conf": "permitrootlogin\tno\nMatch Group b\nAllowTcpForwarding yes\n",
        },
    )
    assert facts_of(tmp_path).sshd == {
        "permitrootlogin": ("no",),
        "match": ("Group b", "User a"),
        "port": ("22", "2222"),
        "banner": ("/etc/issue",),
        "x11forwarding": ("no",),
    }


def test_sshd_that_includes_itself_is_told(tmp_path: Path) -> None:
    plant(tmp_path, {"/etc/ssh/sshd_config": "Include /etc/ssh/sshd_config\n"})
    facts = facts_of(tmp_path)
    assert facts.sshd is None and "too many files" in reasons(facts)["sshd"]


def test_mounts_and_sockets() -> None:
    [mount] = parse_mounts("//srv/x\\040y /mnt/a\\040b cifs rw,nosuid,password=hunter2 0 0\nshort\n")
    assert (mount.target, mount.source, mount.options) == ("/mnt/a b", "//srv/x y", ("rw", "nosuid"))
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    row = "   0: 0100007F:280A 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100\n"
    wide = f"   1: {'0' * 24}01000000:0050 {'0' * 32}:0000 0A 0:0 00:0 0     0        0 12 1\n"
    assert list(parse_sockets("tcp", "0A", head + row)) == [("tcp", "127.0.0.1", 10250, 4711)]
    assert list(parse_sockets("tcp6", "0A", head + wide + "broken")) == [("tcp6", "::1", 80, 12)]


@given(st.text(max_size=200))
def test_any_tables_are_read(content: str) -> None:
    parse_mounts(content)
    list(parse_sockets("tcp6", "0A", content))


@pytest.mark.parametrize("parse", [configs.parse_yaml, configs.parse_json, configs.parse_toml])
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_document_or_an_error(parse: configs._Parse, data: bytes) -> None:
    with contextlib.suppress(HostError):
        scrub_document(parse(data))


def test_toml_that_nests_without_end_is_an_error() -> None:
    with pytest.raises(HostError, match="is not TOML"):
        configs.parse_toml(b"a = " + b"[" * 100_000)
    with pytest.raises(HostError, match="nests deeper"):
        configs.parse_toml(b".".join([b"a"] * 20_000) + b" = 1")
    assert tomllib.loads("a = 1") == configs.parse_toml(b"a = 1")


def test_yaml_that_grows_by_aliases_is_an_error() -> None:
    lines = ["a0: &a0 [" + ", ".join(["x"] * 50) + "]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 50)}]" for n in range(1, 4)]
    with pytest.raises(HostError, match=r"more than 100000 values|is not YAML"):
        configs.parse_yaml("\n".join(lines).encode())


def test_documents_lose_what_is_secret_and_keep_the_rest() -> None:
    document = {
        "token": "hunter2hunter2",
        "tokenFile": "/a",
        "auths": {"r": {"auth": "aHVudGVyMg=="}},
        "env": ["A=hunter2hunter2", "B"],
        "url": "https://u:hunter2hunter2@host/",
        "authentication": {"anonymous": {"enabled": False}},
        "big": 10**30,
        "keys": [{"secret": "hunter2hunter2"}],
    }
    kept = scrub_document(document)
    assert "hunter2" not in repr(kept) and "aHVud" not in repr(kept)
    assert (kept["tokenFile"], kept["authentication"]) == ("/a", {"anonymous": {"enabled": False}})
    assert kept["env"] == ["A=<redacted>", "B"]
