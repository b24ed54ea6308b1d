"""What a cluster has to list: aggregated discovery where it is served, otherwise group by group.

Sources: KEP-3352 (aggregated discovery) and the API concepts page of the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct, field

from seawall.model.version import KubernetesVersion, parse_version
from seawall.sources.cluster.client import JSON, Client
from seawall.sources.cluster.errors import NOT_FOUND, UNAUTHORIZED, ApiError, ClusterError

_AGGREGATED = ",".join(
    [f"{JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")] + [JSON]
)
#: Kinds (group, resource; ``*`` for all of a group) that are never listed, by what they are.
_LEFT_OUT: Mapping[str, tuple[tuple[str, str], ...]] = {
    "what happens, not what is configured": (
        ("", "events"),
        ("events.k8s.io", "*"),
        ("", "componentstatuses"),
        ("coordination.k8s.io", "*"),
        ("metrics.k8s.io", "*"),
        ("custom.metrics.k8s.io", "*"),
        ("external.metrics.k8s.io", "*"),
    ),
    "copies of what other kinds say": (
        ("apps", "controllerrevisions"),
        ("", "endpoints"),
        ("discovery.k8s.io", "*"),
        ("storage.k8s.io", "csistoragecapacities"),
        ("networking.k8s.io", "ipaddresses"),
        ("cilium.io", "ciliumendpoints"),
        ("cilium.io", "ciliumidentities"),
        ("cilium.io", "ciliumendpointslices"),
        ("project.openshift.io", "*"),
        ("authorization.openshift.io", "*"),
    ),
    "reports of scanners": (
        ("wgpolicyk8s.io", "*"),
        ("openreports.io", "*"),
        ("reports.kyverno.io", "*"),
        ("aquasecurity.github.io", "*"),
        ("spdx.softwarecomposition.kubescape.io", "*"),
    ),
}
_NOT_LISTED = frozenset(pair for pairs in _LEFT_OUT.values() for pair in pairs)
#: Long before a cluster has so many kinds, something is wrong with the answer.
_MOST_KINDS = 20_000


class Listable(Struct, frozen=True):
    """A kind that can be listed, at the version that the server prefers."""

    group: str
    version: str
    resource: str
    kind: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """As objects say it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def path(self) -> str:
        """Where its group and version are served."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"

    def __str__(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


class Discovery(Struct):
    """The kinds to list, and the groups that did not answer, with the reason."""

    kinds: list[Listable]
    failed: list[tuple[str, str]]


class _ResponseKind(Struct):
    kind: str = ""


class _AggregatedResource(Struct, rename="camel"):
    resource: str
    response_kind: _ResponseKind | None = None
    scope: str = ""
    verbs: list[str] = []


class _AggregatedVersion(Struct):
    version: str
    freshness: str = "Current"
    resources: list[_AggregatedResource] = []


class _Metadata(Struct, frozen=True):
    name: str = ""


class _GroupVersion(Struct):
    version: str


class _Group(Struct, rename="camel"):
    """A group, as either form of discovery tells it."""

    metadata: _Metadata = _Metadata()
    name: str = ""
    versions: list[msgspec.Raw] = []
    preferred_version: _GroupVersion | None = None


class _Groups(Struct):
    """APIGroupDiscoveryList, APIVersions or APIGroupList."""

    kind: str = ""
    items: list[_Group] | None = None
    versions: list[str] | None = None
    groups: list[_Group] | None = None


class _Resource(Struct):
    name: str
    kind: str = ""
    namespaced: bool = False
    verbs: list[str] = []


class _Resources(Struct):
    resources: list[_Resource] | None = None


class _Version(Struct, rename="camel"):
    major: str = ""
    minor: str = ""
    git_version: str = field(default="", name="gitVersion")


def server_version(client: Client) -> tuple[KubernetesVersion | None, str]:
    """The server's version (None where it cannot be made out), and how the server writes it.

    Raises:
        ClusterError: the server does not answer.
    """
    told = client.get("/version", partial(msgspec.json.decode, type=_Version))
    # EKS writes the minor version as "29+".
    numbers = ["".join(c for c in part if c.isdigit()) for part in (told.major, told.minor)]
    for text in (".".join(numbers), told.git_version):
        try:
            return parse_version(text), told.git_version
        except ValueError:
            continue
    return None, told.git_version


def discover(client: Client) -> Discovery:
    """Everything that can be listed and is of use.

    Raises:
        ClusterError: the server does not answer at all.
    """
    found = Discovery([], [])
    for root in ("/api", "/apis"):
        groups = client.get(root, partial(msgspec.json.decode, type=_Groups), _AGGREGATED)
        if groups.kind == "APIGroupDiscoveryList":
            for group in groups.items or []:
                if (group.metadata.name, "*") in _NOT_LISTED:
                    continue
                found.kinds += _pick(group.metadata.name, _aggregated(group, found))
        elif root == "/api":
            found.kinds += _pick("", _one_by_one(client, "", groups.versions or [], found))
        else:
            for group in groups.groups or []:
                if (group.name, "*") in _NOT_LISTED:
                    continue
                found.kinds += _pick(group.name, _one_by_one(client, group.name, _by_preference(group), found))
    if len(found.kinds) > _MOST_KINDS:
        raise ClusterError(f"the server claims to have {len(found.kinds)} kinds; that is no cluster")
    if not any(kind.group == "" and kind.resource == "pods" for kind in found.kinds):
        raise ClusterError("the server lists no pods among its kinds: is this a Kubernetes API server?")
    return found


_Served = Iterator[tuple[str, Iterable[_Resource]]]


def _pick(group: str, served: _Served) -> Iterator[Listable]:
    """Each kind once, at the first version that serves it."""
    seen: set[str] = set()
    for version, resources in served:
        for resource in resources:
            name = resource.name
            if "/" in name or name in seen or "list" not in resource.verbs or not resource.kind:
                continue
            seen.add(name)
            if (group, name) not in _NOT_LISTED:
                yield Listable(group, version, name, resource.kind, resource.namespaced)


def _aggregated(group: _Group, found: Discovery) -> _Served:
    for raw in group.versions:
        version = msgspec.json.decode(raw, type=_AggregatedVersion)
        if version.freshness != "Current":
            place = f"{group.metadata.name}/{version.version}"
            found.failed.append((place, "the server behind it does not answer"))
        yield (
            version.version,
            [
                _Resource(r.resource, r.response_kind.kind if r.response_kind else "", r.scope == "Namespaced", r.verbs)
                for r in version.resources
            ],
        )


def _by_preference(group: _Group) -> list[str]:
    versions = [msgspec.json.decode(raw, type=_GroupVersion).version for raw in group.versions]
    if group.preferred_version is not None and group.preferred_version.version in versions:
        first = group.preferred_version.version
        versions = [first, *(version for version in versions if version != first)]
    return versions


def _one_by_one(client: Client, group: str, versions: Iterable[str], found: Discovery) -> _Served:
    for version in versions:
        place = f"{group}/{version}" if group else version
        path = f"/apis/{place}" if group else f"/api/{version}"
        try:
            answer: Any = client.get(path, partial(msgspec.json.decode, type=_Resources), tries=2)
        except ClusterError as error:
            if isinstance(error, ApiError) and error.status == UNAUTHORIZED:
                raise
            if not (isinstance(error, ApiError) and error.status == NOT_FOUND):
                found.failed.append((place, str(error)))
            continue
        yield version, answer.resources or []
