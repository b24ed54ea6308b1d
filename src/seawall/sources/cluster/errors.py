"""What can go wrong between here and an API server. Messages say what, where and what to do."""

from __future__ import annotations


class ClusterError(Exception):
    """The cluster, or a part of it, cannot be read."""


class Transient(ClusterError):
    """It may work when tried again; ``wait`` is the pause in seconds that the server asked for."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class NoCredentials(ClusterError):
    """There are none any more: nothing else needs to be asked."""


class Oversized(ClusterError):
    """A reply is larger than is read; a smaller page may do."""


class ApiError(ClusterError):
    """The server answered with an error status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


GONE = 410
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, NOT_ALLOWED = 401, 403, 404, 405
