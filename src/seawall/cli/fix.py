"""Mend findings in the manifests themselves, as far as that is safe, and show by another scan that they are gone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from seawall.cli.inputs import add_input_arguments
from seawall.cli.main import CommandError, say
from seawall.cli.output import add_format_argument, parse_outputs, terminal_width, wants_colour, write
from seawall.cli.scan import add_judging_arguments, fail_on, scan_options, tell
from seawall.engine import UsageError
from seawall.engine.config import ConfigError
from seawall.engine.fix import FixOptions, FixResult, fix
from seawall.engine.fix import write as write_files
from seawall.engine.rewrite import Planned
from seawall.engine.selection import UnknownRule
from seawall.model.finding import SourceError
from seawall.reports import FORMATS, render
from seawall.reports.excerpt import printable
from seawall.reports.fix import patch, terminal
from seawall.reports.view import View

_PATCH = "patch"
_STDIN = "<stdin>"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    add_input_arguments(parser)
    add_format_argument(parser, [*FORMATS, _PATCH])
    add_judging_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="tell what would be fixed, and write nothing")
    parser.add_argument("--interactive", action="store_true", help="show each fix and ask; also those that can break")
    parser.add_argument("--unsafe", action="store_true", help="make fixes too that a workload may not stand")
    parser.add_argument("--keep-going", action="store_true", help="do not exit 2 for inputs that cannot be read")


def run(args: argparse.Namespace) -> int:
    """Fix, report, and return the exit code: that of a scan of what is there with the fixes made."""
    outputs = parse_outputs(args.format, [*FORMATS, _PATCH])
    if args.interactive and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CommandError("--interactive asks on a terminal, and there is none; use --dry-run or --format patch")
    chooser = _Chooser() if args.interactive else None
    rules = tuple(args.rule)
    args.rule = []
    options = FixOptions(scan_options(args), rules, args.unsafe, chooser.choose if chooser else None)
    try:
        result = fix(options)
    except (UnknownRule, UsageError, ConfigError) as error:
        raise CommandError(str(error)) from error
    # A patch is made instead of writing; with --dry-run nothing is written either.
    writes = not args.dry_run and all(name != _PATCH for name, _ in outputs)
    to_stdout = any(file.path == _STDIN for file in result.files)
    problems = write_files(result) if writes else []
    _report(args, outputs, result, writes and not to_stdout)
    for problem in problems:
        say(str(problem))
    tell(result.after)
    return 2 if problems else result.after.exit_code(fail_on(args), args.keep_going)


def _report(args: argparse.Namespace, outputs: list[tuple[str, str | None]], result: FixResult, written: bool) -> None:
    view = View(wants_colour(), "object", terminal_width(), max(args.limit, 0))
    fixed_input = next((file.after for file in result.files if file.path == _STDIN), None)
    if fixed_input is None and not args.dry_run and "-" in args.paths:
        fixed_input = result.before.texts.get(_STDIN)
    for name, file in outputs:
        if name == _PATCH:
            write(_patches(result), file)
        elif name != "terminal":
            write(render(name, result.after, view), file)
        elif fixed_input is not None and not args.dry_run and file is None:
            # What came by standard input leaves by standard output; what there is to tell goes beside it.
            write([fixed_input], None)
            sys.stderr.write(b"".join(terminal(result, written=True, limit=view.limit)).decode())
        else:
            write(terminal(result, written=written, limit=view.limit), file)


def _patches(result: FixResult) -> Iterator[bytes]:
    for file in result.files:
        if b"\0" in file.before:
            error = SourceError(file.path, "", "is not UTF-8, and Git would not take a patch of it; fix it in place")
            raise CommandError(str(error))
    return patch([(file.path, file.before, file.after) for file in result.files])


class _Chooser:
    """Asks about one fix after the other."""

    def __init__(self) -> None:
        self._always: bool | None = None

    def choose(self, planned: Planned, files: dict[str, tuple[bytes, bytes]]) -> bool:
        """Whether to make this fix; ``all`` and ``quit`` answer for all that follow, cautious ones excepted."""
        if self._always is False or (self._always and not planned.caution):
            return bool(self._always)
        finding = planned.finding
        sys.stderr.write(f"\n{printable(f'{finding.rule} ({finding.severity}): {finding.message}')}\n")
        if planned.caution:
            sys.stderr.write(f"take care: {planned.caution}\n")
        text = b"".join(patch([(path, before, after) for path, (before, after) in files.items()]))
        sys.stderr.write("".join(f"{printable(line)}\n" for line in text.decode("utf-8", "replace").splitlines()))
        while True:
            sys.stderr.write("fix this? [y]es, [n]o, [a]ll that are safe, [q]uit: ")
            sys.stderr.flush()
            answer = sys.stdin.readline()
            word = answer.strip().lower()
            if not answer or word in ("q", "quit"):
                self._always = False
                return False
            if word in ("a", "all"):
                self._always = True
                return not planned.caution
            if word in ("y", "yes", "n", "no"):
                return word.startswith("y")
