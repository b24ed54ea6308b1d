"""The terms of risk that the rest of an estate adds to what is found on a workload."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from seawall.analysis.access.accounts import account_of, accounts_of, mounts_token
from seawall.analysis.isolation.escape import way_out
from seawall.analysis.isolation.sensitivity import matters
from seawall.engine.handing import of_others
from seawall.findings import weighed
from seawall.model.access import Subject
from seawall.model.finding import Finding, RelatedEvidence, RiskTerm
from seawall.model.kube.base import InvalidField
from seawall.model.owners import owned_by
from seawall.model.resource import Inventory, NotRead, Resource, namespace_of
from seawall.model.rule import Context
from seawall.model.standing import Standing

_EXPOSED, _ADMIN, _STRONG, _TARGETS, _SENSITIVE = 14, 16, 8, 10, 8
_SANDBOX, _USER_NAMESPACE = -25, -10
#: Runtime classes that share the node's kernel, by their usual names.
_PLAIN_RUNTIMES = frozenset(("", "runc", "crun", "nvidia"))
Terms = tuple[RiskTerm, ...]


class Weights:
    """The terms of the workloads of one cluster, each worked out when it is first asked for."""

    def __init__(self, context: Context) -> None:
        self._inventory: Inventory = context.inventory
        self._standing: Standing = of_others(context, "standing")
        self._known: dict[int, Terms] = {}
        self._accounts: dict[Subject, Resource] | None = None
        try:
            self._exposed = self._standing.exposures()
        except (NotRead, InvalidField):
            self._exposed = {}

    def of(self, resource: Resource) -> Terms:
        """The terms of what is found on an object; none but workloads have any."""
        if resource.kind is None or resource.kind.template is None:
            return ()
        found = self._known.get(id(resource))
        if found is None:
            try:
                found = tuple(self._terms(resource))
            except (InvalidField, NotRead):
                found = ()
            self._known[id(resource)] = found
        return found

    def _terms(self, resource: Resource) -> Iterator[RiskTerm]:
        template = resource.template()
        if template is None:
            return
        if self._exposed:
            owned = owned_by(resource, self._inventory)
            way = self._exposed.get(f"{namespace_of(resource)}/{owned.name}[{owned.kind}]")
            if way:
                yield RiskTerm("exposed", _EXPOSED, f"reached from outside by {way}")
        yield from self._privilege(resource)
        if out := way_out(template.spec):
            yield RiskTerm("targets", _TARGETS, f"opens its node: {out}")
        if why := matters(resource, template):
            yield RiskTerm("sensitivity", _SENSITIVE, why)
        if template.spec.runtime_class_name and template.spec.runtime_class_name not in _PLAIN_RUNTIMES:
            yield RiskTerm("sandbox", _SANDBOX, f"runs under the runtime class {template.spec.runtime_class_name}")
        if template.spec.host_users is False:
            yield RiskTerm("user-namespace", _USER_NAMESPACE, "its root is nobody on the node (user namespace)")

    def _privilege(self, resource: Resource) -> Iterator[RiskTerm]:
        account = account_of(resource)
        if account is None or self._standing.problem:
            return
        rights = self._standing.rights(account)
        if not rights.admin and not rights.everywhere:
            return
        if self._accounts is None:
            self._accounts = accounts_of(self._inventory)
        if not mounts_token(resource, self._accounts):
            return
        if rights.admin:
            yield RiskTerm("privilege", _ADMIN, f"its token comes to every right: {rights.admin}")
        else:
            yield RiskTerm("privilege", _STRONG, f"its token {rights.everywhere[0]}")


def weigh(findings: Iterable[tuple[Finding, Resource]], contexts: Sequence[Context]) -> None:
    """Add to findings on workloads what the rest of their clusters says; their risk counts it from then on."""
    weights = [(Weights(context), {id(each) for each in context.inventory.resources}) for context in contexts]
    for finding, resource in findings:
        for weight, members in weights:
            if id(resource) in members and (terms := weight.of(resource)):
                finding.risk_terms = terms
                finding.risk = weighed(finding.risk, terms)
                break


def weigh_by_users(images: Iterable[Finding], workloads: Iterable[Finding]) -> None:
    """Add to findings on images the terms of the workloads that run them, of each term the weightiest.

    What lowers the risk counts only of workloads: another one may run the image without it.
    """
    known = {each.resource: each.risk_terms for each in workloads if each.risk_terms}
    for finding in images:
        best: dict[str, RiskTerm] = {}
        users = [each.resource for each in finding.evidence if isinstance(each, RelatedEvidence)]
        for user in users:
            for term in known.get(user, ()):
                if term.weight > 0 and (term.name not in best or term.weight > best[term.name].weight):
                    best[term.name] = RiskTerm(term.name, term.weight, f"{user}: {term.reason}")
        if best:
            terms = tuple(best.values())
            finding.risk = weighed(finding.risk, terms)
            finding.risk_terms += terms
