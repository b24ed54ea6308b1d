"""Overlays to resources."""

from __future__ import annotations

import os
from collections.abc import Iterator

from seawall.model.finding import SourceError
from seawall.model.rendered import RenderedOrigin
from seawall.model.resource import Resource
from seawall.sources.kustomize.build import Built, Kustomize
from seawall.sources.kustomize.graph import Closure, Kustomization, KustomizeError, text_at
from seawall.sources.kustomize.trace import OverlayFiles, OverlayTracer, Source
from seawall.sources.manifests import Loaded, load_stdin


def load_overlay(parts: Closure, unit: str, program: Kustomize) -> Iterator[Loaded]:
    """Build an overlay and read what came out.

    Raises:
        NoKustomize: there is nothing to build it with.
    """
    top = parts.parts[0]
    files = OverlayFiles(top.shown_folder, parts)
    try:
        built = program.build(top)
    except KustomizeError as error:
        yield SourceError(error.file, error.where, error.message)
        return
    for each in built:
        yield from _objects(each, files, unit)


def _objects(built: Built, files: OverlayFiles, unit: str) -> Iterator[Loaded]:
    top = files.parts.parts[0]
    shown = top.shown if built.remote or not built.origin else files.shown(built.origin)
    for item in load_stdin(built.text.encode(), shown):
        if isinstance(item, Resource):
            item.origin = RenderedOrigin(item.origin, unit, _tracer(item, built, files, shown))
            yield item
        elif isinstance(item, SourceError):
            yield SourceError(top.shown, "", f"what Kustomize built is not readable: {item.message}")


def _tracer(resource: Resource, built: Built, files: OverlayFiles, shown: str) -> OverlayTracer:
    kind, name = resource.ref.kind, resource.ref.name
    if built.generated:
        parts = files.parts.parts
        origin = next((part for part in parts if _file(part) == built.origin), parts[0])
        return OverlayTracer(shown, files, kind, name, None, origin)
    sources = [] if built.remote else files.sources(built.origin)
    own = next(iter(sorted(_candidates(sources, kind, name), key=lambda found: found[0])), None)
    return OverlayTracer(shown, files, kind, name, own[1] if own is not None else None, None)


def _file(part: Kustomization) -> str:
    return os.path.realpath(os.path.join(part.folder, part.name))


def _candidates(sources: list[Source], kind: str, name: str) -> Iterator[tuple[int, Source]]:
    """Documents that the object can come from, each with how far its name is from the built one."""
    for source in sources:
        value = source.document.value
        before = text_at(value, "metadata", "name")
        if text_at(value, "kind") == kind and before in name:
            yield len(name) - len(before), source
