"""Fetching files: only what changed, going on where it broke off, whole or not at all."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from seawall.sources.web.address import join, split
from seawall.sources.web.errors import ApiError, Transient, WebError
from seawall.sources.web.http import Connection, Request, Stream, Target, target_of
from seawall.sources.web.patience import Patience
from seawall.sources.web.tls import tls_context

#: The largest file that is taken (npm's advisories have some 300 MB).
_MAX_BYTES = 8 << 30
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK, _PARTIAL, _NOT_MODIFIED, _NOT_FOUND, _RANGE = 200, 206, 304, 404, 416
_RETRIED = frozenset({429, 500, 502, 503, 504})
#: One reply may take long, silence may not.
PATIENCE = Patience(total=3600.0, silence=60.0, tries=5, pause=0.5)

#: Told the bytes so far and in all (0 where it is not known).
Progress = Callable[[int, int], None]


class State(Struct):
    """What is known of a fetched file: kept beside it, hidden."""

    url: str
    fetched: str
    etag: str = ""
    modified: str = ""
    size: int = 0


class Outcome(Struct, frozen=True):
    """What became of a file: ``fetched``, ``unchanged`` or ``absent``, and the bytes that were transferred."""

    what: str
    bytes: int


class Downloader:
    """Fetches files into a folder. ``authority`` is a PEM of the authorities that are trusted beside the system's."""

    def __init__(self, folder: str, authority: bytes | None = None, patience: Patience = PATIENCE) -> None:
        self._folder = folder
        self._authority = authority
        self._patience = patience
        self._gained = 0

    def fetch(self, name: str, url: str, optional: bool = False, progress: Progress | None = None) -> Outcome:
        """Bring a file up to date.

        Raises:
            WebError: it cannot be had, or is not what its size or form says.
            OSError: it cannot be written.
        """
        tries = 0
        transferred = 0
        while True:
            before = self._part_size(name)
            try:
                outcome = self._once(name, url, progress)
                return Outcome(outcome, transferred + max(self._gained, 0))
            except Transient as problem:
                gained = self._part_size(name) > before
                transferred += max(self._part_size(name) - before, 0)
                tries = 1 if gained else tries + 1
                if tries >= self._patience.tries:
                    raise
                time.sleep(min(problem.wait or self._patience.pause * 2**tries, self._patience.longest_pause))
            except ApiError as problem:
                if optional and problem.status in (403, _NOT_FOUND):
                    self.forget(name)
                    return Outcome("absent", 0)
                raise

    def state(self, name: str) -> State | None:
        """What is known of a file that is there; None without one."""
        try:
            with open(self._path(f".{name}.state"), "rb") as file:
                state = msgspec.json.decode(file.read(1 << 16), type=State)
            if os.path.getsize(self._path(name)) == state.size:
                return state
        except (OSError, msgspec.DecodeError):
            pass
        return None

    def forget(self, name: str) -> None:
        """Remove a file and all that is known of it."""
        for each in (name, f".{name}.state", *self._parts(name)):
            with suppress(FileNotFoundError):
                os.remove(self._path(each))

    def _once(self, name: str, url: str, progress: Progress | None) -> str:
        self._gained = 0
        have = self.state(name)
        part, part_state = self._parts(name)
        resumed = self._part_state(name, url)
        headers: list[tuple[str, str]] = []
        if resumed is not None:
            headers = [("Range", f"bytes={self._part_size(name)}-"), ("If-Range", resumed.etag or resumed.modified)]
        elif have is not None and have.url == url:
            headers += [("If-None-Match", have.etag)] * bool(have.etag)
            headers += [("If-Modified-Since", have.modified)] * bool(have.modified)
        connection, stream = self._open(url, tuple(headers))
        try:
            if stream.status == _NOT_MODIFIED and have is not None:
                self._write_state(f".{name}.state", have, fetched=_now())
                return "unchanged"
            if stream.status == _RANGE and resumed is not None:
                self._drop_part(name)
                raise Transient(f"{url}: what was there of it is of no use any more", 0.01)
            if stream.status not in (_OK, _PARTIAL):
                text = f"{url} answered {stream.status}"
                raise Transient(text) if stream.status in _RETRIED else ApiError(text, stream.status)
            start = self._start(stream, name, url, resumed is not None)
            state = State(url, _now(), stream.headers.get("etag", ""), stream.headers.get("last-modified", ""))
            self._write_state(part_state, state)
            size = self._receive(stream, part, start, url, progress)
        finally:
            connection.close()
        self._check(name, part, url)
        state.size = size
        os.replace(self._path(part), self._path(name))
        self._write_state(f".{name}.state", state)
        os.remove(self._path(part_state))
        return "fetched"

    def _receive(self, stream: Stream, part: str, start: int, url: str, progress: Progress | None) -> int:
        announced = stream.headers.get("content-length", "")
        total = start + int(announced) if announced.isdigit() else 0
        if total > _MAX_BYTES:
            raise WebError(f"{url} is larger than {_MAX_BYTES >> 30} GiB")
        size = start
        with open(self._path(part), "ab" if start else "wb") as file:
            for piece in stream.pieces():
                size += len(piece)
                if size > _MAX_BYTES:
                    raise WebError(f"{url} is larger than {_MAX_BYTES >> 30} GiB")
                file.write(piece)
                self._gained += len(piece)
                if progress is not None:
                    progress(size, total)
            file.flush()
            os.fsync(file.fileno())
        if total and size != total:
            raise Transient(f"{url}: {size} bytes came of {total}")
        return size

    def _start(self, stream: Stream, name: str, url: str, resumed: bool) -> int:
        """Where the reply begins; 0 where it is the whole."""
        if stream.status == _OK or not resumed:
            self._drop_part(name)
            return 0
        start = self._part_size(name)
        if not stream.headers.get("content-range", "").startswith(f"bytes {start}-"):
            self._drop_part(name)
            raise Transient(f"{url}: another part came than was asked for", 0.01)
        return start

    def _open(self, url: str, headers: tuple[tuple[str, str], ...]) -> tuple[Connection, Stream]:
        for _ in range(_MAX_REDIRECTS + 1):
            whole = target_of(url)
            target = Target(whole.scheme, whole.host, whole.port, proxy=whole.proxy)
            context = tls_context(self._authority, True, None) if target.scheme == "https" else None
            connection = Connection(target, context, self._patience, "set --ca-file")
            parts = split(url)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            stream = connection.stream(Request(path, headers=headers))
            if stream.status not in _REDIRECTS:
                return connection, stream
            connection.close()
            following = join(url, stream.headers.get("location", ""))
            if whole.scheme == "https" and not following.startswith("https://"):
                raise WebError(f"{url} leads to {following[:200]}, which is not encrypted")
            url = following
        raise WebError(f"{url} leads on and on")

    def _check(self, name: str, part: str, url: str) -> None:
        """A file that is not in the form that its name says is not kept."""
        path = self._path(part)
        with open(path, "rb") as file:
            head = file.read(64).lstrip()
        if name.endswith(".zip"):
            good = zipfile.is_zipfile(path)
        elif name.endswith(".gz"):
            good = head.startswith(b"\x1f\x8b")
        elif name.endswith(".json"):
            good = head.startswith((b"{", b"["))
        else:
            good = bool(head)
        if not good:
            self._drop_part(name)
            raise WebError(f"{url} is not what it should be ({name}): is a proxy or a login page in between?")

    def _part_state(self, name: str, url: str) -> State | None:
        """What a part that is there is of, if it can be gone on with: the server must be able to tell a change."""
        _, part_state = self._parts(name)
        try:
            with open(self._path(part_state), "rb") as file:
                state = msgspec.json.decode(file.read(1 << 16), type=State)
        except (OSError, msgspec.DecodeError):
            return None
        strong = (state.etag and not state.etag.startswith("W/")) or (not state.etag and state.modified)
        usable = state.url == url and strong and self._part_size(name)
        return state if usable else None

    def _part_size(self, name: str) -> int:
        try:
            return os.path.getsize(self._path(self._parts(name)[0]))
        except OSError:
            return 0

    def _drop_part(self, name: str) -> None:
        for each in self._parts(name):
            with suppress(FileNotFoundError):
                os.remove(self._path(each))

    def _write_state(self, name: str, state: State, fetched: str = "") -> None:
        if fetched:
            state.fetched = fetched
        path = self._path(name)
        with open(f"{path}.new", "wb") as file:
            file.write(msgspec.json.encode(state))
        os.replace(f"{path}.new", path)

    @staticmethod
    def _parts(name: str) -> tuple[str, str]:
        return f".{name}.part", f".{name}.part.state"

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
