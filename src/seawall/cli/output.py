"""Where output goes: ``--format NAME[=FILE]``, files, colour and width."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Iterable

from seawall.cli.main import CommandError

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
        name, _, file = item.partition("=")
        if name not in names:
            raise CommandError(f"there is no format {name!r}; choose from {', '.join(names)}")
        outputs.append((name, file or None))
    if sum(file is None for _, file in outputs) > 1:
        raise CommandError("only one format can go to standard output; write the others to files: --format NAME=FILE")
    return outputs


def write(parts: Iterable[bytes], file: str | None) -> None:
    """Write to a file, or to standard output.

    Raises:
        CommandError: the file cannot be written.
    """
    if file is None:
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
        return
    try:
        with open(file, "wb") as stream:
            stream.writelines(parts)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}; choose another --format FILE") from error


def wants_colour() -> bool:
    """Whether standard output is a terminal that takes colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_width() -> int:
    """Columns of the terminal; 120 where there is none."""
    if not sys.stdout.isatty():
        return 120
    return max(os.get_terminal_size(sys.stdout.fileno()).columns, 60)
