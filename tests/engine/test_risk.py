"""Risk: the formula, each term by an example with and without it, and what comes first in two estates, with reasons."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from seawall.engine import ReadOptions, ScanOptions, scan
from seawall.findings import base_risk, vulnerability_risk, weighed
from seawall.model.finding import Confidence, Finding, RiskTerm, Severity
from tests.cluster.conftest import Kubeconfig, kubeconfig, recorded, recording, server
from tests.conftest import Run
from tests.replay import Replay

__all__ = ["kubeconfig", "recorded", "recording", "server"]

ROOT = Path(__file__).resolve().parents[2]
SHELL = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: front, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: front}}}}
  template:
    metadata: {{labels: {{app: front}}}}
    spec:
      {spec}
      containers:
      - {{name: c, image: "{image}", ports: [{{containerPort: 80}}], securityContext: {{{context}}}, {extra}}}
"""
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec: {type: LoadBalancer, selector: {app: front}, ports: [{port: 80}]}
"""
BINDING = """---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: all}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: default, namespace: shop}]
"""


DATABASE = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: store, namespace: shop}
spec:
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec: {containers: [{name: c, image: "postgres:16", ports: [{containerPort: 5432}]}]}
"""
CLOSED = """---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: nobody, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
"""
SOCKET = "volumes: [{name: s, hostPath: {path: /var/run/docker.sock}}]"
MOUNTS = "volumeMounts: [{name: s, mountPath: /s}]"
NODE = """---
apiVersion: v1
kind: Node
metadata: {name: one}
status: {nodeInfo: {containerRuntimeVersion: "%s"}}
"""


def found(
    tmp_path: Path, rule: str = "drop-all-capabilities", name: str = "front", more: str = "", **change: str
) -> Finding:
    """What a scan says by a rule of an object, beside the workload ``front``."""
    given = {"spec": "", "image": "registry.example/front:1", "context": "", "extra": ""} | change
    (tmp_path / "a.yaml").write_text(SHELL.format(**given) + more)
    result = scan(ScanOptions(ReadOptions((str(tmp_path),))))
    return next(each for each in result.findings if each.rule == rule and each.resource.name == name)


def names(finding: Finding) -> list[str]:
    """The names of its terms."""
    return [each.name for each in finding.risk_terms]


@pytest.mark.parametrize(
    ("term", "rule", "change"),
    [
        ("exposed", "drop-all-capabilities", {"more": SERVICE}),
        ("privilege", "drop-all-capabilities", {"more": BINDING}),
        ("targets", "privileged-container", {"context": "privileged: true"}),
        ("sensitivity", "drop-all-capabilities", {"image": "docker.io/library/postgres:16"}),
        ("sandbox", "drop-all-capabilities", {"spec": "runtimeClassName: gvisor"}),
        ("user-namespace", "drop-all-capabilities", {"spec": "hostUsers: false"}),
        ("moot", "drop-all-capabilities", {"context": "privileged: true"}),
    ],
)
def test_each_term_moves_the_risk_its_way(tmp_path: Path, term: str, rule: str, change: dict[str, str]) -> None:
    plain = found(tmp_path)
    assert plain.risk_terms == () and plain.risk == base_risk(plain.severity, plain.confidence)
    changed = found(tmp_path, rule, **change)
    assert names(changed) == [term]
    (told,) = changed.risk_terms
    base = base_risk(changed.severity, changed.confidence)
    assert told.reason and (changed.risk > base) == (told.weight > 0) and changed.risk != base


def test_what_stands_next_to_the_way_in_is_near(tmp_path: Path) -> None:
    assert names(found(tmp_path, name="store", more=DATABASE)) == ["sensitivity"]
    near = found(tmp_path, name="store", more=DATABASE + SERVICE)
    assert names(near) == ["near", "sensitivity"] and "shop/front[Deployment]" in near.risk_terms[0].reason


def test_a_way_in_weighs_by_what_it_leads_to(tmp_path: Path) -> None:
    rule = "service-load-balancer-open"
    assert names(found(tmp_path, rule, more=SERVICE)) == [], "it leads to nothing that anyone would want"
    onward = found(tmp_path, rule, more=SERVICE + DATABASE)
    assert names(onward) == ["exposed", "opens"] and "shop/store[Deployment]" in onward.risk_terms[1].reason
    direct = found(tmp_path, rule, more=SERVICE, context="privileged: true")
    assert names(direct) == ["exposed", "targets"] and direct.risk > onward.risk


