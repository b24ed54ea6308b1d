"""Which objects, files and containers a waiver is for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import pairwise
from typing import Any

from msgspec import Struct

from seawall.model.finding import Location
from seawall.model.kube.base import InvalidField
from seawall.model.paths import Path
from seawall.model.resource import Resource

Globs = str | tuple[str, ...]

_CONTAINER_LISTS = frozenset(["containers", "initContainers", "ephemeralContainers"])


class Subject(Struct, frozen=True):
    """What a selector is asked about: an object, the field of a finding, and where that stands."""

    resource: Resource
    path: Path
    locations: Sequence[Location]


class Selector(Struct, frozen=True, forbid_unknown_fields=True):
    """Globs that all must match; each is one or a list of which one must.

    ``path`` is that of the file as .gitignore would write it, relative to the file with the waiver. ``image`` is that
    of the finding's container; where a finding is about no container, of any. An image's own findings are of it.
    """

    kind: Globs = ()
    namespace: Globs = ()
    name: Globs = ()
    labels: dict[str, str] = {}
    path: Globs = ()
    image: Globs = ()

    def everything(self) -> bool:
        """Whether it narrows nothing down."""
        parts = (self.kind, self.namespace, self.name, self.path, self.image)
        narrow = any(part and not set(_globs(part)) & {"*", "**"} for part in parts)
        return not narrow and not any(value != "*" for value in self.labels.values())

    def matches(self, subject: Subject, folder: str) -> bool:
        """Whether it selects a finding."""
        resource = subject.resource
        return (
            (not self.kind or _any(self.kind, resource.ref.kind))
            and (not self.namespace or _any(self.namespace, _namespace(resource)))
            and (not self.name or _any(self.name, resource.ref.name))
            and (not self.labels or self._labels_match(resource))
            and (not self.path or self._path_matches(subject, folder))
            and (not self.image or any(_any(self.image, image) for image in _images(subject)))
        )

    def _labels_match(self, resource: Resource) -> bool:
        try:
            labels = resource.metadata.labels
        except InvalidField:  # told as an error of its own
            return False
        return all(key in labels and fnmatchcase(labels[key], value) for key, value in self.labels.items())

    def _path_matches(self, subject: Subject, folder: str) -> bool:
        spec = _path_spec(_globs(self.path))
        return any(spec.match_file(_relative(place.file, folder)) for place in subject.locations)


def _globs(value: Globs) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _any(globs: Globs, text: str) -> bool:
    return any(fnmatchcase(text, glob) for glob in _globs(globs))


def _namespace(resource: Resource) -> str:
    """Where an object lives; a Namespace is in itself, and what belongs to the whole cluster nowhere."""
    ref = resource.ref
    if ref.kind == "Namespace":
        return ref.name
    if ref.namespace:
        return ref.namespace
    from seawall.model.kube.resources import find_resource, resource_of_kind

    known = find_resource(resource_of_kind(ref.kind), ref.api_version.rpartition("/")[0])
    return "" if known is not None and not known.namespaced else "default"


def _images(subject: Subject) -> Iterator[str]:
    resource = subject.resource
    if resource.ref.kind == "Image":
        yield resource.ref.name
        return
    try:
        template: Any = resource.template()
        containers = list(template.spec.all_containers()) if template is not None else []
    except InvalidField:
        return
    place = _container(subject.path)
    for field, index, container in containers:
        if place is None or place == (field, index):
            try:
                image = container.image
            except InvalidField:
                continue
            if image:
                yield image


def _container(path: Path) -> tuple[str, int] | None:
    """The container that a field belongs to, as (list, index)."""
    for step, index in pairwise(path):
        if step in _CONTAINER_LISTS and isinstance(index, int):
            return str(step), index
    return None


@lru_cache(maxsize=64)
def _path_spec(globs: tuple[str, ...]) -> Any:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(globs)


@lru_cache(maxsize=1024)
def _relative(file: str, folder: str) -> str:
    path = os.path.relpath(file, folder)
    return file.lstrip("/") if path.startswith("..") else path.replace(os.sep, "/")
