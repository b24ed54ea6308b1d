"""Which capabilities each point holds where, as bits, and the grant behind each bit."""

from __future__ import annotations

from seawall.analysis.access.capabilities import COUNT, IN_NAMESPACES, Capability
from seawall.model.access import Grant

#: A grant with the index of its rule; -1 where holding the role is what counts.
Proof = tuple[Grant, int]
_ANY_ACCOUNT = 1 << Capability.BE_SOME_ACCOUNT


class Holdings:
    """Masks of capabilities by point (a number) and place (a namespace, or empty for the whole cluster).

    Capabilities over one object (to impersonate a group, to bind a role) have bits behind the others'.
    """

    def __init__(self) -> None:
        self.masks: list[dict[str, int]] = []
        self.single: dict[tuple[str, str], int] = {}
        self._proofs: dict[tuple[int, str, int], Proof] = {}

    def give(self, number: int, place: str, mask: int, proof: Proof) -> None:
        """Add what a grant gives; a RoleBinding gives nothing of the whole cluster."""
        masks = self.masks[number]
        fresh = (mask & IN_NAMESPACES if place else mask) & ~masks.get(place, 0)
        if not fresh:
            return
        if place and fresh & _ANY_ACCOUNT:
            # An account of any namespace will do, beside groups of the whole cluster.
            self.give(number, "", _ANY_ACCOUNT, proof)
        masks[place] = masks.get(place, 0) | fresh
        while fresh:
            low = fresh & -fresh
            self._proofs[number, place, low.bit_length() - 1] = proof
            fresh ^= low

    def give_single(self, number: int, place: str, kind: str, name: str, proof: Proof) -> None:
        """Add a capability over one object."""
        bit = self.single.setdefault((kind, name), COUNT + len(self.single))
        masks = self.masks[number]
        if not masks.get(place, 0) >> bit & 1:
            masks[place] = masks.get(place, 0) | 1 << bit
            self._proofs[number, place, bit] = proof

    def proof(self, number: int, place: str, capability: int) -> Proof | None:
        """The grant by which a point itself holds a capability in a place."""
        return self._proofs.get((number, place, capability)) or self._proofs.get((number, "", capability))
