"""Admission: webhooks and policies that guard the cluster, and how they are got round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from seawall.analysis.posture.indexes import view_of
from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.admission import (
        AdmissionPolicy,
        AdmissionPolicyBinding,
        Webhook,
        WebhookConfiguration,
        WebhookRule,
    )
    from seawall.model.kube.base import LabelSelector
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_WEBHOOKS = "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/"
_GOOD_PRACTICE = "https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/"
_POLICIES = "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/"
_BOTH = "ValidatingWebhookConfiguration MutatingWebhookConfiguration"
_NAME_LABEL = "kubernetes.io/metadata.name"

#: Names of programs that guard a cluster by a webhook.
_GUARDS = (
    r"gatekeeper|kyverno|opa\b|polic|security|sigstore|cosign|connaisseur|notary|ratify|kubewarden|trivy|neuvector|aqua"
    r"|twistlock|prisma|sysdig|falco|datree|polaris|k-rail|portieris|kritis|binauthz|binary-authorization|image-?verif"
)


@lru_cache(maxsize=1024)
def _is_guard(name: str) -> bool:
    return re.search(_GUARDS, name.lower()) is not None


def _guards(config: WebhookConfiguration, hook: Webhook) -> bool:
    """Whether a webhook is there for security, by its name or its configuration's."""
    return _is_guard(hook.name) or _is_guard(config.metadata.name)


@rule(
    "webhook-fails-open",
    title="Security webhook lets objects pass when it fails",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on=_BOTH,
    why="An attacker who overloads the webhook, stops its pods or keeps the API server from it, has what it forbids "
    "admitted.",
    remediation="Set failurePolicy to Fail, run several replicas, and leave out the namespaces that the webhook itself "
    "needs.",
    controls="mitre-attack:T1562.001",
    references=(_WEBHOOKS, _GOOD_PRACTICE),
    notes="Webhooks are taken for security's by their names (gatekeeper, kyverno, policy, sigstore and others).",
)
def webhook_fails_open(config: WebhookConfiguration, ctx: Context) -> Hits:
    for i, hook in numbered(config.webhooks):
        beta = ctx.resource.ref.api_version.endswith("/v1beta1")
        if (hook.failure_policy == "Ignore" or (beta and not hook.failure_policy)) and _guards(config, hook):
            yield Hit(f"the webhook {hook.name} is passed over when it fails", f"webhooks[{i}].failurePolicy")


@rule(
    "webhook-blocks-system",
    title="Webhook that can lock the cluster",
    severity=Severity.LOW,
    scope=Scope.ADMISSION,
    on=_BOTH,
    why="When the webhook fails, pods of kube-system cannot be made either, those that the webhook or the network "
    "needs among them: a small fault, or an attack on one pod, stops the cluster.",
    remediation="Leave kube-system out by a namespaceSelector on kubernetes.io/metadata.name.",
    controls="mitre-attack:T1499",
    references=(_GOOD_PRACTICE,),
    notes="Judged for webhooks that judge pods and fail closed.",
)
def webhook_blocks_system(config: WebhookConfiguration, ctx: Context) -> Hits:
    for i, hook in numbered(config.webhooks):
        closed = hook.failure_policy in ("", "Fail") and not ctx.resource.ref.api_version.endswith("/v1beta1")
        pods = any(_matches(each, "", "pods") for each in hook.rules)
        if closed and pods and hook.object_selector.is_empty and _takes_in_system(hook.namespace_selector):
            yield Hit(f"the webhook {hook.name} judges pods of kube-system too", f"webhooks[{i}].namespaceSelector")


def _takes_in_system(selector: LabelSelector) -> bool:
    """Whether kube-system is selected, as far as the label that every namespace has tells."""
    if selector.match_labels.get(_NAME_LABEL, "kube-system") != "kube-system":
        return False
    if any(key != _NAME_LABEL for key in selector.match_labels):
        return False
    for expression in selector.match_expressions:
        operator, values = expression.get("operator"), expression.get("values")
        values = values if isinstance(values, list) else []
        if expression.get("key") != _NAME_LABEL:
            if operator in ("In", "Exists"):
                return False
        elif (operator == "NotIn" and "kube-system" in values) or (operator == "In" and "kube-system" not in values):
            return False
    return True


def _matches(each: WebhookRule, group: str, resource: str) -> bool:
    groups = "*" in each.api_groups or group in each.api_groups
    creates = any(operation in ("*", "CREATE") for operation in each.operations)
    return groups and creates and any(name in ("*", "*/*", resource) for name in each.resources)


