"""Search a log for secrets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import partial

from seawall.cli.main import CommandError
from seawall.cli.secrets_common import add_search_arguments, search
from seawall.engine.secrets import search_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    parser.add_argument("log", metavar="FILE", help="the log, - for standard input")
    add_search_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Search, report, and return the exit code."""
    return search(args, lambda judge, progress: search_log(judge, args.log, _pieces(args.log)))


def _pieces(name: str) -> Iterator[bytes]:
    try:
        if name == "-":
            yield from iter(partial(sys.stdin.buffer.read, 1 << 20), b"")
            return
        with open(name, "rb") as stream:
            yield from iter(partial(stream.read, 1 << 20), b"")
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error
