"""Who can do what in a cluster, answered as Kubernetes' RBAC authorizer does, with the binding behind each answer."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from seawall.analysis.access import QuestionError
from seawall.analysis.access.node_rights import note_for
from seawall.cli import access_make
from seawall.cli.inputs import add_input_arguments, add_version_argument, kubernetes_version, read_options
from seawall.cli.main import EXIT_USAGE, CommandError, say
from seawall.cli.output import add_format_argument, parse_outputs, terminal_width, write
from seawall.engine.access import Estate
from seawall.model.access import Request
from seawall.reports import access as report

_FORMATS = ("terminal", "json")
_MATRIX_FORMATS = ("terminal", "json", "csv", "html")
_SUBJECT = "user:NAME, group:NAME, sa:NAMESPACE/NAME, or a user name"
_RESOURCE = "RESOURCE[.GROUP][/SUBRESOURCE][/NAME], or a path such as /metrics"

#: The exit code, the body of the JSON document, and the text for the terminal.
Answer = tuple[int, dict[str, object], Iterable[str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the subcommands."""
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="can|who-can|of|matrix|escalation|minimize|accounts|abac"
    )
    can = commands.add_parser("can", help="whether a subject may; exit code 0 yes, 1 no")
    can.add_argument("subject", metavar="SUBJECT", help=_SUBJECT)
    who = commands.add_parser("who-can", help="everyone who may")
    of = commands.add_parser("of", help="everything that a subject may do")
    of.add_argument("subject", metavar="SUBJECT", help=_SUBJECT)
    escalation = commands.add_parser("escalation", help="who can become what, step by step")
    escalation.add_argument("--subject", default="", metavar="SUBJECT", help=f"what this one can become ({_SUBJECT})")
    escalation.add_argument(
        "--to",
        default="",
        metavar="GOAL",
        help="only ways to cluster-admin, node, or a SUBJECT (default: the first two)",
    )
    escalation.add_argument("--all", action="store_true", help="ways of Kubernetes' own accounts too")
    add_version_argument(escalation)
    matrix = commands.add_parser("matrix", help="subjects by resources")
    matrix.add_argument("--resource", action="append", default=[], metavar="R", help="a column; repeatable")
    matrix.add_argument("--all-resources", action="store_true", help="a column for every resource that a role names")
    for command in (can, who):
        command.add_argument("verb", metavar="VERB", help="get, list, watch, create, update, patch, delete, ...")
        command.add_argument("resource", metavar="RESOURCE", help=_RESOURCE)
        command.add_argument("-n", "--namespace", default="", metavar="NS", help="where (default: the whole cluster)")
    for command in (can, of):
        command.add_argument("--group", action="append", default=[], metavar="NAME", help="a group the subject is in")
    for command in (can, who, of, escalation, matrix):
        add_input_arguments(command, default="cluster", namespace=False)
        add_format_argument(command, _MATRIX_FORMATS if command is matrix else _FORMATS)
    access_make.add_commands(commands)


def run(args: argparse.Namespace) -> int:
    """Answer, and return the exit code."""
    make = access_make.COMMANDS.get(args.command)
    if make is not None:
        return make(args)
    outputs = parse_outputs(args.format, _MATRIX_FORMATS if args.command == "matrix" else _FORMATS)
    estate = Estate(read_options(args))
    try:
        code = (
            _matrix(args, estate, outputs, estate.problems())
            if args.command == "matrix"
            else _tell(args, estate, outputs)
        )
    except QuestionError as error:
        raise CommandError(str(error)) from error
    for note in estate.notes:
        say(f"note: {note}")
    problems = estate.problems()
    for problem in problems:
        say(problem)
    return EXIT_USAGE if problems else code


def _tell(args: argparse.Namespace, estate: Estate, outputs: Sequence[tuple[str, str | None]]) -> int:
    answer: Callable[[argparse.Namespace, Estate], Answer] = {
        "can": _can,
        "who-can": _who,
        "of": _of,
        "escalation": _escalation,
    }[args.command]
    code, body, text = answer(args, estate)
    lines = list(text)
    for name, file in outputs:
        if name == "json":
            write(report.document(args.command, body, estate.problems()), file)
        else:
            write(_encoded(lines), file)
    return code


def _encoded(lines: Iterable[str]) -> Iterator[bytes]:
    return (line.encode("utf-8", "replace") for line in lines)


def _request(args: argparse.Namespace, estate: Estate) -> Request:
    return estate.request(args.verb, args.resource, args.namespace)


def _can(args: argparse.Namespace, estate: Estate) -> Answer:
    verdict = estate.can(args.subject, tuple(args.group), _request(args, estate))
    code = {"allowed": 0, "denied": 1, "unknown": EXIT_USAGE}[verdict.answer]
    return code, {"verdict": msgspec.to_builtins(verdict)}, report.verdict(verdict)


def _who(args: argparse.Namespace, estate: Estate) -> Answer:
    request = _request(args, estate)
    found, note = estate.who(request), note_for(request)
    body = {"request": msgspec.to_builtins(request), "reasons": msgspec.to_builtins(found), "note": note}
    return 0, body, report.who(request, found, note)


def _of(args: argparse.Namespace, estate: Estate) -> Answer:
    actor, held = estate.holdings(args.subject, tuple(args.group))
    return (
        0,
        {"actor": msgspec.to_builtins(actor), "rules": msgspec.to_builtins(held)},
        report.holdings(actor, held),
    )


def _escalation(args: argparse.Namespace, estate: Estate) -> Answer:
    found = estate.escalations(args.subject, args.to, kubernetes_version(args) or estate.version, args.all)
    return 0, {"escalations": msgspec.to_builtins(found)}, report.escalations(found)


def _matrix(
    args: argparse.Namespace, estate: Estate, outputs: Sequence[tuple[str, str | None]], problems: list[str]
) -> int:
    from seawall.reports import matrix as drawn

    found = estate.matrix(args.resource, args.all_resources)
    for name, file in outputs:
        if name == "terminal":
            write(_encoded(drawn.terminal(found, terminal_width())), file)
        elif name == "csv":
            write(drawn.csv(found), file)
        else:
            document = b"".join(report.document("matrix", {"matrix": msgspec.to_builtins(found)}, problems))
            write([document if name == "json" else drawn.html(document)], file)
    return 0
