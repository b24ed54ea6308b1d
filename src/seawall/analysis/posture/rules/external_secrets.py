"""ExternalSecrets: what is taken from stores, into which namespaces, and what is written in clear beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seawall.model.credential_names import looks_like_credential
from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.secretstores import (
        ClusterExternalSecret,
        ExternalSecret,
        ExternalSecretSpec,
        PushSecret,
        StoreRef,
    )
    from seawall.model.paths import Path
    from seawall.model.resource import Inventory, Resource
    from seawall.model.rule import Context

_EXTERNAL = "https://external-secrets.io/latest/api/externalsecret/"
_CLUSTER = "https://external-secrets.io/latest/api/clusterexternalsecret/"
_FIND = "https://external-secrets.io/latest/guides/getallsecrets/"
_LIFECYCLE = "https://external-secrets.io/latest/guides/ownership-deletion-policy/"
#: Patterns that every name matches.
_ANY = frozenset((".*", ".+", "^.*", ".*$", "^.*$", "^.+$", "", "^"))


def _spec_of(view: ExternalSecret | ClusterExternalSecret) -> tuple[Path, ExternalSecretSpec]:
    """The specification of an ExternalSecret, or of the one that a ClusterExternalSecret makes, and its place."""
    from seawall.model.kube.secretstores import ExternalSecret

    if isinstance(view, ExternalSecret):
        return ("spec",), view.spec
    return ("spec", "externalSecretSpec"), view.spec.external_secret_spec


@rule(
    "external-secret-plain-template",
    title="Credential in clear in the template of an ExternalSecret",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="ExternalSecret ClusterExternalSecret",
    why="Everyone who can read the manifest or its history has the credential, which the store was to keep.",
    remediation="Put the value into the store, take it in by data or dataFrom, and write {{ .name }} in the template.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    references=("https://external-secrets.io/latest/guides/templating/",),
    notes="Told by the key; values with {{ }}, placeholders, paths, addresses, switches and numbers pass.",
)
def external_secret_plain_template(view: ExternalSecret | ClusterExternalSecret, ctx: Context) -> Hits:
    base, spec = _spec_of(view)
    for key, value in spec.target.template.data.items():
        if isinstance(value, str) and looks_like_credential(key, value):
            path = (*base, "target", "template", "data", key)
            yield Hit(f"the template has a literal {key!r}", path, confidence=Confidence.MEDIUM, secret=True)


@rule(
    "external-secret-takes-all",
    title="ExternalSecret takes in a whole store",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="ExternalSecret ClusterExternalSecret",
    why="Whoever reads the one Secret that is made has every secret that the store's credentials reach, of other "
    "programs too, and of those that are still to come.",
    remediation="Name the secrets in data, or narrow find by a path, tags, or a pattern of the program's own names.",
    controls="mitre-attack:T1552.007 nsa-cisa:secrets",
    references=(_FIND,),
    notes="Judged of dataFrom.find without path and tags, and without a name pattern or with one that takes all.",
)
def external_secret_takes_all(view: ExternalSecret | ClusterExternalSecret, ctx: Context) -> Hits:
    base, spec = _spec_of(view)
    for i, each in numbered(spec.data_from):
        find = each.get("find")
        if isinstance(find, dict) and not find.get("path") and not find.get("tags") and _takes_any(find.get("name")):
            yield Hit("every secret of the store is taken in", (*base, "dataFrom", i, "find"))


def _takes_any(name: Any) -> bool:
    pattern = name.get("regexp", "") if isinstance(name, dict) else ""
    return isinstance(pattern, str) and pattern in _ANY


@rule(
    "external-secret-everywhere",
    title="Secret copied into every namespace",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="ClusterExternalSecret",
    why="Whoever may read Secrets in any one namespace has the value, and so have the pods of all.",
    remediation="Select the namespaces that need it by a label, in namespaceSelectors.",
    controls="mitre-attack:T1552.007 nsa-cisa:secrets",
    references=(_CLUSTER,),
)
def external_secret_everywhere(view: ClusterExternalSecret, ctx: Context) -> Hits:
    old = view.spec.namespace_selector
    if old is not None and _selects_all(old):
        yield Hit("the Secret is made in every namespace", "spec.namespaceSelector")
    for i, selector in numbered(view.spec.namespace_selectors):
        if _selects_all(selector):
            yield Hit("the Secret is made in every namespace", ("spec", "namespaceSelectors", i))


def _selects_all(selector: dict[str, Any]) -> bool:
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


@rule(
    "external-secret-never-refreshed",
    title="Secret that is fetched once and never again",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="ExternalSecret ClusterExternalSecret",
    why="A credential that was replaced or withdrawn in the store lives on in the cluster, for whoever stole it too.",
    remediation="Set refreshInterval to an hour or so, and refreshPolicy to Periodic or leave it out.",
    controls="nsa-cisa:secrets",
    references=(_EXTERNAL,),
    default=False,
    notes="Values that a generator makes are left out: fetching them again would change them.",
)
def external_secret_never_refreshed(view: ExternalSecret | ClusterExternalSecret, ctx: Context) -> Hits:
    base, spec = _spec_of(view)
    if any(_generates(each) for each in (*spec.data, *spec.data_from)):
        return
    interval = str(spec.refresh_interval).strip()
    if spec.refresh_policy == "CreatedOnce":
        yield Hit("the value is fetched when the Secret is made, and never again", (*base, "refreshPolicy"))
    elif interval and not interval.strip("0hmsnuµ.") and spec.refresh_policy in ("", "Periodic"):
        yield Hit("the value is fetched once and never again", (*base, "refreshInterval"))


def _generates(each: dict[str, Any]) -> bool:
    source = each.get("sourceRef")
    return isinstance(source, dict) and source.get("generatorRef") is not None


@rule(
    "external-secret-left-behind",
    title="Secret that outlives its ExternalSecret",
    severity=Severity.INFO,
    scope=Scope.SECRET,
    on="ExternalSecret ClusterExternalSecret",
    why="Nobody owns the Secret any more when the ExternalSecret is deleted, and its credential stays to be read.",
    remediation="Use the creationPolicy Owner, which is the usual one.",
    references=(_LIFECYCLE,),
    default=False,
)
def external_secret_left_behind(view: ExternalSecret | ClusterExternalSecret, ctx: Context) -> Hits:
    base, spec = _spec_of(view)
    if spec.target.creation_policy == "Orphan":
        yield Hit("the Secret stays when the ExternalSecret goes", (*base, "target", "creationPolicy"))


@rule(
    "external-secret-store-missing",
    title="Store of secrets that does not exist",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="inventory",
    why="Nothing is fetched until someone makes a store of that name, and he decides which values the programs get, "
    "or, of a PushSecret, where the Secret goes.",
    remediation="Make the store, or correct secretStoreRef.",
    references=(_EXTERNAL,),
    notes="Judged where other stores of that kind are known, of a SecretStore in the same namespace.",
)
def external_secret_store_missing(inventory: Inventory, ctx: Context) -> Hits:
    stores = {(each.ref.kind, _place(each)): None for each in inventory.of_kind("SecretStore", "ClusterSecretStore")}
    if not stores:
        return
    for resource, path, ref in _store_refs(inventory):
        kind = ref.kind or "SecretStore"
        namespace = resource.ref.namespace if kind == "SecretStore" else None
        if not ref.name or "{{" in ref.name or (kind, namespace) not in stores:
            continue
        if inventory.get(kind, namespace, ref.name) is None:
            message = f"there is no {kind} {ref.name!r}"
            yield Hit(message, path, resource=resource, confidence=Confidence.MEDIUM)


def _place(store: Resource) -> str | None:
    return store.ref.namespace if store.ref.kind == "SecretStore" else None


def _store_refs(inventory: Inventory) -> Iterator[tuple[Resource, Path, StoreRef]]:
    for resource in inventory.of_kind("ExternalSecret"):
        view: Any = resource.view
        yield resource, ("spec", "secretStoreRef"), view.spec.secret_store_ref
    for resource in inventory.of_kind("ClusterExternalSecret"):
        view = resource.view
        ref = view.spec.external_secret_spec.secret_store_ref
        if ref.kind == "ClusterSecretStore":
            yield resource, ("spec", "externalSecretSpec", "secretStoreRef"), ref
    for resource in inventory.of_kind("PushSecret"):
        pushed: PushSecret = resource.view  # type: ignore[assignment]
        for i, ref in numbered(pushed.spec.secret_store_refs):
            if ref.name:
                yield resource, ("spec", "secretStoreRefs", i), ref
