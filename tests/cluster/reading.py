"""Reading a cluster in a test: everything that a source gives, sorted by what it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from seawall.model.finding import SourceError
from seawall.model.resource import Resource, UnreadKind
from seawall.sources.cluster import ClusterOptions
from seawall.sources.cluster.source import LiveCluster, Stage
from seawall.sources.manifests import Skipped
from tests.cluster.conftest import HASTE


class Read(NamedTuple):
    """What came of a reading."""

    resources: list[Resource]
    errors: list[SourceError]
    skipped: Counter[str]
    unread: dict[str, UnreadKind]
    stages: list[Stage]
    notes: list[str]

    def kinds(self) -> Counter[str]:
        return Counter(resource.ref.kind for resource in self.resources)


def read(kubeconfig: str, environ: Mapping[str, str] | None = None, **options: object) -> Read:
    """Read all of a cluster; raises ClusterError where nothing can be read."""
    settings: dict[str, object] = {"kubeconfig": kubeconfig, "patience": HASTE, **options}
    cluster = LiveCluster(ClusterOptions(**settings), environ or {})  # type: ignore[arg-type]
    result = Read([], [], Counter(), {}, [], cluster.notes)
    for item in cluster.resources(result.stages.append):
        if isinstance(item, Resource):
            result.resources.append(item)
        elif isinstance(item, SourceError):
            result.errors.append(item)
        elif isinstance(item, Skipped):
            result.skipped[item.reason] += 1
        else:
            result.unread[item.kind] = item
    return result
