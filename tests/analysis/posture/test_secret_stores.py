"""What the API server refuses of an EncryptionConfiguration, what is sealed, and what SOPS left in clear."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seawall.analysis.posture.encryption import Key, group_resource, refusals
from seawall.analysis.posture.secret_values import plain_values
from seawall.engine.catalogue import load_rules
from seawall.engine.judge import Judge
from seawall.model.kube.components import EncryptionConfiguration
from seawall.model.paths import format_path
from seawall.model.resource import Inventory, Resource
from seawall.model.version import NEWEST
from seawall.sources.manifests.load import load_stdin
from tests.conftest import Run

KMS: dict[str, Any] = {"kms": {"apiVersion": "v2", "name": "vault", "endpoint": "unix:///run/kms.sock"}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def loaded(*values: Any) -> list[Resource]:
    """The resources of some objects."""
    text = yaml.safe_dump_all(values)
    return [each for each in load_stdin(text.encode()) if isinstance(each, Resource)]


def judged(*values: Any) -> set[str]:
    """The rules that fire on some objects together."""
    judge = Judge(load_rules(), NEWEST)
    resources = loaded(*values)
    hits = [hit for each in resources for hit in judge.judge(each)]
    hits += judge.judge_inventory(Inventory(resources))
    return {hit.rule.id for hit in hits}


def refused(*entries: tuple[list[str], list[dict[str, Any]]]) -> dict[str, str]:
    """Why a configuration of these resources and providers is refused, by the place."""
    value = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": resources, "providers": providers} for resources, providers in entries],
    }
    (resource,) = loaded(value)
    view = resource.view
    assert isinstance(view, EncryptionConfiguration)
    return {format_path(path): reason for path, reason in refusals(view)}


def local(provider: str, length: int, name: str = "key1") -> dict[str, Any]:
    """A provider with a random key of so many bytes."""
    return {provider: {"keys": [{"name": name, "secret": base64.b64encode(os.urandom(length)).decode()}]}}


@pytest.mark.parametrize("provider", ["aescbc", "aesgcm", "secretbox"])
@pytest.mark.parametrize("length", [8, 16, 20, 24, 32, 33])
def test_lengths_of_keys(provider: str, length: int) -> None:
    good = length == 32 or (length in (16, 24) and provider != "secretbox")
    assert (not refused((["secrets"], [local(provider, length)]))) == good


@pytest.mark.parametrize(
    ("entries", "place", "told"),
    [
        ([], "resources", "no resources"),
        ([([], [KMS])], "resources[0].resources", "no resources"),
        ([(["secrets"], [])], "resources[0].providers", "no provider"),
        ([(["Secrets"], [KMS])], "resources[0].resources[0]", "capital"),
        ([(["*"], [KMS])], "resources[0].resources[0]", "means nothing"),
        ([(["pods.*"], [KMS])], "resources[0].resources[0]", "all groups"),
        ([(["events.events.k8s.io"], [KMS])], "resources[0].resources[0]", "the group"),
        ([(["secrets", "secrets"], [KMS])], "resources[0].resources[1]", "overlaps"),
        ([(["secrets", "*.*"], [KMS])], "resources[0].resources[1]", "overlaps"),
        ([(["*."], [KMS]), (["secrets"], [{"identity": {}}])], "resources[1].resources[0]", "stands below '*.'"),
        ([(["*.*"], [KMS]), (["*.*"], [KMS])], "resources[1].resources[0]", "stands below '*.*'"),
        ([(["secrets"], [{"aessiv": {}}])], "resources[0].providers[0].aessiv", "no provider 'aessiv'"),
        ([(["secrets"], [{}])], "resources[0].providers[0]", "must have one provider"),
        ([(["secrets"], [{**KMS, "identity": {}}])], "resources[0].providers[0]", "and has 2"),
        ([(["secrets"], [{"aescbc": {"keys": []}}])], "resources[0].providers[0].aescbc.keys", "no keys"),
        ([(["secrets"], [local("aescbc", 32, "")])], "resources[0].providers[0].aescbc.keys[0]", "no name"),
        ([(["secrets"], [{"kms": {"name": "a"}}])], "resources[0].providers[0].kms.endpoint", "no endpoint"),
        ([(["secrets"], [KMS]), (["pods"], [KMS])], "resources[1].providers[0].kms.name", "is taken"),
    ],
)
def test_what_the_api_server_refuses(entries: list[Any], place: str, told: str) -> None:
    reasons = refused(*entries)
    assert told in reasons.get(place, ""), reasons


def test_what_it_takes() -> None:
    assert not refused((["secrets", "configmaps", "pods.example.com"], [KMS, {"identity": {}}]))
    assert not refused((["events"], [{"identity": {}}]), (["*.apps", "*."], [KMS]))
    assert group_resource("*.") == ("", "*")
    assert group_resource("deployments.apps") == ("apps", "deployments")


def test_no_key_is_told() -> None:
    for length in (8, 33):
        provider = local("secretbox", length)
        reasons = refused((["secrets"], [provider]))
        assert provider["secretbox"]["keys"][0]["secret"] not in str(reasons)
    assert Key((), "aescbc", "", "no base64!").decoded() is None


@given(st.integers(128, 1024), st.binary(max_size=200))
def test_a_sealed_value_is_told_from_plain_text(length: int, payload: bytes) -> None:
    sealed = length.to_bytes(2, "big") + os.urandom(length) + os.urandom(16) + payload
    assert "sealed-secret-not-sealed" not in judged(_sealed(sealed))
    assert "sealed-secret-not-sealed" in judged(_sealed(b"text " + payload.hex().encode()))


def _sealed(data: bytes) -> dict[str, Any]:
    spec = {"encryptedData": {"password": base64.b64encode(data).decode()}}
    return {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "a"}, "spec": spec}


@pytest.mark.parametrize(
    ("value", "is_plain"),
    [
        ("tr0ub4dor", True),
        ("postgres://cart:tr0ub4dor@db/cart", True),
        ("123456", True),
        ("8080", False),
        ("true", False),
        ("${PASSWORD}", False),
        ("<path:shop/data/cart#password>", False),
        ("ref+vault://shop/cart#password", False),
        ("op://shop/cart/password", False),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", False),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n", True),
    ],
)
def test_which_values_are_plain(value: str, is_plain: bool) -> None:
    encoded = base64.b64encode(value.encode()).decode()
    assert bool(list(plain_values({"stringData": {"a": value}}))) == is_plain
    assert bool(list(plain_values({"data": {"a": encoded}}))) == is_plain


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"encrypted_regex": "^(password)$"}, ", as encrypted_regex has it"),
        ({"unencrypted_regex": "^(token)$"}, ", as unencrypted_regex has it"),
        ({"unencrypted_suffix": "ken"}, ", as unencrypted_suffix has it"),
        ({"encrypted_suffix": "_enc"}, ", as encrypted_suffix has it"),
        ({"encrypted_regex": "^(data|stringData)$"}, ""),
        ({"encrypted_regex": "(a+)+$"}, ""),
    ],
)
def test_why_sops_left_a_value_in_clear(setting: dict[str, str], told: str) -> None:
    mac = "ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]"
    value = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "a"},
        "stringData": {"password": mac, "token": "tr0ub4dor"},
        "sops": {"mac": mac, **setting},
    }
    judge = Judge([rule for rule in load_rules() if rule.id == "sops-value-in-clear"], NEWEST)
    (hit,) = judge.judge(loaded(value)[0])
    assert hit.hit.message == f"the value of 'token' is not encrypted{told}"
    assert "secret-in-manifest" not in judged(value)


def test_flux_and_its_folder(run: Run, tmp_path: Path) -> None:
    mac = "ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"b": mac}}
    for name in ("shop", "other"):
        (tmp_path / "clusters" / name).mkdir(parents=True)
        spec = {"path": f"./clusters/{name}", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "a"}}
        flux = {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": name}}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({**flux, "spec": spec}))
    (tmp_path / "clusters" / "shop" / "secret.yaml").write_text(yaml.safe_dump({**secret, "sops": {"mac": mac}}))
    done = run("scan", str(tmp_path), "--rule", "flux-sops-undecrypted")
    assert "FluxKustomization shop" in done.stdout or "Kustomization shop" in done.stdout
    assert "Kustomization other" not in done.stdout


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("bitnami.com/v1alpha1", "SealedSecret"),
        ("external-secrets.io/v1", "ExternalSecret"),
        ("external-secrets.io/v1beta1", "ClusterExternalSecret"),
        ("external-secrets.io/v1", "ClusterSecretStore"),
        ("external-secrets.io/v1alpha1", "PushSecret"),
        ("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass"),
        ("apiserver.config.k8s.io/v1", "EncryptionConfiguration"),
        ("v1", "EncryptionConfig"),
        ("v1", "Secret"),
    ],
)
@given(st.dictionaries(st.sampled_from(["spec", "data", "stringData", "sops", "resources", "type"]), JSON))
def test_nothing_odd_fails_a_rule(api: str, kind: str, body: dict[str, Any]) -> None:
    rules = load_rules()
    judge = Judge(rules, NEWEST)
    resources = loaded({"apiVersion": api, "kind": kind, "metadata": {"name": "a"}, **body})
    for each in resources:
        judge.judge(each)
    list(judge.judge_inventory(Inventory(resources)))
    failed = [status for status in judge.statuses(rules, lambda _: "") if status.state == "error"]
    assert not failed
