"""Files are fetched only where they changed, go on where they broke off, and are whole or not there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from seawall.sources.advisories.download import Downloader
from seawall.sources.web.errors import ApiError, Transient, WebError
from seawall.sources.web.patience import Patience

DATA = b'{"number": "' + b"0123456789" * 30_000 + b'"}'
PATIENCE = Patience(connect=5, silence=1.0, total=20, tries=3, pause=0.01)


class Origin:
    """What a server holds and how it behaves; ``asked`` are the headers of each request."""

    def __init__(self) -> None:
        self.data = DATA
        self.etag = '"one"'
        self.modified = "Mon, 01 Jan 2024 00:00:00 GMT"
        self.breaks: list[int] = []
        self.statuses: list[int] = []
        self.redirects: dict[str, str] = {}
        self.ranges = True
        self.silent = False
        self.asked: list[dict[str, str]] = []
        self.url = ""


@pytest.fixture
def origin() -> Iterator[Origin]:
    held = Origin()
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            held.asked.append({name.lower(): value for name, value in self.headers.items()})
            if held.statuses:
                return self._empty(held.statuses.pop(0))
            if self.path in held.redirects:
                return self._empty(302, held.redirects[self.path])
            if held.etag and self.headers.get("If-None-Match") == held.etag:
                return self._empty(304)
            start = self._start()
            body = held.data[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(held.data) - 1}/{len(held.data)}")
            if held.etag:
                self.send_header("ETag", held.etag)
            self.send_header("Last-Modified", held.modified)
            self.end_headers()
            if held.breaks:
                self.wfile.write(body[: held.breaks.pop(0)])
                self.wfile.flush()
                if held.silent:
                    done.wait(10)
                self.close_connection = True
                return None
            self.wfile.write(body)
            return None

        def _start(self) -> int:
            wanted = self.headers.get("Range", "")
            fits = self.headers.get("If-Range") in (held.etag or held.modified, held.modified)
            return int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and held.ranges and fits else 0

        def _empty(self, status: int, location: str = "") -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    held.url = f"http://127.0.0.1:{server.server_port}/file.json"
    yield held
    done.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def downloader(tmp_path: Path) -> Downloader:
    return Downloader(str(tmp_path), patience=PATIENCE)


def left(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


WHOLE = {"file.json", ".file.json.state"}


def test_only_what_changed_is_fetched(origin: Origin, downloader: Downloader, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    first = downloader.fetch("file.json", origin.url, progress=lambda size, total: seen.append((size, total)))
    assert (first.what, first.bytes) == ("fetched", len(DATA))
    assert seen[-1] == (len(DATA), len(DATA))
    assert downloader.fetch("file.json", origin.url).what == "unchanged"
    assert origin.asked[1]["if-none-match"] == '"one"'
    origin.data, origin.etag = b'{"new": 1}', '"two"'
    assert downloader.fetch("file.json", origin.url).what == "fetched"
    assert (tmp_path / "file.json").read_bytes() == origin.data
    assert left(tmp_path) == WHOLE


def test_a_file_that_was_cut_here_is_fetched_anew(origin: Origin, downloader: Downloader, tmp_path: Path) -> None:
    downloader.fetch("file.json", origin.url)
    (tmp_path / "file.json").write_bytes(b"{")
    assert downloader.fetch("file.json", origin.url).what == "fetched"
    assert (tmp_path / "file.json").read_bytes() == DATA


@pytest.mark.parametrize("silent", [False, True])
def test_what_broke_off_goes_on(origin: Origin, downloader: Downloader, tmp_path: Path, silent: bool) -> None:
    origin.breaks, origin.silent = [100_000, 50_000], silent
    outcome = downloader.fetch("file.json", origin.url)
    assert (tmp_path / "file.json").read_bytes() == DATA
    assert outcome.bytes == len(DATA)
    assert [each.get("range") for each in origin.asked] == [None, "bytes=100000-", "bytes=150000-"]
    assert left(tmp_path) == WHOLE


def test_another_run_goes_on(origin: Origin, tmp_path: Path) -> None:
    origin.breaks = [100_000, 0, 0, 0, 0]
    with pytest.raises(Transient):
        Downloader(str(tmp_path), patience=PATIENCE).fetch("file.json", origin.url)
    assert "file.json" not in left(tmp_path)
    origin.breaks, origin.asked = [], []
    Downloader(str(tmp_path), patience=PATIENCE).fetch("file.json", origin.url)
    assert origin.asked[0]["range"] == "bytes=100000-"
    assert (tmp_path / "file.json").read_bytes() == DATA


def test_what_changed_between_is_fetched_from_the_start(origin: Origin, downloader: Downloader, tmp_path: Path) -> None:
    origin.breaks = [100_000, 0, 0, 0, 0]
    with pytest.raises(Transient):
        downloader.fetch("file.json", origin.url)
    origin.breaks, origin.data, origin.etag = [], b'{"other": "' + b"x" * 200_000 + b'"}', '"two"'
    downloader.fetch("file.json", origin.url)
    assert (tmp_path / "file.json").read_bytes() == origin.data


def test_servers_without_ranges_or_marks(origin: Origin, downloader: Downloader, tmp_path: Path) -> None:
    origin.breaks, origin.ranges, origin.etag = [100_000], False, ""
    downloader.fetch("file.json", origin.url)
    assert (tmp_path / "file.json").read_bytes() == DATA


def test_a_busy_server_is_asked_again(origin: Origin, downloader: Downloader) -> None:
    origin.statuses = [503, 500]
    assert downloader.fetch("file.json", origin.url).what == "fetched"
    origin.statuses = [503] * 9
    with pytest.raises(WebError, match="503"):
        downloader.fetch("file.json", origin.url)


def test_what_is_missing(origin: Origin, downloader: Downloader, tmp_path: Path) -> None:
    downloader.fetch("file.json", origin.url)
    origin.statuses = [404, 404]
    with pytest.raises(ApiError, match="404"):
        downloader.fetch("file.json", origin.url)
    assert downloader.fetch("file.json", origin.url, optional=True).what == "absent"
    assert left(tmp_path) == set()


def test_redirects(origin: Origin, downloader: Downloader) -> None:
    origin.redirects = {"/file.json": "/else"}
    assert downloader.fetch("file.json", origin.url).what == "fetched"
    origin.redirects = {"/file.json": "/else", "/else": "/file.json"}
    origin.etag = ""
    with pytest.raises(WebError, match="leads on and on"):
        downloader.fetch("other.json", origin.url)


@pytest.mark.parametrize(
    ("name", "data"), [("a.zip", b"<html>login</html>"), ("a.json", b"<html>"), ("a.csv.gz", b"cve")]
)
def test_what_is_not_what_it_should_be(
    origin: Origin, downloader: Downloader, tmp_path: Path, name: str, data: bytes
) -> None:
    origin.data = data
    with pytest.raises(WebError, match="login page"):
        downloader.fetch(name, origin.url)
    assert left(tmp_path) == set()
