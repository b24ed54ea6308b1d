"""Plans mend what they say they mend, in the words of each layout."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.analysis.nodes import Check, Node, Remedy, catalogue, judge, remedy
from seawall.analysis.nodes.examples import example_facts

CHECKS = sorted(catalogue().checks.values(), key=lambda check: check.rule)
#: Checks that only a person can mend, or that a setting of another file decides on; their notes say so.
BY_HAND = {"encryption-identity", "apiserver-etcd-shared-ca", "apiserver-always-allow"}


def planned(check: Check, change: dict[str, Any]) -> Remedy:
    """The remedy of a check on its base facts with a change."""
    facts = example_facts(check.base, change)
    return remedy(check, facts, judge(check, Node(facts)))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.rule)
def test_every_bad_example_is_mended_or_says_what_to_decide(check: Check) -> None:
    for change in check.examples.bad:
        way = planned(check, change)
        if way.verified:
            assert way.steps
            assert all(step.lines and (step.file or step.where) for step in way.steps)
        else:
            assert check.rule in BY_HAND or check.fix.note, way
            assert way.note
    if check.rule not in BY_HAND and not check.fix.note:
        assert all(planned(check, change).verified for change in check.examples.bad)


def way(rule: str, **change: Any) -> Remedy:
    """The remedy of a rule's check on the base facts with a change."""
    return planned(catalogue().checks[rule], change)


def test_kubeadm_manifests() -> None:
    found = way("apiserver-profiling", components={"kube-apiserver": {"flags": {"profiling": None}}})
    (step,) = found.steps
    assert step.file == "/etc/kubernetes/manifests/kube-apiserver.yaml"
    assert step.lines == ("- --profiling=false",)
    assert "apiServer.extraArgs" in found.keep[0]


def test_lists_keep_what_is_in_them() -> None:
    flags = {"enable-admission-plugins": ["AlwaysPullImages,AlwaysAdmit"]}
    found = way("apiserver-always-admit", components={"kube-apiserver": {"flags": flags}})
    assert [step.lines for step in found.steps] == [
        ("- --enable-admission-plugins=AlwaysPullImages,AlwaysAdmit",),
        ("- --enable-admission-plugins=AlwaysPullImages",),
    ]
    found = way("apiserver-node-restriction", components={"kube-apiserver": {"flags": flags}})
    assert found.steps[1].lines == ("- --enable-admission-plugins=AlwaysPullImages,AlwaysAdmit,NodeRestriction",)
    found = way(
        "apiserver-always-admit",
        components={"kube-apiserver": {"flags": {"enable-admission-plugins": ["AlwaysAdmit"]}}},
    )
    assert [(step.action, step.lines) for step in found.steps] == [
        ("remove", ("- --enable-admission-plugins=AlwaysAdmit",))
    ]


def test_the_kubelets_file_and_the_flag_that_beats_it() -> None:
    found = way("kubelet-anonymous-auth", components={"kubelet": {"flags": {"anonymous-auth": ["true"]}}})
    assert [step.action for step in found.steps] == ["remove", "set"]
    assert found.steps[1].file == "/var/lib/kubelet/config.yaml"
    assert found.steps[1].lines == ("authentication:", "  anonymous:", "    enabled: false")
    assert found.after == ("systemctl daemon-reload", "systemctl restart kubelet")
    assert found.verified


def test_feature_gates_are_joined() -> None:
    gates = {"RotateKubeletServerCertificate": False, "Other": True}
    found = way("kubelet-server-cert-rotation", components={"kubelet": {"config": {"featureGates": gates}}})
    assert found.steps[0].lines == ("featureGates:", "  RotateKubeletServerCertificate: true", "  Other: true")


def test_kube_proxy_of_kubeadm_is_in_a_config_map() -> None:
    config = {"metricsBindAddress": "192.0.2.1:10249"}
    found = way("kube-proxy-metrics-address", components={"kube-proxy": {"config": config}})
    assert "configmap kube-proxy" in found.steps[0].where
    assert found.after == ("kubectl -n kube-system rollout restart daemonset kube-proxy",)


@pytest.mark.parametrize(
    ("layout", "roles", "file", "restart"),
    [
        ("k3s", ["control-plane"], "/etc/rancher/k3s/config.yaml", "systemctl restart k3s"),
        ("k3s", ["worker"], "/etc/rancher/k3s/config.yaml", "systemctl restart k3s-agent"),
        ("rke2", ["etcd"], "/etc/rancher/rke2/config.yaml", "systemctl restart rke2-server"),
        ("rke2", ["worker"], "/etc/rancher/rke2/config.yaml", "systemctl restart rke2-agent"),
    ],
)
def test_k3s_and_rke2_have_one_file(layout: str, roles: list[str], file: str, restart: str) -> None:
    change: dict[str, Any] = {"components": {"kubelet": {"config": {"readOnlyPort": 10255}}}}
    found = way("kubelet-read-only-port", layout=layout, roles=roles, **change)
    (step,) = found.steps
    assert (step.file, step.lines) == (file, ("kubelet-arg:", '  - "read-only-port=0"'))
    assert found.after == (restart,)
    assert found.verified


