"""Namespaces, configuration, accounts and quotas."""

from __future__ import annotations

from typing import Any

from seawall.model.kube.base import KubeObject, View


class Namespace(KubeObject, frozen=True):
    """A namespace; what matters is in its labels."""


class ConfigMap(KubeObject, frozen=True):
    """Plain configuration."""

    data: dict[str, str] = {}
    binary_data: dict[str, Any] = {}
    immutable: bool | None = None


class Secret(KubeObject, frozen=True):
    """A secret; values stay in the raw object, only keys are told here."""

    type: str = ""
    data: dict[str, Any] = {}
    string_data: dict[str, Any] = {}
    immutable: bool | None = None


class ServiceAccount(KubeObject, frozen=True):
    """An identity of workloads."""

    automount_service_account_token: bool | None = None
    image_pull_secrets: tuple[dict[str, Any], ...] = ()


class QuotaSpec(View, frozen=True):
    """Hard limits by resource."""

    hard: dict[str, Any] = {}


class ResourceQuota(KubeObject, frozen=True):
    """What a namespace may use in all."""

    spec: QuotaSpec = QuotaSpec()


class LimitRangeSpec(View, frozen=True):
    """Defaults and bounds of containers."""

    limits: tuple[dict[str, Any], ...] = ()


class LimitRange(KubeObject, frozen=True):
    """Bounds and defaults for a namespace's containers."""

    spec: LimitRangeSpec = LimitRangeSpec()
