"""What a change opens and closes between two readings of a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from seawall.engine.network import Network
from seawall.model.reach import Connection, End, EndKind, PortRange, Ports

_Key = tuple[str, str]


class Change(NamedTuple):
    """A connection before and after; ``opened`` and ``closed`` are the ports that differ. Ends that are new or gone
    are told by ``new_end`` and ``gone_end``."""

    source: End
    target: End
    before: Ports
    after: Ports
    opened: Ports
    closed: Ports
    new_end: bool
    gone_end: bool

    @property
    def kind(self) -> str:
        """added, removed or changed."""
        return "added" if not self.before else "removed" if not self.after else "changed"


def cut_alike(before: Network, after: Network) -> None:
    """Cut outside addresses alike in two networks, so that their connections can be compared."""
    first, second = (frozenset(each.reach.index.ends.ranges.values()) for each in (before, after))
    if first != second:
        before.cut_at(sorted(first | second))
        after.cut_at(sorted(first | second))


def differences(before: Network, after: Network) -> Iterator[Change]:
    """Every connection that differs, sorted; a merge of two sorted streams, so that neither is held whole.

    For outside addresses this needs :func:`cut_alike` first.
    """
    old_ends = {end.label for end in before.ends()}
    new_ends = {end.label for end in after.ends()}
    for key, old, new in _merge(before.connections(), after.connections()):
        first, second = (old.ports if old else ()), (new.ports if new else ())
        if first == second:
            continue
        known = new or old
        assert known is not None  # noqa: S101 - one of the two is there
        appeared = any(end not in old_ends for end in key if not _outside(known, end))
        gone = any(end not in new_ends for end in key if not _outside(known, end))
        yield Change(
            known.source, known.target, first, second, minus(second, first), minus(first, second), appeared, gone
        )


def _outside(connection: Connection, label: str) -> bool:
    end = connection.source if connection.source.label == label else connection.target
    return end.type is not EndKind.WORKLOAD


def _merge(
    old: Iterator[Connection], new: Iterator[Connection]
) -> Iterator[tuple[_Key, Connection | None, Connection | None]]:
    first, second = next(old, None), next(new, None)
    while first is not None or second is not None:
        a = _key(first) if first is not None else None
        b = _key(second) if second is not None else None
        if b is None or (a is not None and a < b):
            yield _label(a), first, None
            first = next(old, None)
        elif a is None or b < a:
            yield _label(b), None, second
            second = next(new, None)
        else:
            yield _label(a), first, second
            first, second = next(old, None), next(new, None)


def _key(connection: Connection) -> tuple[int, str, str]:
    """The order in which connections come: controllers after all others."""
    return connection.source.type is EndKind.CONTROLLER, connection.source.label, connection.target.label


def _label(key: tuple[int, str, str] | None) -> _Key:
    return (key[1], key[2]) if key is not None else ("", "")


def minus(ports: Ports, others: Ports) -> Ports:
    """The ports that are in the first and not in the second."""
    found: list[PortRange] = []
    for each in ports:
        start = each.first
        for other in others:
            if other.protocol != each.protocol or other.last < start or other.first > each.last:
                continue
            if other.first > start:
                found.append(PortRange(each.protocol, start, other.first - 1))
            start = other.last + 1
        if start <= each.last:
            found.append(PortRange(each.protocol, start, each.last))
    return tuple(found)
