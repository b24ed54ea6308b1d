"""Who can do what in a cluster, answered as Kubernetes' RBAC authorizer does, with the binding behind each answer."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable

import msgspec

from seawall.analysis.access import QuestionError, parse_subject
from seawall.cli.inputs import add_input_arguments, add_version_argument, kubernetes_version, read_options
from seawall.cli.main import EXIT_USAGE, CommandError
from seawall.cli.output import add_format_argument, parse_outputs, write
from seawall.engine.access import Estate
from seawall.engine.minimize import minimize
from seawall.model.access import Request
from seawall.reports import access as report
from seawall.reports import minimize as minimal

_FORMATS = ("terminal", "json")
_MINIMIZE_FORMATS = ("terminal", "yaml", "json")
_SUBJECT = "user:NAME, group:NAME, sa:NAMESPACE/NAME, or a user name"
_RESOURCE = "RESOURCE[.GROUP][/SUBRESOURCE][/NAME], or a path such as /metrics"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the subcommands."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="can|who-can|of|escalation|minimize")
    can = commands.add_parser("can", help="whether a subject may; exit code 0 yes, 1 no")
    can.add_argument("subject", metavar="SUBJECT", help=_SUBJECT)
    who = commands.add_parser("who-can", help="everyone who may")
    of = commands.add_parser("of", help="everything that a subject may do")
    of.add_argument("subject", metavar="SUBJECT", help=_SUBJECT)
    escalation = commands.add_parser("escalation", help="who can become what, step by step")
    escalation.add_argument(
        "--subject", default="", metavar="SUBJECT", help=f"all that this one can become ({_SUBJECT})"
    )
    for command in (can, who):
        command.add_argument("verb", metavar="VERB", help="get, list, watch, create, update, patch, delete, ...")
        command.add_argument("resource", metavar="RESOURCE", help=_RESOURCE)
        command.add_argument("-n", "--namespace", default="", metavar="NS", help="where (default: the whole cluster)")
    for command in (can, of):
        command.add_argument("--group", action="append", default=[], metavar="NAME", help="a group the subject is in")
    for command in (can, who, of, escalation):
        add_input_arguments(command, default="cluster")
        add_format_argument(command, _FORMATS)

    _add_minimize(commands.add_parser("minimize", help="the least roles that the use in audit logs needs"))


def _add_minimize(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--audit", action="append", required=True, metavar="LOG", help="JSON lines, also gzip; - is stdin"
    )
    command.add_argument("--subject", action="append", default=[], metavar="SUBJECT", help="only these; repeatable")
    command.add_argument(
        "--any-name", action="store_true", help="never name single objects: wider roles that last longer"
    )
    command.add_argument("--exclude", action="append", default=[], metavar="GLOB", help=argparse.SUPPRESS)
    add_version_argument(command)
    add_format_argument(command, _MINIMIZE_FORMATS)
    command.add_argument("paths", nargs="*", metavar="PATH", help="roles and bindings as they are, to compare with")
    command.set_defaults(gitignore=False, usual_path="")


def run(args: argparse.Namespace) -> int:
    """Answer, and return the exit code."""
    if args.command == "minimize":
        return _minimize(args)
    outputs = parse_outputs(args.format, _FORMATS)
    estate = Estate(read_options(args))
    answer: Callable[[argparse.Namespace, Estate], tuple[int, dict[str, object], Iterable[str]]] = {
        "can": _can,
        "who-can": _who,
        "of": _of,
        "escalation": _escalation,
    }[args.command]
    try:
        code, body, text = answer(args, estate)
    except QuestionError as error:
        raise CommandError(str(error)) from error
    problems = estate.problems()
    lines = list(text)
    for name, file in outputs:
        if name == "json":
            write(report.document(args.command, body, problems), file)
        else:
            write((line.encode("utf-8", "replace") for line in lines), file)
    for problem in problems:
        sys.stderr.write(f"seawall: {problem}\n")
    return EXIT_USAGE if problems else code


def _request(args: argparse.Namespace, estate: Estate) -> Request:
    return estate.request(args.verb, args.resource, args.namespace)


def _can(args: argparse.Namespace, estate: Estate) -> tuple[int, dict[str, object], Iterable[str]]:
    verdict = estate.can(args.subject, tuple(args.group), _request(args, estate))
    code = {"allowed": 0, "denied": 1, "unknown": EXIT_USAGE}[verdict.answer]
    return code, {"verdict": msgspec.to_builtins(verdict)}, report.verdict(verdict)


def _who(args: argparse.Namespace, estate: Estate) -> tuple[int, dict[str, object], Iterable[str]]:
    request = _request(args, estate)
    found = estate.who(request)
    return (
        0,
        {"request": msgspec.to_builtins(request), "reasons": msgspec.to_builtins(found)},
        report.who(request, found),
    )


def _of(args: argparse.Namespace, estate: Estate) -> tuple[int, dict[str, object], Iterable[str]]:
    actor, held = estate.grants(args.subject, tuple(args.group))
    grants = [{"subject": msgspec.to_builtins(subject), "grant": msgspec.to_builtins(grant)} for subject, grant in held]
    return 0, {"actor": msgspec.to_builtins(actor), "grants": grants}, report.holdings(actor, held)


def _escalation(args: argparse.Namespace, estate: Estate) -> tuple[int, dict[str, object], Iterable[str]]:
    found = estate.escalations(args.subject)
    return 0, {"escalations": msgspec.to_builtins(found)}, report.escalations(found)


def _minimize(args: argparse.Namespace) -> int:
    outputs = parse_outputs(args.format, _MINIMIZE_FORMATS)
    try:
        subjects = frozenset(parse_subject(text).username for text in args.subject)
    except QuestionError as error:
        raise CommandError(str(error)) from error
    estate = Estate(read_options(args)) if args.paths else None
    try:
        found = minimize(tuple(args.audit), estate, kubernetes_version(args), not args.any_name, subjects)
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}") from error
    for name, file in outputs:
        if name == "json":
            write(minimal.document(found), file)
        else:
            text = minimal.roles(found) if name == "yaml" else "".join(minimal.overview(found))
            write([text.encode("utf-8", "replace")], file)
    problems = [f"{each.source}:{each.line}: {each.message}" for each in found.problems]
    problems += estate.problems() if estate is not None else []
    if not found.window.events:
        problems.append("no finished request was found in the logs")
    for problem in problems:
        sys.stderr.write(f"seawall: {problem}\n")
    lost = any(actor.lost for actor in found.actors)
    return EXIT_USAGE if problems or lost else 0
