"""List the rules, or explain one by its id or by a peer's id."""

from __future__ import annotations

import argparse

from seawall.cli.main import CommandError
from seawall.cli.output import add_format_argument, parse_outputs, write
from seawall.engine.catalogue import load_all_rules
from seawall.engine.selection import least_profile
from seawall.model.rule import Rule
from seawall.model.version import NEWEST
from seawall.reports import lists
from seawall.reports.rulepage import rule_page

_FORMATS = ("terminal", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|show")
    listing = commands.add_parser("list", help="all rules, a line each")
    show = commands.add_parser("show", help="one rule: why, examples, how to mend")
    show.add_argument("id", metavar="ID", help="a rule or policy, or the id of the same check in another tool")
    show.add_argument("--config", metavar="FILE", help="read this instead of ./seawall.yaml, for policies of your own")
    show.add_argument(
        "--policy", action="append", default=[], metavar="PATH", help="files with admission policies, as for a scan"
    )
    for command in (listing, show):
        add_format_argument(command, _FORMATS)


def run(args: argparse.Namespace) -> int:
    """Print what was asked for."""
    outputs = parse_outputs(args.format, _FORMATS)
    registry = load_all_rules()
    if args.command == "show":
        rules = list(registry.find(args.id) or _own(args))
        if not rules:
            own = ", and `seawall policy list` your own" if args.config or args.policy else ""
            raise CommandError(f"no rule is called {args.id!r}; `seawall rules list` shows them all{own}")
        text = "\n".join(rule_page(rule) for rule in rules)
    else:
        rules = sorted(registry, key=lambda rule: (rule.scope, rule.severity.rank, rule.id))
        text = "".join(f"{_line(rule)}\n" for rule in rules)
    for name, file in outputs:
        write([lists.rules(rules, NEWEST) if name == "json" else text.encode()], file)
    return 0


def _own(args: argparse.Namespace) -> list[Rule]:
    """The policies of the project, and of the files that are named, that are called that."""
    from seawall.engine.config import ConfigError, load_project
    from seawall.engine.policyset import own_rules

    try:
        project = load_project(args.config)
        found, _ = own_rules(project, [*project.admission_files(), *args.policy])
    except ConfigError as error:
        raise CommandError(str(error)) from error
    return [rule for rule in found if rule.id == args.id]


def _line(rule: Rule) -> str:
    profile = least_profile(rule, NEWEST)
    off = "" if profile == "default" else f"  (profile {profile})"
    return f"{rule.scope:<16} {rule.severity:<9} {rule.id:<36} {rule.title}{off}"
