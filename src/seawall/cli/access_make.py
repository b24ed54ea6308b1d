"""The commands of ``seawall access`` that write roles: minimize, accounts, abac."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

from seawall.analysis.access import QuestionError, parse_subject
from seawall.cli.inputs import add_input_arguments, add_version_argument, kubernetes_version, read_options
from seawall.cli.main import EXIT_USAGE, CommandError, say
from seawall.cli.output import add_format_argument, parse_outputs, write
from seawall.engine.access import Estate
from seawall.model.version import NEWEST

T = TypeVar("T")

_MINIMIZE_FORMATS = ("terminal", "yaml", "json")
_ACCOUNTS_FORMATS = ("terminal", "yaml", "patch", "json")
_ABAC_FORMATS = ("yaml",)
_AUDIT = "audit events, JSON lines, also gzip; - is standard input; repeatable"


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Define the subcommands."""
    minimize = commands.add_parser(
        "minimize",
        help="the least roles that the use in audit logs needs",
        description="The least roles that the use in audit logs needs; PATHs are roles and bindings to compare with.",
    )
    minimize.add_argument("--audit", action="append", required=True, metavar="LOG", help=_AUDIT)
    minimize.add_argument("--subject", action="append", default=[], metavar="SUBJECT", help="only these; repeatable")
    minimize.add_argument(
        "--widen", action="store_true", help="never name single objects: wider roles that last longer"
    )
    add_input_arguments(minimize, default="", namespace=False)
    add_version_argument(minimize)
    add_format_argument(minimize, _MINIMIZE_FORMATS)
    accounts = commands.add_parser("accounts", help="an account and a role for each workload that shares one")
    accounts.add_argument("--audit", action="append", default=[], metavar="LOG", help=f"give what was used: {_AUDIT}")
    add_version_argument(accounts)
    add_input_arguments(accounts, default="cluster", namespace=False)
    add_format_argument(accounts, _ACCOUNTS_FORMATS)
    abac = commands.add_parser("abac", help="legacy ABAC policies as RBAC")
    abac.add_argument("file", metavar="FILE", help="a policy file, a JSON object a line")
    add_format_argument(abac, _ABAC_FORMATS, default="yaml")


def _say(problems: Iterable[str]) -> bool:
    """Write lines to standard error; tells whether there were any."""
    said = False
    for problem in problems:
        say(problem)
        said = True
    return said


def _minimize(args: argparse.Namespace) -> int:
    from seawall.engine.minimize import minimize
    from seawall.reports import minimize as minimal

    outputs = parse_outputs(args.format, _MINIMIZE_FORMATS)
    try:
        subjects = frozenset(parse_subject(text).username for text in args.subject)
    except QuestionError as error:
        raise CommandError(str(error)) from error
    if "" in subjects:
        raise CommandError("--subject takes users and service accounts: audit logs tell the use of no group")
    estate = Estate(read_options(args)) if args.paths else None
    version = kubernetes_version(args) or (estate.version if estate is not None else NEWEST)
    try:
        found = _watched(lambda tell: minimize(tuple(args.audit), estate, version, not args.widen, subjects, tell))
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}") from error
    for name, file in outputs:
        if name == "json":
            write(minimal.document(found), file)
        else:
            parts = [minimal.roles(found)] if name == "yaml" else minimal.overview(found)
            write((part.encode("utf-8", "replace") for part in parts), file)
    problems = [f"{each.source}:{each.line}: {each.message}" for each in found.problems]
    problems += estate.problems() if estate is not None else []
    if not found.window.events:
        problems.append("no finished request was found in the logs")
    problems += [f"{name} was not seen in the logs" for name in sorted(subjects - found.names)]
    lost = any(actor.lost for actor in found.actors)
    return EXIT_USAGE if _say(problems) or lost else 0


def _watched(work: Callable[[Callable[[int], None] | None], T]) -> T:
    """Do something with a counter of events on a terminal."""
    if not sys.stderr.isatty():
        return work(None)
    from seawall.cli.progress import Progress

    with Progress("events read") as progress:
        return work(progress.update)


def _accounts(args: argparse.Namespace) -> int:
    from seawall.engine.accounts import own_accounts
    from seawall.reports import accounts as report

    outputs = parse_outputs(args.format, _ACCOUNTS_FORMATS)
    estate = Estate(read_options(args))
    try:
        found = own_accounts(estate, tuple(args.audit), kubernetes_version(args) or estate.version)
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}") from error
    for name, file in outputs:
        write(report.RENDERERS[name](found, estate.inventory), file)
    problems = [f"{each.source}:{each.line}: {each.message}" for each in found.problems]
    # Without bindings the accounts have no rights: that is an answer here.
    problems += [problem for problem in estate.problems() if not problem.startswith("no RoleBinding")]
    if not estate.inventory.workloads():
        problems.append("no workload was found: name the files, folder or snapshot with them")
    lost = any(each.lost for each in found.accounts)
    return EXIT_USAGE if _say(problems) or lost else 0


def _abac(args: argparse.Namespace) -> int:
    from seawall.engine.abac import convert_file, objects_of
    from seawall.reports.yamlout import to_documents

    outputs = parse_outputs(args.format, _ABAC_FORMATS, default="yaml")
    try:
        carried = convert_file(args.file)
    except OSError as error:
        raise CommandError(f"{args.file} cannot be read: {error.strerror}") from error
    for _, file in outputs:
        write([to_documents(objects_of(carried)).encode("utf-8", "replace")], file)
    problems = [f"{args.file}:{each.line}: not carried over: {each.message}" for each in carried.refused]
    if not carried.policies and not carried.refused:
        problems.append(f"{args.file} holds no policy")
    return EXIT_USAGE if _say(problems) else 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "minimize": _minimize,
    "accounts": _accounts,
    "abac": _abac,
}
