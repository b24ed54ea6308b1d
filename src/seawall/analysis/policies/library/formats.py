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
from seawall.analysis.policies.library.urls import is_url

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_OLD_LABEL = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_NAME = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_UUID = r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
_MOST_LABEL, _MOST_SUBDOMAIN = 63, 253

#: What is wrong with a text; nothing where it is well.
Check = Callable[[str], list[str]]


def _must(told: str, pattern: str, *examples: str) -> str:
    """What apimachinery tells of a text that does not match; the spaces are its own."""
    shown = " or ".join(f"'{each}', " for each in examples)
    return f"{told} (e.g. {shown}regex used for validation is '{pattern}')"


_ENDS = "and must start and end with an alphanumeric character"
_NO_LABEL = _must(
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', {_ENDS}",
    _LABEL, "my-name", "123-abc",
)  # fmt: skip
_NO_SUBDOMAIN = _must(
    f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', {_ENDS}",
    _SUBDOMAIN, "example.com",
)  # fmt: skip
_NO_OLD_LABEL = _must(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    _OLD_LABEL, "my-name", "abc-123",
)  # fmt: skip
_NO_NAME = _must(
    f"must consist of alphanumeric characters, '-', '_' or '.', {_ENDS}", _NAME, "MyName", "my.name", "123-abc"
)
_NO_VALUE = _must(
    f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', {_ENDS}",
    f"({_NAME})?", "MyValue", "my_value", "12345",
)  # fmt: skip


def _like(pattern: str, most: int, told: str) -> Check:
    compiled = re.compile(rf"(?:{pattern})\Z")

    def check(text: str) -> list[str]:
        long = [f"must be no more than {most} characters"] if len(text) > most else []
        return long if compiled.match(text) else [*long, told]

    return check


_SUBDOMAINS = _like(_SUBDOMAIN, _MOST_SUBDOMAIN, _NO_SUBDOMAIN)
_LABELS = _like(_LABEL, _MOST_LABEL, _NO_LABEL)


def _label(text: str) -> list[str]:
    told = _LABELS(text)
    dotted = _NO_LABEL in told and _NO_SUBDOMAIN not in _SUBDOMAINS(text)
    return [*told[:-1], "must not contain dots"] if dotted else told


def _prefix(check: Check) -> Check:
    """Of what a name may begin with: a dash that ends it stands for what follows."""
    return lambda text: check(f"{text[:-2]}a" if len(text) > 1 and text.endswith("-") else text)


def _qualified(text: str) -> list[str]:
    prefix, slash, name = text.partition("/")
    if "/" in name:
        told = _NO_NAME.replace(" (e.g.", " with an optional DNS subdomain prefix and '/' (e.g.", 1)
        return [f"a qualified name {told}"]
    found = []
    if slash:
        found += [f"prefix part {each}" for each in (_SUBDOMAINS(prefix) if prefix else ["must be non-empty"])]
    else:
        name = prefix
    if not name:
        found.append("name part must be non-empty")
    return found + [f"name part {each}" for each in _like(_NAME, _MOST_LABEL, _NO_NAME)(name)]


def _uri(text: str) -> list[str]:
    return [] if is_url(text) else [f'parse "{text}": invalid URI for request']


def _uuid(text: str) -> list[str]:
    return [] if re.match(rf"{_UUID}\Z", text) else ["does not match the UUID format"]


def _bytes(text: str) -> list[str]:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ["invalid base64"]
    return []


def _date(text: str) -> list[str]:
    try:
        date.fromisoformat(text if re.match(r"\d{4}-\d\d-\d\d\Z", text) else "")
    except ValueError:
        return ["invalid date"]
    return []


def _time(text: str) -> list[str]:
    try:
        whole = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)\Z", text)
        datetime.fromisoformat(text[:19] if whole else "")
    except ValueError:
        return ["invalid datetime"]
    return []


#: What is wrong with a text, by the format's name.
FORMATS: dict[str, Check] = {
    "dns1123Label": _label,
    "dns1123Subdomain": _SUBDOMAINS,
    "dns1035Label": _like(_OLD_LABEL, _MOST_LABEL, _NO_OLD_LABEL),
    "dns1123LabelPrefix": _prefix(_label),
    "dns1123SubdomainPrefix": _prefix(_SUBDOMAINS),
    "dns1035LabelPrefix": _prefix(_like(_OLD_LABEL, _MOST_LABEL, _NO_OLD_LABEL)),
    "qualifiedName": _qualified,
    "labelValue": _like(rf"({_NAME})?", _MOST_LABEL, _NO_VALUE),
    "uri": _uri,
    "uuid": _uuid,
    "byte": _bytes,
    "date": _date,
    "datetime": _time,
}


def _named(name: str) -> Marked | dict[str, str]:
    """The format of that name; nothing where there is none."""
    return mark("format", name) if name in FORMATS else {}


def _validate(marked: Marked, text: str) -> list[str]:
    return FORMATS[text_of(marked, "format")](text)


def functions() -> Iterator[Function]:
    """The formats, and what validates by them."""
    for name in FORMATS:
        yield Function(f"format.{name}", False, (), "format", partial(_named, name))
    yield Function("format.named", False, ("string",), "format", _named)
    yield Function("validate", True, ("format", "string"), "strings", _validate)
