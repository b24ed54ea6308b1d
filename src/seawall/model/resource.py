"""Resources: objects of an estate, wherever they were read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from seawall.model.finding import Location, ResourceRef
from seawall.model.kube.base import NO_METADATA, InvalidField, KubeObject, ObjectMeta, OwnerReference
from seawall.model.kube.kinds import Kind, templated_names
from seawall.model.paths import Path, lookup
from seawall.model.views import WrongType


class Origin(Protocol):
    """Where an object was read from."""

    @property
    def file(self) -> str:
        """The file's path as people wrote it, or the name of another source."""

    @property
    def unit(self) -> str:
        """The directory relative to what was scanned; tells apart objects of one name (dev and prod overlays)."""

    def read(self) -> dict[str, Any]:
        """The whole original object, decoded anew."""

    def locate(self, paths: Sequence[Path]) -> list[Location]:
        """Where fields stand; the nearest enclosing field for one that is absent."""


class Suppression(Struct, frozen=True):
    """A wish, found with the object itself, that findings be waived.

    ``names`` are rules by id or by a peer's alias, ``*`` is all of them. ``path`` is the part of the object that it is
    for (None: none by path), ``line`` a line of the file whose findings it covers as well (0: none). ``problem`` says
    why it cannot be understood.
    """

    names: tuple[str, ...]
    reason: str
    source: str
    path: Path | None = ()
    line: int = 0
    problem: str = ""


class Resource:
    """One object: its identity, its typed view, and the original on demand.

    ``view`` is None for kinds that are not modelled and for objects that no view could be made of; ``problems`` are
    its fields of the wrong type, ``suppressions`` what comments beside it waive.
    """

    __slots__ = ("_raw", "duplicates", "kind", "origin", "problems", "ref", "suppressions", "uid", "view")

    def __init__(
        self,
        ref: ResourceRef,
        *,
        uid: str,
        kind: Kind | None,
        view: KubeObject | None,
        origin: Origin,
        problems: Sequence[WrongType] = (),
        duplicates: Sequence[Path] = (),
        suppressions: Sequence[Suppression] = (),
    ) -> None:
        self.ref = ref
        self.uid = uid
        self.kind = kind
        self.view = view
        self.origin = origin
        self.problems = problems
        self.duplicates = duplicates
        self.suppressions = suppressions
        self._raw: dict[str, Any] | None = None

    @property
    def raw(self) -> dict[str, Any]:
        """The original object; read again from its source where it is not at hand."""
        return self.origin.read() if self._raw is None else self._raw

    def hold(self, raw: dict[str, Any] | None) -> None:
        """Keep the decoded object at hand while it is judged, or (None) let go of it."""
        self._raw = raw

    @property
    def live(self) -> bool:
        """Whether it was read from a cluster (or a snapshot of one), not from a manifest."""
        return self.ref.cluster is not None

    @property
    def metadata(self) -> ObjectMeta:
        """Its metadata; empty where there is no view."""
        return self.view.metadata if self.view is not None else NO_METADATA

    @property
    def owner(self) -> OwnerReference | None:
        """The controller that manages it, if any."""
        try:
            return next((owner for owner in self.metadata.owner_references if owner.controller), None)
        except InvalidField:
            return None

    def template(self) -> Any | None:
        """Its pod template (an object with ``metadata`` and ``spec``), or None for kinds without one."""
        if self.kind is None or self.kind.template is None or self.view is None:
            return None
        return TEMPLATES[self.kind.template](self.view)

    def value_at(self, path: Path) -> Any:
        """The original value at a path, or None."""
        return lookup(self.raw, path)


def namespace_of(resource: Resource) -> str:
    """The namespace where an object lives; one that names none goes to ``default``."""
    return resource.ref.namespace or "default"


#: How the pod template is reached from the view, by its path.
TEMPLATES: dict[Path, Callable[[Any], Any]] = {
    (): lambda view: view,
    ("template",): lambda view: view.template,
    ("spec", "template"): lambda view: view.spec.template,
    ("spec", "jobTemplate", "spec", "template"): lambda view: view.spec.job_template.spec.template,
}


class UnreadKind(Struct, frozen=True):
    """A kind of which the sources have not all, and why. ``intended`` where that was asked for or is usual (Secrets
    that may not be read); the rules that need the kind are then skipped, and otherwise not judged."""

    kind: str
    reason: str
    intended: bool = False


class NotRead(Exception):
    """A rule asked for a kind that was not read."""

    def __init__(self, unread: UnreadKind) -> None:
        super().__init__(unread.reason)
        self.unread = unread


class Inventory:
    """An immutable, indexed set of resources.

    Asking for a kind of ``unread`` raises :class:`NotRead`, so that no rule takes for absent what was not seen.
    """

    def __init__(self, resources: Iterable[Resource], unread: Mapping[str, UnreadKind] | None = None) -> None:
        self.resources: tuple[Resource, ...] = tuple(resources)
        self.unread = unread or {}
        self._by_kind: dict[str, list[Resource]] = {}
        self._by_ref: dict[tuple[str, str | None, str], list[Resource]] = {}
        for resource in self.resources:
            name = resource.kind.name if resource.kind else resource.ref.kind
            self._by_kind.setdefault(name, []).append(resource)
            self._by_ref.setdefault((name, resource.ref.namespace, resource.ref.name), []).append(resource)

    def by_cluster(self) -> list[Inventory]:
        """An inventory for each cluster, manifests counting as one of their own: none reaches into another."""
        parts: dict[str | None, list[Resource]] = {}
        for resource in self.resources:
            parts.setdefault(resource.ref.cluster, []).append(resource)
        return [self] if len(parts) <= 1 else [Inventory(part, self.unread) for part in parts.values()]

    def of_kind(self, *names: str) -> list[Resource]:
        """All resources of the modelled kinds of these names that have a view.

        Raises:
            NotRead: one of the kinds was not read.
        """
        self._refuse_unread(names)
        return [r for name in names for r in self._by_kind.get(name, ()) if r.view is not None]

    def get(self, kind: str, namespace: str | None, name: str) -> Resource | None:
        """The resource of that kind and name, or None; the first where there are several.

        Raises:
            NotRead: the kind was not read.
        """
        self._refuse_unread((kind,))
        found = self._by_ref.get((kind, namespace, name))
        return found[0] if found else None

    def workloads(self) -> list[Resource]:
        """Everything with a pod template.

        Raises:
            NotRead: a kind with one was not read.
        """
        self._refuse_unread(name for name in self.unread if name in templated_names())
        return [r for r in self.resources if r.kind and r.kind.template is not None and r.view is not None]

    def namespaces(self) -> list[Resource]:
        """The Namespace objects."""
        return self.of_kind("Namespace")

    def owner_of(self, resource: Resource) -> Resource | None:
        """The modelled workload that manages a resource, if it is in the inventory."""
        owner = resource.owner
        if owner is None:
            return None
        ref = resource.ref
        for found in self._by_ref.get((owner.kind, ref.namespace, owner.name), ()):
            if found.kind and found.kind.template is not None and found.ref.cluster == ref.cluster:
                return found
        return None

    def _refuse_unread(self, names: Iterable[str]) -> None:
        if self.unread:
            for name in names:
                if name in self.unread:
                    raise NotRead(self.unread[name])
