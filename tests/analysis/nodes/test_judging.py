"""How settings are resolved, files compared, and what is said of facts that are missing."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.analysis.nodes import Node, Outcome, Verdict, for_node, named
from seawall.analysis.nodes.examples import example_facts
from seawall.analysis.nodes.expressions import compile_test
from seawall.analysis.nodes.filetests import at_most, mode_at_most
from seawall.analysis.nodes.outcome import NotHere, NotKnown
from seawall.analysis.nodes.selection import UnknownBenchmark
from seawall.analysis.nodes.settings import ComponentSettings, Setting, default_at
from seawall.analysis.nodes.values import TYPES, quantity, seconds
from seawall.model.version import parse_version


def node(**changes: Any) -> Node:
    """The hardened node with changes."""
    return Node(example_facts("kubeadm", changes))


def kubelet(**changes: Any) -> Node:
    """The hardened node with changes of its kubelet."""
    return node(components={"kubelet": changes})


def judged(test: dict[str, Any], on: Node | None = None) -> Outcome:
    """What a test says of a node."""
    return compile_test("here", test)(on or node(), None)


def value(on: Node, name: str) -> tuple[Any, str]:
    """A setting's value and where it comes from."""
    found = on.setting(*name.split("/"))
    return found.value, found.given


def test_the_running_kubelet_counts_before_flags_and_file() -> None:
    on = kubelet(configz={"readOnlyPort": 1}, flags={"read-only-port": ["2"]}, config={"readOnlyPort": 3})
    assert value(on, "kubelet/read-only-port") == (1, "running")


def test_a_flag_beats_the_kubelets_file() -> None:
    on = kubelet(flags={"read-only-port": ["2", "5"]}, config={"readOnlyPort": 3})
    assert value(on, "kubelet/read-only-port") == (5, "flag")
    assert value(kubelet(config={"readOnlyPort": 3}), "kubelet/read-only-port") == (3, "file")


def test_defaults_differ_between_flags_and_file() -> None:
    assert value(kubelet(config={"readOnlyPort": None}), "kubelet/read-only-port") == (0, "default")
    assert value(kubelet(config=None, config_path=""), "kubelet/read-only-port") == (10255, "default")


def test_defaults_follow_the_version() -> None:
    changes: dict[str, Any] = {"components": {"kubelet": {"config": {"eventRecordQPS": None}}}}
    assert value(node(**changes), "kubelet/event-qps") == (50, "default")
    assert value(node(**changes, kubernetes_version="v1.26.3"), "kubelet/event-qps") == (5, "default")
    assert value(node(**changes, kubernetes_version=None), "kubelet/event-qps") == (50, "default")


def test_an_unknown_version_matters_where_a_default_changed_lately() -> None:
    assert default_at(1, {"1.27": 2}, None) == 2
    assert default_at(1, {"1.27": 2, "1.30": 3}, None) is None
    assert default_at(1, {"1.27": 2, "1.30": 3}, parse_version("1.29")) == 2
    assert default_at(1, {}, None) == 1
    given = Setting(default=1, default_since={"1.99": 2})
    table = {"kubelet": ComponentSettings(settings={"x": given})}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seawall.analysis.nodes.node.settings", lambda: table)
        with pytest.raises(NotKnown, match="unknown version"):
            node(kubernetes_version=None).setting("kubelet", "x")


def test_the_file_alone_counts_for_kube_proxy_and_etcd() -> None:
    on = node(
        components={
            "kube-proxy": {"flags": {"metrics-bind-address": ["192.0.2.1"]}},
            "etcd": {"config_path": "/etc/etcd.yaml", "config": {"client-transport-security": {"auto-tls": True}}},
        }
    )
    assert value(on, "kube-proxy/metrics-bind-address") == ("127.0.0.1:10249", "file")
    assert value(on, "etcd/auto-tls") == (True, "file")
    assert value(on, "etcd/client-cert-auth") == (False, "default")


def test_etcd_reads_its_environment() -> None:
    on = node(components={"etcd": {"flags": {"auto-tls": None}, "environment": {"ETCD_AUTO_TLS": "true"}}})
    assert value(on, "etcd/auto-tls") == (True, "environment")


def test_old_names_of_flags_are_known() -> None:
    on = kubelet(config={"podPidsLimit": None}, flags={"pod-pids-limit": ["100"]})
    assert value(on, "kubelet/pod-max-pids") == (100, "flag")


def test_feature_gates_of_flag_and_file_are_joined() -> None:
    on = kubelet(flags={"feature-gates": ["A=true"]}, config={"featureGates": {"A": False, "B": True}})
    assert value(on, "kubelet/feature-gates") == ({"A": "true", "B": "true"}, "flag")


