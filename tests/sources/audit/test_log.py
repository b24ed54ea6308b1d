"""Audit logs that are broken, huge, cut short or hostile: counted and named, never fatal, nothing lost."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.analysis.access.use import Use
from seawall.model.version import NEWEST
from seawall.sources.audit import AuditLog
from seawall.sources.audit import log as module

GOOD = {
    "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a", "stage": "ResponseComplete", "verb": "get",
    "requestURI": "/api/v1/namespaces/x/pods/p", "user": {"username": "ann", "groups": ["dev"]},
    "objectRef": {"resource": "pods", "namespace": "x", "name": "p"}, "responseStatus": {"code": 200},
}  # fmt: skip
LINE = json.dumps(GOOD).encode()


def read(tmp_path: Path, data: bytes) -> tuple[int, AuditLog]:
    file = tmp_path / "audit.log"
    file.write_bytes(data)
    log = AuditLog()
    return sum(1 for _ in log.events(str(file))), log


@pytest.mark.parametrize(
    ("data", "events", "bad", "said"),
    [
        (LINE + b"\n" + LINE, 2, 0, ""),
        (LINE + b"\n\n  \n" + LINE + b"\n", 2, 0, ""),
        (LINE + b"\n" + LINE[:90], 1, 1, "truncated"),
        (LINE + b"\n[]\n" + LINE, 2, 1, "Expected `object`, got `array`"),
        (LINE + b'\n{"verb": 3}\n' + LINE, 2, 1, "Expected `str`, got `int`"),
        (b"{}\n" + LINE, 1, 1, "no auditID and no verb"),
        (b"\xff\xfe{\n" + LINE, 1, 1, ""),
        (b"[" * 100_000 + b"\n" + LINE, 1, 1, ""),
        (json.dumps({"kind": "EventList", "items": [GOOD, GOOD]}).encode(), 2, 0, ""),
        (gzip.compress(LINE + b"\n" + LINE), 2, 0, ""),
        (gzip.compress(LINE + b"\n") + gzip.compress(LINE + b"\n"), 2, 0, ""),
        (b"", 0, 0, ""),
    ],
)  # fmt: skip
def test_lines(tmp_path: Path, data: bytes, events: int, bad: int, said: str) -> None:
    found, log = read(tmp_path, data)
    assert (found, log.bad) == (events, bad)
    assert said in "".join(problem.message for problem in log.problems)


def test_the_place_of_a_bad_line(tmp_path: Path) -> None:
    _, log = read(tmp_path, LINE + b"\n{\n" + LINE)
    (problem,) = log.problems
    assert problem.line == 2
    assert problem.source.endswith("audit.log")


def test_a_gzip_that_was_cut_short_gives_what_it_holds(tmp_path: Path) -> None:
    whole = gzip.compress(b"\n".join(json.dumps({**GOOD, "auditID": str(n)}).encode() for n in range(5000)))
    found, log = read(tmp_path, whole[: len(whole) * 3 // 4])
    assert found > 2000
    assert log.bad >= 1
    assert "cannot be read on" in "".join(problem.message for problem in log.problems)


def test_an_enormous_line_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE", 1 << 16)
    large = json.dumps({**GOOD, "requestObject": {"data": "x" * (1 << 18)}}).encode()
    found, log = read(tmp_path, LINE + b"\n" + large + b"\n" + LINE)
    assert (found, log.bad) == (2, 1)
    assert "longer than" in log.problems[0].message
    assert log.problems[0].line == 2


def test_only_the_first_hundred_problems_are_kept_but_all_are_counted(tmp_path: Path) -> None:
    _, log = read(tmp_path, b"{\n" * 1000)
    assert (log.bad, len(log.problems)) == (1000, 100)


KEYS = st.sampled_from([*GOOD, "x", "items"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()), max_size=6))
def test_anything_is_counted_and_never_fatal(tmp_path: Path, lines: list[bytes]) -> None:
    lines = [line.replace(b"\n", b" ").replace(b"\x1f\x8b", b"") for line in lines]
    file = tmp_path / "fuzz.log"
    file.write_bytes(b"\n".join([LINE, *lines, LINE]))
    log, use = AuditLog(), Use(NEWEST)
    events = 0
    for event in log.events(str(file)):
        events += 1
        use.add(event)
    assert events >= 2
    assert log.lines == len(lines) + 2
    assert use.by_actor["ann"].total >= 1


FIELDS = st.sampled_from(
    ["metadata", "roleRef", "rules", "spec", "verbs", "name", "kind", "ownerReferences", "signerName"]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sent=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
        max_leaves=15,
    ),
    resource=st.sampled_from(["roles", "rolebindings", "certificatesigningrequests", "pods"]),
    sub=st.sampled_from(["", "approval", "status"]),
)
def test_any_object_that_was_sent_is_survived(tmp_path: Path, sent: object, resource: str, sub: str) -> None:
    ref = {"resource": resource, "apiGroup": "rbac.authorization.k8s.io", "namespace": "x", "subresource": sub}
    file = tmp_path / "sent.log"
    file.write_text(json.dumps({**GOOD, "verb": "create", "objectRef": ref, "requestObject": sent}))
    use = Use(NEWEST)
    for event in AuditLog().events(str(file)):
        use.add(event)
    assert use.by_actor["ann"].total == 1
