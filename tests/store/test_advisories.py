"""The database is whole or not there, and says so when it is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from seawall.model.advisories import Advisory, Affected, Cvss, Entry, Known, SourceInfo
from seawall.store.advisories import AdvisoryStore, Builder, DatabaseProblem

BUILT = "2026-11-25T00:00:00Z"


def entry(number: int, package: str = "thing", ecosystem: str = "PyPI") -> Entry:
    advisory = Advisory(f"A-{number}", "osv", names=(f"CVE-2024-{number}",), cvss=(Cvss("3.1", "CVSS:3.1/x", 5.0),))
    return Entry(advisory, ((ecosystem, package, Affected(advisory.id, "osv", versions=("1.0",))),))


def build(path: Path, entries: Iterator[Entry] | list[Entry]) -> None:
    with Builder(str(path)) as builder:
        builder.add(entries)
        builder.add_known("CVE-2024-1", Known(kev_added="2024-01-01"))
        builder.add_known("CVE-2024-1", Known(epss=0.5))
        builder.add_source(SourceInfo("test", "here", BUILT, advisories=3))
        builder.finish(BUILT)


def test_what_went_in_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder" / "db #1?.db"
    build(path, [entry(2), entry(1), entry(1), entry(3, "öther", "npm")])
    with AdvisoryStore(str(path)) as store:
        assert [each.advisory for each in store.lookup("PyPI", "thing")] == ["A-1", "A-2"]
        assert [each.advisory for each in store.lookup("npm", "öther")] == ["A-3"]
        assert store.lookup("npm", "thing") == store.lookup("nothing", "x") == store.lookup("npm", "\udc80") == ()
        assert store.advisory("A-3") == entry(3).advisory
        assert store.advisory("A-9") is None
        known = Known(cvss=(Cvss("3.1", "CVSS:3.1/x", 5.0),), kev_added="2024-01-01", epss=0.5)
        assert store.known("CVE-2024-1") == known
        assert store.has_ecosystem("npm")
        assert not store.has_ecosystem("Go")
        assert (store.info.packages, store.info.advisories, store.info.ecosystems) == (2, 3, {"PyPI": 1, "npm": 1})
        store.verify()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_failed_build_leaves_the_database_before(tmp_path: Path) -> None:
    path = tmp_path / "db"
    build(path, [entry(1)])

    def failing() -> Iterator[Entry]:
        yield entry(2)
        raise RuntimeError("the source broke off")

    with pytest.raises(RuntimeError):
        build(path, failing())
    with AdvisoryStore(str(path)) as store:
        assert [each.advisory for each in store.lookup("PyPI", "thing")] == ["A-1"]
    assert [each.name for each in tmp_path.iterdir()] == ["db"]


def test_readers_keep_what_they_opened(tmp_path: Path) -> None:
    path = tmp_path / "db"
    build(path, [entry(1)])
    with AdvisoryStore(str(path)) as before:
        build(path, [entry(2)])
        assert [each.advisory for each in before.lookup("PyPI", "thing")] == ["A-1"]
    with AdvisoryStore(str(path)) as after:
        assert [each.advisory for each in after.lookup("PyPI", "thing")] == ["A-2"]


def test_the_same_data_has_the_same_checksum(tmp_path: Path) -> None:
    sums = []
    for name, entries in (("a", [entry(1), entry(2)]), ("b", [entry(2), entry(1)]), ("c", [entry(1)])):
        build(tmp_path / name, entries)
        with AdvisoryStore(str(tmp_path / name)) as store:
            sums.append(store.info.checksum)
    assert sums[0] == sums[1] != sums[2]


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatabaseProblem, match=r"there is no database.*db update"):
        AdvisoryStore(str(tmp_path / "none"))
    (tmp_path / "text").write_text("not a database at all" * 100)
    with pytest.raises(DatabaseProblem, match="damaged"):
        AdvisoryStore(str(tmp_path / "text"))
    with closing(sqlite3.connect(tmp_path / "other")) as other:
        other.executescript("CREATE TABLE meta(key TEXT, value BLOB); INSERT INTO meta VALUES('info', x'80')")
    with pytest.raises(DatabaseProblem, match="no database of advisories"):
        AdvisoryStore(str(tmp_path / "other"))


def test_damage_is_found(tmp_path: Path) -> None:
    path = tmp_path / "db"
    build(path, [entry(number, f"package-{number}") for number in range(500)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE affected SET data = x'c1' WHERE package = 'package-7'")
        connection.commit()
    with AdvisoryStore(str(path)) as store:
        assert store.lookup("PyPI", "package-8")
        with pytest.raises(DatabaseProblem, match="damaged"):
            store.lookup("PyPI", "package-7")
        with pytest.raises(DatabaseProblem, match="read back"):
            store.verify()


def test_a_database_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "db"
    build(path, [entry(1)])
    monkeypatch.setattr("seawall.store.advisoryform.SCHEMA", 99)
    with pytest.raises(DatabaseProblem, match="another version"):
        AdvisoryStore(str(path))
