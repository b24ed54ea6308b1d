"""Policies of your own: list them, check them, and run them against their examples."""

from __future__ import annotations

import argparse
import sys

from seawall.cli.main import EXIT_USAGE, CommandError
from seawall.engine.config import ConfigError, Project, load_project
from seawall.reports.excerpt import many, printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the subcommands."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|check|test")
    listing = commands.add_parser("list", help="all policies, a line each")
    check = commands.add_parser("check", help="tell every mistake in admission policies; exit code 2 if there is one")
    test = commands.add_parser("test", help="judge the examples beside the policies; exit code 1 if one is wrong")
    for command in (listing, check, test):
        command.add_argument("--config", metavar="FILE", help="read this instead of ./seawall.yaml")
        command.add_argument(
            "paths", nargs="*", metavar="PATH", help="files and folders with ValidatingAdmissionPolicies as well"
        )


def run(args: argparse.Namespace) -> int:
    """Run the subcommand and return its exit code."""
    try:
        project = load_project(args.config)
        if not (project.config.policies or project.config.admission_policies or args.paths):
            raise CommandError("there are no `policies` in seawall.yaml, and no file with policies is named")
        if args.command == "list":
            return _list(project, args.paths)
        return _check(project, args.paths) if args.command == "check" else _test(project, args.paths)
    except ConfigError as error:
        raise CommandError(str(error)) from error


def _list(project: Project, paths: list[str]) -> int:
    from seawall.engine.policyset import own_rules

    for rule in own_rules(project, [*project.admission_files(), *paths])[0]:
        title = "" if rule.title == rule.id else rule.title
        sys.stdout.write(f"{printable(f'{rule.severity:<9} {rule.id:<36} {title}'.rstrip())}\n")
    return 0


def _check(project: Project, paths: list[str]) -> int:
    from seawall.engine.policyset import check_policies

    count, faults = check_policies(project, [*project.admission_files(), *paths])
    sys.stdout.writelines(f"{printable(str(each))}\n" for each in faults)
    sys.stdout.write(f"{count} {'policy' if count == 1 else 'policies'}, {many(len(faults), 'mistake')}\n")
    return EXIT_USAGE if faults else 0


def _test(project: Project, paths: list[str]) -> int:
    from seawall.engine.policytest import run_examples

    outcomes = list(run_examples(project, paths))
    for each in outcomes:
        number = f" {each.number}" if each.number else ""
        said = f"FAILED: {each.wrong}" if each.wrong else "ok"
        sys.stdout.write(printable(f"{each.policy}: {each.verdict}{number}: {said}") + "\n")
    failed = sum(bool(each.wrong) for each in outcomes)
    sys.stdout.write(f"{many(len(outcomes), 'example')}, {failed} failed\n")
    return int(bool(failed))
