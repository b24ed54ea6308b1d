"""Reading the parts that all policy dialects share: selectors, addresses, ports. Every doubt becomes a Problem.

Sources: apimachinery's LabelSelector validation, the NetworkPolicy v1 and network-policy-api v1alpha1/2 references.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

from seawall.analysis.network.form import CLOSED, AddressRange, PodSet, PortMatch, Problem, Requirement, Selector
from seawall.model.paths import Path
from seawall.model.reach import MAX_PORT, PROTOCOLS
from seawall.model.resource import Resource

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?\Z")
_PREFIX = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\Z")
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*\Z")
_WITH_VALUES, _WITHOUT_VALUES = ("In", "NotIn"), ("Exists", "DoesNotExist")
#: Errors told of one object; further ones change nothing.
MAX_PROBLEMS = 50


class Reader:
    """Collects the problems of one object while its parts are read."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.problems: list[Problem] = []

    def problem(self, path: Path, message: str) -> None:
        """Note what is wrong and where."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(self.resource, path, message))

    def fields(self, value: Any, path: Path, known: frozenset[str]) -> dict[str, Any] | None:
        """The fields of an object that are set; None (and a problem) where it is no object or has unknown ones."""
        if not isinstance(value, dict):
            self.problem(path, f"must be an object; {CLOSED}")
            return None
        if value.keys() <= known and None not in value.values():
            return value
        unknown = [key for key, item in value.items() if key not in known and item is not None]
        for key in unknown:
            self.problem((*path, key), f"unknown field; {CLOSED}")
        return None if unknown else {key: item for key, item in value.items() if item is not None}

    def items(self, value: Any, path: Path) -> list[Any] | None:
        """A list; None (and a problem) where it is none."""
        if isinstance(value, list):
            return value
        self.problem(path, f"must be a list; {CLOSED}")
        return None

    def text(self, value: Any, path: Path) -> str | None:
        """A text; None (and a problem) where it is none."""
        if isinstance(value, str):
            return value
        self.problem(path, f"must be text; {CLOSED}")
        return None

    def selector(self, value: Any, path: Path) -> Selector | None:
        """A label selector; None (and a problem) where it cannot be understood: it then selects nothing."""
        fields = self.fields(value, path, frozenset(("matchLabels", "matchExpressions")))
        if fields is None:
            return None
        labels, expressions = fields.get("matchLabels", {}), fields.get("matchExpressions", [])
        if not expressions and type(labels) is dict and all(type(value) is str for value in labels.values()):
            known = _plain_selector(tuple(labels.items()))
            if known is not None:
                return known
        if not isinstance(labels, dict) or not isinstance(expressions, list):
            wrong = "matchExpressions" if isinstance(labels, dict) else "matchLabels"
            self.problem((*path, wrong), "has the wrong type; selects nothing")
            return None
        terms: list[Requirement | None] = [
            self._term(key, "In", [item], (*path, "matchLabels", key)) for key, item in labels.items()
        ]
        terms += [self._expression(each, (*path, "matchExpressions", i)) for i, each in enumerate(expressions)]
        good = [term for term in terms if term is not None]
        return tuple(dict.fromkeys(good)) if len(good) == len(terms) else None

    def _expression(self, value: Any, path: Path) -> Requirement | None:
        fields = self.fields(value, path, frozenset(("key", "operator", "values")))
        if fields is None:
            return None
        return self._term(fields.get("key"), fields.get("operator"), fields.get("values", []), path)

    def _term(self, key: Any, operator: Any, values: Any, path: Path) -> Requirement | None:
        wrong = _wrong_term(key, operator, values)
        if wrong:
            self.problem(path, f"{wrong}; the selector selects nothing")
            return None
        return Requirement(key, operator, frozenset(values))

    def pods(self, value: Any, path: Path) -> PodSet | None:
        """``namespaceSelector`` and ``podSelector`` of the admin policies; an absent one selects everything."""
        fields = self.fields(value, path, frozenset(("namespaceSelector", "podSelector")))
        if fields is None:
            return None
        namespaces = self.selector(fields.get("namespaceSelector", {}), (*path, "namespaceSelector"))
        pods = self.selector(fields.get("podSelector", {}), (*path, "podSelector"))
        return PodSet(None, namespaces, pods) if namespaces is not None and pods is not None else None

    def cidr(self, value: Any, path: Path) -> AddressRange | None:
        """An address range in CIDR notation; bits beyond the mask are dropped, as Kubernetes does."""
        if isinstance(value, str) and "/" in value and value.rpartition("/")[2].isdecimal():
            try:
                network = ip_network(value, strict=False)
            except ValueError:
                pass
            else:
                return AddressRange(network.version, int(network.network_address), int(network.broadcast_address))
        self.problem(path, f"{_short(value)} is not a CIDR such as 10.0.0.0/8; {CLOSED}")
        return None

    def protocol(self, value: Any, path: Path) -> str | None:
        """TCP (also where absent), UDP or SCTP."""
        if value is None or value == "":
            return "TCP"
        if isinstance(value, str) and value in PROTOCOLS:
            return value
        self.problem(path, f"{_short(value)} is not TCP, UDP or SCTP; {CLOSED}")
        return None

    def port(self, value: Any, path: Path) -> int | None:
        """A port number."""
        if type(value) is int and 1 <= value <= MAX_PORT:
            return value
        self.problem(path, f"{_short(value)} is not a port from 1 to {MAX_PORT}; {CLOSED}")
        return None

    def port_name(self, value: Any, path: Path) -> str | None:
        """The name of a container port."""
        if isinstance(value, str) and _PORT_NAME.match(value):
            return value
        self.problem(path, f"{_short(value)} is no name of a port; {CLOSED}")
        return None

    def span(self, protocol: str | None, first: int | None, last: Any, path: Path) -> PortMatch | None:
        """Ports from ``first`` to ``last``."""
        end = self.port(last, path)
        if protocol is None or first is None or end is None:
            return None
        if end < first:
            self.problem(path, f"the range ends at {end}, before it begins at {first}; {CLOSED}")
            return None
        return PortMatch(protocol, first, end)


def _wrong_term(key: Any, operator: Any, values: Any) -> str:
    if not isinstance(key, str) or not _is_label_key(key):
        return f"{_short(key)} is no label key"
    if operator not in (*_WITH_VALUES, *_WITHOUT_VALUES):
        return f"{_short(operator)} is not one of In, NotIn, Exists, DoesNotExist"
    if not isinstance(values, list) or any(not isinstance(value, str) for value in values):
        return "label values must be text"
    if bool(values) != (operator in _WITH_VALUES):
        return f"{operator} needs values" if operator in _WITH_VALUES else f"{operator} takes no values"
    bad = [value for value in values if value and not _NAME.match(value)]
    return f"{_short(bad[0])} is no label value" if bad else ""


@lru_cache(maxsize=8192)
def _plain_selector(labels: tuple[tuple[str, str], ...]) -> Selector | None:
    """The selector of some labels, or None where one of them is no label: many policies have the same ones."""
    if any(_wrong_term(key, "In", [value]) for key, value in labels):
        return None
    return tuple(dict.fromkeys(Requirement(key, "In", frozenset((value,))) for key, value in labels))


def _is_label_key(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    return bool(_NAME.match(name)) and (not slash or bool(_PREFIX.match(prefix)))


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
