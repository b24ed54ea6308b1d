"""Fixing: every rule that has a fix, and what is never done."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine import ReadOptions, ScanOptions
from seawall.engine.catalogue import load_rules
from seawall.engine.fix import FixOptions, FixResult, fix, load_remedies
from seawall.engine.selection import Selection, UnknownRule
from seawall.engine.worked import examples_of
from seawall.model.finding import FindingStatus
from seawall.model.remedy import applied, in_order
from seawall.model.version import KubernetesVersion
from seawall.sources.manifests.yamltext import parse_documents

REMEDIES = sorted(load_remedies())

#: Rules whose worked examples have no local fix, with an object that has one.
MORE = {
    "deprecated-api-version": "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: a}\n"
    "spec: {schedule: '1 1 * * *'}\n",
    "removed-api-version": "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\n"
    "spec: {maxUnavailable: 1, selector: {matchLabels: {app: a}}}\n",
}


def fixing(text: str, *rules: str, unsafe: bool = True, version: KubernetesVersion | None = None) -> FixResult:
    """Fix text that came by standard input."""
    read = ReadOptions(("-",), instead={"<stdin>": text.encode()})
    scan = ScanOptions(read, version, Selection(profile="all"), today=date(2026, 1, 1))
    return fix(FixOptions(scan, rules, unsafe))


def fixed_text(result: FixResult) -> str:
    after = result.files[0].after if result.files else result.before.texts["<stdin>"]
    return after.decode()


def test_enough_rules_have_a_fix() -> None:
    assert [name for name in REMEDIES if load_rules().get(name) is None] == []
    assert len(REMEDIES) >= 60


def test_many_fixes_are_safe() -> None:
    safe = {
        each.rule
        for rule in REMEDIES
        for example in [*_bad(rule)]
        for each in fixing(example[0], rule, unsafe=False, version=example[1]).after.findings
        if each.status is FindingStatus.FIXED
    }
    assert len(safe) >= 55


def _bad(rule: str) -> list[tuple[str, KubernetesVersion | None]]:
    examples = [(each.text, each.version) for each in examples_of(rule) if each.verdict == "bad"]
    more = (MORE[rule], KubernetesVersion(1, 24) if rule.startswith("deprecated") else None) if rule in MORE else None
    return [*examples, more] if more else examples


@pytest.mark.parametrize("rule", REMEDIES)
def test_every_fix_mends_a_bad_example(rule: str) -> None:
    mended = 0
    for text, version in _bad(rule):
        result = fixing(text, rule, version=version)
        fixes = [planned for file in result.files for planned in file.fixes]
        left = {each.fingerprint for each in result.after.open_findings() if each.rule == rule}
        assert not left & {planned.finding.fingerprint for planned in fixes}
        mended += bool(fixes)
        again = fixing(fixed_text(result), rule, version=version)
        assert again.files == []
    assert mended, f"no example of {rule} is mended"


@pytest.mark.parametrize("rule", REMEDIES)
def test_good_examples_are_left_alone(rule: str) -> None:
    for example in examples_of(rule):
        if example.verdict == "good":
            assert fixing(example.text, rule, version=example.version).files == []


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop}
spec:
  hostPID: true   # for the agent
  containers:
  - name: a
    image: registry.example.com/a:1
"""


def test_fixes_that_can_break_wait_for_somebody() -> None:
    result = fixing(POD, "host-pid", unsafe=False)
    assert (result.files, [each.finding.rule for each in result.cautious]) == ([], ["host-pid"])
    assert fixing(POD, "host-pid").files[0].after.decode() == POD.replace("hostPID: true", "hostPID: false")


def test_a_fix_tells_its_patch() -> None:
    (finding,) = [f for f in fixing(POD, "host-pid").after.findings if f.status is FindingStatus.FIXED]
    assert finding.fix is not None
    assert [(each.op, each.path, each.value) for each in finding.fix.changes] == [("set", "spec.hostPID", False)]
    assert finding.fix.caution


