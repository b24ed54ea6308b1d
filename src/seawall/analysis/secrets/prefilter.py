"""Where detectors may match: places of their literals, found in one pass by hyperscan or one literal at a time.

Both ways give the same places; only the time differs (a hundredfold). hyperscan comes with the extra ``secrets``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from threading import local
from typing import Any, NamedTuple, Protocol

from seawall.analysis.secrets.detector import Detector, Sort
from seawall.analysis.secrets.generic import FILTER, STEM

#: Candidates of one buffer; it is a flood that has more, and only its beginning is looked at.
MOST = 50_000
#: The index that stands for a place of a stem of the generic detector.
GENERIC = -1
_STEM = re.compile(STEM, re.IGNORECASE)
#: How far before the end of what the filter saw its stem may begin.
_REACH = 120


class Candidate(NamedTuple):
    """A detector may match at this place."""

    at: int
    detector: int


class Prefilter(Protocol):
    """Finds candidates in a buffer."""

    def candidates(self, data: bytes) -> list[Candidate]:
        """All candidates, sorted and without doubles."""


class _Word(NamedTuple):
    literal: bytes
    nocase: bool
    #: The detectors that it is of.
    detectors: tuple[int, ...]


def words_of(detectors: Sequence[Detector], formed: bool = False) -> list[_Word]:
    """The literals, each once; with ``formed`` those of detectors that know a value by its form alone."""
    found: dict[tuple[bytes, bool], list[int]] = {}
    for index, detector in enumerate(detectors):
        if formed and detector.sort is not Sort.FORMAT:
            continue
        for literal in detector.literals:
            key = (literal.lower() if detector.nocase else literal, detector.nocase)
            found.setdefault(key, []).append(index)
    return [_Word(literal, nocase, tuple(which)) for (literal, nocase), which in found.items()]


class PlainPrefilter:
    """With nothing but Python: each literal is searched for by itself."""

    def __init__(self, detectors: Sequence[Detector], formed: bool = False) -> None:
        self._words = words_of(detectors, formed)
        self._offsets = [detector.at for detector in detectors]
        self._generic = not formed

    def candidates(self, data: bytes) -> list[Candidate]:
        """All candidates, sorted and without doubles."""
        lower = data.lower()
        found: set[Candidate] = set()
        for literal, nocase, detectors in self._words:
            text = lower if nocase else data
            at = text.find(literal)
            while at >= 0 and len(found) <= MOST:
                found.update(_placed(at, detectors, self._offsets))
                at = text.find(literal, at + 1)
        if self._generic:
            found.update(Candidate(match.start(), GENERIC) for match in _STEM.finditer(data))
        return sorted(found)


class HyperscanPrefilter:
    """With hyperscan: one pass for all literals.

    Raises:
        ImportError: it is not installed.
    """

    def __init__(self, detectors: Sequence[Detector], formed: bool = False) -> None:
        import hyperscan

        self._words = words_of(detectors, formed)
        self._offsets = [detector.at for detector in detectors]
        expressions = [_expression(word, detectors) for word in self._words]
        self._lengths = [len(word.literal) + _ahead(word, detectors)[1] for word in self._words]
        flags = [hyperscan.HS_FLAG_CASELESS if word.nocase else 0 for word in self._words]
        if not formed:
            expressions.append(FILTER)
            flags.append(hyperscan.HS_FLAG_CASELESS)
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=flags)
        self._hyperscan = hyperscan
        self._own = local()

    def candidates(self, data: bytes) -> list[Candidate]:
        """All candidates, sorted and without doubles."""
        ends: list[tuple[int, int]] = []

        def see(word: int, start: int, end: int, flags: int, context: Any) -> bool:
            ends.append((word, end))
            return len(ends) > MOST

        with suppress(self._hyperscan.ScanTerminated):
            self._database.scan(data, match_event_handler=see, scratch=self._scratch())
        return sorted(self._places(data, ends)) if ends else []

    def _scratch(self) -> Any:
        """One for each thread, as two may not share one."""
        if not hasattr(self._own, "scratch"):
            self._own.scratch = self._hyperscan.Scratch(self._database)
        return self._own.scratch

    def _places(self, data: bytes, ends: Iterable[tuple[int, int]]) -> set[Candidate]:
        found: set[Candidate] = set()
        known = len(self._words)
        seen = 0
        for word, end in sorted(ends, key=lambda each: each[1]):
            if word < known:
                found.update(_placed(end - self._lengths[word], self._words[word].detectors, self._offsets))
            else:
                # Ends come in order: what lies before the last is looked through already.
                start = max(end - _REACH, seen, 0)
                found.update(Candidate(match.start(), GENERIC) for match in _STEM.finditer(data, start, end))
                seen = max(seen, end - 16)
        return found


#: What may stand before a value of letters and digits: no letter or digit, unless it is of an escape.
_BEFORE = rb"(?:^|[^A-Za-z0-9]|\\[nrt]|%[0-9A-Za-z]{2})"


def _expression(word: _Word, detectors: Sequence[Detector]) -> bytes:
    """The literal; where all its detectors want it at the beginning of a word, only there."""
    begins = all(detectors[each].sort is Sort.FORMAT and detectors[each].at == (0,) for each in word.detectors)
    literal = re.escape(word.literal) + _ahead(word, detectors)[0]
    return _BEFORE + literal if begins and word.literal[:1].isalnum() else literal


def _ahead(word: _Word, detectors: Sequence[Detector]) -> tuple[bytes, int]:
    return detectors[word.detectors[0]].ahead if len(word.detectors) == 1 else (b"", 0)


def _placed(at: int, detectors: Iterable[int], offsets: Sequence[tuple[int, ...]]) -> Iterator[Candidate]:
    for detector in detectors:
        for offset in offsets[detector]:
            if at >= offset:
                yield Candidate(at - offset, detector)
