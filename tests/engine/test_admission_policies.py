"""ValidatingAdmissionPolicies: which objects they are about, what they tell, and that none passes silently."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine.admissionfiles import gather, rule_id
from seawall.engine.admissionrules import admission_rules
from seawall.model.resource import Resource
from seawall.sources.manifests import load_stdin
from tests.conftest import Run

pytest.importorskip("cel_expr_python", reason="the extra `cel` is not installed")

RULE = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {
        "replicas": 9,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}},
    },
}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"env": "live"}}}
FEW = "object.spec.replicas <= 5"


def policy(*validations: Any, rule: dict[str, Any] | None = None, name: str = "few", **spec: Any) -> dict[str, Any]:
    checks = [{"expression": each} if isinstance(each, str) else each for each in validations]
    constraints = {"resourceRules": [{**RULE, **(rule or {})}], **spec.pop("matchConstraints", {})}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {"matchConstraints": constraints, "validations": checks, **spec},
    }


def binding(*actions: str, policy: str = "few", name: str = "b", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": policy, "validationActions": list(actions or ["Deny"]), **spec},
    }


class Scan:
    """A scan by policies, and what came of it."""

    def __init__(self, run: Run, folder: Path, policies: list[Any], objects: list[Any], *args: str) -> None:
        (folder / "policies.yaml").write_text(yaml.safe_dump_all(policies))
        given = [] if "--policies-from-input" in args else ["--policy", "policies.yaml", "--rule", "vap-few"]
        text = yaml.safe_dump_all([*policies, *objects] if not given else objects)
        done = run("scan", "-", "--format", "json", *given, *args, stdin=text.encode(), cwd=folder)
        self.code, self.stderr = done.returncode, done.stderr
        document = json.loads(done.stdout) if done.stdout else {}
        self.findings = [each for each in document.get("findings", ()) if each["rule"].startswith("vap-")]
        self.messages = [each["message"] for each in self.findings]
        found = [each for each in document.get("statuses", ()) if each["rule"] == "vap-few"]
        self.state: str = found[0]["state"] if found else ""
        self.reason: str = found[0]["reason"] if found else ""


@pytest.fixture
def judged(run: Run, tmp_path: Path) -> Any:
    def scan(policies: list[Any], objects: list[Any] | None = None, *args: str) -> Scan:
        return Scan(run, tmp_path, policies, [DEPLOYMENT] if objects is None else objects, *args)

    return scan


def test_a_broken_policy_is_a_finding_with_its_place_and_evidence(judged: Any) -> None:
    check = {"expression": FEW, "messageExpression": "'%d are too many'.format([object.spec.replicas])"}
    scan = judged([policy(check), binding()])
    (finding,) = scan.findings
    assert (finding["message"], finding["severity"], scan.code) == ("9 are too many", "high", 1)
    assert finding["locations"][0]["path"] == "spec.replicas"
    notes = {each["resource"]["kind"]: each["note"] for each in finding["evidence"] if each["type"] == "resource"}
    assert notes["ValidatingAdmissionPolicy"] == f"spec.validations[0] (Invalid): {FEW}"
    assert notes["ValidatingAdmissionPolicyBinding"] == "binds it: Deny"


@pytest.mark.parametrize(
    ("actions", "severity"),
    [(["Deny", "Audit"], "high"), (["Warn"], "medium"), (["Audit"], "low")],
)
def test_severity_follows_the_bindings(judged: Any, actions: list[str], severity: str) -> None:
    scan = judged([policy(FEW), binding(*actions)])
    assert [each["severity"] for each in scan.findings] == [severity]


@pytest.mark.parametrize(
    ("rule", "more", "found"),
    [
        ({}, {}, True),
        ({"resources": ["*"], "apiVersions": ["*"], "operations": ["*"]}, {}, True),
        ({"apiGroups": ["*"]}, {}, True),
        ({"resources": ["deployments/*"]}, {}, True),
        ({"resources": ["deployments/scale"]}, {}, False),
        ({"operations": ["UPDATE", "DELETE"]}, {}, False),
        ({"apiGroups": [""]}, {}, False),
        ({"resourceNames": ["web"]}, {}, True),
        ({"resourceNames": ["other"]}, {}, False),
        ({"scope": "Namespaced"}, {}, True),
        ({"scope": "Cluster"}, {}, False),
        ({"apiVersions": ["v1beta1"]}, {}, True),
        ({"apiVersions": ["v1beta1"]}, {"matchPolicy": "Exact"}, False),
        ({}, {"excludeResourceRules": [RULE]}, False),
        ({}, {"excludeResourceRules": [{**RULE, "resourceNames": ["other"]}]}, True),
        ({}, {"objectSelector": {"matchLabels": {"app": "web"}}}, True),
        ({}, {"objectSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}}, False),
        ({}, {"objectSelector": {"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}}, True),
        ({}, {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}, True),
        ({}, {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}, False),
        ({}, {"namespaceSelector": {"matchLabels": {"env": "live"}}}, True),
        ({}, {"namespaceSelector": {"matchExpressions": [{"key": "env", "operator": "DoesNotExist"}]}}, False),
    ],
)  # fmt: skip
def test_match_constraints(judged: Any, rule: dict[str, Any], more: dict[str, Any], found: bool) -> None:
    scan = judged([policy(FEW, rule=rule, matchConstraints=more), binding()], [DEPLOYMENT, NAMESPACE])
    assert [each["resource"]["kind"] for each in scan.findings] == ["Deployment"] * found


def test_what_is_unknown_is_not_judged_and_never_passes_silently(judged: Any) -> None:
    by_label = {"namespaceSelector": {"matchLabels": {"env": "live"}}}
    for scan, why in (
        (judged([policy(FEW, matchConstraints=by_label), binding()]), "the label env of the namespace shop"),
        (judged([policy("request.userInfo.username == 'a'"), binding()]), "asks for `request.userInfo`"),
        (judged([policy("has(request.userInfo)"), binding()]), "asks for `request.userInfo`"),
        (judged([policy("authorizer.path('/x').check('get').allowed()"), binding()]), "asks for `authorizer`"),
        (judged([policy("namespaceObject.metadata.labels.env == 'live'"), binding()]), "asks for the namespace shop"),
        (judged([policy("!has(namespaceObject.metadata.labels.env)"), binding()]), "asks for the namespace shop"),
        (judged([policy(FEW)]), "no ValidatingAdmissionPolicyBinding names it"),
    ):
        assert (scan.state, scan.findings, scan.code) == ("not-judged", [], 2), why
        assert why in scan.reason


def test_what_is_known_of_a_request_is_judged(judged: Any) -> None:
    known = (
        "request.operation == 'CREATE' && request.kind.kind == 'Deployment' && request.resource.resource == "
        "'deployments' && request.name == 'web' && request.namespace == 'shop' && !request.dryRun && oldObject == null"
    )
    assert judged([policy(known), binding()]).state == "ok"
    sure = judged([policy("object.spec.replicas > 1 || request.userInfo.username == 'a'"), binding()])
    assert (sure.state, sure.code) == ("ok", 0)
    live = judged([policy("namespaceObject.metadata.labels.env == 'live'"), binding()], [DEPLOYMENT, NAMESPACE])
    assert live.state == "ok"


def test_conditions_variables_and_messages(judged: Any) -> None:
    conditions = [{"name": "c", "expression": "object.metadata.name == 'other'"}]
    assert judged([policy(FEW, matchConditions=conditions), binding()]).findings == []
    variables = [
        {"name": "some", "expression": "object.spec.replicas"},
        {"name": "twice", "expression": "variables.some * 2"},
        {"name": "unused", "expression": "1 / 0 == 1"},
    ]
    check = {"expression": "variables.twice < 5", "messageExpression": "string(variables.twice) + ' it is'"}
    scan = judged([policy(check, variables=variables), binding()])
    assert scan.messages == ["18 it is"]
    assert scan.findings[0]["locations"][0]["path"] == "spec.replicas"
    for bad in ("'' + object.nope", "'a\\nb'", "''"):
        said = judged([policy({"expression": FEW, "message": "plain", "messageExpression": bad}), binding()])
        assert said.messages == ["plain"]


def test_pods_that_are_made_have_the_names_that_policies_see(judged: Any) -> None:
    pods = {"apiGroups": [""], "resources": ["pods"]}
    names = "object.metadata.name.startsWith('web-') && object.metadata.name.matches('^[a-z0-9-]{1,63}$')"
    assert judged([policy(names, rule=pods), binding()]).messages == []
    bad = {"expression": "false", "messageExpression": "'' + object.metadata.name"}
    told = judged([policy(bad, rule=pods), binding()])
    assert told.messages == ["the pods that it makes would not be admitted: web-xxxxx"]
    stateful = copy.deepcopy(DEPLOYMENT) | {"kind": "StatefulSet"}
    assert judged([policy("object.metadata.name == 'web-0'", rule=pods), binding()], [stateful]).messages == []
    long = copy.deepcopy(DEPLOYMENT)
    long["metadata"]["name"] = "a" * 63
    assert judged([policy("size(object.metadata.name) == 63", rule=pods), binding()], [long]).messages == []


def test_every_mistake_of_a_policy_is_told_where_it_stands(run: Run, tmp_path: Path) -> None:
    wrong = policy("object.a ==", FEW, "quantity('1') > 2", {"expression": FEW, "messageExpression": "1"})
    wrong["spec"]["matchConditions"] = [{"name": "a", "expression": "nope"}]
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump_all([wrong, binding()]))
    done = run("policy", "check", "policies.yaml", cwd=tmp_path)
    assert done.returncode == 2
    *told, last = done.stdout.splitlines()
    assert last == "1 policy, 4 mistakes"
    for line, field in zip(
        told,
        ("matchConditions[0]", "validations[0].expression", "validations[2].expression", "validations[3].messageExpr"),
        strict=True,
    ):
        assert f": spec.{field}" in line


def test_types_of_kubernetes_and_deep_expressions_in_a_policy(judged: Any) -> None:
    variables = [
        {"name": "limit", "expression": "quantity('2500m')"},
        {"name": "replicas", "expression": "quantity(string(object.spec.replicas))"},
        {"name": "address", "expression": "cidr('10.0.0.0/8').ip()"},
    ]
    deep = "'replicas'" + " + '.'" * 60 + " + string(variables.address)"
    check = {"expression": "!variables.replicas.isGreaterThan(variables.limit)", "messageExpression": deep}
    scan = judged([policy(check, variables=variables), binding()])
    assert scan.messages == ["replicas" + "." * 60 + "10.0.0.0"]
    assert scan.findings[0]["locations"][0]["path"] == "spec.replicas"
    many = " || ".join(f"object.metadata.name == 'name-{number}'" for number in range(200))
    clauses = "".join(f"object.kind == 'K{number}' ? true : " for number in range(100))
    scan = judged([policy(many, f"{clauses}object.spec.replicas < 9.5", f"!({many})"), binding()])
    assert len(scan.messages) == 1
    assert scan.messages[0].startswith("failed expression: object.metadata.name == 'name-0' ||")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"validations": [{"expression": "object.spec.paused"}]}, "it must give bool, and gives dyn"),
        ({"validations": [{"expression": "1"}]}, "it must give bool, and gives int"),
        ({"matchConditions": [{"name": "a", "expression": "'a'"}]}, "it must give bool, and gives string"),
        ({"validations": [{"expression": FEW, "messageExpression": "1"}]}, "it must give string, and gives int"),
        ({"auditAnnotations": [{"key": "a", "valueExpression": "1"}]}, "it must give string or null, and gives int"),
    ],
)
def test_types_of_expressions_are_those_that_kubernetes_takes(judged: Any, fields: dict[str, Any], said: str) -> None:
    scan = judged([policy(FEW, **fields), binding()])
    assert said in scan.stderr
    assert scan.code == 2


def test_many_variables_are_evaluated_apart(judged: Any) -> None:
    variables = [{"name": "v0", "expression": "object.spec.replicas"}]
    variables += [{"name": f"v{n}", "expression": f"variables.v{n - 1} + 1"} for n in range(1, 45)]
    scan = judged([policy("variables.v44 < 10", variables=variables), binding()])
    assert scan.messages == ["failed expression: variables.v44 < 10"]


def test_failure_policy(judged: Any) -> None:
    failed = judged([policy("object.spec.nope == 1"), binding()])
    assert "cannot be evaluated, and its failurePolicy is Fail" in failed.messages[0]
    ignored = judged([policy("object.spec.nope == 1", failurePolicy="Ignore"), binding()])
    assert (ignored.findings, ignored.state, ignored.code) == ([], "ok", 0)
    assert "ignored, as its failurePolicy is Ignore" in ignored.reason


def test_audit_annotations_are_told(judged: Any) -> None:
    notes = [{"key": "many", "valueExpression": "'of ' + object.metadata.name"}]
    (finding,) = judged([policy(FEW, auditAnnotations=notes), binding()]).findings
    assert any("audit annotation many: of web" in each.get("note", "") for each in finding["evidence"])
    only = judged([policy(auditAnnotations=notes), binding()])
    assert (only.state, only.reason) == ("skipped", "it has no validations: it only writes audit annotations")


PARAMS: dict[str, Any] = {
    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "most", "namespace": "shop", "labels": {"a": "b"}},
    "data": {"most": "5"},
}  # fmt: skip


def with_params(ref: dict[str, Any]) -> list[Any]:
    chosen = policy(
        "object.spec.replicas <= int(params.data.most)", paramKind={"apiVersion": "v1", "kind": "ConfigMap"}
    )
    return [chosen, binding(paramRef={"parameterNotFoundAction": "Deny", **ref})]


@pytest.mark.parametrize(
    "ref",
    [
        {"name": "most", "namespace": "shop"},
        {"name": "most"},
        {"selector": {"matchLabels": {"a": "b"}}},
        {"selector": {}, "namespace": "shop"},
    ],
)
@pytest.mark.parametrize("beside", [True, False])
def test_parameters_are_found_beside_the_policy_and_among_the_inputs(judged: Any, ref: Any, beside: bool) -> None:
    scan = judged(
        [*with_params(ref), *([PARAMS] if beside else [])],
        [DEPLOYMENT, *([] if beside else [PARAMS])],
    )
    (finding,) = scan.findings
    assert any(each.get("note") == "its parameters" for each in finding["evidence"])


def test_missing_parameters_are_not_judged(judged: Any) -> None:
    scan = judged(with_params({"name": "other"}))
    assert (scan.state, scan.code) == ("not-judged", 2)
    assert "ConfigMap other is not here" in scan.reason


def test_custom_objects_are_parameters_too(judged: Any) -> None:
    custom = {"apiVersion": "x.io/v1", "kind": "Most", "metadata": {"name": "m"}, "most": 5}
    chosen = policy("object.spec.replicas <= params.most", paramKind={"apiVersion": "x.io/v1", "kind": "Most"})
    scan = judged([chosen, binding(paramRef={"name": "m", "parameterNotFoundAction": "Allow"}), custom])
    assert len(scan.findings) == 1


def test_pods_that_a_template_makes_are_judged_and_placed_in_it(judged: Any) -> None:
    pods = {"apiGroups": [""], "resources": ["pods"]}
    scan = judged([policy("object.spec.?hostNetwork.orValue(false)", rule=pods), binding()])
    (finding,) = scan.findings
    assert finding["message"].startswith("the pods that it makes would not be admitted")
    assert finding["resource"]["kind"] == "Deployment"
    assert finding["locations"][0]["path"].startswith("spec.template.spec")


def test_policies_among_the_inputs(judged: Any) -> None:
    scan = judged([policy(FEW), binding()], None, "--policies-from-input")
    assert len(scan.findings) == 1
    unbound = judged([policy(FEW)], None, "--policies-from-input")
    assert unbound.state == "skipped"
    dangling = judged([policy(FEW), binding(policy="other")], None, "--policies-from-input")
    assert "there is no policy 'other'" in dangling.stderr
    assert dangling.code == 2


def test_mutating_policies_are_told_as_not_judged(judged: Any) -> None:
    mutating = {**policy(FEW), "kind": "MutatingAdmissionPolicy"}
    scan = judged([mutating])
    assert (scan.state, scan.code) == ("not-judged", 2)
    assert "a MutatingAdmissionPolicy changes objects" in scan.reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"validations": [{"expression": "object."}]}, "spec.validations[0].expression: line 1, column 8"),
        ({"validations": [{"expresion": "true"}]}, "did you mean `expression`?"),
        ({"validations": []}, "spec.validations: must have an item"),
        ({"validations": [{"expression": "params.a == 1"}]}, "the policy has no paramKind"),
        ({"validations": [{"expression": "variables.nope"}]}, "there is no variable 'nope'"),
        ({"validations": [{"expression": "request.object.a"}]}, "a request has no field 'object'"),
        ({"failurePolicy": "Fial"}, "did you mean `Fail`?"),
        ({"matchConstraints": {}}, "spec.matchConstraints.resourceRules: must have an item"),
        ({"matchConstraints": 3}, "spec.matchConstraints: must be a mapping"),
        ({"variables": [{"name": "a-b", "expression": "1"}]}, "is not of the form"),
    ],
)
def test_mistakes_have_their_place(judged: Any, change: dict[str, Any], said: str) -> None:
    bad = policy(FEW)
    bad["spec"].update(change)
    scan = judged([bad, binding()])
    assert (scan.code, scan.stderr.startswith("seawall: policies.yaml:")) == (2, True), scan.stderr
    assert said in scan.stderr


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (binding(policy="other"), "there is no policy 'other'"),
        (binding("Deny", "Warn"), "must not be given together"),
        (binding(paramRef={"parameterNotFoundAction": "Deny"}), "either a name or a selector"),
        (binding(validationActions=[]), "spec.validationActions: must have an item"),
    ],
)
def test_mistakes_of_bindings(judged: Any, bad: Any, said: str) -> None:
    scan = judged([policy(FEW), bad])
    assert scan.code == 2
    assert said in scan.stderr


def test_a_runaway_is_stopped_and_harms_no_other(judged: Any) -> None:
    hang = policy(f"'{'a' * 60}!'.find('^(a+)+$') == ''", name="hang")
    scan = judged([policy(FEW), binding(), hang, binding(policy="hang", name="c")], None, "--rule", "vap-hang")
    assert len(scan.findings) == 1
    assert "took longer than 1 s on Deployment shop/web" in scan.stderr


def test_what_doubles_with_each_variable_is_stopped(judged: Any) -> None:
    variables = [{"name": "v0", "expression": "'aaaaaaaa'"}]
    variables += [{"name": f"v{n}", "expression": f"variables.v{n - 1} + variables.v{n - 1}"} for n in range(1, 40)]
    scan = judged([policy("variables.v39.size() > 0", variables=variables), binding()])
    assert (scan.code, scan.state) == (2, "error"), scan.stderr


def test_what_could_cost_too_much_is_refused(judged: Any) -> None:
    scan = judged([policy("object.a.all(a, a.all(b, b.all(c, c.all(d, d > 0))))"), binding()])
    assert "could cost" in scan.stderr


def test_rule_ids_are_valid_and_apart() -> None:
    assert rule_id("few") == "vap-few"
    names = ["a.b", "a-b", "x" * 200, "x" * 201]
    assert len({rule_id(each) for each in names}) == 4
    assert all(len(rule_id(each)) <= 50 for each in names)


def test_annotations_say_severity_and_controls(judged: Any) -> None:
    about = policy(FEW)
    about["metadata"]["annotations"] = {"seawall.dev/severity": "critical", "seawall.dev/controls": "soc2:CC6.1"}
    assert judged([about, binding("Warn")]).findings[0]["severity"] == "critical"
    about["metadata"]["annotations"]["seawall.dev/severity"] = "hihg"
    assert "seawall.dev/severity: must be one of" in judged([about, binding("Warn")]).stderr


def test_a_folder_without_a_policy_is_no_policy_that_passes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n")
    for args in (("scan", "pod.yaml", "--policy", "."), ("policy", "check", "."), ("policy", "test", ".")):
        done = run(*args, cwd=tmp_path)
        assert done.returncode == 2, args
        assert ".: there is no ValidatingAdmissionPolicy in it" in done.stdout + done.stderr


def test_policies_of_files_are_listed_checked_and_tested(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "few.yaml").write_text(yaml.safe_dump(policy({"expression": FEW, "message": "too many"})))
    good = copy.deepcopy(DEPLOYMENT)
    good["spec"]["replicas"] = 1
    examples = tmp_path / "p" / "few.examples.yaml"
    examples.write_text(f"# bad\n{yaml.safe_dump(DEPLOYMENT)}# good\n{yaml.safe_dump(good)}")
    (tmp_path / "seawall.yaml").write_text("admissionPolicies: [p]\n")
    done = run("policy", "test", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "vap-few: bad 1: ok\nvap-few: good 2: ok\n2 examples, 0 failed\n")
    examples.write_text(f"# good\n{yaml.safe_dump(DEPLOYMENT)}")
    done = run("policy", "test", "p", "--config", "seawall.yaml", cwd=tmp_path)
    assert done.returncode == 1  # the same policy given twice is one policy
    done = run("policy", "test", cwd=tmp_path)
    assert "vap-few: good 1: FAILED: breaks the policy: too many" in done.stdout
    assert run("policy", "list", cwd=tmp_path).stdout.split()[:2] == ["low", "vap-few"]
    assert run("policy", "check", cwd=tmp_path).stdout == "1 policy, 0 mistakes\n"
    (tmp_path / "p" / "few.yaml").write_text(yaml.safe_dump(policy({"expression": "object."})))
    done = run("policy", "check", cwd=tmp_path)
    assert (done.returncode, "p/few.yaml:" in done.stdout) == (2, True)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=5,
)


def _fields(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, part in items for each in _fields(part, (*path, key)))]


_FULL = policy(
    {"expression": FEW, "message": "m", "messageExpression": "'m'", "reason": "Invalid"},
    matchConditions=[{"name": "c", "expression": "true"}],
    variables=[{"name": "v", "expression": "1"}],
    auditAnnotations=[{"key": "k", "valueExpression": "'a'"}],
    paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
    failurePolicy="Fail",
)["spec"]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(_fields(_FULL)[1:]), _ANY)
def test_wrong_types_anywhere_give_a_place_or_a_rule(path: tuple[Any, ...], value: Any) -> None:
    whole = policy(FEW)
    whole["spec"] = copy.deepcopy(_FULL)
    at = whole["spec"]
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    resources = [each for each in load_stdin(json.dumps(whole).encode()) if isinstance(each, Resource)]
    found = gather(resources)
    rules = admission_rules(found)
    assert bool(rules) != bool(found.faults)
    assert all(each.where and "\n" not in str(each) for each in found.faults)


def test_the_page_of_a_policy(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump_all([policy(FEW), binding()]))
    (tmp_path / "seawall.yaml").write_text(
        "policies:\n  - {id: owned, expression: object.kind == 'Pod', why: nobody answers, message: not owned}\n"
    )
    own = run("rules", "show", "owned", cwd=tmp_path)
    assert own.returncode == 0, own.stderr
    assert "# owned: not owned" in own.stdout
    assert "nobody answers" in own.stdout
    for options in (["--policy", "policies.yaml"], ["--config", "other.yaml"]):
        (tmp_path / "other.yaml").write_text("admissionPolicies: [policies.yaml]\n")
        page = run("rules", "show", "vap-few", *options, cwd=tmp_path)
        assert page.returncode == 0, page.stderr
        assert page.stdout.startswith("# vap-few: ")
        assert FEW in page.stdout
    unknown = run("rules", "show", "vap-few", cwd=tmp_path)
    assert (unknown.returncode, "no rule is called 'vap-few'" in unknown.stderr) == (2, True)
    scan = run("scan", "-", "--policy", "policies.yaml", stdin=yaml.safe_dump(DEPLOYMENT).encode(), cwd=tmp_path)
    assert "`seawall rules show vap-few`, with the --config and --policy of this run, tells why" in scan.stdout
