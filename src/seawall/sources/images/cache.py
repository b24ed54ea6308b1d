"""What was found in layers, kept on disk by the layers' digests; bounded, and never needed."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress

_MAX_BYTES = 1 << 30
#: Sweeping looks at every file; only one write of so many does it.
_SWEEP_EVERY = 32
_SEAL = 32


class LayerCache:
    """A folder of bytes by digest. What cannot be read or is damaged is as if it were not there.

    ``version`` is part of the key: what another version of the scanner found is found anew.
    """

    def __init__(self, folder: str, version: str, most: int = _MAX_BYTES) -> None:
        self._folder = os.path.join(folder, "layers")
        self._version = version
        self._most = most
        self._writes = 0

    def get(self, digest: str) -> bytes | None:
        """What is kept for a layer, or None."""
        path = self._path(digest)
        try:
            with open(path, "rb") as stream:
                seal, data = stream.read(_SEAL), stream.read(self._most)
        except OSError:
            return None
        if self._seal(digest, data) != seal:
            return None
        with suppress(OSError):
            os.utime(path)  # what is used is swept last
        return data

    def put(self, digest: str, data: bytes) -> None:
        """Keep it, whole or not at all; a folder that cannot be written keeps nothing."""
        path = self._path(digest)
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".part-")
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(self._seal(digest, data) + data)
                os.replace(part, path)
            except BaseException:
                os.unlink(part)
                raise
            self._writes += 1
            if self._writes % _SWEEP_EVERY == 1:
                self._sweep()
        except OSError:
            return

    def _path(self, digest: str) -> str:
        name = hashlib.sha256(f"{self._version}\0{digest}".encode()).hexdigest()
        return os.path.join(self._folder, name[:2], name)

    def _seal(self, digest: str, data: bytes) -> bytes:
        return hashlib.sha256(f"{self._version}\0{digest}\0".encode() + data).digest()

    def _sweep(self) -> None:
        """Take away what was used least recently, down to nine tenths of the bound."""
        files: list[tuple[float, int, str]] = []
        for folder, _, names in os.walk(self._folder):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    status = os.lstat(path)
                except OSError:
                    continue
                files.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in files)
        if total <= self._most:
            return
        for _, size, path in sorted(files):
            if total <= self._most * 9 // 10:
                return
            os.unlink(path)
            total -= size


def cache_folder(environ: Mapping[str, str]) -> str:
    """Where it is kept: SEAWALL_CACHE, or ``seawall`` in XDG_CACHE_HOME or ~/.cache."""
    own = environ.get("SEAWALL_CACHE")
    if own:
        return own
    base = environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "seawall")
