"""The database of advisories: fetched and built, built from files at hand, and told of."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import Struct

from seawall.model.advisories import DatabaseInfo, Entry, SourceInfo
from seawall.sources.advisories.download import PATIENCE, Downloader, Outcome
from seawall.sources.advisories.feeds import BASES, DEFAULT_ECOSYSTEMS, ECOSYSTEMS, Feed, feeds_for
from seawall.sources.advisories.files import FileReader, advisory_files
from seawall.sources.advisories.problem import AdvisoryProblem
from seawall.sources.web.errors import WebError
from seawall.sources.web.patience import Patience
from seawall.store.advisories import AdvisoryStore, Builder, DatabaseProblem

FILE = "advisories.db"
_SOURCES = "sources"
_LATEST = "archive_latest.txt"
#: A database with fewer packages of an ecosystem than this share of the one before is told of.
_SHRUNK = 0.5
_MOST_PROBLEMS = 5


class UpdateProblem(Exception):
    """The database could not be brought up to date, and is as it was; the message says why."""


class Stage(NamedTuple):
    """How far it is: files done and in all, and the file at hand."""

    done: int
    total: int
    what: str


#: Told now and then: bytes or advisories so far, what they are, and the stage.
Progress = Callable[[int, str, Stage], None]


class UpdateOptions(Struct, frozen=True):
    """What to fetch, from where, and where the database is.

    ``bases`` are addresses of mirrors by the kind of data (the keys of ``BASES``); ``redhat`` asks for Red Hat's VEX
    as well, which tells what will not be fixed.
    """

    database: str
    ecosystems: tuple[str, ...] = DEFAULT_ECOSYSTEMS
    bases: Mapping[str, str] = {}
    authority: bytes | None = None
    redhat: bool = False
    patience: Patience = PATIENCE


class UpdateResult(Struct):
    """The database that there is now, what became of each file, and what a person should know."""

    info: DatabaseInfo
    outcomes: list[tuple[str, Outcome]]
    notes: list[str]
    built: bool


def default_database(environ: Mapping[str, str]) -> str:
    """Where the database is when nobody says: in the folder of everything that is kept between runs."""
    from seawall.sources.images.cache import cache_folder

    return os.path.join(cache_folder(environ), "advisories", FILE)


def update(options: UpdateOptions, progress: Progress | None = None) -> UpdateResult:
    """Fetch what changed and build the database anew; it is as it was where anything fails.

    Raises:
        UpdateProblem: it could not be fetched, read or written.
    """
    for ecosystem in options.ecosystems:
        if ecosystem not in ECOSYSTEMS:
            raise UpdateProblem(f"there is no ecosystem {ecosystem!r}; choose from {', '.join(ECOSYSTEMS)}")
    for name in options.bases:
        if name not in BASES:
            raise UpdateProblem(f"there is no kind of data {name!r} to mirror; choose from {', '.join(BASES)}")
    with _alone(options.database):
        return _update(options, progress)


def _update(options: UpdateOptions, progress: Progress | None) -> UpdateResult:
    folder = os.path.join(os.path.dirname(options.database), _SOURCES)
    downloader = Downloader(folder, options.authority, options.patience)
    try:
        os.makedirs(folder, exist_ok=True)
        feeds = feeds_for(options.ecosystems, dict(options.bases))
        if options.redhat:
            feeds.append(_redhat(downloader, folder, {**BASES, **options.bases}["redhat"]))
        outcomes = list(_fetch(downloader, feeds, progress))
    except (WebError, OSError) as error:
        raise UpdateProblem(f"{error}; the database is as it was") from error
    present = [feed for feed, outcome in outcomes if outcome.what != "absent"]
    sources = [_source(downloader, feed) for feed in present]
    named = [(feed.name, outcome) for feed, outcome in outcomes]
    before = _info(options.database)
    if before is not None and [_same(each) for each in before.sources] == [_same(each) for each in sources]:
        return UpdateResult(before, named, [], built=False)
    files = [
        (os.path.join(folder, feed.name), feed.kind, source) for feed, source in zip(present, sources, strict=True)
    ]
    info, notes = _build(options.database, files, downloader, progress)
    return UpdateResult(info, named, [*_shrunk(before, info), *notes], built=True)


def build(folder: str, database: str, progress: Progress | None = None) -> UpdateResult:
    """Build the database from files at hand: those that :func:`update` fetches, or OSV documents in any archive.

    Raises:
        UpdateProblem: there are none, one cannot be read, or the database cannot be written.
    """
    paths = advisory_files(folder) if os.path.isdir(folder) else [folder]
    if not paths:
        raise UpdateProblem(f"{folder} holds no files of advisories (.zip, .tar.*, .json, .yaml, .csv.gz)")
    files = []
    for path in paths:
        try:
            changed = datetime.fromtimestamp(os.path.getmtime(path), UTC)
        except OSError as error:
            raise UpdateProblem(f"{path} cannot be read: {error.strerror}") from error
        name = os.path.relpath(path, folder) if path != folder else os.path.basename(path)
        files.append((path, "", SourceInfo(name, path, _time(changed))))
    with _alone(database):
        before = _info(database)
        info, notes = _build(database, files, None, progress)
    return UpdateResult(info, [], [*_shrunk(before, info), *notes], built=True)


@contextmanager
def _alone(database: str) -> Iterator[None]:
    """Nobody else builds the same database at the same time; the lock goes with the process, whatever becomes of it."""
    folder, name = os.path.split(os.path.abspath(database))
    try:
        os.makedirs(folder, exist_ok=True)
        lock = open(os.path.join(folder, f".{name}.lock"), "wb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise UpdateProblem(f"{database} cannot be written: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UpdateProblem(f"{database} is being made by another run; wait for it") from error
        yield


def status(database: str) -> DatabaseInfo:
    """What the database holds.

    Raises:
        DatabaseProblem: there is none, or it cannot be used.
    """
    with AdvisoryStore(database) as store:
        return store.info


def verify(database: str) -> DatabaseInfo:
    """As :func:`status`, having read all of it.

    Raises:
        DatabaseProblem: there is none, or it is damaged.
    """
    with AdvisoryStore(database) as store:
        store.verify()
        return store.info


def _fetch(downloader: Downloader, feeds: list[Feed], progress: Progress | None) -> Iterator[tuple[Feed, Outcome]]:
    for number, feed in enumerate(feeds):
        stage = Stage(number, len(feeds), feed.name)

        def tell(size: int, total: int, stage: Stage = stage) -> None:
            if progress is not None:
                progress(size >> 10, "KiB" + (f" of {total >> 10}" if total else ""), stage)

        yield feed, downloader.fetch(feed.name, feed.url, feed.optional, tell)


def _redhat(downloader: Downloader, folder: str, base: str) -> Feed:
    """Red Hat's archive has the day in its name, which a small file beside it tells."""
    base = base.rstrip("/")
    name = "redhat-vex-latest.txt"
    downloader.fetch(name, f"{base}/{_LATEST}")
    with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
        archive = file.read(200).strip()
    if not archive.endswith((".tar.zst", ".tar.xz", ".tar.gz")) or "/" in archive:
        raise UpdateProblem(f"{base}/{_LATEST} names no archive, but {archive[:60]!r}")
    ending = archive[archive.index(".tar.") :]
    return Feed(f"redhat-vex{ending}", "redhat", f"{base}/{archive}")


