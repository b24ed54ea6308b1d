"""ValidatingAdmissionPolicy and its binding, as they stand in ``admissionregistration.k8s.io``.

Source: the API reference of Kubernetes 1.36; the versions v1, v1beta1 and v1alpha1 have the same fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

GROUP = "admissionregistration.k8s.io"
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
#: Policies that change objects, which Seawall does not run.
MUTATING = frozenset(["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"])
Filled = Annotated[str, Meta(min_length=1)]
_NAME = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Operator(StrEnum):
    """How a label is compared."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    ABSENT = "DoesNotExist"


class Requirement(Struct, frozen=True, forbid_unknown_fields=True):
    """What a selector asks of a label."""

    key: Filled
    operator: Operator
    values: tuple[str, ...] = ()


class Selector(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What selects by labels; an empty one selects everything."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[Requirement, ...] = ()

    def requirements(self) -> Iterator[Requirement]:
        """All that it asks."""
        for key, value in self.match_labels.items():
            yield Requirement(key, Operator.IN, (value,))
        yield from self.match_expressions


class Operation(StrEnum):
    """What a request does."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"
    ALL = "*"


class RuleScope(StrEnum):
    """Whether a rule is about objects in namespaces."""

    CLUSTER = "Cluster"
    NAMESPACED = "Namespaced"
    ALL = "*"


class ResourceRule(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Which requests are meant; all parts must match."""

    api_groups: tuple[str, ...]
    api_versions: tuple[Filled, ...]
    operations: tuple[Operation, ...]
    resources: tuple[Filled, ...]
    resource_names: tuple[str, ...] = ()
    scope: RuleScope = RuleScope.ALL


class MatchPolicy(StrEnum):
    """Whether a rule means other versions of a resource too."""

    EXACT = "Exact"
    EQUIVALENT = "Equivalent"


class MatchResources(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Which requests a policy or a binding is about."""

    namespace_selector: Selector = Selector()
    object_selector: Selector = Selector()
    resource_rules: tuple[ResourceRule, ...] = ()
    exclude_resource_rules: tuple[ResourceRule, ...] = ()
    match_policy: MatchPolicy = MatchPolicy.EQUIVALENT


class ParamKind(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The kind of a policy's parameters."""

    api_version: Filled
    kind: Filled


class Reason(StrEnum):
    """What the API server answers with."""

    UNAUTHORIZED = "Unauthorized"
    FORBIDDEN = "Forbidden"
    INVALID = "Invalid"
    TOO_LARGE = "RequestEntityTooLarge"


class Validation(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What must hold, and what is told where it does not."""

    expression: Filled
    message: str = ""
    message_expression: str = ""
    reason: Reason = Reason.INVALID


class MatchCondition(Struct, frozen=True, forbid_unknown_fields=True):
    """What must hold for a policy to be about a request."""

    name: Filled
    expression: Filled


class AuditAnnotation(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What is written to the audit event."""

    key: Filled
    value_expression: Filled


class NamedExpression(Struct, frozen=True, forbid_unknown_fields=True):
    """A variable."""

    name: _NAME
    expression: Filled


class FailurePolicy(StrEnum):
    """What becomes of a request where a policy itself fails."""

    FAIL = "Fail"
    IGNORE = "Ignore"


class PolicySpec(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The spec of a ValidatingAdmissionPolicy."""

    match_constraints: MatchResources
    param_kind: ParamKind | None = None
    validations: tuple[Validation, ...] = ()
    failure_policy: FailurePolicy = FailurePolicy.FAIL
    audit_annotations: tuple[AuditAnnotation, ...] = ()
    match_conditions: tuple[MatchCondition, ...] = ()
    variables: tuple[NamedExpression, ...] = ()


class NotFound(StrEnum):
    """What becomes of a request where the parameters of a policy are not there."""

    ALLOW = "Allow"
    DENY = "Deny"


class ParamRef(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Where the parameters are."""

    parameter_not_found_action: NotFound
    name: str = ""
    namespace: str = ""
    selector: Selector | None = None


class Action(StrEnum):
    """What becomes of a request that breaks a policy."""

    DENY = "Deny"
    WARN = "Warn"
    AUDIT = "Audit"


class BindingSpec(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The spec of a ValidatingAdmissionPolicyBinding."""

    policy_name: Filled
    validation_actions: Annotated[tuple[Action, ...], Meta(min_length=1)]
    param_ref: ParamRef | None = None
    match_resources: MatchResources = MatchResources()


def policy_mistakes(spec: PolicySpec) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What the API server would refuse a policy for, beyond its shape: the field, and why."""
    if not spec.validations and not spec.audit_annotations:
        yield ("validations",), "must have an item, or auditAnnotations must"
    if not spec.match_constraints.resource_rules:
        yield ("matchConstraints", "resourceRules"), "must have an item"
    yield from _match_mistakes(spec.match_constraints, ("matchConstraints",))
    names = [each.name for each in spec.match_conditions]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("matchConditions", index, "name"), f"{name!r} is given twice"
    for index, each in enumerate(spec.validations):
        if "\n" in each.message.strip():
            yield ("validations", index, "message"), "must be one line"


def binding_mistakes(spec: BindingSpec) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What the API server would refuse a binding for, beyond its shape: the field, and why."""
    actions = spec.validation_actions
    if Action.DENY in actions and Action.WARN in actions:
        yield ("validationActions",), "Deny and Warn must not be given together"
    if len(set(actions)) < len(actions):
        yield ("validationActions",), "an action is given twice"
    ref = spec.param_ref
    if ref is not None and bool(ref.name) == (ref.selector is not None):
        yield ("paramRef",), "must have either a name or a selector"
    yield from _match_mistakes(spec.match_resources, ("matchResources",))


def _match_mistakes(match: MatchResources, base: tuple[str, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for field, rules in (
        ("resourceRules", match.resource_rules),
        ("excludeResourceRules", match.exclude_resource_rules),
    ):
        for index, rule in enumerate(rules):
            for name, values in (
                ("apiGroups", rule.api_groups),
                ("apiVersions", rule.api_versions),
                ("operations", rule.operations),
                ("resources", rule.resources),
            ):
                if not values:
                    yield (*base, field, index, name), "must have an item"
                elif "*" in values and len(values) > 1 and name != "resources":
                    yield (*base, field, index, name), "`*` must stand alone"
    for field, selector in (("namespaceSelector", match.namespace_selector), ("objectSelector", match.object_selector)):
        yield from selector_mistakes(selector, (*base, field))


def selector_mistakes(selector: Selector, base: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong with a selector of labels: the field, and why."""
    for index, each in enumerate(selector.match_expressions):
        wants = each.operator in (Operator.IN, Operator.NOT_IN)
        if wants != bool(each.values):
            told = "must have an item" if wants else f"must be empty with {each.operator}"
            yield (*base, "matchExpressions", index, "values"), told
