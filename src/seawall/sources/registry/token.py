"""Tokens of registries: asked for by the challenge, given for a login (Docker's token and OAuth2 protocols)."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from seawall.sources.registry.challenge import Challenge, read_challenges
from seawall.sources.registry.login import NO_LOGIN, Login, stored_login
from seawall.sources.registry.reference import DOCKER, Reference, is_loopback
from seawall.sources.web.address import split
from seawall.sources.web.errors import ApiError, WebError
from seawall.sources.web.http import Reply, Request

_PRINTABLE = re.compile(r"[\x21-\x7e]+\Z")
_FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
#: A token is good for a minute where nothing is said, and is renewed this much earlier.
_USUAL_LIFE, _MARGIN = 60.0, 10.0


class _Token(Struct):
    token: str | None = None
    access_token: str | None = None
    expires_in: float | None = None


class Tokens:
    """The authorization of one repository, by what is done with it (reading or writing)."""

    def __init__(
        self, reference: Reference, anonymous: bool, send: Callable[[Request], Reply], *, insecure: bool = False
    ) -> None:
        self._reference = reference
        self._send = send
        self._insecure = insecure
        self._login: Login | None = NO_LOGIN if anonymous else None
        self._lock = threading.Lock()
        self._held: dict[bool, tuple[str, float]] = {}

    def authorization(self, method: str) -> str:
        """The header to send; empty before anything was asked for."""
        value, until = self._held.get(_writes(method), ("", 0.0))
        return value if time.monotonic() < until else ""

    def renew(self, header: str, method: str, refused: str) -> None:
        """Answer a challenge; ``refused`` is the authorization that it came upon.

        Raises:
            ApiError: there is no login, or it is refused.
            WebError: the challenge makes no sense.
        """
        with self._lock:
            current = self.authorization(method)
            if current and current != refused:
                return  # another thread was faster
            if self._login is None:
                self._login = stored_login(self._reference)
            self._held[_writes(method)] = self._answer(read_challenges(header), self._login, method, refused)

    def _answer(self, challenges: list[Challenge], login: Login, method: str, refused: str) -> tuple[str, float]:
        if login.registry_token and not refused:
            return f"Bearer {login.registry_token}", float("inf")
        for challenge in challenges:
            if challenge.scheme == "bearer" and "realm" in challenge.fields:
                return self._bearer(challenge.fields, login, method)
        basic = login.basic()
        if basic and basic != refused and any(challenge.scheme == "basic" for challenge in challenges):
            return basic, float("inf")
        raise self._refusal(401)

    def _bearer(self, fields: dict[str, str], login: Login, method: str) -> tuple[str, float]:
        realm = fields["realm"]
        parts = split(realm, "where the registry gives tokens")
        plain_is_fine = parts.scheme == "http" and (is_loopback(parts.netloc) or self._insecure)
        if parts.scheme != "https" and not plain_is_fine:
            raise WebError("the registry wants a token from an address without TLS")
        actions = "pull,push" if _writes(method) else "pull"
        wanted = {"scope": fields.get("scope") or f"repository:{self._reference.name}:{actions}"}
        if "service" in fields:
            wanted["service"] = fields["service"]
        if login.identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": login.identity_token, "client_id": "seawall"}
            reply = self._send(Request(realm, "POST", _FORM, urlencode({**wanted, **form}).encode()))
        else:
            basic = login.basic()
            query = urlencode({**({"service": wanted.pop("service")} if "service" in wanted else {}), **wanted})
            url = f"{realm}{'&' if parts.query else '?'}{query}"
            reply = self._send(Request(url, "GET", (("Authorization", basic),) if basic else ()))
        return self._token(reply)

    def _token(self, reply: Reply) -> tuple[str, float]:
        if reply.status != 200:
            raise self._refusal(reply.status)
        try:
            token = msgspec.json.decode(reply.body, type=_Token)
        except (msgspec.DecodeError, RecursionError) as error:
            raise WebError("whoever gives tokens for the registry does not answer with one") from error
        value = token.token or token.access_token or ""
        if not _PRINTABLE.match(value):
            raise self._refusal(401)
        return f"Bearer {value}", time.monotonic() + max((token.expires_in or _USUAL_LIFE) - _MARGIN, _MARGIN)

    def _refusal(self, status: int) -> ApiError:
        host = self._reference.host
        return ApiError(
            f"{host} refuses access ({status}): log in with `docker login{'' if host == DOCKER else f' {host}'}`",
            status,
        )


def _writes(method: str) -> bool:
    return method not in ("GET", "HEAD")
