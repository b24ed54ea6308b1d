"""Waivers: write one, tell what became of each, and take over those of other tools."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date, timedelta

from seawall.cli.inputs import add_input_arguments
from seawall.cli.main import EXIT_USAGE, CommandError, say
from seawall.cli.output import add_format_argument, parse_outputs, write
from seawall.cli.scan import add_judging_arguments, scan_options
from seawall.engine import UsageError, load_rules, scan
from seawall.engine.config import ConfigError
from seawall.engine.selection import UnknownRule
from seawall.engine.waiverfile import append_waivers, default_file, entries_text
from seawall.engine.waiverimport import FORMS, import_waivers
from seawall.findings.selecting import Selector
from seawall.findings.waivers import WaiverEntry, rules_of
from seawall.reports import waivers as report

_FORMATS = ("terminal", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the subcommands."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="add|audit|import")
    add = commands.add_parser("add", help="write a waiver at the end of the file; comments stay")
    add.add_argument("rule", nargs="+", metavar="RULE", help="an id, another tool's id, or a glob of ids")
    add.add_argument("--reason", required=True, help="why this is accepted")
    add.add_argument("--owner", default="", help="who answers for it")
    end = add.add_mutually_exclusive_group()
    end.add_argument("--expires", metavar="DATE", help="its last day, as 2027-01-31")
    end.add_argument("--days", type=int, metavar="N", help="so many days from today")
    for name in ("kind", "namespace", "name", "path", "image"):
        add.add_argument(f"--{name}", action="append", default=[], metavar="GLOB", help="only there; repeatable")
    add.add_argument("--label", action="append", default=[], metavar="KEY=GLOB", help="only there; repeatable")
    audit = commands.add_parser("audit", help="which waivers match, end, or should go; exit code 1 if any should")
    add_input_arguments(audit)
    add_format_argument(audit, _FORMATS)
    add_judging_arguments(audit)
    take = commands.add_parser("import", help="take over .trivyignore, Checkov's baseline, Kubescape's exceptions")
    take.add_argument("source", metavar="FILE")
    take.add_argument("--from", dest="form", choices=FORMS, help="what the file is (told by its name)")
    take.add_argument("--dry-run", action="store_true", help="print the waivers, and write nothing")
    for command in (add, take):
        command.add_argument("--file", metavar="FILE", help="instead of seawall-waivers.yaml")


def run(args: argparse.Namespace) -> int:
    """Run the subcommand and return its exit code."""
    command = {"add": _add, "audit": _audit, "import": _import}[args.command]
    try:
        return command(args)
    except ConfigError as error:
        raise CommandError(str(error)) from error


def _add(args: argparse.Namespace) -> int:
    registry = load_rules()
    for name in args.rule:
        if not rules_of(registry, name):
            raise CommandError(f"no rule is called {name!r}; `seawall rules list` shows them all")
    if not args.reason.strip():
        raise CommandError("--reason must say why")
    labels = dict(item.partition("=")[::2] for item in args.label)
    parts = {name: _one(getattr(args, name)) for name in ("kind", "namespace", "name", "path", "image")}
    entry = WaiverEntry(_one(args.rule), args.reason, Selector(labels=labels, **parts), args.owner, _expires(args))
    file = args.file or default_file()
    append_waivers(file, [entry])
    say(f"wrote the waiver to {file}")
    if entry.select.everything():
        say("note: it selects every object; --namespace, --name and their like narrow it down")
    return 0


def _one(values: Sequence[str]) -> str | tuple[str, ...]:
    return values[0] if len(values) == 1 else tuple(values)


def _expires(args: argparse.Namespace) -> date | None:
    if args.days is not None:
        if not 0 <= args.days <= 36500:
            raise CommandError("--days must be from 0 to 36500")
        return date.today() + timedelta(days=args.days)
    if args.expires is None:
        return None
    try:
        return date.fromisoformat(args.expires)
    except ValueError as error:
        raise CommandError(f"--expires {args.expires}: write a date as 2027-01-31") from error


def _audit(args: argparse.Namespace) -> int:
    outputs = parse_outputs(args.format, _FORMATS)
    try:
        result = scan(scan_options(args))
    except (UnknownRule, UsageError) as error:
        raise CommandError(str(error)) from error
    rows = report.rows(result)
    for name, file in outputs:
        write(report.render(name, result, rows), file)
    for reason in result.reasons():
        say(reason)
    if not result.complete:
        say("the run is incomplete: waivers told as unused may match what was not judged")
        return EXIT_USAGE
    return int(any(row.wrong for row in rows))


def _import(args: argparse.Namespace) -> int:
    imported = import_waivers(load_rules(), args.source, args.form)
    for line in imported.lost:
        say(f"not carried over: {line}")
    if args.dry_run:
        sys.stdout.write(entries_text(imported.entries) if imported.entries else "")
    elif imported.entries:
        file = args.file or default_file()
        append_waivers(file, imported.entries)
        say(f"wrote {len(imported.entries)} waivers to {file}")
    if not imported.entries:
        say(f"{args.source} holds nothing to carry over")
    return int(bool(imported.lost))
