"""What rules about the control plane share: ciphers, durations, and how a flag becomes a hit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from seawall.model.rule import Hit

if TYPE_CHECKING:
    from seawall.model.programs import Program
    from seawall.model.rule import Context
    from seawall.model.version import KubernetesVersion

REFERENCE = "https://kubernetes.io/docs/reference/command-line-tools-reference/"
CONFIG_REFERENCE = "https://kubernetes.io/docs/reference/config-api/"

#: Suites that the CIS benchmarks call strong, by the names of Go's crypto/tls; all are authenticated encryption.
_STRONG = (
    r"TLS_(?:AES_(?:128_GCM_SHA256|256_GCM_SHA384)|CHACHA20_POLY1305_SHA256"
    r"|(?:ECDHE_(?:ECDSA|RSA)|RSA)_WITH_AES_(?:128_GCM_SHA256|256_GCM_SHA384)"
    r"|ECDHE_(?:ECDSA|RSA)_WITH_CHACHA20_POLY1305(?:_SHA256)?)\Z"
)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = r"(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)"
_OLD_TLS = frozenset(("VersionTLS10", "VersionTLS11"))


def version_of(program: Program, ctx: Context) -> KubernetesVersion:
    """The version of a program: its image's, or else the one that the cluster is judged at."""
    return program.version or ctx.version


def at_flag(program: Program, name: str, message: str) -> Hit:
    """A hit at a flag, or at where it is missing."""
    return Hit(message, program.place(name))


def absent(program: Program, *names: str) -> list[str]:
    """Those of the flags that have no value, as people write them."""
    return [f"--{name}" for name in names if not program.text(name)]


#: What names of files end in that hold keys, and those that hold certificates.
KEY_FILES = (".pem", ".key", ".pub", ".crt")
CERTIFICATE_FILES = (".pem", ".crt", ".cer", ".cert", ".ca")


def ill_named(program: Program, name: str, endings: tuple[str, ...]) -> Iterator[Hit]:
    """A hit where a flag names a file that does not end as files of its kind do."""
    flag = program.get(name)
    if flag is not None and flag.known and flag.value and not flag.value.endswith(endings):
        yield at_flag(program, name, f"--{name} names {flag.value!r}, which ends in none of {', '.join(endings)}")


def weak_ciphers(suites: Iterable[str]) -> list[str]:
    """The suites of a list that are not strong, or not known."""
    return [suite for suite in suites if not re.match(_STRONG, suite)]


def is_old_tls(version: str) -> bool:
    """Whether a least TLS version lets in TLS 1.0 or 1.1."""
    return version in _OLD_TLS


def seconds(text: str) -> float | None:
    """A duration as Go writes it (``1h2m3.5s``, ``0``) in seconds, or None where it is not one."""
    if text in ("0", "+0", "-0"):
        return 0.0
    parts = re.findall(_DURATION, text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
