"""Reading images: places to layers, layers to contents (kept by digest), contents to an inventory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from seawall import __version__
from seawall.analysis.images import (
    VERSION,
    LayerContents,
    Unreadable,
    assemble,
    collect,
    decode_contents,
    encode_contents,
    root_inventory,
)
from seawall.engine.looking import Looked, watched
from seawall.model.finding import SourceError
from seawall.model.images import Entry, ImageInventory, Look, NotLooked
from seawall.sources.images.cache import LayerCache
from seawall.sources.images.errors import ImageError
from seawall.sources.images.image import Image, Layer
from seawall.sources.images.places import PlaceOptions, open_place, place_of
from seawall.sources.images.streamed import Passed

#: Layers that are read at the same time. Unpacking and hashing let other threads run.
_THREADS = 2


class Stage(NamedTuple):
    """How far the reading of an image is: layers done and in all, and the image."""

    done: int
    total: int
    what: str


#: Told after each layer.
Progress = Callable[[Stage], None]


class ImageOptions(Struct, frozen=True):
    """Where images are looked for, and where what was found in layers is kept (None: nowhere)."""

    place: PlaceOptions = PlaceOptions()
    cache_folder: str | None = None


class ImagesResult(Struct):
    """The images that were read, in the order asked for, and those that could not be."""

    images: list[ImageInventory]
    errors: list[SourceError]

    @property
    def complete(self) -> bool:
        """Whether everything was read, and looked into as a whole."""
        return not self.errors and not any(image.not_looked for image in self.images)

    def exit_code(self, keep_going: bool) -> int:
        """0 if it is complete, else 2; ``keep_going`` lifts that as long as something was read."""
        return 0 if self.complete or (keep_going and self.images) else 2


#: Given each image with what looks found in it, as soon as it was read.
See = Callable[[Looked], None]


def read_images(
    references: Iterable[str],
    options: ImageOptions,
    progress: Progress | None = None,
    looks: Sequence[Look] = (),
    see: See | None = None,
) -> ImagesResult:
    """Read images one after the other; one that cannot be read does not keep the others from it."""
    result = ImagesResult([], [])
    for reference in references:
        try:
            looked = look_into(reference, options, looks, progress)
        except ImageError as error:
            result.errors.append(SourceError(reference, "", str(error), unreadable=True))
            continue
        result.images.append(looked.inventory)
        if see is not None:
            see(looked)
    return result


def read_image(reference: str, options: ImageOptions, progress: Progress | None = None) -> ImageInventory:
    """The inventory of an image, root file system or SBOM. What could not be looked into is in its ``not_looked``.

    Raises:
        ImageError: it cannot be had, or is none.
    """
    return look_into(reference, options, (), progress).inventory


def look_into(reference: str, options: ImageOptions, looks: Sequence[Look], progress: Progress | None = None) -> Looked:
    """Read an image, root file system or SBOM, and let other analyses look at its files in the same pass.

    Raises:
        ImageError: it cannot be had, or is none.
    """
    if place_of(reference).kind == "sbom":
        return Looked(_sbom(reference), {look.key: [] for look in looks}, ())
    collecting = gc.isenabled()
    gc.disable()
    try:
        image, passed = open_place(reference, options.place, lambda entries: _looked(entries, looks))
        try:
            return _Reader(image, passed, options, looks, progress).read()
        finally:
            image.close()
    finally:
        if collecting:
            gc.enable()


def _sbom(reference: str) -> ImageInventory:
    from seawall.sources.images.files import file_pieces
    from seawall.sources.sbom import SbomError, read_sbom

    data = bytearray()
    for piece in file_pieces(place_of(reference).rest):
        data += piece
        if len(data) > _MAX_SBOM:
            raise ImageError(f"is larger than {_MAX_SBOM >> 20} MiB")
    try:
        return read_sbom(bytes(data), reference)
    except SbomError as error:
        raise ImageError(str(error)) from error


_MAX_SBOM = 256 << 20


class _Seen(NamedTuple):
    """What one pass over a layer gave: its contents, and what each look found."""

    contents: LayerContents
    looks: dict[str, bytes]


def _looked(entries: Iterable[Entry], looks: Sequence[Look]) -> _Seen:
    if not looks:
        return _Seen(collect(entries), {})
    running = {look.key: look.layer() for look in looks}
    contents = collect(watched(entries, tuple(running.values())))
    return _Seen(contents, {key: look.found() for key, look in running.items()})


class _Found(NamedTuple):
    """What is in a layer, what each look found, and what in it could not be looked into."""

    contents: LayerContents
    problems: Sequence[NotLooked]
    looks: dict[str, bytes]


class _Reader:
    def __init__(
        self,
        image: Image,
        passed: dict[str, Passed[_Seen]],
        options: ImageOptions,
        looks: Sequence[Look],
        progress: Progress | None,
    ) -> None:
        self._image = image
        self._passed = passed
        self._looks = looks
        self._limits = options.place.limits
        folder = options.cache_folder
        self._cache = LayerCache(folder, f"{__version__}/{VERSION}") if folder is not None else None
        # What each look found is kept apart, under its key, so that one more look needs no other anew.
        self._look_caches = {
            look.key: LayerCache(folder, f"{__version__}/{look.key}") for look in looks if folder is not None
        }
        self._progress = progress
        self._lock = Lock()
        self._done = 0

    def read(self) -> Looked:
        image = self._image
        if image.kind == "rootfs":
            return self._root()
        found = self._layers()
        problems = [*image.problems, *(problem for each in found for problem in each.problems)]
        inventory = assemble(
            image.reference,
            [layer.info for layer in image.layers],
            [each.contents for each in found],
            digest=image.digest,
            platform=image.platform,
            config=image.config,
            index_digest=image.index_digest,
            not_looked=problems,
        )
        looks: dict[str, list[bytes | None]] = {
            look.key: [each.looks.get(look.key) for each in found] for look in self._looks
        }
        return Looked(inventory, looks, [each.contents for each in found])

    def _root(self) -> Looked:
        walk = self._image.layers[0].walk(self._limits)
        seen = _looked(walk, self._looks)
        inventory = root_inventory(self._image.reference, seen.contents)
        inventory = replace(inventory, not_looked=(*inventory.not_looked, *walk.problems))
        return Looked(inventory, {key: [found] for key, found in seen.looks.items()}, (seen.contents,))

    def _layers(self) -> list[_Found]:
        """What is in every layer; one that comes twice is read once."""
        layers = self._image.layers
        by_digest: dict[str, Future[_Found]] = {}
        pool = ThreadPoolExecutor(min(_THREADS, len(layers)) or 1)
        try:
            for layer in layers:
                if layer.info.digest not in by_digest:
                    by_digest[layer.info.digest] = pool.submit(self._layer, layer)
            return [by_digest[layer.info.digest].result() for layer in layers]
        finally:
            # Where one failed, or the user interrupts, nobody waits for the others.
            pool.shutdown(wait=False, cancel_futures=True)

    def _layer(self, layer: Layer) -> _Found:
        found = self._found(layer)
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress(Stage(self._done, len(self._image.layers), self._image.reference))
        return found

    def _found(self, layer: Layer) -> _Found:
        info = layer.info
        if layer.problem:
            return _Found(_nothing(), [NotLooked(f"layer {info.digest}", layer.problem)], {})
        if self._image.streamed:
            done = self._passed.get(info.digest) or self._passed.get(info.diff_id)
            if done is None:
                return _Found(_nothing(), [NotLooked(f"layer {info.digest}", "is not in the archive")], {})
            return _Found(done.contents.contents, done.problems, done.contents.looks)
        kept, looks = self._kept(layer), self._kept_looks(layer)
        wanting = [look for look in self._looks if look.key not in looks]
        if kept is not None and not wanting:
            return _Found(kept, (), looks)
        walk = layer.walk(self._limits)
        seen = _looked(walk, wanting)
        if not walk.trusted:
            return _Found(_nothing(), walk.problems, {})
        if self._cache is not None and layer.verified and not walk.problems:
            if kept is None:
                self._cache.put(info.digest, encode_contents(seen.contents))
            for key, found in seen.looks.items():
                self._look_caches[key].put(info.digest, found)
        return _Found(seen.contents, walk.problems, {**looks, **seen.looks})

    def _kept_looks(self, layer: Layer) -> dict[str, bytes]:
        """What looks found in this layer before."""
        if not layer.verified:
            return {}
        kept = {key: cache.get(layer.info.digest) for key, cache in self._look_caches.items()}
        return {key: found for key, found in kept.items() if found is not None}

    def _kept(self, layer: Layer) -> LayerContents | None:
        data = self._cache.get(layer.info.digest) if self._cache is not None and layer.verified else None
        if data is None:
            return None
        try:
            return decode_contents(data)
        except Unreadable:
            return None


def _nothing() -> LayerContents:
    nothing: Iterable[Entry] = ()
    return collect(nothing)