def test_an_open_pod_weighs_by_what_is_gained(tmp_path: Path) -> None:
    rule = "pod-without-network-policy"
    other = CLOSED.replace("shop", "elsewhere")
    little = found(tmp_path, rule, more=SERVICE + other)
    more = found(tmp_path, rule, "store", more=SERVICE + other + DATABASE)
    assert names(little) == ["exposed"] and names(more) == ["near", "sensitivity"] and more.risk > little.risk
    name = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    space = found(tmp_path, "namespace-open-to-cluster", "shop", more=SERVICE + other + DATABASE + name)
    assert names(space) == ["near", "sensitivity"] and "shop/store[Deployment]" in space.risk_terms[0].reason


def test_what_policies_close_and_what_listens_nowhere_weighs_less(tmp_path: Path) -> None:
    rule, context = "privileged-container", "privileged: true"
    assert names(found(tmp_path, rule, context=context)) == ["targets"], "without policies or ways in nothing is known"
    assert names(found(tmp_path, rule, context=context, more=CLOSED)) == ["targets", "closed"]
    silent = SHELL.replace(", ports: [{{containerPort: 80}}]", "")
    (tmp_path / "a.yaml").write_text(silent.format(spec="", image="x", context=context, extra="") + CLOSED)
    (finding,) = [each for each in scan(ScanOptions(ReadOptions((str(tmp_path),)))).findings if each.rule == rule]
    assert names(finding) == ["targets", "closed", "unserved"]


def test_an_init_container_and_a_job_are_brief(tmp_path: Path) -> None:
    init = "initContainers: [{name: i, image: x, securityContext: {privileged: true}}]"
    assert "brief" in names(found(tmp_path, "privileged-container", spec=init))
    job = SHELL.replace("apps/v1", "batch/v1").replace("Deployment", "Job")
    (tmp_path / "a.yaml").write_text(job.format(spec="", image="x", context="privileged: true", extra=""))
    findings = scan(ScanOptions(ReadOptions((str(tmp_path),)))).findings
    assert [names(each) for each in findings if each.rule == "privileged-container"] == [["targets", "brief"]]


def test_processes_of_nobody_weigh_less_where_that_holds_them(tmp_path: Path) -> None:
    spec, rule = "volumes: [{name: s, hostPath: {path: /}}]", "sensitive-host-path"
    assert names(found(tmp_path, rule, spec=spec, extra=MOUNTS)) == ["targets"]
    nobody = "runAsNonRoot: true, runAsUser: 99, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}"
    assert names(found(tmp_path, rule, spec=spec, extra=MOUNTS, context=nobody)) == ["unprivileged"]


def test_a_socket_of_another_runtime_is_not_there(tmp_path: Path) -> None:
    rule = "runtime-socket-mounted"
    assert "absent" not in names(found(tmp_path, rule, spec=SOCKET, extra=MOUNTS))
    assert "absent" not in names(found(tmp_path, rule, spec=SOCKET, extra=MOUNTS, more=NODE % "docker://27.1"))
    assert "absent" in names(found(tmp_path, rule, spec=SOCKET, extra=MOUNTS, more=NODE % "containerd://2.1"))


def test_a_grant_weighs_by_who_holds_it(tmp_path: Path) -> None:
    rule, role = "cluster-admin-binding", "all"
    reached = found(tmp_path, rule, role, more=BINDING + SERVICE)
    assert names(reached) == ["exposed", "privilege"] and "shop/front[Deployment]" in reached.risk_terms[0].reason
    held = found(tmp_path, rule, role, more=BINDING)
    assert names(held) == ["privilege"] and held.risk < reached.risk
    people = BINDING.replace("ServiceAccount, name: default, namespace: shop", "Group, name: ops")
    of_people = found(tmp_path, rule, role, more=people)
    assert "person" in names(of_people) and of_people.risk < held.risk
    everyone = found(tmp_path, "anonymous-binding", role, more=people.replace("ops", "system:unauthenticated"))
    assert names(everyone) == ["exposed"]


def test_a_token_that_is_not_mounted_gives_no_privilege(tmp_path: Path) -> None:
    assert names(found(tmp_path, more=BINDING, spec="automountServiceAccountToken: false")) == []


def test_a_token_on_every_node_is_near_where_one_falls(tmp_path: Path) -> None:
    agent = (
        DATABASE.replace("Deployment", "DaemonSet")
        .replace("postgres:16", "agent:1")
        .replace("spec: {containers", "spec: {serviceAccountName: agent, containers")
    )
    bound = BINDING.replace("name: default", "name: agent")
    rule = "workload-takes-cluster"
    assert names(found(tmp_path, rule, "store", more=agent + bound)) == ["privilege"]
    fallen = found(
        tmp_path,
        rule,
        "store",
        more=agent.replace(", ports: [{containerPort: 5432}]", "") + bound + SERVICE,
        context="privileged: true",
    )
    assert names(fallen) == ["near", "privilege"] and "every node" in fallen.risk_terms[0].reason


