"""Keep the database of advisories: update, build, status."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime

from seawall.cli.main import CommandError, say
from seawall.cli.output import add_format_argument, parse_outputs, write
from seawall.engine.config import Config, ConfigError, load_config
from seawall.engine.database import (
    Progress,
    Stage,
    UpdateOptions,
    UpdateProblem,
    UpdateResult,
    build,
    default_database,
    status,
    update,
    verify,
)
from seawall.model.advisories import DatabaseInfo
from seawall.reports import database as report
from seawall.sources.advisories.feeds import BASES, DEFAULT_ECOSYSTEMS
from seawall.store.advisories import DatabaseProblem

_FORMATS = ("terminal", "json")
_MOST_NOTES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="update|build|status")
    fetch = commands.add_parser("update", help="fetch what changed, verify it, and put it in place")
    fetch.add_argument(
        "--ecosystem",
        action="append",
        metavar="NAME",
        help=f"as OSV names it; repeatable (default: {', '.join(DEFAULT_ECOSYSTEMS)})",
    )
    fetch.add_argument("--redhat-vex", action="store_true", help="also what Red Hat will not fix (several 100 MB)")
    fetch.add_argument(
        "--mirror",
        action="append",
        default=[],
        metavar="KIND=URL",
        help=f"fetch a kind of data from there: {', '.join(BASES)}",
    )
    fetch.add_argument("--ca-file", metavar="FILE", help="trust these authorities (PEM) beside the system's")
    fetch.add_argument("--offline", action="store_true", help="never open a socket: refuses")
    made = commands.add_parser("build", help="build it from files at hand, without the network")
    made.add_argument(
        "--from", dest="source", required=True, metavar="DIR", help="a folder, or one file, of advisories"
    )
    told = commands.add_parser("status", help="tell how old it is and what it holds")
    told.add_argument("--verify", action="store_true", help="read all of it and compare with what was written")
    for each in (fetch, made, told):
        each.add_argument("--db", metavar="FILE", help="the database (default: in the cache folder)")
        each.add_argument("--config", metavar="FILE", help="read this instead of ./seawall.yaml")
        add_format_argument(each, _FORMATS)


def run(args: argparse.Namespace) -> int:
    """Do it, and return the exit code."""
    outputs = parse_outputs(args.format, _FORMATS)
    try:
        config = load_config(args.config)
        path = database_path(args.db, config)
        result: UpdateResult | None = None
        if args.command == "status":
            info = verify(path) if args.verify else status(path)
        else:
            result = _made(args, path, config)
            info = result.info
    except (ConfigError, DatabaseProblem, UpdateProblem) as error:
        raise CommandError(str(error)) from error
    now = datetime.now(UTC)
    for name, file in outputs:
        write([report.document(path, info, now, result) if name == "json" else _text(path, info, now, result)], file)
    for note in [*(result.notes[:_MOST_NOTES] if result is not None else ()), *report.stale(info, now)]:
        say(f"note: {note}")
    return 0


def database_path(flag: str | None, config: Config) -> str:
    """Where the database is: the flag, the configuration, or the usual place."""
    return flag or config.database.path or default_database(os.environ)


def _made(args: argparse.Namespace, path: str, config: Config) -> UpdateResult:
    if args.command == "update" and args.offline:
        raise UpdateProblem("update needs the network; without it use `seawall db build --from DIR`")
    if not sys.stderr.isatty():
        return _run(args, path, config, None)
    from seawall.cli.progress import Progress as Bar

    with Bar("", unit="files") as bar:

        def tell(count: int, what: str, stage: Stage) -> None:
            bar.rename(what)
            bar.update(count, stage)

        return _run(args, path, config, tell)


def _run(args: argparse.Namespace, path: str, config: Config, progress: Progress | None) -> UpdateResult:
    if args.command == "build":
        return build(args.source, path, progress)
    return update(_options(args, path, config), progress)


def _options(args: argparse.Namespace, path: str, config: Config) -> UpdateOptions:
    bases = dict(config.database.mirrors)
    for item in args.mirror:
        kind, equals, url = item.partition("=")
        if not equals or not url.startswith(("https://", "http://")):
            raise UpdateProblem(f"--mirror {item} must be KIND=URL")
        bases[kind] = url
    authority = None
    if args.ca_file:
        try:
            with open(args.ca_file, "rb") as file:
                authority = file.read()
        except OSError as error:
            raise UpdateProblem(f"{args.ca_file} cannot be read: {error.strerror}") from error
    ecosystems = tuple(args.ecosystem or config.database.ecosystems or DEFAULT_ECOSYSTEMS)
    return UpdateOptions(path, ecosystems, bases, authority, args.redhat_vex)


def _text(path: str, info: DatabaseInfo, now: datetime, result: UpdateResult | None) -> bytes:
    head = ""
    if result is not None and result.outcomes:
        fetched = [outcome for _, outcome in result.outcomes if outcome.what == "fetched"]
        size = sum(outcome.bytes for _, outcome in result.outcomes)
        unchanged = sum(outcome.what == "unchanged" for _, outcome in result.outcomes)
        head = f"{len(fetched)} files fetched ({size / 1e6:.1f} MB), {unchanged} unchanged"
        head += "\n" if result.built else "; the database is current\n"
    return (head + report.text(path, info, now)).encode()
