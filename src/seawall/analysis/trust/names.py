"""Globs over names of images: ``*`` stands for anything within a part of a path, ``**`` for anything."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from seawall.analysis.trust.errors import BadPolicy
from seawall.analysis.trust.form import TrustPolicy


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


def check_names(form: TrustPolicy) -> None:
    """Refuse globs that stand for no image, as a requirement with one would be kept by everything.

    Raises:
        BadPolicy: one does.
    """
    for index, each in enumerate(form.registries):
        if "/" in each.replace("**", ""):
            raise BadPolicy(
                f"{each!r} is no registry: name its host, or put it under repositories", ("registries", index)
            )
    places: list[tuple[str, tuple[str | int, ...]]] = [
        (each, ("repositories", index)) for index, each in enumerate(form.repositories)
    ]
    for index, requirement in enumerate(form.requirements):
        for part, globs in (("images", requirement.images), ("excluding", requirement.excluding)):
            places += [(each, ("requirements", index, part, number)) for number, each in enumerate(globs)]
    for glob, place in places:
        host, _, rest = glob.partition("/")
        if "@" in glob or ":" in rest:
            raise BadPolicy(f"{glob!r} names a tag or digest: name the repository alone", place)
        if "*" not in host and (not rest or not (set(".:") & set(host) or host == "localhost")):
            raise BadPolicy(f"{glob!r} names no registry: write docker.io/library/nginx, not nginx", place)
        if "**" not in host and host != host.lower():
            raise BadPolicy(f"{glob!r}: write the registry in lower case, as images are compared", place)
