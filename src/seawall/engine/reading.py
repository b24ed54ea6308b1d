"""Reading what a person named into resources, with an account of everything that was passed over or failed."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from seawall.model.finding import SourceError
from seawall.model.paths import format_path
from seawall.model.resource import Inventory, Resource, UnreadKind
from seawall.model.version import KubernetesVersion
from seawall.sources.dockerfile.names import is_build_file
from seawall.sources.manifests import (
    MAX_FILE_BYTES,
    Entry,
    InputFile,
    Loaded,
    Skipped,
    Unrendered,
    load_bytes,
    load_file,
    load_stdin,
    walk,
)
from seawall.sources.snapshot import is_snapshot

if TYPE_CHECKING:
    from seawall.engine.rendering import Rendering, RenderOptions
    from seawall.sources.cluster import ClusterOptions
    from seawall.sources.cluster.source import LiveCluster, Stage
    from seawall.sources.snapshot.reader import Snapshot

#: The path that stands for a live cluster.
CLUSTER = "cluster"
#: Named files that are unpacked before they are read.
_ARCHIVES = (".tgz", ".tar.gz", ".tar")


class Supplied(Struct, frozen=True):
    """A source that a command brings along: what kind it is, what gives its resources and problems when asked, and
    whether it is a file."""

    kind: str
    load: Callable[[], Iterator[Loaded]]
    is_file: bool = False


class ReadOptions(Struct, frozen=True):
    """What to read. ``paths`` may hold ``-`` for standard input and ``cluster`` for the live cluster that ``cluster``
    tells; ``exclude`` are globs as in .gitignore. ``render`` says how charts, overlays, archives, artifacts and
    revisions are read; None is the usual way. ``supplied`` are sources by the path that stands for them. ``instead``
    are bytes that are read instead of what lies in files, by their paths as shown (``<stdin>`` too).
    """

    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    gitignore: bool = False
    cluster: ClusterOptions | None = None
    render: RenderOptions | None = None
    supplied: Mapping[str, Supplied] = {}
    instead: Mapping[str, bytes] = {}


class Reading:
    """One pass over what was named.

    :meth:`open` first reaches clusters and opens snapshots, and so tells at which versions to judge. Iterate
    :meth:`resources` once; each resource holds its decoded object until the next is asked for. The account
    is complete when the iteration has ended. ``texts`` holds what cannot be read again: standard input.
    """

    def __init__(self, options: ReadOptions) -> None:
        self.options = options
        self.errors: list[SourceError] = []
        self.skipped: Counter[str] = Counter()
        self.unrendered: list[tuple[str, str]] = []
        self.texts: dict[str, bytes] = {}
        self.files = 0
        #: Whether build files that are met are read: only a scan has something to say of them.
        self.build_files = False
        #: Modelled kinds that were not all read.
        self.unread: dict[str, UnreadKind] = {}
        #: Things that the person should know, and that take nothing from the result.
        self.notes: list[str] = []
        #: How each path was read: stdin, manifests, cluster, snapshot.
        self.kinds: dict[str, str] = {}
        self.versions: set[KubernetesVersion] = set()
        #: Told how far the reading of a cluster is.
        self.tell: Callable[[Stage], None] | None = None
        self._sources: dict[str, LiveCluster | Snapshot | None] = {}
        self._opened = False
        self._rendering: Rendering | None = None
        #: Where the files and folders of templates lie that were met, with what they are.
        self._met: set[tuple[str, str]] = set()

    def open(self) -> None:
        """Reach the clusters and open the snapshots among the paths; what fails is noted among the errors."""
        self._opened = True
        for path in self.options.paths:
            self.kinds[path] = "stdin" if path == "-" else "manifests"
            if path in self.options.supplied:
                self.kinds[path] = self.options.supplied[path].kind
            elif path == CLUSTER:
                self._open(path, "cluster", self._connect)
            elif path != "-" and is_snapshot(path):
                self._open(path, "snapshot", partial(_snapshot, path))
                if _is_of_manifests(self._sources.get(path)):
                    self.kinds[path] = "snapshot-of-manifests"

    def _open(self, path: str, kind: str, opener: Callable[[], LiveCluster | Snapshot | SourceError]) -> None:
        self.kinds[path] = kind
        source = opener()
        if isinstance(source, SourceError):
            self.errors.append(source)
            self._sources[path] = None
            return
        self._sources[path] = source
        if source.version is not None:
            self.versions.add(source.version)

    def _connect(self) -> LiveCluster | SourceError:
        from seawall.sources.cluster import ClusterError, ClusterOptions
        from seawall.sources.cluster.source import LiveCluster

        try:
            return LiveCluster(self.options.cluster or ClusterOptions(), os.environ)
        except ClusterError as error:
            return SourceError(CLUSTER, "", str(error), unreadable=True)

    def resources(self, note_problems: bool = True) -> Iterator[Resource]:
        """Everything that could be read; fields of the wrong type are noted among the errors."""
        if not self._opened:
            self.open()
        try:
            for path in dict.fromkeys(self.options.paths):
                for resource in self._read(path):
                    if note_problems:
                        self._note_problems(resource)
                    yield resource
        finally:
            if self._rendering is not None:
                self.files += self._rendering.files
                self.skipped.update(each.reason for each in self._rendering.skipped)
                self._rendering.close()

    def inventory(self) -> Inventory:
        """All of it at once, for analyses that judge things together: of clusters one, for none reaches another."""
        resources = list(self.resources())
        clusters = list(dict.fromkeys(each.ref.cluster for each in resources if each.ref.cluster is not None))
        for other in clusters[1:]:
            message = f"left out: what was read before is of the cluster {clusters[0]}; ask of one cluster at a time"
            self.errors.append(SourceError(other, "", message, unreadable=True))
        kept = (each for each in resources if each.ref.cluster in (None, *clusters[:1]))
        return Inventory(kept, self.unread)

    def _read(self, path: str) -> Iterator[Resource]:
        if path in self.options.supplied:
            supplied = self.options.supplied[path]
            self.files += supplied.is_file
            yield from self._account(supplied.load())
            return
        if path in self._sources:
            yield from self._from_source(self._sources[path])
            return
        if path == "-":
            self.files += 1
            yield from self._account(self._once("<stdin>", sys.stdin.buffer.read))
            return
        if path.startswith("oci://") or path.endswith(_ARCHIVES) or self._at_revision():
            yield from self._read_mounted(path)
            return
        yield from self._entries(walk(path, self._ignore(path)), path)

    def _at_revision(self) -> bool:
        return self.options.render is not None and self.options.render.revision is not None

    def _read_mounted(self, path: str) -> Iterator[Resource]:
        mounted = self.rendering.mount(path)
        if isinstance(mounted, SourceError):
            self.errors.append(mounted)
        elif mounted.chart is not None:
            yield from self._account(self.rendering.load_chart(mounted.chart, "", mounted.shown))
        else:
            yield from self._entries(walk(mounted.real, self._ignore(mounted.real), mounted.shown), mounted.real)

    def _entries(self, entries: Iterator[Entry], root: str) -> Iterator[Resource]:
        found = list(entries)
        if len(self.options.paths) > 1:
            found = [entry for entry in found if self._is_new(entry)]
        if any(isinstance(entry, Unrendered) for entry in found):
            found = list(self.rendering.arrange(found))
        for entry in found:
            if isinstance(entry, InputFile) and self._is_passed_over(entry):
                self.skipped["a build file"] += 1
            elif isinstance(entry, InputFile):
                self.files += 1
                yield from self._account(self._load(entry))
            elif isinstance(entry, Skipped):
                self.skipped[entry.reason] += 1
            elif isinstance(entry, Unrendered):
                yield from self._account(self.rendering.load(entry, root))
            else:
                self.errors.append(entry)

    def _is_new(self, entry: Entry) -> bool:
        """Whether no path named before leads to it: what is named twice (`. ./web.yaml`) is judged once."""
        if not isinstance(entry, InputFile | Unrendered):
            return True
        where = (os.path.abspath(entry.real or entry.path), entry.what if isinstance(entry, Unrendered) else "")
        if where in self._met:
            self.skipped["named twice"] += 1
            return False
        self._met.add(where)
        return True

    def _is_passed_over(self, file: InputFile) -> bool:
        return not (self.build_files or file.named) and is_build_file(os.path.basename(file.path))

    @property
    def rendering(self) -> Rendering:
        """What renders and unpacks; made when it is first needed."""
        if self._rendering is None:
            from seawall.engine.rendering import Rendering, RenderOptions

            self._rendering = Rendering(self.options.render or RenderOptions())
        return self._rendering

    def hold(self, files: Iterable[str]) -> None:
        """Keep the texts of files that lie in folders of ours, so that reports can show their lines."""
        if self._rendering is not None:
            for file in files:
                text = self._rendering.text(file) if file not in self.texts else None
                if text is not None:
                    self.texts[file] = text

    def _from_source(self, source: LiveCluster | Snapshot | None) -> Iterator[Resource]:
        if source is not None:
            yield from self._account(source.resources(self.tell) if self.tell else source.resources())
            self.notes += source.notes

    def _load(self, file: InputFile) -> Iterator[Loaded]:
        if file.path in self.options.instead:
            return load_bytes(file, self.options.instead[file.path])
        if not file.named or os.path.isfile(file.at):
            return load_file(file)
        return self._once(file.path, partial(_head, file.path))

    def _once(self, name: str, read: Callable[[int], bytes]) -> Iterator[Loaded]:
        """What can be read only once: standard input, a pipe, a device. Its text is held for those who come later."""
        try:
            given = self.options.instead.get(name)
            data = read(MAX_FILE_BYTES + 1) if given is None else given
        except OSError as error:
            return iter([SourceError(name, "", f"cannot be read: {error.strerror}", unreadable=True)])
        if len(data) > MAX_FILE_BYTES:
            message = f"more than {MAX_FILE_BYTES >> 20} MiB; split it"
            return iter([SourceError(name, "", message, unreadable=True)])
        self.texts[name] = data
        return load_stdin(data, name)

    def _account(self, loaded: Iterator[Loaded | Unrendered | UnreadKind]) -> Iterator[Resource]:
        for item in loaded:
            if isinstance(item, Resource):
                yield item
            elif isinstance(item, Unrendered):
                self.unrendered.append((item.path, item.what))
            elif isinstance(item, Skipped):
                self.skipped[item.reason] += 1
            elif isinstance(item, UnreadKind):
                known = self.unread.get(item.kind)
                if known is None or known.intended:
                    self.unread[item.kind] = item
            else:
                self.errors.append(item)

    def _ignore(self, root: str) -> Callable[[str, bool], bool]:
        if not self.options.exclude and not self.options.gitignore:
            return lambda path, is_directory: False
        from seawall.sources.manifests.ignore import ignore_rules

        return ignore_rules(root, self.options.exclude, self.options.gitignore)

    def _note_problems(self, resource: Resource) -> None:
        if not resource.problems:
            return
        places = resource.origin.locate([problem.path for problem in resource.problems])
        for problem, place in zip(resource.problems, places, strict=True):
            where = f"{place.line}:{place.column}" if place.line else ""
            message = f"{resource.ref}: {format_path(problem.path)}: {problem.message}"
            self.errors.append(SourceError(place.file, where, message))


def _head(path: str, most: int) -> bytes:
    with open(path, "rb") as stream:
        return stream.read(most)


def _is_of_manifests(source: LiveCluster | Snapshot | None) -> bool:
    """Whether a snapshot tells no more than manifests: what is not in it was not looked at."""
    inputs = getattr(getattr(source, "header", None), "inputs", ())
    return bool(inputs) and all(each.get("kind") in ("manifests", "stdin") for each in inputs)


def _snapshot(path: str) -> Snapshot | SourceError:
    from seawall.sources.snapshot.reader import Snapshot, SnapshotError

    try:
        return Snapshot(path)
    except SnapshotError as error:
        return SourceError(path, "", str(error), unreadable=True)
