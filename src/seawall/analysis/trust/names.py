"""Globs over names of images: ``*`` stands for anything within a part of a path, ``**`` for anything."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    made = "".join(
        ".*" if part == "**" else "[^/]*" if part == "*" else re.escape(part)
        for part in re.split(r"(\*\*|\*)", re.sub(r"\*{3,}", "**", glob))
    )
    return re.compile(made, re.DOTALL)


def matches(globs: Iterable[str], name: str) -> bool:
    """Whether any of the globs stands for the whole name."""
    return any(_compiled(glob).fullmatch(name) is not None for glob in globs)


def refused_name(registries: tuple[str, ...], repositories: tuple[str, ...], repository: str) -> str:
    """Why a repository (``docker.io/library/debian``) is not allowed; empty where it is."""
    host = repository.partition("/")[0]
    if not registries and not repositories:
        return ""
    if matches(registries, host) or matches(repositories, repository):
        return ""
    return f"{repository} is in no registry or repository that the trust policy allows"
