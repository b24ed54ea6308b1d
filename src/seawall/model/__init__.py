"""The nouns of Seawall: resources, findings, rules, and the inventory that holds what was read."""

from seawall.model.finding import (
    Confidence,
    Evidence,
    FieldEvidence,
    Finding,
    FindingStatus,
    Fix,
    Location,
    RelatedEvidence,
    RenderedEvidence,
    ResourceRef,
    RuleState,
    RuleStatus,
    Severity,
    SourceError,
    Waiver,
)
from seawall.model.resource import Inventory, NotRead, Origin, Resource, UnreadKind
from seawall.model.rule import REGISTRY, Hit, Hits, Rule, Scope, rule
from seawall.model.version import NEWEST, KubernetesVersion, parse_version

__all__ = [
    "NEWEST",
    "REGISTRY",
    "Confidence",
    "Evidence",
    "FieldEvidence",
    "Finding",
    "FindingStatus",
    "Fix",
    "Hit",
    "Hits",
    "Inventory",
    "KubernetesVersion",
    "Location",
    "NotRead",
    "Origin",
    "RelatedEvidence",
    "RenderedEvidence",
    "Resource",
    "ResourceRef",
    "Rule",
    "RuleState",
    "RuleStatus",
    "Scope",
    "Severity",
    "SourceError",
    "UnreadKind",
    "Waiver",
    "parse_version",
    "rule",
]
