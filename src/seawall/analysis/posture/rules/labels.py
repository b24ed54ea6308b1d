"""Labels and annotations: the conventions by which people, alerts and policies find their way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.resource import Resource
    from seawall.model.rule import Context

_LABELS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"
_WORKLOADS = "Deployment StatefulSet DaemonSet CronJob"
_OWNER_KEY = r"(?i)(?:^|[/._-])(?:owner|team|contact|maintainer|squad|email)(?:$|[._-])"
_LABEL_VALUE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?\Z"
_RECOMMENDED = ("app.kubernetes.io/name", "app", "k8s-app")


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
    aliases="kube-score:label-values",
    references=("https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/",),
    default=False,
)
def label_value(resource: Resource, ctx: Context) -> Hits:
    for key, value in resource.metadata.labels.items():
        if not re.match(_LABEL_VALUE, value):
            yield Hit(f"the label {key} has the value {value[:80]!r}", ("metadata", "labels", key))
