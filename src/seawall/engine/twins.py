"""Pods that one controller made from one template: they differ in nothing that is judged, so one is judged for all."""

from __future__ import annotations

import re
from typing import Any

import msgspec

try:  # hashlib loads OpenSSL for it, 3 ms of every start
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

from seawall.model.resource import Resource

#: What the API server and the scheduler set for each pod, and no view of a pod has.
_OF_EACH_POD = frozenset(("nodeName", "hostname"))
#: The volume with the pod's token is named anew for each pod.
_TOKEN_VOLUME = re.compile(rb'"kube-api-access-[a-z0-9]{5}"')
_encode = msgspec.json.Encoder().encode

Key = tuple[str | None, str | None, str, str, bytes]


class Twins:
    """Remembers the first pod of each template of each owner."""

    def __init__(self) -> None:
        self._first: dict[Key, Resource] = {}

    def first(self, resource: Resource) -> Resource | None:
        """An earlier pod of the same owner, equal in all that rules about pods and containers are given; None for
        the first such pod, for other kinds, and for pods without an owner or with fields of the wrong type."""
        if resource.kind is None or resource.kind.name != "Pod" or resource.problems or resource.duplicates:
            return None
        owner = resource.owner
        if owner is None:
            return None
        try:
            digest = _digest(resource.raw)
        except (ValueError, OverflowError):  # text that is no Unicode, numbers beyond JSON's
            return None
        key = (resource.ref.cluster, resource.ref.namespace, owner.kind, owner.name, digest)
        first = self._first.setdefault(key, resource)
        return None if first is resource else first


def _digest(raw: dict[str, Any]) -> bytes:
    metadata, spec = raw.get("metadata", {}), raw.get("spec")
    if isinstance(spec, dict):
        spec = {key: value for key, value in spec.items() if key not in _OF_EACH_POD}
    text = _encode((metadata.get("labels"), metadata.get("annotations"), spec))
    return blake2b(_TOKEN_VOLUME.sub(b'"token"', text), digest_size=16).digest()
