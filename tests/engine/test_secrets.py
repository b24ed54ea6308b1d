"""Secrets as findings: where they are told, that their values are not, and that nothing is sent."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.engine.images import ImageOptions, look_into
from seawall.engine.imagesecrets import ImageSecretJudge
from seawall.engine.result import ScanResult
from seawall.engine.secrets import FileOptions, SecretJudge, SecretOptions, search_files, search_history, search_log
from seawall.model.finding import FileEvidence, SecretEvidence, Severity
from seawall.reports import FORMATS, render
from seawall.reports.view import View
from seawall.sources.images.places import PlaceOptions
from tests.analysis.secrets.images import oci_image
from tests.analysis.secrets.test_scanner import GITHUB

PASSWORD = "Zk39dk!kdPq"


def judge(**options: Any) -> SecretJudge:
    return SecretJudge(SecretOptions(**options))


def in_folder(folder: Path, **options: Any) -> ScanResult:
    return search_files(judge(**options), [str(folder)], FileOptions())


def evidence(result: ScanResult) -> list[SecretEvidence]:
    return [each for finding in result.findings for each in finding.evidence if isinstance(each, SecretEvidence)]


def test_files_are_told_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"A=1\nGITHUB_TOKEN={GITHUB}\n")
    (tmp_path / "clean.txt").write_text("nothing\n")
    result = in_folder(tmp_path)
    (finding,) = result.findings
    assert finding.rule == "secret-in-file" and finding.severity is Severity.CRITICAL
    assert [(place.file, place.line, place.column) for place in finding.locations] == [(str(tmp_path / ".env"), 2, 14)]
    assert evidence(result)[0].detector == "github-pat"
    assert result.files == 2 and result.complete and result.exit_code(Severity.HIGH, False) == 1


def test_a_clean_folder_is_complete_and_an_empty_one_is_not(tmp_path: Path) -> None:
    assert in_folder(tmp_path).exit_code(Severity.HIGH, False) == 2
    (tmp_path / "clean.txt").write_text("nothing\n")
    assert in_folder(tmp_path).exit_code(Severity.HIGH, False) == 0


def test_fingerprints_stay_when_lines_move_and_change_with_the_value(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"T={GITHUB}\n")
    before = in_folder(tmp_path).findings[0].fingerprint
    file.write_text(f"# more\n\nT={GITHUB}\n")
    assert in_folder(tmp_path).findings[0].fingerprint == before
    file.write_text("T=glpat-a8F3k2M9q1Z7x5C4v6B0\n")
    assert in_folder(tmp_path).findings[0].fingerprint != before


def test_the_same_value_elsewhere_is_told(tmp_path: Path) -> None:
    for name in ("a.env", "b.env"):
        (tmp_path / name).write_text(f"T={GITHUB}\n")
    assert all("the same value stands in 2 places" in each.message for each in in_folder(tmp_path).findings)


def test_links_and_special_files_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.env").write_text(f"T={GITHUB}\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    (inside / "file").symlink_to(outside / "x.env")
    (inside / "ok.txt").write_text("fine\n")
    subprocess.run(["mkfifo", str(inside / "pipe")], check=True)
    result = in_folder(inside)
    assert not result.findings and result.files == 1


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    result = search_files(judge(), [str(tmp_path / "none")], FileOptions())
    assert [error.message for error in result.errors] == ["cannot be read: No such file or directory"]
    (tmp_path / "large.txt").write_bytes(b"x" * 3000)
    cut = search_files(judge(), [str(tmp_path)], FileOptions(most=1000))
    assert len(cut.errors) == 1 and not cut.complete


def test_globs_leave_out(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text(f"T={GITHUB}\n")
    assert not search_files(judge(), [str(tmp_path)], FileOptions(exclude=("*.env",))).findings


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, Callable[..., str]]:
    folder = tmp_path / "shop"
    folder.mkdir()

    def git(*arguments: str) -> str:
        settings = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"]
        done = subprocess.run(["git", "-C", str(folder), *settings, *arguments], check=True, capture_output=True)
        return done.stdout.decode().strip()

    git("init", "-q")
    return folder, git


def test_history_has_what_was_deleted_once_with_its_commit(repository: tuple[Path, Callable[..., str]]) -> None:
    folder, git = repository
    (folder / "deep").mkdir()
    (folder / "deep/ü.env").write_text(f"T={GITHUB}\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    first = git("rev-parse", "HEAD")
    (folder / "copy.env").write_text(f"T={GITHUB}\n")
    git("rm", "-q", "--cached", "deep/ü.env")
    git("commit", "-qam", f"remove {PASSWORD}: password={PASSWORD}")
    git("checkout", "-qb", "side")
    (folder / "side.env").write_text(f"DB_PASSWORD={PASSWORD}\n")
    git("add", "side.env")
    git("commit", "-qm", "side")
    git("checkout", "-q", "main")
    result = search_history(judge(), str(folder))
    told = {(each.locations[0].file, each.locations[0].line) for each in result.findings}
    assert told == {("deep/ü.env", 1), ("side.env", 1), ("(commit message)", 1)}
    found = next(each for each in evidence(result) if each.detector == "github-pat")
    assert found.commit == first and found.author == "Ann <ann@example.org>" and len(found.date) == 25
    assert all(finding.rule == "secret-in-git-history" for finding in result.findings)
    narrow = search_history(judge(), str(folder), ["main..side"])
    assert [each.locations[0].file for each in narrow.findings] == ["side.env"]


def test_merges_and_bare_repositories(repository: tuple[Path, Callable[..., str]], tmp_path: Path) -> None:
    folder, git = repository
    (folder / "a").write_text("a\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "side")
    (folder / "b").write_text("b\n")
    git("add", "-A")
    git("commit", "-qm", "two")
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-commit", "--no-ff", "side")
    (folder / "evil.env").write_text(f"T={GITHUB}\n")
    git("add", "-A")
    git("commit", "-qm", "merge")
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(folder), str(bare)], check=True, capture_output=True)
    assert [each.locations[0].file for each in search_history(judge(), str(bare)).findings] == ["evil.env"]


@pytest.mark.parametrize("logs", ["kept", "expired"])
def test_history_has_what_no_branch_leads_to(repository: tuple[Path, Callable[..., str]], logs: str) -> None:
    folder, git = repository
    (folder / "a.txt").write_text("nothing\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "gone")
    (folder / "gone.env").write_text(f"DB_PASSWORD={PASSWORD}1\n")
    git("add", "-A")
    git("commit", "-qm", "two")
    git("checkout", "-q", "main")
    git("branch", "-qD", "gone")
    for number in (2, 3):
        (folder / "stashed.env").write_text(f"DB_PASSWORD={PASSWORD}{number}\n")
        git("stash", "push", "-qu")
    (folder / "staged.env").write_text(f"DB_PASSWORD={PASSWORD}4\n")
    git("add", "-A")
    git("tag", "-am", f"password: {PASSWORD}5", "v1")
    if logs == "expired":
        git("stash", "drop", "-q")
        git("reflog", "expire", "--expire=now", "--all")
    result = search_history(judge(), str(folder))
    found = sorted(each.locations[0].file for each in result.findings)
    assert found == ["(message of a tag)", "gone.env", "staged.env", "stashed.env", "stashed.env"]
    assert all(PASSWORD not in repr(each) for each in result.findings)
    assert search_history(judge(), str(folder), ["main"]).findings == []


def test_logs_of_any_length() -> None:
    pieces = [b"fine\n" * 1000, f"login password={PASSWORD}\n".encode(), b"fine\n" * 1000]
    result = search_log(judge(), "-", pieces)
    (finding,) = result.findings
    assert finding.rule == "secret-in-log" and finding.locations[0].line == 1001


_NAMES = ("DB_PASSWORD", "API_TOKEN", "client_secret", "adminPassword")
_VALUES = st.text("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#%*+-_", min_size=12, max_size=30)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=_VALUES, name=st.sampled_from(_NAMES), form=st.sampled_from(["{n}={v}", '"{n}": "{v}",', "{n}: {v}"]))
def test_no_format_tells_a_value(tmp_path: Path, value: str, name: str, form: str) -> None:
    file = tmp_path / "settings.conf"
    file.write_text(f"x\n{form.format(n=name, v=value)}\ntoken: {GITHUB}\nhttps://bob:{value}@git.example\n")
    result = search_files(judge(), [str(tmp_path)], FileOptions())
    assert result.findings
    for format_name in FORMATS:
        out = b"".join(render(format_name, result, View(False, "object", 120, 0))).decode()
        assert value not in out and GITHUB not in out, format_name
    assert value not in repr(result.findings) and GITHUB not in repr(result.findings)


def test_nothing_is_sent_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    (tmp_path / "a.env").write_text(f"T={GITHUB}\n")
    assert len(in_folder(tmp_path).findings) == 1


class _Handler(BaseHTTPRequestHandler):
    asked: list[tuple[str, str]]
    status = 200

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization", "")))
        self.send_response(self.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: Any) -> None:
        return


@pytest.fixture
def issuer() -> Iterator[tuple[str, type[_Handler]]]:
    handler = type("Handler", (_Handler,), {"asked": [], "status": 200})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api", handler
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "note"), [(200, "its issuer accepts it"), (401, "its issuer refuses it"), (500, None)]
)
def test_issuers_are_asked_once_for_each_value(
    tmp_path: Path, issuer: tuple[str, type[_Handler]], status: int, note: str | None
) -> None:
    url, handler = issuer
    handler.status = status
    (tmp_path / "a.env").write_text(f"T={GITHUB}\nU={GITHUB}\nDB_PASSWORD={PASSWORD}\n")
    result = in_folder(tmp_path, verify=True, issuers={"github": url})
    assert handler.asked == [("/api/user", f"Bearer {GITHUB}")]
    notes = [each.notes for each in evidence(result) if each.detector == "github-pat"]
    assert notes == ([(note,)] * 2 if note else [(), ()])
    assert bool(result.notes) is (note is None)


def test_an_issuer_that_is_not_there_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text(f"T={GITHUB}\n")
    result = in_folder(tmp_path, verify=True, issuers={"github": "http://127.0.0.1:9"})
    assert len(result.findings) == 1
    assert result.notes and "could not be asked" in result.notes[0] and GITHUB not in result.notes[0]


def layered(folder: Path) -> str:
    oci_image(
        folder,
        [
            {"app/.env": f"T={GITHUB}\n".encode(), "app/keep.env": f"DB_PASSWORD={PASSWORD}\n".encode()},
            {"app/.wh..env": b"", "app/new.txt": b"x"},
        ],
        {
            "config": {"Env": [f"DB_PASSWORD={PASSWORD}", "PATH=/bin"], "Labels": {"note": f"token={GITHUB}"}},
            "history": [
                {"created_by": "COPY . /app"},
                {"created_by": f"ENV DB_PASSWORD={PASSWORD}", "empty_layer": True},
                {"created_by": f"RUN rm app/.env && curl -u bob:{PASSWORD} https://x.example"},
            ],
        },
    )
    return f"oci-dir:{folder}"


def test_images_tell_layers_deletions_and_configuration(tmp_path: Path) -> None:
    reference = layered(tmp_path / "image")
    for cached in (False, True):
        searching = ImageSecretJudge(SecretOptions())
        options = ImageOptions(PlaceOptions(), str(tmp_path / "cache"))
        searching.add(look_into(reference, options, (searching.look,)))
        result = searching.result()
        places = sorted(each.locations[0].path for each in result.findings)
        assert places == ["app/.env", "app/keep.env", "env DB_PASSWORD", "history[2]", "label note"], cached
        gone = next(each for each in result.findings if each.locations[0].path == "app/.env")
        assert "deleted in layer 2 and still in the image" in gone.message and "COPY . /app" in gone.message
        file = next(each for each in gone.evidence if isinstance(each, FileEvidence))
        assert (file.layer, file.gone, file.gone_layer) == (0, "deleted", 1)
        for name in FORMATS:
            out = b"".join(render(name, result, View(False, "object", 120, 0))).decode()
            assert PASSWORD not in out and GITHUB not in out, name
    kept = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert GITHUB.encode() not in kept and PASSWORD.encode() not in kept


def test_results_hold_to_their_schema(tmp_path: Path) -> None:
    import jsonschema

    from seawall import reports

    (tmp_path / "a.env").write_text(f"T={GITHUB}\nDB_PASSWORD={PASSWORD}\n")
    schema = json.loads((Path(reports.__file__).parent / "schemas" / "findings.v1.json").read_text())
    out = b"".join(render("json", in_folder(tmp_path), View(False, "object", 120, 0)))
    jsonschema.validate(json.loads(out), schema)
