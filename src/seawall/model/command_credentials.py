"""Credentials in the words of a command, known by what stands before them: options, variables, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from seawall.model.credential_names import is_placeholder, names_credential

# Compiled when they are first used.
#: A login in an address, with its password.
URL_CREDENTIAL = r"[a-zA-Z][\w+.-]{0,30}://[^\s/:@]{0,100}:([^\s/@]{1,200})@"
#: What is filled in later, or stands for a password in an example.
FILLED_IN = r"(?i)\$\(|\$\{|\{\{|<|\*\*|x{3,}|\A(?:password|pass|changeme|user)\Z"
#: Options that are credentials by what they do, and not by their name.
_PASSWORD_OPTIONS = frozenset(("requirepass", "masterauth"))
#: The name of an option before ``=`` or alone, and a variable that is set for a command.
_OPTION = r"--?([A-Za-z][\w.-]*)(?:=(.*))?\Z|([A-Za-z_]\w*)=(.*)\Z"
_SIGNS = r"(?i)pass|secret|token|auth|key|credential|://"
_LEAST = 4


def credentials_in(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The words of a command that hold a credential, by their index, with what holds it; scripts are one word."""
    if not re.search(_SIGNS, " ".join(words)):
        return
    for i, word in enumerate(words):
        script = word.split()
        what = _credential(script, True) if len(script) > 1 else _credential([word, *words[i + 1 : i + 2]], False)
        if what:
            yield i, what


def _credential(parts: Sequence[str], is_script: bool) -> str:
    """What holds a credential in the words of a script, or in one argument; the next may be its value."""
    for at, part in enumerate(parts if is_script else parts[:1]):
        address = re.search(URL_CREDENTIAL, part) if "@" in part else None
        if address is not None and not re.search(FILLED_IN, address[1]):
            return "an address"
        option = re.match(_OPTION, part)
        if option is None:
            continue
        name = option[1] or option[3]
        if option[1]:
            after = parts[at + 1] if at + 1 < len(parts) else ""
            value = option[2] if option[2] is not None else "" if after.startswith("-") else after
        else:
            value = option[4]
        if (name in _PASSWORD_OPTIONS or names_credential(name)) and _is_value(name, value.strip("'\";,()")):
            return f"the option {name[:60]}" if option[1] else f"the variable {name[:60]}"
    return ""


def _is_value(name: str, value: str) -> bool:
    """Whether a value is a credential in clear. A Secret's name is none: one that is called so must look like a key."""
    if len(value) < _LEAST or "$" in value or "`" in value or is_placeholder(value):
        return False
    named = name.lower().endswith(("secret", "credential", "credentials"))
    return not named or (re.search("[0-9]", value) is not None and re.search("[A-Z]", value) is not None)