def test_what_someone_wrote_is_taken_out_and_what_is_implied_is_not() -> None:
    flags: dict[str, Any] = {"flags": {"anonymous-auth": ["true"]}}
    found = way("apiserver-anonymous-auth", layout="k3s", components={"kube-apiserver": flags})
    assert [(step.action, step.lines) for step in found.steps] == [
        ("remove", ('- "anonymous-auth=true"',)),
        ("set", ("kube-apiserver-arg:", '  - "anonymous-auth=false"')),
    ]
    flags["implied"] = ["anonymous-auth"]
    found = way("apiserver-anonymous-auth", layout="k3s", components={"kube-apiserver": flags})
    assert [step.action for step in found.steps] == ["set"]


def test_distributions_have_ways_of_their_own() -> None:
    change: dict[str, Any] = {"components": {"kube-apiserver": {"flags": {"encryption-provider-config": None}}}}
    found = way("apiserver-encryption-at-rest", layout="k3s", **change)
    assert found.steps[0].lines == ("secrets-encryption: true",)
    assert "rotate-keys" in found.note
    assert not found.verified


def test_systemd_units() -> None:
    found = way(
        "controller-manager-profiling",
        layout="systemd",
        components={
            "kube-controller-manager": {
                "flags": {"profiling": None},
                "manifest_path": None,
                "unit_path": "/etc/systemd/system/kube-controller-manager.service",
            }
        },
    )
    (step,) = found.steps
    assert (step.file, step.lines) == ("/etc/systemd/system/kube-controller-manager.service", ("--profiling=false",))
    assert found.after[-1] == "systemctl restart kube-controller-manager"


@pytest.mark.parametrize(("layout", "word"), [("eks", "NodeConfig"), ("aks", "az aks"), ("gke", "gcloud")])
def test_providers_keep_the_settings_of_their_nodes(layout: str, word: str) -> None:
    found = way("kubelet-read-only-port", layout=layout, components={"kubelet": {"config": {"readOnlyPort": 1}}})
    assert word in found.steps[0].where
    assert not found.verified


def test_microk8s_and_openshift() -> None:
    found = way("kubelet-read-only-port", layout="microk8s", components={"kubelet": {"config": {"readOnlyPort": 1}}})
    assert (found.steps[0].file, found.verified) == ("/var/snap/microk8s/current/args/kubelet", True)
    found = way("kubelet-read-only-port", layout="openshift", components={"kubelet": {"config": {"readOnlyPort": 1}}})
    assert "KubeletConfig" in found.steps[0].where
    assert not found.verified


def test_files_that_are_read_later_are_told() -> None:
    kubelet = {"config": {"readOnlyPort": 1}, "dropins": ["/etc/kubernetes/kubelet.d/90.conf"]}
    assert (
        "/etc/kubernetes/kubelet.d/90.conf"
        in way("kubelet-read-only-port", components={"kubelet": kubelet}).steps[0].where
    )


def test_modes_and_owners_of_odd_names() -> None:
    path = "/etc/kubernetes/pki/a b;c.key"
    file = {"path": path, "kind": "file", "mode": 0o4755, "uid": 0, "gid": 0, "owner": "root", "group": "root"}
    found = way("pki-key-mode", files={path: file})
    assert found.steps[0].lines == ("chmod 600 '/etc/kubernetes/pki/a b;c.key'",)
    found = way("pki-owner", files={path: {**file, "owner": "x", "uid": 5}})
    assert found.steps[0].lines == ("chown root:root '/etc/kubernetes/pki/a b;c.key'",)
    assert found.verified


def test_dockers_settings_are_json_and_its_unit_has_another_name() -> None:
    found = way("docker-icc", components={"dockerd": {"config": {"icc": True}}})
    (step,) = found.steps
    assert (step.file, step.lines) == ("/etc/docker/daemon.json", ('"icc": false',))
    assert found.after == ("systemctl daemon-reload", "systemctl restart docker")
    found = way("docker-insecure-registry", components={"dockerd": {"config": {"insecure-registries": ["a:5000"]}}})
    assert [(step.action, step.lines) for step in found.steps] == [("remove", ('"insecure-registries": ["a:5000"]',))]
    assert found.verified
