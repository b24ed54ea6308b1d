"""Fingerprints: what makes two findings of different runs the same one."""

from __future__ import annotations

from functools import lru_cache

try:  # hashlib loads OpenSSL for it, 3 ms of every start
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

from seawall.model.finding import Finding, ResourceRef


def fingerprint(rule: str, ref: ResourceRef, field: str, unit: str = "") -> str:
    """32 hex digits of rule, resource and stable field path; ``unit`` tells apart objects of one name.

    The API version is left out, so that migrating an object to a newer one keeps its findings.
    """
    text = f"{_identity(ref)}\x1f{rule}\x1f{field}\x1f{unit}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@lru_cache(maxsize=64)
def _identity(ref: ResourceRef) -> str:
    group = ref.api_version.rpartition("/")[0]
    return "\x1f".join((ref.cluster or "", group, ref.kind, ref.namespace or "", ref.name))


def set_apart_twins(findings: list[Finding]) -> None:
    """Number findings that share a fingerprint (one object given twice in one folder), in order of appearance."""
    seen: dict[str, int] = {}
    for finding in findings:
        count = seen[finding.fingerprint] = seen.get(finding.fingerprint, -1) + 1
        if count:
            twin = f"{finding.fingerprint}#{count}"
            finding.fingerprint = blake2b(twin.encode(), digest_size=16).hexdigest()
