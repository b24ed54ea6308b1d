"""Flags mean what the programs take them for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.sources.host.flags import parse_flags
from seawall.sources.host.scrub import scrub_argv

CASES = [
    ("kubelet", ["--config=/a", "--v=2", "--v", "3"], {"config": ("/a",), "v": ("2", "3")}),
    ("kubelet", ["--anonymous-auth", "false"], {"anonymous-auth": ("true",)}),  # a switch takes no next word
    ("kubelet", ["--anonymous-auth=false"], {"anonymous-auth": ("false",)}),
    ("kubelet", ["--anonymous_auth=false"], {"anonymous-auth": ("false",)}),
    ("kubelet", ["-v2", "-v", "4"], {"v": ("2", "4")}),
    ("kubelet", ["--node-ip", "10.0.0.1", "--register-node"], {"node-ip": ("10.0.0.1",), "register-node": ("true",)}),
    ("kubelet", ["--config=", "--", "--x=1"], {"config": ("",)}),
    ("kubelet", ["server", "--x=a=b"], {"x": ("a=b",)}),
    ("etcd", ["-client-cert-auth", "-name", "n1"], {"client-cert-auth": ("true",), "name": ("n1",)}),
    ("dockerd", ["-H", "fd://", "-Htcp://0:2375", "-D"], {"host": ("fd://", "tcp://0:2375"), "debug": ("true",)}),
    ("containerd", ["-c", "/x.toml"], {"config": ("/x.toml",)}),
    ("kube-apiserver", ["--service-account-lookup", "0"], {"service-account-lookup": ("true",)}),
    ("kubelet", ["-", "--", "--a"], {}),
]  # fmt: skip


@pytest.mark.parametrize(("program", "words", "wanted"), CASES)
def test_flags(program: str, words: list[str], wanted: dict[str, tuple[str, ...]]) -> None:
    assert parse_flags(words, program) == wanted


@given(st.lists(st.text(max_size=12), max_size=12), st.sampled_from(["kubelet", "etcd", "dockerd", "crio", "other"]))
def test_any_words_are_read(words: list[str], program: str) -> None:
    found = parse_flags(words, program)
    assert all(name and values for name, values in found.items())


def test_credentials_do_not_stay_in_arguments() -> None:
    argv = [
        "k3s", "server", "--token", "hunter2hunter2", "--agent-token=hunter2hunter2", "--etcd-s3-secret-key",
        "hunter2hunter2", "--datastore-endpoint=postgres://u:hunter2hunter2@db/k", "--token-auth-file=/etc/tokens",
        "--client-cert-auth=true", "--service-account-key-file=/etc/sa.pub",
    ]  # fmt: skip
    kept = scrub_argv(argv)
    assert "hunter2" not in " ".join(kept)
    assert kept[-3:] == tuple(argv[-3:])
    assert kept[2:4] == ("--token", "<redacted>")
