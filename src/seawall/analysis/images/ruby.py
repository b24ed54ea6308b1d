"""Ruby gems that are installed: the specification that RubyGems writes as Ruby source, read but never run."""

from __future__ import annotations

import re

from seawall.analysis.images.contents import Item, PackagesItem
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.text import decoded
from seawall.model.images import Package
from seawall.model.purl import make_purl

_QUOTED = r"""(?:%q\{(?P<brace>[^}\n]{0,200})\}|"(?P<double>[^"\n]{0,200})"|'(?P<single>[^'\n]{0,200})')"""
_STUB = re.compile(r"^# stub: (?P<name>\S+) (?P<version>\S+) (?P<platform>\S+) ", re.MULTILINE)
_NAME = re.compile(rf"^[ \t]{{0,20}}\w{{1,40}}\.name[ \t]*=[ \t]*{_QUOTED}", re.MULTILINE)
_VERSION = re.compile(rf"^[ \t]{{0,20}}\w{{1,40}}\.version[ \t]*=[ \t]*(?:Gem::Version\.new\()?{_QUOTED}", re.MULTILINE)
_LICENCES = re.compile(r"^[ \t]{0,20}\w{1,40}\.licenses?[ \t]*=[ \t]*\[?([^\]\n]*)", re.MULTILINE)
_STRING = re.compile(_QUOTED)


def package(
    name: str,
    version: str,
    location: str,
    *,
    platform: str = "",
    licences: tuple[str, ...] = (),
    declared: bool = False,
) -> Package:
    """A gem; a platform other than plain Ruby becomes a qualifier, as vulnerability data does not know it."""
    qualifiers = {"platform": platform} if platform and platform != "ruby" else None
    purl = make_purl("gem", "", name, version, qualifiers)
    return Package("gem", name, version, purl, licences=licences, locations=(location,), declared=declared)


def _text(found: re.Match[str]) -> str:
    return found["brace"] or found["double"] or found["single"] or ""


def gemspec(data: bytes, path: str) -> tuple[Item, ...]:
    """``specifications/NAME-VERSION.gemspec``.

    Raises:
        Unreadable: name or version are not plain texts, and the file's stub line does not tell them either.
    """
    text = decoded(data)[: 256 * 1024]
    licence = _LICENCES.search(text)
    licences = tuple(filter(None, (_text(found) for found in _STRING.finditer(licence[1])))) if licence else ()
    stub = _STUB.search(text)
    if stub:
        found = package(stub["name"], stub["version"], path, platform=stub["platform"], licences=licences)
        return (PackagesItem((found,)),)
    name, version = _NAME.search(text), _VERSION.search(text)
    if not name or not version or not _text(name) or not _text(version):
        raise Unreadable("is a gem's specification without a plain name and version")
    return (PackagesItem((package(_text(name), _text(version), path, licences=licences),)),)
