"""Auditing registries: what was seen of one as objects, judged by the rules about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from seawall.engine.catalogue import load_rules
from seawall.engine.judge import Judge
from seawall.engine.result import ScanResult
from seawall.findings import base_risk, fingerprint
from seawall.model.finding import FieldEvidence, Finding, FindingStatus, Location, ResourceRef, SourceError
from seawall.model.kube.base import KubeObject, ObjectMeta
from seawall.model.kube.kinds import OWN_GROUP, find_kind
from seawall.model.kube.registry import Registry, RegistryRepository, RegistrySpec, RepositorySpec
from seawall.model.paths import Path, PathNamer, format_path
from seawall.model.resource import Inventory, Resource
from seawall.model.version import NEWEST
from seawall.sources.registry.audit import (
    AuditOptions,
    host_of,
    lists_to_anybody,
    registry_facts,
    repositories,
    repository_facts,
)
from seawall.sources.web.errors import WebError

API_VERSION = f"{OWN_GROUP}/v1"
KINDS = frozenset(("Registry", "RegistryRepository"))

#: Told after each repository how many were looked at.
Progress = Callable[[int], None]


def audit_registry(address: str, options: AuditOptions, progress: Progress | None = None) -> ScanResult:
    """Look at a registry and judge it.

    What cannot be seen is among the errors of the result; findings of what was seen are told all the same.
    """
    audit = _Audit(address, options)
    try:
        audit.look(progress)
    except WebError as error:
        audit.errors.append(SourceError(address, "", str(error), unreadable=True))
    return audit.result()


class _Audit:
    def __init__(self, address: str, options: AuditOptions) -> None:
        self.address = address
        self.options = options
        self.errors: list[SourceError] = []
        self.notes: list[str] = []
        self._resources: list[Resource] = []
        self._host = ""

    def look(self, progress: Progress | None) -> None:
        self._host, repository = host_of(self.address)
        options = self.options
        spec = registry_facts(self._host, options.now)
        open_catalog = lists_to_anybody(self._host, options.registry)
        self._add("Registry", self._host, msgspec.structs.replace(spec, anonymous_catalog=open_catalog))
        names = (repository,) if repository else options.repositories
        if not names:
            names = tuple(repositories(self._host, options.registry))
        for count, name in enumerate(names, 1):
            facts = repository_facts(self._host, name, options)
            self._add("RegistryRepository", facts.name, facts.spec)
            self.errors += [SourceError(facts.name, "", problem, unreadable=True) for problem in facts.problems]
            self.notes += facts.notes
            if progress is not None:
                progress(count)

    def _add(self, kind: str, name: str, spec: RegistrySpec | RepositorySpec) -> None:
        view: KubeObject
        if isinstance(spec, RegistrySpec):
            view = Registry(metadata=ObjectMeta(name=name), spec=spec)
        else:
            view = RegistryRepository(metadata=ObjectMeta(name=name), spec=spec)
        ref = ResourceRef(API_VERSION, kind, name)
        origin = _Seen(self.address, kind, view)
        self._resources.append(Resource(ref, uid="", kind=find_kind(API_VERSION, kind), view=view, origin=origin))

    def result(self) -> ScanResult:
        rules = [rule for rule in load_rules() if KINDS.issuperset(rule.on)]
        judge = Judge(rules, NEWEST)
        findings = [finding for resource in self._resources for finding in _findings(judge, resource)]
        findings.sort(key=lambda finding: -finding.risk)
        return ScanResult(
            inputs=[self.address],
            kinds={self.address: "registry"},
            version=NEWEST,
            rules=rules,
            findings=findings,
            statuses=judge.statuses(rules, lambda rule: ""),
            errors=self.errors,
            skipped=Counter(),
            unrendered=[],
            files=0,
            inventory=Inventory(self._resources),
            texts={},
            wanting=set(),
            notes=self.notes,
        )


class _Seen:
    """Where something that is in no file was seen: at an address."""

    unit = ""

    def __init__(self, address: str, kind: str, view: KubeObject) -> None:
        self.file = address
        self._kind = kind
        self._view = view

    def read(self) -> dict[str, Any]:
        """What was seen, as an object."""
        made: dict[str, Any] = msgspec.to_builtins(self._view)
        return {"apiVersion": API_VERSION, "kind": self._kind, **made}

    def locate(self, paths: Sequence[Path]) -> list[Location]:
        """The address, whatever the path."""
        return [Location(self.file, 0, 0, format_path(path)) for path in paths]


def _findings(judge: Judge, resource: Resource) -> Iterator[Finding]:
    raw = resource.raw
    name = PathNamer(raw)
    for hit in judge.judge(resource):
        (location,) = resource.origin.locate([hit.path])
        severity = hit.hit.severity or hit.rule.severity
        yield Finding(
            rule=hit.rule.id,
            severity=severity,
            confidence=hit.hit.confidence,
            resource=resource.ref,
            locations=(location,),
            message=hit.hit.message,
            evidence=(FieldEvidence(location.path),),
            fix=None,
            fingerprint=fingerprint(hit.rule.id, resource.ref, name(hit.path), ""),
            status=FindingStatus.OPEN,
            waiver=None,
            risk=base_risk(severity, hit.hit.confidence),
        )
