"""Programs of the control plane are told from containers as they are started in earnest."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model.kube.components import KubeadmConfiguration
from seawall.model.kube.pod import Container
from seawall.model.kubeadm import kubeadm_programs
from seawall.model.programs import PROGRAMS, Program, find_program


def program(**fields: Any) -> Program | None:
    """The program of a container with these fields."""
    return find_program(msgspec.convert(fields, Container))


def flags(found: Program | None) -> dict[str, list[str]]:
    """The flags' values by name."""
    assert found is not None
    return {name: [flag.value for flag in given] for name, given in found.flags.items()}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["kube-apiserver", "--profiling=false"], "kube-apiserver"),
        (["/usr/local/bin/kube-apiserver", "--profiling=false"], "kube-apiserver"),
        (["/hyperkube", "apiserver", "--profiling=false"], "kube-apiserver"),
        (["/hyperkube", "kube-scheduler", "--profiling=false"], "kube-scheduler"),
        (["/hyperkube", "proxy", "--profiling=false"], "kube-proxy"),
        (["/go-runner", "--log-file=/var/log/a.log", "/usr/bin/kube-apiserver", "--profiling=false"], "kube-apiserver"),
        (["nsenter", "-t", "1", "-m", "--", "/usr/bin/kubelet", "--profiling=false"], "kubelet"),
        (["/bin/sh", "-c", "exec /usr/local/bin/etcd --profiling=false"], "etcd"),
        (
            ["/bin/sh", "-ec", "ulimit -n 65536\nexec kube-apiserver \\\n --profiling=false 2>&1 | tee /l"],
            "kube-apiserver",
        ),
        (["sh", "-c", "GOMAXPROCS=2 kube-proxy --profiling=false"], "kube-proxy"),
        (["bash", "-c", "if true; then exec kubelet --profiling=false; fi"], "kubelet"),
        (["sh", "-c", 'kubelet "--profiling=false"'], "kubelet"),
    ],
)
def test_programs_are_found(command: list[str], name: str) -> None:
    found = program(command=command)
    assert found is not None
    assert found.name == name
    assert found.switch("profiling", True) is False


@pytest.mark.parametrize(
    "command",
    [
        ["cart", "--listen=:8080"],
        ["cp", "/usr/bin/kubelet", "-f", "/host"],
        ["sh", "-c", "cp /usr/bin/kubelet /host/ && cat /var/lib/etcd"],
        ["sh", "-c", "sleep 1; kubectl get nodes"],
        ["etcdctl", "--endpoints=https://127.0.0.1:2379", "get", "/"],
        ["etcd-backup", "--data-dir=/var/lib/etcd"],
        ["chroot", "/host", "/usr/bin/kubelet", "--version"],
        ["kube-apiserver-proxy", "--port=80"],
        ["ls", "/etc/kubelet"],
    ],
)
def test_others_are_not_taken_for_them(command: list[str]) -> None:
    assert program(command=command, image="registry.example.com/tools/kit:1") is None


def test_arguments_alone_count() -> None:
    assert flags(program(args=["kube-scheduler", "--v=2"])) == {"v": ["2"]}
    assert flags(program(image="registry.k8s.io/etcd:3.6.5-0", args=["--data-dir=/d"])) == {"data-dir": ["/d"]}
    assert program(image="registry.k8s.io/etcd:3.6.5-0") is not None
    assert program(image="registry.example.com/etcd-operator:1", args=["--data-dir=/d"]) is None


def test_flags_are_read_as_the_programs_do() -> None:
    found = program(
        command=["kube-apiserver", "--authorization-mode", "Node"],
        args=["--authorization_mode=RBAC", "-v=3", "--profiling", "--secure-port=6443", "--", "--profiling=false"],
    )
    assert flags(found) == {
        "authorization-mode": ["Node", "RBAC"],
        "v": ["3"],
        "profiling": ["true"],
        "secure-port": ["6443"],
    }
    assert found is not None
    assert found.items("authorization-mode") == ["Node", "RBAC"]
    assert found.place("authorization-mode") == ("args", 0)
    assert found.place("anonymous-auth") == ("command",)
    assert found.number("secure-port", 0) == 6443


def test_variables_are_filled_in_where_they_are_known() -> None:
    env = [{"name": "ANON", "value": "false"}, {"name": "PORT", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]
    found = program(command=["kube-apiserver", "--anonymous-auth=$(ANON)", "--secure-port=$(PORT)"], env=env)
    assert found is not None
    assert found.switch("anonymous-auth", True) is False
    assert found.number("secure-port", 6443) is None


def test_etcd_reads_its_environment_and_flags_beat_it() -> None:
    env = [{"name": "ETCD_AUTO_TLS", "value": "true"}, {"name": "ETCD_PEER_AUTO_TLS", "value": "true"}]
    found = program(command=["etcd", "--peer-auto-tls=false"], env=env)
    assert found is not None
    assert found.switch("auto-tls", False) is True
    assert found.place("auto-tls") == ("env", 0)
    assert found.switch("peer-auto-tls", False) is False


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("registry.k8s.io/kube-apiserver:v1.36.1", (1, 36)),
        ("gcr.io/google_containers/kube-apiserver-amd64:v1.6.0@sha256:00", (1, 6)),
        ("registry.example.com:5000/hyperkube:v1.18.20", (1, 18)),
        ("registry.example.com/base:v1.30.0", None),
        ("registry.k8s.io/kube-apiserver", None),
        ("registry.k8s.io/kube-apiserver:latest", None),
    ],
)
def test_a_program_is_of_its_image_version(image: str, version: tuple[int, int] | None) -> None:
    found = program(command=["kube-apiserver"], image=image)
    assert found is not None
    assert found.version == version


def test_kubeadm_sets_flags_by_itself_and_its_arguments_beat_them() -> None:
    raw = {
        "apiServer": {"extraArgs": [{"name": "authorization-mode", "value": "AlwaysAllow"}]},
        "controllerManager": {"extraArgs": {"profiling": False}},
    }
    view = msgspec.convert(raw, KubeadmConfiguration)
    found = {each.name: each for each in kubeadm_programs(view, "ClusterConfiguration")}
    assert set(found) == {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"}
    assert found["kube-apiserver"].items("authorization-mode") == ["AlwaysAllow"]
    assert found["kube-apiserver"].place("authorization-mode") == ("apiServer", "extraArgs", 0, "value")
    assert found["kube-apiserver"].text("client-ca-file")
    assert found["kube-controller-manager"].switch("profiling", True) is False
    assert found["etcd"].switch("client-cert-auth", False) is True


def test_kubeadm_starts_no_etcd_where_it_is_external() -> None:
    view = msgspec.convert({"etcd": {"external": {"endpoints": ["https://e:2379"]}}}, KubeadmConfiguration)
    assert "etcd" not in [each.name for each in kubeadm_programs(view, "ClusterConfiguration")]


@given(st.lists(st.text(alphabet=st.sampled_from("kubelt-=/ \n'\"$();&|\\{}etcdshc"), max_size=80), max_size=6))
def test_no_command_breaks_it(words: list[str]) -> None:
    for command in (words, ["sh", "-c", *words], ["kubelet", *words]):
        found = program(command=command)
        assert found is None or found.name in PROGRAMS


def test_a_huge_script_is_read_in_little_time() -> None:
    script = "kubelet --v=2 " + "'" * 1_000_000
    found = program(command=["sh", "-c", script])
    assert found is not None
    assert found.name == "kubelet"
