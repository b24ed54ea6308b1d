"""Settings whose name says credential and whose value looks like one, in any kind of file."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode

from seawall.analysis.secrets.allowed import (
    entropy,
    is_blank,
    is_code,
    is_example,
    is_identifier,
    is_jumbled,
    is_pattern,
    is_sentence,
    is_uuid,
    is_weak,
    is_words,
)
from seawall.analysis.secrets.detector import CLOSE, ELSE, PAIR, TYPED, Detector, Sort
from seawall.analysis.secrets.naming import KEYS, Named, judge_name
from seawall.model.finding import Confidence, Severity

PASSWORD = Detector("password-setting", "Password", Severity.HIGH, Sort.GENERIC, (), b"", shown=False, thought_up=True)
KEY = Detector("credential-setting", "Credential", Severity.HIGH, Sort.GENERIC, (), b"", shown=False, thought_up=True)

#: What a name must hold to be looked at, without case; what stands before a key says whether it is one.
STEM = rb"pass|pwd|secret|token|credential|(?<=[\w.-])key|bindpw|psk"
_FILTERED = rb"(?:pass|pwd|secret|token|credential|(?:%b)[_.-]?key|bindpw|psk)" % b"|".join(
    word.encode() for word in sorted(KEYS)
)
_REST = rb"[\w.-]{0,30}"
#: Between name and value, in more ways than `ASSIGN`: also an option's space, Docker's ENV, Terraform's default.
_JOIN = (
    rb"(?:%b%b(?::[ \t]{0,4}\r?\n(?:[ \t]{1,16}\w{1,40}:[^\r\n]{0,120}\r?\n){0,6}?[ \t]{1,16}default:"
    rb"|\s{0,2},?\s{0,40}\\{0,2}[\"']?value\\{0,2}[\"']?[ \t]{0,4}[:=]|[ \t]{0,40}(?:=>|:=|\?=|%b|==?|:{1,2}|,|>))"
    rb"|[\"'] ?(?:: ?)?\{[^{}]{0,300}?\bdefault[\"']?[ \t]{0,20}[=:]|\(|%b)[ \t]{0,12}(?:\[\s{0,12}(?=[\"']))?"
) % (CLOSE, TYPED, ELSE, PAIR)
#: What every setting begins with: the stem, what may follow in the name, and a beginning of what joins it to a value.
FILTER = (
    rb"%b%b(?:\\{0,2}[\"'`\])]){0,4}\s{0,44}(?:[:=,>|(?{]|\\{0,2}[\"']?value|str|char|bytes|text|Optional|or )"
    rb"|-[\w-]{0,40}%b[\w-]{0,20} |\b(?:ENV|ARG|setenv|set -g?x) \w{0,60}%b[\w-]{0,20} "
    rb"|#define[ \t]{1,8}\w{0,60}%b\w{0,30}[ \t]|%b%b</"
) % (_FILTERED, _REST, _FILTERED, _FILTERED, _FILTERED, _FILTERED, _REST)
_VALUE = (
    rb"(?:(?:new )?(?:[\w.]{0,30}\.)?(?:SecretStr|Secret|b64decode|String|str|bytes|from|atob|sensitive|encode)"
    rb"\(\s{0,4}(?=[\"']))?(?:[|>][+-]?\s*\n\s{1,40})?"
    rb"(?:[brfuL@]{0,2}(?:\"(?=\\\"))?(?P<o>\\{0,2})(?P<q>\"{3}|'{3}|[\"'`])(?!(?P=o)(?P=q))(?P<v>[^\r\n]{1,1000}?)(?P=o)(?P=q)"
    rb"|(?P<b>[^\s\"'`,;&|<>]{1,1000})(?P<after>[^\r\n]{0,80}))"
)
_SETTING = re.compile(rb"(?P<stem>%b)(?P<rest>%b)%b%b" % (STEM, _REST, _JOIN, _VALUE), re.IGNORECASE)
_SPACED = re.compile(rb"(?P<stem>%b)(?P<rest>[\w-]{0,30})[ \t]{1,20}(?!-)%b" % (STEM, _VALUE), re.IGNORECASE)
_OPTION = re.compile(
    rb"(?:(?<![^\s\"'`(=])--?[\w-]{0,40}|\b(?:ENV|ARG|setenv|set -g?x) \w{0,60}|#define[ \t]{1,8}\w{0,60})\Z"
)
#: What ends a bare value before a space does: a picture with a link in Markdown, a line within a string.
_ENDED = re.compile(rb"\)\]\(|\\[nrt](?![A-Za-z0-9]*\Z)")
#: Names of secrets in AWS: ``arn:aws:secretsmanager:...:secret:shop/db-a1b2c3``.
_ARN = re.compile(rb"\barn:[\w:;&*${}-]{0,180}:\Z")
_NAME_BEFORE = re.compile(rb"[\w.$/-]{0,64}\Z")

#: Files where a bare value is a value; in programs it is a name.
_CODE = frozenset(
    ("py", "js", "ts", "jsx", "tsx", "mjs", "cjs", "java", "kt", "kts", "scala", "groovy", "go", "rs", "rb", "php",
    "c", "h",
     "cc", "cpp", "hpp", "cs", "swift", "m", "lua", "pl", "pm", "vue", "svelte", "dart", "ex", "exs", "erl", "clj", "r",
     "vb", "fs", "html", "htm", "css", "scss", "md", "rst", "adoc", "tex", "sql", "proto", "graphql", "pyi", "ipynb",
     "map")
)  # fmt: skip
_PROSE = frozenset(("md", "rst", "adoc", "txt", "html", "htm", "tex"))


def kind_of(place: str) -> str:
    """The ending of a file's name, in lower case; empty where it has none."""
    name = place[place.rfind("/") + 1 :]
    return name[name.rfind(".") + 1 :].lower() if "." in name else ""


