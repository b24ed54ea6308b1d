"""What is collected from roots laid out as distributions lay them out, and from broken ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.sources.host.trees import KUBEADM, facts_of, plant, reasons, run


@pytest.fixture
def kubeadm(tmp_path: Path) -> Path:
    root = plant(tmp_path, KUBEADM)
    (root / "var/lib/etcd/member").mkdir(parents=True)
    return root


def test_a_control_plane_of_kubeadm(kubeadm: Path) -> None:
    facts = facts_of(kubeadm)
    assert (facts.layout, facts.roles) == ("kubeadm", ("control-plane", "etcd", "worker"))
    assert facts.layout_evidence == "/var/lib/kubelet/kubeadm-flags.env is there"
    assert (facts.host.name, facts.host.os_id, facts.kubernetes_version) == ("cp-1", "debian", "v1.31.2")
    apiserver, kubelet, etcd = (facts.components[name] for name in ("kube-apiserver", "kubelet", "etcd"))
    assert (apiserver.seen_in, apiserver.flags["anonymous-auth"]) == ("static-pod", ("false",))
    assert apiserver.manifest_path == "/etc/kubernetes/manifests/kube-apiserver.yaml"
    assert (kubelet.seen_in, kubelet.flags["node-ip"]) == ("unit", ("10.0.0.1",))
    assert kubelet.config is not None and kubelet.config["authentication"]["anonymous"] == {"enabled": False}
    assert kubelet.unit_dropins == ("/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",)
    assert etcd.environment == {"ETCD_AUTO_TLS": "false"}
    assert facts.paths["etcd.data"] == "/var/lib/etcd" and facts.files["/var/lib/etcd"].kind == "directory"
    assert facts.paths["kubelet.client-ca"] == "/etc/kubernetes/pki/ca.crt"
    assert "/etc/kubernetes/pki/etcd/server.key" in facts.files
    assert "/etc/kubernetes/super-admin.conf" in facts.absent
    assert facts.problems == ()


def test_paths_of_a_static_pod_are_those_of_the_host(kubeadm: Path) -> None:
    (kubeadm / "data/audit").mkdir(parents=True)
    (kubeadm / "data/audit/audit.log").write_text("x")
    facts = facts_of(kubeadm)
    assert facts.paths["audit.log"] == "/data/audit/audit.log"
    assert facts.files["/var/log/audit/audit.log"].path == "/data/audit/audit.log"


def test_further_documents_come_without_their_secrets(kubeadm: Path) -> None:
    facts = facts_of(kubeadm)
    document = facts.documents["/etc/kubernetes/enc.yaml"]
    assert document["resources"][0]["providers"][0]["aescbc"]["keys"] == [{"name": "key1", "secret": "<redacted>"}]
    assert "hunter2" not in repr(facts) and "c2VjcmV0" not in repr(facts)


def test_a_process_wins_over_the_manifest(kubeadm: Path) -> None:
    run(kubeadm, 50, ["kube-apiserver", "--anonymous-auth=true"], exe="/usr/local/bin/kube-apiserver")
    apiserver = facts_of(kubeadm).components["kube-apiserver"]
    assert (apiserver.seen_in, apiserver.flags["anonymous-auth"]) == ("process", ("true",))
    assert (apiserver.binary, apiserver.manifest_path[-19:]) == ("/usr/local/bin/kube-apiserver", "kube-apiserver.yaml")


def test_a_proxy_in_a_pod_reads_its_volume(kubeadm: Path) -> None:
    uid = "11111111-2222-3333-4444-555555555555"
    folder = f"/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~configmap/kube-proxy"
    plant(kubeadm, {f"{folder}/config.conf": "clientConnection: {kubeconfig: /var/lib/kube-proxy/kubeconfig.conf}\n"})
    plant(kubeadm, {f"{folder}/kubeconfig.conf": "apiVersion: v1\n"})
    slug = uid.replace("-", "_")
    run(kubeadm, 60, ["/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf"],
        cgroup=f"0::/kubepods.slice/kubepods-besteffort-pod{slug}.slice/cri-containerd-1.scope")  # fmt: skip
    proxy = facts_of(kubeadm).components["kube-proxy"]
    assert (proxy.config_path, proxy.kubeconfig_path) == (f"{folder}/config.conf", f"{folder}/kubeconfig.conf")


def test_drop_ins_of_the_kubelet_are_merged_in_order(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "/a.yaml": "authentication: {anonymous: {enabled: true}, webhook: {enabled: true}}\n"
            "tlsCipherSuites: [A, B]\n",
            "/d/20.conf": "authentication: {anonymous: {enabled: false}}\n",
            "/d/10.conf": "authentication: {anonymous: {enabled: true}}\ntlsCipherSuites: [C]\n",
            "/d/ignored.yaml": "readOnlyPort: 10255\n",
        },
    )
    run(tmp_path, 7, ["kubelet", "--config=/a.yaml", "--config-dir=/d"])
    kubelet = facts_of(tmp_path).components["kubelet"]
    assert kubelet.config == {
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}},
        "tlsCipherSuites": ["C"],
    }
    assert kubelet.dropins == ("/d/10.conf", "/d/20.conf")


_SERVER_OF_K3S = "/var/lib/rancher/k3s/server/x"
LAYOUTS = [
    ("k3s", {"/etc/rancher/k3s/config.yaml": "a: 1\n"}, ("worker",), {}),
    ("k3s", {"/etc/rancher/k3s/config.yaml": "a: 1\n"}, ("control-plane", "worker"), {_SERVER_OF_K3S: ""}),
    ("rke2", {"/usr/local/lib/systemd/system/rke2-agent.service": "[Service]\nExecStart=/x agent\n"}, (), {}),
    ("microk8s", {"/var/snap/microk8s/current/args/kubelet": "--anonymous-auth=false\n"}, ("worker",), {}),
    ("openshift", {"/etc/machine-config-daemon/currentconfig": "{}"}, (), {}),
    ("eks", {"/etc/kubernetes/kubelet/kubelet-config.json": '{"readOnlyPort": 0}'}, ("worker",), {}),
    ("aks", {"/etc/kubernetes/azure.json": "{}", "/etc/default/kubeletconfig.json": "{}"}, ("worker",), {}),
    ("gke", {"/home/kubernetes/kubelet-config.yaml": "readOnlyPort: 10255\n"}, ("worker",), {}),
    ("systemd", {"/etc/systemd/system/kubelet.service": "[Service]\nExecStart=/k --v=1\n"}, ("worker",), {}),
    ("docker", {"/etc/docker/daemon.json": "{}"}, (), {}),
    ("unknown", {}, (), {}),
]  # fmt: skip


@pytest.mark.parametrize(("layout", "files", "roles", "more"), LAYOUTS)
def test_layouts_are_told_with_their_evidence(
    tmp_path: Path, layout: str, files: dict[str, str], roles: tuple[str, ...], more: dict[str, str]
) -> None:
    facts = facts_of(plant(tmp_path, {**files, **more}))
    assert (facts.layout, facts.roles) == (layout, roles)
    assert bool(facts.layout_evidence) == (layout != "unknown")


def test_k3s_runs_what_it_embeds_with_its_own_flags_and_those_it_is_told(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "/var/lib/rancher/k3s/server/token": "K10hunter2hunter2",
            "/etc/rancher/k3s/config.yaml": "token: hunter2hunter2\nkube-apiserver-arg: [anonymous-auth=true]\n"
            "kubelet-arg: v=1\ncluster-init: true\n",
            "/etc/rancher/k3s/config.yaml.d/10.yaml": "kube-apiserver-arg+: ['audit-log-path=/var/log/a']\n"
            "kubelet-arg: v=2\n",
            "/var/lib/rancher/k3s/agent/etc/containerd/config.toml": "version = 3\n",
        },
    )
    run(tmp_path, 7, ["/usr/local/bin/k3s server"])
    facts = facts_of(tmp_path)
    apiserver, kubelet = facts.components["kube-apiserver"], facts.components["kubelet"]
    assert apiserver.flags["anonymous-auth"] == ("true",) and "anonymous-auth" not in apiserver.implied
    assert apiserver.flags["profiling"] == ("false",) and "profiling" in apiserver.implied
    assert apiserver.flags["audit-log-path"] == ("/var/log/a",)
    assert kubelet.flags["v"] == ("2",)
    assert facts.roles == ("control-plane", "etcd", "worker")
    assert facts.components["k3s"].config is not None and facts.components["k3s"].config["token"] == "<redacted>"
    assert "hunter2" not in repr(facts)


def test_a_server_of_k3s_with_data_of_etcd_runs_it(tmp_path: Path) -> None:
    plant(tmp_path, {"/var/lib/rancher/k3s/server/db/etcd/name": "a"})
    facts = facts_of(tmp_path)
    assert facts.components["etcd"].flags["client-cert-auth"] == ("true",)
    assert facts.paths["etcd.data"] == "/var/lib/rancher/k3s/server/db/etcd"


def test_manifests_without_end_are_told(kubeadm: Path) -> None:
    for number in range(6):
        (kubeadm / f"etc/kubernetes/manifests/a{number}.yaml").write_text("# " + "x" * 4_000_000 + "\n")
    told = reasons(facts_of(kubeadm))
    assert "is larger than" in told["manifests./etc/kubernetes/manifests/a5.yaml"]
    # What is not found may be in there; what is found is known.
    assert "is larger than" in told["components.kube-scheduler"] and "components.kube-apiserver" not in told


def test_an_agent_of_k3s_is_a_worker_alone(tmp_path: Path) -> None:
    plant(tmp_path, {"/etc/rancher/k3s/config.yaml": "server: https://a:6443\n"})
    run(tmp_path, 7, ["/usr/local/bin/k3s agent"])
    assert facts_of(tmp_path).roles == ("worker",)


BROKEN = [
    ("/var/lib/kubelet/config.yaml", "authentication: {anonymous: [", "components.kubelet.config", "is not YAML"),
    ("/var/lib/kubelet/config.yaml", "- a\n", "components.kubelet.config", "is not a mapping"),
    ("/etc/kubernetes/manifests/kube-apiserver.yaml", "spec: {contai", "components.kube-apiserver", "kube-apiserver"),
    ("/etc/kubernetes/manifests/kube-apiserver.yaml", "", "components.kube-apiserver", "empty"),
    ("/etc/kubernetes/enc.yaml", "a: [", "documents./etc/kubernetes/enc.yaml", "is not YAML"),
    ("/var/lib/kubelet/config.yaml", "a: " + "[" * 5000, "components.kubelet.config", "is not YAML"),
]


@pytest.mark.parametrize(("path", "content", "fact", "reason"), BROKEN)
def test_half_written_files_are_told_and_not_judged(
    kubeadm: Path, path: str, content: str, fact: str, reason: str
) -> None:
    (kubeadm / path[1:]).write_text(content)
    facts = facts_of(kubeadm)
    assert reason in reasons(facts)[fact]
    if fact == "components.kubelet.config":
        assert facts.components["kubelet"].config is None
        assert facts.components["kubelet"].config_path == path


@pytest.mark.parametrize("path", ["/var/lib/kubelet/config.yaml", "/etc/kubernetes/manifests/kube-apiserver.yaml"])
def test_pipes_in_place_of_files_do_not_block(kubeadm: Path, path: str) -> None:
    (kubeadm / path[1:]).unlink()
    os.mkfifo(kubeadm / path[1:])
    facts = facts_of(kubeadm)
    assert any("is a fifo" in reason for reason in reasons(facts).values())
    assert facts.files[path].kind == "fifo"


def test_every_pipe_at_once(kubeadm: Path) -> None:
    """No file that is read may be a pipe that holds the collection up."""
    for folder, _, names in list(os.walk(kubeadm)):
        for name in names:
            if "/proc" not in folder:
                place = Path(folder) / name
                place.unlink()
                os.mkfifo(place)
    facts_of(kubeadm)


def test_links_out_of_the_root_are_told_and_not_followed(
    kubeadm: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.write_text("x")
    for name, target in (("admin.conf", "../../../../../../../../../../etc/passwd"), ("kubelet.conf", str(outside))):
        (kubeadm / "etc/kubernetes" / name).unlink()
        os.symlink(target, kubeadm / "etc/kubernetes" / name)
    facts = facts_of(kubeadm)
    assert "a link out of the root" in reasons(facts)["files./etc/kubernetes/admin.conf"]
    assert facts.files["/etc/kubernetes/admin.conf"].kind == "symlink"
    # An absolute link begins at the root, where there is no such file.
    assert str(outside) in facts.absent


def test_links_within_are_told_with_what_they_lead_to(kubeadm: Path) -> None:
    (kubeadm / "etc/kubernetes/admin.conf").rename(kubeadm / "etc/kubernetes/real.conf")
    os.symlink("/etc/kubernetes/real.conf", kubeadm / "etc/kubernetes/admin.conf")
    facts = facts_of(kubeadm)
    assert facts.files["/etc/kubernetes/admin.conf"].target == "/etc/kubernetes/real.conf"
    assert facts.files["/etc/kubernetes/real.conf"].kind == "file"


def test_owners_have_the_names_of_the_hosts_own_files(kubeadm: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(kubeadm / "var/lib/etcd", 990, 990)
    (kubeadm / "var/lib/etcd").chmod(0o1700)
    found = facts_of(kubeadm).files["/var/lib/etcd"]
    assert (found.owner, found.group, found.mode) == ("etcd", "etcd", 0o1700)


def test_without_a_proc_no_process_of_this_machine_is_told(tmp_path: Path) -> None:
    plant(tmp_path, {"/etc/systemd/system/kubelet.service": "[Service]\nExecStart=/k --v=1\n"})
    shutil.rmtree(tmp_path / "proc")
    (tmp_path / "proc").mkdir()
    facts = facts_of(tmp_path)
    assert facts.components["kubelet"].seen_in == "unit" and not facts.listeners and not facts.mounts
    assert "--proc" in reasons(facts)["processes"]


def test_the_version_of_a_worker(tmp_path: Path) -> None:
    """From the image of kube-proxy's container, where there is nothing better; a package is better."""
    container = "ab" * 32
    plant(
        tmp_path,
        {
            f"/run/containerd/io.containerd.runtime.v2.task/k8s.io/{container}/config.json": json.dumps(
                {"annotations": {"io.kubernetes.cri.image-name": "registry.k8s.io/kube-proxy:v1.30.4"}}
            )
        },
    )
    run(tmp_path, 9, ["kube-proxy"], cgroup=f"0::/kubepods.slice/x.slice/cri-containerd-{container}.scope")
    assert facts_of(tmp_path).kubernetes_version == "v1.30.4"
    status = "Package: a\nStatus: install ok installed\nVersion: 9\n\nPackage: kubelet\n"
    plant(
        tmp_path, {"/var/lib/dpkg/status": f"{status}Status: install ok installed\nSection: x\nVersion: 1.31.2-1.1\n"}
    )
    assert facts_of(tmp_path).kubernetes_version == "v1.31.2"


@pytest.mark.parametrize("before", [10, 1024 * 1024 - 4, 1024 * 1024 - 60, 3_000_000])
def test_the_mark_of_k3s_in_its_program(tmp_path: Path, before: int) -> None:
    plant(tmp_path, {"/usr/local/bin/k3s": "v1.2.3" + "\0" * before + "xv1.33.1+k3s1y"})
    run(tmp_path, 9, ["/usr/local/bin/k3s server"], exe="/usr/local/bin/k3s")
    assert facts_of(tmp_path).kubernetes_version == "v1.33.1+k3s1"
