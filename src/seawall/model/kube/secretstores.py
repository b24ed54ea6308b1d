"""Secrets that are kept elsewhere or encrypted: Sealed Secrets, External Secrets, the Secrets Store CSI driver."""

from __future__ import annotations

from typing import Any

from seawall.model.kube.base import KubeObject, View


class SecretStoreSpec(View, frozen=True):
    """An outside store, and (for a ClusterSecretStore) the namespaces that may use it."""

    provider: dict[str, Any] = {}
    conditions: tuple[dict[str, Any], ...] = ()


class SecretStore(KubeObject, frozen=True):
    """A SecretStore or ClusterSecretStore of External Secrets."""

    spec: SecretStoreSpec = SecretStoreSpec()


class StoreRef(View, frozen=True):
    """Which store; ``SecretStore`` where the kind is not said."""

    name: str = ""
    kind: str = ""


class ExternalSecretTemplate(View, frozen=True):
    """What the Secret is made of besides what the store gives."""

    data: dict[str, Any] = {}


class ExternalSecretTarget(View, frozen=True):
    """The Secret that is made."""

    name: str = ""
    creation_policy: str = ""
    deletion_policy: str = ""
    template: ExternalSecretTemplate = ExternalSecretTemplate()


class ExternalSecretSpec(View, frozen=True):
    """What is taken from which store, and how often (a Go duration)."""

    secret_store_ref: StoreRef = StoreRef()
    target: ExternalSecretTarget = ExternalSecretTarget()
    refresh_interval: str | int | float = ""
    refresh_policy: str = ""
    data: tuple[dict[str, Any], ...] = ()
    data_from: tuple[dict[str, Any], ...] = ()


class ExternalSecret(KubeObject, frozen=True):
    """An ExternalSecret."""

    spec: ExternalSecretSpec = ExternalSecretSpec()


class ClusterExternalSecretSpec(View, frozen=True):
    """An ExternalSecret, and the namespaces in which it is made."""

    external_secret_spec: ExternalSecretSpec = ExternalSecretSpec()
    namespace_selector: dict[str, Any] | None = None
    namespace_selectors: tuple[dict[str, Any], ...] = ()


class ClusterExternalSecret(KubeObject, frozen=True):
    """A ClusterExternalSecret."""

    spec: ClusterExternalSecretSpec = ClusterExternalSecretSpec()


class PushSecretSpec(View, frozen=True):
    """The stores that a Secret is written to."""

    secret_store_refs: tuple[StoreRef, ...] = ()


class PushSecret(KubeObject, frozen=True):
    """A PushSecret of External Secrets."""

    spec: PushSecretSpec = PushSecretSpec()


class SealedTemplate(View, frozen=True):
    """What the unsealed Secret is made of besides the sealed values."""

    data: dict[str, Any] = {}
    string_data: dict[str, Any] = {}


class SealedSecretSpec(View, frozen=True):
    """Sealed values by key; ``data`` is the older form, all keys sealed together."""

    encrypted_data: dict[str, Any] = {}
    data: Any = None
    string_data: Any = None
    template: SealedTemplate = SealedTemplate()


class SealedSecret(KubeObject, frozen=True):
    """A SealedSecret of Bitnami's controller; ``data`` and ``string_data`` do not belong there."""

    spec: SealedSecretSpec = SealedSecretSpec()
    data: dict[str, Any] = {}
    string_data: dict[str, Any] = {}


class SecretProviderClassSpec(View, frozen=True):
    """What the driver fetches through which provider, and the Secrets that it copies it into."""

    provider: str = ""
    parameters: dict[str, Any] = {}
    secret_objects: tuple[dict[str, Any], ...] = ()


class SecretProviderClass(KubeObject, frozen=True):
    """A SecretProviderClass of the Secrets Store CSI driver."""

    spec: SecretProviderClassSpec = SecretProviderClassSpec()