@rule(
    "webhook-external-url",
    title="Webhook outside the cluster",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on=_BOTH,
    why="Each object that matches is sent to that address, and a mutating webhook sends changes back: who controls the "
    "host, or its name, reads what is deployed and may put code into it.",
    remediation="Run the webhook in the cluster and name its Service.",
    controls="mitre-attack:T1546 mitre-attack:T1557",
    aliases="C-0036 C-0039",
    references=(f"{_WEBHOOKS}#contacting-the-webhook",),
)
def webhook_external_url(config: WebhookConfiguration, ctx: Context) -> Hits:
    for i, hook in numbered(config.webhooks):
        host = external_host(hook.client_config.url)
        if host:
            yield Hit(f"the webhook {hook.name} is at {host}", f"webhooks[{i}].clientConfig.url")


def external_host(url: str) -> str:
    """The host of a URL that leads out of the cluster and of the node; empty for others."""
    if not url:
        return ""
    from urllib.parse import urlsplit

    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return url
    inside = host.endswith((".svc", ".svc.cluster.local")) or host in ("localhost", "127.0.0.1", "::1")
    return "" if inside else host


@rule(
    "webhook-sees-everything",
    title="Webhook that is asked about every object",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on=_BOTH,
    why="The webhook is shown Secrets and tokens with everything else, and one that mutates may change any object: who "
    "gets into its pods has the cluster.",
    remediation="List the API groups and resources that it judges.",
    controls="mitre-attack:T1546 mitre-attack:T1552.007",
    aliases="C-0036 C-0039",
    references=(f"{_GOOD_PRACTICE}#webhook-scope",),
    notes="Low for validating webhooks, which change nothing.",
)
def webhook_sees_everything(config: WebhookConfiguration, ctx: Context) -> Hits:
    severity = Severity.LOW if ctx.resource.kind.name.startswith("Validating") else None
    for i, hook in numbered(config.webhooks):
        for j, each in numbered(hook.rules):
            if "*" in each.api_groups and any(name in ("*", "*/*") for name in each.resources):
                message = f"the webhook {hook.name} is asked about every object"
                yield Hit(message, f"webhooks[{i}].rules[{j}].resources", severity=severity)
                break


@rule(
    "webhook-exact-version",
    title="Security webhook that other API versions pass by",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on=_BOTH,
    why="With matchPolicy Exact the webhook is asked only about the versions that it lists: an attacker sends the same "
    "object in another.",
    remediation="Remove matchPolicy, or set it to Equivalent.",
    controls="mitre-attack:T1562.001",
    references=(f"{_WEBHOOKS}#matching-requests-matchpolicy",),
)
def webhook_exact_version(config: WebhookConfiguration, ctx: Context) -> Hits:
    for i, hook in numbered(config.webhooks):
        every = all("*" in each.api_versions for each in hook.rules)
        if hook.match_policy == "Exact" and not every and _guards(config, hook):
            yield Hit(f"the webhook {hook.name} judges the listed versions only", f"webhooks[{i}].matchPolicy")


@rule(
    "webhook-opt-out",
    title="Security webhook that a label switches off",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on=_BOTH,
    why="The label is on the object itself: whoever creates the pod decides whether it is judged.",
    remediation="Select by namespace, whose labels users may not change, instead of by the object's own labels.",
    controls="mitre-attack:T1562.001",
    references=(f"{_WEBHOOKS}#matching-requests-objectselector",),
)
def webhook_opt_out(config: WebhookConfiguration, ctx: Context) -> Hits:
    for i, hook in numbered(config.webhooks):
        if not hook.object_selector.is_empty and _guards(config, hook):
            labels = [*hook.object_selector.match_labels, *_keys(hook.object_selector)]
            message = f"the webhook {hook.name} goes by the object's own label {', '.join(labels)}"
            yield Hit(message, f"webhooks[{i}].objectSelector", confidence=Confidence.MEDIUM)


def _keys(selector: LabelSelector) -> Iterator[str]:
    for expression in selector.match_expressions:
        yield str(expression.get("key"))


@rule(
    "webhook-ca-bundle",
    title="Webhook without an authority for its certificate",
    severity=Severity.LOW,
    scope=Scope.ADMISSION,
    on=_BOTH,
    why="The API server then believes every authority that its system does, or cannot reach the webhook at all.",
    remediation="Set caBundle, or let cert-manager do so by the annotation cert-manager.io/inject-ca-from.",
    controls="mitre-attack:T1557",
    references=(f"{_WEBHOOKS}#contacting-the-webhook",),
    default=False,
    notes="Annotations by which cert-manager or OpenShift fill the field in count.",
)
def webhook_ca_bundle(config: WebhookConfiguration, ctx: Context) -> Hits:
    if has_injected_authority(config.metadata.annotations):
        return
    for i, hook in numbered(config.webhooks):
        if not hook.client_config.ca_bundle:
            yield Hit(f"the webhook {hook.name} has no caBundle", f"webhooks[{i}].clientConfig.caBundle")


