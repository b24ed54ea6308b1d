"""The least roles that a use needs, and what was granted beyond it.

A rule names objects only where the authorizer sees a name (never on create and deletecollection, on list and watch only
with a selector of ``metadata.name``) and where use was stable: few names, each met early and again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from msgspec import Struct, structs

from seawall.analysis.access.matching import compile_rule
from seawall.analysis.access.use import Used
from seawall.model.access import Grant, Request
from seawall.model.kube.rbac import PolicyRule

#: More names than these are no list that a person keeps.
MOST_NAMES = 8
#: How often a name has to be met on the average before use counts as stable.
USES_A_NAME = 2


#: Objects that controllers name; the next one has another name.
_GENERATED = frozenset(("pods", "replicasets", "events", "endpointslices", "controllerrevisions", "jobs"))


class MinimalRole(Struct, frozen=True):
    """The rules that an actor needs in a namespace (empty: the whole cluster)."""

    namespace: str
    rules: tuple[PolicyRule, ...]

    @property
    def atoms(self) -> int:
        """How many single permissions it has: a verb on a resource, or on a URL."""
        return sum(len(rule.verbs) * max(len(rule.resources), len(rule.non_resource_urls)) for rule in self.rules)


class Unused(Struct, frozen=True, gc=False):
    """A permission that was granted, and that no request of the window needed."""

    grant: Grant
    rule: int
    verb: str
    what: str


def minimal_roles(
    used: Used, *, name_objects: bool = True, leave_out: Callable[[Request], bool] = lambda request: False
) -> list[MinimalRole]:
    """What an actor needs: a role for each namespace that it used, one for the whole cluster if it used that."""
    places: dict[str, list[Request]] = defaultdict(list)
    for request in (*used.requests, *used.implied):
        if leave_out(request):
            continue
        places["" if request.path else request.namespace].append(request)
    return [MinimalRole(place, _rules(places[place], used, name_objects)) for place in sorted(places)]


def _rules(requests: Iterable[Request], used: Used, name_objects: bool) -> tuple[PolicyRule, ...]:
    paths: dict[str, set[str]] = defaultdict(set)
    asked: dict[tuple[str, str], dict[str, list[Request]]] = defaultdict(lambda: defaultdict(list))
    for request in requests:
        if request.path:
            paths[request.path].add(request.verb)
            continue
        what = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
        asked[request.group, what][request.verb].append(request)
    # What is granted alike on several resources becomes one rule.
    merged: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, what), verbs in sorted(asked.items()):
        by_names: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for verb, found in sorted(verbs.items()):
            by_names[_names(verb, found, used) if name_objects else ()].append(verb)
        for names, alike in by_names.items():
            merged[group, tuple(alike), names].append(what)
    rules = [
        PolicyRule(verbs=verbs, api_groups=(group,), resources=tuple(resources), resource_names=names)
        for (group, verbs, names), resources in sorted(merged.items())
    ]
    urls: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path, verbs_of in sorted(paths.items()):
        urls[tuple(sorted(verbs_of))].append(path)
    rules += [PolicyRule(verbs=verbs, non_resource_urls=tuple(found)) for verbs, found in sorted(urls.items())]
    return tuple(rules)


def _names(verb: str, requests: list[Request], used: Used) -> tuple[str, ...]:
    names = sorted({request.name for request in requests})
    named_by_url = verb != "deletecollection" and (verb != "create" or bool(requests[0].subresource))
    if requests[0].resource in _GENERATED or not named_by_url or not all(names) or len(names) > MOST_NAMES:
        return ()
    counted = [request for request in requests if request in used.requests]
    if not counted:
        # Implied permissions are as stable as what implies them.
        causes = [used.implied[request].cause for request in requests]
        return tuple(names) if all(cause.name for cause in causes) and _stable(causes, used) else ()
    return tuple(names) if _stable(counted, used) else ()


def _stable(requests: list[Request], used: Used) -> bool:
    uses = sum(used.requests[request] for request in requests)
    latest = max(used.late[request] for request in requests)
    return uses >= USES_A_NAME * len(requests) and latest <= used.total / 2


def unused_permissions(used: Used, grants: Iterable[Grant]) -> list[Unused]:
    """The single permissions of these grants that no request of the window needed."""
    requests = [*used.requests, *used.implied]
    found: list[Unused] = []
    for grant in grants:
        within = [r for r in requests if not grant.namespace or (r.namespace == grant.namespace and not r.path)]
        for number, rule in enumerate(grant.rules):
            found += [Unused(grant, number, verb, what) for verb, what in _unused_of(rule, within)]
    return found


def _unused_of(rule: PolicyRule, requests: list[Request]) -> Iterable[tuple[str, str]]:
    for verb in rule.verbs:
        for what in rule.resources or rule.non_resource_urls:
            narrowed = {"resources": (what,)} if rule.resources else {"non_resource_urls": (what,)}
            compiled = compile_rule(structs.replace(rule, verbs=(verb,), **narrowed))
            if not any(compiled.allows(request) for request in requests):
                yield verb, what


def count_permissions(grants: Iterable[Grant]) -> int:
    """Single permissions of grants: a verb on a resource or URL; a wildcard counts as one."""
    rules = (rule for grant in grants for rule in grant.rules)
    return sum(len(rule.verbs) * max(len(rule.resources), len(rule.non_resource_urls)) for rule in rules)
