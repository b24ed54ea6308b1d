"""What is open: without policies the short way says the same as the evaluation."""

from __future__ import annotations

import pytest

from seawall.analysis.network.drafts import draft
from seawall.analysis.network.openness import Policed
from seawall.analysis.network.reach import Reach
from seawall.analysis.network.shared import LEAST_REACHED, Unpoliced, openness
from seawall.model.resource import Inventory
from tests.analysis.network.clusters import Maker
from tests.analysis.network.test_dialects import node, pod, policy

API_SERVER = {
    "apiVersion": "v1",
    "kind": "Endpoints",
    "metadata": {"name": "kubernetes", "namespace": "default"},
    "subsets": [{"addresses": [{"ip": "10.9.9.9"}], "ports": [{"port": 6443}]}],
}
QUESTIONS = (
    "unheld",
    "open_to_cluster",
    "spreaders",
    "reaching_metadata",
    "reaching_kubelets",
    "reaching_everywhere",
    "reaching_api_server",
)


@pytest.mark.parametrize("seed", range(30))
def test_without_policies_both_ways_agree(seed: int) -> None:
    objects = [each for each in Maker(seed).objects if each["kind"] in ("Namespace", "Pod")]
    objects += [pod(f"more{i}", f"ns{i % 2}", hostNetwork=i % 5 == 0) for i in range(seed % 3 * LEAST_REACHED)]
    objects += [node("n", "192.168.0.9", "x")] * (seed % 2)
    objects += [API_SERVER] * (seed % 2)
    inventory = Inventory([draft(each) for each in objects])
    short, evaluated = Unpoliced(inventory), Policed(inventory)
    assert isinstance(openness(inventory), Unpoliced)
    assert short.count == evaluated.count
    for question in QUESTIONS:
        assert getattr(short, question)() == getattr(evaluated, question)(), question


def test_with_policies_they_are_evaluated() -> None:
    closed = policy({"podSelector": {"matchLabels": {"app": "a"}}, "policyTypes": ["Ingress", "Egress"]})
    inventory = Inventory([draft(each) for each in (pod("a"), pod("b"), closed)])
    found = openness(inventory)
    assert isinstance(found, Policed)
    assert [known.label for known in found.unheld()] == ["shop/b[Pod]"]
    assert [[known.label for known in each] for each in found.reaching_metadata()] == [["shop/b[Pod]"]]
    assert found.open_to_cluster() == []


def test_policies_of_plugins_leave_it_unsaid() -> None:
    foreign = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "x", "namespace": "shop"},
    }
    inventory = Inventory([draft(each) for each in (pod("a"), pod("b", "other"), foreign)])
    found = openness(inventory)
    assert isinstance(found, Policed)
    assert [known.label for known in found.unheld()] == ["other/b[Pod]"]
    assert Reach(inventory).lowered.foreign
