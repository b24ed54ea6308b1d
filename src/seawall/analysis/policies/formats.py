"""Kubernetes' formats in CEL: ``format.dns1123Label().validate(text)``, and all others.

Source: Kubernetes' reference of its CEL libraries, and apimachinery's validation of names. The engine has no function
that gives an optional value, so calls that do are wrapped in ``optional.ofNonZeroValue`` before an expression is
compiled.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_MAYBE_LAST = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?-?"
_NAME = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_UUID = r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
_URI = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:|/)[^\s]*\Z")


def _like(pattern: str, most: int, told: str) -> Callable[[str], str]:
    compiled = re.compile(rf"(?:{pattern})\Z")

    def check(text: str) -> str:
        if len(text) > most:
            return f"must be no more than {most} characters"
        return "" if compiled.match(text) else told

    return check


def _qualified(text: str) -> str:
    prefix, slash, name = text.rpartition("/")
    if slash and (len(prefix) > 253 or not re.match(rf"{_SUBDOMAIN}\Z", prefix)):
        return "prefix part must be a lowercase RFC 1123 subdomain"
    if len(name) > 63:
        return "name part must be no more than 63 characters"
    return "" if re.match(rf"{_NAME}\Z", name) else "name part must consist of alphanumeric characters, '-', '_' or '.'"


def _bytes(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return "invalid base64"
    return ""


def _date(text: str) -> str:
    try:
        date.fromisoformat(text if re.match(r"\d{4}-\d\d-\d\d\Z", text) else "")
    except ValueError:
        return "invalid date"
    return ""


def _time(text: str) -> str:
    try:
        whole = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)\Z", text)
        datetime.fromisoformat(text[:19] if whole else "")
    except ValueError:
        return "invalid datetime"
    return ""


_DNS = "a lowercase RFC {} {} must consist of lower case alphanumeric characters, '-' {}"
_1123 = _DNS.format(1123, "label", "and must start and end with an alphanumeric character")
_1035 = _DNS.format(1035, "label", "and must start with a letter and end with an alphanumeric character")
_1123S = _DNS.format(1123, "subdomain", "or '.', and must start and end with an alphanumeric character")
_1035_FORM = r"[a-z]([-a-z0-9]*[a-z0-9])?"
#: What is wrong with a text, by the format's name; empty where nothing is.
FORMATS: dict[str, Callable[[str], str]] = {
    "dns1123Label": _like(_LABEL, 63, _1123),
    "dns1123Subdomain": _like(_SUBDOMAIN, 253, _1123S),
    "dns1035Label": _like(_1035_FORM, 63, _1035),
    "dns1123LabelPrefix": _like(_MAYBE_LAST, 63, _1123),
    "dns1123SubdomainPrefix": _like(rf"{_SUBDOMAIN}-?", 253, _1123S),
    "dns1035LabelPrefix": _like(rf"{_1035_FORM}-?", 63, _1035),
    "qualifiedName": _qualified,
    "labelValue": _like(
        rf"({_NAME})?", 63, "a valid label must be an empty string or consist of alphanumeric characters"
    ),
    "uri": lambda text: "" if _URI.match(text) else "invalid URI",
    "uuid": lambda text: "" if re.match(rf"{_UUID}\Z", text) else "does not match the UUID format",
    "byte": _bytes,
    "date": _date,
    "datetime": _time,
}


def named(name: str) -> dict[str, str]:
    """The format of that name; nothing where there is none."""
    return {"@format": name} if name in FORMATS else {}


def validate(marked: dict[str, Any], text: str) -> list[str]:
    """What is wrong with a text by a format.

    Raises:
        ValueError: the value is no format.
    """
    if marked.get("@format") not in FORMATS:
        raise ValueError("the value is no format")
    told = FORMATS[marked["@format"]](text)
    return [told] if told else []


_OPTIONAL = re.compile(
    r"""(?P<skip>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?<![\w.])format\s*\.\s*"""
    r"""(?:(?P<named>named)|\w+)\s*(?P<open>\()"""
)
_VALIDATE = re.compile(r"\s*\.\s*validate\s*\(")
_VALUE = re.compile(r"\s*\.\s*(?:value\s*\(\s*\)|(?P<or>orValue)\s*\()")


_STRING = re.compile(
    r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?<![\w.])string(?=\s*\(\s*(?:ip|cidr)\s*\()""",
)


def for_engine(text: str) -> str:
    """An expression as the engine can run it: with optional values, and addresses as text, as Kubernetes has them."""
    if "ip" in text or "cidr" in text:
        text = _STRING.sub(lambda match: match[1] or "address.string", text)
    return _with_optionals(text) if "format" in text else text


def _with_optionals(text: str) -> str:
    made, at = "", 0
    while match := _OPTIONAL.search(text, at):
        made += text[at : match.start()]
        at = match.end()
        if match["skip"]:
            made += match[0]
            continue
        at = _closed(text, at)
        call = text[match.start() : at]
        if match["named"]:
            call = f"optional.ofNonZeroValue({call})"
            if after := _VALUE.match(text, at):
                end = _closed(text, after.end()) if after["or"] else after.end()
                call, at = call + text[at:end], end
        if after := _VALIDATE.match(text, at):
            end = _closed(text, after.end())
            call, at = f"optional.ofNonZeroValue({call}{_with_optionals(text[at:end])})", end
        made += call
    return made + text[at:]


_STEP = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[()]""")


def _closed(text: str, at: int) -> int:
    """Behind the parenthesis that closes the one before ``at``; the end where none does."""
    depth = 1
    for match in _STEP.finditer(text, at):
        depth += (match[0] == "(") - (match[0] == ")")
        if not depth:
            return match.end()
    return len(text)
