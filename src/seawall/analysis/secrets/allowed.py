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
    b"undefined", b"goes-here", b"goes_here", b"GOES_HERE", b"-here", b"_here", b"_HERE",
    # What pages of Stripe, of OAuth and of one-time passwords print.
    b"2YotnFZFEjr1zCsicMWpAA", b"tGzv3JOkF0XG5Qx2TlKWIA", b"hh5s93j4hdidpola", b"czZCaGRSa3F0MzpnWDFmQmF0M2JW",
    b"JBSWY3DPEHPK3PXP", b"SlAV32hkKG", b"8xLOxBtZp8", b"gX1fBat3bV", b"BLANK",
    b"4eC39HqLyjWDarjtT1zdp7dc", b"BQokikJOvBiI2HlWgH4olfQ2", b"26PHem9AhJZvU623DfE1x4sd",
)  # fmt: skip
#: As a whole, without case.
_BLANKS = re.compile(
    rb"(?:true|false|yes|no|on|off|null|nil|none|undefined|void|empty|default|string|str|text|bytes|int|integer|number|boolean|bool"
    rb"|object|any|optional|required|required:true|unset|unknown|n/?a|tbd|secret|secrets|password|passwd|passw0rd|pass|passphrase|pwd"
    rb"|token|key|api[_-]?key|apikey|credentials?|username|user|admin|root|test|testing|test123|foo|bar|baz|qux|hidden|masked"
    rb"|abc123|password1?|passw(?:or)?d123|secret123|admin123|qwerty|letmein|\([\w ]+\)|[A-Za-z_]{2,30}="
    rb"|enter.*|insert.*|your.*|put.*here|some.*(?:password|secret|token|key)|(?:my|the|a|an)[_ -].*|todo.*|fixme.*"
    rb"|replace.*|change.*"
    rb"|\d{1,9}|\d+\.\d+(?:\.\d+)*|[\d.]+(?:ms|s|m|h|d|kb|mb|gb|k|g)?)\Z",
    re.IGNORECASE,
)
#: Filled in later, looked up elsewhere, or code.
_REFERENCE = re.compile(
    rb"scrubbed:[0-9a-f]{32}|\A\$[A-Za-z_]\w*(?:\Z|[^\w!@#%^&*])|\{[A-Za-z_][\w.]*(?:[(.\[][^{}]*)?(?:![rs])?\}|\{\{|\}\}|\$\{|<%|%>|#\{|%\(|%\{|\$\("
    rb"|\w\[-?\d{0,3}\]|/\[\d|\A\[[A-Za-z][\w.]*\]::|\A\[[\w.-]+=[\w.-]+\]\Z|(?<!%)%[sdv](?!\w)|\A[A-Z]{2,12}=[^=]|=(?:true|false|null|None)\Z"
    rb"|\A\d{4}-\d\d-\d\d|\A[\w.+-]{1,64}@[A-Za-z.-]{2,60}\.(?:com|org|net|io|dev|edu|de|uk|example|invalid|test)\Z"
    rb"|[\"'`] ?\+ ?\w|\w ?\+ ?[\"'`]|\A\{\d{0,2}\}\Z"
    rb""
    rb"|<[A-Za-z][\w .:/\\-]*>|\[[A-Za-z][\w .:-]*\]\Z"
    rb"|\A(?:%[sdvq]|%[A-Z_]+%|@[A-Za-z.]+@|@@\w+@@|@Microsoft\.KeyVault\(|\$(?:2[abxy]?|[1567y]|gy|apr1|scrypt|s0|argon2\w{0,2}|pbkdf2[\w-]*)\$"
    rb"|\{(?:S?SHA\d*|S?MD5|CRYPT|PBKDF2[\w-]*|ARGON2\w*|bcrypt|scrypt|argon2\w*|pbkdf2\w*)\}|(?:md5|sha1|crypt|pbkdf2|bcrypt|argon2|scrypt|unsalted)[_\w]*\$|__\w+__|\?|[A-Z]:\\|~/|[\w+-]+://(?![^\s/]*:[^\s/]*@)|arn:|vault:|secret:|"
    rb"ref\+|op://|awskms|env:|env\.|file:|ssm:|projects/|os\.|process\.env|System\.|config\.|settings\.|self\.|this\.|args\.|opts?\."
    rb"|var\.|local\.|module\.|data\.|secrets\.|github\.|inputs?\.|params\.|request\.|req\.|res\.|ctx\.|props\.|state\.|ENC\[|enc:|"
    rb"AQICAH|!Ref|!Sub|!vault|sops|ENV\[|Fn::|lookup\(|getenv|\*[A-Za-z]\w*\Z|&[A-Za-z]\w*\Z|sha(?:1|256|384|512)[:-]|md5[:-]"
    rb"|v\d+\.\d+|ssh-(?:rsa|ed25519|dss) |ecdsa-|AAAA[BEC]3|pk_(?:live|test)_|pub[-_])",
)
_CALL = re.compile(rb"[A-Za-z_][\w.:]{1,60}\s{0,2}[(\[]")
_PATH = re.compile(rb"\.{0,2}/[\w@./-]*\Z")
_FILE = re.compile(rb"\.\w{1,5}\Z")
#: Patterns of other programs, which look wilder than any password.
_PATTERN = re.compile(rb"\[\^|\]\+|\]\*|\]\{\d|\(\?|\.\*|\.\+|\\[sdwbSDW][*+)]?|\)\?\)?")
#: Names of constants, variables and keys, words joined by marks, versions among them: ``GCC-exception-2.0``.
_IDENTIFIER = re.compile(
    rb"[_$]{0,2}[A-Za-z]+\d{0,4}(?:[A-Za-z]{2,}\d{0,4})?(?:[-_.:/]{1,2}(?:[A-Za-z]+\d{0,4}(?:[A-Za-z]{2,}\d{0,4})?|\d{1,4}))*[-_.:]{0,2}\Z"
)
_JOINED = re.compile(rb"[-_.:/]|[a-z][A-Z]")
#: Each byte as the kind that it is of: small, capital, digit, other.
_KINDS = bytes(
    97 if 97 <= byte <= 122 else 65 if 65 <= byte <= 90 else 48 if 48 <= byte <= 57 else 45 for byte in range(256)
)
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_DOTTED = re.compile(rb"[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)+(?:\(\))?;?\Z")
_WORD = re.compile(rb"[A-Za-z]+(?:[_. -][A-Za-z]+)*\d?\Z")
_MARKS = re.compile(rb"[-_.:/ ]")
_CASED = re.compile(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_MADE_OF_WEAK = re.compile(
    rb"(?:super|very|some|kind|of|hard|coded|strong|long|secure|password|passwd|pass|secret|token|key|test|demo|default|admin"
    rb"|root|user|db|database|app|api|the|my|your|new|old|value|string|local|dev|prod|random|base32|base64|encoded){2,9}"
    rb"[\d\W_]{0,6}\Z"
)
_LEET = bytes.maketrans(b"@4301$5", b"aaeolss")
_WEAK = re.compile(
    rb"(?:(?:my|the|test|admin|root|user|db|your)?_?-?(?:password|passwd|pass|secret|pwd|token|changeme|letmein|welcome|qwerty)"
    rb"|test|testing|admin|example)[\d\W_aeols]{0,5}\Z"
)
_CONSONANTS = re.compile(rb"(?i:[bcdfghjklmnpqrstvwxz]{6})")
#: A letter as JSON may write it.
_ESCAPED = re.compile(rb"\\u[0-9a-fA-F]{4}")
#: A digit between letters, as names have it: ``Base64Url``, ``x509v3``.
_DIGIT_INSIDE = re.compile(rb"[A-Za-z]\d+[A-Za-z]")
_DIGIT_NAMED = re.compile(
    rb"(?:(?:OA|[A-Z])?[a-z]+|[A-Z]+)(?:[A-Z][a-z]+)*\d{1,4}(?:[a-z]{1,4})?(?:[A-Z][a-z]+)*\d{0,4}\Z"
)


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
        return not is_jumbled(value) or value == value.lower() or _FILE.search(value) is not None
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
    if _CALL.match(value) is not None:
        return True
    return (
        _DOTTED.match(value) is not None
        and not value[-2:].isdigit()
        and not any(is_jumbled(part) for part in value.split(b"."))
    )


def is_pattern(value: bytes) -> bool:
    """Whether it is a regular expression."""
    return _PATTERN.search(value) is not None


def is_identifier(value: bytes) -> bool:
    """Whether it is a name of several words, joined by marks: ``ssh2_auth_pubkey_file``."""
    return _JOINED.search(value) is not None and _IDENTIFIER.match(value) is not None and not is_irregular(value)


def is_irregular(value: bytes) -> bool:
    """Whether a part of it changes between capital and small letters, or letters and digits, as no name does."""
    return any(map(_is_part_irregular, _MARKS.split(value)))


def _is_part_irregular(part: bytes) -> bool:
    if len(part) < 5:
        return False
    if _DIGIT_INSIDE.search(part):
        return part != part.lower() and part != part.upper() and _DIGIT_NAMED.match(part) is None
    runs = _CASED.findall(part)
    if len(part) < 6 or len(runs) < 3:
        return False
    if sum(map(len, runs)) < 2.3 * len(runs) or (len(runs) >= 5 and 2 * sum(len(run) < 3 for run in runs) >= len(runs)):
        return True
    return _CONSONANTS.search(part) is not None and not any(len(run) > 3 and run.isupper() for run in runs)


def is_jumbled(value: bytes) -> bool:
    """Whether letters and digits change places and cases as in no language."""
    kinds = value.translate(_KINDS)
    return len(value) >= 16 and 48 in kinds and sum(a != b for a, b in pairwise(kinds)) * 3 > len(value)


def is_sentence(value: bytes) -> bool:
    """Whether most of it are words with spaces between them."""
    words = [word.strip(b".,:;!?()[]{}'\"") for word in value.split()]
    return len(words) > 1 and 2 * sum(is_words(word) or word.isdigit() for word in words) >= len(words)


def is_weak(value: bytes) -> bool:
    """Whether it is the word password, or one of the like, in letters that look like others: ``P@ssw0rd123``."""
    lower = value.lower()
    return _WEAK.match(lower.translate(_LEET)) is not None or _MADE_OF_WEAK.match(lower) is not None


def is_words(value: bytes) -> bool:
    """Whether it is words and not a value: letters alone, at most one digit at the end, of any script."""
    value = _ESCAPED.sub(b"e", value)
    if _WORD.match(value) is not None:
        return not is_irregular(value)
    if value.isascii():
        return False
    return not any(letter.isdigit() for letter in value.decode("utf-8", "replace"))
