"""What names of settings say of credentials, and which values are plainly none."""

from __future__ import annotations

import re
from functools import lru_cache

_CREDENTIAL_NAME = re.compile(
    r"(?:passw(?:or)?d|passphrase|[_.-]pwd|secret|token|credentials?"
    r"|(?:api|access|secret|private|signing|encryption)[_.-]?key)(?:[_.-]?(?:base|base64|value|\d+))?\Z",
    re.IGNORECASE,
)
# The next two are compiled when they are first used, as most files have no name of a credential.
#: Names that end like a credential but name an object that holds one.
_OBJECT_NAME = r"(?i:(?:pull|tls|cert|certificate|existing)[_.-]?secret)\Z"
_NO_CREDENTIAL = (
    r"true|false|yes|no|on|off|null|none|[\d.]+"  # switches and numbers
    r"|(?:\.{0,2}|~)/[\w.@/-]*|[A-Z]:\\.*|[\w+-]+://.*"  # where the value is to be found
    r"|(?:arn|vault|file|ssm|kms|env|op|sops|awskms|gcpkms|azurekms|secretsmanager|ref\+\w+):.*"
    r"|(?:process\.env|os\.environ|params|secrets|credentials)[.(\[].*|!(?:Ref|Sub|GetAtt|vault)\b.*|@Microsoft\.KeyVault\(.*"
    r"|.*(?:\$\(|\$\{|\{\{).*|<.*>|\[.*\]|[x*.]+|%\w+%|@@?\w+@@?|__\w+__|#\{.*|ENC\[.*"  # what is filled in later
    r"|undefined|.*[x*]{8}.*|(?:.*[\s_-])?your[\s_-].*"
    r"|(?:your|insert|replace|placeholder|redacted|todo|fixme)(?:[\s_-].*)?"
)


def looks_like_credential(name: str, value: str) -> bool:
    """Whether a setting is a credential in clear, by its name and the look of its value."""
    if not names_credential(name):
        return False
    return bool(value.strip()) and not is_placeholder(value)


@lru_cache(maxsize=4096)
def names_credential(name: str) -> bool:
    """Whether a setting of this name holds a credential."""
    return bool(_CREDENTIAL_NAME.search(name)) and not re.search(_OBJECT_NAME, name)


def is_placeholder(value: str) -> bool:
    """Whether a value is plainly no credential: a switch, a number, a path, an address, a blank to be filled in."""
    return re.fullmatch(_NO_CREDENTIAL, value.strip(), re.IGNORECASE) is not None
