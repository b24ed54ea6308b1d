"""``seawall network``: the four commands, their exit codes and their documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import REPOSITORY, Run

SCHEMAS = REPOSITORY / "src" / "seawall" / "reports" / "schemas"

POD = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      {host}
      containers:
      - {{name: c, image: i, ports: [{{name: http, containerPort: 8080}}]}}
---
"""
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec: {spec}
---
"""


def pod(name: str, namespace: str, host: bool = False) -> str:
    return POD.format(name=name, namespace=namespace, host="hostNetwork: true" if host else "")


def policy(name: str, namespace: str, spec: str) -> str:
    return POLICY.format(name=name, namespace=namespace, spec=spec)


WEB_ONLY = "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: http}]}]}"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    text = pod("web", "shop") + pod("cart", "shop") + pod("spy", "other") + policy("web-only", "shop", WEB_ONLY)
    (folder / "all.yaml").write_text(text)
    return folder


def validated(text: str, name: str) -> Any:
    document = json.loads(text)
    schema = json.loads((SCHEMAS / f"{name}.v1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)
    return document


def test_reach_tells_lines(run: Run, shop: Path) -> None:
    done = run("network", "reach", "--format", "lines", "--to", "ns=shop", str(shop))
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["shop/web[Deployment] => shop/cart[Deployment] : TCP 8080"]
    assert "policies: unknown" in done.stderr


def test_reach_by_port_and_address(run: Run, shop: Path) -> None:
    done = run(
        "network", "reach", "--format", "lines", "--from", "spy", "--to", "10.0.0.0/8", "--port", "443", str(shop)
    )
    assert done.stdout.splitlines() == ["other/spy[Deployment] => 10.0.0.0-10.255.255.255[External] : TCP 443"]


def test_reach_json_follows_its_schema(run: Run, shop: Path) -> None:
    (shop / "host.yaml").write_text(pod("agent", "shop", host=True))
    done = run("network", "reach", "--format", "json", str(shop))
    document = validated(done.stdout, "reach")
    ends = {end["label"]: end for end in document["ends"]}
    assert ends["shop/cart[Deployment]"]["ingressPolicies"] == [0]
    assert ends["shop/cart[Deployment]"]["fromOutside"] == "none"
    assert ends["shop/agent[Deployment]"]["hostNetwork"] is True
    to_cart = {c["from"]: c for c in document["connections"] if c["to"] == "shop/cart[Deployment]"}
    assert to_cart["shop/agent[Deployment]"]["certainty"] == "depends-on-cni"
    assert "certainty" not in to_cart["shop/web[Deployment]"]
    assert any("depends on the CNI" in note["message"] for note in document["notes"])


def test_dot_and_terminal(run: Run, shop: Path) -> None:
    dot = run("network", "reach", "--format", "dot", str(shop)).stdout
    assert dot.startswith("digraph {")
    assert '"shop/web[Deployment]" -> "shop/cart[Deployment]" [label="TCP 8080"]' in dot
    shown = run("network", "reach", str(shop)).stdout
    assert "Policies: unknown" in shown
    assert "shop/cart[Deployment]" in shown


def test_explain_names_rules_and_absences(run: Run, shop: Path) -> None:
    done = run("network", "explain", "shop/web", "shop/cart", "8080", str(shop))
    assert done.returncode == 0
    assert "allowed by NetworkPolicy shop/web-only, spec.ingress[0]" in done.stdout
    assert "open by default: no policy selects the pod in this direction" in done.stdout
    denied = run("network", "explain", "other/spy", "shop/cart", "8080", str(shop)).stdout
    assert "denied" in denied
    assert "* NetworkPolicy shop/web-only: isolates the pod" in denied
    document = validated(
        run("network", "explain", "1.2.3.4", "cart", "80", str(shop), "--format", "json").stdout, "netexplain"
    )
    assert document["explanations"][0]["allowed"] is False


@pytest.mark.parametrize("end", ["nobody", "ns=shop"])
def test_explain_wants_one_workload(run: Run, shop: Path, end: str) -> None:
    done = run("network", "explain", end, "shop/cart", "8080", str(shop))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_diff_tells_what_opens_and_closes(run: Run, shop: Path, tmp_path: Path) -> None:
    after = tmp_path / "after.yaml"
    spec = "{podSelector: {matchLabels: {app: cart}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}"
    after.write_text(pod("web", "shop") + pod("cart", "shop") + pod("spy", "other") + policy("web-only", "shop", spec))
    done = run("network", "diff", str(shop), str(after))
    assert done.returncode == 0
    rows = done.stdout.splitlines()
    assert "- shop/web[Deployment] => shop/cart[Deployment] : TCP 8080" in rows
    assert "+ 10.0.0.0-10.255.255.255[External] => shop/cart[Deployment] : All Connections" in rows
    assert "+ other/spy[Deployment] => shop/web[Deployment] : All Connections" in rows
    assert run("network", "diff", str(shop), str(after), "--fail-on-opened").returncode == 1
    assert run("network", "diff", str(shop), str(shop), "--fail-on-opened").stdout == ""
    document = validated(run("network", "diff", str(shop), str(after), "--format", "json").stdout, "netdiff")
    assert {change["change"] for change in document["changes"]} == {"added", "removed"}


def test_diff_tells_new_ends(run: Run, shop: Path, tmp_path: Path) -> None:
    after = tmp_path / "after.yaml"
    after.write_text((shop / "all.yaml").read_text() + pod("new", "other"))
    rows = run("network", "diff", str(shop), str(after)).stdout.splitlines()
    assert rows
    assert all(row.startswith("+ ") and row.endswith("(new end)") for row in rows)


ASSERTIONS = """
assertions:
- name: others keep out
  deny: {from: ns=other, to: ns=shop}
