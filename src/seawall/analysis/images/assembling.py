"""Layers become an image: later ones hide, replace and delete what earlier ones hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from seawall.analysis.images.base import guess_base
from seawall.analysis.images.collecting import collect
from seawall.analysis.images.config import ReadConfig, read_config
from seawall.analysis.images.contents import (
    DatabaseItem,
    Item,
    LayerContents,
    OsItem,
    PackagesItem,
    ProgramItem,
    UnreadItem,
)
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.merge import Merged, merge
from seawall.analysis.images.options import DEFAULT, CollectOptions
from seawall.analysis.images.owning import Ownership
from seawall.model.images import (
    Entry,
    Executable,
    ImageInventory,
    LayerInfo,
    NotLooked,
    OsRelease,
    Package,
    Platform,
)


def assemble(
    reference: str,
    layers: Sequence[LayerInfo],
    contents: Sequence[LayerContents],
    *,
    digest: str = "",
    kind: str = "image",
    platform: Platform | None = None,
    config: bytes = b"",
    index_digest: str = "",
    known_bases: Mapping[str, str] | None = None,
    not_looked: Iterable[NotLooked] = (),
) -> ImageInventory:
    """The inventory of an image out of its layers, lowest first; ``contents`` has one for each of ``layers``.

    ``config`` is the image's configuration as JSON; one that cannot be read is told in ``not_looked``.
    ``known_bases`` maps chain IDs (`chain_ids`) to names of images.
    """
    problems = list(not_looked)
    read = _config(config, problems)
    merged = merge(contents)
    found = _found_os(merged)
    ownership = Ownership(merged, found)
    packages = _packages(merged, ownership)
    layers = _with_commands(layers, read)
    problems += [problem for layer in contents for problem in layer.not_looked]
    problems += [item.problem for _, _, item in merged.of(UnreadItem)]
    image_config = read.config if read else None
    diff_ids = read.diff_ids if read else ()
    base = guess_base(image_config, diff_ids or [layer.diff_id for layer in layers], found, packages, known_bases or {})
    return ImageInventory(
        reference=reference,
        digest=digest,
        kind=kind,
        platform=platform or (read.platform if read else None),
        os=found,
        config=image_config,
        layers=tuple(layers),
        packages=packages,
        executables=_executables(merged, ownership),
        base=base if layers else None,
        index_digest=index_digest,
        not_looked=tuple(sorted(set(problems), key=lambda problem: (problem.where, problem.reason))),
    )


def inventory_of(
    reference: str, entries: Iterable[Entry], options: CollectOptions = DEFAULT, *, kind: str = "rootfs"
) -> ImageInventory:
    """The inventory of a root file system, or of an image that is already one merged view."""
    return root_inventory(reference, collect(entries, options), kind=kind)


def root_inventory(reference: str, contents: LayerContents, *, kind: str = "rootfs") -> ImageInventory:
    """The inventory of what `collect` found in a root file system."""
    inventory = assemble(reference, (), (contents,), kind=kind)
    return replace(
        inventory,
        packages=tuple(replace(package, layer=-1) for package in inventory.packages),
        executables=tuple(replace(program, layer=-1) for program in inventory.executables),
    )


def _config(data: bytes, problems: list[NotLooked]) -> ReadConfig | None:
    if not data:
        return None
    try:
        return read_config(data)
    except Unreadable as error:
        problems.append(NotLooked("config", str(error)))
        return None


def _with_commands(layers: Sequence[LayerInfo], read: ReadConfig | None) -> tuple[LayerInfo, ...]:
    """Layers with the step of the history that made each, where nobody said so yet."""
    commands = {step.layer: step.created_by for step in read.config.history} if read else {}
    return tuple(
        layer if layer.created_by else replace(layer, created_by=commands.get(index, ""))
        for index, layer in enumerate(layers)
    )


def _found_os(merged: Merged) -> OsRelease | None:
    found = sorted(merged.of(OsItem), key=lambda entry: (entry[2].rank, entry[0]))
    return found[0][2].os if found else None


def _packages(merged: Merged, ownership: Ownership) -> tuple[Package, ...]:
    packages = []
    for path, layer, item in merged.of(DatabaseItem):
        packages += [ownership.distribution_package(package, path, layer) for package in item.packages]
    for path, layer, proven in merged.of(PackagesItem):
        if not _superseded(path, merged.items):
            packages += [ownership.language_package(package, path, layer) for package in proven.packages]
    return tuple(sorted(packages, key=lambda package: (package.type, package.name, package.version, package.locations)))


def _superseded(path: str, items: Mapping[str, tuple[int, tuple[Item, ...]]]) -> bool:
    """``go.sum`` holds every version ever considered: beside a ``go.mod`` it says nothing more."""
    folder, _, name = path.rpartition("/")
    return name == "go.sum" and (f"{folder}/go.mod" if folder else "go.mod") in items


def _executables(merged: Merged, ownership: Ownership) -> tuple[Executable, ...]:
    found = []
    for path, layer, item in merged.of(ProgramItem):
        owner = ownership.owner(path)
        sha256 = "" if owner else item.program.sha256
        found.append(replace(item.program, owner=owner, sha256=sha256, layer=layer))
    return tuple(sorted(found, key=lambda program: program.path))
