"""A live cluster as a source of resources, with an account of what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

import msgspec
from msgspec import Struct

from seawall.model.finding import SourceError
from seawall.model.kube.kinds import find_kind, served_kinds
from seawall.model.resource import Resource, UnreadKind
from seawall.model.version import KubernetesVersion
from seawall.sources.cluster.client import connect
from seawall.sources.cluster.discovery import Discovery, Listable, discover, server_version
from seawall.sources.cluster.errors import FORBIDDEN, UNAUTHORIZED, ApiError, ClusterError, NoCredentials, Transient
from seawall.sources.cluster.listing import list_items
from seawall.sources.cluster.options import ClusterOptions
from seawall.sources.kept import Kept, KeptOrigin, with_type
from seawall.sources.manifests.objects import from_object
from seawall.sources.manifests.walk import InputFile, Skipped

Loaded = Resource | SourceError | Skipped | UnreadKind

#: Kinds that a scan does without where they may not be read.
_OPTIONAL = frozenset(("Secret",))
#: After so many kinds in a row that got no answer, the server counts as gone.
_PATIENCE = 3
_RIGHTS = "`seawall rbac-manifest` prints the rights that a scan needs"


class Stage(Struct, frozen=True):
    """How far the reading is: kinds done, kinds in all, the one at hand."""

    done: int
    total: int
    what: str


class LiveCluster:
    """One cluster, read once. ``notes`` are things that the person should know.

    Raises (on construction):
        ClusterError: it cannot be reached, or does not accept the credentials.
    """

    def __init__(self, options: ClusterOptions, environ: Mapping[str, str]) -> None:
        self._options = options
        self._client = connect(options, environ)
        self.name = self._client.name
        self.notes: list[str] = self._client.notes
        version, written = server_version(self._client)
        self.version: KubernetesVersion | None = version
        if version is None:
            self.notes.append(
                f"the server calls its version {written[:60]!r}, which says nothing; --kubernetes-version"
            )
        self._file = InputFile(f"cluster:{self.name}", "")
        self._kept = Kept()
        self._seen: set[str] = set()
        self._unanswered = 0

    def resources(self, tell: Callable[[Stage], None] = lambda stage: None) -> Iterator[Loaded]:
        """Everything that may be read; each resource is held decoded until the next is asked for."""
        try:
            found = discover(self._client)
        except ClusterError as error:
            yield self._lost("", str(error))
            return
        yield from self._failed_groups(found)
        kinds = sorted(found.kinds, key=_order)
        for number, listable in enumerate(kinds):
            tell(Stage(number, len(kinds), listable.resource))
            if self._unanswered >= _PATIENCE:
                yield from self._not_read(
                    listable, "not asked for any more, as the server stopped answering", lost=True
                )
                continue
            yield from self._of_kind(listable)
        tell(Stage(len(kinds), len(kinds), ""))
        self._client.close()

    def _of_kind(self, listable: Listable) -> Iterator[Loaded]:
        namespace = self._options.namespace
        if namespace and not listable.namespaced:
            yield from self._outside(listable, namespace)
            return
        try:
            for item in list_items(self._client, listable, namespace):
                yield from self._object(listable, bytes(item))
            self._unanswered = 0
        except ApiError as error:
            if error.status == UNAUTHORIZED:
                self._unanswered = _PATIENCE
            yield from self._not_read(listable, str(error), lost=error.status != FORBIDDEN)
        except ClusterError as error:
            self._unanswered += _PATIENCE if isinstance(error, NoCredentials) else isinstance(error, Transient)
            yield from self._not_read(listable, str(error), lost=True)

    def _object(self, listable: Listable, text: bytes) -> Iterator[Loaded]:
        try:
            value = with_type(msgspec.json.decode(text), listable.api_version, listable.kind)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            yield self._lost(str(listable), f"an object that cannot be read: {str(error)[:100]}")
            return
        metadata = value.get("metadata") if type(value) is dict else None
        if type(metadata) is not dict:
            yield self._lost(str(listable), "an item that is no object")
            return
        uid = metadata.get("uid")
        identity = (
            uid if uid and isinstance(uid, str) else f"{listable}/{metadata.get('namespace')}/{metadata.get('name')}"
        )
        if identity in self._seen:
            return
        self._seen.add(identity)
        origin = KeptOrigin(self._file.path, "", self._kept, self._kept.add(text), listable.api_version, listable.kind)
        yield from from_object(self._file, value, origin, (), cluster=self.name)

    def _outside(self, listable: Listable, namespace: str) -> Iterator[Loaded]:
        """Of what is not in a namespace, only the namespace itself is asked for."""
        modelled = _modelled(listable)
        reason = f"only the namespace {namespace} was read"
        if modelled != "Namespace":
            if modelled is not None:
                yield UnreadKind(modelled, reason, intended=True)
            return
        try:
            raw = self._client.get(f"{listable.path}/namespaces/{quote(namespace, safe='')}", _whole)
        except ApiError as error:
            if error.status == FORBIDDEN:
                yield UnreadKind("Namespace", f"{reason}, and its own object may not be read", intended=True)
            else:
                yield from self._not_read(listable, str(error), lost=True)
        except ClusterError as error:
            yield from self._not_read(listable, str(error), lost=True)
        else:
            yield from self._object(listable, raw)

    def _not_read(self, listable: Listable, reason: str, lost: bool) -> Iterator[Loaded]:
        """Account for a kind that was not read, or not to its end: what that means depends on who needs it."""
        modelled = _modelled(listable)
        if modelled is None and not lost:
            yield Skipped(self._file.path, "kinds that no rule reads and that may not be listed")
            return
        if modelled in _OPTIONAL and not lost:
            self.notes.append(f"{listable} may not be read; the rules about them are skipped")
            yield UnreadKind(modelled, f"{listable} may not be read", intended=True)
            return
        if modelled is not None:
            yield UnreadKind(modelled, f"{listable} could not be read")
        yield self._lost(str(listable), f"not judged: {reason}" + ("" if lost else f"; {_RIGHTS}"))

    def _failed_groups(self, found: Discovery) -> Iterator[Loaded]:
        needed: dict[str, list[str]] = {}
        for group, _, name in served_kinds():
            needed.setdefault(group, []).append(name)
        served = {(kind.group, _modelled(kind)) for kind in found.kinds}
        for place, reason in found.failed:
            group = place.rpartition("/")[0]
            missing = [name for name in needed.get(group, []) if (group, name) not in served]
            if not missing:
                yield Skipped(self._file.path, "API groups that did not answer and that no rule reads")
                continue
            yield from (UnreadKind(name, f"the API group {place} did not answer") for name in missing)
            yield self._lost(place, f"not judged: {reason}")

    def _lost(self, where: str, message: str) -> SourceError:
        return SourceError(self._file.path, where, message, unreadable=True)


def _whole(data: bytes) -> bytes:
    msgspec.json.decode(data, type=msgspec.Raw)
    return data


def _modelled(listable: Listable) -> str | None:
    kind = find_kind(listable.api_version, listable.kind)
    return kind.name if kind is not None else None


def _order(listable: Listable) -> int:
    """Secrets first, so that their values are known when other objects are scrubbed; pods after those who own them."""
    modelled = _modelled(listable)
    if modelled == "Secret":
        return 0
    return 2 if modelled == "Pod" else 1
