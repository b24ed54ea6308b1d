"""Roles and bindings of rbac.authorization.k8s.io."""

from __future__ import annotations

from msgspec import field

from seawall.model.kube.base import KubeObject, LabelSelector, View


class PolicyRule(View, frozen=True):
    """Verbs that are allowed on resources."""

    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = field(default=(), name="nonResourceURLs")

    def __str__(self) -> str:
        verbs = ",".join(self.verbs)
        if self.non_resource_urls:
            return f"{verbs} {','.join(self.non_resource_urls)}"
        groups = ",".join(group or "core" for group in self.api_groups)
        names = f" named {','.join(self.resource_names)}" if self.resource_names else ""
        return f"{verbs} {','.join(self.resources)} ({groups}){names}"


class AggregationRule(View, frozen=True):
    """Which cluster roles an aggregated one takes its rules from."""

    cluster_role_selectors: tuple[LabelSelector, ...] = ()


class Role(KubeObject, frozen=True):
    """A Role or ClusterRole."""

    rules: tuple[PolicyRule, ...] = ()
    aggregation_rule: AggregationRule | None = None


class Subject(View, frozen=True):
    """A user, group or service account."""

    kind: str = ""
    name: str = ""
    namespace: str = ""


class RoleRef(View, frozen=True):
    """The role that is granted."""

    kind: str = ""
    name: str = ""


class RoleBinding(KubeObject, frozen=True):
    """A RoleBinding or ClusterRoleBinding."""

    role_ref: RoleRef = RoleRef()
    subjects: tuple[Subject, ...] = ()
