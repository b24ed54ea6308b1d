"""Secrets out of what is kept of a host: flags, environment, configuration files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from seawall.sources.snapshot.patterns import find_secrets

REDACTED = "<redacted>"
#: Names of settings whose value is a credential itself. Names of files, modes, lifetimes and the like are not.
_CREDENTIAL = re.compile(
    r"(?:\A|[_.-]|(?<=[a-z]))(?:token|passw(?:or)?d|passphrase|secret|secret-?key|access-?key|api-?key|private-?key"
    r"|auth|credentials?|identity-?token|client-key-data|datastore-endpoint|bearer|encryption-?key|key-?secret"
    r"|staticPodURLHeader|manifest-url-header)\Z",
    re.IGNORECASE,
)
#: Flags that end like a credential and hold none.
_HARMLESS = frozenset(
    (
        *("client-cert-auth", "peer-client-cert-auth", "anonymous-auth", "enable-bootstrap-token-auth"),
        *("authentication-token-webhook", "skip-auth", "authenticate-image-pull-secret", "automount-token"),
    )
)
#: Variables of components that are kept with their values; of others there is nothing.
_KEPT_VARIABLE = re.compile(
    r"(?:ETCD_(?!.*(?:TOKEN|PASSWORD))[A-Z0-9_]+|GODEBUG|GOMAXPROCS|GOGC|NODE_NAME|HTTPS?_PROXY|NO_PROXY|CONTAINERD_[A-Z_]+"
    r"|CONTAINER_[A-Z_]*CONFIG[A-Z_]*|DOCKER_(?:HOST|RAMDISK|CONTENT_TRUST|OPTS|TLS_VERIFY)|K3S_(?:KUBECONFIG_MODE|DATA_DIR"
    r"|CONFIG_FILE|SELINUX|NODE_NAME)|RKE2_(?:CONFIG_FILE|DATA_DIR|SELINUX|CNI)|KUBELET_[A-Z_]*ARGS)\Z"
)
_LONGEST = 8192
_MAX_DEPTH = 40


def names_credential(name: str) -> bool:
    """Whether a setting of this name is itself a credential."""
    return _CREDENTIAL.search(name) is not None and name not in _HARMLESS


def scrub_text(value: str) -> str:
    """A text without the passwords, tokens and keys that its look gives away, cut where it is very long."""
    for start, end in reversed(find_secrets(value, _is_path)):
        value = value[:start] + REDACTED + value[end:]
    return value if len(value) <= _LONGEST else value[:_LONGEST] + "..."


def _is_path(value: str) -> bool:
    return value.startswith(("/", "$", "<", "unix:")) or value in ("true", "false")


def scrub_setting(name: str, value: str) -> str:
    """The value of a flag or a variable as it may be kept."""
    return REDACTED if value and names_credential(name) and value not in ("true", "false") else scrub_text(value)


def scrub_environment(values: Mapping[str, str]) -> dict[str, str]:
    """The harmless ones of some variables."""
    return {name: scrub_setting(name, value) for name, value in values.items() if _KEPT_VARIABLE.match(name)}


def scrub_argv(argv: Sequence[str], limit: int = 512) -> tuple[str, ...]:
    """A command line without credentials, at most ``limit`` words of it."""
    kept: list[str] = []
    hidden = False
    for word in argv[:limit]:
        name, equals, value = word.partition("=")
        dashed = word.startswith("-")
        if hidden and not dashed:
            kept.append(REDACTED)
        elif dashed and equals:
            kept.append(f"{name}={scrub_setting(name.lstrip('-').replace('_', '-'), value)}")
        else:
            kept.append(scrub_text(word))
        hidden = dashed and not equals and names_credential(name.lstrip("-").replace("_", "-"))
    return tuple(kept)


def scrub_document(value: Any, depth: int = 0) -> Any:
    """A parsed configuration without credentials; bytes and dates become text, and nesting ends at forty levels."""
    if depth > _MAX_DEPTH:
        return "<nested too deep>"
    if isinstance(value, dict):
        return {str(key): _of_key(str(key), item, depth) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [scrub_document(item, depth + 1) for item in value]
    if isinstance(value, str):
        return scrub_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value if not isinstance(value, int) or -(2**63) <= value < 2**64 else str(value)
    return scrub_text(str(value))


def _of_key(key: str, value: Any, depth: int) -> Any:
    if names_credential(key) and value not in (None, "", True, False) and not isinstance(value, dict):
        return [REDACTED] * len(value) if isinstance(value, list) else REDACTED
    if key == "staticPodURLHeader" and isinstance(value, dict):
        return dict.fromkeys(map(str, value), REDACTED)
    if key in ("Env", "env") and isinstance(value, list):
        return [_variable(item) for item in value]
    return scrub_document(value, depth + 1)


def _variable(item: Any) -> Any:
    """``NAME=value`` without the value: programs are given passwords that way."""
    name, equals, _ = str(item).partition("=")
    return f"{name}={REDACTED}" if equals else name
