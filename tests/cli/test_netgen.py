"""``seawall network generate``: its outputs, exit codes, and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from seawall.model.flow import SCHEMA, FlowEnd, FlowRecord
from tests.conftest import REPOSITORY, Run

SCHEMAS = REPOSITORY / "src" / "seawall" / "reports" / "schemas"
SHOP = REPOSITORY / "examples" / "shop"

ESTATE = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      automountServiceAccountToken: false
      containers: [{{name: c, image: i, env: [{{name: CART_URL, value: "{env}"}}]}}]
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80, targetPort: 8080}}]}}
---
"""


def workload(name: str, namespace: str = "shop", env: str = "") -> str:
    return ESTATE.format(name=name, namespace=namespace, env=env)


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    path = tmp_path / "estate.yaml"
    path.write_text(workload("web", env="http://cart") + workload("cart") + workload("spy", "other"))
    return path


def flow(source: str, target: str, port: int = 8080, **more: Any) -> str:
    ends = [FlowEnd(namespace=ns, workload=name) for ns, _, name in (each.partition("/") for each in (source, target))]
    record = FlowRecord(ends[0], ends[1], "TCP", port, **more)
    return json.dumps({"schema": SCHEMA, **msgspec.to_builtins(record)})


def documents(text: str) -> list[Any]:
    return list(yaml.safe_load_all(text))