def test_a_node_falls_to_rights_as_well(tmp_path: Path) -> None:
    agent = DATABASE.replace("Deployment", "DaemonSet").replace(", ports: [{containerPort: 5432}]", "")
    agent = agent.replace("spec: {containers", "spec: {serviceAccountName: agent, containers")
    # In a namespace of its own: whoever may do everything in shop does not come to its token by that.
    agent = agent.replace("namespace: shop", "namespace: system")
    bound = BINDING.replace("name: default, namespace: shop", "name: agent, namespace: system")
    bound = bound.replace("{name: all}", "{name: agents}")
    here = BINDING.replace("ClusterRoleBinding", "RoleBinding").replace("{name: all}", "{name: all, namespace: shop}")
    told = found(tmp_path, "workload-takes-cluster", "store", more=agent + bound + here + SERVICE)
    assert names(told) == ["near", "privilege"] and "shop/front[Deployment]" in told.risk_terms[0].reason


def test_parts_of_the_control_plane_are_meant_to_be_so(tmp_path: Path) -> None:
    static = """---
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  hostNetwork: true
  containers: [{name: kube-apiserver, image: "registry.example/kube-apiserver:v1.36.0", command: [kube-apiserver]}]
"""
    assert names(found(tmp_path, "host-network", "kube-apiserver", more=static)) == ["control-plane"]


def test_the_formula() -> None:
    def term(weight: int) -> RiskTerm:
        return RiskTerm("exposed", weight, "because")

    assert weighed(45, ()) == 45
    assert weighed(40, (term(30),)) == 70
    assert weighed(40, (term(60), term(60))) == 100
    assert weighed(40, (term(30), term(-50))) == 35
    assert weighed(1, (term(-100),)) == 1
    for base in range(1, 100):
        assert base <= weighed(base, (term(10),)) <= weighed(base, (term(20),)) <= 100
        assert weighed(base, (term(24),)) <= weighed(base + 1, (term(24),))


def test_what_is_exploited_stands_before_what_is_likely() -> None:
    likely, terms = vulnerability_risk(Severity.CRITICAL, Confidence.HIGH, False, 0.9)
    exploited, more = vulnerability_risk(Severity.LOW, Confidence.LOW, True, 0.9)
    assert likely == 94 and [each.name for each in terms] == ["likely"]
    assert exploited == 95 and [each.name for each in more] == ["likely", "exploited"]
    assert vulnerability_risk(Severity.LOW, Confidence.HIGH, False, -1) == (20, ())


def agree(estate: str, told: Iterable[tuple[str, str, int]]) -> None:
    """Hold a ranking (rules, names of objects and risks, in its order) to what an estate's file expects of it."""
    wanted = yaml.safe_load((Path(__file__).parent / "risk" / f"{estate}.yaml").read_text())
    one = {tuple(each): tuple(group[0]) for group in wanted["equal"] for each in group}
    risks: dict[tuple[str, str], int] = {}
    for rule, name, risk in told:
        risks.setdefault((rule, name), risk)
    order = list(dict.fromkeys(one.get(each, each) for each in risks))
    for tier, most in (("tier1", 5), ("tier2", 10)):
        for each in wanted[tier]:
            pair = tuple(each["of"])
            assert order.index(one.get(pair, pair)) < each.get("within", most), f"{pair}: {each['why']}"
    places = {pair: at for at, pair in enumerate(risks)}
    for each in wanted["before"]:
        first, second = tuple(each["first"]), tuple(each["second"])
        assert places[first] < places[second] and risks[first] >= risks[second], f"{first}, {second}: {each['why']}"
    top = {pair for pair in risks if one.get(pair, pair) in order[:10]}
    assert top.isdisjoint(map(tuple, wanted["later"]))


def test_what_comes_first_in_the_examples() -> None:
    result = scan(ScanOptions(ReadOptions((str(ROOT / "examples"),))))
    assert [each.risk for each in result.findings] == sorted((each.risk for each in result.findings), reverse=True)
    agree("examples", ((each.rule, each.resource.name, each.risk) for each in result.findings))


def test_what_comes_first_in_the_recorded_cluster(run: Run, server: Replay, kubeconfig: Kubeconfig) -> None:
    done = run("scan", "cluster", "--kubeconfig", kubeconfig(server.url), "--format", "json")
    findings = json.loads(done.stdout)["findings"]
    agree("recorded", ((each["rule"], each["resource"]["name"], each["risk"]) for each in findings))