def test_what_was_not_read_is_not_known_with_the_reason() -> None:
    on = node(
        components={"kubelet": {"config": None}},
        problems=[{"fact": "components.kubelet.config", "reason": "permission denied"}],
    )
    outcome = judged({"setting": "kubelet/anonymous-auth", "eq": False}, on)
    assert outcome.verdict is Verdict.NOT_JUDGED
    assert "permission denied" in outcome.reason
    on = kubelet(config=None)
    assert "was not read" in judged({"setting": "kubelet/anonymous-auth", "eq": False}, on).reason


def test_flags_that_could_not_be_read_are_not_taken_for_absent() -> None:
    on = node(problems=[{"fact": "components.etcd.flags", "reason": "the process vanished"}])
    outcome = judged({"setting": "etcd/auto-tls", "eq": False}, on)
    assert outcome.verdict is Verdict.NOT_JUDGED
    assert "vanished" in outcome.reason


def test_values_from_variables_and_of_wrong_types_are_not_known() -> None:
    for flags in ({"anonymous-auth": ["$(X)"]}, {"anonymous-auth": ["maybe"]}):
        outcome = judged({"setting": "kubelet/anonymous-auth", "eq": False}, kubelet(flags=flags))
        assert outcome.verdict is Verdict.NOT_JUDGED, outcome
    for config in ({"readOnlyPort": [1]}, {"authentication": 5}):
        test = {
            "all": [{"setting": "kubelet/read-only-port", "eq": 0}, {"setting": "kubelet/anonymous-auth", "eq": False}]
        }
        assert judged(test, kubelet(config=config)).verdict is Verdict.NOT_JUDGED


def test_a_component_that_is_elsewhere_does_not_apply() -> None:
    on = node(components={"etcd": None})
    outcome = judged({"setting": "etcd/auto-tls", "eq": False}, on)
    assert outcome.verdict is Verdict.NOT_APPLICABLE
    assert "etcd does not run on this node" in outcome.reason
    on = node(components={"etcd": None}, problems=[{"fact": "components", "reason": "no /proc"}])
    assert judged({"setting": "etcd/auto-tls", "eq": False}, on).verdict is Verdict.NOT_JUDGED


@pytest.mark.parametrize(
    ("mode", "wanted", "holds"),
    [
        (0o600, 0o600, True),
        (0o400, 0o600, True),
        (0o500, 0o600, True),
        (0o700, 0o600, False),
        (0o640, 0o600, False),
        (0o644, 0o644, True),
        (0o604, 0o644, True),
        (0o622, 0o644, False),
        (0o4600, 0o600, False),
        (0o1700, 0o700, False),
    ],
)
def test_modes(mode: int, wanted: int, holds: bool) -> None:
    assert mode_at_most(mode, wanted) is holds
    assert mode_at_most(at_most(mode, wanted), wanted)


FILE = "/etc/kubernetes/admin.conf"


def test_files_that_are_missing_or_were_not_looked_at() -> None:
    test = {"file": {"path": FILE}, "mode-at-most": "600"}
    assert judged(test).verdict is Verdict.PASS
    assert judged(test, node(files={FILE: None})).verdict is Verdict.NOT_JUDGED
    assert judged(test, node(files={FILE: None}, absent=[FILE])).verdict is Verdict.NOT_APPLICABLE
    unread = node(files={FILE: None}, problems=[{"fact": f"files.{FILE}", "reason": "a link out of the root"}])
    assert "link out of the root" in judged(test, unread).reason
    exists = {"file": {"path": FILE}, "exists": False}
    assert judged(exists).verdict is Verdict.FAIL
    assert judged(exists, node(files={FILE: None}, absent=[FILE])).verdict is Verdict.PASS


def test_links_are_followed_and_loops_end() -> None:
    test = {"file": {"path": FILE}, "mode-at-most": "600"}
    link = {"kind": "symlink", "mode": 0o777, "target": "super-admin.conf"}
    assert judged(test, node(files={FILE: link})).verdict is Verdict.PASS
    assert judged(test, node(files={FILE: {**link, "target": FILE}})).verdict is Verdict.NOT_JUDGED


def test_a_failure_counts_before_a_file_that_is_not_known() -> None:
    test = {"file": [{"path": FILE}, {"path": "/etc/never-seen"}], "mode-at-most": "600"}
    assert judged(test).verdict is Verdict.NOT_JUDGED
    assert judged(test, node(files={FILE: {"mode": 0o644}})).verdict is Verdict.FAIL


