"""What either form says of one package, and the package that it is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from seawall.model.distro import normal_id
from seawall.model.images import ImageInventory, NotLooked, OsRelease, Package, Platform
from seawall.model.purl import Purl, PurlError, parse_purl

_OS_TYPES = frozenset({"deb", "apk", "rpm", "alpm"})
#: Properties of Seawall, Trivy and Syft that mean the same.
_SOURCE_NAME = (
    "seawall:source:name",
    "aquasecurity:trivy:SrcName",
    "syft:metadata:source",
    "syft:metadata:originPackage",
)
_SOURCE_VERSION = ("seawall:source:version", "aquasecurity:trivy:SrcVersion", "syft:metadata:sourceVersion")
_MODULE = ("seawall:module", "aquasecurity:trivy:Modularitylabel", "syft:metadata:modularityLabel")
_SOURCE_RPM = ("syft:metadata:sourceRpm",)
_BUILT = re.compile(r"built package from: (\S+)(?: (\S+))?")
_MAX_PROBLEMS = 1000


class SbomError(Exception):
    """A document that is no SBOM of a form that is read, or exceeds a bound; the message says which."""


class Component(Struct, frozen=True):
    """A package as the document tells it, before its URL is looked at."""

    name: str
    version: str = ""
    group: str = ""
    purl: str = ""
    licences: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    properties: dict[str, str] = {}
    source_info: str = ""


class Subject(Struct, frozen=True):
    """What the document is about."""

    name: str = ""
    digest: str = ""
    platform: str = ""
    layers: tuple[str, ...] = ()
    not_looked: tuple[NotLooked, ...] = ()


def _first(properties: dict[str, str], names: Iterable[str]) -> str:
    return next((properties[name] for name in names if properties.get(name)), "")


def package(component: Component) -> Package | NotLooked:
    """The package that a component's URL names; why it is none where it has none that can be read."""
    if not component.purl:
        return NotLooked(_title(component), "has no package URL, so nothing tells what it is")
    try:
        purl = parse_purl(component.purl)
    except PurlError as error:
        return NotLooked(_title(component), f"has a package URL that {error}")
    values = component.properties
    version = purl.version or component.version
    epoch = purl.qualifiers.get("epoch", "")
    if purl.type == "rpm" and epoch not in ("", "0") and ":" not in version:
        version = f"{epoch}:{version}"
    source_name, source_version = _source(component, purl, version)
    layer = values.get("seawall:layer:index", "")
    return Package(
        type=purl.type,
        name=_name(component, purl),
        version=version,
        purl=component.purl,
        arch=values.get("seawall:arch", "") or purl.qualifiers.get("arch", ""),
        source_name=source_name,
        source_version=source_version,
        licences=component.licences,
        locations=component.locations,
        layer=int(layer) if layer.isascii() and layer.isdigit() and len(layer) < 6 else -1,
        declared=values.get("seawall:declared") == "true",
        module=_first(values, _MODULE),
        owner=values.get("seawall:owner", ""),
        development=values.get("seawall:development") == "true",
    )


def _title(component: Component) -> str:
    return f"{component.name} {component.version}".strip()[:200]


def _name(component: Component, purl: Purl) -> str:
    """As the ecosystem writes it. URLs of some types are in lower case, the document's own name may not be."""
    if purl.type in _OS_TYPES:
        return purl.name
    joint = ":" if purl.type == "maven" else "/"
    name = f"{purl.namespace}{joint}{purl.name}" if purl.namespace else purl.name
    told = f"{component.group}{joint}{component.name}" if component.group else component.name
    return told if told.lower().replace("_", "-") == name.lower().replace("_", "-") else name


def _source(component: Component, purl: Purl, version: str) -> tuple[str, str]:
    """The distribution's source package; tools tell it in properties, the qualifier ``upstream``, or a sentence."""
    if purl.type not in _OS_TYPES:
        return "", ""
    values = component.properties
    name, source_version = _first(values, _SOURCE_NAME), _first(values, _SOURCE_VERSION)
    release, epoch = values.get("aquasecurity:trivy:SrcRelease", ""), values.get("aquasecurity:trivy:SrcEpoch", "")
    if source_version and release and "seawall:source:version" not in values:
        source_version = f"{source_version}-{release}"
    if source_version and epoch not in ("", "0") and ":" not in source_version:
        source_version = f"{epoch}:{source_version}"
    upstream = purl.qualifiers.get("upstream", "")
    if not name and upstream:
        name, source_version = _upstream(upstream, source_version)
    if not name:
        told = _BUILT.search(component.source_info)
        if told:
            name, source_version = told[1], told[2] or ""
    if not name and _first(values, _SOURCE_RPM):
        name, source_version = _upstream(_first(values, _SOURCE_RPM), "")
    return name or purl.name, source_version or version


def _upstream(text: str, version: str) -> tuple[str, str]:
    """``openssl@1.1.1``, ``openssl``, or ``openssl-3.0.7-1.el9.src.rpm``."""
    if text.endswith(".rpm"):
        parts = text.removesuffix(".rpm").rpartition(".")[0].rsplit("-", 2)
        return (parts[0], f"{parts[1]}-{parts[2]}") if len(parts) == 3 else ("", version)
    name, _, told = text.partition("@")
    return name, told or version


def inventory(
    reference: str, subject: Subject, os: OsRelease | None, components: Iterable[Component]
) -> ImageInventory:
    """The inventory of a document. Components that are no packages are told as not looked into."""
    packages, problems = [], list(subject.not_looked)
    left_out = 0
    for component in components:
        found = package(component)
        if isinstance(found, Package):
            packages.append(found)
        elif len(problems) < _MAX_PROBLEMS:
            problems.append(found)
        else:
            left_out += 1
    if left_out:
        problems.append(NotLooked("", f"{left_out:,} more components are no packages that are known"))
    return ImageInventory(
        reference=reference,
        digest=subject.digest,
        kind="sbom",
        platform=_platform(subject.platform),
        os=os or _os_of(packages),
        config=None,
        layers=(),
        packages=tuple(dict.fromkeys(packages)),
        executables=(),
        not_looked=tuple(problems),
    )


def _platform(text: str) -> Platform | None:
    parts = text.split("/")
    return Platform(*parts[:3]) if 2 <= len(parts) <= 3 else None


def make_os(name: str, version: str, properties: dict[str, str]) -> OsRelease:
    """The distribution that a component of type ``operating-system`` names."""
    return OsRelease(
        id=normal_id(name),
        version_id=version,
        codename=properties.get("seawall:os:codename", ""),
        name=f"{name} {version}".strip(),
    )


def _os_of(packages: Iterable[Package]) -> OsRelease | None:
    """The distribution out of the URLs of its packages: ``distro=debian-12``, or the namespace alone."""
    counts: dict[tuple[str, str], int] = {}
    for found in packages:
        if found.type in _OS_TYPES:
            purl = parse_purl(found.purl)
            key = (purl.namespace.lower(), purl.qualifiers.get("distro", ""))
            counts[key] = counts.get(key, 0) + 1
    if not counts:
        return None
    namespace, distro = max(counts, key=lambda key: counts[key])
    parted = re.fullmatch(r"(.+?)-(\d[\w.]*)", distro)
    if parted:
        return OsRelease(normal_id(parted[1]), parted[2])
    if not namespace:
        return None
    if re.fullmatch(r"\d[\w.]*", distro):
        return OsRelease(normal_id(namespace), distro)
    return OsRelease(normal_id(namespace), "", distro.rpartition("-")[2])
