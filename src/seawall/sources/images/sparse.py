"""Maps of sparse files: GNU's old form and the three of pax (0.0, 0.1, 1.0). A map is a list of (offset, length)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seawall.sources.images.errors import BadLayer
from seawall.sources.images.header import BLOCK, Extended, number

Map = list[tuple[int, int]]
#: Gives the next so many bytes of the archive.
Take = Callable[[int], bytes]
_MAX_SIZE = 1 << 62


def old_map(block: bytes, take: Take, most: int) -> tuple[Map, int]:
    """The map of an entry of type ``S``, further blocks included, and the file's real size.

    Raises:
        BadLayer: it is malformed or has more pieces than ``most``.
    """
    pieces: Map = []
    start, count, extended = 386, 4, block[482]
    size = number(block[483:495])
    while True:
        for index in range(count):
            at = start + 24 * index
            if not block[at]:
                break
            pieces.append((number(block[at : at + 12]), number(block[at + 12 : at + 24])))
        if len(pieces) > most:
            raise BadLayer(f"has a sparse file of more than {most} pieces")
        if not extended:
            return pieces, size
        block = take(BLOCK)
        start, count, extended = 0, 21, block[504]


def pax_map(extended: Extended, take: Take, most: int) -> tuple[Map, int | None, int]:
    """The map that pax records tell of, the real size (None where they tell of none), and bytes taken of the content.

    Raises:
        BadLayer: it is malformed or has more pieces than ``most``.
    """
    told = extended.sparse
    if (told.get("major"), told.get("minor")) == ("1", "0"):
        pieces, taken = _leading_map(take, most)
        return pieces, _integer(told.get("realsize") or told.get("size") or ""), taken
    pieces = extended.pieces
    if "map" in told:
        numbers = told["map"].split(",", 2 * most + 1)
        if len(numbers) > 2 * most or len(numbers) % 2:
            raise BadLayer("has a malformed sparse map")
        pieces = [(_integer(a), _integer(b)) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    elif not pieces and "size" not in told:
        return [], None, 0
    if len(pieces) > most:
        raise BadLayer(f"has a sparse file of more than {most} pieces")
    return pieces, _integer(told.get("size") or told.get("realsize") or ""), 0


def _leading_map(take: Take, most: int) -> tuple[Map, int]:
    """Form 1.0: decimal lines at the start of the content, filled up to a whole block."""
    lines: list[bytes] = []
    rest, taken, wanted = b"", 0, 1
    while len(lines) < wanted:
        rest += take(BLOCK)
        taken += BLOCK
        *more, rest = rest.split(b"\n")
        if not lines and more:
            wanted = 1 + 2 * _integer(more[0].decode("latin-1"))
            if wanted > 2 * most:
                raise BadLayer(f"has a sparse file of more than {most} pieces")
        lines += more
        if len(rest) > BLOCK:
            raise BadLayer("has a malformed sparse map")
    numbers = [_integer(line.decode("latin-1")) for line in lines[1:wanted]]
    return list(zip(numbers[::2], numbers[1::2], strict=True)), taken


def _integer(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        raise BadLayer(f"has the number {text[:20]!r} in a sparse map")
    return int(text)


def check_map(pieces: Sequence[tuple[int, int]], size: int, stored: int) -> None:
    """Pieces must be in order, within the file, and as long together as what is stored.

    Raises:
        BadLayer: they are not.
    """
    end = total = 0
    for offset, length in pieces:
        if offset < end or length < 0 or offset + length > size:
            raise BadLayer("has a sparse map whose pieces overlap or lie outside of the file")
        end, total = offset + length, total + length
    if total != stored or not 0 <= size < _MAX_SIZE:
        raise BadLayer("has a sparse file whose map and size contradict each other")