def test_a_fix_that_brings_something_new_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from seawall.analysis.posture import remedies
    from seawall.model.remedy import Edit, Proposal

    def worse(site: Any) -> Proposal:
        return Proposal((Edit("set", ("spec", "hostPID"), False), Edit("set", ("spec", "hostNetwork"), True)))

    monkeypatch.setitem(remedies.REMEDIES, "host-pid", worse)
    result = fixing(POD, "host-pid", "allow-privilege-escalation")
    assert [(each.finding.rule, each.reason) for each in result.dropped] == [
        ("host-pid", "it would bring a new finding of host-network (high)")
    ]
    assert "allowPrivilegeEscalation: false" in fixed_text(result)
    assert "hostPID: true" in fixed_text(result)


def test_a_fix_that_mends_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from seawall.analysis.posture import remedies
    from seawall.analysis.posture.remedies.making import put

    monkeypatch.setitem(remedies.REMEDIES, "host-pid", put("yes"))
    result = fixing(POD, "host-pid")
    assert result.files == []
    assert len(result.dropped) == 1


def test_a_finding_new_elsewhere_is_traced_to_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    from seawall.analysis.posture import remedies
    from seawall.model.remedy import Edit, Proposal

    service = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: shop}\n"
    service += "spec: {selector: {app: a}, ports: [{port: 80}]}\n"
    pod = POD.replace("namespace: shop}", "namespace: shop, labels: {app: a}}")

    def renames(site: Any) -> Proposal:
        return Proposal((Edit("set", ("spec", "hostPID"), False), Edit("set", ("metadata", "labels", "app"), "b")))

    monkeypatch.setitem(remedies.REMEDIES, "automount-token", renames)
    result = fixing(f"{pod}---\n{service}", "automount-token", "allow-privilege-escalation")
    assert "app: b" not in fixed_text(result)
    assert "allowPrivilegeEscalation: false" in fixed_text(result)


def test_what_an_anchor_would_carry_elsewhere_is_refused() -> None:
    text = POD.replace("  - name: a\n", "  - &one\n    name: a\n") + "  initContainers: [*one]\n"
    result = fixing(text, "allow-privilege-escalation")
    assert result.files == []
    assert {each.reason for each in result.dropped} == {
        "spec.containers[0].securityContext.allowPrivilegeEscalation: "
        "an anchor or merge key would carry the edit elsewhere",
        "spec.initContainers[0] is an alias: the anchor's text stands for several places",
    }


def test_what_another_fix_took_away_is_fixed_too() -> None:
    context = "securityContext: {capabilities: {add: [SYS_ADMIN, NET_ADMIN]}}"
    text = f"{_pod('x')}    {context}\n".replace("spec:", "spec:\n  hostNetwork: true")
    result = fixing(text)
    assert [each for each in result.dropped if "capab" in each.finding.rule] == []
    fixed = {each.rule for each in result.after.findings if each.status is FindingStatus.FIXED}
    assert {"host-network", "added-capabilities", "sys-admin-capability", "net-admin-capability"} <= fixed


def _pod(name: str) -> str:
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: a}}\nspec:\n  containers:\n"
        f"  - name: {name}\n    image: registry.example.com/{name}:1\n"
    )


@pytest.mark.parametrize(
    ("spec", "container", "is_fixed"),
    [
        ("", "{runAsUser: 0}", False),
        ("{runAsUser: 0}", "{}", False),
        ("{runAsUser: 0}", "{runAsUser: 1000}", True),
        ("{runAsUser: 1000}", "{runAsUser: 0}", False),
        ("{runAsNonRoot: false}", "{runAsUser: 0}", False),
        ("{runAsNonRoot: false, runAsUser: 0}", "{runAsUser: 1000}", True),
        ("", "{}", True),
    ],
)
def test_user_0_is_not_told_not_to_be_root(spec: str, container: str, is_fixed: bool) -> None:
    text = f"{_pod('x')}    securityContext: {container}\n"
    if spec:
        text = text.replace("spec:", f"spec:\n  securityContext: {spec}")
    result = fixing(text, "run-as-non-root", "non-root-unchecked")
    assert ("runAsNonRoot: true" in fixed_text(result)) == is_fixed


