"""Asking the issuer of a token whether it is good: one documented request that reads and changes nothing.

This is the only place from which a secret leaves the machine, to nobody but who issued it, and only when asked for.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from threading import Lock

import msgspec
from msgspec import Struct

from seawall.sources.web.errors import WebError
from seawall.sources.web.http import Connection, Headers, Request, target_of
from seawall.sources.web.patience import Patience
from seawall.sources.web.tls import tls_context

_PATIENCE = Patience(connect=10.0, silence=10.0, total=20.0, bytes=1 << 20, tries=1)
#: So many values are asked for in one run; more of them are no mishap.
_MOST = 200
GOOD, REFUSED = "its issuer accepts it", "its issuer refuses it"


class _Answer(Struct, frozen=True):
    ok: bool = False


def _by_status(status: int, body: bytes) -> bool | None:
    if status == 200:
        return True
    return False if status in (401, 403) else None


def _by_slack(status: int, body: bytes) -> bool | None:
    """Slack answers 200 to all, and says in the body whether it went well."""
    try:
        return msgspec.json.decode(body, type=_Answer).ok if status == 200 else None
    except (msgspec.DecodeError, ValueError):
        return None


def _bearer(value: str) -> Headers:
    return (("Authorization", f"Bearer {value}"),)


def _basic(value: str) -> Headers:
    return (("Authorization", f"Basic {b64encode(f'{value}:'.encode()).decode()}"),)


class Issuer(Struct, frozen=True):
    """How an issuer is asked: where, for what, with which headers, and what its answer means."""

    name: str
    base: str
    path: str
    headers: Callable[[str], Headers]
    means: Callable[[int, bytes], bool | None] = _by_status


_GITHUB = Issuer("github", "https://api.github.com", "/user", _bearer)
_ISSUERS = (
    (("github-pat", "github-oauth", "github-fine-grained-pat"), _GITHUB),
    (
        ("gitlab-pat",),
        Issuer("gitlab", "https://gitlab.com", "/api/v4/user", lambda value: (("PRIVATE-TOKEN", value),)),
    ),
    (
        ("slack-bot-token", "slack-user-token"),
        Issuer("slack", "https://slack.com", "/api/auth.test", _bearer, _by_slack),
    ),
    (("stripe-key", "stripe-test-key"), Issuer("stripe", "https://api.stripe.com", "/v1/balance", _basic)),
    (("sendgrid-api-key",), Issuer("sendgrid", "https://api.sendgrid.com", "/v3/scopes", _bearer)),
    (("digitalocean-token",), Issuer("digitalocean", "https://api.digitalocean.com", "/v2/account", _bearer)),
    (("huggingface-token",), Issuer("huggingface", "https://huggingface.co", "/api/whoami-v2", _bearer)),
    (("openai-api-key", "openai-legacy-key"), Issuer("openai", "https://api.openai.com", "/v1/models", _bearer)),
)
_BY_DETECTOR = {detector: issuer for detectors, issuer in _ISSUERS for detector in detectors}
NAMES = tuple(issuer.name for _, issuer in _ISSUERS)


class Asking:
    """Asks issuers, each value once. ``bases`` puts other addresses in the place of an issuer's own."""

    def __init__(self, bases: Mapping[str, str], problem: Callable[[str], None]) -> None:
        self._bases = bases
        self._problem = problem
        self._known: dict[bytes, tuple[str, ...]] = {}
        self._told: set[str] = set()
        self._lock = Lock()

    def ask(self, detector: str, value: bytes) -> tuple[str, ...]:
        """What the issuer says of a value, in words; nothing where none is known or it gave no answer."""
        issuer = _BY_DETECTOR.get(detector)
        if issuer is None:
            return ()
        key = hashlib.sha256(value).digest()
        with self._lock:
            if key not in self._known:
                self._known[key] = self._answer(issuer, value) if len(self._known) < _MOST else self._enough()
            return self._known[key]

    def _enough(self) -> tuple[str, ...]:
        self._tell(f"only the first {_MOST} secrets were verified")
        return ()

    def _answer(self, issuer: Issuer, value: bytes) -> tuple[str, ...]:
        base = self._bases.get(issuer.name, issuer.base)
        try:
            target = target_of(base)
            context = tls_context(None, True, None) if target.scheme == "https" else None
            connection = Connection(target, context, _PATIENCE)
            try:
                reply = connection.send(Request(issuer.path, headers=_headers(issuer, value)))
            finally:
                connection.close()
        except WebError as error:
            self._tell(f"{issuer.name} could not be asked, and secrets of its were not verified: {error}")
            return ()
        good = issuer.means(reply.status, reply.body)
        if good is None:
            self._tell(f"{issuer.name} answered {reply.status}, and secrets of its were not verified")
            return ()
        return (GOOD,) if good else (REFUSED,)

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._problem(text)


def _headers(issuer: Issuer, value: bytes) -> Headers:
    return (("Accept", "application/json"), *issuer.headers(value.decode("ascii", "strict")))


def read_bases(items: Iterable[str]) -> dict[str, str]:
    """``github=https://github.example/api/v3`` as a table.

    Raises:
        ValueError: one is of another form, or of an issuer that is not known; the message says which.
    """
    bases = {}
    for item in items:
        name, equals, url = item.partition("=")
        if not equals or name not in NAMES or not url.startswith(("http://", "https://")):
            raise ValueError(f"{item} is no ISSUER=URL; issuers: {', '.join(NAMES)}")
        bases[name] = url.rstrip("/")
    return bases
