"""Search files and folders for secrets."""

from __future__ import annotations

import argparse

from seawall.cli.main import CommandError
from seawall.cli.secrets_common import add_search_arguments, search
from seawall.engine.secrets import FileOptions, search_files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files and folders")
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="leave out, as .gitignore does")
    parser.add_argument("--gitignore", action="store_true", help="honour .gitignore files")
    parser.add_argument("--max-size", type=int, default=1024, metavar="MIB", help="look at so much of a file (1024)")
    add_search_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Search, report, and return the exit code."""
    if args.max_size < 1:
        raise CommandError("--max-size is a number of MiB, 1 at least")
    options = FileOptions(tuple(args.exclude), args.gitignore, args.max_size << 20)
    return search(args, lambda judge, progress: search_files(judge, args.paths, options, progress))