class Setting:
    """A setting that was recognised: the spans of the value, its name, and how sure it is."""

    __slots__ = ("confidence", "detector", "end", "name", "start")

    def __init__(self, detector: Detector, name: str, start: int, end: int, confidence: Confidence) -> None:
        self.detector = detector
        self.name = name
        self.start = start
        self.end = end
        self.confidence = confidence


def setting_at(data: bytes, at: int, kind: str) -> Setting | None:
    """The setting whose name has one of the stems at this place, if its value looks like a credential."""
    match = _SETTING.match(data, at)
    if match is None:
        match = _SPACED.match(data, at)
        if match is None or _OPTION.search(data, max(at - 64, 0), at) is None:
            return None
    before = _NAME_BEFORE.search(data, max(at - 64, 0), at)
    name = ((before[0] if before else b"") + match["stem"] + match["rest"]).decode("utf-8", "replace")
    named = judge_name(name)
    if named is None:
        return None
    quoted = match["v"] is not None
    start, end = match.span("v") if quoted else match.span("b")
    # After the end of an element's tag stands its text, up to the next tag.
    if data[start - 1 : start] == b">" and data[start - 2 : start] != b"=>" and data[end : end + 1] not in (b"<", b"&"):
        return None
    value = data[start:end]
    if not quoted:
        end, value = _trimmed(data, start, end)
        # Arguments of calls and items of lists are names where they are bare; in CSV no space follows a comma.
        if data[start - 1 : start] == b"(" or data[start - 2 : start] == b", ":
            return None
        # What tests print: ``PASS: TestOrders``.
        if name.upper() == "PASS" and (name == "PASS" or match["after"].strip()) and data[start - 1 : start] != b"=":
            return None
        if not _is_bare_value(value, match["after"], kind, data[start - 1 : start] == b"="):
            return None
    if before is not None and data[before.start() - 2 : before.start()] == b"$(":
        return None
    if before is not None and _ARN.search(data, max(before.start() - 200, 0), before.start()):
        return None
    # In an address, short ones are for badges and the like.
    if before is not None and data[before.start() - 1 : before.start()] in (b"?", b"&") and len(value) < 16:
        return None
    return _judged(name, named, value, start, end, quoted, kind)


def _trimmed(data: bytes, start: int, end: int) -> tuple[int, bytes]:
    """A bare value without the brackets that close what it stands in."""
    value = data[start:end]
    value = _ENDED.split(value, maxsplit=1)[0]
    value = value.rstrip(b")]}:\\")
    if value.count(b"(") > value.count(b")") or value.count(b"[") > value.count(b"]"):
        value = data[start:end]
    return start + len(value), value


def _is_bare_value(value: bytes, after: bytes, kind: str, set_closely: bool) -> bool:
    if is_code(value):
        return False
    if kind in _CODE:
        # In prose stand commands and settings as well; in programs a bare word is a name.
        after = after.strip(b"` \t")
        return kind in _PROSE and set_closely and not after and not is_words(value) and not is_identifier(value)
    # Prose goes on after a word; a setting ends, is followed by a comment, by the next or by a bracket.
    after = after.strip()
    return not (after and after[:1].isalpha() and is_words(value))


