"""What a registry gives and takes without a login, how it is reached, and what lies in it.

Nothing is changed: an upload that is begun to find out whether it may be is cancelled at once.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from seawall.model.kube.registry import RegistrySpec, RegistryTag, RegistryTls, RepositorySpec
from seawall.sources.registry.client import MANIFESTS, Registry, RegistryOptions
from seawall.sources.registry.reference import Reference, parse_image
from seawall.sources.registry.referring import referrers
from seawall.sources.web.address import join, split
from seawall.sources.web.errors import ApiError, WebError
from seawall.sources.web.http import Connection, Request, target_of
from seawall.sources.web.tls import tls_context

_T = TypeVar("_T")
_DAY = 86_400
_PAGE = 200
_MAX_PAGES = 500
_MAX_CONFIG = 8 << 20
#: What refers to an image as its signature: cosign's, sigstore's bundles, notation's.
_SIGNATURES = ("application/vnd.dev.cosign", "application/vnd.dev.sigstore", "application/vnd.cncf.notary.signature")
#: Tags that stand for another image's signature, attestation, bill of materials, or list of referrers.
_ATTACHED = re.compile(r"(?P<algorithm>sha256|sha512)-(?P<hex>[0-9a-f]{64,128})(?:\.(?:sig|att|sbom))?\Z")


class AuditOptions(Struct, frozen=True):
    """What of a registry is looked into. No ``repositories`` means all of its catalog; of each at most ``tags`` tags
    (the last by name). ``now`` is the time in seconds that ages are counted to."""

    registry: RegistryOptions = RegistryOptions()
    repositories: tuple[str, ...] = ()
    tags: int = 100
    stale_after_days: int = 180
    push: bool = True
    now: float = 0.0


class RepositoryFacts(Struct):
    """A repository's full name, what was seen of it, and what of it could not be (a line each)."""

    name: str
    spec: RepositorySpec
    problems: list[str]
    notes: list[str]


class _TagList(Struct):
    tags: tuple[str, ...] | None = None
    #: As Google's registries tell it: digest -> tags.
    manifest: dict[str, dict[str, Any]] | None = None


class _Catalog(Struct):
    repositories: tuple[str, ...] | None = None


class _Pointed(Struct, rename="camel"):
    digest: str = ""


class _Part(Struct, rename="camel"):
    config: _Pointed | None = None
    manifests: tuple[_Pointed, ...] | None = None


class _Config(Struct):
    created: str | None = None


def host_of(address: str) -> tuple[str, str]:
    """The host (and port) of an address, and a repository below it where it names one.

    Raises:
        WebError: it is none.
    """
    text = address.partition("://")[2] if "://" in address else address
    scheme = address.partition("://")[0].lower() if "://" in address else "https"
    host, _, repository = text.strip("/").partition("/")
    reference = parse_image(f"{host}/{repository or 'a'}")
    if scheme not in ("http", "https") or reference.host != host:
        raise WebError(f"{address[:200]!r} is no registry's address; write it as https://registry.example.com")
    return host, repository


def registry_facts(host: str, now: float) -> RegistrySpec:
    """How a registry is reached: with TLS that holds, and without TLS.

    Raises:
        WebError: nobody answers, either way.
    """
    plain, reason = _answers_plainly(host)
    tls = _tls_of(host, now)
    if tls is None and not plain:
        raise WebError(reason or f"{host} does not answer as a registry does")
    return RegistrySpec(address=f"{'https' if tls is not None else 'http'}://{host}", plain_http=plain, tls=tls)


def _answers_plainly(host: str) -> tuple[bool, str]:
    """Whether the registry's API is there without TLS; else what went wrong."""
    connection = Connection(target_of(f"http://{host}"), None, RegistryOptions().patience)
    try:
        reply = connection.send(Request("/v2/"))
    except WebError as error:
        return False, str(error)
    finally:
        connection.close()
    return reply.status in (HTTPStatus.OK, HTTPStatus.UNAUTHORIZED), f"{host} answered /v2/ with status {reply.status}"


