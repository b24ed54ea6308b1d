"""Kubernetes' formats in CEL: ``format.dns1123Label().validate(text)``, and all others.

Source: Kubernetes' reference of its CEL libraries, and apimachinery's validation of names. The engine has no function
that gives an optional value: what is none here is an empty one, and :mod:`seawall.analysis.policies.lowering` makes an
optional of it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial

from seawall.analysis.policies.library.marked import Marked, mark, text_of
from seawall.analysis.policies.library.table import Function

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


def _named(name: str) -> Marked | dict[str, str]:
    """The format of that name; nothing where there is none."""
    return mark("format", name) if name in FORMATS else {}


def _validate(marked: Marked, text: str) -> list[str]:
    told = FORMATS[text_of(marked, "format")](text)
    return [told] if told else []


def functions() -> Iterator[Function]:
    """The formats, and what validates by them."""
    for name in FORMATS:
        yield Function(f"format.{name}", False, (), "format", partial(_named, name))
    yield Function("format.named", False, ("string",), "format", _named)
    yield Function("validate", True, ("format", "string"), "strings", _validate)
