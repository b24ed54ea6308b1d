"""Check seawall.yaml and seawall-waivers.yaml: every mistake with its line, and what was probably meant."""

from __future__ import annotations

import argparse

from seawall.cli.main import EXIT_USAGE, CommandError
from seawall.cli.output import add_format_argument, parse_outputs, write
from seawall.engine.config import ConfigError
from seawall.engine.configmeaning import check_files
from seawall.reports import lists
from seawall.reports.excerpt import many, printable

_FORMATS = ("terminal", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the subcommands."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="check")
    check = commands.add_parser("check", help="tell every mistake; exit code 2 if there is one")
    check.add_argument("file", nargs="?", metavar="FILE", help="instead of those in the working directory")
    add_format_argument(check, _FORMATS)


def run(args: argparse.Namespace) -> int:
    """Check, tell, and return the exit code."""
    outputs = parse_outputs(args.format, _FORMATS)
    try:
        files, problems = check_files(args.file)
    except ConfigError as error:
        raise CommandError(str(error)) from error
    count = many(len(problems), "mistake") if problems else "ok"
    lines = [*map(str, problems), f"{', '.join(files)}: {count}"]
    text = "".join(f"{printable(line)}\n" for line in lines)
    for name, file in outputs:
        write([lists.config_problems(files, problems) if name == "json" else text.encode("utf-8", "replace")], file)
    return EXIT_USAGE if problems else 0