def _judged(name: str, named: Named, value: bytes, start: int, end: int, quoted: bool, kind: str) -> Setting | None:
    if (plain := _plain(value)) is not None:
        value = plain
    if not 6 <= len(value) <= 512 or is_blank(value) or is_example(value):
        return None
    # What programs make of passwords has brackets too, but seldom ends with one.
    if is_code(value) and (not quoted or value[-1:] in b")]};" or _DOTTED.match(value)):
        return None
    if (
        is_pattern(value)
        or _SEALED.match(value)
        or value.startswith(_CHECKED)
        or value[:1] in b", "
        or value.startswith(b"--")
    ):
        return None
    if b" " in value and (named.sort != "password" or kind in _PROSE or value.count(b" ") > 3 or is_sentence(value)):
        return None
    if not named.sure and not _is_beyond_doubt(value):
        return None
    if named.sort == "password":
        return _password(name, value, start, end)
    return _key(name, value, start, end)


def _is_beyond_doubt(value: bytes) -> bool:
    return len(value) >= 16 and is_jumbled(value) and entropy(value) >= 3.5 and not is_uuid(value)


def _plain(value: bytes) -> bytes | None:
    """What base64 of text holds: the values of a Secret are judged by that."""
    if len(value) % 4 or len(value) < 8 or not _BASE64.match(value):
        return None
    try:
        text = b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text.strip().encode() if text.strip().isprintable() else None


def _password(name: str, value: bytes, start: int, end: int) -> Setting | None:
    bare = value.strip(_AROUND).rstrip(b"\\")
    if is_words(bare) or is_weak(bare):
        return None
    letters = sum(byte in _LETTERS for byte in value)
    others = len(value) - letters
    mixed = value != value.lower() and value != value.upper()
    if others == 0 and not (mixed and entropy(value) > 3.2 and not is_words_in_camel(value)):
        return None
    if (
        is_words_in_camel(bare)
        or _NAMES_PASSWORD.match(bare)
        or value.isdigit()
        or (is_uuid(value) and value[14:15] != b"4")
    ):
        return None
    if is_identifier(bare) and not value[-2:].isdigit() and not _NUMBER_INSIDE.search(value):
        return None
    weak = len(value) < 8 or entropy(value) < 2.5
    return Setting(PASSWORD, name, start, end, Confidence.LOW if weak else Confidence.MEDIUM)


def _key(name: str, value: bytes, start: int, end: int) -> Setting | None:
    bare = value.strip(_AROUND).rstrip(b"\\")
    if len(value) < 8 or is_words(bare) or is_words_in_camel(bare) or is_weak(bare):
        return None
    if _NAMES_ONE.match(bare) or (is_identifier(bare) and not (is_jumbled(bare) and _MARK.search(bare))):
        return None
    measured = entropy(value)
    if measured < (2.6 if len(value) < 20 else 3.0) or value.isdigit():
        return None
    if not is_jumbled(value) and not any(48 <= byte < 58 for byte in value) and measured < 3.7:
        return None
    sure = len(value) >= 16 and measured >= 3.5
    return Setting(KEY, name, start, end, Confidence.MEDIUM if sure else Confidence.LOW)


#: Tokens with a checksum: where theirs is right, another detector tells them.
_CHECKED = (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"npm_")
#: What only a controller in the cluster can open.
_SEALED = re.compile(rb"Ag[A-Za-z0-9+/]{200,}={0,2}\Z")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{4,}={0,2}\Z")
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NAMES_ONE = re.compile(rb"\w*(?:[kK]ey|[tT]oken|[sS]ecret|[pP]assword)s?\Z")
#: Marks around words that make no value of them.
_AROUND = b" @$%&*!?:;.,-_\"'`()[]"
_MARK = re.compile(rb"[-_.:/]")
_DOTTED = re.compile(rb"[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)+\Z")
#: ... where names have it in few words only.
_NUMBER_INSIDE = re.compile(rb"(?<!sha)(?<!rfc)(?<!iso)(?<!utf)(?<!base)(?<!win)(?<!x)(?<!h)(?<=[a-z])\d{2,}[a-z]")
_NAMES_PASSWORD = re.compile(rb"[A-Za-z_]*\d?[A-Za-z_]*(?:[pP]assword|[pP]asswd|[sS]ecret)s?\Z")
_CAMEL = re.compile(rb"[A-Z]?[a-z]{2,}(?:[A-Z][a-z]+)+\Z")


def is_words_in_camel(value: bytes) -> bool:
    """Whether it is words joined as programs join them: ``accessTokenValue``."""
    return _CAMEL.match(value) is not None