def test_owners_by_name_and_number() -> None:
    test = {"file": {"path": FILE}, "owner": "root:root"}
    assert judged(test, node(files={FILE: {"owner": "", "group": ""}})).verdict is Verdict.PASS
    assert judged(test, node(files={FILE: {"owner": "", "uid": 7}})).verdict is Verdict.FAIL
    assert judged(test, node(files={FILE: {"owner": "", "uid": -1}})).verdict is Verdict.NOT_JUDGED
    test = {"file": {"path": FILE}, "owner": "etcd:etcd"}
    assert judged(test, node(files={FILE: {"owner": "", "uid": 7, "group": "etcd"}})).verdict is Verdict.NOT_JUDGED
    assert judged({"file": {"path": FILE}, "mode-at-most": "600"}, node(files={FILE: {"mode": -1}})).reason


def test_folders_are_searched_whole() -> None:
    test = {"file": {"place": "pki", "match": "*.key"}, "mode-at-most": "600"}
    outcome = judged(test, node(files={"/etc/kubernetes/pki/etcd/server.key": {"mode": 0o644}}))
    assert [seen.file for seen in outcome.seen] == ["/etc/kubernetes/pki/etcd/server.key"]
    assert judged({"file": {"place": "pki", "match": "*.pem"}, "exists": True}).verdict is Verdict.FAIL
    assert judged({"file": {"place": "pki", "match": "*.pem"}, "owner": "a:b"}).verdict is Verdict.NOT_APPLICABLE


def test_a_part_of_a_folder_that_could_not_be_read_is_not_passed_over() -> None:
    test = {"file": {"place": "pki", "match": "*.key"}, "mode-at-most": "600"}
    on = node(problems=[{"fact": "files./etc/kubernetes/pki/etcd", "reason": "permission denied"}])
    assert judged(test, on).verdict is Verdict.NOT_JUDGED
    on = node(problems=[{"fact": "files", "reason": "only the first 9 files were looked at"}])
    assert judged(test, on).verdict is Verdict.NOT_JUDGED


def test_an_environment_that_could_not_be_read_is_not_taken_for_empty() -> None:
    on = node(problems=[{"fact": "components.etcd.environment", "reason": "permission denied"}])
    assert judged({"setting": "etcd/auto-tls", "eq": False}, on).verdict is Verdict.NOT_JUDGED
    assert judged({"setting": "etcd/client-cert-auth", "eq": True}, on).verdict is Verdict.PASS


MOUNTS = [{"target": "/", "source": "a", "fstype": "ext4"}, {"target": "/tmp", "source": "b", "fstype": "tmpfs"}]


def test_lists() -> None:
    on = node(mounts=MOUNTS)
    must = {"item": "fstype", "in": ["ext4", "tmpfs"]}
    assert judged({"each": "mounts", "must": must}, on).verdict is Verdict.PASS
    outcome = judged({"each": "mounts", "name": "target", "must": {"item": "fstype", "eq": "ext4"}}, on)
    assert [(seen.path, seen.says) for seen in outcome.seen] == [("mounts[1].fstype", "tmp: fstype is tmpfs")]
    where = {"item": "target", "eq": "/var"}
    assert judged({"each": "mounts", "where": where, "must": must}, on).verdict is Verdict.NOT_APPLICABLE
    assert judged({"some": "mounts", "where": where}, on).verdict is Verdict.FAIL
    assert judged({"some": "mounts", "where": {"item": "target", "eq": "/tmp"}}, on).verdict is Verdict.PASS


def test_facts_that_were_not_collected() -> None:
    assert judged({"fact": "docker.info.X", "eq": True}).verdict is Verdict.NOT_JUDGED
    on = node(docker={"info": {"X": True}})
    assert judged({"fact": "docker.info.X", "eq": True}, on).verdict is Verdict.PASS
    assert judged({"fact": "docker.info.Y", "eq": True}, on).verdict is Verdict.FAIL
    assert judged({"fact": "docker.info.Y", "else": True, "eq": True}, on).verdict is Verdict.PASS
    assert judged({"sysctl": "kernel.panic", "eq": "10"}).verdict is Verdict.NOT_JUDGED
    on = node(sysctls={"kernel.panic": "10"})
    assert judged({"sysctl": "kernel.panic", "type": "int", "gte": 9}, on).verdict is Verdict.PASS


