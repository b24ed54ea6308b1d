"""Registries as objects: what an audit of one saw, in the form that rules are given."""

from __future__ import annotations

from seawall.model.kube.base import KubeObject, View


class RegistryTls(View, frozen=True):
    """The certificate: why it is not trusted (empty where it is), and the days that it is still valid."""

    problem: str = ""
    not_after: str = ""
    days_left: int | None = None


class RegistrySpec(View, frozen=True):
    """How a registry answers. ``plain_http`` is whether it does without TLS, ``tls`` None where it has none.

    ``anonymous_catalog`` is whether it lists its repositories to anybody.
    """

    address: str = ""
    plain_http: bool = False
    anonymous_catalog: bool = False
    tls: RegistryTls | None = None


class Registry(KubeObject, frozen=True):
    """A registry, by its host."""

    spec: RegistrySpec = RegistrySpec()


class RegistryTag(View, frozen=True):
    """A tag: the digest that it means, the image's age in days and whether it is signed (None: not known)."""

    name: str = ""
    digest: str = ""
    created: str = ""
    age_days: int | None = None
    signed: bool | None = None


class RepositorySpec(View, frozen=True):
    """A repository. ``untagged`` counts manifests that no tag names (None: the registry does not tell), ``orphans``
    signatures and attestations whose image is gone."""

    anonymous_pull: bool = False
    anonymous_push: bool = False
    stale_after_days: int = 180
    tags: tuple[RegistryTag, ...] = ()
    untagged: int | None = None
    orphans: tuple[str, ...] = ()


class RegistryRepository(KubeObject, frozen=True):
    """A repository of a registry, by its full name."""

    spec: RepositorySpec = RepositorySpec()