def validated(text: str, name: str = "netgen") -> Any:
    document = json.loads(text)
    schema = json.loads((SCHEMAS / f"{name}.v1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)
    return document


def test_yaml_is_what_json_says_and_always_the_same(run: Run, estate: Path) -> None:
    done = run("network", "generate", str(estate), "--format", "yaml")
    assert done.returncode == 0, done.stderr
    assert "# shop/cart:\n  #   TCP 8080: env CART_URL of container c names Service shop/cart" in done.stdout
    found = documents(done.stdout)
    document = validated(run("network", "generate", str(estate), "--format", "json").stdout)
    assert [policy["object"] for policy in document["policies"]] == found
    assert run("network", "generate", str(estate), "--format", "yaml").stdout == done.stdout
    assert document["workloads"]["unobserved"] == ["other/spy[Deployment]"]
    assert document["pairs"] == {"before": 6, "after": 1, "possible": 6}


def test_what_is_written_closes_what_it_says(run: Run, estate: Path, tmp_path: Path) -> None:
    out = tmp_path / "policies"
    done = run("network", "generate", str(estate), "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert "reachable pairs of workloads: 6 before, 1 after" in done.stdout
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.yaml")) == [
        "shop/_default-deny.yaml",
        "shop/cart.yaml",
        "shop/web.yaml",
    ]
    reach = run(
        "network", "reach", str(estate), str(out), "--format", "lines", "--from", "workloads", "--to", "workloads"
    )
    assert reach.stdout.splitlines() == ["shop/web[Deployment] => shop/cart[Deployment] : TCP 8080"]
    again = run("network", "generate", str(estate), str(out), "-o", str(out))
    assert again.returncode == 0
    assert len(list(out.rglob("*.yaml"))) == 3


def test_files_of_earlier_runs_are_named(run: Run, estate: Path, tmp_path: Path) -> None:
    out = tmp_path / "policies"
    run("network", "generate", str(estate), "-o", str(out))
    (out / "shop" / "mine.yaml").write_text("# by hand\n")
    (out / "shop" / "gone.yaml").write_text((out / "shop" / "web.yaml").read_text())
    stderr = run("network", "generate", str(estate), "-o", str(out)).stderr
    assert "gone.yaml is of an earlier run" in stderr
    assert "mine.yaml" not in stderr


def test_observed_flows(run: Run, estate: Path, tmp_path: Path) -> None:
    log = tmp_path / "flows.json"
    time = "2026-05-01T10:00:00Z"
    log.write_text("\n".join([flow("shop/web", "shop/cart", time=time, count=3), flow("other/spy", "shop/web", 22)]))
    done = run("network", "generate", str(estate), "--flows", str(log), "--from", "flows", "--format", "yaml")
    assert done.returncode == 0, done.stderr
    assert f"#   TCP 8080: observed 3 times, at {time}" in done.stdout
    summary = run("network", "generate", str(estate), "--flows", f"seawall={log}", "--format", "terminal").stdout
    assert "replayed 2 observed flows: 2 allowed, 0 lost" in summary
    assert "default-deny" in done.stdout


def test_flows_from_standard_input(run: Run, estate: Path) -> None:
    data = flow("shop/web", "shop/cart").encode()
    done = run("network", "generate", str(estate), "--flows", "-", "--format", "json", stdin=data)
    assert done.returncode == 0, done.stderr
    assert validated(done.stdout)["flows"][0]["records"] == 1


def test_denied_flows_are_listed_and_no_needs(run: Run, estate: Path, tmp_path: Path) -> None:
    log = tmp_path / "flows.json"
    log.write_text("\n".join([flow("shop/web", "shop/cart"), flow("other/spy", "shop/cart", verdict="denied")]))
    done = run("network", "generate", str(estate), "--flows", str(log), "--format", "json")
    document = validated(done.stdout)
    assert document["notNeeds"]["denied"] == [
        {"flow": "other/spy[Deployment] => shop/cart[Deployment] : TCP 8080", "count": 1}
    ]
    assert document["workloads"]["unobserved"] == ["other/spy[Deployment]"]


def test_an_end_that_was_not_read_makes_it_incomplete(run: Run, estate: Path, tmp_path: Path) -> None:
    log = tmp_path / "flows.json"
    log.write_text("\n".join([flow("shop/web", "shop/cart"), flow("gone/x", "shop/cart")]))
    done = run("network", "generate", str(estate), "--flows", str(log), "--format", "json")
    assert done.returncode == 2
    assert "an end was not read" in done.stderr
    assert "gone/x => shop/cart[Deployment] : TCP 8080" in done.stderr
    assert validated(done.stdout)["complete"] is False
    assert run("network", "generate", str(estate), "--flows", str(log), "--skip-unknown").returncode == 0


def test_a_policy_that_denies_already_is_told(run: Run, estate: Path, tmp_path: Path) -> None:
    """A rule of the admin tier stays above what is generated."""
    admin = tmp_path / "admin.yaml"
    admin.write_text(
        "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: a}\nspec:\n"
        "  priority: 1\n  subject: {namespaces: {}}\n  ingress: [{action: Deny, from: [{namespaces: {}}]}]\n"
    )
    log = tmp_path / "flows.json"
    log.write_text(flow("shop/web", "shop/cart"))
    done = run("network", "generate", str(estate), str(admin), "--flows", str(log), "--format", "json")
    assert done.returncode == 0, done.stderr
    replay = validated(done.stdout)["replay"]
    assert replay["lost"] == []
    assert replay["deniedBefore"] == ["shop/web[Deployment] => shop/cart[Deployment] : TCP 8080"]


def test_a_line_that_cannot_be_read_makes_it_incomplete(run: Run, estate: Path, tmp_path: Path) -> None:
    log = tmp_path / "flows.json"
    log.write_text(flow("shop/web", "shop/cart") + '\n{"flow": \n')
    done = run("network", "generate", str(estate), "--flows", str(log))
    assert done.returncode == 2
    assert f"{log}:2: is no seawall.flow/v1" in done.stderr
    assert "do not apply them yet" in done.stderr


@pytest.mark.parametrize(
    "args",
    [("--from", "flows"), ("--from", "both"), ("--cidr-width", "33"), ("--cidr-width", "x"), ("--namespace", "none"),
     ("--flows", "nonsense=x"), ("--format", "html"), ("--flows", "-", "-")],
)  # fmt: skip
def test_wrong_usage_is_one_line(run: Run, estate: Path, args: tuple[str, ...]) -> None:
    done = run("network", "generate", str(estate), *args)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_nothing_known_is_no_success(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(workload("web"))
    done = run("network", "generate", str(path))
    assert done.returncode == 2
    assert "nothing tells what any workload needs" in done.stderr
    assert run("network", "generate", str(path), "--isolate-unobserved", "--format", "yaml").returncode == 0


def test_hostile_text_stays_in_its_comment(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "evil.json"
    name = "CART\nkind: ClusterRole\u2028\x00\x1b[31m"
    container = {"name": "c", "env": [{"name": name, "value": "http://cart"}]}
    spec = {"selector": {"matchLabels": {"app": "w"}}}
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [container]}}
    metadata = {"name": "w", "namespace": "shop"}
    value = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {**spec, "template": template},
    }
    path.write_text(json.dumps(value))
    rest = tmp_path / "cart.yaml"
    rest.write_text(workload("cart"))
    done = run("network", "generate", str(path), str(rest), "--format", "yaml")
    assert done.returncode == 0, done.stderr
    assert {document["kind"] for document in documents(done.stdout)} == {"NetworkPolicy"}
    assert "\x1b" not in done.stdout
    assert "\x00" not in done.stdout


def test_the_example_shop_and_its_schema(run: Run) -> None:
    done = run("network", "generate", str(SHOP), "--format", "json")
    assert done.returncode == 0, done.stderr
    document = validated(done.stdout)
    assert document["complete"] is True
    assert "not-a-real" not in done.stdout


def test_flows_that_follow_the_schema_are_read(run: Run) -> None:
    validated(flow("shop/web", "shop/cart", reply=None, time="2026-05-01T10:00:00Z"), "flow")