def test_logic_of_four_verdicts() -> None:
    yes, no = {"fact": "layout", "eq": "kubeadm"}, {"fact": "layout", "eq": "k3s"}
    unknown, elsewhere = {"sysctl": "x", "eq": "1"}, {"file": {"path": "/gone"}, "owner": "a:b"}
    on = node(absent=["/gone"])
    for tests, all_verdict, any_verdict in (
        ([yes, no, unknown], Verdict.FAIL, Verdict.PASS),
        ([yes, unknown], Verdict.NOT_JUDGED, Verdict.PASS),
        ([no, unknown], Verdict.FAIL, Verdict.NOT_JUDGED),
        ([yes, elsewhere], Verdict.PASS, Verdict.PASS),
        ([elsewhere], Verdict.NOT_APPLICABLE, Verdict.NOT_APPLICABLE),
    ):
        assert judged({"all": tests}, on).verdict is all_verdict, tests
        assert judged({"any": tests}, on).verdict is any_verdict, tests
    assert judged({"not": no}).verdict is Verdict.PASS
    assert judged({"not": unknown}).verdict is Verdict.NOT_JUDGED
    assert judged({"if": no, "then": no}).verdict is Verdict.PASS
    assert judged({"if": no, "then": no, "else": "not so"}).verdict is Verdict.NOT_APPLICABLE
    assert judged({"if": no, "then": yes, "otherwise": no}).verdict is Verdict.FAIL
    assert judged({"if": unknown, "then": yes}).verdict is Verdict.NOT_JUDGED


def test_places_by_facts_then_component_then_setting() -> None:
    assert node().place("kubelet.client-ca") == "/etc/kubernetes/pki/ca.crt"
    assert node(paths={"kubelet.client-ca": "/x"}).place("kubelet.client-ca") == "/x"
    assert node().place("kubelet.config") == "/var/lib/kubelet/config.yaml"
    for on, place in ((node(paths={"pki": ""}), "pki"), (node(), "docker.socket"), (node(), "etcd.unit")):
        with pytest.raises(NotHere):
            on.place(place)


@pytest.mark.parametrize(
    ("text", "wanted"), [("1h2m3.5s", 3723.5), ("0", 0.0), (0, 0.0), ("500ms", 0.5), ("-1m", -60.0)]
)
def test_durations(text: Any, wanted: float) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "5", "1 h", "h", "1x", True, None, [], "9" * 40 + "s"])
def test_what_is_no_duration(text: Any) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds(text)


def test_quantities_and_other_types() -> None:
    assert (quantity("100Mi"), quantity("1.5k"), quantity(3)) == (104857600.0, 1500.0, 3.0)
    assert TYPES["list"](["a,b", "c"]) == ("a", "b", "c")
    assert TYPES["map"](["a=1,b=2"]) == {"a": "1", "b": "2"}
    assert TYPES["bool"]("T") is True
    for kind, raw in (("int", "1.5"), ("int", True), ("map", "a"), ("list", [{}]), ("quantity", "x"), ("text", {})):
        with pytest.raises(ValueError, match=r"is n|is not"):
            TYPES[kind](raw)


@pytest.mark.parametrize(
    ("version", "benchmark", "note"),
    [
        ("v1.28.3", "cis-k8s-1.10", ""),
        ("v1.29.0", "cis-k8s-1.11", ""),
        ("v1.31.9+k3s1", "cis-k8s-1.11", ""),
        ("v1.33.1-eks-1", "cis-k8s-1.12", ""),
        ("v1.36.0", "cis-k8s-1.12", "newer than what the nearest benchmark is for (1.32 to 1.33)"),
        ("v1.27.1", "cis-k8s-1.10", "older than what the nearest benchmark is for (1.28)"),
        ("nonsense", "cis-k8s-1.12", "not known"),
    ],
)
def test_the_benchmark_follows_the_version(version: str, benchmark: str, note: str) -> None:
    (chosen,) = for_node(node(kubernetes_version=version))
    assert chosen.benchmark.name == benchmark
    assert note in chosen.note
    assert bool(chosen.note) == bool(note)


def test_workers_of_providers_are_told_what_is_not_judged() -> None:
    (chosen,) = for_node(node(layout="aks", kubernetes_version="v1.31.1"))
    assert "AKS runs the control plane" in chosen.note or chosen.benchmark.layouts == ("aks",)


def test_a_host_without_any_of_it_has_no_benchmark() -> None:
    assert for_node(node(components=None, layout="unknown")) == []


def test_benchmarks_by_name() -> None:
    assert [each.benchmark.name for each in named(["cis-k8s-1.10"])] == ["cis-k8s-1.10"]
    with pytest.raises(UnknownBenchmark, match="choose from cis-k8s"):
        named(["cis-9"])
