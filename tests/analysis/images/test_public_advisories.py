"""Real advisories: every version that they enumerate is affected, and no version that they call fixed."""

from __future__ import annotations

import lzma
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.analysis.images.matching import Matcher
from seawall.analysis.images.matching.ranges import is_affected
from seawall.analysis.images.versions import InvalidVersion
from seawall.model.advisories import Entry
from seawall.sources.advisories.osv import parse_osv_yaml
from seawall.store.advisories import AdvisoryStore, Builder
from tests.analysis.images.made import BUILT, image, package


def documents(conformance: Path) -> Iterator[tuple[str, bytes]]:
    with lzma.open(conformance / "osv" / "pypa.tar.xz") as packed, tarfile.open(fileobj=packed) as archive:
        for member in archive:
            if member.name.endswith(".yaml"):
                file = archive.extractfile(member)
                assert file is not None
                yield member.name, file.read()


@pytest.fixture(scope="module")
def read(conformance: Path) -> list[Entry | str]:
    return [parse_osv_yaml(data, name) for name, data in documents(conformance)]


def test_all_are_read(read: list[Entry | str]) -> None:
    left_out = Counter(each for each in read if isinstance(each, str))
    assert set(left_out) == {"withdrawn"}
    assert len(read) == 2661


def test_ranges_agree_with_enumerated_versions(read: list[Entry | str]) -> None:
    wrong: list[str] = []
    asked = 0
    for entry in read:
        for _, name, affected in entry.affected if isinstance(entry, Entry) else ():
            fixed = {text for events in affected.ranges for kind, text in events if kind == "fixed"}
            asked += len(affected.versions) + len(fixed)
            wrong += (
                f"{affected.advisory} {name} {version}: not affected"
                for version in affected.versions
                if not is_affected(affected, "pep440", version)
            )
            wrong += (
                f"{affected.advisory} {name} {version}: affected"
                for version in fixed - set(affected.versions)
                if is_affected(affected, "pep440", version)
            )
    assert asked > 20_000
    assert wrong == []


def test_ranges_alone_hold_the_enumerated_versions(read: list[Entry | str]) -> None:
    """The enumeration was made from the ranges by another program; where they differ ours must have a reason."""
    outside: Counter[str] = Counter()
    asked = 0
    for entry in read:
        for _, _, affected in entry.affected if isinstance(entry, Entry) else ():
            if not affected.ranges:
                continue
            by_range = type(affected)(affected.advisory, "osv", affected.ranges)
            for version in affected.versions:
                asked += 1
                try:
                    outside[affected.advisory] += not is_affected(by_range, "pep440", version)
                except InvalidVersion:
                    outside[affected.advisory] += 1
    assert sum(outside.values()) < asked / 100


def test_a_database_of_them_answers(read: list[Entry | str], tmp_path: Path) -> None:
    path = tmp_path / "db"
    with Builder(str(path)) as builder:
        builder.add(entry for entry in read if isinstance(entry, Entry))
        builder.finish(BUILT)
    with AdvisoryStore(str(path)) as store:
        found = Matcher(store, "2026-11-25").match(image([package("pypi", "Oslo.Middleware", "3.8.0")], None))
    (only,) = found.vulnerabilities
    assert (only.id, set(only.names)) == ("CVE-2017-2592", {"PYSEC-2018-104", "GHSA-xcp8-hh74-f6mc"})
    assert only.packages[0].fixed[0] == "3.8.1"
