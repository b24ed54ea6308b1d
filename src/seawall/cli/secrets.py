"""Secrets: find them in files, histories and logs; move what stands in clear in manifests into a store."""

from __future__ import annotations

import argparse
from importlib import import_module

#: Subcommands: the module that defines each, with ``add_arguments`` and ``run``, and the line that help shows.
_COMMANDS = {
    "scan": ("secrets_scan", "search files and folders"),
    "git": ("secrets_git", "search all that the history of a repository ever held"),
    "logs": ("secrets_logs", "search a log"),
    "externalize": ("secrets_externalize", "write objects that take the values from a store, and what uses them"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the subcommands."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="|".join(_COMMANDS))
    for name, (module, told) in _COMMANDS.items():
        import_module(f"seawall.cli.{module}").add_arguments(commands.add_parser(name, help=told))


def run(args: argparse.Namespace) -> int:
    """Run a subcommand, and return the exit code."""
    code: int = import_module(f"seawall.cli.{_COMMANDS[args.command][0]}").run(args)
    return code
