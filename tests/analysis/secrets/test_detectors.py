"""Each detector: what it is for is found, by both ways of looking, and nothing near it."""

from __future__ import annotations

import random
import re

import pytest

from seawall.analysis.secrets.allowed import entropy, is_example
from seawall.analysis.secrets.checks import CHECKS
from seawall.analysis.secrets.detector import Detector, Sort
from seawall.analysis.secrets.detectors import all_detectors
from seawall.analysis.secrets.making import make_scanner
from seawall.analysis.secrets.prefilter import PlainPrefilter, words_of
from tests.analysis.secrets.samples import is_taken, sample

DETECTORS = all_detectors()
BY_ID = {each.id: each for each in DETECTORS}


def value_of(detector: Detector) -> bytes:
    """A text that the detector's pattern takes, of enough entropy."""
    rnd = random.Random(detector.id)
    for _ in range(400):
        text = sample(detector.pattern, rnd)
        match = detector.compiled.match(text + b"\n")
        if match is None:
            continue
        value = match["v"] if "v" in match.re.groupindex and match["v"] else match[0]
        if detector.sort is Sort.NAMED:
            text = detector.literals[0] + b"_api_key='" + value + b"'"
        if entropy(value) >= detector.entropy and not is_example(value):
            return text
    raise AssertionError(f"no sample of {detector.id}")


def test_there_are_many_with_ids_of_their_own() -> None:
    assert len(DETECTORS) >= 250
    assert len(BY_ID) == len(DETECTORS)
    assert all(re.fullmatch(r"[a-z0-9-]{3,50}", each.id) and each.title and each.literals for each in DETECTORS)
    assert all(not each.check or each.check in CHECKS for each in DETECTORS)


def test_no_literal_is_so_short_that_it_is_everywhere() -> None:
    assert min(len(word.literal) for word in words_of(DETECTORS)) >= 2


@pytest.mark.parametrize("detector", [each for each in DETECTORS if not each.check], ids=lambda each: each.id)
def test_what_it_is_for_is_found(detector: Detector) -> None:
    text = value_of(detector)
    prefix = b" " if detector.sort is Sort.FORMAT else b""
    data = b"# settings\n" + prefix + text + b"\n"
    for fast in (True, False):
        hits = make_scanner(fast=fast).scan(data, "settings.conf")
        found = {hit.detector for hit in hits}
        others = {each for each in found if BY_ID.get(each, detector).sort <= detector.sort}
        # Another may know the same value better or share its form; it is told once, by one of them.
        assert detector.id in found or others, (detector.id, found)
        assert all(text.strip().decode("latin-1") not in repr(hit) for hit in hits)


NAMED = [each for each in DETECTORS if each.sort is Sort.NAMED and not each.check]


@pytest.mark.parametrize("detector", NAMED, ids=lambda each: each.id)
@pytest.mark.parametrize("name", ["client_id", "commit_sha", "public_key"])
def test_what_a_provider_names_in_public_is_none(detector: Detector, name: str) -> None:
    value = value_of(detector).rpartition(b"_api_key=")[2]
    data = b"%b_%b=%b\n" % (detector.literals[0].strip(b"_-."), name.encode(), value)
    assert detector.id not in {hit.detector for hit in make_scanner().scan(data, "settings.conf")}


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda each: each.id)
def test_its_literal_stands_where_it_says(detector: Detector) -> None:
    rnd = random.Random(detector.id)
    taken = 0
    for _ in range(60):
        text = sample(detector.pattern, rnd)
        if not is_taken(detector.compiled, text + b"\n"):
            continue
        taken += 1
        candidates = PlainPrefilter([detector]).candidates(text)
        assert any(each.at == 0 for each in candidates), (detector.id, text)
    looks_back = ("pgpass-line", "password-hash", "curl-user")
    assert taken or detector.id in looks_back, detector.id
