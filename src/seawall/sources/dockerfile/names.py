"""Which files are build files, by their names."""

from __future__ import annotations

import re

_NAME = re.compile(r"(?:docker|container)file(?:[._-][^/]*)?\Z|[^/]+\.(?:docker|container)file\Z", re.IGNORECASE)
#: What is named like a build file and is none: notes, programs, manifests, archives and templates.
_OTHER = re.compile(
    r"\.(?:dockerignore|containerignore|md|rst|txt|ya?ml|json|toml|lock|sh|bash|ps1|py|go|rb|js|ts|tsx|java|kt|rs|php|c|h"
    r"|html?|xml|csv|svg|png|gz|tgz|zip|tar|patch|diff|orig|rej|swp|sha256|sig|asc|log|7|5|1)\Z|~\Z",
    re.IGNORECASE,
)


def is_build_file(name: str) -> bool:
    """Whether a file of this name (without its folder) is a Dockerfile or Containerfile."""
    return _NAME.match(name) is not None and _OTHER.search(name) is None


def is_usual_name(name: str) -> bool:
    """Whether it can be nothing else: ``Dockerfile``, ``Containerfile``."""
    return name.lower() in ("dockerfile", "containerfile")
