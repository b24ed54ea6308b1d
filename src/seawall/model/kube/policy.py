"""Disruption budgets, autoscalers, priorities: who is evicted, scaled or served first."""

from __future__ import annotations

from typing import Any

from seawall.model.kube.base import IntOrString, KubeObject, LabelSelector, View


class BudgetSpec(View, frozen=True):
    """How many of the selected pods may be away at once."""

    selector: LabelSelector | None = None
    min_available: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    unhealthy_pod_eviction_policy: str = ""


class PodDisruptionBudget(KubeObject, frozen=True):
    """A bound on evictions."""

    spec: BudgetSpec = BudgetSpec()


class ScaleTarget(View, frozen=True):
    """The workload that is scaled."""

    api_version: str = ""
    kind: str = ""
    name: str = ""


class AutoscalerSpec(View, frozen=True):
    """What is scaled, and between which numbers; ``min_replicas`` None is 1."""

    scale_target_ref: ScaleTarget = ScaleTarget()
    min_replicas: int | None = None
    max_replicas: int = 0


class HorizontalPodAutoscaler(KubeObject, frozen=True):
    """An autoscaler of replicas."""

    spec: AutoscalerSpec = AutoscalerSpec()


class PriorityClass(KubeObject, frozen=True):
    """A priority of pods."""

    value: int = 0
    global_default: bool = False
    preemption_policy: str = ""


class FlowSchemaSpec(View, frozen=True):
    """Whose requests are served at which priority level."""

    priority_level_configuration: dict[str, Any] = {}
    rules: tuple[dict[str, Any], ...] = ()


class FlowSchema(KubeObject, frozen=True):
    """How the API server queues requests."""

    spec: FlowSchemaSpec = FlowSchemaSpec()


class MonitorSpec(View, frozen=True):
    """Which services are scraped; ``namespace_selector`` None is the monitor's own namespace."""

    selector: LabelSelector = LabelSelector()
    namespace_selector: dict[str, Any] | None = None


class ServiceMonitor(KubeObject, frozen=True):
    """What Prometheus scrapes."""

    spec: MonitorSpec = MonitorSpec()
