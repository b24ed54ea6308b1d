"""Suppression in place: comments and annotations waive findings, visibly and no further than they say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model.resource import Resource
from seawall.sources.manifests import load_stdin

POD = """\
{top}apiVersion: v1
kind: Pod
metadata:
  name: bad
  namespace: shop
spec:
  hostPID: true {pid}
  hostIPC: true
{above}  containers:
    - name: app {item}
      image: registry.example.com/app:1
      command: ["echo", "# seawall: ignore[*] not a comment"]
{context}      securityContext:
{field}        privileged: true {inline}
    - name: other
      image: registry.example.com/app:1
      securityContext:
        privileged: true
"""


def pod(**parts: str) -> bytes:
    names = ("top", "pid", "above", "item", "context", "field", "inline")
    return POD.format(**{name: parts.get(name, "") for name in names}).encode()


def waived(document: dict[str, Any], rule: str) -> dict[str, str]:
    """The waived findings of a rule: path -> reason."""
    found = [f for f in document["findings"] if f["rule"] == rule and f["status"] == "waived"]
    return {f["locations"][0]["path"]: f["waiver"]["reason"] for f in found}


FIRST = "spec.containers[0].securityContext.privileged"
SECOND = "spec.containers[1].securityContext.privileged"


@pytest.mark.parametrize(
    ("parts", "paths"),
    [
        ({"inline": "# seawall: ignore[privileged-container] why"}, {FIRST}),
        ({"inline": "# seawall:ignore[ host-pid , KSV017] why"}, {FIRST}),
        ({"inline": "# seawall: ignore[AVD-KSV-0017] why"}, {FIRST}),
        ({"field": "        # seawall: ignore[privileged-container] why\n"}, {FIRST}),
        ({"context": "      # seawall: ignore[privileged-container] why\n"}, {FIRST}),
        ({"above": "  # seawall: ignore[privileged-container] why\n"}, {FIRST, SECOND}),
        ({"above": "  # seawall: ignore[*] why\n"}, {FIRST, SECOND}),
        ({"top": "# seawall: ignore[privileged-container] why\n"}, {FIRST, SECOND}),
        ({"top": "# seawall: ignore[privileged-container] why\n---\n"}, {FIRST, SECOND}),
        ({"top": "---\n# seawall: ignore[privileged-container] why\n"}, {FIRST, SECOND}),
        ({"top": "--- # seawall: ignore[privileged-container] why\n"}, {FIRST, SECOND}),
        ({"item": "# seawall: ignore[privileged-container] why"}, set()),
        ({"inline": "# seawall: ignore[host-pid] why"}, set()),
        ({"inline": "#seawall: ignored[privileged-container] why"}, set()),
        ({"top": "kind: ConfigMap\napiVersion: v1 # seawall: ignore[privileged-container] why\n---\n"}, set()),
    ],
)
def test_comments_reach_as_far_as_they_say(scan_json: Any, parts: dict[str, str], paths: set[str]) -> None:
    _, document = scan_json("-", stdin=pod(**parts))
    assert waived(document, "privileged-container") == dict.fromkeys(paths, "why")
    others = {f["locations"][0]["path"] for f in document["findings"] if f["rule"] == "privileged-container"}
    assert others == {FIRST, SECOND}


def test_a_comment_on_the_reported_line_waives_a_missing_field(scan_json: Any) -> None:
    text = b"""\
apiVersion: v1
kind: Pod
metadata: {name: bad, namespace: shop}
spec:
  containers:
    - image: registry.example.com/app:1 # seawall: ignore[memory-limit] bounded elsewhere
      name: app
"""
    _, document = scan_json("-", stdin=text)
    assert waived(document, "memory-limit") == {"spec.containers[0].resources.limits.memory": "bounded elsewhere"}


def test_waived_findings_do_not_count_and_name_their_source(scan_json: Any) -> None:
    top = "# seawall: ignore[*] a test pod\n"
    code, document = scan_json("-", stdin=pod(top=top))
    assert code == 0
    assert {f["status"] for f in document["findings"]} == {"waived"}
    assert document["summary"]["waived"] == len(document["findings"])
    assert document["findings"][0]["waiver"] == {
        "reason": "a test pod", "source": "comment at <stdin>:1", "owner": None, "expires": None,
    }  # fmt: skip


def test_a_comment_within_a_block_scalar_is_text(scan_json: Any) -> None:
    text = b"""\
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: shop}
data:
  # seawall: ignore[config-map-credential] public
  token: |  # seawall: ignore[*] header
    abcdef0123456789
    # seawall: ignore[*] text
  password: hunter2hunter2
