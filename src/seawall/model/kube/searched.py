"""What was searched for secrets and is no image: a file, the history of a repository, a log."""

from __future__ import annotations

from seawall.model.kube.base import KubeObject, View
from seawall.model.kube.images import FoundSecret


class SearchedSpec(View, frozen=True):
    """What was found."""

    secrets: tuple[FoundSecret, ...] = ()


class Searched(KubeObject, frozen=True):
    """A file by its path, a repository by its folder, a log by its name."""

    spec: SearchedSpec = SearchedSpec()
