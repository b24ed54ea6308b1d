"""API server: how what it stores is encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.encryption import covers, keys, providers, refusals
from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.components import EncryptionConfiguration
    from seawall.model.rule import Context

_ENCRYPTION = "https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/"
_REFERENCE = "https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/"
_KMS = "https://kubernetes.io/docs/tasks/administer-cluster/kms-provider/"
_PRINTED = frozenset((*range(32, 127), *b"\t\r\n"))
_HEX = frozenset(b"0123456789abcdefABCDEF")


@rule(
    "encryption-identity",
    title="EncryptionConfiguration does not encrypt Secrets",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="EncryptionConfiguration",
    why="The first provider writes, and identity writes in clear: whoever gets a backup of etcd reads every Secret.",
    remediation="Put a kms or secretbox provider first for secrets, then write all Secrets anew.",
    controls="cis8:1.2.29 cis9-12:1.2.28 mitre-attack:T1552 nsa-cisa:encryption",
    aliases="C-0142",
    references=(_ENCRYPTION,),
    notes="Of several entries that take Secrets in, *. and *.* too, the first decides. identity as the last provider "
    "lets what was written before be read, and passes.",
)
def encryption_identity(config: EncryptionConfiguration, ctx: Context) -> Hits:
    for i, each in numbered(config.resources):
        if covers(each, "secrets"):
            first = next(iter(each.providers), {})
            if "identity" in first or not first:
                yield Hit("Secrets are written in clear", ("resources", i, "providers", 0))
            return
    yield Hit("Secrets are not among the resources that are encrypted", "resources")


@rule(
    "encryption-weak-provider",
    title="Encryption at rest by a provider with known faults",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="EncryptionConfiguration",
    why="aescbc does not notice changes and can be read by whoever may change the store and watch for errors (a "
    "padding oracle); an aesgcm key loses its strength after some 200,000 writes; KMS v1 is retired, and off since "
    "1.29.",
    remediation="Use kms with apiVersion v2, or secretbox where there is no key service; rotate aesgcm keys by "
    "machine if they stay.",
    controls="cis8:1.2.29 cis9-12:1.2.28 mitre-attack:T1552 nsa-cisa:encryption",
    references=(f"{_ENCRYPTION}#providers", _KMS),
    notes="Judged of the provider that writes. The CIS benchmarks name aescbc, kms and secretbox as good.",
)
def encryption_weak_provider(config: EncryptionConfiguration, ctx: Context) -> Hits:
    for path, name, provider in providers(config):
        old_kms = name == "kms" and provider.get("apiVersion", "v1") == "v1"
        if path[-2] == 0 and (name in ("aescbc", "aesgcm") or old_kms):
            yield Hit(f"the provider that writes is {'KMS v1' if old_kms else name}", path)


@rule(
    "encryption-key-in-manifest",
    title="Key of the encryption at rest in a manifest",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="EncryptionConfiguration",
    why="Everyone who can read the file or its history can read a backup of etcd with it.",
    remediation="Use a kms provider, or fill the key in when the file is put on the node; change the key that is here.",
    controls="mitre-attack:T1552.001 nsa-cisa:encryption nsa-cisa:secrets",
    references=(_ENCRYPTION,),
)
def encryption_key_in_manifest(config: EncryptionConfiguration, ctx: Context) -> Hits:
    for key in keys(config):
        if not key.is_blank:
            yield Hit(f"a key of {key.provider} stands in the manifest", key.path, secret=True)


@rule(
    "encryption-config-refused",
    title="EncryptionConfiguration that the API server refuses",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="EncryptionConfiguration",
    why="The API server does not start with it; where it reloads by itself, it goes on with the file of before, and "
    "Secrets stay in clear or under a key that was to be replaced.",
    remediation="Mend the place; `kube-apiserver` logs the same complaint when it starts.",
    controls="nsa-cisa:encryption",
    references=(_REFERENCE, _ENCRYPTION),
    notes="Wrong lengths of keys, unknown providers, several in one item, a resource below a wildcard that takes it "
    "already, KMS endpoints that are no unix socket. Keys that are still to be filled in pass.",
)
def encryption_config_refused(config: EncryptionConfiguration, ctx: Context) -> Hits:
    for path, reason in refusals(config):
        yield Hit(reason, path, secret=True)


@rule(
    "encryption-key-guessable",
    title="Key of the encryption at rest is a text",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="EncryptionConfiguration",
    why="Random bytes are hardly ever all letters: a phrase, or a key out of the documentation, is guessed by whoever "
    "has a backup of etcd.",
    remediation="Make the key with `head -c 32 /dev/urandom | base64`, put it first, and write all Secrets anew.",
    controls="mitre-attack:T1110 nsa-cisa:encryption",
    references=(f"{_ENCRYPTION}#generate-key-no-kms",),
    notes="Told by keys of which every byte is a printed character, or all are the same; hexadecimal digits pass.",
)
def encryption_key_guessable(config: EncryptionConfiguration, ctx: Context) -> Hits:
    for key in keys(config):
        data = set(key.decoded() or b"")
        if len(data) == 1 or (data and data <= _PRINTED and not data <= _HEX):
            yield Hit(f"a key of {key.provider} is a text", key.path, confidence=Confidence.MEDIUM, secret=True)


@rule(
    "encryption-key-reused",
    title="Same key of the encryption at rest under two names",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="EncryptionConfiguration",
    why="A rotation to the same key changes nothing: whoever had the old one reads what is written with the new.",
    remediation="Make a fresh key, put it first, and write all Secrets anew.",
    controls="nsa-cisa:encryption",
    references=(f"{_ENCRYPTION}#rotating-a-decryption-key",),
    notes="One key for several resources, under one name, passes.",
)
def encryption_key_reused(config: EncryptionConfiguration, ctx: Context) -> Hits:
    first: dict[bytes, str] = {}
    for key in keys(config):
        data = key.decoded()
        if data is None or key.is_blank:
            continue
        known = first.setdefault(data, key.name)
        if known != key.name:
            yield Hit(f"the key {key.name!r} is the same as {known!r}", key.path, secret=True)