def test_waived_findings_are_not_fixed() -> None:
    text = POD.replace("# for the agent", "# seawall: ignore[host-pid] for the agent")
    assert fixing(text, "host-pid").files == []


@pytest.mark.parametrize("version", ["extensions/v1beta1", "apps/v1beta1"])
def test_versions_with_other_fields_are_left_alone(version: str) -> None:
    text = f"apiVersion: {version}\nkind: Deployment\nmetadata: {{name: a}}\nspec: {{template: {{}}}}\n"
    assert fixing(text, "removed-api-version").files == []


def test_rules_without_a_fix_are_told() -> None:
    with pytest.raises(UnknownRule, match="no rule is called 'nothing'"):
        fixing(POD, "nothing")
    with pytest.raises(UnknownRule, match="has no fix"):
        fixing(POD, "liveness-probe")


class Writer:
    """Writes values as YAML in a layout drawn at every turn, with numbered comments wherever one may stand."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.newline = draw(st.sampled_from(["\n", "\r\n"]))
        self.step = draw(st.sampled_from([1, 2, 4]))
        self.dash = draw(st.sampled_from([0, 1, 2, 3]))
        self.comments = 0
        self.anchors = 0

    def odds(self, one_in: int) -> bool:
        return self.draw(st.integers(1, one_in)) == 1

    def comment(self, one_in: int = 4) -> str:
        if not self.odds(one_in):
            return ""
        self.comments += 1
        return self.draw(st.sampled_from(["  # c{}", "\t# c{}", " # c{}: {{[ - 'x' \"", " # c{}\ttab"])).format(
            self.comments
        )

    def above(self, column: int) -> list[str]:
        return [" " * column + self.comment(1).lstrip()] if self.odds(6) else [""] if self.odds(8) else []

    def scalar(self, value: Any) -> str:
        if isinstance(value, str):
            plain = not value.startswith("*") and ": " not in value and parse_documents(value)[0].value == value
            text = self.draw(st.sampled_from([f"'{value}'", f'"{value}"', *([value] * 3 if plain else [])]))
        elif isinstance(value, bool):
            text = self.draw(st.sampled_from(["true", "True", "yes"] if value else ["false", "no"]))
        else:
            text = str(value)
        if self.odds(12):
            self.anchors += 1
            return f"&a{self.anchors} {text}"
        return text

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            pad, tail = self.draw(st.sampled_from([("", ""), (" ", " "), ("", ",")]))
            inner = ", ".join(f"{key}: {self.flow(each)}" for key, each in value.items())
            return f"{{{pad}{inner}{tail if inner else ''}}}"
        if isinstance(value, list):
            return f"[{', '.join(map(self.flow, value))}]"
        return self.scalar(value)

    def block(self, value: Any, column: int) -> list[str]:
        """Lines of a value; the first is to follow its key or dash where it is a scalar or flow."""
        lines: list[str] = []
        if isinstance(value, dict):
            for key, each in value.items():
                lines += self.above(column)
                lines += self.entry(f"{' ' * column}{key}:", each, column, column + self.step, column + self.dash)
        else:
            for each in value:
                lines += self.above(column)
                lines += self.item(each, column)
        return lines

    def entry(self, head: str, value: Any, column: int, mapping: int, dash: int) -> list[str]:
        if not isinstance(value, dict | list) or not value or self.odds(6):
            return [f"{head} {self.flow(value)}{self.comment()}"]
        return [head + self.comment(), *self.block(value, mapping if isinstance(value, dict) else dash)]

    def item(self, value: Any, column: int) -> list[str]:
        if not isinstance(value, dict) or not value or self.odds(6):
            return [f"{' ' * column}- {self.flow(value)}{self.comment()}"]
        gap = self.draw(st.sampled_from([1, 1, 3]))
        lines = self.block(value, column + 1 + gap)
        first = next(i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#"))
        lines[first] = f"{' ' * column}-{' ' * gap}{lines[first].lstrip()}"
        return lines

    def document(self, value: Any) -> str:
        if self.odds(8):
            return self.flow(value) + self.newline
        return self.newline.join([*self.above(0), *self.block(value, 0), *self.above(0)]) + self.newline


@st.composite
def containers(draw: st.DrawFn) -> dict[str, Any]:
    caps = st.lists(st.sampled_from(["NET_ADMIN", "SYS_ADMIN", "NET_RAW", "CHOWN"]), unique=True, max_size=3)
    capabilities = st.fixed_dictionaries({}, optional={"add": caps, "drop": caps})
    context = st.fixed_dictionaries(
        {},
        optional={
            "privileged": st.booleans(),
            "allowPrivilegeEscalation": st.booleans(),
            "capabilities": capabilities,
            "procMount": st.just("Unmasked"),
        },
    )
    values = st.sampled_from(["x", "it", "yes", "8080", "a#b", "a: b", "* *"])
    return draw(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(["web", "side"]),
                "image": st.sampled_from(["k8s.gcr.io/pause:3", "example.com/a:1"]),
            },
            optional={
                "securityContext": context,
                "args": st.lists(values, max_size=3),
                "env": st.lists(st.fixed_dictionaries({"name": st.just("DEBUG"), "value": values}), max_size=2),
                "ports": st.just([{"containerPort": 80, "hostPort": 80}]),
            },
        )
    )


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """One or two objects in layouts of their own."""
    texts = []
    writer = Writer(draw)
    for number in range(draw(st.integers(1, 2))):
        pod: dict[str, Any] = {"containers": draw(st.lists(containers(), min_size=1, max_size=2))}
        more: dict[str, st.SearchStrategy[Any]] = {"hostPID": st.just(True), "serviceAccount": st.just("web")}
        pod |= draw(st.fixed_dictionaries({}, optional=more))
        meta = {"name": f"a{number}", "namespace": "shop"}
        if draw(st.booleans()):
            value = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod}
        else:
            spec = {
                "selector": {"matchLabels": {"app": "a"}},
                "template": {"metadata": {"labels": {"app": "a"}}, "spec": pod},
            }
            value = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
        texts.append(writer.document(value))
    return f"---{writer.comment()}{writer.newline}".join(texts)


@settings(max_examples=60)
@given(manifests(), st.booleans())
def test_whatever_the_layout_nothing_is_lost_and_twice_is_once(text: str, unsafe: bool) -> None:
    result = fixing(text, unsafe=unsafe)
    after = fixed_text(result)
    assert re.findall(r"# c\d+[^\r\n]*", after) == re.findall(r"# c\d+[^\r\n]*", text)
    assert ("\r\n" in after) == ("\r\n" in text)
    assert after.count("\r\n") in (0, after.count("\n"))
    fixes = [planned for file in result.files for planned in file.fixes]
    # By another reader than the one that the editor checks itself with.
    old, new = (list(yaml.load_all(each, yaml.CSafeLoader)) for each in (text, after))
    wanted = old
    for turn in range(max([planned.turn for planned in fixes], default=0) + 1):
        edits: dict[int, list[Any]] = {}
        for planned in fixes:
            if planned.turn == turn:
                edits.setdefault(planned.number, []).extend(planned.edits)
        wanted = [applied(value, in_order(edits.get(number, []))) for number, value in enumerate(wanted)]
    assert new == wanted
    assert fixing(after, unsafe=unsafe).files == []


@settings(max_examples=60)
@given(manifests())
def test_lines_without_a_fix_stay_as_they_were(text: str) -> None:
    """Every line of before is still there, in its order, save those that a fix changed within."""
    result = fixing(text, "seccomp-profile", "automount-token")
    before, after = text.splitlines(keepends=True), fixed_text(result).splitlines(keepends=True)
    position = 0
    changed = 0
    for line in before:
        if line in after[position:]:
            position = after.index(line, position) + 1
        else:
            changed += 1
    # Only flow mappings are added to within their line.
    assert changed <= sum("{" in line for line in before)
