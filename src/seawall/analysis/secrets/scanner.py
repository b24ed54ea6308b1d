"""The engine: bytes in, redacted hits out, in bounded time and memory whatever the bytes are."""

from __future__ import annotations

import codecs
import re
from bisect import bisect
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import blake2b

from msgspec.structs import replace

from seawall.analysis.secrets.allowed import entropy, is_example
from seawall.analysis.secrets.checks import CHECKS, Judged
from seawall.analysis.secrets.context import Place, of_binary, place_of
from seawall.analysis.secrets.detector import Detector, Sort
from seawall.analysis.secrets.encoded import decoded_parts
from seawall.analysis.secrets.foreign import ForeignRules
from seawall.analysis.secrets.generic import is_words_in_camel, setting_at
from seawall.analysis.secrets.naming import is_harmless, opens
from seawall.analysis.secrets.prefilter import GENERIC, MOST, Prefilter
from seawall.analysis.secrets.seen import Seen
from seawall.model.finding import Confidence, Severity
from seawall.model.secrets import SecretHit

#: Bytes looked at together, and how much of them is looked at again with the next: no match is longer.
WINDOW = 4 << 20
OVERLAP = 48 << 10
_MOST_HITS = 1000
#: What a window keeps of the one before, for what looks back; where a byte of zero says that a file is no text.
_BACK, _HEAD = 1 << 10, 8 << 10
#: Columns are counted in so much of a line.
_MOST_LINE = 1 << 16
_ALLOW = re.compile(rb"(?:seawall|gitleaks|trufflehog|trivy)[:_ -](?:allow|ignore)|pragma: allowlist secret|nosec\b")
_ALLOWING = (b"allow", b"ignore", b"nosec")
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
#: Hashes and UUIDs look like this too.
_PLAIN_HEX = re.compile(rb"[0-9a-f-]{32,}\Z")
_DIGEST_KEY = b"seawall secret"


#: Given a detector and the plain value, more to note: the door of `--verify`, shut unless it is asked for.
Ask = Callable[[Detector, bytes], tuple[str, ...]]


#: Told of what was not looked into.
Report = Callable[[str], None]