def _tls_of(host: str, now: float) -> RegistryTls | None:
    target = target_of(f"https://{host}")
    try:
        expires = _expiry(target.host, target.port, tls_context(None, True, None))
    except ssl.SSLCertVerificationError as error:
        return RegistryTls(problem=error.verify_message)
    except OSError:
        return None
    until = datetime.fromtimestamp(expires, UTC).isoformat(timespec="seconds")
    return RegistryTls(not_after=until, days_left=int((expires - now) // _DAY))


def _expiry(host: str, port: int, context: ssl.SSLContext) -> int:
    with (
        socket.create_connection((host, port), RegistryOptions().patience.connect) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        certificate = connection.getpeercert() or {}
    return int(ssl.cert_time_to_seconds(str(certificate.get("notAfter", "Jan  1 00:00:00 1970 GMT"))))


def repositories(host: str, options: RegistryOptions) -> list[str]:
    """The catalog.

    Raises:
        WebError: the registry does not tell it.
    """
    registry = Registry(Reference(host, "_catalog", ""), options)
    try:
        found: list[str] = []
        path = f"/v2/_catalog?n={_PAGE}"
        for _ in range(_MAX_PAGES):
            reply = registry.get(path)
            found += _decoded(reply.body, _Catalog).repositories or ()
            path = registry.next_page(reply)
            if not path:
                return found
        raise WebError(f"the catalog has more than {_MAX_PAGES * _PAGE} repositories; name those that matter")
    finally:
        registry.close()


def lists_to_anybody(host: str, options: RegistryOptions) -> bool:
    """Whether the catalog is told without a login."""
    try:
        repositories(host, replace(options, anonymous=True))
    except WebError:
        return False
    return True


def repository_facts(host: str, name: str, options: AuditOptions) -> RepositoryFacts:
    """What is seen of a repository with the stored login, and without."""
    facts = RepositoryFacts(f"{host}/{name}", RepositorySpec(stale_after_days=options.stale_after_days), [], [])
    stranger = Registry(Reference(host, name, ""), replace(options.registry, anonymous=True))
    registry = Registry(Reference(host, name, ""), options.registry)
    try:
        pull = _tags(stranger) is not None
        push = options.push and _may_push(stranger)
        facts.spec = replace(facts.spec, anonymous_pull=pull, anonymous_push=push)
        listed = _listed(registry)
        told = [tag for tag in listed.tags or () if not _ATTACHED.match(tag)]
        if len(told) > options.tags:
            facts.notes.append(
                f"{facts.name}: {len(told) - options.tags} of {len(told)} tags were not looked at; --tags"
            )
        tags = tuple(_Looker(registry, set(listed.tags or ()), options.now, facts).tags(told[-options.tags :]))
        untagged, orphans = _growth(registry, listed)
        if untagged is None:
            facts.notes.append(f"{facts.name}: the registry does not tell of images without a tag")
        facts.spec = replace(facts.spec, tags=tags, untagged=untagged, orphans=orphans)
    except WebError as error:
        facts.problems.append(str(error))
    finally:
        registry.close()
        stranger.close()
    return facts


def _tags(registry: Registry) -> _TagList | None:
    try:
        return _listed(registry)
    except WebError:
        return None


def _listed(registry: Registry) -> _TagList:
    tags: list[str] = []
    manifest: dict[str, dict[str, Any]] | None = None
    path = f"/v2/{registry.reference.name}/tags/list?n={_PAGE}"
    for _ in range(_MAX_PAGES):
        reply = registry.get(path)
        page = _decoded(reply.body, _TagList)
        tags += page.tags or ()
        if page.manifest is not None:
            manifest = (manifest or {}) | page.manifest
        path = registry.next_page(reply)
        if not path:
            return _TagList(tuple(tags), manifest)
    raise WebError(f"{registry.reference.name} has more than {_MAX_PAGES * _PAGE} tags")


def _may_push(stranger: Registry) -> bool:
    """Begin an upload without a login, and cancel it."""
    url = f"{stranger.root}/v2/{stranger.reference.name}/blobs/uploads/"
    try:
        reply = stranger.exchange(Request(url, "POST", (("Content-Length", "0"),)))
    except WebError:
        return False
    if reply.status != HTTPStatus.ACCEPTED:
        return False
    try:
        place = join(url, reply.headers.get("location", ""))
        if split(place).netloc == split(url).netloc:
            stranger.exchange(Request(place, "DELETE"))
    except WebError:
        return True  # it lapses by itself
    return True


class _Looker:
    """Looks at the images that tags mean, at each digest once."""

    def __init__(self, registry: Registry, names: set[str], now: float, facts: RepositoryFacts) -> None:
        self._registry = registry
        self._names = names
        self._now = now
        self._facts = facts
        self._known: dict[str, RegistryTag] = {}

    def tags(self, names: list[str]) -> Iterator[RegistryTag]:
        for name in names:
            try:
                manifest = self._registry.manifest(name)
                if manifest.digest not in self._known:
                    self._known[manifest.digest] = self._tag(manifest.digest, manifest.body)
                yield replace(self._known[manifest.digest], name=name)
            except ApiError as error:
                if error.status != HTTPStatus.NOT_FOUND:  # a tag may be gone since it was listed
                    self._facts.problems.append(f"tag {name}: {error}")
            except WebError as error:
                self._facts.problems.append(f"tag {name}: {error}")

    def _tag(self, digest: str, body: bytes) -> RegistryTag:
        created = self._created(body)
        return RegistryTag(
            digest=digest, created=created, age_days=_age(created, self._now), signed=self._is_signed(digest)
        )

    def _created(self, body: bytes) -> str:
        """When the image was built, of an index the first one; empty where that is not told."""
        for _ in range(3):
            part = _decoded(body, _Part)
            if part.config is not None:
                config = self._registry.small_blob(part.config.digest, _MAX_CONFIG)
                try:
                    return msgspec.json.decode(config, type=_Config).created or ""
                except msgspec.DecodeError:
                    return ""
            if not part.manifests:
                return ""
            body = self._registry.manifest(part.manifests[0].digest).body
        return ""

    def _is_signed(self, digest: str) -> bool:
        if f"{digest.replace(':', '-', 1)}.sig" in self._names:
            return True
        return any(
            (item.artifact_type or item.media_type).startswith(_SIGNATURES)
            for item in referrers(self._registry, digest)
        )


def _growth(registry: Registry, listed: _TagList) -> tuple[int | None, tuple[str, ...]]:
    """How many manifests have no tag, where the registry tells, and the attached tags whose image is gone."""
    untagged = None
    if listed.manifest is not None:
        untagged = sum(not each.get("tag") for each in listed.manifest.values())
    orphans = []
    for tag in listed.tags or ():
        match = _ATTACHED.match(tag)
        if match is not None and not _is_there(registry, f"{match['algorithm']}:{match['hex']}"):
            orphans.append(tag)
    return untagged, tuple(orphans)


def _is_there(registry: Registry, digest: str) -> bool:
    try:
        registry.get(f"/v2/{registry.reference.name}/manifests/{digest}", (("Accept", ", ".join(MANIFESTS)),), "HEAD")
    except ApiError as error:
        return error.status != HTTPStatus.NOT_FOUND
    return True


def _age(created: str, now: float) -> int | None:
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", created))
    except ValueError:
        return None
    # Reproducible builds say 1970 or 1980, which tells nothing.
    if moment.year < 2000:
        return None
    return int((now - moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) // _DAY)


def _decoded(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WebError(f"the registry's answer is malformed: {str(error)[:100]}") from error
