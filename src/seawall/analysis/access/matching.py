"""Whether a rule of a role allows a request.

Source: Kubernetes' RBAC authorizer (RuleAllows and the matchers of pkg/apis/rbac/v1/evaluation_helpers.go).
"""

from __future__ import annotations

from msgspec import Struct

from seawall.model.access import Request
from seawall.model.kube.rbac import PolicyRule

EVERYTHING = "*"


class CompiledRule(Struct, frozen=True, gc=False):
    """A rule made ready for many questions. None stands for everything."""

    verbs: frozenset[str] | None
    groups: frozenset[str] | None
    resources: frozenset[str] | None
    names: frozenset[str]
    paths: frozenset[str] | None
    prefixes: tuple[str, ...]

    def allows(self, request: Request) -> bool:
        """Whether the rule lets the request pass."""
        if self.verbs is not None and request.verb not in self.verbs:
            return False
        if request.path:
            return self.paths is None or request.path in self.paths or request.path.startswith(self.prefixes)
        return self.covers(request.group, request.resource, request.subresource) and (
            not self.names or request.name in self.names
        )

    def covers(self, group: str, resource: str, subresource: str = "") -> bool:
        """Whether the rule is about a resource at all, whatever the verb and the object's name."""
        if self.groups is not None and group not in self.groups:
            return False
        if self.resources is None:
            return True
        if not subresource:
            return resource in self.resources
        return f"{resource}/{subresource}" in self.resources or f"*/{subresource}" in self.resources


def compile_rule(rule: PolicyRule) -> CompiledRule:
    """Make a rule ready. A URL that ends with ``*`` stands for all that begin alike; other ``*`` are literal."""
    urls = rule.non_resource_urls
    return CompiledRule(
        verbs=_set(rule.verbs),
        groups=_set(rule.api_groups),
        resources=_set(rule.resources),
        names=frozenset(rule.resource_names),
        paths=_set(urls),
        prefixes=tuple(url.rstrip(EVERYTHING) for url in urls if url.endswith(EVERYTHING)),
    )


def _set(values: tuple[str, ...]) -> frozenset[str] | None:
    return None if EVERYTHING in values else frozenset(values)
