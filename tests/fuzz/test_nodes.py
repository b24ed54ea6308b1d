"""Facts and other tools' results of any shape: no check breaks, nothing passes on what was not understood."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.analysis.nodes import Node, Outcome, Verdict, catalogue, judge, remedy
from seawall.analysis.nodes.examples import example_facts
from seawall.analysis.nodes.filetests import at_most, mode_at_most
from seawall.analysis.nodes.settings import settings as table
from seawall.engine.nodecompare import BenchError, compare, decode_bench
from seawall.engine.nodes import AuditOptions, FactsDocument, audit
from seawall.model.finding import RuleState

_SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=12)
_KEYS = st.sampled_from(
    [
        "enabled",
        "mode",
        "authentication",
        "anonymous",
        "x509",
        "resources",
        "providers",
        "type",
        "authorizers",
        "x",
        "0",
    ]
)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=8
)
_FIELDS = sorted({s.config.split(".")[0] for t in table().values() for s in t.settings.values() if s.config})
_FLAGS = sorted({f for t in table().values() for n, s in t.settings.items() for f in s.flags(n)})
_CONFIG = st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=6)
_WORDS = st.lists(st.text(max_size=12) | st.sampled_from(["true", "0", "$(X)", "a=b", ",", "9" * 30]), max_size=3)
_COMPONENT = st.fixed_dictionaries(
    {},
    optional={
        "flags": st.dictionaries(st.sampled_from(_FLAGS), _WORDS, max_size=8),
        "config": _CONFIG,
        "configz": _CONFIG,
        "environment": st.dictionaries(st.sampled_from(["ETCD_AUTO_TLS", "ETCD_CERT_FILE"]), st.text(max_size=5)),
    },
)
_PATHS = st.sampled_from(["/etc/kubernetes/pki", "/etc/kubernetes/admin.conf", "/etc/cni/net.d", "/var/lib/etcd"])
_FILE = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["file", "directory", "symlink", "socket", ""]),
        "mode": st.integers(-1, 0o7777),
        "uid": st.integers(-1, 5),
        "owner": st.text(max_size=4),
        "target": st.text(max_size=6),
    },
)
_CHANGE = st.fixed_dictionaries(
    {},
    optional={
        "components": st.dictionaries(st.sampled_from(sorted(table())), _COMPONENT | st.none(), max_size=3),
        "documents": st.dictionaries(
            st.sampled_from(["/etc/kubernetes/encryption.yaml", "/etc/kubernetes/audit-policy.yaml"]), _JSON, max_size=2
        ),
        "files": st.dictionaries(_PATHS, _FILE | st.none(), max_size=3),
        "absent": st.lists(_PATHS, max_size=2),
        "kubernetes_version": st.text(max_size=8),
        "layout": st.sampled_from(["kubeadm", "k3s", "rke2", "eks", "systemd", "", "x"]),
    },
)


@settings(max_examples=150, deadline=None)
@given(_CHANGE)
def test_no_facts_break_a_check_or_a_plan(change: dict[str, Any]) -> None:
    facts = example_facts("kubeadm", change)
    node = Node(facts)
    for check in catalogue().checks.values():
        if check.base != "kubeadm":
            continue
        outcome = judge(check, node)
        assert isinstance(outcome, Outcome)
        assert outcome.seen or outcome.reason
        if outcome.verdict is Verdict.FAIL:
            way = remedy(check, facts, outcome)
            assert way.steps or way.note


@settings(max_examples=30, deadline=None)
@given(_CHANGE)
def test_an_audit_of_any_facts_has_no_errors(change: dict[str, Any]) -> None:
    result = audit([FactsDocument("f.json", example_facts("kubeadm", change))], AuditOptions())
    assert [status for status in result.scan.statuses if status.state is RuleState.ERROR] == []
    unknown = any(outcome.verdict is Verdict.NOT_JUDGED for outcome in result.outcomes.values())
    assert result.scan.complete is not unknown


@given(st.integers(0, 0o7777), st.integers(0, 0o7777))
def test_what_a_plan_makes_of_a_mode_is_allowed(mode: int, wanted: int) -> None:
    assert mode_at_most(at_most(mode, wanted), wanted)
    if mode_at_most(mode, wanted):
        assert at_most(mode, wanted) == mode


_RESULT = st.fixed_dictionaries(
    {"test_number": st.text(max_size=8), "status": st.text(max_size=5)}, optional={"reason": st.text(max_size=9)}
)
_BENCH = st.lists(st.fixed_dictionaries({"tests": st.lists(st.fixed_dictionaries({"results": st.lists(_RESULT)}))}))


@settings(max_examples=80, deadline=None)
@given(_BENCH | _JSON, st.binary(max_size=40))
def test_results_of_other_tools_of_any_shape(document: Any, raw: bytes) -> None:
    import json

    node = audit([FactsDocument("f.json", example_facts("kubeadm", {}))], AuditOptions()).nodes[0]
    for data in (json.dumps(document).encode(), raw):
        try:
            theirs = decode_bench(data, "x")
        except BenchError:
            continue
        found = compare(node, theirs)
        assert len(found.controls) >= len({control.id for control in theirs.controls})
