"""Which objects an admission policy and its bindings are about, as the API server decides it for a CREATE.

Source: ``MatchResources`` of the API reference, and Kubernetes' documentation of matching requests.
"""

from __future__ import annotations

from collections.abc import Mapping

from seawall.analysis.policies.admission import (
    GROUP,
    MatchPolicy,
    MatchResources,
    Operation,
    Operator,
    Requirement,
    ResourceRule,
    RuleScope,
    Selector,
)
from seawall.analysis.policies.defaults import NAME_LABEL
from seawall.analysis.policies.subject import Subject

#: Never judged: what would lock everybody out, and questions that are no objects.
_EXEMPT = {
    GROUP: frozenset(
        ["validatingadmissionpolicies", "validatingadmissionpolicybindings", "mutatingadmissionpolicies",
         "mutatingadmissionpolicybindings"]
    ),
    "authentication.k8s.io": frozenset(["tokenreviews", "selfsubjectreviews"]),
    "authorization.k8s.io": frozenset(
        ["localsubjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews", "subjectaccessreviews"]
    ),
}  # fmt: skip
#: Groups that once served a resource of another, by the resource.
_MOVED = {
    "extensions": {"deployments": "apps", "daemonsets": "apps", "replicasets": "apps",
                   "ingresses": "networking.k8s.io", "networkpolicies": "networking.k8s.io"},
    "": {"events": "events.k8s.io"},
}  # fmt: skip
#: Resources whose versions differ in more than the version: what is of one cannot be judged by a rule about another.
_DIFFERENT = frozenset(
    [("autoscaling", "horizontalpodautoscalers"), ("networking.k8s.io", "ingresses"), ("events.k8s.io", "events"),
     ("policy", "podsecuritypolicies"), ("discovery.k8s.io", "endpointslices"),
     ("flowcontrol.apiserver.k8s.io", "flowschemas"),
     ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"),
     ("apiextensions.k8s.io", "customresourcedefinitions"),
     ("resource.k8s.io", "resourceclaims"), ("resource.k8s.io", "resourceclaimtemplates"),
     ("resource.k8s.io", "deviceclasses"), ("resource.k8s.io", "resourceslices")]
)  # fmt: skip
#: Whether something matches; text says why that cannot be told.
Answer = bool | str


def matches(match: MatchResources, subject: Subject) -> Answer:
    """Whether a request to create the object is meant."""
    if subject.plural in _EXEMPT.get(subject.group, ()):
        return False
    rules = by_rules(match, subject)
    if rules is False:
        return False
    if not selected(match.object_selector, subject.label_map() if _asks(match.object_selector) else {}):
        return False
    namespace = _in_namespace(match.namespace_selector, subject)
    if namespace is False:
        return False
    return rules if isinstance(rules, str) else namespace


def by_rules(match: MatchResources, subject: Subject) -> Answer:
    """Whether the rules alone mean it. For a kind it is the same each time but for names and namespaces."""
    excluded = _any_rule(match.exclude_resource_rules, match.match_policy, subject)
    if excluded is True:
        return False
    if not match.resource_rules:
        return excluded or True
    included = _any_rule(match.resource_rules, match.match_policy, subject)
    return (excluded or True) if included is True else included


def _any_rule(rules: tuple[ResourceRule, ...], policy: MatchPolicy, subject: Subject) -> Answer:
    if any(_rule(rule, subject, subject.group, subject.version) for rule in rules):
        return True
    if policy is MatchPolicy.EXACT:
        return False
    unsure = ""
    for rule in rules:
        answer = _equivalent(rule, subject)
        if answer is True:
            return True
        unsure = unsure or answer or ""
    return unsure or False


def _equivalent(rule: ResourceRule, subject: Subject) -> Answer:
    """Whether a rule means the object in another version or group, in which the API server would show it."""
    moved = _MOVED.get(subject.group, {}).get(subject.plural)
    groups = {subject.group, moved or subject.group}
    groups |= {old for old, new in _MOVED.items() if new.get(subject.plural) == subject.group}
    for group in groups:
        for version in rule.api_versions:
            if (group, version) != (subject.group, subject.version) and _rule(rule, subject, group, version):
                if {(group, subject.plural), (subject.group, subject.plural)} & _DIFFERENT or not _builtin(subject):
                    return f"it is about {group}/{version}, and {subject.api_version} is not converted"
                return True
    return False


def _builtin(subject: Subject) -> bool:
    return "." not in subject.group or subject.group.endswith(".k8s.io")


def _rule(rule: ResourceRule, subject: Subject, group: str, version: str) -> bool:
    return (
        ("*" in rule.api_groups or group in rule.api_groups)
        and ("*" in rule.api_versions or version in rule.api_versions)
        and (Operation.CREATE in rule.operations or Operation.ALL in rule.operations)
        and any(_resource(each, subject.plural) for each in rule.resources)
        and (not rule.resource_names or subject.name in rule.resource_names)
        and _scope(rule.scope, subject)
    )


def _resource(pattern: str, plural: str) -> bool:
    """Whether a resource is meant itself; one of its subresources (``pods/exec``) it is not."""
    name, _, part = pattern.partition("/")
    return name in ("*", plural) and part in ("", "*")


def _scope(scope: RuleScope, subject: Subject) -> bool:
    namespaced = bool(subject.namespace)
    return scope is RuleScope.ALL or namespaced == (scope is RuleScope.NAMESPACED)


def creates(match: MatchResources) -> bool:
    """Whether any rule is about the creation of objects, and not of their parts only."""
    return any(
        (Operation.CREATE in rule.operations or Operation.ALL in rule.operations)
        and any(each.partition("/")[2] in ("", "*") for each in rule.resources)
        for rule in match.resource_rules
    )


def _asks(selector: Selector) -> bool:
    return bool(selector.match_labels or selector.match_expressions)


def _in_namespace(selector: Selector, subject: Subject) -> Answer:
    """Objects without a namespace are always meant, but for namespaces, whose own labels count."""
    itself = subject.kind == "Namespace" and not subject.group
    if not _asks(selector) or not (subject.namespace or itself):
        return True
    labels = subject.namespace_labels()
    unknown = ""
    for each in selector.requirements():
        if subject.partial and not itself and each.key != NAME_LABEL:
            unknown = f"the label {each.key} of the namespace {subject.namespace}, which is not among the inputs"
        elif not _holds(each, labels):
            return False
    return f"it selects by {unknown}" if unknown else True


def selected(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether labels are selected."""
    return all(_holds(each, labels) for each in selector.requirements())


def _holds(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement.key)
    if requirement.operator is Operator.EXISTS:
        return value is not None
    if requirement.operator is Operator.ABSENT:
        return value is None
    return (value in requirement.values) == (requirement.operator is Operator.IN)
