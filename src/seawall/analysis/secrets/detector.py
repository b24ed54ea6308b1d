"""What recognises one kind of secret, as a row of data."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache

from msgspec import Struct

from seawall.model.finding import Severity


class Sort(IntEnum):
    """How sure a detector is of its kind; where two see the same place, the lower one is told.

    ``FORMAT``: the value itself has a form that nothing else has. ``NAMED``: a setting of a provider with a value of
    the form that the provider gives out. ``PLACED``: a password at a place where only passwords stand (an address, an
    option of a program). ``GENERIC``: a name of a credential with a value that looks like one.
    """

    FORMAT = 0
    NAMED = 1
    PLACED = 2
    GENERIC = 3


class Detector(Struct, frozen=True, gc=False):
    """One detector.

    Every match of ``pattern`` (bytes, group ``v`` or else all of it is the value) has one of ``literals`` at one of
    the offsets ``at``; ``nocase`` compares them without case. ``check`` names a test of
    :mod:`seawall.analysis.secrets.checks`, ``entropy`` is the least in bits a character. ``shown`` is whether the
    literal may be told (it is a prefix that all values have). ``thought_up`` marks values that people choose.
    ``ahead`` is what always follows a literal that words begin with too, and its length: for a quick look.
    """

    id: str
    title: str
    severity: Severity
    sort: Sort
    literals: tuple[bytes, ...]
    pattern: bytes
    nocase: bool = False
    at: tuple[int, ...] = (0,)
    check: str = ""
    entropy: float = 0.0
    shown: bool = True
    thought_up: bool = False
    ahead: tuple[bytes, int] = (b"", 0)

    @property
    def compiled(self) -> re.Pattern[bytes]:
        """The pattern, compiled when it is first needed: most runs need few."""
        return _compiled(self.pattern, self.nocase)


@cache
def _compiled(pattern: bytes, nocase: bool) -> re.Pattern[bytes]:
    return re.compile(pattern, re.IGNORECASE if nocase else 0)


CRITICAL, HIGH, MEDIUM, LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW
#: What must not follow a value of letters and digits.
END = rb"(?![A-Za-z0-9])"
#: What closes a name: quotes and brackets of any depth of escapes.
CLOSE = rb"(?:\\{0,2}[\"'`\])]|\[\]){0,4}"
#: A type between a name and its value, as typed languages have it.
TYPED = (
    rb"(?:[ \t]{0,4}:?[ \t]{0,2}(?:&(?:'static )?)?(?:str|string|String|char ?\*|bytes|text|Optional\[str\])"
    rb"(?:\?|[ \t]?\|[ \t]?(?:undefined|null|None))?(?=[ \t]{0,4}=))?"
)
#: What stands for "or else" between a setting that is asked for and what it is without.
ELSE = rb"\|\|=?|\?\?=?|\?:|(?<=[)\]\"'] )or[ \t]|:[-=](?=[^\s=])"
#: An element with a name and the next one with its value.
PAIR = rb"</(?:key|name|param-name)>\s{0,40}<(?:string|value|param-value)>"
#: Between a setting's name and its value: assignments of configuration and programs, calls, elements of XML, a
#: ``value`` beside a ``name``. Every repetition is bounded.
ASSIGN = (
    rb"(?:%b%b\s{0,8}(?:,?\s{0,40}\\{0,2}[\"']?value\\{0,2}[\"']?\s{0,4}[:=]|=>|:=|\?=|%b|==?|:{1,2}|,|\(|>)"
    rb"|%b|[ \t]{1,20}(?=[\"']))\s{0,8}"
    rb"(?:[A-Za-z.]{0,24}\(\s{0,4})?(?:[brfu@]{0,2}\\{0,2}[\"'`]){0,3}"
) % (CLOSE, TYPED, ELSE, PAIR)
UUID = rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


def form(
    detector: str,
    title: str,
    literals: str,
    pattern: str,
    severity: Severity = HIGH,
    *,
    check: str = "",
    at: tuple[int, ...] = (0,),
    entropy: float = 0.0,
    shown: bool = True,
    end: bytes = END,
    ahead: tuple[bytes, int] = (b"", 0),
) -> Detector:
    """A value of a form of its own; ``literals`` have spaces between them."""
    words = tuple(literals.encode().split())
    made = pattern.encode() + end
    return Detector(
        detector,
        title,
        severity,
        Sort.FORMAT,
        words,
        made,
        at=at,
        check=check,
        entropy=entropy,
        shown=shown,
        ahead=ahead,
    )


def named(
    detector: str,
    title: str,
    words: str,
    value: str,
    severity: Severity = HIGH,
    *,
    check: str = "",
    entropy: float = 0.0,
    end: bytes = rb"(?![A-Za-z0-9_+/=-])",
) -> Detector:
    """A setting whose name holds one of ``words`` (lower case), with a value of the provider's form."""
    literals = tuple(words.encode().split())
    either = b"|".join(re.escape(word) for word in literals)
    pattern = rb"(?:%b)[\w.\- ]{0,40}?%b(?P<v>(?-i:%b))%b" % (either, ASSIGN, value.encode(), end)
    return Detector(
        detector, title, severity, Sort.NAMED, literals, pattern, nocase=True, check=check, entropy=entropy, shown=False
    )


def placed(
    detector: str,
    title: str,
    literals: str,
    pattern: str,
    severity: Severity = HIGH,
    *,
    check: str = "password",
    nocase: bool = False,
    thought_up: bool = True,
    at: tuple[int, ...] = (0,),
) -> Detector:
    """A password at a place of its own; group ``v`` of the pattern."""
    words = tuple(word.replace("_SPACE_", " ").encode() for word in literals.split())
    return Detector(
        detector,
        title,
        severity,
        Sort.PLACED,
        words,
        pattern.encode(),
        nocase=nocase,
        at=at,
        check=check,
        shown=False,
        thought_up=thought_up,
    )