- allow: {from: shop/web, to: shop/cart, ports: [8080]}
"""


def test_check_holds(run: Run, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "assert.yaml"
    file.write_text(ASSERTIONS)
    done = run("network", "check", str(file), str(shop), "--format", "json")
    assert done.returncode == 0, done.stderr
    document = validated(done.stdout, "netcheck")
    assert [each["state"] for each in document["assertions"]] == ["held", "held"]


def test_check_is_violated(run: Run, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "assert.yaml"
    file.write_text(ASSERTIONS + "- deny: {from: app=web, to: any, ports: [udp/53]}\n- allow: {from: spy, to: cart}\n")
    done = run("network", "check", str(file), str(shop))
    assert done.returncode == 1
    assert "shop/web[Deployment] => other/spy[Deployment] : UDP 53" in done.stdout
    assert "other/spy[Deployment] => shop/cart[Deployment]" in done.stdout
    assert f"{file}:7" in done.stdout


def test_an_assertion_about_nothing_is_no_success(run: Run, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "assert.yaml"
    file.write_text("- deny: {from: ns=prod, to: any}\n")
    done = run("network", "check", str(file), str(shop))
    assert done.returncode == 2
    assert "nothing was judged" in done.stdout


@pytest.mark.parametrize(
    "text",
    ["", "[]", "assertions: 3", "- deny: {from: a}", "- deny: {from: a, to: b, form: c}", "- {deny: x}", "a: [",
     "- deny: {from: a, to: b, ports: [0]}", "- deny: {from: 300.1.1.1/8, to: b}", "- deny: {from: '', to: b}",
     "- forbid: {from: a, to: b}", "- deny: {from: 1, to: b}"],
)  # fmt: skip
def test_bad_assertions_are_refused(run: Run, shop: Path, tmp_path: Path, text: str) -> None:
    file = tmp_path / "assert.yaml"
    file.write_text(text)
    done = run("network", "check", str(file), str(shop))
    assert done.returncode == 2
    assert done.stderr.startswith(f"seawall: {file}")
    assert len(done.stderr.splitlines()) == 1


BAD_SPECS = (
    ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]}", "is not a CIDR"),
    ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 010.0.0.0/8}}]}]}", "is not a CIDR"),
    ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/8]}}]}]}", "is no part of"),
    ("{podSelector: {}, ingress: [{ports: [{port: 70000}]}]}", "is not a port"),
    ("{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 79}]}]}", "before it begins"),
    ("{podSelector: {}, ingress: [{ports: [{port: http, endPort: 80}]}]}", "endPort needs a port number"),
    ("{podSelector: {}, ingress: [{ports: [{port: 80, protocol: tcp}]}]}", "is not TCP, UDP or SCTP"),
    ("{podSelector: {}, ingress: [{from: [{}]}]}", "names no peer"),
    ("{podSelector: {}, ingress: [{from: [{serviceSelector: {}}]}]}", "unknown field"),
    ("{podSelector: {}, ingress: [{form: []}]}", "unknown field"),
    ("{podSelector: {}, ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]}", "cannot stand beside"),
    (
        "{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: a, operator: Is}]}}]}]}",
        "is not one of",
    ),
    (
        "{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: a, operator: In}]}}]}]}",
        "needs values",
    ),
    ("{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {a b: c}}}]}]}", "is no label key"),
)


@pytest.mark.parametrize(("spec", "message"), BAD_SPECS)
def test_what_cannot_be_read_is_an_error_and_opens_nothing(run: Run, tmp_path: Path, spec: str, message: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(pod("web", "shop") + pod("cart", "shop") + policy("bad", "shop", spec))
    done = run("network", "reach", "--format", "lines", "--to", "ns=shop", str(file))
    assert done.returncode == 2
    assert done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if message in line]
    assert errors, done.stderr
    assert errors[0].startswith(f"seawall: {file}:31:")
    scanned = run("scan", "--rule", "network-policy-invalid", "--format", "json", str(file))
    assert json.loads(scanned.stdout)["findings"], scanned.stderr


def test_policies_of_plugins_make_the_answer_incomplete(run: Run, shop: Path) -> None:
    (shop / "cilium.yaml").write_text("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\n")
    done = run("network", "reach", "--format", "lines", str(shop))
    assert done.returncode == 2
    assert "are not read" in done.stderr


@pytest.mark.parametrize(
    "args",
    [("reach",), ("reach", "--port", "x", "."), ("reach", "--from", "a/b/c", "."), ("explain", "a", "b"), ("nothing",),
     ("reach", "--from", "300.0.0.1", "."), ("explain", "a", "b", "99999999999", ".")],
)  # fmt: skip
def test_wrong_usage_is_one_line(run: Run, args: tuple[str, ...]) -> None:
    done = run("network", *args)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_an_end_that_is_not_there_is_no_empty_answer(run: Run, shop: Path) -> None:
    done = run("network", "reach", "--to", "ns=prod", str(shop))
    assert done.returncode == 2
    assert done.stderr == "seawall: --to 'ns=prod' names nothing that was read; `seawall network reach` lists all\n"


def test_nothing_to_judge_is_no_success(run: Run, tmp_path: Path) -> None:
    done = run("network", "reach", str(tmp_path))
    assert done.returncode == 2
    assert "nothing to judge" in done.stderr


HOSTILE = """
apiVersion: v1
kind: Service
metadata: {name: s, namespace: shop, labels: 3}
spec: {ports: [{port: x}], selector: [a], type: {}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: [], annotations: 7}
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop, labels: {a: {}}, annotations: []}
spec: {hostNetwork: maybe, containers: [{name: c, ports: [{containerPort: a, name: [b]}]}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, namespace: shop}
spec: {rules: [{http: {paths: [3, {backend: {service: {name: s, port: 3}}}]}}], defaultBackend: []}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: n, namespace: shop}
spec: [a]
---
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: r, namespace: shop}
spec: {to: [], port: 4, alternateBackends: {a: b}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: h, namespace: shop}
spec: {rules: [{backendRefs: [1, {name: []}]}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: a, namespace: shop}
spec: {mtls: {mode: [x]}, portLevelMtls: {a: b}, selector: {matchLabels: 3}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: a, namespace: shop}
spec: {action: {}, rules: 3}
---
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: {name: a, namespace: shop}
spec: {podSelector: [], port: {}}
---
apiVersion: v1
kind: Node
metadata: {name: n, labels: [], annotations: 3}
status: {addresses: [{address: x}, 4]}
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: a}
spec: {subject: 3, priority: x, egress: [{action: [], to: [{nodes: {}}]}]}
---
"""


@pytest.mark.parametrize("form", ["lines", "json", "dot", "html", "terminal"])
def test_wrong_types_everywhere_break_nothing(run: Run, tmp_path: Path, form: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(pod("web", "shop") + HOSTILE)
    done = run("network", "reach", "--format", form, str(file))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "the answer is incomplete" in done.stderr
    scanned = run("scan", "--format", "json", str(file))
    statuses = {each["rule"]: each for each in json.loads(scanned.stdout)["statuses"]}
    assert not [each for each in statuses.values() if each["state"] == "error"]
    assert statuses["pod-without-network-policy"]["state"] == "not-judged"


@pytest.mark.parametrize("count", range(1, HOSTILE.count("---")))
def test_each_wrong_object_alone_is_told(run: Run, tmp_path: Path, count: int) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(pod("web", "shop") + HOSTILE.split("---")[count - 1])
    done = run("network", "reach", "--format", "json", str(file))
    assert "Traceback" not in done.stderr
    validated(done.stdout, "reach")
