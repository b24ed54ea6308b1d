"""Subjects by resources: what each may do with each, where, and by which binding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from seawall.analysis.access.index import AccessIndex
from seawall.analysis.access.matching import compile_rule
from seawall.model.access import AUTHENTICATED, Subject, actor_of
from seawall.model.finding import ResourceRef
from seawall.model.kube.rbac import PolicyRule

#: The resources that are shown where none is asked for: those that lead on to others, and the everyday ones.
KEY_RESOURCES: tuple[tuple[str, str], ...] = (
    ("", "secrets"), ("", "serviceaccounts/token"), ("", "pods"), ("", "pods/exec"), ("", "pods/ephemeralcontainers"),
    ("", "pods/portforward"), ("", "pods/log"), ("apps", "deployments"), ("apps", "daemonsets"), ("batch", "jobs"),
    ("batch", "cronjobs"), ("", "configmaps"), ("", "services"), ("", "endpoints"),
    ("networking.k8s.io", "networkpolicies"), ("networking.k8s.io", "ingresses"), ("", "serviceaccounts"),
    ("rbac.authorization.k8s.io", "roles"), ("rbac.authorization.k8s.io", "rolebindings"),
    ("rbac.authorization.k8s.io", "clusterroles"), ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("", "users"), ("", "groups"), ("", "namespaces"), ("", "nodes"), ("", "nodes/proxy"), ("", "persistentvolumes"),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
    ("certificates.k8s.io", "certificatesigningrequests/approval"),
    ("apiextensions.k8s.io", "customresourcedefinitions"), ("", "events"),
)  # fmt: skip


class Column(Struct, frozen=True, rename="camel"):
    """A resource: its group, and its plural with the subresource."""

    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


class Entry(Struct, frozen=True, rename="camel"):
    """What one rule allows on a resource: verbs, where (None: the whole cluster), and the only names, if any."""

    verbs: tuple[str, ...]
    namespace: str | None
    names: tuple[str, ...]
    binding: ResourceRef
    role: ResourceRef


class Cell(Struct, frozen=True, rename="camel"):
    """A subject's entries for the column of that number."""

    column: int
    entries: tuple[Entry, ...]


class Row(Struct, frozen=True, rename="camel"):
    """A subject with what it may do."""

    subject: Subject
    cells: tuple[Cell, ...]


class Matrix(Struct, frozen=True, rename="camel"):
    """Rows in order of their subjects; cells that would be empty are left out."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def columns_named(index: AccessIndex) -> list[Column]:
    """Every resource that a rule names, wildcards left out."""
    found = {
        (group, what)
        for rules in {grant.rules for grant in index.grants}
        for rule in rules
        for group in rule.api_groups
        for what in rule.resources
        if "*" not in (group, what.partition("/")[0])
    }
    return [Column(*each) for each in sorted(found)]


def build_matrix(index: AccessIndex, columns: Sequence[Column], subjects: Iterable[Subject]) -> Matrix:
    """What subjects may do, rights by the groups of accounts included (those of everyone have a row of their own)."""
    known: dict[PolicyRule, tuple[int, ...]] = {}
    rows = []
    for subject in subjects:
        cells: dict[int, dict[Entry, None]] = {}
        for as_whom, grant in index.of(actor_of(subject)):
            if as_whom.name == AUTHENTICATED and subject.name != AUTHENTICATED:
                continue
            for rule in grant.rules:
                covered = known.get(rule)
                if covered is None:
                    covered = known[rule] = _covered(rule, columns)
                for number in covered:
                    entry = Entry(rule.verbs, grant.namespace or None, rule.resource_names, grant.binding, grant.role)
                    cells.setdefault(number, {})[entry] = None
        rows.append(Row(subject, tuple(Cell(number, tuple(cells[number])) for number in sorted(cells))))
    return Matrix(tuple(columns), tuple(rows))


def _covered(rule: PolicyRule, columns: Sequence[Column]) -> tuple[int, ...]:
    compiled = compile_rule(rule)
    return tuple(
        number for number, column in enumerate(columns) if compiled.covers(column.group, *column.resource.split("/"))
    )
