"""Namespaces and labels: bounds, and the conventions by which people find their way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.analysis.posture.indexes import namespace_of
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.resource import Inventory, Resource
    from seawall.model.rule import Context

_QUOTAS = "https://kubernetes.io/docs/concepts/policy/resource-quotas/"
_RANGES = "https://kubernetes.io/docs/concepts/policy/limit-range/"
_LABELS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"
_OWN_NAMESPACES = frozenset(("kube-system", "kube-public", "kube-node-lease", "default"))
_WORKLOADS = "Deployment StatefulSet DaemonSet CronJob"
_OWNER_KEY = r"(?i)(?:^|[/._-])(?:owner|team|contact|maintainer|squad|email)(?:$|[._-])"
_LABEL_VALUE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?\Z"
_RECOMMENDED = ("app.kubernetes.io/name", "app", "k8s-app")


def _without(inventory: Inventory, kind: str) -> list[Resource]:
    """The namespaces of which no object of a kind is known."""
    bounded = {namespace_of(each) for each in inventory.of_kind(kind)}
    named = [each for each in inventory.namespaces() if each.ref.name not in _OWN_NAMESPACES]
    return [each for each in named if each.ref.name not in bounded]


@rule(
    "resource-quota-missing",
    title="Namespace without a quota",
    severity=Severity.LOW,
    scope=Scope.NAMESPACE,
    on="inventory",
    why="Whoever may create pods there, or has hijacked a program that may, takes all of the cluster's room.",
    remediation="Add a ResourceQuota with requests, limits and counts of objects.",
    controls="mitre-attack:T1496 mitre-attack:T1499 nsa-cisa:resource-limits",
    aliases="KSV-0040",
    references=(_QUOTAS,),
    default=False,
)
def resource_quota_missing(inventory: Inventory, ctx: Context) -> Hits:
    for namespace in _without(inventory, "ResourceQuota"):
        yield Hit("no quota bounds the namespace", resource=namespace)


@rule(
    "limit-range-missing",
    title="Namespace without defaults for limits",
    severity=Severity.LOW,
    scope=Scope.NAMESPACE,
    on="inventory",
    why="A container that names no limit has none: one that is hijacked takes the whole node.",
    remediation="Add a LimitRange with defaults for containers.",
    controls="mitre-attack:T1496 mitre-attack:T1499 nsa-cisa:resource-limits",
    aliases="KSV-0039",
    references=(_RANGES,),
    default=False,
)
def limit_range_missing(inventory: Inventory, ctx: Context) -> Hits:
    for namespace in _without(inventory, "LimitRange"):
        yield Hit("no LimitRange gives containers limits", resource=namespace)


@rule(
    "recommended-labels",
    title="Workload without a label for its program",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on=_WORKLOADS,
    why="Alerts, policies and people cannot tell what the workload is.",
    remediation="Set the label app.kubernetes.io/name, and the others that Kubernetes recommends.",
    aliases="C-0077 kyverno:require-labels",
    references=(_LABELS,),
    default=False,
    notes="app and k8s-app count too.",
)
def recommended_labels(view: object, ctx: Context) -> Hits:
    labels = ctx.resource.metadata.labels
    if not any(key in labels for key in _RECOMMENDED):
        yield Hit("no label tells the program", "metadata.labels")


@rule(
    "owner-unknown",
    title="Workload that does not say whose it is",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on=_WORKLOADS,
    why="When an alert comes, nobody knows whom to ask, and an attacker has the more time.",
    remediation="Set a label or an annotation with the owner, the team or an address.",
    aliases="C-0076 kube-linter:required-label-owner kube-linter:required-annotation-email kyverno:require-annotations",
    references=(_LABELS,),
    default=False,
    notes="Keys that have owner, team, contact, maintainer, squad or email as a word count.",
)
def owner_unknown(view: object, ctx: Context) -> Hits:
    metadata = ctx.resource.metadata
    if not any(re.search(_OWNER_KEY, key) for key in (*metadata.labels, *metadata.annotations)):
        yield Hit("neither a label nor an annotation tells the owner", "metadata.labels")


@rule(
    "label-value",
    title="Label with a value that the API server refuses",
    severity=Severity.INFO,
    scope=Scope.MANIFEST,
    on="object",
    why="The object is not created or updated, a policy among them, though the manifest looks as if it were.",
    remediation="Use at most 63 letters, digits, dashes, dots and underscores, beginning and ending with a letter or a "
    "digit.",
    aliases="kube-linter:label-values",
    references=("https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/",),
    default=False,
)
def label_value(resource: Resource, ctx: Context) -> Hits:
    for key, value in resource.metadata.labels.items():
        if not re.match(_LABEL_VALUE, value):
            yield Hit(f"the label {key} has the value {value[:80]!r}", ("metadata", "labels", key))
