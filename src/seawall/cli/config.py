"""Check seawall.yaml and seawall-waivers.yaml: every mistake with its line, and what was probably meant."""

from __future__ import annotations

import argparse
import sys

import msgspec

from seawall.cli.main import EXIT_USAGE, CommandError
from seawall.engine.config import ConfigError
from seawall.engine.configmeaning import check_files
from seawall.reports.excerpt import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the subcommands."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="check")
    check = commands.add_parser("check", help="tell every mistake; exit code 2 if there is one")
    check.add_argument("file", nargs="?", metavar="FILE", help="instead of those in the working directory")
    check.add_argument("--format", choices=["terminal", "json"], default="terminal")


def run(args: argparse.Namespace) -> int:
    """Check, tell, and return the exit code."""
    try:
        files, problems = check_files(args.file)
    except ConfigError as error:
        raise CommandError(str(error)) from error
    if args.format == "json":
        document = {"schema": "seawall.config-check/v1", "files": files, "problems": problems}
        sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    else:
        sys.stdout.writelines(f"{printable(str(problem))}\n" for problem in problems)
        sys.stdout.write(f"{', '.join(files)}: {len(problems)} mistakes\n" if problems else f"{', '.join(files)}: ok\n")
    return EXIT_USAGE if problems else 0
