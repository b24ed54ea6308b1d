"""Kubernetes versions, as far as rules and controls are gated by them."""

from __future__ import annotations

import re
from typing import NamedTuple

_VERSION = re.compile(r"v?(\d{1,3})\.(\d{1,3})(?:[.+-].*)?\Z")


class KubernetesVersion(NamedTuple):
    """A minor version of Kubernetes; compares as (major, minor)."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


#: The newest minor release that the rules know; also the default to judge at.
NEWEST = KubernetesVersion(1, 37)


def parse_version(text: str) -> KubernetesVersion:
    """Read ``1.34``, ``v1.34`` or ``v1.34.2+k3s1``.

    Raises:
        ValueError: the text is no Kubernetes version.
    """
    match = _VERSION.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a Kubernetes version; write it as 1.34 or v1.34")
    return KubernetesVersion(int(match[1]), int(match[2]))
