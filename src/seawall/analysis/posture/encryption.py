"""What the API server makes of an EncryptionConfiguration: who encrypts what, and what it refuses.

As its own reader does it (apiserver/pkg/server/options/encryptionconfig, and the validation beside its types).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.analysis.posture.secret_values import decode_base64
from seawall.model.kube.base import numbered

if TYPE_CHECKING:
    from seawall.model.kube.components import EncryptionConfiguration, EncryptionResources
    from seawall.model.paths import Path

#: Providers that encrypt with keys of their own, and the lengths of key that they take, in bytes.
KEY_LENGTHS = {"aesgcm": (16, 24, 32), "aescbc": (16, 24, 32), "secretbox": (32,)}
PROVIDERS = frozenset((*KEY_LENGTHS, "kms", "identity"))
_EVERYTHING = ("*", "*")
#: What is stored otherwise than by a REST API, and cannot be encrypted.
_NO_REST = frozenset(("apiserveripinfo", "serviceipallocations", "servicenodeportallocations"))


class Key(NamedTuple):
    """A key of a provider: where its ``secret`` stands, the provider, the key's name and the secret as written."""

    path: Path
    provider: str
    name: str
    secret: str

    def decoded(self) -> bytes | None:
        """The key itself; None where it is no base64."""
        return decode_base64(self.secret)

    @property
    def is_blank(self) -> bool:
        """Whether it is to be filled in later."""
        return any(mark in self.secret for mark in "<{$")


def group_resource(text: str) -> tuple[str, str]:
    """Group and resource of ``secrets``, ``deployments.apps``, ``*.`` and the like."""
    resource, _, group = text.partition(".")
    return group, resource


def covers(entry: EncryptionResources, resource: str) -> bool:
    """Whether an entry takes in a resource of the core group."""
    return any(group_resource(each) in (("", resource), ("", "*"), _EVERYTHING) for each in entry.resources)


def providers(config: EncryptionConfiguration) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Every provider with its path, name and settings."""
    for i, each in numbered(config.resources):
        for j, provider in numbered(each.providers):
            for name, settings in provider.items():
                yield ("resources", i, "providers", j, name), name, settings if isinstance(settings, dict) else {}


def keys(config: EncryptionConfiguration) -> Iterator[Key]:
    """Every key that stands in the configuration."""
    for path, provider, settings in providers(config):
        found = settings.get("keys") if provider in KEY_LENGTHS else None
        for i, key in enumerate(found if isinstance(found, list) else ()):
            secret = key.get("secret") if isinstance(key, dict) else None
            if isinstance(secret, str) and secret:
                yield Key((*path, "keys", i, "secret"), provider, str(key.get("name", "")), secret)


def refusals(config: EncryptionConfiguration) -> Iterator[tuple[Path, str]]:
    """Why the API server does not take the configuration: the place and the reason, of each."""
    if not config.resources:
        yield ("resources",), "no resources are named"
    seen: dict[tuple[str, str], str] = {}
    names: set[str] = set()
    for i, entry in numbered(config.resources):
        if not entry.resources:
            yield ("resources", i, "resources"), "no resources are named"
        if not entry.providers:
            yield ("resources", i, "providers"), "no provider is named"
        met: list[tuple[str, str]] = []
        for j, text in numbered(entry.resources):
            reason = _ill_named(text) or _masked(text, seen) or _overlapping(text, met)
            if reason:
                yield ("resources", i, "resources", j), reason
            seen.setdefault(group_resource(text), text)
            met.append(group_resource(text))
        for j, provider in numbered(entry.providers):
            yield from _of_provider(("resources", i, "providers", j), provider, names)


def _ill_named(text: str) -> str:
    group, resource = group_resource(text)
    if text != text.lower():
        return f"{text!r} has capital letters"
    if text == "*":
        return "'*' means nothing; '*.' is the core group, '*.*' everything"
    if text in _NO_REST:
        return f"{text!r} cannot be encrypted"
    if group in ("events.k8s.io", "extensions"):
        return f"the group {group!r} is not one that objects are stored under"
    return f"{text!r} names a resource of all groups" if group == "*" and resource != "*" else ""


def _masked(text: str, seen: dict[tuple[str, str], str]) -> str:
    group, _ = group_resource(text)
    above = seen.get((group, "*")) or seen.get(_EVERYTHING)
    return f"{text!r} stands below {above!r}, which takes it already" if above is not None else ""


def _overlapping(text: str, met: list[tuple[str, str]]) -> str:
    """What is wrong with a resource after others of its own list."""
    group, resource = named = group_resource(text)
    wide = bool(met) if named == _EVERYTHING else resource == "*" and any(each[0] == group for each in met)
    return f"{text!r} overlaps with others of the same list" if wide or named in met else ""


def _of_provider(path: Path, provider: dict[str, Any], names: set[str]) -> Iterator[tuple[Path, str]]:
    unknown = sorted(str(name) for name in provider if name not in PROVIDERS)
    known = [name for name in provider if name in PROVIDERS and provider[name] is not None]
    if unknown:
        yield (*path, unknown[0]), f"there is no provider {unknown[0]!r}"
    elif len(known) != 1:
        yield path, "an item of the list must have one provider" + (f", and has {len(known)}" if known else "")
    for name in known:
        settings = provider[name] if isinstance(provider[name], dict) else {}
        if name in KEY_LENGTHS:
            yield from _of_keys((*path, name, "keys"), name, settings.get("keys"))
        elif name == "kms":
            yield from _of_kms((*path, name), settings, names)


def _of_keys(path: Path, provider: str, found: Any) -> Iterator[tuple[Path, str]]:
    if not isinstance(found, list) or not found:
        yield path, f"{provider} has no keys"
        return
    for i, key in enumerate(found):
        if not isinstance(key, dict) or not key.get("name"):
            yield (*path, i), f"a key of {provider} has no name"
            continue
        secret = key.get("secret")
        if not isinstance(secret, str) or not secret:
            yield (*path, i), f"a key of {provider} has no secret"
            continue
        held = Key((*path, i, "secret"), provider, "", secret)
        if held.is_blank:
            continue
        data = held.decoded()
        if data is None:
            yield held.path, f"a key of {provider} is no base64"
        elif len(data) not in KEY_LENGTHS[provider]:
            wanted = " or ".join(map(str, KEY_LENGTHS[provider]))
            yield held.path, f"a key of {provider} has {len(data)} bytes, and must have {wanted}"


def _of_kms(path: Path, settings: dict[str, Any], names: set[str]) -> Iterator[tuple[Path, str]]:
    version, name, endpoint = settings.get("apiVersion", "v1"), settings.get("name"), settings.get("endpoint")
    if version not in ("v1", "v2"):
        yield (*path, "apiVersion"), "KMS has the versions v1 and v2 alone"
    if not isinstance(name, str) or not name:
        yield (*path, "name"), "the KMS provider has no name"
    elif version != "v1":
        if ":" in name:
            yield (*path, "name"), f"the name {name!r} has a colon"
        if name in names:
            yield (*path, "name"), f"the name {name!r} is taken by another KMS provider"
    if isinstance(name, str):
        names.add(name)
    if not isinstance(endpoint, str) or not endpoint:
        yield (*path, "endpoint"), "the KMS provider has no endpoint"
    elif not endpoint.lower().startswith("unix:"):
        yield (*path, "endpoint"), "the endpoint of the KMS provider is no unix socket"
