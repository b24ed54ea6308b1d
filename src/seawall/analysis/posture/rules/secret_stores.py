"""Stores of External Secrets: who may read from them, and how they are reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seawall.model.credential_names import looks_like_credential
from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.secretstores import SecretStore
    from seawall.model.paths import Path
    from seawall.model.rule import Context

_STORES = "https://external-secrets.io/latest/api/clustersecretstore/"
_TENANCY = "https://external-secrets.io/latest/guides/multi-tenancy/"
_SECURITY = "https://external-secrets.io/latest/guides/security-best-practices/"
_ANY = frozenset((".*", ".+", "^.*$", "^.+$", "^.*", ".*$"))
#: Settings that switch the verification of the server off, and the value that does.
_UNVERIFIED = {
    "ignoreSslCertificate": True,
    "insecureSkipVerify": True,
    "insecureSkipTLSVerify": True,
    "skipTLSVerify": True,
    "tlsSkipVerify": True,
    "verifyCA": False,
    "verifySSL": False,
}
#: Where a provider is given a lasting credential though it takes the identity of a pod, and what to use instead.
_STATIC: dict[str, tuple[tuple[tuple[str, ...], ...], str]] = {
    "aws": ((("auth", "secretRef"),), "auth.jwt (IRSA) or EKS Pod Identity"),
    "gcpsm": ((("auth", "secretRef"),), "auth.workloadIdentity"),
    "azurekv": ((("authSecretRef", "clientSecret"),), "authType: WorkloadIdentity"),
    "vault": (
        (("auth", "tokenSecretRef"), ("auth", "appRole"), ("auth", "userPass"), ("auth", "ldap")),
        "auth.kubernetes or auth.jwt",
    ),
    "kubernetes": ((("auth", "token"),), "auth.serviceAccount"),
    "oracle": ((("auth", "secretRef"),), "principalType: Workload"),
    "ibm": ((("auth", "secretRef"),), "auth.containerAuth"),
}
#: Deeper than any provider's settings are.
_DEPTH = 8


@rule(
    "secret-store-open",
    title="Store of secrets open to every namespace",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="ClusterSecretStore",
    why="Whoever may create an ExternalSecret in any namespace reads every secret that the store's credentials reach.",
    remediation="List the namespaces in spec.conditions, or use a SecretStore in each.",
    controls="mitre-attack:T1552.007 nsa-cisa:secrets",
    references=(_STORES, _TENANCY),
    notes="A condition that every namespace meets is none: an empty selector, a pattern that takes all.",
)
def secret_store_open(store: SecretStore, ctx: Context) -> Hits:
    if not store.spec.conditions:
        yield Hit("every namespace may read from the store", "spec.conditions")
    for i, condition in numbered(store.spec.conditions):
        if _met_by_all(condition):
            yield Hit("every namespace meets the condition of the store", ("spec", "conditions", i))


def _met_by_all(condition: dict[str, Any]) -> bool:
    """Whether a condition, of which one part suffices, is met by every namespace."""
    selector, patterns = condition.get("namespaceSelector"), condition.get("namespaceRegexes")
    if isinstance(selector, dict) and not selector.get("matchLabels") and not selector.get("matchExpressions"):
        return True
    return isinstance(patterns, list) and any(isinstance(each, str) and each in _ANY for each in patterns)


@rule(
    "secret-store-plain-http",
    title="Secrets fetched in clear",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="SecretStore ClusterSecretStore",
    why="Whoever is on the way reads the secrets, and the token by which they are asked for.",
    remediation="Write the server with https.",
    controls="mitre-attack:T1040 mitre-attack:T1552 nsa-cisa:secrets",
    references=("https://external-secrets.io/latest/provider/hashicorp-vault/",),
)
def secret_store_plain_http(store: SecretStore, ctx: Context) -> Hits:
    for path, key, value in _settings(store):
        if key in _SERVERS and isinstance(value, str) and value.lower().startswith("http://"):
            yield Hit(f"secrets are fetched from {value}", path)


_SERVER_NAMES = "server url apiUrl apiURL host serverUrl serverURL connectHost vaultUrl akeylessGWApiURL"
_SERVERS = frozenset(_SERVER_NAMES.split())


@rule(
    "secret-store-unverified",
    title="Store of secrets whose server is not verified",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="SecretStore ClusterSecretStore",
    why="Whoever is on the way stands for the store: he gets the credentials by which it is asked, and decides which "
    "values the programs are given.",
    remediation="Remove the setting, and give the authority's certificate in caBundle or caProvider.",
    controls="mitre-attack:T1557 nsa-cisa:secrets",
    references=(_STORES,),
)
def secret_store_unverified(store: SecretStore, ctx: Context) -> Hits:
    for path, key, value in _settings(store):
        if key in _UNVERIFIED and value is _UNVERIFIED[key]:
            yield Hit(f"{key} is {str(value).lower()}: the server is not verified", path)


@rule(
    "secret-store-static-credential",
    title="Store of secrets reached by a lasting credential",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="SecretStore ClusterSecretStore",
    why="The credential lies in a Secret and does not expire: who reads it once has everything that the store gives, "
    "from anywhere, until someone notices.",
    remediation="Let the store know the pod by its service account (workload identity), which needs no credential.",
    controls="mitre-attack:T1552 nsa-cisa:secrets",
    references=(_SECURITY,),
    notes="Judged of providers that know workload identity: AWS, Google, Azure, Vault, Kubernetes, Oracle, IBM.",
)
def secret_store_static_credential(store: SecretStore, ctx: Context) -> Hits:
    for name, settings in store.spec.provider.items():
        places, instead = _STATIC.get(name, ((), ""))
        for place in places:
            found: Any = settings
            for step in place:
                found = found.get(step) if isinstance(found, dict) else None
            if found:
                yield Hit(f"a lasting credential is used where {instead} would do", ("spec", "provider", name, *place))
                break


@rule(
    "secret-store-plain-credential",
    title="Credential in clear in a store of secrets",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="SecretStore ClusterSecretStore",
    why="Everyone who can read the manifest, or the store in the cluster, has the credential and all that it opens.",
    remediation="Put the value into a Secret that the store refers to, or use workload identity; replace the "
    "credential.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    references=(_STORES,),
    notes="Told by the setting's name; the fake provider, whose values are for tests, is left out.",
)
def secret_store_plain_credential(store: SecretStore, ctx: Context) -> Hits:
    for path, key, value in _settings(store):
        name = str(path[-2]) if key == "value" else key
        if path[2] != "fake" and isinstance(value, str) and looks_like_credential(name, value):
            yield Hit(f"{name} is written in clear", path, confidence=Confidence.MEDIUM, secret=True)


def _settings(store: SecretStore) -> Iterator[tuple[Path, str, Any]]:
    """Every plain setting of a store's provider, with its path and name."""
    stack: list[tuple[Path, Any]] = [(("spec", "provider", name), each) for name, each in store.spec.provider.items()]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict) and len(path) < _DEPTH:
            stack += [((*path, key), each) for key, each in reversed(value.items()) if isinstance(key, str)]
        elif len(path) > 3 and not isinstance(value, dict | list):
            yield path, str(path[-1]), value
