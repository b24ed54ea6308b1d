"""Secrets that were seen: what and where, never the value."""

from __future__ import annotations

from msgspec import Struct

from seawall.model.finding import Confidence, Severity


class SecretHit(Struct, frozen=True, omit_defaults=True, gc=False):
    """A secret in a text. Its value is not in it, nor anything from which it could be guessed.

    ``detector`` is the id of what recognised it. ``line`` and ``column`` count from 1; a column of 0 is far into a
    line too long to count. ``shown`` is what may be told of the value: the beginning that all of its kind share, and
    its length. ``digest`` is the same for equal values, and is empty for those that people think up, since such
    could be found again by trying. ``name`` is the setting that it is the value of. ``layers`` are the encodings that
    it stood in, the outermost first. ``notes`` tell more: claims of a token, the account of a key.
    """

    detector: str
    title: str
    severity: Severity
    confidence: Confidence
    line: int
    column: int
    shown: str
    digest: str = ""
    name: str = ""
    layers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def told(self) -> str:
        """``GitHub personal access token in GITHUB_TOKEN (ghp_..., 40 characters)``."""
        where = f" in {self.name}" if self.name else ""
        inside = f", inside {' in '.join(reversed(self.layers))}" if self.layers else ""
        notes = "".join(f"; {note}" for note in self.notes)
        return f"{self.title}{where} ({self.shown}{inside}){notes}"


class ImageSecret(Struct, frozen=True, omit_defaults=True, gc=False):
    """A secret in a file of an image: ``layer`` counts from 0 (-1 where there are none).

    ``gone`` is ``deleted`` or ``replaced`` where a later layer, ``gone_layer``, took the file away: it is still in
    the image for everybody who pulls it.
    """

    path: str
    layer: int
    hit: SecretHit
    gone: str = ""
    gone_layer: int = -1
