"""Search all that the history of a Git repository ever held, deleted files too."""

from __future__ import annotations

import argparse

from seawall.cli.main import CommandError
from seawall.cli.secrets_common import add_search_arguments, search
from seawall.engine.secrets import search_history
from seawall.sources.git import GitError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    parser.add_argument("repository", nargs="?", default=".", metavar="REPO", help="a folder of it (default: here)")
    told = "only these commits (main..HEAD); repeatable (default: all of all branches, tags and stashes)"
    parser.add_argument("--rev", action="append", default=[], metavar="RANGE", help=told)
    parser.add_argument("--since", default="", metavar="DATE", help="only commits after this day")
    add_search_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Search, report, and return the exit code."""
    try:
        return search(
            args, lambda judge, progress: search_history(judge, args.repository, args.rev, args.since, progress)
        )
    except GitError as error:
        raise CommandError(str(error)) from error
