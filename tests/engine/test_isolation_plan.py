"""Plans of pools, checked without the solver: room, spreads, what keeps pods off; and what lies open never grows."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.engine.isolation import Isolation
from seawall.engine.isolationplan import PlanOptions, make_plan, merge
from seawall.engine.reading import ReadOptions
from seawall.model.isolation import Plan
from tests.kube import program

pytest.importorskip("ortools")
_LEVEL = "seawall.dev/sensitivity"


def node(name: str, cpu: int = 4, pods: int = 20, zone: str = "a", **more: Any) -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone}
    room = {"cpu": str(cpu), "memory": "16Gi", "pods": str(pods)}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
            "status": {"allocatable": room}, **more}  # fmt: skip


def workload(
    name: str, level: str, nodes: list[str], cpu: int = 1, kind: str = "StatefulSet", **spec: Any
) -> list[Any]:
    """A workload with a pod on each of the nodes."""
    labels = {"app": name}
    container = {"name": "c", "image": "example.com/c:1", "resources": {"requests": {"cpu": str(cpu)}},
                 "envFrom": [{"secretRef": {"name": name}}]}  # fmt: skip
    pod_spec = {"containers": [container], **spec}
    template = {"metadata": {"labels": labels}, "spec": pod_spec}
    meta = {"name": name, "namespace": "shop", "annotations": {_LEVEL: level}}
    found: list[Any] = [{"apiVersion": "apps/v1", "kind": kind, "metadata": meta,
                         "spec": {"replicas": len(nodes), "template": template}}]  # fmt: skip
    owner = {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": True}
    for number, where in enumerate(nodes):
        pod = {"name": f"{name}-{number}", "namespace": "shop", "labels": labels, "ownerReferences": [owner]}
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": pod, "spec": {**pod_spec, "nodeName": where}})
    return found


def plan_for(tmp_path: Path, objects: list[Any], *pools: str) -> Plan:
    path = tmp_path / "estate.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    isolation = Isolation(ReadOptions((str(path),)))
    assert isolation.problems() == []
    return make_plan(isolation, PlanOptions(pools or ("sensitive", "untrusted"), 5.0))


def placed(objects: list[Any], plan: Plan) -> Counter[tuple[str, str]]:
    """How many pods of each workload are on each node after the moves."""
    found: Counter[tuple[str, str]] = Counter()
    for each in objects:
        if each["kind"] == "Pod":
            name, kind = each["metadata"]["labels"]["app"], each["metadata"]["ownerReferences"][0]["kind"]
            found[f"shop/{name}[{kind}]", each["spec"]["nodeName"]] += 1
    for move in plan.moves:
        found[move.workload, move.source] -= move.pods
        found[move.workload, move.target] += move.pods
    return +found


def test_mixed_nodes_are_parted(tmp_path: Path) -> None:
    objects = [node("n1"), node("n2"), node("n3")]
    objects += workload("keys", "sensitive", ["n1"]) + workload("plugin", "untrusted", ["n1"])
    objects += workload("web", "ordinary", ["n1", "n2", "n3"]) + workload(
        "agent", "ordinary", ["n1", "n2", "n3"], kind="DaemonSet"
    )
    plan = plan_for(tmp_path, objects)
    assert plan.state == "found"
    assert plan.after is not None
    assert (plan.before.mixed, plan.after.mixed) == (1, 0)
    pools = {pool.name: set(pool.nodes) for pool in plan.pools}
    where = placed(objects, plan)
    assert {n for (w, n) in where if "keys" in w} <= pools["sensitive"]
    assert {n for (w, n) in where if "plugin" in w} <= pools["untrusted"]
    assert {n for (w, n) in where if "web" in w}.isdisjoint(pools["sensitive"] | pools["untrusted"])
    patches = {each.resource.name: each for each in plan.patches}
    spec = patches["keys"].patch["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"node-restriction.kubernetes.io/seawall-pool": "sensitive"}
    assert spec["tolerations"][0]["value"] == "sensitive"
    assert "agent" in patches, "a DaemonSet keeps its nodes"
    assert "web" not in patches
    member = next(iter(pools["sensitive"]))
    assert f"kubectl taint node {member} seawall.dev/pool=sensitive:NoSchedule" in patches[member].commands
    assert plan_for(tmp_path, objects) == plan, "the same input gives the same plan"


def test_who_tolerates_everything_is_kept_off_by_affinity(tmp_path: Path) -> None:
    objects = [node("n1"), node("n2"), *workload("keys", "sensitive", ["n1"])]
    objects += workload("web", "ordinary", ["n1"], tolerations=[{"operator": "Exists"}])
    plan = plan_for(tmp_path, objects)
    assert plan.state == "found"
    patch = next(each.patch for each in plan.patches if each.resource.name == "web")
    assert "DoesNotExist" in json.dumps(patch)


def test_without_room_the_reason_is_told(tmp_path: Path) -> None:
    objects = [node("n1", cpu=2), node("n2", cpu=2)]
    objects += workload("keys", "sensitive", ["n1"]) + workload("web", "ordinary", ["n1", "n2", "n2"])
    plan = plan_for(tmp_path, objects)
    assert plan.state == "infeasible"
    assert "what is in no pool needs 3 of cpu" in plan.reason
    assert plan.patches == ()


def test_pods_that_must_be_apart_need_nodes_of_their_own(tmp_path: Path) -> None:
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "keys"}}}]}}  # fmt: skip
    objects = [node("n1"), node("n2"), *workload("web", "ordinary", ["n1", "n2"])]
    objects += workload("keys", "sensitive", ["n1", "n2"], affinity=apart)
    plan = plan_for(tmp_path, objects)
    assert plan.state == "infeasible"
    assert "a node of its own" in plan.reason


def test_pods_of_no_controller_bind_their_nodes(tmp_path: Path) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare", "namespace": "shop"},
           "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "example.com/c:1"}]}}  # fmt: skip
    objects = [node("n1"), node("n2"), pod, *workload("keys", "sensitive", ["n1"])]
    plan = plan_for(tmp_path, objects)
    assert plan.state == "found"
    assert plan.pools[0].nodes == ("n2",)


def test_local_volumes_hold_their_pods(tmp_path: Path) -> None:
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": {"nodeAffinity": {
        "required": {"nodeSelectorTerms": [{"matchExpressions": [
            {"key": "kubernetes.io/hostname", "operator": "In", "values": ["n2"]}]}]}}}}  # fmt: skip
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "d", "namespace": "shop"},
             "spec": {"volumeName": "v"}}  # fmt: skip
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]
    objects = [node("n1"), node("n2"), volume, claim, *workload("keys", "sensitive", ["n2"], volumes=volumes)]
    objects += workload("web", "ordinary", ["n2"])
    plan = plan_for(tmp_path, objects)
    assert plan.pools[0].nodes == ("n2",)
    assert [(move.source, move.target) for move in plan.moves] == [("n2", "n1")]


SPREAD = {"topologySpreadConstraints": [{"topologyKey": "topology.kubernetes.io/zone", "maxSkew": 1,
          "whenUnsatisfiable": "DoNotSchedule"}]}  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_plans_hold_whatever_the_estate(tmp_path: Path, data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 7))
    names = [f"n{number}" for number in range(count)]
    objects: list[Any] = [node(name, data.draw(st.integers(2, 8)), zone="ab"[n % 2]) for n, name in enumerate(names)]
    room = {each["metadata"]["name"]: int(each["status"]["allocatable"]["cpu"]) for each in objects}
    left = dict(room)
    levels, spread, needs = {}, set(), {}
    for number in range(data.draw(st.integers(1, 8))):
        name, cpu = f"w{number}", data.draw(st.integers(1, 2))
        where = [
            each for each in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=4)) if left[each] >= cpu
        ]
        where = [each for at, each in enumerate(where) if left[each] - cpu * (where[: at + 1].count(each)) >= 0]
        for each in where:
            left[each] -= cpu
        if not where:
            continue
        level = data.draw(st.sampled_from(["sensitive", "untrusted", "ordinary"]))
        extra: dict[str, Any] = {}
        if data.draw(st.booleans()):
            selector = {"labelSelector": {"matchLabels": {"app": name}}}
            extra = {"topologySpreadConstraints": [{**SPREAD["topologySpreadConstraints"][0], **selector}]}
            spread.add(f"shop/{name}[StatefulSet]")
        levels[f"shop/{name}[StatefulSet]"], needs[f"shop/{name}[StatefulSet]"] = level, cpu
        objects += workload(name, level, where, cpu, **extra)
    if not levels:
        return
    plan = plan_for(tmp_path, objects)
    if plan.state != "found":
        assert plan.reason
        assert plan.patches == ()
        return
    where_now = placed(objects, plan)
    load: Counter[str] = Counter()
    pool_of = {name: pool.name for pool in plan.pools for name in pool.nodes}
    for (label, name), number in where_now.items():
        load[name] += number * needs[label]
        assert pool_of.get(name, "ordinary") == levels[label]
    assert all(load[name] <= room[name] for name in names)
    zones = {
        each["metadata"]["name"]: each["metadata"]["labels"]["topology.kubernetes.io/zone"]
        for each in objects
        if each["kind"] == "Node"
    }
    for label in spread:
        # Zones of tainted nodes count for pods that ask for no label; the pods of pools ask for theirs.
        ordinary = levels[label] == "ordinary"
        domains = {zones[name] for name in names if ordinary or pool_of.get(name) == levels[label]}
        counts = Counter(dict.fromkeys(domains, 0))
        for (other, name), number in where_now.items():
            if other == label:
                counts[zones[name]] += number
        assert max(counts.values()) - min(counts.values()) <= 1
    assert plan.after is not None
    for figure in ("mixed", "exposed_secrets", "exposed_tokens", "exposed_strong", "exposed_sensitive"):
        assert getattr(plan.after, figure) <= getattr(plan.before, figure)
    assert plan.after.mixed == 0


def test_what_would_lie_more_open_is_told_with_what_to_ask_instead(tmp_path: Path) -> None:
    objects = [node(name) for name in ("n1", "n2", "n3", "n4")]
    objects += workload("plugin", "untrusted", ["n1"]) + workload("web", "ordinary", ["n2"])
    objects += workload("queue", "ordinary", ["n2", "n2", "n3", "n3", "n3"])
    pools = ("acme=shop/plugin", "acme=shop/web")
    plan = plan_for(tmp_path, objects, *pools)
    assert plan.state == "no answer"
    assert "raise the number of Secrets on nodes with untrusted workloads from 1 to 2" in plan.reason
    assert "put --pool untrusted before the others" in plan.reason
    assert plan_for(tmp_path, objects, "untrusted", *pools).state == "found"


def test_kubectl_applies_the_patches_as_we_do(tmp_path: Path) -> None:
    """A strategic merge by kubectl itself gives the objects of which the plan was proved."""
    kubectl = program("kubectl")
    kept = {"key": "example.com/team", "operator": "Exists"}
    soft = {"taints": [{"key": "example.com/soft", "effect": "PreferNoSchedule"}]}
    objects = [node("n1", spec=soft), node("n2", spec=soft)]
    objects += workload("keys", "sensitive", ["n1"], tolerations=[kept], nodeSelector={"kubernetes.io/hostname": "n1"})
    objects += workload("web", "ordinary", ["n1"], tolerations=[{"operator": "Exists"}])
    plan = plan_for(tmp_path, objects)
    assert plan.state == "found"
    assert {patch.resource.kind for patch in plan.patches} == {"Node", "StatefulSet"}
    for patch in plan.patches:
        ref = patch.resource
        if ref.kind != "Node":
            (words,) = map(shlex.split, patch.commands)
            assert words[:6] == ["kubectl", "patch", "statefulset.v1.apps", ref.name, "-n", "shop"]
            assert json.loads(words[-1]) == patch.patch
        before = next(o for o in objects if (o["kind"], o["metadata"]["name"]) == (ref.kind, ref.name))
        file, change = tmp_path / "object.json", tmp_path / "patch.json"
        file.write_text(json.dumps(before))
        change.write_text(json.dumps(patch.patch))
        command = [kubectl, "patch", "--local", "-f", str(file), "--type=strategic", "--patch-file", str(change)]
        done = subprocess.run([*command, "-o", "json"], capture_output=True, check=True)
        patched, expected = json.loads(done.stdout), json.loads(json.dumps(before))
        merge(expected, patch.patch)
        for path in (("metadata", "labels"), ("spec", "taints"), *(("spec", "template", "spec", f) for f in FIELDS)):
            assert at(patched, path) == at(expected, path), path


FIELDS = ("nodeSelector", "tolerations", "affinity")


def at(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value
