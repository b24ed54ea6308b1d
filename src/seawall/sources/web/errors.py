"""What can go wrong between here and a server. Messages say what, where and what to do."""

from __future__ import annotations


class WebError(Exception):
    """A server cannot be asked, or its answer is of no use."""


class Transient(WebError):
    """It may work when tried again; ``wait`` is the pause in seconds that the server asked for."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class Oversized(WebError):
    """A reply is larger than is read; a smaller page may do."""


class ApiError(WebError):
    """The server answered with an error status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
