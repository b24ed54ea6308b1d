"""Which files are build files, by their names."""

from __future__ import annotations

import re

# Compiled when they are first used: hardly any file of a scan is named like one.
_NAME = r"(?i:(?:docker|container)file(?:[._-][^/]*)?|[^/]+\.(?:docker|container)file)\Z"
#: What is named like a build file and is none: notes, programs, manifests, archives and templates.
_OTHER = (
    r"(?i)(?:\.(?:dockerignore|containerignore|md|rst|txt|ya?ml|json|toml|lock|sh|bash|ps1|py|go|rb|js|ts|tsx|java|kt|rs"
    r"|php|c|h|html?|xml|csv|svg|png|gz|tgz|zip|tar|patch|diff|orig|rej|swp|sha256|sig|asc|log|7|5|1)|~)\Z"
)


def is_build_file(name: str) -> bool:
    """Whether a file of this name (without its folder) is a Dockerfile or Containerfile."""
    lower = name.lower()
    if "dockerfile" not in lower and "containerfile" not in lower:
        return False
    return re.match(_NAME, name) is not None and re.search(_OTHER, name) is None


def is_usual_name(name: str) -> bool:
    """Whether it can be nothing else: ``Dockerfile``, ``Containerfile``."""
    return name.lower() in ("dockerfile", "containerfile")
