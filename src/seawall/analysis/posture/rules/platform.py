"""Programs of the platform by their images: what is past its end, or does not do what others count on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.indexes import pods_by_label
from seawall.analysis.posture.picks import has_known_image
from seawall.model.finding import Severity
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

#: Images of programs that run beside others.
_SIDECARS = frozenset(
    (
        "cloud-sql-proxy",
        "cloudsql-proxy",
        "envoy",
        "filebeat",
        "fluent-bit",
        "fluentd",
        "istio-proxy",
        "linkerd-proxy",
        "oauth2-proxy",
        "otel-collector",
        "promtail",
        "vault-agent",
    )
)


@rule(
    "ingress-nginx-retired",
    title="Ingress controller that gets no more fixes",
    severity=Severity.MEDIUM,
    scope=Scope.INGRESS,
    on="container",
    why="ingress-nginx was retired in March 2026: holes that are found in it stay open, and it faces the Internet with "
    "the right to read every Secret.",
    remediation="Move to the Gateway API, or to a controller that is kept up.",
    controls="mitre-attack:T1190",
    aliases="C-0292",
    references=("https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/",),
    when=has_known_image,
)
def ingress_nginx_retired(c: Container, ctx: Context) -> Hits:
    if "ingress-nginx/controller" in c.image:
        yield Hit(f"container {c.name!r} runs {c.image!r}", "image")


@rule(
    "mesh-namespace-without-authorization",
    title="Namespace of the mesh without an authorization policy",
    severity=Severity.LOW,
    scope=Scope.MESH,
    on="inventory",
    why="Every workload of the mesh may call every service there: identity is checked, and then nothing is made of it.",
    remediation="Add an AuthorizationPolicy that allows nothing (spec: {}), and others for the callers that there are.",
    controls="mitre-attack:T1046",
    aliases="kyverno:require-authorizationpolicies",
    references=("https://istio.io/latest/docs/ops/best-practices/security/#use-default-deny-patterns",),
    default=False,
    notes="Judged for namespaces with workloads that are labelled for Istio.",
)
def mesh_namespace_without_authorization(inventory: Inventory, ctx: Context) -> Hits:
    guarded = {namespace_of(policy) for policy in inventory.of_kind("AuthorizationPolicy")}
    for namespace in inventory.namespaces():
        labels, name = namespace.metadata.labels, namespace.ref.name
        meshed = (
            labels.get("istio-injection") == "enabled"
            or "istio.io/rev" in labels
            or labels.get("istio.io/dataplane-mode") == "ambient"
        )
        if meshed and name not in guarded and name in ctx.once(pods_by_label):
            yield Hit("no policy says who may call the services", resource=namespace)


@rule(
    "job-with-lasting-sidecar",
    title="Job with a sidecar that never ends",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="container",
    why="The job does not finish while the sidecar runs: its pods stay with their rights, and runs pile up.",
    remediation="Make it an init container with restartPolicy: Always, which ends with the others.",
    references=("https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",),
    since="1.29",
    default=False,
    notes="Told by the names of well-known sidecars.",
)
def job_with_lasting_sidecar(c: Container, ctx: Context) -> Hits:
    if c.name in _SIDECARS and ctx.field == "containers" and ctx.resource.kind.name in ("Job", "CronJob"):
        yield Hit(f"the sidecar {c.name!r} keeps the job from finishing", "name")
