"""Maven's ``pom.xml`` with literal versions, and Gradle's lock file."""

from __future__ import annotations

import re
from xml.parsers import expat

from seawall.analysis.images.contents import Item, PackagesItem
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.javaarchive import package
from seawall.analysis.images.text import decoded

_MAX_DEPTH = 64
_MAX_DEPENDENCIES = 20_000
_PROPERTY = re.compile(r"\$\{([^{}]{1,200})\}")
_COORDINATE = re.compile(r"[A-Za-z0-9_.-]{1,200}").fullmatch
_VERSION = re.compile(r"[A-Za-z0-9][\w.+-]{0,200}").fullmatch


class _Pom:
    """Collects the dependencies, properties and own coordinates of a project as expat reads it."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.text: list[str] = []
        self.properties: dict[str, str] = {}
        self.dependencies: list[dict[str, str]] = []
        self.current: dict[str, str] | None = None

    def start(self, name: str, _: object) -> None:
        self.path.append(name.rpartition(":")[2])
        self.text = []
        if len(self.path) > _MAX_DEPTH:
            raise Unreadable(f"is nested deeper than {_MAX_DEPTH} elements")
        if self.path == ["project", "dependencies", "dependency"]:
            self.current = {}

    def data(self, text: str) -> None:
        self.text.append(text)

    def end(self, _: str) -> None:
        text = "".join(self.text).strip()
        path = self.path
        if len(path) == 3 and path[:2] == ["project", "properties"]:
            self.properties[path[2]] = text
        elif len(path) == 2 and path[1] in ("version", "groupId"):
            self.properties[f"project.{path[1]}"] = text
        elif len(path) == 3 and path[1] == "parent" and path[2] in ("version", "groupId"):
            self.properties[f"project.parent.{path[2]}"] = text
            self.properties.setdefault(f"project.{path[2]}", text)
        elif self.current is not None and len(path) == 4:
            self.current[path[3]] = text
        elif path == ["project", "dependencies", "dependency"] and self.current is not None:
            self.dependencies.append(self.current)
            self.current = None
            if len(self.dependencies) > _MAX_DEPENDENCIES:
                raise Unreadable(f"lists more than {_MAX_DEPENDENCIES:,} dependencies")
        path.pop()
        self.text = []


def _refuse(*_: object) -> None:
    raise Unreadable("has a document type, which may hide bombs")


def pom(data: bytes, path: str) -> tuple[Item, ...]:
    """``pom.xml``: dependencies whose version is written in it or in its properties; ranges and inherited ones are not.

    Raises:
        Unreadable: it is no XML, has a document type, or is nested too deeply.
    """
    found = _Pom()
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = found.start, found.end
    parser.CharacterDataHandler = found.data
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Unreadable(f"is no XML that can be read: {str(error)[:100]}") from error
    packages = []
    for entry in found.dependencies:
        group, artifact, version = (
            _resolved(entry.get(key, ""), found.properties) for key in ("groupId", "artifactId", "version")
        )
        if _COORDINATE(group) and _COORDINATE(artifact) and _VERSION(version):
            packages.append(package(group, artifact, version, path, declared=True))
    return (PackagesItem(tuple(packages)),)


def _resolved(text: str, properties: dict[str, str]) -> str:
    for _ in range(5):
        if "${" not in text or len(text) > 500:
            break
        text = _PROPERTY.sub(lambda found: properties.get(found[1], "$")[:200], text)
    return text


_GRADLE = re.compile(r"^([A-Za-z0-9_.-]{1,200}):([A-Za-z0-9_.-]{1,200}):([A-Za-z0-9][\w.+-]{0,200})=", re.MULTILINE)


def gradle(data: bytes, path: str) -> tuple[Item, ...]:
    """``gradle.lockfile``: ``group:artifact:version=configurations``."""
    found = [package(match[1], match[2], match[3], path, declared=True) for match in _GRADLE.finditer(decoded(data))]
    return (PackagesItem(tuple(found)),)
