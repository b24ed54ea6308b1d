"""SealedSecrets of Bitnami's controller: what about them is not sealed, and who else can open them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.secret_values import decode_base64
from seawall.model.credential_names import is_placeholder, looks_like_credential
from seawall.model.finding import Confidence, Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.model.kube.secretstores import SealedSecret
    from seawall.model.paths import Path
    from seawall.model.rule import Context

_SEALED = "https://github.com/bitnami-labs/sealed-secrets"
_PREFIX = "sealedsecrets.bitnami.com/"
#: Bytes of an RSA key of 1,024 and of 16,384 bits; the controller's own has 4,096.
_RSA = range(128, 2049)
#: The mark of integrity of AES-GCM, in bytes.
_TAG = 16


@rule(
    "sealed-secret-plain",
    title="Value in clear in a SealedSecret",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="SealedSecret",
    why="Only encryptedData is sealed: everyone who can read the file or its history has what stands beside it.",
    remediation="Seal the value with kubeseal --raw into encryptedData, refer to it in the template if it is part of a "
    "text, and replace the credential.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    references=(f"{_SEALED}#sealedsecrets-as-templates-for-secrets",),
    notes="All values in data and stringData count, and those of the template whose names are of credentials and that "
    "are filled in by no {{ }}; placeholders pass.",
)
def sealed_secret_plain(sealed: SealedSecret, ctx: Context) -> Hits:
    for path in _plain(sealed):
        yield Hit(f"the value of {path[-1]!r} is not sealed", path, secret=True)


def _plain(sealed: SealedSecret) -> Iterator[Path]:
    template = sealed.spec.template
    for field, values in (("data", template.data), ("stringData", template.string_data)):
        for key, value in values.items():
            if isinstance(value, str) and looks_like_credential(key, value):
                yield ("spec", "template", field, key)
    spec = sealed.spec
    for base, found in (
        (("data",), sealed.data),
        (("stringData",), sealed.string_data),
        (("spec", "data"), spec.data),
        (("spec", "stringData"), spec.string_data),
    ):
        for key, value in (found if isinstance(found, dict) else {}).items():
            if isinstance(value, str) and value and not is_placeholder(value):
                yield (*base, key)


@rule(
    "sealed-secret-not-sealed",
    title="SealedSecret with a value that was never sealed",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="SealedSecret",
    why="Plain text, or its base64, was put where sealed values belong: everyone who can read the file or its history "
    "has it, and the controller cannot make the Secret.",
    remediation="Seal the value with kubeseal --raw, and replace the credential.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    references=(f"{_SEALED}#raw-mode-experimental",),
    notes="A sealed value is base64 of a length, an RSA block of that length, and what AES-GCM encrypted. Placeholders "
    "pass.",
)
def sealed_secret_not_sealed(sealed: SealedSecret, ctx: Context) -> Hits:
    for key, value in sealed.spec.encrypted_data.items():
        if isinstance(value, str) and value.strip() and not is_placeholder(value) and not _is_sealed(value):
            yield Hit(f"the value of {key!r} is not sealed", ("spec", "encryptedData", key), secret=True)


def _is_sealed(value: str) -> bool:
    data = decode_base64(value)
    if data is None:
        return False
    length = int.from_bytes(data[:2], "big")
    return length in _RSA and len(data) >= 2 + length + _TAG


@rule(
    "sealed-secret-cluster-wide",
    title="SealedSecret that can be opened in every namespace",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="SealedSecret",
    why="Whoever may create SealedSecrets in any one namespace copies it there, and the controller hands him the "
    "values.",
    remediation="Seal it anew with the strict scope, which is kubeseal's usual one.",
    controls="mitre-attack:T1552.007 nsa-cisa:secrets",
    references=(f"{_SEALED}#scopes",),
)
def sealed_secret_cluster_wide(sealed: SealedSecret, ctx: Context) -> Hits:
    yield from _scoped(sealed, "cluster-wide", "every namespace can open it")


@rule(
    "sealed-secret-namespace-wide",
    title="SealedSecret that can be renamed within its namespace",
    severity=Severity.INFO,
    scope=Scope.SECRET,
    on="SealedSecret",
    why="Whoever may create SealedSecrets in the namespace opens it under a name that he may read.",
    remediation="Seal it anew with the strict scope, which is kubeseal's usual one.",
    controls="mitre-attack:T1552.007 nsa-cisa:secrets",
    references=(f"{_SEALED}#scopes",),
    default=False,
)
def sealed_secret_namespace_wide(sealed: SealedSecret, ctx: Context) -> Hits:
    yield from _scoped(sealed, "namespace-wide", "it can be opened under any name of the namespace")


def _scoped(sealed: SealedSecret, scope: str, message: str) -> Hits:
    name = f"{_PREFIX}{scope}"
    if sealed.metadata.annotations.get(name, "").lower() == "true":
        yield Hit(message, ("metadata", "annotations", name), confidence=Confidence.HIGH)