class Scanner:
    """Looks for secrets in bytes; may be shared by threads.

    ``prefilter`` finds where the detectors may match, ``formed`` where those may that know a value by its form alone
    (with the same indexes). ``now`` judges what expires. ``foreign`` are rules in
    the form of gitleaks. ``ask`` is called with plain values.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        prefilter: Prefilter,
        formed: Prefilter,
        *,
        now: datetime | None = None,
        foreign: ForeignRules | None = None,
        ask: Ask | None = None,
    ) -> None:
        self._detectors = detectors
        self._prefilter = prefilter
        self._formed = formed
        self._now = now or datetime.now(UTC)
        self._foreign = foreign
        self._ask = ask

    def scan(self, data: bytes | str, place: str = "", problem: Report | None = None) -> list[SecretHit]:
        """The secrets in a whole file or text; ``place`` is its path, which says what kind of file it is."""
        reading = Reading(self, place, problem)
        reading.feed(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
        return reading.end()

    def spans(self, data: bytes, place: str = "") -> list[tuple[int, int]]:
        """Where the values of secrets stand, in order and without overlaps: for who takes them out."""
        where = place_of(place)
        return [(seen.start, seen.end) for seen in self.window(data, 0, len(data), where, None)]

    def window(
        self, data: bytes, low: int, high: int, where: Place, problem: Report | None, most: int = 1 << 30
    ) -> list[Seen]:
        """The secrets that begin in a range of the data, in order and without overlaps; at least ``most`` if there are
        more, and not all."""
        # Where names of settings count for nothing, only what has a form of its own is looked for.
        prefilter = self._prefilter if where.generic else self._formed
        candidates = prefilter.candidates(data)
        if len(candidates) > MOST:
            if problem is not None:
                problem(f"has more than {MOST:,} places in {WINDOW >> 20} MiB that begin like a secret")
            candidates = candidates[:MOST]
        found: list[Seen] = []
        passed = 0
        for at, index in candidates:
            if len(found) > 2 * most:
                break
            if not low <= at < high:
                continue
            if index != GENERIC:
                seen = self._seen(data, at, self._detectors[index], where)
            elif at < passed:
                continue
            elif (seen := self._setting(data, at, where)) is not None:
                passed = seen.end
            if seen is not None:
                found.append(seen)
        if self._foreign is not None:
            foreign = self._foreign
            found = [
                seen for seen in found if not foreign.passes(data[seen.start : seen.end], where.path, seen.detector.id)
            ]
            found += self._foreign.search(data, low, high, where.path)
        if found and any(word in data for word in _ALLOWING):
            found = [seen for seen in found if not _is_allowed(data, seen)]
        return _strongest(found)

    def _setting(self, data: bytes, at: int, where: Place) -> Seen | None:
        setting = setting_at(data, at, where.kind)
        if setting is None:
            return None
        return Seen(setting.detector, setting.start, setting.end, setting.name, setting.confidence, Judged())

    def _seen(self, data: bytes, at: int, detector: Detector, where: Place) -> Seen | None:
        if detector.sort is not Sort.FORMAT and not where.generic:
            return None
        if detector.sort is Sort.FORMAT and _is_inside_word(data, at):
            return None
        match = detector.compiled.match(data, at)
        if match is None:
            return None
        start, end = _value_span(match)
        value = data[start:end]
        if detector.entropy and entropy(value) < detector.entropy:
            return None
        if is_example(value) and not detector.check.startswith(("pem", "pgp", "jwt")):
            return None
        judged: Judged | None = Judged()
        if detector.check:
            try:
                judged = CHECKS[detector.check](match, value, self._now)
            except ValueError:
                judged = None
        if judged is None:
            return None
        name = _name_in(match) if detector.sort is Sort.NAMED else ""
        if detector.sort is Sort.NAMED and (
            is_harmless(name) or _is_of_words(value) or (_PLAIN_HEX.match(value) and not opens(name))
        ):
            return None
        confidence = Confidence.HIGH if detector.sort is Sort.FORMAT else Confidence.MEDIUM
        return Seen(detector, start, end, name, confidence, judged)

    def hit(self, data: bytes, seen: Seen, line: int, layers: tuple[str, ...], where: Place) -> SecretHit:
        """A secret as it is told: without its value."""
        detector, value = seen.detector, data[seen.start : seen.end]
        severity = seen.judged.severity or detector.severity
        confidence = seen.confidence
        if where.example:
            severity = max(severity, Severity.LOW, key=lambda each: each.rank)
            confidence = Confidence.LOW
        notes = seen.judged.notes + (self._ask(detector, value) if self._ask is not None else ())
        guessable = detector.thought_up or entropy(value) * len(value) < 80
        digest = "" if guessable else blake2b(value, key=_DIGEST_KEY, digest_size=8).hexdigest()
        return SecretHit(
            detector=detector.id,
            title=detector.title,
            severity=severity,
            confidence=confidence,
            line=line,
            column=_column(data, seen.start),
            shown=_shown(detector, value),
            digest=digest,
            name=seen.name,
            layers=layers,
            notes=notes,
        )


class Reading:
    """One file that is being read, in pieces of any size: memory is bounded by two windows."""

    def __init__(self, scanner: Scanner, place: str, problem: Report | None = None) -> None:
        self._scanner = scanner
        self._where = place_of(place)
        self._problem = problem
        self._hits: list[SecretHit] = []
        self._held = b""
        self._low = 0
        self._line = 1
        self._decoder: codecs.IncrementalDecoder | None = None
        self._begun = False

    @property
    def skipped(self) -> bool:
        """Whether a file of this name is not looked into at all."""
        return self._where.skipped

    def feed(self, piece: bytes) -> None:
        """The next bytes."""
        if self._where.skipped:
            return
        if not self._begun:
            self._begin(piece)
        if self._decoder is not None:
            piece = self._decoder.decode(piece).encode("utf-8", "surrogatepass")
        for start in range(0, len(piece), WINDOW):
            part = piece[start : start + WINDOW] if len(piece) > WINDOW else piece
            self._held = self._held + part if self._held else part
            if len(self._held) >= WINDOW + OVERLAP:
                self._look(len(self._held) - OVERLAP)

    def end(self) -> list[SecretHit]:
        """That was all: the secrets of the file."""
        if self._held:
            self._look(len(self._held))
        if len(self._hits) > _MOST_HITS and self._problem is not None:
            self._problem(f"holds more than {_MOST_HITS:,} secrets: what comes after those was not looked at")
        return self._hits[:_MOST_HITS]

    def _begin(self, piece: bytes) -> None:
        self._begun = True
        if piece.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self._decoder = codecs.getincrementaldecoder("utf-16")("replace")
        elif b"\0" in piece[:_HEAD]:
            self._where = of_binary(self._where)

    def _look(self, high: int) -> None:
        data, low, where = self._held, self._low, self._where
        room = _MOST_HITS + 1 - len(self._hits)
        if room <= 0:
            self._held = b""
            return
        found = self._scanner.window(data, low, high, where, self._problem, room)
        at, line = low, self._line
        for seen in found:
            line += data.count(b"\n", at, seen.start)
            at = seen.start
            self._keep(self._scanner.hit(data, seen, line, (), where))
        if where.decodes:
            self._decode(data, low, high, found)
        if high == len(data):
            self._held = b""
            return
        self._line += data.count(b"\n", low, high)
        keep = max(high - _BACK, 0)
        self._held, self._low = data[keep:], high - keep

    def _decode(self, data: bytes, low: int, high: int, found: Sequence[Seen]) -> None:
        """Secrets in base64, and in gzip in that, up to two levels deep."""
        spans = [(seen.start, seen.end) for seen in found]
        inside = self._where.inside
        at, line = low, self._line
        for part in decoded_parts(data, low, high):
            if any(start <= part.at < end for start, end in spans):
                continue
            line += data.count(b"\n", at, part.at)
            at = part.at
            for seen in self._scanner.window(part.data, 0, len(part.data), inside, None):
                hit = self._scanner.hit(part.data, seen, line, part.layers, self._where)
                self._keep(replace(hit, column=_column(data, part.at), name=hit.name or part.name))

    def _keep(self, hit: SecretHit) -> None:
        if len(self._hits) <= _MOST_HITS:
            self._hits.append(hit)


def _value_span(match: re.Match[bytes]) -> tuple[int, int]:
    groups = match.re.groupindex
    for name in ("v", "q", "s", "u"):
        if name in groups and match.start(name) >= 0:
            return match.span(name)
    return match.span()


def _is_inside_word(data: bytes, at: int) -> bool:
    """Whether letters or digits stand right before; an escape or a percent code is none."""
    if not at or data[at - 1] not in _WORD or data[at] not in _WORD:
        return False
    if data[at - 2 : at] in (b"\\n", b"\\r", b"\\t"):
        return False
    return not (at >= 3 and data[at - 3 : at - 2] == b"%")


def _is_of_words(value: bytes) -> bool:
    return is_words_in_camel(value) or (value.isalpha() and (value.islower() or value.isupper()))


def _name_in(match: re.Match[bytes]) -> str:
    """The setting that a named detector saw, with what stands before in the same word."""
    before = re.compile(rb"[\w.-]{0,64}\Z").search(match.string, max(match.start() - 64, 0), match.start())
    inside = re.match(rb"[\w.-]+", match[0])
    return ((before[0] if before else b"") + (inside[0] if inside else b"")).decode("utf-8", "replace")


def _is_allowed(data: bytes, seen: Seen) -> bool:
    """Whether a comment on the line lets it pass."""
    begin = data.rfind(b"\n", max(seen.start - 2000, 0), seen.start) + 1
    end = data.find(b"\n", seen.end, seen.end + 2000)
    return _ALLOW.search(data, begin or max(seen.start - 2000, 0), end if end >= 0 else seen.end + 2000) is not None


def _strongest(found: list[Seen]) -> list[Seen]:
    """Of overlapping ones the surest, and of equal ones the longest."""
    starts: list[int] = []
    kept: list[Seen] = []
    for seen in sorted(
        found, key=lambda each: (each.detector.sort, each.start - each.end, each.start, each.detector.id)
    ):
        index = bisect(starts, seen.start)
        if (index and kept[index - 1].end > seen.start) or (index < len(kept) and starts[index] < seen.end):
            continue
        starts.insert(index, seen.start)
        kept.insert(index, seen)
    return kept


def _column(data: bytes, at: int) -> int:
    begin = data.rfind(b"\n", max(at - _MOST_LINE, 0), at) + 1
    if not begin and at > _MOST_LINE:
        return 0
    return len(data[begin:at].decode("utf-8", "replace")) + 1


def _shown(detector: Detector, value: bytes) -> str:
    """The prefix that all of the kind have, and the length."""
    prefix = next((word for word in detector.literals if detector.shown and value.startswith(word)), b"")
    length = len(value.decode("utf-8", "replace"))
    return f"{prefix.decode()}..., {length} characters" if prefix else f"{length} characters"
