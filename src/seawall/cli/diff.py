"""Compare two states: results (JSON), folders, dumps of clusters, or Git revisions (git:REV, git:REV:PATH)."""

from __future__ import annotations

import argparse

from seawall.cli.inputs import add_reading_arguments
from seawall.cli.main import CommandError, say
from seawall.cli.output import add_format_argument, parse_outputs, view_of, write
from seawall.cli.scan import add_judging_arguments, fail_on, scan_options
from seawall.engine.diff import compare
from seawall.engine.results import ResultsError
from seawall.engine.selection import UnknownRule
from seawall.reports import render
from seawall.reports.diff import FORMATS, render_diff
from seawall.reports.view import View


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    parser.add_argument("paths", nargs=2, metavar="STATE", help="before and after")
    add_reading_arguments(parser)
    add_format_argument(parser, FORMATS)
    add_judging_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Compare, report, and return the exit code."""
    outputs = parse_outputs(args.format, FORMATS)
    options = scan_options(args)
    try:
        before, after = args.paths
        found = compare(before, after, options, lambda result: b"".join(render("json", result, View())))
    except (UnknownRule, ResultsError) as error:
        raise CommandError(str(error)) from error
    for name, file in outputs:
        write(render_diff(name, found, view_of(args, file)), file)
    for side in (found.before, found.after):
        for reason in side.reasons[:20]:
            say(f"{side.input}: {reason}")
    if not found.complete:
        say("the comparison is incomplete")
    return found.exit_code(fail_on(args))
