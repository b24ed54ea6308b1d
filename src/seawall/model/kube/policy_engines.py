"""Kyverno's policies and exceptions."""

from __future__ import annotations

from typing import Any

from seawall.model.kube.base import KubeObject, View


class KyvernoPolicySpec(View, frozen=True):
    """Rules, and what becomes of objects that break them (empty: Audit, and Fail)."""

    validation_failure_action: str = ""
    failure_policy: str = ""
    rules: tuple[dict[str, Any], ...] = ()


class KyvernoPolicy(KubeObject, frozen=True):
    """A ClusterPolicy or Policy of kyverno.io."""

    spec: KyvernoPolicySpec = KyvernoPolicySpec()


class KyvernoExceptionSpec(View, frozen=True):
    """Which objects are free of which policies."""

    match: dict[str, Any] = {}
    exceptions: tuple[dict[str, Any], ...] = ()


class KyvernoException(KubeObject, frozen=True):
    """A PolicyException of kyverno.io."""

    spec: KyvernoExceptionSpec = KyvernoExceptionSpec()