def _source(downloader: Downloader, feed: Feed) -> SourceInfo:
    state = downloader.state(feed.name)
    if state is None:
        raise UpdateProblem(f"{feed.name} was fetched, but is not there any more; try again")
    return SourceInfo(feed.name, feed.url, state.fetched, state.modified, etag=state.etag)


def _same(source: SourceInfo) -> tuple[str, ...]:
    """What makes a source the same as one before; without a mark of its version it never is."""
    return (source.name, source.origin, source.etag or source.modified or source.fetched)


def _build(
    database: str,
    files: list[tuple[str, str, SourceInfo]],
    downloader: Downloader | None,
    progress: Progress | None,
) -> tuple[DatabaseInfo, list[str]]:
    notes: list[str] = []
    try:
        with Builder(database) as builder:
            for number, (path, kind, source) in enumerate(files):
                reader = FileReader(path, kind)
                try:
                    _take(builder, reader, progress, Stage(number, len(files), source.name))
                except AdvisoryProblem as problem:
                    if downloader is not None:  # so that it is fetched anew next time
                        downloader.forget(source.name)
                    raise UpdateProblem(f"{problem}; the database is as it was") from problem
                notes += reader.problems[:_MOST_PROBLEMS]
                builder.add_source(
                    SourceInfo(
                        source.name,
                        source.origin,
                        source.fetched,
                        source.modified,
                        reader.taken,
                        dict(reader.left_out),
                        source.etag,
                    )
                )
            return builder.finish(_time(datetime.now(UTC))), notes
    except DatabaseProblem as problem:
        raise UpdateProblem(str(problem)) from problem


_TELL_EVERY = 1000


def _take(builder: Builder, reader: FileReader, progress: Progress | None, stage: Stage) -> None:
    for count, item in enumerate(reader.items(), 1):
        if isinstance(item, Entry):
            builder.add([item])
        else:
            builder.add_known(*item)
        if progress is not None and not count % _TELL_EVERY:
            progress(count, "advisories read", stage)


def _info(database: str) -> DatabaseInfo | None:
    try:
        return status(database)
    except DatabaseProblem:
        return None


def _shrunk(before: DatabaseInfo | None, info: DatabaseInfo) -> Iterator[str]:
    """Ecosystems with far fewer packages than before: a sign that a source is broken."""
    for ecosystem, count in before.ecosystems.items() if before is not None else ():
        now = info.ecosystems.get(ecosystem, 0)
        if now < count * _SHRUNK:
            yield f"{ecosystem} has {now} packages with advisories, and had {count} before"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
