"""Which package a file belongs to, and packages as the model has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from seawall.analysis.images.contents import (
    DatabaseItem,
    FileListItem,
    LicenceItem,
    OsPackage,
    PackagesItem,
    ProgramItem,
    RecordItem,
)
from seawall.analysis.images.merge import Merged
from seawall.analysis.images.needs import resolved
from seawall.model.distro import purl_distro, purl_namespace
from seawall.model.images import OsRelease, Package
from seawall.model.purl import make_purl


class Ownership:
    """The files of all packages of the distribution, asked for those that matter."""

    def __init__(self, merged: Merged, os: OsRelease | None) -> None:
        self._merged = merged
        self._os = os
        self._lists = {item.key: item.files for _, _, item in merged.of(FileListItem)}
        self._licences = {item.key: item.licences for _, _, item in merged.of(LicenceItem)}
        self._records = {item.proof: item.files for _, _, item in merged.of(RecordItem)}
        self._real = _renamer(merged.links)
        self._owners = self._find_owners()
        databases = list(merged.of(DatabaseItem))
        self._needs = resolved([package for _, _, item in databases for package in item.packages])

    def owner(self, path: str) -> str:
        """The distribution's package that brought a file; empty where none did."""
        return self._owners.get(path, "")

    def _find_owners(self) -> dict[str, str]:
        wanted = {path for path, _, _ in self._merged.of(ProgramItem)}
        wanted.update(path for path, _, _ in self._merged.of(PackagesItem))
        owners: dict[str, str] = {}
        for location, _, item in self._merged.of(DatabaseItem):
            for package in item.packages:
                owners.update((path, package.name) for path in self._files(package, location) if path in wanted)
        return owners

    def _files(self, package: OsPackage, location: str) -> Iterator[str]:
        text = package.files
        if not text and package.type in ("deb", "alpm"):
            names = (package.key, package.name, f"{package.name}:{package.arch}", location.rpartition("/")[2])
            text = next((self._lists[name] for name in names if name in self._lists), "")
        return map(self._real, text.split("\n")) if text else iter(())

    def distribution_package(self, package: OsPackage, path: str, layer: int) -> Package:
        """A package of the distribution as the model has it."""
        version, epoch = package.version, ""
        if package.type == "rpm":
            before, colon, rest = version.partition(":")
            version, epoch = (rest, before) if colon else (version, "")
        qualifiers = {"arch": package.arch, "epoch": epoch, "distro": purl_distro(self._os)}
        return Package(
            type=package.type,
            name=package.name,
            version=package.version,
            purl=make_purl(package.type, purl_namespace(self._os), package.name, version, qualifiers),
            arch=package.arch,
            source_name=package.source_name,
            source_version=package.source_version,
            licences=package.licences or self._licences.get(package.name, ()),
            locations=(path,),
            files=tuple(self._files(package, path)),
            layer=self._merged.brought(path, package, layer),
            module=package.module,
            requires=self._needs.get(package.name, ()),
        )

    def language_package(self, package: Package, path: str, layer: int) -> Package:
        """A package of a language with its layer, files and the distribution's package that it is part of."""
        files = self._records.get(path, "")
        return replace(
            package,
            layer=self._merged.brought(path, package, layer),
            files=tuple(files.split("\n")) if files else (),
            owner=self.owner(path),
        )


def _renamer(links: dict[str, str]) -> Callable[[str], str]:
    """What turns ``bin/sh`` into ``usr/bin/sh`` where ``bin`` is a link: databases keep the older names."""
    targets = {name: target.strip("/") for name, target in links.items() if ".." not in target and target.strip("/")}

    def real(path: str) -> str:
        head, slash, rest = path.partition("/")
        target = targets.get(head)
        return f"{target}/{rest}" if target is not None and slash else path

    return real if targets else lambda path: path
