"""Connections with bounds: a deadline for all that is done with one, and for each endpoint as a whole."""

from __future__ import annotations

import socket
import time


class Silence(Exception):
    """Nobody answers there: refused, unreachable, or no sign of life in time."""


class Broken(Exception):
    """Something answers that cannot be understood, or not within the bounds; the message says what."""


class Deadline:
    """A moment until which things may take, in seconds from now."""

    def __init__(self, seconds: float, outer: Deadline | None = None) -> None:
        own = time.monotonic() + seconds
        self._end = own if outer is None else min(own, outer.end)

    @property
    def end(self) -> float:
        """The moment, on the monotonic clock."""
        return self._end

    def left(self) -> float:
        """Seconds left.

        Raises:
            Broken: none are.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise Broken("no answer within the time allowed")
        return left


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A TCP connection.

    Raises:
        Silence: nobody takes it.
        Broken: the time allowed is over before it was tried.
    """
    try:
        connection = socket.create_connection((host, port), deadline.left())
    except (OSError, UnicodeError) as error:
        told = error.strerror if isinstance(error, OSError) and error.strerror else "no answer in time"
        raise Silence(told if not isinstance(error, UnicodeError) else "is no host name") from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def receive(connection: socket.socket, count: int, deadline: Deadline) -> bytes:
    """Some bytes, at most ``count``; none where the peer has hung up.

    Raises:
        Broken: the deadline has passed.
        OSError: the connection broke.
    """
    connection.settimeout(deadline.left())
    try:
        return connection.recv(count)
    except TimeoutError as error:
        raise Broken("no answer within the time allowed") from error


def send(connection: socket.socket, data: bytes, deadline: Deadline) -> None:
    """Send all of it.

    Raises:
        Broken: the deadline has passed.
        OSError: the connection broke.
    """
    connection.settimeout(deadline.left())
    try:
        connection.sendall(data)
    except TimeoutError as error:
        raise Broken("no answer within the time allowed") from error
