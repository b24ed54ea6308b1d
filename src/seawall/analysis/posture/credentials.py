"""Certificates and tokens of kubeconfigs, whether they stand in the file or in one that it names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from seawall.model.kube.base import numbered

if TYPE_CHECKING:
    from seawall.model.kube.components import Kubeconfig
    from seawall.model.kube.credentials import KubeconfigFile
    from seawall.model.paths import Path
    from seawall.model.x509 import Certificate


class Credential(Struct, frozen=True):
    """A credential that was read: of which user entry, at which path, and what it says.

    ``name`` and ``groups`` are those of a certificate, ``account`` is the service account of a token. ``begins`` and
    ``ends`` are None where it does not tell; ``now`` is when it is judged.
    """

    kind: str
    user: str
    path: Path
    name: str
    groups: tuple[str, ...]
    begins: datetime | None
    ends: datetime | None
    account: str
    now: datetime

    @property
    def lifetime(self) -> timedelta | None:
        """How long it holds in all; None where that is not known."""
        return self.ends - self.begins if self.begins is not None and self.ends is not None else None


def is_blank(value: str) -> bool:
    """Whether a value is a place-holder of a documentation or a template."""
    return not value or value[:1] in "<{$[" or value.strip("xX*. ") == "" or "REDACTED" in value.upper()


def credentials(config: Kubeconfig | KubeconfigFile) -> Iterator[Credential]:
    """What can be read of the certificates and tokens of a kubeconfig, or of the files that one names."""
    from seawall.model.kube.components import Kubeconfig

    if isinstance(config, Kubeconfig):
        yield from _embedded(config)
        return
    now = _time(config.spec.observed) or datetime.now(UTC)
    for i, held in numbered(config.spec.credentials):
        path: Path = ("spec", "credentials", i)
        begins, ends = _time(held.begins), _time(held.ends)
        yield Credential(held.kind, held.user, path, held.name, held.groups, begins, ends, held.account, now)


def _embedded(config: Kubeconfig) -> Iterator[Credential]:
    now = datetime.now(UTC)
    for i, named in numbered(config.users):
        path: Path = ("users", i, "user", "client-certificate-data")
        found = certificate_of(named.user.client_certificate_data)
        if found is not None:
            dates = (found.begins, found.ends)
            yield Credential("certificate", named.name, path, found.user, found.groups, *dates, "", now)
        if not is_blank(named.user.token):
            yield from _token(named.name, ("users", i, "user", "token"), named.user.token, now)


def _token(user: str, path: Path, token: str, now: datetime) -> Iterator[Credential]:
    from seawall.model.jwt import moment, read_claims

    claims = read_claims(token)
    if claims is not None:
        dates = (moment(claims.issued or claims.begins), moment(claims.expires))
        yield Credential("token", user, path, claims.subject, (), *dates, claims.service_account, now)


def certificate_of(data: str) -> Certificate | None:
    """The certificate of a ``client-certificate-data``; None where there is none that can be read."""
    if is_blank(data):
        return None
    from seawall.model.x509 import NoCertificate, read_certificate

    try:
        return read_certificate(data)
    except NoCertificate:
        return None


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
