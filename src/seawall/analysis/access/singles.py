"""What capabilities over single objects lead to: groups to impersonate, roles to bind or to write rights into."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from seawall.analysis.access.capabilities import Capability
from seawall.analysis.access.gains import has
from seawall.analysis.access.points import ADMIN, Hub, Point
from seawall.model.access import Subject

_C = Capability
#: Bits of capabilities over one object, by what is done and the object's name.
Singles = Mapping[tuple[str, str], int]
#: Under which names capabilities over one role are kept.
ROLE_KINDS = {
    _C.ESCALATE_ROLES: "escalate Role",
    _C.EDIT_ROLES: "edit Role",
    _C.ESCALATE_CLUSTER_ROLES: "escalate ClusterRole",
    _C.EDIT_CLUSTER_ROLES: "edit ClusterRole",
    _C.BIND_OWN_ROLES: "bind Role",
}
_WRITES = "writes any right into {}, which it {}"


def single_gains(
    single: Singles, namespace: str, mask: int, own_roles: Collection[tuple[str, str]], roles: Collection[str]
) -> Iterator[tuple[tuple[int, ...], Point, str]]:
    """What a mask leads to in a namespace (empty: everywhere) by capabilities over single objects.

    ``own_roles`` are the Roles that there are, by namespace and name, ``roles`` the ClusterRoles. Gives what is needed,
    where it leads, and how.
    """
    for (kind, name), bit in list(single.items()):
        if not mask >> bit & 1:
            continue
        if kind == "group" and not namespace:
            beside = next((one for one in (_C.BE_SOME_USER, _C.BE_SOME_ACCOUNT) if has(mask, (one,))), None)
            if beside is not None:
                yield (beside, bit), Subject("Group", name), "impersonates a member"
        elif kind == "role":
            made = _C.MAKE_BINDINGS if namespace else _C.MAKE_CLUSTER_BINDINGS
            if has(mask, (made,)):
                yield (bit, made), Hub("role", namespace, name), f"binds {name} to itself"
            elif has(mask, (_C.MAKE_BINDINGS,)):
                yield (bit, _C.MAKE_BINDINGS), Hub("roles", "", name), f"binds {name} to itself"
        elif kind == "bind Role" and has(mask, (_C.MAKE_BINDINGS,)):
            for home in _homes(namespace, name, own_roles):
                yield (bit, _C.MAKE_BINDINGS), Hub("roles", home, name), f"binds {name} to itself"
        elif kind in ("escalate Role", "edit Role"):
            yield from _own_role(single, namespace, mask, name, own_roles)
        elif kind in ("escalate ClusterRole", "edit ClusterRole") and name in roles:
            yield from _cluster_role(single, namespace, mask, name)


def _homes(namespace: str, name: str, own_roles: Collection[tuple[str, str]]) -> list[str]:
    """Where there is a Role of that name: in the namespace, or (empty) in any."""
    if namespace:
        return [namespace] if (namespace, name) in own_roles else []
    return sorted(home for home, each in own_roles if each == name)


def _own_role(
    single: Singles, namespace: str, mask: int, name: str, own_roles: Collection[tuple[str, str]]
) -> Iterator[tuple[tuple[int, ...], Point, str]]:
    escalates = _either(single, mask, _C.ESCALATE_ROLES, "escalate Role", name)
    edits = _either(single, mask, _C.EDIT_ROLES, "edit Role", name)
    holds = _either(single, mask, _C.MAKE_BINDINGS, "hold Role", name)
    if escalates < 0 or edits < 0 or holds < 0:
        return
    how = _WRITES.format(f"Role {name}", "binds to itself" if holds == _C.MAKE_BINDINGS else "holds")
    for home in _homes(namespace, name, own_roles):
        yield (escalates, edits, holds), Hub("namespace", home), how


def _cluster_role(
    single: Singles, namespace: str, mask: int, name: str
) -> Iterator[tuple[tuple[int, ...], Point, str]]:
    escalates = _either(single, mask, _C.ESCALATE_CLUSTER_ROLES, "escalate ClusterRole", name)
    edits = _either(single, mask, _C.EDIT_CLUSTER_ROLES, "edit ClusterRole", name)
    if escalates < 0 or edits < 0:
        return
    everywhere: tuple[tuple[Capability, Point], ...] = ((_C.MAKE_CLUSTER_BINDINGS, ADMIN),) if not namespace else ()
    for made, target in (*everywhere, (_C.MAKE_BINDINGS, Hub("namespace", namespace))):
        if has(mask, (made,)):
            yield (escalates, edits, made), target, _WRITES.format(f"ClusterRole {name}", "binds to itself")
    holds = single.get(("hold ClusterRole", name), -1)
    if holds >= 0 and mask >> holds & 1:
        target = Hub("namespace", namespace) if namespace else ADMIN
        yield (escalates, edits, holds), target, _WRITES.format(f"ClusterRole {name}", "holds")


def _either(single: Singles, mask: int, general: Capability, kind: str, name: str) -> int:
    """The capability over every object if it is in the mask, else over the one; -1 where neither is."""
    if has(mask, (general,)):
        return int(general)
    bit = single.get((kind, name), -1)
    return bit if bit >= 0 and mask >> bit & 1 else -1
