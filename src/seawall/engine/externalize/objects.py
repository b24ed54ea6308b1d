"""The objects that take a Secret's place, by the kind and the provider that are asked for.

How each provider names what it keeps, and takes it out again, is that of the External Secrets operator
(external-secrets.io/v1) and of the providers of the Secrets Store CSI driver (secrets-store.csi.x-k8s.io/v1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

EXTERNAL_SECRET, PROVIDER_CLASS = "ExternalSecret", "SecretProviderClass"
KINDS = (EXTERNAL_SECRET, PROVIDER_CLASS)
#: What each provider is called on the command line, in a store of External Secrets, and by the CSI driver.
PROVIDERS = {
    "vault": ("vault", "vault"),
    "aws": ("aws", "aws"),
    "gcp": ("gcpsm", "gcp"),
    "azure": ("azurekv", "azure"),
}
#: Parameters of a SecretProviderClass that nobody but the person who asks can know.
REQUIRED = {"vault": ("roleName",), "aws": (), "gcp": ("project",), "azure": ("keyvaultName", "tenantId")}
#: Those that keep each key by itself; the others keep one JSON object a Secret.
_SINGLE = frozenset(("gcp", "azure"))
#: The one that keeps bytes; the others keep text.
KEEPS_BYTES = "gcp"
OPAQUE = "Opaque"


class Source(Struct, frozen=True):
    """Where a value stands in the manifest: the file, an expression of yq that picks the object there, and the path in
    it; ``encoded`` is base64."""

    file: str
    select: str
    path: str
    encoded: bool


class Key(Struct, frozen=True):
    """A value that moves: its key in the Secret, the name under which the store keeps it (and the property there,
    empty where it is all that is kept), whether it is kept as base64, being no text, and where it stands now."""

    name: str
    remote: str
    property: str
    binary: bool
    source: Source


class Moved(Struct, frozen=True):
    """A Secret whose values move into the store: one that was there, or (``made``) one for literals of a workload."""

    name: str
    namespace: str | None
    keys: tuple[Key, ...]
    type: str = OPAQUE
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    immutable: bool = False
    made: bool = False

    def __str__(self) -> str:
        return f"Secret {f'{self.namespace}/' if self.namespace else ''}{self.name}"


def remote_name(provider: str, folder: str, key: str, taken: set[str]) -> tuple[str, str]:
    """Under which name a provider keeps a key of a Secret, and as which property of it.

    ``folder`` is what is the Secret's own: its namespace and name. Names that clash get a number.
    """
    if provider not in _SINGLE:
        return folder, key
    plain = re.sub(r"[^A-Za-z0-9-]+", "-", f"{folder}-{key}").strip("-")[:120] or "secret"
    name, number = plain, 2
    while name in taken:
        name, number = f"{plain}-{number}", number + 1
    taken.add(name)
    return name, ""


def external_secret(moved: Moved, store_kind: str, store: str) -> dict[str, Any]:
    """The ExternalSecret that makes the Secret out of what the store has."""
    target: dict[str, Any] = {"name": moved.name, "creationPolicy": "Owner"}
    if moved.immutable:
        target["immutable"] = True
    template: dict[str, Any] = {} if moved.type == OPAQUE else {"type": moved.type}
    metadata = {
        name: dict(values) for name, values in (("labels", moved.labels), ("annotations", moved.annotations)) if values
    }
    if metadata:
        template["metadata"] = metadata
    if template:
        target["template"] = template
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": EXTERNAL_SECRET,
        "metadata": _metadata(moved),
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": store_kind, "name": store},
            "target": target,
            "data": [{"secretKey": key.name, "remoteRef": _remote(key)} for key in moved.keys],
        },
    }


def _remote(key: Key) -> dict[str, str]:
    found = {"key": key.remote}
    if key.property:
        found["property"] = key.property
    if key.binary:
        found["decodingStrategy"] = "Base64"
    return found


def _metadata(moved: Moved) -> dict[str, Any]:
    found: dict[str, Any] = {"name": moved.name}
    if moved.namespace:
        found["namespace"] = moved.namespace
    return found


def provider_class(moved: Moved, provider: str, parameters: Mapping[str, str], synced: bool) -> dict[str, Any]:
    """The SecretProviderClass by which pods mount the values; ``synced`` also makes the Secret while one does."""
    spec: dict[str, Any] = {
        "provider": PROVIDERS[provider][1],
        "parameters": _PARAMETERS[provider](moved, dict(parameters)),
    }
    if synced:
        data = [{"objectName": key.name, "key": key.name} for key in moved.keys]
        spec["secretObjects"] = [{"secretName": moved.name, "type": moved.type, "data": data}]
    return {
        "apiVersion": "secrets-store.csi.x-k8s.io/v1",
        "kind": PROVIDER_CLASS,
        "metadata": _metadata(moved),
        "spec": spec,
    }


def _lines(items: list[dict[str, Any]]) -> str:
    """A list of objects as the text that a parameter is; JSON is YAML."""
    return "".join(f"- {json.dumps(item)}\n" for item in items)


def _vault(moved: Moved, parameters: dict[str, str]) -> dict[str, str]:
    items = [
        {"objectName": key.name, "secretPath": f"secret/data/{key.remote}", "secretKey": key.property}
        | ({"encoding": "base64"} if key.binary else {})
        for key in moved.keys
    ]
    return {**parameters, "objects": _lines(items)}


def _aws(moved: Moved, parameters: dict[str, str]) -> dict[str, str]:
    picks = [{"path": json.dumps(key.property), "objectAlias": key.name} for key in moved.keys]
    item = {"objectName": moved.keys[0].remote, "objectType": "secretsmanager", "jmesPath": picks}
    return {**parameters, "objects": _lines([item])}


def _gcp(moved: Moved, parameters: dict[str, str]) -> dict[str, str]:
    project = parameters.pop("project")
    items = [
        {"resourceName": f"projects/{project}/secrets/{key.remote}/versions/latest", "path": key.name}
        for key in moved.keys
    ]
    return {**parameters, "secrets": _lines(items)}


def _azure(moved: Moved, parameters: dict[str, str]) -> dict[str, str]:
    items = [
        {"objectName": key.remote, "objectType": "secret", "objectAlias": key.name}
        | ({"objectEncoding": "base64"} if key.binary else {})
        for key in moved.keys
    ]
    array = "array:\n" + "".join(f"- |\n  {json.dumps(item)}\n" for item in items)
    return {**parameters, "objects": array}


_PARAMETERS = {"vault": _vault, "aws": _aws, "gcp": _gcp, "azure": _azure}
