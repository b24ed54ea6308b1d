"""What a file's path says of what may be in it."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from seawall.analysis.secrets.generic import kind_of

#: Lists of hashes: nothing in them is secret but what has a form of its own.
_LOCKS = frozenset(
    (
        *("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "composer.lock"),
        *("Cargo.lock", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "Gemfile.lock", "go.sum", "go.work.sum"),
        *("gradle.lockfile", "packages.lock.json", "mix.lock", "pubspec.lock", "flake.lock", "conan.lock",
        "Podfile.lock"),
        *("Chart.lock", ".terraform.lock.hcl", "Package.resolved", "MODULE.bazel.lock", "RECORD", "SHA256SUMS",
        "md5sums"),
    )
)  # fmt: skip
#: Packed or drawn: text is not in them as it is.
_PACKED = frozenset(
    ("png", "jpg", "jpeg", "gif", "webp", "bmp", "ico", "tiff", "woff", "woff2", "ttf", "otf", "eot", "mp3", "mp4",
    "ogg", "webm",
     "avi", "mov", "flac", "wav", "pdf", "zip", "gz", "tgz", "bz2", "xz", "zst", "7z", "rar", "jar", "war", "ear",
     "whl", "deb",
     "rpm", "apk", "br", "lz4")
)  # fmt: skip
#: Text in which encoded text stands for itself.
_DECODED = frozenset(
    ("yaml", "yml", "json", "env", "toml", "ini", "cfg", "conf", "properties", "tf", "tfvars", "tfstate", "txt", "sh",
    "log", "xml",
     "", "dockercfg", "dockerconfigjson", "kubeconfig", "hcl", "auto")
)  # fmt: skip
#: Other people's code: what is generic there is theirs, and an example.
_FOREIGN = re.compile(
    r"(?:\A|/)(?:node_modules|site-packages|dist-packages|bower_components|gems/[^/]*/gems|go/pkg/mod|vendor/(?:bundle|github\.com"
    r"|golang\.org|gopkg\.in|k8s\.io)|\.cargo/registry|\.m2/repository|__pycache__)(?:/|\Z)"
    r"|\A/?usr/(?:lib|lib64|share|src|include|libexec)/|\A/?lib(?:64)?/|\A/?var/lib/(?:dpkg|rpm|apt|pacman)/|\A/?usr/local/lib/(?:python|node|ruby)"
)
_EXAMPLE = re.compile(
    r"(?:\A|[/_.-])(?:tests?|testing|testdata|testutils?|specs?|__tests__|fixtures?|examples?|samples?|mocks?|demos?|docs?|doc|snakeoil"
    r"|man|locale|i18n|translations)(?:[/_.-]|\Z)",
    re.IGNORECASE,
)


class Place(Struct, frozen=True):
    """How a file is looked at.

    ``kind`` is the ending of its name. ``skipped``: not at all. ``generic``: by names of settings too. ``decodes``:
    into base64 as well. ``example``: it is for tests or documentation, and what is found there weighs little.
    """

    path: str = ""
    kind: str = ""
    skipped: bool = False
    generic: bool = True
    decodes: bool = True
    example: bool = False

    @property
    def inside(self) -> Place:
        """How what was encoded in it is looked at."""
        return replace(self, kind="", decodes=False)


@lru_cache(maxsize=4096)
def place_of(path: str) -> Place:
    """What is known of a file by its path; an empty one is any text."""
    name = path[path.rfind("/") + 1 :]
    kind = kind_of(path)
    foreign = _FOREIGN.search(path) is not None
    example = _EXAMPLE.search(path) is not None
    plain = (
        name not in _LOCKS
        and kind not in ("map", "svg", "css", "po", "mo", "tsbuildinfo")
        and not name.endswith((".min.js", "sums"))
    )
    return Place(
        path=path,
        kind=kind,
        skipped=kind in _PACKED or (foreign and example),
        generic=plain and not foreign,
        decodes=plain and not foreign and (kind in _DECODED or name.startswith((".env", "config"))),
        example=example,
    )


def of_binary(place: Place) -> Place:
    """A file that turned out to be no text: only values with a form of their own are looked for."""
    return replace(place, generic=False, decodes=False)
