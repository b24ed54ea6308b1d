"""Nodes and runtime classes. Source: the Kubernetes API reference, core/v1 and node.k8s.io/v1."""

from __future__ import annotations

from msgspec import field

from seawall.model.kube.base import KubeObject, Quantity, View
from seawall.model.kube.pod import Toleration


class Taint(View, frozen=True):
    """What keeps pods off a node that do not tolerate it."""

    key: str = ""
    value: str = ""
    effect: str = ""

    def __str__(self) -> str:
        return f"{self.key}{f'={self.value}' if self.value else ''}:{self.effect}"


class NodeSpec(View, frozen=True):
    """How a node takes pods."""

    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False


class NodeStatus(View, frozen=True):
    """What a node offers; ``allocatable`` is what pods may have of it."""

    capacity: dict[str, Quantity] = {}
    allocatable: dict[str, Quantity] = {}


_NO_SPEC, _NO_STATUS = NodeSpec(), NodeStatus()


class Node(KubeObject, frozen=True):
    """A machine that pods run on."""

    spec: NodeSpec = _NO_SPEC
    status: NodeStatus = _NO_STATUS


class RuntimeScheduling(View, frozen=True):
    """Which nodes have a runtime, and the taints that its pods tolerate."""

    node_selector: dict[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()


class RuntimeOverhead(View, frozen=True):
    """What a sandbox itself takes, beside the containers in it."""

    pod_fixed: dict[str, Quantity] = field(default={}, name="podFixed")


class RuntimeClass(KubeObject, frozen=True):
    """A container runtime by the name that pods ask for it; ``handler`` is what the node's runtime calls it."""

    handler: str = ""
    scheduling: RuntimeScheduling = RuntimeScheduling()
    overhead: RuntimeOverhead = RuntimeOverhead()
