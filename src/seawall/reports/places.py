"""Where findings stand, as code hosts and CI systems want it: paths relative to the repository, URIs, regions."""

from __future__ import annotations

import os
from urllib.parse import quote

from seawall.model.finding import Finding, Location


def repository_path(file: str) -> str:
    """A path relative to the working directory where it lies below it, with ``/`` and without ``./``."""
    path = os.path.normpath(file)
    if os.path.isabs(path):
        relative = os.path.relpath(path)
        path = path if relative.startswith("..") else relative
    return path.replace(os.sep, "/")


def uri(file: str) -> str:
    """The path as a URI reference (RFC 3986): relative below the working directory, else ``file://``."""
    path = repository_path(file)
    quoted = quote(path.encode("utf-8", "surrogateescape"), safe="/")
    return f"file://{quoted}" if path.startswith("/") else quoted


def first_place(finding: Finding) -> Location:
    """The place to show where only one can be; of an object without a file all is empty."""
    return finding.locations[0] if finding.locations else Location("", 0, 0, "")


def subject(finding: Finding) -> str:
    """The object and the field, for people."""
    path = first_place(finding).path
    return f"{finding.resource} {path}" if path else str(finding.resource)
