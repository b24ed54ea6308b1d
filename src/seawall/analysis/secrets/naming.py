"""What the name of a setting says of its value."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_PASSWORDS = frozenset(("password", "passwd", "pwd", "passphrase", "pass", "passwort", "psk", "bindpw"))
_OTHERS = frozenset(("secret", "token", "credential", "credentials", "apikey", "secrets", "tokens", "apikeys"))
#: Words before ``key`` that make it one that opens something.
KEYS = frozenset(
    ("api", "access", "private", "account", "auth", "shared", "signing", "encryption", "master", "storage",
     "service", "client", "session", "app", "crypt", "secret", "application", "admin", "consumer",
     "record", "ingestion", "ingest", "write", "deploy", "webhook", "hmac", "jwt", "aes", "cipher", "fernet", "license",
     "integration", "subscription", "routing", "project", "server", "sign", "encrypt", "decryption", "enc", "cookie",
     "cosmos", "function", "rest", "management")
)  # fmt: skip
#: Words that may follow the credential's own in its name.
_AFTER = frozenset(
    ("base64", "b64", "value", "data", "text", "string", "plain", "prod", "production", "dev", "development", "staging",
     "stage", "test", "live", "base", "old", "new", "main", "primary", "secondary", "default", "env", "master",
     "admin", "user", "root", "db", "database", "api", "key", "secret", "token", "password", "val", "str", "var",
     "raw")
)  # fmt: skip
#: ... and those after which the value is none.
_NOT = frozenset(
    ("id", "ids", "name", "names", "file", "files", "path", "paths", "url", "urls", "uri", "type", "types", "policy",
     "length", "ref", "refs", "hash", "field", "fields", "hint", "label", "expiry", "ttl", "count", "regex", "endpoint",
     "header", "headers", "prefix", "suffix", "format", "provider", "store", "manager", "class", "function",
     "algorithm", "alg", "size", "bytes", "version", "status", "error", "errors", "message", "title", "description",
     "placeholder", "pattern", "rule", "rules", "validation", "validator", "min", "max", "expires", "expiration",
     "expire", "lifetime", "timeout", "interval", "issuer", "audience", "scope", "scopes", "alias", "arn", "vault",
     "encoder", "hasher", "rotation", "enabled", "required", "input", "form", "page", "reset", "change", "link",
     "column", "index", "param", "parameter", "attribute", "property", "strength", "salt", "digest", "checksum", "sha",
     "fingerprint", "thumbprint", "signature", "namespace", "group", "kind", "mode", "location", "dir", "directory",
     "service", "server", "host", "command", "cmd", "hook", "template", "usage", "set", "list", "map", "table", "tag",
     "comment", "note", "doc", "docs", "help", "code", "number", "num", "age", "date", "time", "at", "by",
     "from", "to", "for", "of", "in", "on", "is", "not", "manifest", "image", "src", "href", "icon", "css", "view",
     "component", "module", "package", "lib", "tests", "spec", "mock", "transport", "protocol", "schema", "redacted",
     "blanking", "masked", "last", "used", "updated", "changed", "created")
)  # fmt: skip
#: Words anywhere before that make it something else.
_PUBLIC = frozenset(
    ("public", "publishable", "csrf", "xsrf", "pagination", "continuation", "cursor", "max", "min", "num", "no", "show",
     "hide", "forgot", "reset", "confirm", "use", "has", "is", "enable", "require", "skip", "syntax", "lex", "parse",
     "mock", "checksum", "digest", "hash", "sha")
)  # fmt: skip
#: ... and those right before a key or a token that do: it names something.
_NAMING = frozenset(
    (
        "next",
        "page",
        "lock",
        "cache",
        "primary",
        "foreign",
        "sort",
        "partition",
        "idempotency",
        "site",
        "metadata",
        "output",
        "input",
        "change",
        "request",
    )
)
#: Words that say that a value opens something: without one a hash or a UUID beside a provider's name does not.
_OPENING = re.compile(
    r"(?i)key|token|secret|pass|pwd|auth|api|access|cred|login|pat\b|sid\b|license|private|client|bearer|hec|sign|salt|dsn|app"
)
#: Ends of names beside a provider's that name something public: ``SPOTIFY_CLIENT_ID``.
_HARMLESS = frozenset(
    ("id", "ids", "uuid", "guid", "sha", "hash", "commit", "digest", "checksum", "version", "release", "revision",
     "ref", "url", "uri", "endpoint", "host", "domain", "name", "user", "username", "email", "file", "path", "zone",
     "org", "organization", "tenant", "region", "md5", "sha1", "sha256", "etag", "integrity", "fingerprint", "tag",
     "image", "build", "dsn", "account", "site", "node", "trace", "span")
)  # fmt: skip
_PASS = re.compile(r"(?:default|db|user|root|admin|mail|smtp|sql|auth|ftp|bind|proxy)pass\Z")
_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


class Named(NamedTuple):
    """A name of a credential: ``sort`` is ``password`` or ``key``. Where it goes on with words that tell nothing it
    is not ``sure``, and the value has to look like one beyond doubt."""

    sort: str
    sure: bool = True


@lru_cache(maxsize=8192)
def judge_name(name: str) -> Named | None:
    """What a name says that its value is, None where it is no credential."""
    words = [word.lower() for word in _SPLIT.findall(name.removeprefix("-D"))]
    last = None
    sort = ""
    for index, word in enumerate(words):
        if (
            word in _PASSWORDS
            or word.startswith(("password", "passwd", "passphrase"))
            or word.endswith("password")
            or _PASS.search(word)
        ):
            last, sort = index, "password"
        elif word in _OTHERS or word.endswith(("secret", "token", "apikey")) or _is_key(words, index):
            last, sort = index, "key"
    if last is None or any(word in _PUBLIC for word in words[:last]) or words[last].startswith(("csrf", "xsrf")):
        return None
    if sort == "key" and last and words[last - 1] in _NAMING:
        return None
    after = words[last + 1 :]
    if any(word in _NOT for word in after):
        return None
    return Named(sort, all(word in _AFTER or word.isdigit() or len(word) == 1 for word in after))


def _is_key(words: list[str], index: int) -> bool:
    return (
        words[index] in ("key", "keys") and index > 0 and (words[index - 1] in KEYS or words[index - 1].endswith("api"))
    )


@lru_cache(maxsize=8192)
def opens(name: str) -> bool:
    """Whether a setting of a provider says that its value opens something."""
    return _OPENING.search(name) is not None


@lru_cache(maxsize=8192)
def is_harmless(name: str) -> bool:
    """Whether a setting of a provider names something public, as ``SPOTIFY_CLIENT_ID`` does."""
    words = [word.lower() for word in _SPLIT.findall(name)]
    return bool(words) and (words[-1] in _HARMLESS or any(word in _PUBLIC or word == "site" for word in words))
