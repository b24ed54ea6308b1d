"""Policies of your own in seawall.yaml: list them, and run them against their examples."""

from __future__ import annotations

import argparse
import sys

from seawall.cli.main import CommandError
from seawall.engine.config import ConfigError, Project, load_project
from seawall.reports.excerpt import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the subcommands."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|test")
    listing = commands.add_parser("list", help="all policies, a line each")
    test = commands.add_parser("test", help="judge the examples in policies/ID.yaml; exit code 1 if one is wrong")
    for command in (listing, test):
        command.add_argument("--config", metavar="FILE", help="read this instead of ./seawall.yaml")


def run(args: argparse.Namespace) -> int:
    """Run the subcommand and return its exit code."""
    try:
        project = load_project(args.config)
        if not project.config.policies:
            raise CommandError("there are no `policies` in seawall.yaml")
        if args.command == "list":
            for policy in project.config.policies:
                line = f"{policy.severity:<9} {policy.id:<36} {policy.title or policy.message}"
                sys.stdout.write(f"{printable(line.rstrip())}\n")
            return 0
        return _test(project)
    except ConfigError as error:
        raise CommandError(str(error)) from error


def _test(project: Project) -> int:
    from seawall.engine.policytest import run_examples

    outcomes = list(run_examples(project))
    for each in outcomes:
        number = f" {each.number}" if each.number else ""
        said = f"FAILED: {each.wrong}" if each.wrong else "ok"
        sys.stdout.write(printable(f"{each.policy}: {each.verdict}{number}: {said}") + "\n")
    failed = sum(bool(each.wrong) for each in outcomes)
    sys.stdout.write(f"{len(outcomes)} examples, {failed} failed\n")
    return int(bool(failed))
