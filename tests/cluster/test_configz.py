"""What a running kubelet says of itself, asked through an API server."""

from __future__ import annotations

from pathlib import Path

from seawall.engine.facts import ConfigzSource, collect_facts
from seawall.model.facts import Facts
from seawall.sources.cluster import ClusterOptions
from tests.cluster.conftest import HASTE, Kubeconfig
from tests.replay import Recording, Replay
from tests.sources.host.trees import KUBEADM, plant, reasons

SETTINGS = {"readOnlyPort": 10255, "staticPodURLHeader": {"Authorization": ["Bearer hunter2hunter2"]}}


def collected(root: Path, kubeconfig: str, node: str = "cp-1") -> Facts:
    options = ClusterOptions(kubeconfig=kubeconfig, patience=HASTE)
    return collect_facts(str(plant(root / "root", KUBEADM)), configz=ConfigzSource(node, options)).facts


def test_settings_and_version(tmp_path: Path, kubeconfig: Kubeconfig) -> None:
    recording = Recording({})
    recording.documents["/api/v1/nodes/cp-1/proxy/configz"] = {"kubeletconfig": SETTINGS}
    recording.documents["/api/v1/nodes/cp-1"] = {"status": {"nodeInfo": {"kubeletVersion": "v1.33.4+k3s1"}}}
    with Replay(recording) as server:
        facts = collected(tmp_path, kubeconfig(server.url))
    kubelet = facts.components["kubelet"]
    assert kubelet.configz is not None and kubelet.configz["readOnlyPort"] == 10255
    assert facts.kubernetes_version == kubelet.version == "v1.33.4+k3s1"
    assert "hunter2" not in repr(facts)


def test_a_server_that_refuses_or_talks_nonsense_is_told(tmp_path: Path, kubeconfig: Kubeconfig) -> None:
    recording = Recording({})
    recording.documents["/api/v1/nodes/cp-1/proxy/configz"] = {"something": "else"}
    with Replay(recording) as server:
        facts = collected(tmp_path, kubeconfig(server.url))
    assert facts.components["kubelet"].configz is None
    assert "configz" in reasons(facts)["components.kubelet.configz"]
    assert "404" in reasons(facts)["components.kubelet.version"]


def test_no_server_at_all(tmp_path: Path, kubeconfig: Kubeconfig) -> None:
    facts = collected(tmp_path, kubeconfig("http://127.0.0.1:1"))
    assert facts.components["kubelet"].configz is None and facts.kubernetes_version == "v1.31.2"
    assert "components.kubelet.configz" in reasons(facts)


def test_the_name_of_a_node_stays_one_step_of_the_path(tmp_path: Path, kubeconfig: Kubeconfig) -> None:
    with Replay(Recording({})) as server:
        facts = collected(tmp_path, kubeconfig(server.url), "../secrets?x=")
    assert "..%2Fsecrets%3Fx%3D" in reasons(facts)["components.kubelet.configz"]
