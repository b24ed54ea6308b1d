"""Conda packages that are installed: ``conda-meta/NAME-VERSION-BUILD.json`` of each environment."""

from __future__ import annotations

from seawall.analysis.images.contents import Item, PackagesItem, RecordItem
from seawall.analysis.images.documents import json_object, text
from seawall.analysis.images.errors import Unreadable
from seawall.model.images import Package
from seawall.model.purl import make_purl

_MAX_FILES = 200_000


def metadata(data: bytes, path: str) -> tuple[Item, ...]:
    """A package with its files.

    Raises:
        Unreadable: it is no such file.
    """
    values = json_object(data)
    name, version, licence = text(values.get("name")), text(values.get("version")), text(values.get("license"))
    if not name or not version:
        raise Unreadable("is metadata of a Conda package without a name and version")
    channel = text(values.get("channel")).rstrip("/").split("/")
    qualifiers = {"build": text(values.get("build")), "subdir": text(values.get("subdir"))}
    if len(channel) > 1:
        qualifiers["channel"] = channel[-2] if channel[-1] == qualifiers["subdir"] else channel[-1]
    purl = make_purl("conda", "", name, version, qualifiers)
    package = Package("conda", name, version, purl, licences=(licence,) if licence else (), locations=(path,))
    files = values.get("files")
    names = [item for item in files[:_MAX_FILES] if isinstance(item, str)] if isinstance(files, list) else []
    base = "/".join(path.split("/")[:-2])
    listed = "\n".join(f"{base}/{item}" if base else item for item in names)
    return (PackagesItem((package,)), RecordItem(path, listed))
