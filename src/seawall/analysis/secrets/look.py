"""The look at one layer's files, deleted ones included: it shares the pass that takes the inventory."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from seawall.analysis.secrets.scanner import Reading, Scanner
from seawall.model.images import Entry, EntryKind, EntryTooLarge, Feed, NotLooked
from seawall.model.secrets import SecretHit

#: Raised with every change of what is found.
VERSION = 1
#: Files are read whole up to this, larger ones in pieces.
_WHOLE = 4 << 20
_MOST_HITS = 20_000
_MOST_PROBLEMS = 100


class FileSecret(Struct, frozen=True, array_like=True, gc=False):
    """A secret in a file of a layer."""

    path: str
    hit: SecretHit


class LayerSecrets(Struct, frozen=True, array_like=True):
    """What was found in one layer. Nothing in it is a value: it may be kept."""

    secrets: tuple[FileSecret, ...] = ()
    not_looked: tuple[NotLooked, ...] = ()


class SecretLook:
    """Looks for secrets in files (`seawall.model.images.Look`). ``identity`` names the rules that are used besides
    our own, ``printable`` makes a path one that can be told."""

    def __init__(self, scanner: Scanner, printable: Callable[[str], str], identity: str = "") -> None:
        self.scanner = scanner
        self.printable = printable
        self.key = f"secrets/{VERSION}/{identity}"

    def layer(self) -> SecretLayer:
        """A look at one layer."""
        return SecretLayer(self)


class SecretLayer:
    """One layer; `found` has `LayerSecrets`."""

    def __init__(self, look: SecretLook) -> None:
        self._look = look
        self._secrets: list[FileSecret] = []
        self._problems: list[NotLooked] = []
        self._left_out = 0

    def see(self, entry: Entry) -> Feed | None:
        """Look at one entry."""
        if entry.kind is not EntryKind.FILE or not entry.size:
            return None
        path = entry.path
        if "\0" in path or not path.isascii():
            path = self._look.printable(path)
        if entry.size > _WHOLE:
            return _Pieces(self, path)
        try:
            data = entry.read(_WHOLE)
        except EntryTooLarge:
            self.report(path, "grew while it was read")
            return None
        hits = self._look.scanner.scan(data, path, lambda problem: self.report(path, problem))
        if hits:
            self.keep(path, hits)
        return None

    def reading(self, path: str) -> Reading:
        """A reading of a file that comes in pieces."""
        return Reading(self._look.scanner, path, lambda problem: self.report(path, problem))

    def keep(self, path: str, hits: list[SecretHit]) -> None:
        """Keep the secrets of a file."""
        room = max(_MOST_HITS - len(self._secrets), 0)
        self._secrets += [FileSecret(path, hit) for hit in hits[:room]]
        self._left_out += max(len(hits) - room, 0)

    def report(self, path: str, problem: str) -> None:
        """Tell what was not looked into."""
        if len(self._problems) < _MOST_PROBLEMS:
            self._problems.append(NotLooked(path, problem))
        elif len(self._problems) == _MOST_PROBLEMS:
            self._problems.append(NotLooked("", "more files could not be looked into for secrets"))

    def found(self) -> bytes:
        """`LayerSecrets` as msgpack."""
        if self._left_out:
            self._problems.append(NotLooked("", f"{self._left_out:,} secrets are beyond the {_MOST_HITS:,} kept"))
        return msgspec.msgpack.encode(LayerSecrets(tuple(self._secrets), tuple(self._problems)))


class _Pieces:
    """A large file, in windows."""

    def __init__(self, layer: SecretLayer, path: str) -> None:
        self._layer = layer
        self._path = path
        self._reading = layer.reading(path)

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._reading.feed(piece)

    def end(self, problem: str) -> None:
        """That was all."""
        if problem:
            self._layer.report(self._path, problem)
        hits = self._reading.end()
        if hits:
            self._layer.keep(self._path, hits)


def decode_secrets(data: bytes) -> LayerSecrets:
    """A layer's secrets out of what `SecretLayer.found` gave."""
    return msgspec.msgpack.decode(data, type=LayerSecrets)
