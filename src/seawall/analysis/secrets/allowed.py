"""What is plainly no secret: blanks to be filled in, references, examples of documentation, hashes, code."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

#: Values that providers and books print; a few of them look like the real thing.
_EXAMPLES = (
    b"example", b"EXAMPLE", b"Example", b"changeme", b"change_me", b"change-me", b"ChangeMe", b"CHANGEME",
    b"CHANGE_ME", b"CHANGE-ME",
    b"placeholder", b"PLACEHOLDER", b"replace_me", b"replaceme", b"replace-me", b"REPLACE", b"redacted", b"REDACTED",
    b"xxxx", b"XXXX",
    b"your_", b"your-", b"YOUR_", b"YOUR-", b"yourpass", b"yourPass", b"insert_", b"INSERT_", b"dummy", b"DUMMY",
    b"sample", b"SAMPLE",
    b"mySecret", b"my-secret", b"my_secret", b"mysecret", b"fake", b"FAKE", b"Fake", b"notreal", b"not-real",
    b"not_real", b"foobar",
    b"****", b"....", b"----", b"____", b"abcdefgh", b"ABCDEFGH", b"0123456789", b"1234567890", b"01234567",
    b"12345678", b"deadbeef",
    b"DEADBEEF", b"lorem", b"todo", b"TODO", b"fixme", b"FIXME", b"<secret", b"hunter2", b"not-a-", b"not_a_",
    b"undefined",
)  # fmt: skip
#: As a whole, without case.
_BLANKS = re.compile(
    rb"(?:true|false|yes|no|on|off|null|nil|none|undefined|void|empty|default|string|str|text|bytes|int|integer|number|boolean|bool"
    rb"|object|any|optional|required|required:true|unset|unknown|n/?a|tbd|secret|secrets|password|passwd|passw0rd|pass|passphrase|pwd"
    rb"|token|key|api[_-]?key|apikey|credentials?|username|user|admin|root|test|testing|test123|foo|bar|baz|qux|hidden|masked"
    rb"|enter.*|insert.*|your.*|put.*here|some.*(?:password|secret|token|key)|(?:my|the|a|an)[_ -].*|todo.*|fixme.*"
    rb"|replace.*|change.*"
    rb"|\d{1,9}|\d+\.\d+(?:\.\d+)*|[\d.]+(?:ms|s|m|h|d|kb|mb|gb|k|g)?)\Z",
    re.IGNORECASE,
)
#: Filled in later, looked up elsewhere, or code.
_REFERENCE = re.compile(
    rb"scrubbed:[0-9a-f]{32}|\A\$[A-Za-z_]|\{[A-Za-z_][\w.]*(?:\([^)]*\))?(?:![rs])?\}|\{\{|\}\}|\$\{|<%|%>|#\{|%\(|%\{|\$\("
    rb"|<[A-Za-z][\w .:/-]*>|\[[A-Za-z][\w .:-]*\]\Z"
    rb"|\A(?:%[sdvq]|%[A-Z_]+%|@[A-Za-z.]+@|__\w+__|[A-Z]:\\|~/|[\w+-]+://(?![^\s/]*:[^\s/]*@)|arn:|vault:|secret:|"
    rb"ref\+|op://|awskms|env:|env\.|file:|ssm:|projects/|os\.|process\.env|System\.|config\.|settings\.|self\.|this\.|args\.|opts?\."
    rb"|var\.|local\.|module\.|data\.|secrets\.|github\.|inputs?\.|params\.|request\.|req\.|res\.|ctx\.|props\.|state\.|ENC\[|enc:|"
    rb"AQICAH|!Ref|!Sub|!vault|sops|ENV\[|Fn::|lookup\(|getenv|\*[A-Za-z]\w*\Z|&[A-Za-z]\w*\Z|sha(?:1|256|384|512)[:-]|md5[:-]"
    rb"|v\d+\.\d+|ssh-(?:rsa|ed25519|dss) |ecdsa-|AAAA[BEC]3|pk_(?:live|test)_|pub[-_])",
)
_CALL = re.compile(rb"[A-Za-z_][\w.]{1,60}\s{0,2}[(\[]")
_PATH = re.compile(rb"\.{0,2}/[\w@./-]*\Z")
#: Patterns of other programs, which look wilder than any password.
_PATTERN = re.compile(rb"\[\^|\]\+|\]\*|\]\{\d|\(\?|\.\*|\.\+|\\[sdwbSDW][*+)]?|\)\?\)?")
#: Names of constants, variables and keys, words joined by marks, versions among them: ``GCC-exception-2.0``.
_IDENTIFIER = re.compile(
    rb"[_$]{0,2}[A-Za-z]+\d{0,4}(?:[-_.:/](?:[A-Za-z]+\d{0,4}(?:[A-Za-z]{2,}\d{0,4})?|\d{1,4}))*[-_.:]{0,2}\Z"
)
_JOINED = re.compile(rb"[-_.:/]|[a-z][A-Z]")
#: Each byte as the kind that it is of: small, capital, digit, other.
_KINDS = bytes(
    97 if 97 <= byte <= 122 else 65 if 65 <= byte <= 90 else 48 if 48 <= byte <= 57 else 45 for byte in range(256)
)
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_DOTTED = re.compile(rb"[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)+(?:\(\))?;?\Z")
_WORD = re.compile(rb"[A-Za-z]+(?:[_. -][A-Za-z]+)*\d?\Z")


def entropy(value: bytes) -> float:
    """Shannon's entropy in bits a byte, of the bytes' own frequencies."""
    if not value:
        return 0.0
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())


def is_blank(value: bytes) -> bool:
    """Whether a value is a blank to be filled in, a reference, or a word that says what should stand there."""
    value = value.strip()
    if _PATH.match(value):
        return not is_jumbled(value)
    return not value or _BLANKS.match(value) is not None or _REFERENCE.search(value) is not None or is_repetitive(value)


def is_example(value: bytes) -> bool:
    """Whether it is an example: it says so, counts or repeats itself."""
    return any(word in value for word in _EXAMPLES) or is_repetitive(value)


def is_repetitive(value: bytes) -> bool:
    """Whether few different bytes make it up, or it runs up or down the alphabet."""
    if len(set(value)) <= max(2, min(4, len(value) // 8)):
        return True
    if len(value) < 8:
        return False
    steps = Counter(second - first for first, second in pairwise(value))
    return sum(steps[step] for step in (-1, 0, 1)) * 2 > len(value)


def is_uuid(value: bytes) -> bool:
    """Whether it is a UUID, which names things far more often than it opens them."""
    return _UUID.match(value) is not None


def is_code(value: bytes) -> bool:
    """Whether a bare value is an expression of a programming language."""
    return _CALL.match(value) is not None or (_DOTTED.match(value) is not None and not value[-2:].isdigit())


def is_pattern(value: bytes) -> bool:
    """Whether it is a regular expression."""
    return _PATTERN.search(value) is not None


def is_identifier(value: bytes) -> bool:
    """Whether it is a name of several words, joined by marks: ``ssh2_auth_pubkey_file``."""
    return _JOINED.search(value) is not None and _IDENTIFIER.match(value) is not None


def is_jumbled(value: bytes) -> bool:
    """Whether letters and digits change places and cases as in no language."""
    kinds = value.translate(_KINDS)
    return len(value) >= 16 and sum(a != b for a, b in pairwise(kinds)) * 3 > len(value)


def is_words(value: bytes) -> bool:
    """Whether it is words and not a value: letters alone, at most one digit at the end."""
    return _WORD.match(value) is not None
