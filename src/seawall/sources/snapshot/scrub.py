"""Taking secrets out of objects. What was there stays told: equal values become equal marks, others unequal ones.

A mark is an HMAC under a key that is made for one snapshot and never written: it tells neither the value nor its
length, and cannot be tried out against guesses. A mark in angle brackets stands for what looked like no credential
(a placeholder, a number), so that rules that look at values say of a mark what they would have said of the value.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from seawall.sources.snapshot.patterns import holds_secret_object, is_number

MARK = "scrubbed:"
#: Annotations that hold whole objects as they were applied.
_COPIES = re.compile(
    r"last-applied|last-handled|(?:\A|/)applied(?:-\w+)?\Z|kapp\.k14s\.io/original|/original-manifest|/last-configuration"
)
#: Keys that end like a credential, but name an object which holds one, or a check that is to be waived.
_NO_CREDENTIAL = re.compile(
    r"(?:auth|tls|pull|ca|cert|certificate|ssl|existing)[-_.]?secret\Z|(?:\A|/)(?:ignore|skip)|ignore-check",
    re.IGNORECASE,
)
_SECRET_FIELDS = ("data", "stringData")
#: Kinds that are told by their name where they stand within other objects.
_OF_THEIR_OWN = ("Secret", "ConfigMap")
_ARGUMENTS = frozenset(("args", "command"))
_SHORTEST_KNOWN = 8


class Detector(Struct, frozen=True):
    """What knows secrets: by the name of a setting, by the look of a value, inside a text (as spans)."""

    names_credential: Callable[[str], bool]
    is_placeholder: Callable[[str], bool]
    find: Callable[[str], list[tuple[int, int]]]


class Scrubber:
    """Scrubs the objects of one snapshot. ``count`` is the number of values that were taken out."""

    def __init__(self, detector: Detector) -> None:
        self.count = 0
        self._detector = detector
        self._key = secrets.token_bytes(32)
        self._known: set[str] = set()

    def scrub(self, raw: dict[str, Any]) -> dict[str, Any]:
        """A copy of an object without its secrets."""
        kind = raw.get("kind")
        out: dict[str, Any] = {}
        for key, value in raw.items():
            if key == "metadata" and isinstance(value, dict):
                out[key] = self._metadata(value)
            elif kind == "Secret" and key in _SECRET_FIELDS and isinstance(value, dict):
                out[key] = {name: self._secret_value(item, key == "data") for name, item in value.items()}
            elif kind == "ConfigMap" and key in ("data", "binaryData") and isinstance(value, dict):
                out[key] = self._config(value, key, raw.get("metadata"))
            else:
                out[key] = self._walk(value, key)
        return out

    def _metadata(self, metadata: dict[str, Any]) -> dict[str, Any]:
        out = {key: self._walk(value, "") for key, value in metadata.items() if key != "managedFields"}
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict):
            out["annotations"] = {
                name: self._mark(value) if _COPIES.search(name) and value else self._setting(name, value)
                for name, value in annotations.items()
            }
        return out

    def _secret_value(self, value: Any, encoded: bool) -> Any:
        """The mark of a Secret's value; the same for the same value in base64, in clear, and elsewhere."""
        if value in ("", None):
            return value
        plain = _decoded(value) if encoded and isinstance(value, str) else None
        if plain is not None and len(plain) >= _SHORTEST_KNOWN:
            self._known.add(plain)
        elif isinstance(value, str) and not encoded and len(value) >= _SHORTEST_KNOWN:
            self._known.add(value)
        return self._mark(plain if plain is not None else value, like=value)

    def _config(self, data: dict[str, Any], field: str, metadata: Any) -> dict[str, Any]:
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        owners = (
            {str(v).lower() for k, v in labels.items() if str(k).lower() == "owner"}
            if isinstance(labels, dict)
            else set()
        )
        if owners & {"helm", "tiller"}:
            # A release that Helm keeps in a ConfigMap: all manifests, Secrets too, packed beyond any pattern.
            return {name: self._mark(value) for name, value in data.items()}
        if field == "data":
            return {name: self._setting(name, value) for name, value in data.items()}
        return {name: self._binary(name, value) for name, value in data.items()}

    def _binary(self, name: str, value: Any) -> Any:
        text = _decoded(value) if isinstance(value, str) else None
        if text is None:
            return value
        clean = self._setting(name, text)
        return value if clean == text else self._mark(value)

    def _walk(self, value: Any, key: str) -> Any:
        kind = type(value)
        if kind is dict:
            return self._map(value)
        if kind is list:
            return self._arguments(value) if key in _ARGUMENTS else [self._walk(item, "") for item in value]
        if kind is str or kind is int or kind is float:
            return self._plain(key, value)
        return value

    def _map(self, value: dict[str, Any]) -> dict[str, Any]:
        if value.get("kind") in _OF_THEIR_OWN and type(value.get("apiVersion")) is str:
            return self.scrub(value)
        name = value.get("name", value.get("key"))
        if type(name) is str and type(value.get("value")) in (str, int, float):
            # A variable, a Helm parameter and their like.
            return {
                key: self._setting(name, item) if key == "value" else self._walk(item, key)
                for key, item in value.items()
            }
        return {key: self._walk(item, key) for key, item in value.items()}

    def _arguments(self, items: list[Any]) -> list[Any]:
        """Words of a command line; the one after ``--password`` is that option's value."""
        out: list[Any] = []
        option = ""
        for item in items:
            if type(item) is str:
                out.append(self._setting(option, item))
                option = item.lstrip("-") if item.startswith("--") and "=" not in item else ""
            else:
                out.append(self._walk(item, ""))
                option = ""
        return out

    def _setting(self, name: str, value: Any) -> Any:
        """A value that a person or program set: also one that a Secret has is taken out.

        Not so in other fields: a Secret may hold a namespace's name, and names must stay what they are.
        """
        if type(value) is str and value in self._known:
            return self._mark(value)
        return self._plain(name, value)

    def _plain(self, name: str, value: Any) -> Any:
        """A value under a name: all of it goes where the name says credential, else the secrets inside it."""
        if type(value) is not str:
            is_plain = type(value) is int or type(value) is float
            return self._mark(value) if is_plain and name and self._names(name) and len(str(value)) > 3 else value
        if not value or value.startswith((MARK, f"<{MARK}")):
            return value
        if ("/" in name and _COPIES.search(name)) or ("Secret" in value and holds_secret_object(value)):
            return self._mark(value)
        if name and self._names(name) and (not self._detector.is_placeholder(value) or is_number(value)):
            return self._mark(value)
        spans = self._detector.find(value)
        return self._without(value, spans) if spans else value

    def _names(self, name: str) -> bool:
        return self._detector.names_credential(name) and not _NO_CREDENTIAL.search(name)

    def _without(self, text: str, spans: list[tuple[int, int]]) -> str:
        if spans == [(0, len(text))]:
            return self._mark(text)
        out, position = [], 0
        for start, end in spans:
            out += [text[position:start], self._mark(text[start:end], like=None)]
            position = end
        return "".join([*out, text[position:]])

    def _mark(self, value: Any, like: Any = "") -> str:
        """The mark of a value. ``like`` is what rules would see (the value itself unless given; None: no brackets)."""
        self.count += 1
        text = value if isinstance(value, str) else repr(value)
        digest = hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]
        seen = text if like == "" else like
        placeholder = isinstance(seen, str) and self._detector.is_placeholder(seen)
        return f"<{MARK}{digest}>" if placeholder or not isinstance(value, str) else f"{MARK}{digest}"


def _decoded(value: str) -> str | None:
    """The text of base64, or None where it is none."""
    try:
        return base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
