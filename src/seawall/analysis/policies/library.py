"""The functions that Kubernetes adds to CEL, where the engine has none: lists, sets, strings, regex, quantities,
addresses, URLs and versions.

Source: Kubernetes' reference of its CEL libraries. Values of a type of their own are maps with a marked key, so that
``==`` compares what they mean.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

from seawall.analysis.policies.formats import FORMATS, named, validate

#: Name, whether it is called on its first parameter, the parameters' types, the result's type, and what it does.
Function = tuple[str, bool, tuple[str, ...], str, Callable[..., Any]]

_SUFFIXES = {
    "": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"),
    **{name: Decimal(1000) ** power for power, name in enumerate("kMGTPE", 1)},
    **{f"{name}i": Decimal(1024) ** power for power, name in enumerate("KMGTPE", 1)},
}  # fmt: skip
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)\Z")
_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?\Z"
)
#: Longer texts make no number or version that Kubernetes would take.
_MOST = 256


def _number(text: str) -> Decimal:
    match = _QUANTITY.match(text) if len(text) <= _MOST else None
    if match is None:
        raise ValueError(f"{text[:40]!r} is no quantity")
    try:
        return Decimal(match[1] + (match[2] or "")) * _SUFFIXES[match[3] or ""]
    except InvalidOperation as error:
        raise ValueError(f"{text[:40]!r} is no quantity") from error


def _quantity(value: Decimal) -> dict[str, str]:
    return {"@quantity": format(value.normalize(), "f")}


def _value(marked: dict[str, Any], key: str) -> Any:
    if key not in marked:
        raise ValueError(f"the value is no {key.removeprefix('@')}")
    return marked[key]


def _decimal(marked: dict[str, Any]) -> Decimal:
    return Decimal(_value(marked, "@quantity"))


def _whole(value: Decimal) -> int:
    if value != value.to_integral_value() or not -(2**63) <= value < 2**63:
        raise ValueError("the quantity is no whole number of 64 bits")
    return int(value)


def _is_whole(value: Decimal) -> bool:
    return value == value.to_integral_value() and -(2**63) <= value < 2**63


def _order(marked: dict[str, Any]) -> Any:
    """What a quantity or a version is compared by."""
    if "@quantity" in marked:
        return _decimal(marked)
    text = _value(marked, "@semver")
    match = _SEMVER.match(text)
    if match is None:
        raise ValueError("the value is no version")
    before = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in (match[4] or "").split(".") if part]
    return (int(match[1]), int(match[2]), int(match[3]), not before, before)


def _compare(one: dict[str, Any], other: dict[str, Any]) -> int:
    if one.keys() != other.keys():
        raise ValueError("values of different types are compared")
    left, right = _order(one), _order(other)
    return int(left > right) - int(left < right)


def _semver(text: str) -> dict[str, str]:
    if len(text) > _MOST or not _SEMVER.match(text):
        raise ValueError(f"{text[:40]!r} is no version")
    return {"@semver": text.partition("+")[0]}


def _lenient(text: str, lenient: bool) -> dict[str, str]:
    """A version; a lenient one may begin with v, have leading zeros, and lack its minor and patch."""
    if lenient:
        version, sign, rest = text.removeprefix("v"), "", ""
        if match := re.search(r"[-+]", version):
            version, sign, rest = version[: match.start()], match[0], version[match.end() :]
        parts = [part.lstrip("0") or "0" if part.isdigit() else part for part in version.split(".")]
        if sign and len(parts) < 3:
            raise ValueError(f"{text[:40]!r} is no version")
        text = f"{'.'.join(parts + ['0'] * (3 - len(parts)))}{sign}{rest}"
    return _semver(text)


def _holds(make: Callable[..., Any]) -> Callable[..., bool]:
    def holds(*given: Any) -> bool:
        try:
            make(*given)
        except ValueError:
            return False
        return True

    return holds


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    found = ipaddress.ip_address(text)
    if "%" in text or (found.version == 6 and "." in text):
        raise ValueError(f"{text[:40]!r} has a zone, or is IPv4 within IPv6")
    return found


def _ip(text: str) -> dict[str, str]:
    return {"@ip": str(_address(text))}


def _cidr(text: str) -> dict[str, str]:
    if not re.search(r"/\d{1,3}\Z", text):
        raise ValueError(f"{text[:40]!r} is no range of addresses")
    return {"@cidr": str(ipaddress.ip_interface(text))}


def _at(marked: dict[str, Any]) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(_value(marked, "@ip"))


_LOCAL_MULTICAST = (ipaddress.ip_network("224.0.0.0/24"), *(ipaddress.ip_network(f"ff{n:x}2::/16") for n in range(16)))


def _is_global(marked: dict[str, Any]) -> bool:
    """As Go has it: private addresses are global unicast as well."""
    address = _at(marked)
    broadcast = str(address) == "255.255.255.255"
    others = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not (others or broadcast)


def _net(marked: dict[str, Any]) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(_value(marked, "@cidr"), strict=False)


def _within(net: dict[str, Any], text: str) -> bool:
    return _address(text) in _net(net)


def _net_within(net: dict[str, Any], text: str) -> bool:
    inner, outer = _net(_cidr(text)), _net(net)
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _url(text: str) -> dict[str, str]:
    parts = urlsplit(text)
    if not (parts.scheme or text.startswith("/")) or re.search(r"\s", text):
        raise ValueError(f"{text[:40]!r} is no URL")
    _ = parts.port
    return {"@url": text}


def _host(marked: dict[str, Any]) -> str:
    text: str = _value(marked, "@url")
    return urlsplit(text).netloc.rpartition("@")[2]


def _hostname(marked: dict[str, Any]) -> str:
    host = _host(marked)
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _in(item: Any, items: list[Any]) -> bool:
    return any(type(item) is type(each) and item == each for each in items)


def _distinct(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if not _in(item, found):
            found.append(item)
    return found


def _slice(items: Any, start: int, end: int) -> Any:
    if not 0 <= start <= end <= len(items):
        raise ValueError(f"{start} to {end} is not within the length {len(items)}")
    return items[start:end]


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise ValueError("the depth is negative")
    found: list[Any] = []
    for item in items:
        found += _flatten(item, depth - 1) if isinstance(item, list) and depth else [item]
    return found


def _find(items: list[Any], item: Any, last: bool = False) -> int:
    indices = [index for index, each in enumerate(items) if _in(item, [each])]
    return indices[-1 if last else 0] if indices else -1


def _char(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise ValueError(f"{index} is not within the length {len(text)}")
    return text[index : index + 1]


def _split(text: str, by: str, most: int = -1) -> list[str]:
    if not most:
        return []
    return (list(text) if most < 0 else [*text[: most - 1], text[most - 1 :]]) if not by else text.split(by, most - 1)


def _find_all(text: str, pattern: str, most: int = -1) -> list[str]:
    found = [match[0] for match in re.finditer(pattern, text)]
    return found if most < 0 else found[:most]


def _replace(text: str, old: str, new: str, most: int = -1) -> str:
    result = text.replace(old, new, most)
    if len(result) > 1 << 20:
        raise ValueError("the text becomes too long")
    return result


def _range(count: int) -> list[int]:
    if not 0 <= count <= 100_000:
        raise ValueError(f"a range of {count} is too large")
    return list(range(count))


_FORMAT = re.compile(r"%(?:%|(?:\.(\d{1,2}))?([sdfexXob]))")


def _format(text: str, items: list[Any]) -> str:
    rest = iter(items)

    def one(match: re.Match[str]) -> str:
        if match[2] is None:
            return "%"
        try:
            value = next(rest)
        except StopIteration:
            raise ValueError("there are more places than values") from None
        return _shown(value, match[2], int(match[1]) if match[1] else 6)

    if "%" in _FORMAT.sub("", text):
        raise ValueError("a % is followed by nothing that is known")
    return _FORMAT.sub(one, text)


def _shown(value: Any, verb: str, digits: int) -> str:
    if verb == "s":
        return _text(value)
    if verb in "fe":
        return f"{float(value):.{digits}{verb}}"
    if verb in "xX" and isinstance(value, str | bytes):
        shown = (value.encode() if isinstance(value, str) else value).hex()
        return shown.upper() if verb == "X" else shown
    if isinstance(value, bool) and verb == "b":
        return str(int(value))
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"%{verb} needs a whole number")
    return format(value, verb)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(key)}: {_text(value[key])}' for key in sorted(value, key=str))}}}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def functions() -> Iterator[Function]:
    """All functions, an overload each."""
    yield from _of_strings()
    yield from _of_lists()
    yield from _of_values()
    yield from _of_addresses()
    yield from _of_authorizer()
    yield from _of_formats()


def _of_strings() -> Iterator[Function]:
    for name, types, result, do in (
        ("charAt", "S I", "S", _char),
        ("format", "S L", "S", _format),
        ("find", "S S", "S", lambda text, pattern: match[0] if (match := re.search(pattern, text)) else ""),
        ("findAll", "S S", "L", _find_all),
        ("findAll", "S S I", "L", _find_all),
        ("indexOf", "S S", "I", str.find),
        ("indexOf", "S S I", "I", str.find),
        ("lastIndexOf", "S S", "I", str.rfind),
        ("lowerAscii", "S", "S", lambda text: re.sub("[A-Z]+", lambda match: match[0].lower(), text)),
        ("upperAscii", "S", "S", lambda text: re.sub("[a-z]+", lambda match: match[0].upper(), text)),
        ("replace", "S S S", "S", _replace),
        ("replace", "S S S I", "S", _replace),
        ("reverse", "S", "S", lambda text: text[::-1]),
        ("split", "S S", "L", _split),
        ("split", "S S I", "L", _split),
        ("substring", "S I", "S", lambda text, start: _slice(text, start, len(text))),
        ("substring", "S I I", "S", _slice),
        ("trim", "S", "S", str.strip),
        ("join", "L", "S", "".join),
        ("join", "L S", "S", lambda items, by: by.join(items)),
    ):
        yield name, True, tuple(types.split()), result, do


_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
            "\\": "\\\\", '"': '\\"'}  # fmt: skip


def _quote(text: str) -> str:
    return f'"{"".join(_ESCAPES.get(char, char) for char in text)}"'


def _of_lists() -> Iterator[Function]:
    for name, types, result, do in (
        ("distinct", "L", "L", _distinct),
        ("flatten", "L", "L", _flatten),
        ("flatten", "L I", "L", _flatten),
        ("isSorted", "L", "B", lambda items: all(a <= b for a, b in pairwise(items))),
        ("max", "L", "D", max),
        ("min", "L", "D", min),
        ("reverse", "L", "L", lambda items: items[::-1]),
        ("slice", "L I I", "L", _slice),
        ("sort", "L", "L", sorted),
        ("sum", "L", "D", sum),
    ):
        yield name, True, tuple(types.split()), result, do
    for kind in "SIFBML":
        yield "indexOf", True, ("L", kind), "I", _find
        yield "lastIndexOf", True, ("L", kind), "I", lambda items, item: _find(items, item, True)
    yield "strings.quote", False, ("S",), "S", _quote
    yield "lists.range", False, ("I",), "L", _range
    yield "sets.contains", False, ("L", "L"), "B", lambda one, other: all(_in(item, one) for item in other)
    yield "sets.intersects", False, ("L", "L"), "B", lambda one, other: any(_in(item, one) for item in other)
    yield (
        "sets.equivalent",
        False,
        ("L", "L"),
        "B",
        lambda one, other: all(_in(item, one) for item in other) and all(_in(item, other) for item in one),
    )


def _of_values() -> Iterator[Function]:
    yield "quantity", False, ("S",), "D", lambda text: _quantity(_number(text))
    yield "isQuantity", False, ("S",), "B", _holds(_number)
    yield "semver", False, ("S",), "D", _semver
    yield "isSemver", False, ("S",), "B", _holds(_semver)
    yield "semver", False, ("S", "B"), "D", _lenient
    yield "isSemver", False, ("S", "B"), "B", _holds(_lenient)
    yield "url", False, ("S",), "D", _url
    yield "isURL", False, ("S",), "B", _holds(_url)
    for name, result, do in (
        ("isInteger", "B", lambda value: _is_whole(_decimal(value))),
        ("asInteger", "I", lambda value: _whole(_decimal(value))),
        ("asApproximateFloat", "F", lambda value: float(_decimal(value))),
        ("sign", "I", lambda value: int(_decimal(value) > 0) - int(_decimal(value) < 0)),
        ("major", "I", lambda value: _order({"@semver": _value(value, "@semver")})[0]),
        ("minor", "I", lambda value: _order({"@semver": _value(value, "@semver")})[1]),
        ("patch", "I", lambda value: _order({"@semver": _value(value, "@semver")})[2]),
        ("getScheme", "S", lambda value: urlsplit(_value(value, "@url")).scheme),
        ("getHost", "S", _host),
        ("getHostname", "S", _hostname),
        ("getPort", "S", lambda value: str(urlsplit(_value(value, "@url")).port or "")),
        ("getEscapedPath", "S", lambda value: urlsplit(_value(value, "@url")).path),
        ("getQuery", "M", lambda value: parse_qs(urlsplit(_value(value, "@url")).query, keep_blank_values=True)),
    ):
        yield name, True, ("M",), result, do
    for name, result, compare in (
        ("add", "D", lambda one, other: _quantity(_decimal(one) + _decimal(other))),
        ("sub", "D", lambda one, other: _quantity(_decimal(one) - _decimal(other))),
        ("compareTo", "I", _compare),
        ("isLessThan", "B", lambda one, other: _compare(one, other) < 0),
        ("isGreaterThan", "B", lambda one, other: _compare(one, other) > 0),
    ):
        yield name, True, ("M", "M"), result, compare
    yield "add", True, ("M", "I"), "D", lambda one, other: _quantity(_decimal(one) + other)
    yield "sub", True, ("M", "I"), "D", lambda one, other: _quantity(_decimal(one) - other)


def _of_addresses() -> Iterator[Function]:
    yield "ip", False, ("S",), "D", _ip
    yield "address.string", False, ("M",), "S", lambda value: next(map(str, value.values()))
    yield "address.string", False, ("I",), "S", str
    yield "address.string", False, ("B",), "S", lambda value: str(value).lower()
    yield "isIP", False, ("S",), "B", _holds(_ip)
    yield "ip.isCanonical", False, ("S",), "B", lambda text: str(_address(text)) == text
    yield "cidr", False, ("S",), "D", _cidr
    yield "isCIDR", False, ("S",), "B", _holds(_cidr)
    for name, result, do in (
        ("family", "I", lambda value: _at(value).version),
        ("isLoopback", "B", lambda value: _at(value).is_loopback),
        ("isUnspecified", "B", lambda value: _at(value).is_unspecified),
        ("isLinkLocalUnicast", "B", lambda value: _at(value).is_link_local),
        ("isLinkLocalMulticast", "B", lambda value: any(_at(value) in net for net in _LOCAL_MULTICAST)),
        ("isGlobalUnicast", "B", _is_global),
        ("prefixLength", "I", lambda value: _net(value).prefixlen),
        ("masked", "D", lambda value: {"@cidr": str(_net(value))}),
        ("ip", "D", lambda value: _ip(str(ipaddress.ip_interface(_value(value, "@cidr")).ip))),
    ):
        yield name, True, ("M",), result, do
    yield "containsIP", True, ("M", "S"), "B", _within
    yield "containsIP", True, ("M", "M"), "B", lambda net, value: _at(value) in _net(net)
    yield "containsCIDR", True, ("M", "S"), "B", _net_within
    yield "containsCIDR", True, ("M", "M"), "B", lambda net, value: _net_within(net, _value(value, "@cidr"))


def _of_formats() -> Iterator[Function]:
    for name in FORMATS:
        yield f"format.{name}", False, (), "D", partial(named, name)
    yield "format.named", False, ("S",), "D", named
    yield "validate", True, ("M", "S"), "L", validate


def _unknown(*_: Any) -> Any:
    raise ValueError("what users may do is known to a cluster only")


def _of_authorizer() -> Iterator[Function]:
    """They are declared so that policies with them compile; an authorizer to call them on there is not."""
    for name, types, result in (
        ("path", "M S", "M"), ("group", "M S", "M"), ("serviceAccount", "M S S", "M"), ("resource", "M S", "M"),
        ("subresource", "M S", "M"), ("namespace", "M S", "M"), ("name", "M S", "M"), ("fieldSelector", "M S", "M"),
        ("labelSelector", "M S", "M"), ("check", "M S", "M"), ("allowed", "M", "B"), ("reason", "M", "S"),
        ("errored", "M", "B"), ("error", "M", "S"),
    ):  # fmt: skip
        yield name, True, tuple(types.split()), result, _unknown