"""
    _, document = scan_json("-", stdin=text)
    found = {f["locations"][0]["path"]: f["status"] for f in document["findings"]}
    assert found == {"data.token": "waived", "data.password": "open"}


def test_items_of_a_list_have_their_own(scan_json: Any) -> None:
    item = "- apiVersion: v1\n  kind: Pod\n  metadata: {name: %s, namespace: s}\n  spec: {hostPID: true}\n"
    text = "apiVersion: v1\nkind: List\nitems:\n" + item % "a"
    text += "# seawall: ignore[host-pid] for b\n" + item % "b"
    _, document = scan_json("-", "--rule", "host-pid", stdin=text.encode())
    assert {f["resource"]["name"]: f["status"] for f in document["findings"]} == {"a": "open", "b": "waived"}


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ("seawall.dev/ignore.privileged-container: a reason", "a reason"),
        ("seawall.dev/ignore.CKV_K8S_16: a reason", "a reason"),
        ("checkov.io/skip1: CKV_K8S_16=a reason", "a reason"),
        ("bridgecrew.io/skip2: CKV_K8S_16", "no reason given"),
        ("cortex.io/skip3: CKV_K8S_16=a reason", "a reason"),
        ("ignore-check.kube-linter.io/privileged-container: a reason", "a reason"),
        ("kube-linter.io/ignore-all: a reason", "a reason"),
        ("kube-score/ignore: other, container-security-context-privileged", "no reason given"),
    ],
)
@pytest.mark.parametrize("place", ["object", "template"])
def test_annotations(scan_json: Any, annotation: str, reason: str, place: str) -> None:
    notes = f"annotations: {{'{annotation.replace(': ', chr(39) + ': ' + chr(39), 1)}'}}"
    text = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: bad, namespace: shop{", " + notes if place == "object" else ""}}}
spec:
  template:
    metadata: {{labels: {{app: bad}}{", " + notes if place == "template" else ""}}}
    spec:
      containers: [{{name: app, image: "a:1", securityContext: {{privileged: true}}}}]
"""
    _, document = scan_json("-", "--rule", "privileged-container", stdin=text.encode())
    (finding,) = document["findings"]
    assert finding["status"] == "waived"
    assert finding["waiver"]["reason"] == reason
    assert finding["waiver"]["source"] == f"annotation {annotation.partition(':')[0]}"


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("# seawall: ignore[privileged-containr] x", "waives 'privileged-containr', which is no rule"),
        ("# seawall: ignore privileged-container", "names no rule; write it as"),
        ("# seawall: ignore[] x", "names no rule; write it as"),
    ],
)
def test_what_cannot_be_followed_is_told(run: Any, comment: str, said: str) -> None:
    done = run("scan", "-", stdin=pod(inline=comment))
    assert done.returncode == 1
    assert said in done.stderr
    assert "<stdin>:14" in done.stderr


def test_a_comment_at_the_end_is_told(run: Any) -> None:
    done = run("scan", "-", stdin=pod() + b"# seawall: ignore[host-pid] x\n")
    assert "is followed by nothing" in done.stderr


def test_waived_in_the_terminal(run: Any) -> None:
    done = run("scan", "-", "--rule", "host-pid", stdin=pod(pid="# seawall: ignore[host-pid] the exporter"))
    assert done.returncode == 0
    assert "(waived: the exporter)" in done.stdout
    assert "1 waived" in done.stdout


YAML_LINES = st.lists(
    st.sampled_from(
        ["a: 1", "b:", "  c: [1, {d: 2}]", "- x", "  - y: |", "    text", "'q': \"", '  " # z', "---", "..."]
    )
    | st.text("ab:#-[]{}|>&*'\" \n\t\x85\u2028é", max_size=12).map(lambda t: t + " # seawall: ignore[host-pid] r")
    | st.just("# seawall: ignore[host-pid] r"),
    max_size=12,
)


@given(YAML_LINES)
def test_comments_never_break_reading(lines: list[str]) -> None:
    """The same objects come out, whatever comments stand where."""
    text = "\n".join(["apiVersion: v1", "kind: ConfigMap", *lines])
    for item in load_stdin(text.encode("utf-8", "surrogatepass")):
        if isinstance(item, Resource):
            assert all(wish.names == ("host-pid",) or wish.problem for wish in item.suppressions)
