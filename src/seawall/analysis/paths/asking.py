"""Entries and targets as people name them: ``exposed``, ``admin``, ``shop/web``, ``sa:shop/web``, ``node:worker-1``."""

from __future__ import annotations

from fnmatch import fnmatchcase

from seawall.model.attack import AttackGraph, Place, PlaceKind

EXPOSED = "exposed"
#: Words for all places of some kinds.
_WORDS = {
    EXPOSED: (PlaceKind.ENDPOINT,),
    "admin": (PlaceKind.ADMIN,),
    "nodes": (PlaceKind.NODE,),
    "secrets": (PlaceKind.SECRET,),
    "data": (PlaceKind.VOLUME,),
    "cloud": (PlaceKind.CLOUD,),
    "workloads": (PlaceKind.CONTAINER,),
    "namespaces": (PlaceKind.NAMESPACE,),
}
_PREFIXES = {
    "node": PlaceKind.NODE,
    "secret": PlaceKind.SECRET,
    "cloud": PlaceKind.CLOUD,
    "volume": PlaceKind.VOLUME,
    "ns": PlaceKind.NAMESPACE,
    "image": PlaceKind.IMAGE,
}
_HOW = (
    "write exposed, admin, nodes, secrets, data, cloud, NS/WORKLOAD, sa:NS/NAME, user:NAME, group:NAME, node:NAME, "
    "secret:NS/NAME, cloud:NAME or ns:NAME; names may hold *"
)


class NoSuchPlaceError(Exception):
    """An expression that names nothing in the graph; the message says how to write one."""


def places_named(graph: AttackGraph, text: str) -> list[int]:
    """The places that an expression means, or several with commas between them.

    Raises:
        NoSuchPlaceError: one of them means none, though there might be some.
    """
    found: dict[int, None] = {}
    for term in filter(None, (part.strip() for part in text.split(","))):
        numbers = _of_term(graph, term)
        if not numbers and term not in _WORDS:
            raise NoSuchPlaceError(f"{term!r} names nothing that was read; {_HOW}")
        found.update(dict.fromkeys(numbers))
    if not text.strip(", "):
        raise NoSuchPlaceError(f"an empty expression names nothing; {_HOW}")
    return list(found)


def _of_term(graph: AttackGraph, term: str) -> list[int]:
    if term in _WORDS:
        return [number for kind in _WORDS[term] for number in graph.of_kind(kind) if _is_real(graph.places[number])]
    prefix, colon, rest = term.partition(":")
    if colon and prefix in ("sa", "user", "group"):
        kind = {"sa": "ServiceAccount", "user": "User", "group": "Group"}[prefix]
        namespace, _, name = rest.rpartition("/") if prefix == "sa" else ("", "", rest)
        return _matching(graph, PlaceKind.IDENTITY, namespace, f"{kind} {name}")
    if colon and prefix in _PREFIXES:
        kind = _PREFIXES[prefix]
        spaced = kind in (PlaceKind.SECRET, PlaceKind.VOLUME)
        namespace, _, name = rest.partition("/") if spaced and "/" in rest else ("", "", rest)
        return _matching(graph, kind, namespace or ("*" if spaced else ""), name)
    namespace, slash, name = term.partition("/")
    if not slash:
        return []
    # NS/NAME, NS/KIND/NAME or NS/KIND/NAME/CONTAINER: from a workload one starts in its containers.
    patterns = {0: f"*/{name}/*", 1: f"{name}/*", 2: name}[min(name.count("/"), 2)]
    return _matching(graph, PlaceKind.CONTAINER, namespace, patterns)


def _matching(graph: AttackGraph, kind: PlaceKind, namespace: str, name: str) -> list[int]:
    return [
        number
        for number in graph.of_kind(kind)
        if fnmatchcase(graph.places[number].name, name)
        and fnmatchcase(graph.places[number].namespace, namespace)
        and _is_real(graph.places[number])
    ]


def _is_real(place: Place) -> bool:
    """Whether it is one thing, and not a place that stands for many."""
    return place.name != "*"