def has_injected_authority(annotations: dict[str, str]) -> bool:
    """Whether another program fills the authority's certificate in."""
    return any(
        key.startswith("cert-manager.io/inject-") or key == "service.beta.openshift.io/inject-cabundle"
        for key in annotations
    )


@rule(
    "webhook-timeout",
    title="Webhook that may hold requests for long",
    severity=Severity.INFO,
    scope=Scope.ADMISSION,
    on=_BOTH,
    why="Each request waits as long as the webhook takes: a slow or attacked one makes the whole API slow.",
    remediation="Set timeoutSeconds to 10 or less.",
    controls="mitre-attack:T1499",
    references=(f"{_WEBHOOKS}#timeouts",),
    default=False,
)
def webhook_timeout(config: WebhookConfiguration, ctx: Context) -> Hits:
    for i, hook in numbered(config.webhooks):
        if hook.timeout_seconds is not None and hook.timeout_seconds > 10:
            message = f"the webhook {hook.name} may take {hook.timeout_seconds} seconds"
            yield Hit(message, f"webhooks[{i}].timeoutSeconds")


@rule(
    "admission-policy-fails-open",
    title="Admission policy lets objects pass when it fails",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on="ValidatingAdmissionPolicy",
    why="An object that makes an expression fail, by a field of an odd shape, is admitted without being judged.",
    remediation="Remove failurePolicy: Ignore, and test fields with has() in the expressions.",
    controls="mitre-attack:T1562.001",
    references=(f"{_POLICIES}#failure-policy",),
)
def admission_policy_fails_open(policy: AdmissionPolicy, ctx: Context) -> Hits:
    if policy.spec.failure_policy == "Ignore":
        yield Hit("the policy is passed over when an expression fails", "spec.failurePolicy")


@rule(
    "admission-policy-warns-only",
    title="Admission policy that denies nothing",
    severity=Severity.LOW,
    scope=Scope.ADMISSION,
    on="ValidatingAdmissionPolicyBinding",
    why="Objects that break the policy are admitted; a warning or a line in the audit log does not stop an attacker.",
    remediation="Add Deny to validationActions once the warnings have been worked off.",
    controls="mitre-attack:T1562.001",
    references=(f"{_POLICIES}#validation-actions",),
)
def admission_policy_warns_only(binding: AdmissionPolicyBinding, ctx: Context) -> Hits:
    actions = binding.spec.validation_actions
    if actions and "Deny" not in actions:
        yield Hit(
            f"what breaks {binding.spec.policy_name} is only told ({', '.join(actions)})", "spec.validationActions"
        )


@rule(
    "admission-policy-without-parameter",
    title="Admission policy that falls silent without its parameter",
    severity=Severity.LOW,
    scope=Scope.ADMISSION,
    on="ValidatingAdmissionPolicyBinding",
    why="Who may delete the parameter object, or uses a namespace that has none, is no longer judged.",
    remediation="Set paramRef.parameterNotFoundAction to Deny.",
    controls="mitre-attack:T1562.001",
    references=(f"{_POLICIES}#parameter-resources",),
)
def admission_policy_without_parameter(binding: AdmissionPolicyBinding, ctx: Context) -> Hits:
    reference = binding.spec.param_ref
    if reference is not None and reference.get("parameterNotFoundAction") == "Allow":
        yield Hit("without its parameter the policy admits everything", "spec.paramRef.parameterNotFoundAction")


@rule(
    "admission-policy-unbound",
    title="Admission policy without a binding",
    severity=Severity.LOW,
    scope=Scope.ADMISSION,
    on="inventory",
    why="A policy that nothing binds judges nothing, though it looks as if it did.",
    remediation="Add a ValidatingAdmissionPolicyBinding with validationActions Deny, or remove the policy.",
    controls="mitre-attack:T1562.001",
    references=(_POLICIES,),
    notes="Judged where at least one binding is known, or the policy comes from a cluster.",
)
def admission_policy_unbound(inventory: Inventory, ctx: Context) -> Hits:
    policies = inventory.of_kind("ValidatingAdmissionPolicy")
    if not policies:
        return
    bindings = inventory.of_kind("ValidatingAdmissionPolicyBinding")
    bound = {view_of(binding).spec.policy_name for binding in bindings}
    for policy in policies:
        if policy.ref.name not in bound and (bindings or policy.uid):
            yield Hit("no binding puts the policy into force", resource=policy)
