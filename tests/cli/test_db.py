"""``seawall db`` on the command line, against a local server with all that it fetches."""

from __future__ import annotations

import fcntl
import gzip
import io
import json
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seawall.store.advisories import AdvisoryStore
from tests.conftest import Run

TRACKER = {"openssl": {"CVE-2024-1": {"releases": {"bookworm": {"status": "resolved", "fixed_version": "3.0.2-1"}}}}}
SECDB = {"distroversion": "v3.20", "packages": [{"pkg": {"name": "curl", "secfixes": {"8.1-r0": ["CVE-2024-2"]}}}]}
KEV = {"catalogVersion": "1", "count": 1, "vulnerabilities": [{"cveID": "CVE-2024-1", "dateAdded": "2024-03-01"}]}


def osv(ecosystem: str, name: str) -> bytes:
    affected = [{"package": {"ecosystem": ecosystem, "name": name}, "versions": ["1.0"]}]
    document = {"id": f"{ecosystem}-1", "modified": "2024-01-01T00:00:00Z", "affected": affected}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{ecosystem}-1.json", json.dumps(document))
    return buffer.getvalue()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder with everything, and its address."""
    folder = tmp_path / "published"
    for name, data in {
        "PyPI/all.zip": osv("PyPI", "thing"),
        "Debian/all.zip": osv("Debian:12", "openssl"),
        "Alpine/all.zip": osv("Alpine:v3.20", "curl"),
        "json": json.dumps(TRACKER).encode(),
        "v3.20/main.json": json.dumps(SECDB).encode(),
        "known_exploited_vulnerabilities.json": json.dumps(KEV).encode(),
        "epss_scores-current.csv.gz": gzip.compress(b"#v\ncve,epss,percentile\nCVE-2024-1,0.9,0.99\n"),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def arguments(url: str, db: Path) -> list[str]:
    mirrors = [f"--mirror={kind}={url}" for kind in ("osv", "debian", "alpine", "kev", "epss")]
    return [*mirrors, "--ecosystem=PyPI", "--ecosystem=Debian", "--ecosystem=Alpine", f"--db={db}"]


def checked(text: str) -> dict[str, Any]:
    schema = json.loads((files("seawall.reports") / "schemas" / "db.v1.json").read_text())
    document: dict[str, Any] = json.loads(text)
    jsonschema.validate(document, schema)
    return document


def test_update_and_status(run: Run, published: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = published
    db = tmp_path / "cache" / "advisories.db"
    done = run("db", "update", *arguments(url, db), "--format", "json")
    assert done.returncode == 0, done.stderr
    document = checked(done.stdout)
    assert document["ecosystems"] == {"Alpine:v3.20": 1, "Debian:12": 1, "PyPI": 1}
    outcomes = {each["name"]: each["outcome"] for each in document["files"]}
    assert {name for name, outcome in outcomes.items() if outcome == "fetched"} == {
        "osv-pypi.zip", "osv-debian.zip", "osv-alpine.zip", "debian-tracker.json", "alpine-v3.20-main.json",
        "kev.json", "epss.csv.gz",
    }  # fmt: skip
    assert outcomes["alpine-v3.20-community.json"] == "absent"
    with AdvisoryStore(str(db)) as store:
        known = store.known("CVE-2024-1")
        assert known is not None
        assert (known.kev_added, known.epss) == ("2024-03-01", 0.9)
        assert [each.source for each in store.lookup("Debian:12", "openssl")] == ["osv", "debian"]

    before = db.read_bytes()
    again = checked(run("db", "update", *arguments(url, db), "--format", "json").stdout)
    assert {each["outcome"] for each in again["files"]} == {"unchanged", "absent"}
    assert db.read_bytes() == before

    told = run("db", "status", "--verify", f"--db={db}")
    assert told.returncode == 0, told.stderr
    assert "debian-tracker.json" in told.stdout
    checked(run("db", "status", f"--db={db}", "--format", "json").stdout)
    (folder / "json").write_text(json.dumps({**TRACKER, "curl": TRACKER["openssl"]}))
    os.utime(folder / "json", (2e9, 2e9))
    assert checked(run("db", "update", *arguments(url, db), "--format", "json").stdout)["ecosystems"]["Debian:12"] == 2


@pytest.mark.parametrize(
    ("file", "data", "reason"),
    [
        ("PyPI/all.zip", osv("PyPI", "thing")[:-30], "osv-pypi.zip"),
        ("PyPI/all.zip", osv("PyPI", "thing").replace(b'"modified"', b'"modifiedx'), "is damaged"),
        ("json", b'{"openssl": {"CVE-2024-1": ', "debian-tracker.json"),
        ("known_exploited_vulnerabilities.json", json.dumps({**KEV, "count": 5}).encode(), "says that it holds 5"),
        ("epss_scores-current.csv.gz", gzip.compress(b"cve,epss,percentile\n")[:-4], "end-of-stream"),
    ],
    ids=["cut", "changed", "half", "too few", "cut gzip"],
)
def test_bad_data_leaves_the_database_as_it_was(
    run: Run, published: tuple[Path, str], tmp_path: Path, file: str, data: bytes, reason: str
) -> None:
    folder, url = published
    db = tmp_path / "cache" / "advisories.db"
    assert run("db", "update", *arguments(url, db)).returncode == 0
    before, good = db.read_bytes(), (folder / file).read_bytes()
    (folder / file).write_bytes(data)
    os.utime(folder / file, (2e9, 2e9))
    done = run("db", "update", *arguments(url, db))
    assert done.returncode == 2
    assert reason in done.stderr
    assert "the database is as it was" in done.stderr
    assert "Traceback" not in done.stderr
    assert db.read_bytes() == before
    (folder / file).write_bytes(good)
    assert run("db", "update", *arguments(url, db)).returncode == 0


def test_a_missing_source_is_an_error(run: Run, published: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = published
    (folder / "json").unlink()
    done = run("db", "update", *arguments(url, tmp_path / "db"))
    assert (done.returncode, (tmp_path / "db").exists()) == (2, False)
    assert "answered 404" in done.stderr


def test_what_red_hat_will_not_fix(run: Run, published: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = published
    vex = {
        "document": {"csaf_version": "2.0", "category": "csaf_vex"},
        "product_tree": {
            "full_product_names": [
                {"product_id": "rhel", "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:9"}},
                {"product_id": "wget", "product_identification_helper": {"purl": "pkg:rpm/redhat/wget"}},
            ],
            "relationships": [
                {
                    "product_reference": "wget",
                    "relates_to_product_reference": "rhel",
                    "full_product_name": {"product_id": "rhel:wget"},
                }
            ],
        },
        "vulnerabilities": [{"cve": "CVE-2024-9", "product_status": {"known_affected": ["rhel:wget"]}}],
    }
    with tarfile.open(folder / "csaf_vex_2026-11-24.tar.gz", "w:gz") as archive:
        data = json.dumps(vex).encode()
        info = tarfile.TarInfo("2024/cve-2024-9.json")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    (folder / "archive_latest.txt").write_text("csaf_vex_2026-11-24.tar.gz\n")
    db = tmp_path / "db"
    done = run("db", "update", *arguments(url, db), "--redhat-vex", f"--mirror=redhat={url}")
    assert done.returncode == 0, done.stderr
    with AdvisoryStore(str(db)) as store:
        assert [each.source for each in store.lookup("Red Hat:9", "wget")] == ["redhat"]
    (folder / "archive_latest.txt").write_text("../../etc/passwd")
    os.utime(folder / "archive_latest.txt", (2e9, 2e9))
    done = run("db", "update", *arguments(url, db), "--redhat-vex", f"--mirror=redhat={url}")
    assert done.returncode == 2
    assert "names no archive" in done.stderr


def test_build_from_what_update_fetched(run: Run, published: tuple[Path, str], tmp_path: Path) -> None:
    _, url = published
    run("db", "update", *arguments(url, tmp_path / "one" / "advisories.db"))
    sources = tmp_path / "one" / "sources"
    done = run("db", "build", f"--from={sources}", f"--db={tmp_path / 'two.db'}", "--format", "json")
    assert done.returncode == 0, done.stderr
    with AdvisoryStore(str(tmp_path / "one" / "advisories.db")) as one, AdvisoryStore(str(tmp_path / "two.db")) as two:
        assert one.info.checksum == two.info.checksum


def test_two_runs_at_once(run: Run, conformance: Path, tmp_path: Path) -> None:
    with open(tmp_path / ".db.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("db", "build", f"--from={conformance / 'osv'}", f"--db={tmp_path / 'db'}")
    assert done.returncode == 2
    assert "is being made by another run" in done.stderr


def test_build_from_public_advisories(run: Run, conformance: Path, tmp_path: Path) -> None:
    done = run("db", "build", f"--from={conformance / 'osv'}", f"--db={tmp_path / 'db'}", "--format", "json")
    (source,) = checked(done.stdout)["sources"]
    assert (source["advisories"], source["leftOut"]) == (2651, {"withdrawn": 10})


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["update", "--offline"], "needs the network"),
        (["update", "--ecosystem", "Nothing"], "no ecosystem 'Nothing'"),
        (["update", "--mirror", "osv"], "must be KIND=URL"),
        (["update", "--mirror", "what=https://x.example"], "no kind of data 'what'"),
        (["update", "--ca-file", "none.pem"], "none.pem cannot be read"),
        (["build", "--from", "nowhere"], "nowhere cannot be read"),
        (["build", "--from", "."], "holds no files of advisories"),
        (["status"], "there is no database"),
    ],
)
def test_what_makes_no_sense(run: Run, tmp_path: Path, arguments: list[str], reason: str) -> None:
    done = run("db", *arguments, "--db", str(tmp_path / "x" / "db"), cwd=tmp_path)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_the_configuration_says_where(run: Run, published: tuple[Path, str], tmp_path: Path) -> None:
    _, url = published
    work = tmp_path / "work"
    work.mkdir()
    mirrors = dict.fromkeys(("osv", "kev", "epss"), url)
    config = {"database": {"path": "own.db", "ecosystems": ["PyPI"], "mirrors": mirrors}}
    (work / "seawall.yaml").write_text(json.dumps(config))
    assert run("db", "update", cwd=work).returncode == 0
    assert checked(run("db", "status", "--format", "json", cwd=work).stdout)["ecosystems"] == {"PyPI": 1}


def test_old_databases_are_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "osv.zip"
    path.write_bytes(osv("PyPI", "thing"))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    done = run("db", "build", f"--from={path}", f"--db={tmp_path / 'db'}")
    assert done.returncode == 0
    assert "osv.zip is" in done.stderr
    assert "days old" in done.stderr
