"""Answer every control of a framework from scans, facts of nodes, results and what people attest."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime

from msgspec import structs

from seawall.cli.inputs import add_reading_arguments, add_version_argument, kubernetes_version, read_options
from seawall.cli.main import CommandError, say
from seawall.cli.output import add_format_argument, parse_outputs, write
from seawall.cli.rendering import add_revision_argument
from seawall.engine import ReadOptions, ScanOptions, UsageError
from seawall.engine.attestations import DEFAULT_FILE, Attestations, attest, read_attestations
from seawall.engine.comply import comply
from seawall.engine.complyreport import Report
from seawall.engine.complysources import SourcesProblem, gather
from seawall.engine.complytrend import TrendError, add_trend
from seawall.engine.config import ConfigError
from seawall.engine.frameworks import Framework, UnknownFramework, framework, names, read_framework
from seawall.engine.gap import gap
from seawall.engine.results import ResultsError
from seawall.model.finding import Severity
from seawall.reports import comply as report
from seawall.reports import lists
from seawall.reports.excerpt import printable

_MOST_TOLD = 20
_COMMANDS = ("list", "show", "gap", "attest")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the arguments: words, and what goes with each use."""
    parser.usage = (
        "seawall comply FRAMEWORK --on PATH ... | list | show FRAMEWORK [CONTROL] | gap FRAMEWORK FRAMEWORK"
        " | attest FRAMEWORK CONTROL --by NAME --until DATE (--text TEXT | --file FILE ...)"
    )
    parser.add_argument("words", nargs="+", metavar="FRAMEWORK", help="a framework, or list, show, gap, attest")
    parser.add_argument(
        "--on", action="append", default=[], metavar="PATH", help="cluster, snapshot, manifests, facts or results"
    )
    parser.add_argument("--framework-file", action="append", default=[], metavar="FILE", help="your own framework")
    parser.add_argument("--attestations", metavar="FILE", help=f"what people attest (./{DEFAULT_FILE} if it is there)")
    parser.add_argument("--previous", metavar="FILE", help="an earlier run (JSON) to tell the trend from")
    parser.add_argument("--owner-label", action="append", metavar="KEY", help="label of owners (owner, team)")
    add_format_argument(parser, report.FORMATS)
    severities = [str(severity) for severity in Severity]
    parser.add_argument("--fail-on", choices=[*severities, "none"], default="high", help="exit 1 from this on (high)")
    parser.add_argument("--keep-going", action="store_true", help="do not exit 2 for inputs that cannot be read")
    parser.add_argument("--allow-not-checked", action="store_true", help="nor for controls that the inputs leave open")
    add_version_argument(parser)
    add_revision_argument(parser)
    add_reading_arguments(parser)
    group = parser.add_argument_group("for `comply attest`")
    group.add_argument("--text", default="", help="what is attested")
    group.add_argument("--file", action="append", default=[], metavar="FILE", help="evidence; kept by its SHA-256")
    group.add_argument("--by", default="", metavar="NAME", help="who attests it")
    group.add_argument("--until", metavar="DATE", help="when it must be looked at again (2027-06-30)")


def run(args: argparse.Namespace) -> int:
    """Do what was asked for, and return the exit code."""
    word, *rest = args.words
    command = word if word in _COMMANDS else "judge"
    uses = {"list": _list, "show": _show, "gap": _gap, "attest": _attest, "judge": _judge}
    try:
        return uses[command](args, rest if word in _COMMANDS else args.words)
    except (UnknownFramework, ConfigError, SourcesProblem, ResultsError, UsageError, TrendError) as error:
        raise CommandError(printable(str(error))) from error


def _own(args: argparse.Namespace) -> dict[str, Framework]:
    found: dict[str, Framework] = {}
    for file in args.framework_file:
        each = read_framework(file)
        if each.id in found or each.id in names():
            raise ConfigError(f"{file}: the id {each.id!r} is taken; choose another")
        found[each.id] = each
    return found


def _named(args: argparse.Namespace, name: str) -> Framework:
    return _own(args).get(name) or framework(name)


def _words(words: list[str], least: int, most: int, usage: str) -> list[str]:
    if not least <= len(words) <= most:
        raise CommandError(f"usage: seawall comply {usage}")
    return words


