"""Secrets by their look, inside any text: private keys, tokens with known beginnings, passwords in addresses, settings.

These decide what is scrubbed from snapshots, where a false hit costs little: they are wider than rules would be.
Every repetition is bounded or over a class that cannot match what follows, so that time stays linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

#: What is a secret as a whole.
_TOKEN = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[^-]|-(?!----)){0,20000}(?:-----END [A-Z0-9 ]{0,40}-----)?"
    r"|\beyJ[\w-]{8,500}\.eyJ[\w-]{8,20000}(?:\.[\w-]*)?"  # JSON Web Tokens
    r"|\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"  # Amazon
    r"|\bgh[pousr]_[A-Za-z0-9]{20,255}|\bgithub_pat_\w{20,255}"
    r"|\bgl(?:pat|ptt|dt|rt|cbt|oas|soat|ft|imt|agent)-[\w-]{16,255}"
    r"|\bxox[abeoprs]-[\w-]{8,255}|\bxapp-[\w-]{16,255}|hooks\.slack\.com/services/[\w/-]{16,255}"
    r"|\b[sr]k_(?:live|test)_\w{16,255}|\bsk-[\w-]{20,255}|\bwhsec_\w{16,255}"
    r"|\bAIza[\w-]{35}|\bya29\.[\w-]{20,2000}"  # Google
    r"|\bnpm_[A-Za-z0-9]{30,255}|\bpypi-[\w-]{40,2000}|\bdckr_pat_[\w-]{16,255}"
    r"|\bhv[sbr]\.[\w-]{20,2000}|\bSG\.[\w-]{16,64}\.[\w-]{16,128}|\bdop_v1_[a-f0-9]{64}|\bhf_[A-Za-z0-9]{30,255}"
    r"|(?<=AccountKey=)[\w+/=]{20,255}|(?<=SharedAccessKey=)[\w+/=]{20,255}"  # Azure
    r"|(?<=[Bb]earer )[\w.~+/=-]{12,4000}|(?<=[Bb]asic )[\w+/=-]{12,4000}"
    r"|\$(?:apr1|2[aby]|[156y]|argon2id?)\$[^\s:'\"]{8,255}"  # password hashes
)
#: A password in an address, or given to a program.
_EMBEDDED = re.compile(
    r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/:@'\"]{0,255}:([^\s/@'\"]{1,1024})@"
    r"|://([\w-]{20,255})@"  # a token in the place of the user
    r"|\s(?:-u|--user)[ =]\s{0,4}['\"]?[^\s:'\"]{1,255}:([^\s'\"]{1,255})"
    r"|\bsshpass\s{1,4}-p\s{0,4}(\S{1,255})"
    r"|\bmysql\w{0,20}\s[^|;\n]{0,400}?\s-p([^\s'\"]{1,255})"
    r"|\bmachine\s{1,9}\S{1,255}\s{1,9}login\s{1,9}\S{1,255}\s{1,9}password\s{1,9}(\S{1,255})"
)
#: ``db.password=...``, ``"apiKey": "..."``, ``--token ...`` in configuration, scripts and arguments.
_SETTING = re.compile(
    r"(?i:passw(?:or)?d|passphrase|(?<![a-z])(?:pass|pwd)|secret|token|credentials?|\"auth"
    r"|(?:api|access|account|secret|private|signing|encryption|master)[_.-]?key|client-key-data)"
    r"(?:[_.-]?(?i:value|base64|data|\d{1,3}))?['\"]?"
    r"(?:\s{0,8}(?:=>|:=|[:=])\s{0,8}|\s{1,4}(?=[^\s-]))"
    r"(?:\"([^\"\n]{1,4096})\"|'([^'\n]{1,4096})'|([^\s\"',;&|){}\]]{1,4096}))"
)
#: Names that rules leave alone, as they would be wrong too often; a value scrubbed in vain does no harm.
_WIDE_NAME = re.compile(
    r"(?:(?:\A|[_.-])(?:pass|pwd|pw)|[a-z]P(?:ass|wd)|(?i:passcode|mnemonic|(?:\A|[_.-])dsn|connection[_.-]?string))\Z"
    r"|(?:\A|_)(?:PASS|PWD)\Z"
)
_SECRET_OBJECT = re.compile(r"[\"']?\bkind[\"']?\s{0,8}:\s{0,8}[\"']?Secret\b")
_OPTION = re.compile(r"--[\w-]{0,60}\Z")
_SHORTEST = 6


def holds_secret_object(text: str) -> bool:
    """Whether a text looks like a manifest with a Secret, whose keys may have any name."""
    return _SECRET_OBJECT.search(text) is not None


def may_name_credential(name: str) -> bool:
    """Whether a setting of this name is scrubbed although no rule would fire on it."""
    return _WIDE_NAME.search(name) is not None


def find_secrets(text: str, is_placeholder: Callable[[str], bool]) -> list[tuple[int, int]]:
    """The places of secrets in a text, in order and without overlaps.

    ``is_placeholder`` tells values that are plainly none: paths, addresses, blanks to be filled in.
    """
    if len(text) < _SHORTEST:
        return []
    found = [match.span() for match in _TOKEN.finditer(text)]
    found += [match.span(match.lastindex or 0) for match in _EMBEDDED.finditer(text)]
    found += _settings(text, is_placeholder)
    return _merged(found)


def _settings(text: str, is_placeholder: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    for match in _SETTING.finditer(text):
        start, end = match.span(match.lastindex or 0)
        value = text[start:end]
        name = text[match.start() : start].rstrip("'\"")
        is_assigned = name.rstrip().endswith((":", "=", ">"))
        # Nothing but a space between: only an option (--password x) is a setting; the rest is prose.
        if not is_assigned and not _OPTION.search(text, max(match.start() - 64, 0), match.start()):
            continue
        if not is_placeholder(value) or is_number(value):
            yield start, end


def is_number(value: str) -> bool:
    """Whether a value is digits alone: no credential to a rule, but it may be a PIN, so it is scrubbed."""
    return len(value) > 3 and value.isdigit()


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
