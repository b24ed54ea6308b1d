"""References by name: to what is not there, and to what had better not be there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.analysis.posture.indexes import Completeness, NamedReference, references, view_of
from seawall.model.finding import Confidence, Severity
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_SECRETS = "https://kubernetes.io/docs/concepts/configuration/secret/"
_CONFIG_MAPS = "https://kubernetes.io/docs/concepts/configuration/configmap/"
_ACCOUNTS = "https://kubernetes.io/docs/concepts/security/service-accounts/"
_CLAIMS = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#persistentvolumeclaims"
_TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 - a type's name
_WHEN = (
    "Judged where the namespace's objects of the kind are plausibly all known: in a cluster's dump that lists the "
    "kind, or in manifests that hold the Namespace and other objects of the kind, then with medium confidence."
)
#: Made in every namespace by the control plane or a mesh.
_ALWAYS = {
    "ServiceAccount": ("default",),
    "ConfigMap": ("kube-root-ca.crt", "istio-ca-root-cert", "openshift-service-ca.crt"),
}


def _missing(inventory: Inventory, ctx: Context, kind: str) -> Iterator[tuple[NamedReference, Confidence]]:
    """References of a kind that lead to nothing, with how sure that is."""
    if not inventory.of_kind(kind):
        return
    complete = ctx.once(Completeness)
    for reference in ctx.once(references):
        if reference.kind == kind and reference.name not in _ALWAYS.get(kind, ()):
            namespace = namespace_of(reference.resource)
            confidence = complete.of(kind, namespace)
            if confidence is not None and inventory.get(kind, reference.resource.ref.namespace, reference.name) is None:
                yield reference, confidence


@rule(
    "missing-service-account",
    title="Service account that does not exist",
    severity=Severity.LOW,
    scope=Scope.SERVICE_ACCOUNT,
    on="inventory",
    why="The pod is not made until someone creates an account of that name, and then it has whatever rights that one "
    "gives it.",
    remediation="Create the service account, or correct serviceAccountName.",
    controls="mitre-attack:T1078",
    aliases="C-0307 kube-linter:non-existent-service-account",
    references=(_ACCOUNTS,),
    notes=_WHEN,
)
def missing_service_account(inventory: Inventory, ctx: Context) -> Hits:
    for reference, confidence in _missing(inventory, ctx, "ServiceAccount"):
        message = f"there is no service account {reference.name!r} in the namespace"
        yield Hit(message, reference.path, resource=reference.resource, confidence=confidence)


@rule(
    "missing-secret",
    title="Secret that does not exist",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="inventory",
    why="The pod waits for a Secret of that name: who may create one decides on the credentials and certificates that "
    "the program uses.",
    remediation="Create the Secret, correct the name, or mark the reference optional.",
    references=(_SECRETS,),
    notes="Judged where a cluster's dump lists Secrets, not in manifests: those rightly keep them elsewhere.",
)
def missing_secret(inventory: Inventory, ctx: Context) -> Hits:
    for reference, confidence in _missing(inventory, ctx, "Secret"):
        message = f"there is no Secret {reference.name!r} in the namespace"
        yield Hit(message, reference.path, resource=reference.resource, confidence=confidence)


@rule(
    "missing-config-map",
    title="ConfigMap that does not exist",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="The pod waits for a ConfigMap of that name: who may create one decides on the program's settings.",
    remediation="Create the ConfigMap, correct the name, or mark the reference optional.",
    references=(_CONFIG_MAPS,),
    notes=_WHEN,
)
def missing_config_map(inventory: Inventory, ctx: Context) -> Hits:
    for reference, confidence in _missing(inventory, ctx, "ConfigMap"):
        message = f"there is no ConfigMap {reference.name!r} in the namespace"
        yield Hit(message, reference.path, resource=reference.resource, confidence=confidence)


@rule(
    "missing-volume-claim",
    title="Volume claim that does not exist",
    severity=Severity.LOW,
    scope=Scope.STORAGE,
    on="inventory",
    why="The pod waits for a claim of that name: who may create one decides which volume, and whose data, it gets.",
    remediation="Create the PersistentVolumeClaim, or correct the name.",
    references=(_CLAIMS,),
    notes=_WHEN,
)
def missing_volume_claim(inventory: Inventory, ctx: Context) -> Hits:
    for reference, confidence in _missing(inventory, ctx, "PersistentVolumeClaim"):
        message = f"there is no claim {reference.name!r} in the namespace"
        yield Hit(message, reference.path, resource=reference.resource, confidence=confidence)


@rule(
    "missing-key",
    title="Key that the Secret or ConfigMap does not have",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="The container does not start, or starts without the setting once someone marks it optional; who may edit the "
    "object decides on the value.",
    remediation="Add the key, or correct its name.",
    aliases="kube-linter:env-value-from",
    references=(_SECRETS, _CONFIG_MAPS),
    notes="Judged where the object itself is known.",
)
def missing_key(inventory: Inventory, ctx: Context) -> Hits:
    if not inventory.of_kind("Secret", "ConfigMap"):
        return
    for reference in ctx.once(references):
        found = (
            inventory.get(reference.kind, reference.resource.ref.namespace, reference.name) if reference.key else None
        )
        if found is None or found.view is None:
            continue
        view = view_of(found)
        has = (
            view.data
            if reference.key in view.data
            else view.binary_data
            if found.ref.kind == "ConfigMap"
            else view.string_data
        )
        if reference.key not in has and (view.data or has):
            message = f"{reference.kind} {reference.name!r} has no key {reference.key!r}"
            yield Hit(message, reference.path, resource=reference.resource, confidence=Confidence.MEDIUM)


@rule(
    "lasting-token-mounted",
    title="Pod given a token that never expires",
    severity=Severity.MEDIUM,
    scope=Scope.SERVICE_ACCOUNT,
    on="inventory",
    why="Who reads the token once, from the pod or a backup of it, has the service account until the Secret is "
    "deleted.",
    remediation="Name the account in serviceAccountName, or mount a projected token; both expire.",
    controls="mitre-attack:T1528",
    aliases="kyverno:check-serviceaccount-secrets",
    references=(_ACCOUNTS,),
)
def lasting_token_mounted(inventory: Inventory, ctx: Context) -> Hits:
    tokens = {
        (namespace_of(secret), secret.ref.name)
        for secret in inventory.of_kind("Secret")
        if view_of(secret).type == _TOKEN_TYPE
    }
    if not tokens:
        return
    for reference in ctx.once(references):
        if reference.kind == "Secret" and (namespace_of(reference.resource), reference.name) in tokens:
            message = f"the pod is given the token in the Secret {reference.name!r}"
            yield Hit(message, reference.path, resource=reference.resource)
