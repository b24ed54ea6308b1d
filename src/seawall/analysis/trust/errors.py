"""Why a signature does not count."""

from __future__ import annotations


class Invalid(Exception):
    """It is broken, expired, of another image, or of a form that is not understood."""


class Expired(Invalid):
    """A certificate is not valid at the moment that counts."""


class Untrusted(Exception):
    """It may be sound, but somebody else made it."""


class BadPolicy(Exception):
    """A trust policy that cannot be used; the message says what to do. ``part`` is the path of it within the policy."""

    def __init__(self, message: str, part: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.part = part
