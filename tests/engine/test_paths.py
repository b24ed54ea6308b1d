"""What other parts ask of the attack graph: is a resource reached from outside, and what is reached from it."""

from __future__ import annotations

from seawall.engine.attackreach import ReachOfResources
from seawall.model.attack import ADMIN
from seawall.model.finding import ResourceRef
from tests.analysis.paths.test_edges import graph_of_text
from tests.cli.test_paths import ESTATE


def ref(kind: str, name: str, namespace: str | None = "shop") -> ResourceRef:
    return ResourceRef("v1", kind, name, namespace)


def test_tells_of_each_resource_what_reaches_it_and_what_it_reaches() -> None:
    inner = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: inner, namespace: shop}\n"
    inner += "spec: {automountServiceAccountToken: false, containers: [{name: c, image: app:1}]}\n"
    reach = ReachOfResources(graph_of_text(ESTATE.replace("bind, get", "bind") + inner), "admin")
    assert reach(ref("Deployment", "web")).from_outside
    assert reach(ref("Deployment", "web")).targets == (ADMIN,)
    assert reach(ref("ServiceAccount", "web")).targets == (ADMIN,)
    assert not reach(ref("Deployment", "gone")).from_outside and reach(ref("Deployment", "gone")).targets == ()


def test_what_nothing_leads_to_is_not_reached() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: inner}\nspec: {containers: [{name: c, image: app:1}]}\n"
    reach = ReachOfResources(graph_of_text(text), "admin")
    inner = reach(ref("Pod", "inner", None))
    assert not inner.from_outside and inner.targets == ()
