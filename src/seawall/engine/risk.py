"""Risk that the rest of an estate adds to what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from seawall.engine.estate import APART, BY_MESSAGE, Estate, Terms, shared
from seawall.findings import sums, weighed, weighed_by
from seawall.model.finding import Finding, RelatedEvidence, ResourceRef, RiskTerm
from seawall.model.resource import Resource
from seawall.model.rule import Context

Found = tuple[Finding, Resource, str]


def weigh(findings: Iterable[Found], contexts: Sequence[Context]) -> Callable[[ResourceRef], Terms]:
    """Add to findings (each with its object and field) what the rest of their clusters says; their risk counts it.

    Gives the terms of a workload by which other things that are found in it (vulnerabilities of its image) weigh.
    """
    estates = [Estate(context) for context in contexts]
    known: dict[ResourceRef, tuple[Estate, Resource]] = {}
    # The estate of each object; None where nothing in it weighs on ordinary findings.
    places: dict[int, Estate | None] = {}
    # Most rules say of a workload what weighs alike.
    seen: dict[tuple[int, bool, str], tuple[Terms, int, int]] = {}
    for finding, resource, field in findings:
        number, rule, init = id(resource), finding.rule, "initContainers[" in field
        if number in places:
            estate = places[number]
        else:
            estate = next((each for each in estates if number in each.members), None)
            if estate is not None and estate.is_plain(resource):
                estate = None
            places[number] = estate
        apart = rule in APART or resource.kind is None or resource.kind.template is None
        if estate is None:
            if not (apart or init):
                continue
            estate = next((each for each in estates if number in each.members), None)
            if estate is None:
                continue
        key = (number, init, "" if not apart else finding.message if rule in BY_MESSAGE else rule)
        found = seen.get(key)
        if found is None:
            terms = estate.terms(rule, resource, init, finding.message)
            found = seen[key] = (terms, *sums(terms))
            known[resource.ref] = (estate, resource)
        if found[0]:
            finding.risk_terms = found[0]
            finding.risk = weighed_by(finding.risk, found[1], found[2])
    return partial(_of_user, known)


def _of_user(known: Mapping[ResourceRef, tuple[Estate, Resource]], ref: ResourceRef) -> Terms:
    if ref not in known:
        return ()
    estate, resource = known[ref]
    return tuple(shared(estate.weights.of(resource)))


def weigh_by_users(images: Iterable[Finding], users_terms: Callable[[ResourceRef], Terms]) -> None:
    """Add to findings on images the terms of the workloads that run them, of each term the weightiest.

    What lowers the risk counts only of workloads: another one may run the image without it.
    """
    for finding in images:
        best: dict[str, RiskTerm] = {}
        users = [each.resource for each in finding.evidence if isinstance(each, RelatedEvidence)]
        for user in users:
            for each in users_terms(user):
                if each.weight > 0 and (each.name not in best or each.weight > best[each.name].weight):
                    best[each.name] = RiskTerm(each.name, each.weight, f"{user}: {each.reason}")
        if best:
            terms = tuple(best.values())
            finding.risk = weighed(finding.risk, terms)
            finding.risk_terms += terms
