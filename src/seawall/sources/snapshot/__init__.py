"""Snapshots: what was read of a cluster or of manifests, without its secrets, in one file.

Only what tells a snapshot from other files is here; ``reader`` and ``writer`` are imported when there is one.
"""

from __future__ import annotations

import os

#: The first bytes of every snapshot; the last one is the version of the form.
MAGIC = b"\x89SEAWALL\r\n\x1a\n\x01"
_SIGNATURE = MAGIC[:-1]


def is_snapshot(path: str) -> bool:
    """Whether a file is a snapshot, of this or another version; False for what cannot be read."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            return file.read(len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False
