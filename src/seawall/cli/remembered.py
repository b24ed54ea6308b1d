"""Remembered inventories: where commands that read images keep them, and ``seawall image watch``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from seawall.cli.main import CommandError, say
from seawall.model.finding import ResourceRef, Severity
from seawall.store.inventories import InventoryProblem, InventoryStore

if TYPE_CHECKING:
    from seawall.engine.watch import Watched
    from seawall.model.images import ImageInventory

_FORMATS = ("terminal", "json")
_LONGEST_PAUSE = 30 * 86_400
_MOST_TOLD = 20


def store_path(args: argparse.Namespace) -> str:
    """The file that ``--remember-in`` names, else one in the user's state folder (XDG)."""
    if args.remember_in:
        return str(args.remember_in)
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(base, "seawall", "inventories.db")


@contextmanager
def remembering(
    args: argparse.Namespace,
) -> Iterator[Callable[[ImageInventory, tuple[ResourceRef, ...]], None] | None]:
    """What to call with each inventory; None where nothing is to be remembered.

    Raises:
        CommandError: the store cannot be used.
    """
    if not (args.remember or args.remember_in):
        yield None
        return
    from seawall.engine.imageshown import shown

    try:
        with InventoryStore(store_path(args)) as store:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            # What images hold of credentials is of no use later, and never kept.
            yield lambda inventory, uses: store.put(shown(inventory), uses, now)
    except InventoryProblem as error:
        raise CommandError(str(error)) from error


def run_watch(args: argparse.Namespace, database: str) -> int:
    """Judge what is remembered, once or every so many seconds, and return the exit code.

    Raises:
        CommandError: the store cannot be used.
        DatabaseProblem: there is no database, or it cannot be used.
    """
    if len(args.paths) > 1:
        raise CommandError("watch takes no images: it judges those that were read with --remember")
    if not 0 <= args.every <= _LONGEST_PAUSE:
        raise CommandError(f"--every must be from 0 (once) to {_LONGEST_PAUSE} seconds")
    code, checksum = 0, ""
    while True:
        watched = _watch(args, database, checksum)
        if watched is not None:
            checksum = watched.database.checksum
            code = _told(args, watched)
        if not args.every:
            return code
        time.sleep(args.every)


def _watch(args: argparse.Namespace, database: str, checksum: str) -> Watched | None:
    """A look at all images; None where the database is the one of the look before."""
    from seawall.engine.watch import watch
    from seawall.store.advisories import AdvisoryStore

    with AdvisoryStore(database) as advisories:
        if advisories.info.checksum == checksum:
            return None
    try:
        with InventoryStore(store_path(args)) as store:
            if not sys.stderr.isatty():
                return watch(store, database)
            from seawall.cli.progress import Progress

            with Progress("images judged") as shown:
                return watch(store, database, shown.update)
    except InventoryProblem as error:
        raise CommandError(str(error)) from error


def _told(args: argparse.Namespace, watched: Watched) -> int:
    from seawall.cli.output import parse_outputs, write
    from seawall.reports import imagewatch

    for name, file in parse_outputs(args.format, _FORMATS):
        write([imagewatch.json(watched) if name == "json" else imagewatch.text(watched)], file)
    if not watched.images:
        say("no image is remembered; read some with --remember")
    for image, reason in watched.unjudged[:_MOST_TOLD]:
        say(f"{image}: not judged: {reason}")
    if len(watched.unjudged) > _MOST_TOLD:
        say(f"{len(watched.unjudged) - _MOST_TOLD} more; --format json lists all")
    return watched.exit_code(None if args.fail_on == "none" else Severity(args.fail_on))
