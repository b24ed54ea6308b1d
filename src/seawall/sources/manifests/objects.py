"""Decoded values to resources."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from seawall.model.finding import ResourceRef, SourceError
from seawall.model.kube.kinds import find_kind
from seawall.model.paths import Path
from seawall.model.resource import Origin, Resource, Suppression
from seawall.model.views import to_view
from seawall.sources.manifests.walk import InputFile, Skipped

Loaded = Resource | SourceError | Skipped

#: Lists in lists are taken apart up to this depth.
MOST_LISTS = 8
HIDING = "the list itself has a duplicate key, so items may be hidden: remove it"
NOT_KUBERNETES = "not Kubernetes (no apiVersion and kind)"


def is_list(value: Any) -> bool:
    """Whether a decoded value is a List, PodList or the like."""
    if not isinstance(value, dict) or not isinstance(value.get("items"), list):
        return False
    kind, version = value.get("kind"), value.get("apiVersion")
    return isinstance(kind, str) and isinstance(version, str) and kind.endswith("List")


def list_item(head: dict[str, Any], item: Any) -> Any:
    """An item of a list; those of a PodList and its like may leave out what the list says."""
    kind = head["kind"]
    if isinstance(item, dict) and "kind" not in item and kind != "List":
        return {"apiVersion": head["apiVersion"], "kind": kind.removesuffix("List"), **item}
    return item


def objects_in(value: Any, place: Path = ()) -> Iterator[tuple[Path, Any]]:
    """An object, or those of a list and of lists in it (kubectl takes them apart too), each with its place."""
    if len(place) >= 2 * MOST_LISTS or not is_list(value) or not value["items"]:
        yield place, value
        return
    for number, item in enumerate(value["items"]):
        yield from objects_in(list_item(value, item), (*place, "items", number))


def hides_items(value: Any, path: Path) -> bool:
    """Whether a key that is there twice is one of a list itself."""
    for step in path[:-1]:
        value = value[step]
    return is_list(value)


def from_object(
    file: InputFile,
    value: Any,
    origin: Origin,
    duplicates: Sequence[Path],
    suppressions: Sequence[Suppression] = (),
    cluster: str | None = None,
) -> Iterator[Loaded]:
    """The resource of a decoded object; held decoded until the next is asked for.

    ``cluster`` is the name of the live cluster that it comes from, if any.
    """
    if not isinstance(value, dict) or ("apiVersion" not in value and "kind" not in value):
        yield Skipped(file.path, NOT_KUBERNETES)
        return
    version, kind = value.get("apiVersion"), value.get("kind")
    if kind == "List" or ("items" in value and is_list(value)):
        yield _list_left(file, value, origin)
        return
    if version is None or kind is None:
        missing = "apiVersion" if version is None else "kind"
        yield Skipped(file.path, f"not Kubernetes (no {missing})")
        return
    if not isinstance(version, str) or not isinstance(kind, str):
        path: Path = ("kind",) if isinstance(version, str) else ("apiVersion",)
        place = origin.locate([path])[0]
        yield SourceError(file.path, f"{place.line}:{place.column}", f"{path[0]} must be text", unreadable=True)
        return
    resource = _to_resource(value, version, kind, origin, cluster)
    resource.duplicates = duplicates
    resource.suppressions = suppressions
    resource.hold(value)
    yield resource
    resource.hold(None)


def _list_left(file: InputFile, value: dict[str, Any], origin: Origin) -> Loaded:
    """What to say of a list that was not taken apart."""
    items = value.get("items")
    if not items:
        return Skipped(file.path, "an empty list")
    place = origin.locate([("items",)])[0]
    message = f"lists nested deeper than {MOST_LISTS} levels: take them apart"
    if not isinstance(items, list):
        message = "items must be a list"
    return SourceError(file.path, f"{place.line}:{place.column}", message, unreadable=True)


def _to_resource(value: dict[str, Any], version: str, kind: str, origin: Origin, cluster: str | None) -> Resource:
    metadata = value.get("metadata")
    meta: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
    name = _text(meta.get("name")) or (f"{_text(meta.get('generateName'))}*" if meta.get("generateName") else "")
    modelled = find_kind(version, kind)
    view, problems = to_view(value, modelled.view) if modelled else (None, [])
    ref = ResourceRef(sys.intern(version), sys.intern(kind), name, _text(meta.get("namespace")) or None, cluster)
    return Resource(ref, uid=_text(meta.get("uid")), kind=modelled, view=view, origin=origin, problems=problems)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
