"""What widens the API server: custom kinds, aggregated APIs, priorities, and who is served first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.analysis.posture.rules.webhooks import external_host, has_injected_authority
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.admission import ApiService, CustomResourceDefinition
    from seawall.model.kube.policy import FlowSchema, PriorityClass
    from seawall.model.rule import Context

_CONVERSION = (
    "https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/"
)
_AGGREGATION = "https://kubernetes.io/docs/tasks/extend-kubernetes/setup-extension-api-server/"
_PRIORITY = "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/"
_FAIRNESS = "https://kubernetes.io/docs/concepts/cluster-administration/flow-control/"


@rule(
    "conversion-webhook-external",
    title="Custom objects are converted outside the cluster",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on="CustomResourceDefinition",
    why="Every object of the kind is sent to that address and comes back as it pleases: who controls the host rewrites "
    "them as they are read and stored.",
    remediation="Run the conversion webhook in the cluster and name its Service.",
    controls="mitre-attack:T1557 mitre-attack:T1565",
    references=(_CONVERSION,),
)
def conversion_webhook_external(definition: CustomResourceDefinition, ctx: Context) -> Hits:
    conversion = definition.spec.conversion
    old = conversion.webhook_client_config
    host = external_host(old.url if old is not None else conversion.webhook.client_config.url)
    if host:
        where = "webhookClientConfig" if old is not None else "webhook.clientConfig"
        yield Hit(f"objects of {definition.spec.group} are converted by {host}", f"spec.conversion.{where}.url")


@rule(
    "conversion-webhook-ca-bundle",
    title="Conversion webhook without an authority for its certificate",
    severity=Severity.LOW,
    scope=Scope.ADMISSION,
    on="CustomResourceDefinition",
    why="The API server then believes every authority that its system does, or cannot convert the objects at all.",
    remediation="Set caBundle, or let cert-manager do so by the annotation cert-manager.io/inject-ca-from.",
    controls="mitre-attack:T1557",
    references=(_CONVERSION,),
    default=False,
)
def conversion_webhook_ca_bundle(definition: CustomResourceDefinition, ctx: Context) -> Hits:
    conversion = definition.spec.conversion
    if conversion.strategy != "Webhook" or has_injected_authority(definition.metadata.annotations):
        return
    old = conversion.webhook_client_config
    if not (old or conversion.webhook.client_config).ca_bundle:
        where = "webhookClientConfig" if old is not None else "webhook.clientConfig"
        yield Hit("the conversion webhook has no caBundle", f"spec.conversion.{where}")


@rule(
    "api-service-insecure",
    title="Aggregated API whose server is not verified",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="APIService",
    why="The API server passes requests, with the names and groups of their users, to whoever answers: a pod that "
    "takes the address in reads them and answers as the API.",
    remediation="Remove insecureSkipTLSVerify and set caBundle.",
    controls="mitre-attack:T1557",
    references=(_AGGREGATION,),
)
def api_service_insecure(service: ApiService, ctx: Context) -> Hits:
    if service.spec.insecure_skip_tls_verify:
        message = f"the server of {service.spec.version}.{service.spec.group} is not verified"
        yield Hit(message, "spec.insecureSkipTLSVerify")


@rule(
    "priority-class-global-default",
    title="Every pod gets a priority that pushes out others",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="PriorityClass",
    why="Whoever may create pods takes room from those that are there already: the priority is given to all new pods.",
    remediation="Set globalDefault to false, or preemptionPolicy to Never.",
    controls="mitre-attack:T1499",
    references=(_PRIORITY,),
)
def priority_class_global_default(priority: PriorityClass, ctx: Context) -> Hits:
    if priority.global_default and priority.value > 0 and priority.preemption_policy != "Never":
        yield Hit(f"pods that name no class get the priority {priority.value}", "globalDefault")


@rule(
    "flow-schema-exempt",
    title="Requests that are never made to wait",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="FlowSchema",
    why="Requests of the exempt level are served however many there are: one client that goes wild, or is hijacked, "
    "takes the API server down.",
    remediation="Name another priority level, or make one with more seats.",
    controls="mitre-attack:T1499",
    references=(_FAIRNESS,),
    notes="The schemas that the API server makes itself are left out.",
)
def flow_schema_exempt(schema: FlowSchema, ctx: Context) -> Hits:
    own = "apf.kubernetes.io/autoupdate-spec" in schema.metadata.annotations
    if schema.spec.priority_level_configuration.get("name") == "exempt" and not own:
        who = ", ".join(_subjects(schema)) or "some clients"
        yield Hit(f"requests of {who} never wait", "spec.priorityLevelConfiguration.name")


def _subjects(schema: FlowSchema) -> list[str]:
    names = []
    for _, each in numbered(schema.spec.rules):
        subjects = each.get("subjects")
        for subject in subjects if isinstance(subjects, list) else []:
            names += _names(subject)
    return names[:3]


def _names(subject: Any) -> list[str]:
    if not isinstance(subject, dict):
        return []
    named = [subject.get(key) for key in ("user", "group", "serviceAccount")]
    return [str(each.get("name")) for each in named if isinstance(each, dict)]
