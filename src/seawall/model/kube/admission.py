"""What extends the API server: webhooks, admission policies, custom and aggregated APIs."""

from __future__ import annotations

from typing import Any

from msgspec import field

from seawall.model.kube.base import KubeObject, LabelSelector, View


class WebhookService(View, frozen=True):
    """The service that answers."""

    name: str = ""
    namespace: str = ""


class ClientConfig(View, frozen=True):
    """How the API server reaches a webhook: a service or a URL, and the authority of its certificate."""

    service: WebhookService | None = None
    url: str = ""
    ca_bundle: str = ""


class WebhookRule(View, frozen=True):
    """Operations on resources that a webhook is asked about."""

    api_groups: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    scope: str = "*"


class Webhook(View, frozen=True):
    """One webhook. Empty strings are the API's defaults (v1: Fail, Equivalent)."""

    name: str = ""
    client_config: ClientConfig = ClientConfig()
    rules: tuple[WebhookRule, ...] = ()
    failure_policy: str = ""
    match_policy: str = ""
    timeout_seconds: int | None = None
    namespace_selector: LabelSelector = LabelSelector()
    object_selector: LabelSelector = LabelSelector()


class WebhookConfiguration(KubeObject, frozen=True):
    """A ValidatingWebhookConfiguration or MutatingWebhookConfiguration."""

    webhooks: tuple[Webhook, ...] = ()


class AdmissionPolicySpec(View, frozen=True):
    """What a policy judges; an empty failure policy is Fail."""

    failure_policy: str = ""
    match_constraints: dict[str, Any] = {}


class AdmissionPolicy(KubeObject, frozen=True):
    """A ValidatingAdmissionPolicy."""

    spec: AdmissionPolicySpec = AdmissionPolicySpec()


class PolicyBindingSpec(View, frozen=True):
    """Where a policy applies and what becomes of objects that break it."""

    policy_name: str = ""
    validation_actions: tuple[str, ...] = ()
    param_ref: dict[str, Any] | None = None


class AdmissionPolicyBinding(KubeObject, frozen=True):
    """A ValidatingAdmissionPolicyBinding."""

    spec: PolicyBindingSpec = PolicyBindingSpec()


class ConversionWebhook(View, frozen=True):
    """Who converts objects between versions."""

    client_config: ClientConfig = ClientConfig()


class Conversion(View, frozen=True):
    """How versions of a kind become one another; ``webhook_client_config`` is v1beta1's place."""

    strategy: str = ""
    webhook: ConversionWebhook = ConversionWebhook()
    webhook_client_config: ClientConfig | None = None


class DefinitionSpec(View, frozen=True):
    """What a custom kind looks like."""

    group: str = ""
    conversion: Conversion = Conversion()


class CustomResourceDefinition(KubeObject, frozen=True):
    """A custom kind."""

    spec: DefinitionSpec = DefinitionSpec()


class ApiServiceSpec(View, frozen=True):
    """Where an aggregated API is served; ``service`` None is the API server itself."""

    group: str = ""
    version: str = ""
    service: WebhookService | None = None
    insecure_skip_tls_verify: bool = field(default=False, name="insecureSkipTLSVerify")
    ca_bundle: str = ""


class ApiService(KubeObject, frozen=True):
    """An aggregated API."""

    spec: ApiServiceSpec = ApiServiceSpec()
