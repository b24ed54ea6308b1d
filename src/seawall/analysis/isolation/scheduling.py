"""Which nodes take which pods, as the scheduler and the DaemonSet controller decide it.

Source: Kubernetes' component-helpers (nodeaffinity, corev1.FindMatchingUntoleratedTaint) and the documentation of
taints, tolerations and node affinity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from seawall.model.kube.node import Taint
from seawall.model.kube.pod import Toleration

HARD = ("NoSchedule", "NoExecute")
UNSCHEDULABLE = Taint("node.kubernetes.io/unschedulable", "", "NoSchedule")
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
#: Taints that the cluster sets by itself, for a while: no pool is made of them.
_OF_THE_SYSTEM = ("node.kubernetes.io/",
    "node.alpha.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "ToBeDeletedByClusterAutoscaler",
                  "DeletionCandidateOfClusterAutoscaler", "karpenter.sh/disrupt")  # fmt: skip
#: What the controller lets every pod of a DaemonSet tolerate.
OF_DAEMON_SETS = (
    Toleration(key="node.kubernetes.io/not-ready", operator="Exists", effect="NoExecute"),
    Toleration(key="node.kubernetes.io/unreachable", operator="Exists", effect="NoExecute"),
    *(
        Toleration(key=f"node.kubernetes.io/{name}", operator="Exists", effect="NoSchedule")
        for name in ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable", "network-unavailable")
    ),
)
Terms = tuple[dict[str, Any], ...]


class Demand(Struct, frozen=True):
    """What pods ask of nodes: labels, required affinity (None: none, else one of the terms), taints they tolerate."""

    selector: dict[str, str] = {}
    terms: Terms | None = None
    tolerations: tuple[Toleration, ...] = ()

    @property
    def is_pinned(self) -> bool:
        """Whether it asks for any label of nodes."""
        return bool(self.selector) or self.terms is not None

    def label_keys(self) -> set[str]:
        """The labels of nodes that it asks for."""
        found = set(self.selector)
        for term in self.terms or ():
            found.update(str(each.get("key")) for each in dicts(term.get("matchExpressions")))
        return found


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether a toleration is for a taint."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    return bool(toleration.key) and toleration.operator in ("", "Equal") and toleration.value == taint.value


def is_wildcard(toleration: Toleration) -> bool:
    """Whether it tolerates every taint that keeps pods off."""
    return not toleration.key and toleration.operator == "Exists" and toleration.effect in ("", "NoSchedule")


def kept_off(tolerations: Iterable[Toleration], taints: Iterable[Taint]) -> Taint | None:
    """The first hard taint that is not tolerated, or None."""
    listed = tuple(tolerations)
    for taint in taints:
        if taint.effect in HARD and not any(tolerates(each, taint) for each in listed):
            return taint
    return None


def selects(demand: Demand, name: str, labels: Mapping[str, str]) -> bool:
    """Whether a node of that name and labels has what the pods ask for, taints aside."""
    if any(labels.get(key) != value for key, value in demand.selector.items()):
        return False
    return demand.terms is None or any_term(demand.terms, name, labels)


def takes(demand: Demand, name: str, labels: Mapping[str, str], taints: Iterable[Taint]) -> bool:
    """Whether the scheduler may put the pods there, room aside."""
    return selects(demand, name, labels) and kept_off(demand.tolerations, taints) is None


def any_term(terms: Terms, name: str, labels: Mapping[str, str]) -> bool:
    """Whether a node has what one of the terms asks for."""
    return any(_term(term, name, labels) for term in terms)


def _term(term: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> bool:
    """A term without any expression selects nothing."""
    expressions, fields = dicts(term.get("matchExpressions")), dicts(term.get("matchFields"))
    if not expressions and not fields:
        return False
    return all(_expression(each, labels) for each in expressions) and all(
        each.get("key") == "metadata.name" and _expression(each, {"metadata.name": name}) for each in fields
    )


def _expression(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = str(expression.get("key")), expression.get("operator"), expression.get("values")
    values = values if isinstance(values, list) else []
    value = labels.get(key)
    if operator == "In":
        return value is not None and value in values
    if operator == "NotIn":
        return value not in values
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    return operator in ("Gt", "Lt") and len(values) == 1 and _compared(operator, value, values[0])


def _compared(operator: str, value: str | None, bound: object) -> bool:
    try:
        own, limit = int(str(value)), int(str(bound))
    except ValueError:
        return False
    return own > limit if operator == "Gt" else own < limit


def dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list | tuple) else []


def terms_of(required: Any) -> Terms | None:
    """The terms of a required node affinity (of pods) or of a volume's; None where there is none."""
    terms = required.get("nodeSelectorTerms") if isinstance(required, dict) else None
    return tuple(dicts(terms)) if isinstance(terms, list) else None


def affinity_terms(affinity: Mapping[str, Any]) -> Terms | None:
    """The required terms of a pod's affinity to nodes."""
    node = affinity.get("nodeAffinity")
    return terms_of(node.get("requiredDuringSchedulingIgnoredDuringExecution")) if isinstance(node, dict) else None


def is_of_the_system(key: str) -> bool:
    """Whether a taint is one that the cluster sets by itself."""
    return key.startswith(_OF_THE_SYSTEM)


def is_dedicating(taint: Taint) -> bool:
    """Whether a taint keeps nodes for somebody: neither the system's nor the control plane's."""
    return not is_of_the_system(taint.key) and taint.key not in CONTROL_PLANE
