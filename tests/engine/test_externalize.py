"""Secrets that move out of manifests: what is written instead, and that no value slips out."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.engine import ReadOptions, ScanOptions, UsageError
from seawall.engine.externalize import Externalized, Request, externalize
from seawall.engine.externalize.secrecy import Secrecy
from seawall.model.credential_names import is_placeholder
from seawall.reports.externalize import files, lines, plain_yaml, stream

SECRET = """\
# the cart's own
apiVersion: v1
kind: Secret
metadata:
  name: cart-db
  namespace: shop
stringData:
  password: %s
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
      - name: cart   # the program
        image: registry.example.com/cart:1
        env:
        - name: MODE
          value: prod   # as it is
        - name: API_TOKEN
          value: %s
"""
STORE = """\
apiVersion: external-secrets.io/v1
kind: %s
metadata: {name: %s%s}
spec:
  conditions: [{namespaces: [shop]}]
  provider: {%s: {}}
"""


def moved(folder: Path, request: Request | None = None, **texts: str) -> Externalized:
    """Externalize files; ``_`` in their names stands for a dot."""
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text)
    options = ScanOptions(read=ReadOptions((str(folder),)))
    return externalize(options, request or Request("ExternalSecret", "vault"), plain_yaml)


def documents(result: Externalized) -> list[dict[str, Any]]:
    """All objects of the files that are written."""
    texts = [data.decode() for data in {**result.changed, **result.new}.values()]
    return [value for text in texts for value in yaml.safe_load_all(text) if value]


def all_text(result: Externalized) -> str:
    """Everything that is given back."""
    written = b"".join(data for form in ("yaml", "patch") for data in files(result, form, "/").values())
    told = b"".join(lines(result))
    streams = stream(result, "yaml") + stream(result, "patch")
    return written.decode() + told.decode() + streams + "\n".join(result.problems)


def test_a_secret_becomes_an_external_secret(tmp_path: Path) -> None:
    result = moved(tmp_path, a_yaml="---\n" + SECRET % "tr0ub4dor")
    assert not result.problems
    assert not result.left
    (text,) = (data.decode() for data in result.changed.values())
    assert text.startswith("---\n# the cart's own\napiVersion: external-secrets.io/v1\n")
    (value,) = documents(result)
    assert value["spec"]["secretStoreRef"] == {"kind": "SecretStore", "name": "vault"}
    assert value["spec"]["data"] == [
        {"secretKey": "password", "remoteRef": {"key": "shop/cart-db", "property": "password"}}
    ]


def test_type_labels_and_immutability_are_kept_and_the_copy_of_kubectl_is_not(tmp_path: Path) -> None:
    metadata = (
        "  name: cart-db\n  labels: {app: cart}\n  annotations:\n    note: of the cart\n"
        '    kubectl.kubernetes.io/last-applied-configuration: \'{"stringData":{"password":"tr0ub4dor"}}\'\n'
    )
    text = (SECRET % "tr0ub4dor").replace("  name: cart-db\n", metadata) + "type: shop/db\nimmutable: true\n"
    result = moved(tmp_path, a_yaml=text)
    (value,) = documents(result)
    target = value["spec"]["target"]
    assert target["immutable"] is True
    assert target["template"]["type"] == "shop/db"
    assert target["template"]["metadata"] == {"labels": {"app": "cart"}, "annotations": {"note": "of the cart"}}


def test_a_literal_becomes_a_reference_and_the_rest_stays(tmp_path: Path) -> None:
    before = DEPLOYMENT % "abcDEF123456"
    result = moved(tmp_path, a_yaml=before)
    (text,) = (data.decode() for data in result.changed.values())
    head, _, tail = text.partition("---\n")
    assert head.startswith(before[: before.index("          value: abcDEF")])
    assert yaml.safe_load(head)["spec"]["template"]["spec"]["containers"][0]["env"][1] == {
        "name": "API_TOKEN",
        "valueFrom": {"secretKeyRef": {"name": "cart-env", "key": "API_TOKEN"}},
    }
    assert yaml.safe_load(tail)["metadata"] == {"name": "cart-env", "namespace": "shop"}
    assert result.steps[0].moved.made


def test_one_variable_with_two_values_becomes_two_keys(tmp_path: Path) -> None:
    other = "      - name: side\n        image: a\n        env: [{name: API_TOKEN, value: %s}]\n"
    same = moved(tmp_path, a_yaml=DEPLOYMENT % "abcDEF123456" + other % "abcDEF123456")
    assert [key.name for key in same.steps[0].moved.keys] == ["API_TOKEN"]
    two = moved(tmp_path, a_yaml=DEPLOYMENT % "abcDEF123456" + other % "zyxWVU654321")
    assert [key.name for key in two.steps[0].moved.keys] == ["API_TOKEN", "side.API_TOKEN"]


@pytest.mark.parametrize(
    ("kind", "namespace", "provider", "expected"),
    [
        ("SecretStore", ", namespace: shop", "aws", ("SecretStore", "aws")),
        ("ClusterSecretStore", "", "gcpsm", ("ClusterSecretStore", "gcp")),
    ],
)
def test_the_store_that_is_read_is_used(
    tmp_path: Path, kind: str, namespace: str, provider: str, expected: tuple[str, str]
) -> None:
    store = STORE % (kind, "main", namespace, provider)
    result = moved(tmp_path, Request("ExternalSecret"), a_yaml=SECRET % "tr0ub4dor", b_yaml=store)
    (value,) = documents(result)
    assert value["spec"]["secretStoreRef"] == {"kind": expected[0], "name": "main"}
    assert result.provider == expected[1]
    single = {"key": "shop-cart-db-password"}
    assert (value["spec"]["data"][0]["remoteRef"] == single) == (expected[1] == "gcp")


def test_without_a_store_one_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--store"):
        moved(tmp_path, Request("ExternalSecret"), a_yaml=SECRET % "tr0ub4dor")
    with pytest.raises(UsageError, match="--parameter roleName"):
        moved(tmp_path, Request("SecretProviderClass"))


def test_equal_names_in_two_folders_are_kept_apart(tmp_path: Path) -> None:
    for name in ("dev", "prod"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(SECRET % f"tr0ub4dor-{name}")
    result = moved(tmp_path)
    assert [step.moved.keys[0].remote for step in result.steps] == ["shop/cart-db", "prod/shop/cart-db"]


def test_a_class_is_mounted_and_makes_the_secret_only_where_it_must(tmp_path: Path) -> None:
    request = Request("SecretProviderClass", parameters={"roleName": "shop"})
    volume = "      volumes:\n      - name: db\n        secret:\n          secretName: cart-db\n"
    deployment = (DEPLOYMENT % "abcDEF123456").replace("API_TOKEN", "PORT_NAME") + volume
    result = moved(tmp_path, request, a_yaml=SECRET % "tr0ub4dor", b_yaml=deployment)
    assert not result.left
    made, changed = sorted(documents(result), key=lambda value: str(value["kind"]), reverse=True)
    assert "secretObjects" not in made["spec"]
    assert changed["spec"]["template"]["spec"]["volumes"] == [
        {
            "name": "db",
            "csi": {
                "driver": "secrets-store.csi.k8s.io",
                "readOnly": True,
                "volumeAttributes": {"secretProviderClass": "cart-db"},
            },
        }
    ]
    result = moved(tmp_path, request, b_yaml=DEPLOYMENT % "abcDEF123456")
    kinds = {str(value["kind"]): value for value in documents(result)}
    assert kinds["SecretProviderClass"]["spec"]["secretObjects"][0]["secretName"] == "cart-env"
    container = kinds["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert container["volumeMounts"] == [
        {"name": "secrets-cart-env", "mountPath": "/mnt/secrets/cart-env", "readOnly": True}
    ]
    assert [left.finding.rule for left in result.left] == ["secret-in-manifest"]
    assert "--kind ExternalSecret" in result.left[0].reason


@pytest.mark.parametrize(
    ("provider", "parameters", "field", "expected"),
    [
        ("aws", {}, "objects", '"jmesPath"'),
        ("gcp", {"project": "p"}, "secrets", '"projects/p/secrets/shop-cart-env-API-TOKEN/versions/latest"'),
        ("azure", {"keyvaultName": "v", "tenantId": "t"}, "objects", '"objectAlias": "API_TOKEN"'),
    ],
)
def test_each_provider_has_its_own_parameters(
    tmp_path: Path, provider: str, parameters: dict[str, str], field: str, expected: str
) -> None:
    request = Request("SecretProviderClass", provider=provider, parameters=parameters)
    result = moved(tmp_path, request, a_yaml=DEPLOYMENT % "abcDEF123456")
    (made,) = (value for value in documents(result) if value["kind"] == "SecretProviderClass")
    told = made["spec"]["parameters"][field]
    assert expected in told
    read = yaml.safe_load(told)
    items = [yaml.safe_load(each) for each in read["array"]] if isinstance(read, dict) else read
    assert all(isinstance(item, dict) for item in items)


def test_lists_and_json_are_taken_too(tmp_path: Path) -> None:
    secret, deployment = yaml.safe_load(SECRET % "tr0ub4dor"), yaml.safe_load(DEPLOYMENT % "abcDEF123456")
    both = {"apiVersion": "v1", "kind": "List", "items": [secret, deployment]}
    result = moved(tmp_path, a_yaml=yaml.safe_dump(both))
    assert not result.left
    assert sorted(str(value["kind"]) for value in documents(result)) == ["ExternalSecret", "ExternalSecret", "List"]
    (tmp_path / "a.yaml").unlink()
    result = moved(tmp_path, b_json=json.dumps(both, indent=2))
    assert not result.left
    assert [name.rpartition("/")[2] for name in result.new] == ["b-externalized.yaml"]
    (items,) = (value["items"] for value in documents(result) if value["kind"] == "List")
    assert [item["kind"] for item in items] == ["ExternalSecret", "Deployment"]


KEYSTORE = (SECRET % "tr0ub4dor").replace(
    "stringData:\n  password: tr0ub4dor", f"data:\n  store.jks: {base64.b64encode(bytes(range(200, 256))).decode()}"
)


@pytest.mark.parametrize("provider", ["vault", "aws", "azure", "gcp"])
def test_what_is_no_text_stays_base64_where_the_store_keeps_text(tmp_path: Path, provider: str) -> None:
    result = moved(tmp_path, Request("ExternalSecret", "main", provider), a_yaml=KEYSTORE)
    (value,) = documents(result)
    keeps_bytes = provider == "gcp"
    assert value["spec"]["data"][0]["remoteRef"].get("decodingStrategy") == (None if keeps_bytes else "Base64")
    (command,) = result.commands(result.steps[0])
    assert "@base64d" not in command
    assert ("base64 -d" in command) == keeps_bytes


def test_what_is_no_text_is_decoded_by_the_driver_or_stays(tmp_path: Path) -> None:
    pod = "---\n" + (DEPLOYMENT % "abcDEF123456").replace("API_TOKEN", "PORT_NAME")
    text = f"{KEYSTORE}{pod}      volumes: [{{name: db, secret: {{secretName: cart-db}}}}]\n"
    azure = Request("SecretProviderClass", provider="azure", parameters={"keyvaultName": "v", "tenantId": "t"})
    made = documents(moved(tmp_path, azure, a_yaml=text))[0]
    assert '"objectEncoding": "base64"' in made["spec"]["parameters"]["objects"]
    result = moved(tmp_path, Request("SecretProviderClass", provider="aws"), a_yaml=text)
    assert "store.jks is no text" in result.left[0].reason


@pytest.mark.parametrize(
    "text",
    [
        DEPLOYMENT % "abcDEF123456" + "# it was abcDEF123456 before\n",
        DEPLOYMENT.replace("{app: cart}}\n    spec", "{app: cart}, annotations: {a: %s}}\n    spec")
        % ("abcDEF123456", "abcDEF123456"),
        SECRET % "tr0ub4dor" + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: dHIwdWI0ZG9y}\n",
    ],
)
def test_a_value_that_stands_elsewhere_holds_the_file_back(tmp_path: Path, text: str) -> None:
    result = moved(tmp_path, a_yaml=text)
    assert not result.changed
    assert not result.steps
    assert "value in clear" in result.left[0].reason
    assert "abcDEF123456" not in all_text(result)
    assert "tr0ub4dor" not in all_text(result)


CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2x1c3Rlcg==\n-----END CERTIFICATE-----\n"


def test_what_is_no_secret_may_stand_elsewhere(tmp_path: Path) -> None:
    more = f"  ca.crt: {json.dumps(CERTIFICATE)}\n  DB_HOST: db.example.com\n  username: shop_rw\n"
    settings = (
        f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ca, namespace: shop}}\n"
        f"data: {{ca.crt: {json.dumps(CERTIFICATE)}, host: db.example.com, owner: shop_rw}}\n"
    )
    result = moved(tmp_path, a_yaml=SECRET % "tr0ub4dor" + more + settings)
    assert not result.left
    assert len(result.steps[0].moved.keys) == 4
    result = moved(tmp_path, a_yaml=SECRET % "tr0ub4dor" + "  token: db.example.com\n" + settings)
    assert not result.steps


def test_what_cannot_be_moved_stays_with_a_reason(tmp_path: Path) -> None:
    nameless = (SECRET % "tr0ub4dor").replace("  name: cart-db\n", "  generateName: cart-\n")
    anchored = (DEPLOYMENT % "&token abcDEF123456") + "        - {name: OTHER, value: *token}\n"
    result = moved(tmp_path, a_yaml=nameless, b_yaml=anchored)
    reasons = {left.finding.rule: left.reason for left in result.left}
    assert "generateName" in reasons["secret-in-manifest"]
    assert "anchor" in reasons["literal-secret-in-env"]
    assert not result.changed


def test_what_stays_holds_its_file_back(tmp_path: Path) -> None:
    anchored = (DEPLOYMENT % "&token abcDEF123456") + "        - {name: OTHER, value: *token}\n"
    result = moved(tmp_path, a_yaml=SECRET % "tr0ub4dor" + "---\n" + anchored, b_yaml=SECRET % "s3cond-one")
    assert [Path(name).name for name in result.changed] == ["b.yaml"]
    assert "abcDEF123456" not in all_text(result)
    assert {left.finding.rule for left in result.left} == {"secret-in-manifest", "literal-secret-in-env"}


def test_tokens_placeholders_and_waived_secrets_are_left_alone(tmp_path: Path) -> None:
    waived = SECRET.replace("# the cart's own", "# seawall: ignore[secret-in-manifest] a test") % "tr0ub4dor"
    result = moved(tmp_path, a_yaml=SECRET % "${PASSWORD}", b_yaml=waived)
    assert not result.steps
    assert not result.left


LETTERS = string.ascii_letters + string.digits + "!#$%&*+-./:;<=>?@^_~ "
PLAIN = frozenset(string.ascii_letters + string.digits + "/+=.")
VALUES = (
    st.text(LETTERS, min_size=8, max_size=40)
    .filter(
        lambda text: (
            text.strip() == text and any(c.isdigit() for c in text) and any(c in "!#$%&*+;<=>?@^~" for c in text)
        )
    )
    .filter(lambda text: not is_placeholder(text))
)  # such as <password>: it stays where it is


def _forms(value: str) -> Iterator[str]:
    yield value
    yield base64.b64encode(value.encode()).decode()
    yield json.dumps(value)[1:-1]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(VALUES, min_size=3, max_size=3, unique=True),
    st.sampled_from(["ExternalSecret", "SecretProviderClass"]),
    st.sampled_from(["plain", "single", "double", "block"]),
    st.booleans(),
)
def test_no_value_is_ever_given_back(tmp_path: Path, values: list[str], kind: str, style: str, as_json: bool) -> None:
    for file in tmp_path.iterdir():
        file.unlink()
    ways: dict[str, Callable[[str], str]] = {
        "plain": lambda text: text if PLAIN.issuperset(text) else json.dumps(text),
        "single": lambda text: "'" + text.replace("'", "''") + "'",
        "double": json.dumps,
        "block": lambda text: "|-\n" + " " * 12 + text,
    }
    written = ways[style]
    encoded = base64.b64encode(values[1].encode()).decode()
    secret = SECRET % json.dumps(values[0]) + f"data:\n  other: {encoded}\n"
    uses = "      volumes: [{name: db, secret: {secretName: cart-db}}]\n"
    text = f"{secret}---\n{DEPLOYMENT % written(values[2])}{uses}"
    if as_json:
        items = [yaml.safe_load(part) for part in text.split("---\n")]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    request = Request(kind, "vault", parameters={"roleName": "shop"})
    result = moved(tmp_path, request, **{"a_json" if as_json else "a_yaml": text})
    given = all_text(result)
    for value in values:
        for form in _forms(value):
            assert form not in given
    assert not result.problems
    assert not result.left
    assert len(result.steps) == 2


@given(st.lists(st.text("abc1", min_size=6, max_size=9), min_size=1, max_size=6), st.text("abc1\n", max_size=60))
def test_values_are_found_wherever_they_stand(values: list[str], text: str) -> None:
    secrecy = Secrecy()
    for value in values:
        secrecy.add(None, value)
    known = [value for value in values if not value.isalpha()]
    places = [at for value in known if (at := text.find(value)) >= 0]
    assert secrecy.leak(text) == (text.count("\n", 0, min(places)) + 1 if places else 0)
    assert not any(value in secrecy.hide(text) for value in known)
    assert secrecy.hide(text) != text or not places
