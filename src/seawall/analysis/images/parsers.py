"""Which parser reads a file, by its path: one look-up of its name for nearly every file of an image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from seawall.analysis.images import (
    apk,
    bitnami,
    conda,
    dotnet,
    dpkg,
    javaarchive,
    node,
    osrelease,
    pacman,
    php,
    python,
    rpm,
    ruby,
)
from seawall.analysis.images.contents import Item
from seawall.analysis.images.locks import go, java, others
from seawall.analysis.images.locks import node as node_locks
from seawall.analysis.images.locks import python as python_locks

Bound = Literal["database", "listing", "document", "archive"]


class Parser(NamedTuple):
    """How a file is read: where it must be, up to which of the options' bounds, and by what."""

    here: Callable[[str], bool]
    bound: Bound
    parse: Callable[[bytes, str], tuple[Item, ...]]


_DPKG = "var/lib/dpkg/"
_RPM = ("var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/")
#: Places where lock files are those of other people's packages, not of what runs here.
_FOREIGN = (
    "node_modules/", "site-packages/", "dist-packages/", "/gems/", "go/pkg/mod/", ".cargo/registry/", "/testdata/",
    "/vendor/composer/",
)  # fmt: skip
_FOREIGN_TOP = ("usr/share/", "usr/lib/", "usr/src/", "usr/include/", "proc/", "sys/")


def _only(*paths: str) -> Callable[[str], bool]:
    return frozenset(paths).__contains__


def _own(path: str) -> bool:
    return not path.startswith(_FOREIGN_TOP) and not any(mark in path for mark in _FOREIGN)


def _anywhere(path: str) -> bool:
    return True


def _lock(parse: Callable[[bytes, str], tuple[Item, ...]]) -> Parser:
    return Parser(_own, "document", parse)


def _requirements(path: str) -> bool:
    name = path.rpartition("/")[2]
    return (name.startswith("requirements") or "/requirements/" in path) and _own(path)


def _is_copyright(path: str) -> bool:
    return path.startswith("usr/share/doc/") and path.count("/") == 4


def _rpm_place(path: str) -> bool:
    return path.startswith(_RPM) and path.count("/") <= 4


def _pacman_place(path: str) -> bool:
    return path.startswith("var/lib/pacman/local/") and path.count("/") == 5


def _json_place(path: str) -> bool:
    return path.endswith(".deps.json") or "conda-meta/" in path


def _json(data: bytes, path: str) -> tuple[Item, ...]:
    return dotnet.deps(data, path) if path.endswith(".deps.json") else conda.metadata(data, path)


def _maven_properties(path: str) -> bool:
    return "META-INF/maven/" in path


_NAMES: dict[str, Parser] = {
    "os-release": Parser(_only("etc/os-release", "usr/lib/os-release"), "document", osrelease.os_release),
    "alpine-release": Parser(_only("etc/alpine-release"), "document", osrelease.alpine_release),
    "debian_version": Parser(_only("etc/debian_version"), "document", osrelease.debian_version),
    **dict.fromkeys(
        ("redhat-release", "centos-release", "system-release", "oracle-release", "fedora-release"),
        Parser(
            _only(*(f"etc/{name}-release" for name in ("redhat", "centos", "system", "oracle", "fedora"))),
            "document",
            osrelease.red_hat_release,
        ),
    ),
    "status": Parser(_only(f"{_DPKG}status"), "listing", dpkg.status),
    "installed": Parser(_only("lib/apk/db/installed", "usr/lib/apk/db/installed"), "listing", apk.installed),
    "rpmdb.sqlite": Parser(_rpm_place, "database", rpm.sqlite),
    "rpmdb.sqlite-wal": Parser(_rpm_place, "database", rpm.left_over),
    "Packages.db": Parser(_rpm_place, "database", rpm.ndb),
    "Packages": Parser(_rpm_place, "database", rpm.berkeley),
    "desc": Parser(_pacman_place, "listing", pacman.description),
    "files": Parser(_pacman_place, "listing", pacman.file_list),
    "copyright": Parser(_is_copyright, "document", dpkg.copyright_licences),
    "METADATA": Parser(lambda path: path.endswith(".dist-info/METADATA"), "document", python.metadata),
    "PKG-INFO": Parser(
        lambda path: path.endswith((".egg-info/PKG-INFO", "/EGG-INFO/PKG-INFO")), "document", python.metadata
    ),
    "RECORD": Parser(lambda path: path.endswith(".dist-info/RECORD"), "document", python.record),
    "installed-files.txt": Parser(lambda path: ".egg-info/" in path, "document", python.installed_files),
    "package.json": Parser(node.is_package_root, "document", node.manifest),
    "installed.json": Parser(lambda path: path.endswith("composer/installed.json"), "document", php.installed),
    "pom.properties": Parser(_maven_properties, "document", javaarchive.properties),
    "Pipfile.lock": _lock(python_locks.pipfile),
    **dict.fromkeys(("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml"), _lock(python_locks.toml_lock)),
    **dict.fromkeys(("package-lock.json", "npm-shrinkwrap.json"), _lock(node_locks.package_lock)),
    "yarn.lock": _lock(node_locks.yarn),
    "pnpm-lock.yaml": _lock(node_locks.pnpm),
    "go.mod": _lock(go.go_mod),
    "go.sum": _lock(go.go_sum),
    "Cargo.lock": _lock(others.cargo),
    "pom.xml": _lock(java.pom),
    "gradle.lockfile": _lock(java.gradle),
    "Gemfile.lock": _lock(others.gemfile),
    "gems.locked": _lock(others.gemfile),
    "composer.lock": _lock(php.lock),
    "packages.lock.json": _lock(dotnet.lock),
    "conan.lock": _lock(others.conan),
    "mix.lock": _lock(others.mix),
    "pubspec.lock": _lock(others.pubspec),
}
_JAVA = Parser(_anywhere, "archive", javaarchive.archive)
_STATUS_D = Parser(_anywhere, "listing", dpkg.status)
_MD5SUMS = Parser(_anywhere, "listing", dpkg.md5sums)
_SUFFIXES: dict[str, Parser] = {
    ".list": Parser(lambda path: path.startswith(f"{_DPKG}info/"), "listing", dpkg.file_list),
    ".egg-info": Parser(_anywhere, "document", python.metadata),
    ".gemspec": Parser(lambda path: "/specifications/" in path, "document", ruby.gemspec),
    ".json": Parser(_json_place, "document", _json),
    ".spdx": Parser(bitnami.is_place, "document", bitnami.document),
    ".txt": Parser(_requirements, "document", python_locks.requirements),
    **dict.fromkeys((".jar", ".war", ".ear", ".sar", ".par", ".jpi", ".hpi", ".kar"), _JAVA),
}


def parser_for(path: str) -> Parser | None:
    """The parser of a file; None for the great most."""
    name = path[path.rfind("/") + 1 :]
    found = _NAMES.get(name)
    if found is None:
        found = _SUFFIXES.get(name[name.rfind(".") :])
    if found is not None and found.here(path):
        return found
    if path.startswith("var/lib/dpkg/status.d/"):
        return _MD5SUMS if name.endswith(".md5sums") else _STATUS_D
    return None
