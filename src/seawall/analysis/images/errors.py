"""What every parser of foreign bytes here may raise, and nothing else."""

from __future__ import annotations


class Unreadable(Exception):
    """Bytes that are not what their place says, or exceed a bound; the message is one short line without the place."""
