"""Save what a scan reads of a cluster, without its secrets, in one file; every command takes the file as a PATH."""

from __future__ import annotations

import argparse
import sys

from seawall.cli.inputs import add_input_arguments, read_options
from seawall.cli.main import CommandError, say
from seawall.engine import CLUSTER, UsageError
from seawall.engine.snapshot import SnapshotError, SnapshotResult, take_snapshot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the file to write")
    add_input_arguments(parser, default=CLUSTER)
    parser.add_argument("--keep-going", action="store_true", help="do not exit 2 for inputs that cannot be read")


def run(args: argparse.Namespace) -> int:
    """Read, write the file, and say what is in it and what is not."""
    options = read_options(args)
    try:
        if sys.stderr.isatty():
            from seawall.cli.progress import Progress

            with Progress("objects saved") as progress:
                result = take_snapshot(options, args.output, progress.update)
        else:
            result = take_snapshot(options, args.output)
    except (SnapshotError, UsageError) as error:
        raise CommandError(str(error)) from error
    _tell(result)
    return result.exit_code(args.keep_going)


def _tell(result: SnapshotResult) -> None:
    problems = [f"note: {note}" for note in result.notes] + [str(error) for error in result.errors]
    problems += [f"{path}: not saved: needs rendering ({what})" for path, what in result.unrendered]
    if not result.objects:
        problems.append("nothing to save was found")
    for problem in problems:
        say(problem)
    if not result.complete:
        say("the snapshot is incomplete, and says so to whoever scans it")
    sys.stdout.write(
        f"{result.path}: {result.objects} objects, {result.scrubbed} values scrubbed, {_size(result.size)}\n"
    )


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
