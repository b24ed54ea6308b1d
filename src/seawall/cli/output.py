"""Where output goes: ``--format NAME[=FILE]``, files, colour and width."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Iterable
from typing import Literal

from seawall.cli.main import CommandError, drop_output
from seawall.reports.view import View

_FILE_WIDTH = 120
Outputs = list[tuple[str, str | None]]


def add_format_argument(parser: argparse.ArgumentParser, names: Collection[str], default: str = "terminal") -> None:
    """Define ``--format``, which can be given several times."""
    parser.add_argument(
        "--format",
        action="append",
        metavar="NAME[=FILE]",
        help=f"{', '.join(names)}; repeatable, at most one to standard output (default: {default})",
    )


def parse_outputs(formats: list[str] | None, names: Collection[str], default: str = "terminal") -> Outputs:
    """The formats asked for, each with its file (None: standard output).

    Raises:
        CommandError: an unknown format, or two for standard output.
    """
    outputs: Outputs = []
    for item in formats or [default]:
        name, named, file = item.partition("=")
        if name not in names:
            raise CommandError(f"there is no format {name!r}; choose from {', '.join(names)}")
        if named:
            _check_file(item, file)
        outputs.append((name, file or None))
    if sum(file is None for _, file in outputs) > 1:
        raise CommandError("only one format can go to standard output; write the others to files: --format NAME=FILE")
    files = [os.path.normpath(file) for _, file in outputs if file and not file.startswith("/dev/")]
    if len(set(files)) < len(files):
        raise CommandError("two formats cannot go to the same file; name one for each: --format NAME=FILE")
    # Files first: where the reader of standard output goes away, they are there.
    return sorted(outputs, key=lambda output: output[1] is None)


def _check_file(item: str, file: str) -> None:
    """Refuse before the work what cannot be written after it."""
    if not file:
        raise CommandError(f"--format {item}: name a file after =, or leave out = for standard output")
    folder = os.path.dirname(file) or "."
    if os.path.isdir(file):
        raise CommandError(f"{file} cannot be written: it is a folder; name a file in it: --format NAME=FILE")
    if not os.path.isdir(folder):
        raise CommandError(f"{file} cannot be written: there is no folder {folder}; make it, or choose another FILE")


def write(parts: Iterable[bytes], file: str | None) -> None:
    """Write to a file, or to standard output.

    Raises:
        CommandError: the file cannot be written.
    """
    if file is None:
        _print(parts)
        return
    try:
        with open(file, "wb") as stream:
            stream.writelines(parts)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}; choose another --format FILE") from error


def _print(parts: Iterable[bytes]) -> None:
    try:
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        raise CommandError(f"standard output cannot be written: {error.strerror}; try --format NAME=FILE") from error


def view_of(args: argparse.Namespace, file: str | None) -> View:
    """How a report is drawn: for the terminal at hand, or without colour in a file."""
    group_by: Literal["object", "rule"] = getattr(args, "group_by", "object")
    limit = max(args.limit, 0)
    if file is not None:
        return View(group_by=group_by, width=_FILE_WIDTH, limit=limit)
    return View(wants_colour(), group_by, terminal_width(), limit)


def wants_colour() -> bool:
    """Whether standard output is a terminal that takes colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_width() -> int:
    """Columns of the terminal; 120 where there is none."""
    if not sys.stdout.isatty():
        return _FILE_WIDTH
    return max(os.get_terminal_size(sys.stdout.fileno()).columns, 60)