def _list(args: argparse.Namespace, words: list[str]) -> int:
    _words(words, 0, 0, "list")
    listed = [*(framework(name) for name in names()), *_own(args).values()]
    coverage = {each.id: report.coverage(each) for each in listed}
    return _tell_list(args, report.listing(listed), lambda: lists.frameworks(listed, coverage))


def _show(args: argparse.Namespace, words: list[str]) -> int:
    name, *control = _words(words, 1, 2, "show FRAMEWORK [CONTROL]")
    found = _named(args, name)
    if control:
        one = found.get(control[0])
        return _tell_list(args, report.explained(found, one), lambda: lists.controls(found, [one]))
    return _tell_list(args, report.shown(found), lambda: lists.controls(found, found.controls))


def _gap(args: argparse.Namespace, words: list[str]) -> int:
    first, second = (_named(args, name) for name in _words(words, 2, 2, "gap FRAMEWORK FRAMEWORK"))
    open_ = gap(first, second)
    return _tell_list(args, report.gaps(first, second, open_), lambda: lists.gaps(first, second, open_))


def _tell_list(args: argparse.Namespace, lines: Iterable[str], document: Callable[[], bytes]) -> int:
    for name, file in parse_outputs(args.format, ("terminal", "json")):
        write([document()] if name == "json" else (line.encode("utf-8", "replace") for line in lines), file)
    return 0


def _attest(args: argparse.Namespace, words: list[str]) -> int:
    name, control = _words(words, 2, 2, "attest FRAMEWORK CONTROL --by NAME --until DATE --text TEXT")
    found = _named(args, name)
    found.get(control)
    if args.until is None:
        raise CommandError("an attestation must end: name the day when it is to be looked at again with --until")
    try:
        until = date.fromisoformat(args.until)
    except ValueError as error:
        raise CommandError(f"--until {args.until} is no day; write it as 2027-06-30") from error
    file = args.attestations or DEFAULT_FILE
    done = attest(file, (found.id, control), (args.text, args.file), args.by, (_today(), until))
    _print([f"{file}: {found.id} {control}: {printable(done.told())}\n"])
    return 0


def _judge(args: argparse.Namespace, words: list[str]) -> int:
    outputs = parse_outputs(args.format, report.FORMATS)
    found = _named(args, _words(words, 1, 1, "FRAMEWORK --on PATH")[0])
    if not args.on:
        raise CommandError("there is nothing to judge: name the cluster, a snapshot, manifests or facts with --on")
    args.paths = args.on
    options = ScanOptions(read=ReadOptions(()), version=kubernetes_version(args))
    options = structs.replace(options, read=read_options(args))
    keys = tuple(args.owner_label) if args.owner_label else ("owner", "team")
    sources = gather([found], options, args.keep_going, keys)
    result = comply(found, sources, _attestations(args))
    if args.previous:
        add_trend(result, args.previous)
    for name, file in outputs:
        write(_rendered(name, result), file)
    _tell(result)
    fail_on = None if args.fail_on == "none" else Severity(args.fail_on)
    return result.exit_code(fail_on, args.allow_not_checked)


def _rendered(name: str, result: Report) -> Iterable[bytes]:
    try:
        return list(report.render(name, result))
    except ImportError as error:
        raise CommandError(f"--format {name} needs more: install seawall[{name}] ({error})") from error


def _attestations(args: argparse.Namespace) -> Attestations | None:
    file = args.attestations or (DEFAULT_FILE if os.path.exists(DEFAULT_FILE) else None)
    return read_attestations(file, _today()) if file else None


def _today() -> date:
    return datetime.now(UTC).date()


def _print(lines: Iterable[str]) -> None:
    write((line.encode("utf-8", "replace") for line in lines), None)


def _tell(result: Report) -> None:
    lines = [f"note: {note}" for note in result.notes] + result.problems
    unanswered = sum(control.unanswered for control in result.controls)
    if unanswered:
        lines.append(f"{unanswered} controls need other inputs; give them with --on, or say --allow-not-checked")
    for line in lines[:_MOST_TOLD]:
        say(line)
    if len(lines) > _MOST_TOLD:
        say(f"{len(lines) - _MOST_TOLD} more; --format json lists all")
    if not result.complete:
        say("the run is incomplete")
