"""The values that stand in a Secret's manifest for everyone to read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from seawall.model.paths import Path

TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 - a type's name
#: How SOPS writes an encrypted value.
SOPS_VALUE = "ENC[AES256_GCM,"
# Compiled when they are first used.
#: What stands for a value that is put in later, or is plainly none. Addresses are values: they carry passwords.
_FILLED_IN = (
    r"true|false|yes|no|on|off|null|none|\d{1,5}|\.{0,2}/[\w.@/-]*"
    r"|(?:arn|vault|file|op|ref\+\w+|awssm|gcpsm|azkv|secretref):.*"
    r"|.*(?:\$\(|\$\{|\{\{).*|<.*>|\[.*\]|[x*.]+"
    r"|(?:your|insert|replace|placeholder|redacted|todo|fixme)(?:[\s_-].*)?"
)
_CERTIFICATES = r"(?:\s*(?:#.*\n)*-----BEGIN CERTIFICATE-----[\w\s+/=]+-----END CERTIFICATE-----)+\s*"
#: Keys of Argo CD's repositories and clusters that are settings.
_ARGO_LABEL = "argocd.argoproj.io/secret-type"
_ARGO_NAMES = (
    "type url name project server namespaces clusterResources enableLfs enableOCI insecure username githubAppID "
    "githubAppInstallationID githubAppEnterpriseBaseUrl proxy noProxy shard"
)
_ARGO_SETTINGS = frozenset(_ARGO_NAMES.split())


class PlainValue(NamedTuple):
    """A value in clear: where it stands, and the text that it is (decoded; None where it is no text)."""

    path: Path
    text: str | None


def plain_values(raw: dict[str, Any]) -> Iterator[PlainValue]:
    """The values of a Secret that stand in clear, or in base64, in its manifest.

    Without placeholders, certificates that come without a key, settings of Argo CD, and what SOPS encrypted.
    """
    settings = _ARGO_SETTINGS if _has_label(raw, _ARGO_LABEL) else frozenset[str]()
    for field in ("stringData", "data"):
        values = raw.get(field)
        for key, value in (values if isinstance(values, dict) else {}).items():
            if not isinstance(key, str) or not isinstance(value, str) or not value.strip() or key in settings:
                continue
            text = value if field == "stringData" else _decoded(value)
            if _is_public(value if text is None else text):
                continue
            yield PlainValue((field, key), text)


def _is_public(text: str) -> bool:
    text = text.strip()
    if not text or text.startswith(SOPS_VALUE) or re.fullmatch(_FILLED_IN, text, re.IGNORECASE):
        return True
    return "-----BEGIN CERTIFICATE-----" in text and re.fullmatch(_CERTIFICATES, text) is not None


def decode_base64(value: str) -> bytes | None:
    """What base64 stands for, line ends in it aside; None where it is none."""
    # Imported when a Secret is met: most scans meet none.
    from binascii import Error, a2b_base64

    try:
        return a2b_base64("".join(value.split()).encode("ascii"), strict_mode=True)
    except (Error, UnicodeEncodeError):
        return None


def _decoded(value: str) -> str | None:
    data = decode_base64(value)
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return None


def _has_label(raw: dict[str, Any], name: str) -> bool:
    metadata = raw.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return isinstance(labels, dict) and name in labels


def encrypted_by_sops(raw: dict[str, Any]) -> dict[str, Any] | None:
    """What SOPS wrote beside the values that it encrypted; None where it did not."""
    found = raw.get("sops")
    return found if isinstance(found, dict) and found else None
