"""How an attacker gets from an entry to what matters, step by step; what few changes would end all such paths.

`seawall paths PATH` shows paths, `seawall paths summary PATH` counts them, `seawall paths chokepoints PATH` tells what
to remove. A folder of one of those names is written ./summary.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from seawall.analysis.paths.asking import NoSuchPlaceError
from seawall.cli.inputs import add_input_arguments, add_version_argument, kubernetes_version, read_options
from seawall.cli.main import EXIT_USAGE, CommandError, say
from seawall.cli.output import add_format_argument, parse_outputs, write
from seawall.engine.paths import CHOKED, TARGETS, Answer, Attack, Question, answer
from seawall.engine.results import ResultsError
from seawall.reports import paths as report

_QUESTIONS = ("summary", "chokepoints")
_FORMATS = ("terminal", "json", "html", "mermaid", "dot")
_ENTRIES = "exposed, workloads, NS/WORKLOAD, sa:NS/NAME, user:NAME, group:NAME, node:NAME; * stands for any text"
_TARGETS = "admin, nodes, secrets, cloud, data, secret:NS/NAME, or as --from; commas between several"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    add_input_arguments(parser, default="cluster", namespace=False)
    parser.add_argument("--from", dest="source", default="exposed", metavar="WHERE", help=f"{_ENTRIES} (exposed)")
    parser.add_argument("--to", dest="target", metavar="WHAT", help=f"{_TARGETS} ({TARGETS}; of choke points {CHOKED})")
    parser.add_argument("--limit", type=int, default=10, metavar="N", help="show at most so many paths (10)")
    told = "breach: everything that is exposed is broken into (default); cve: what --findings knows to be exploited"
    parser.add_argument("--assume", choices=("breach", "cve"), default="breach", help=told)
    told = "results of `seawall image` or `seawall scan --images`, for --assume cve; repeatable"
    parser.add_argument("--findings", action="append", default=[], metavar="FILE", help=told)
    add_version_argument(parser)
    add_format_argument(parser, _FORMATS)


def run(args: argparse.Namespace) -> int:
    """Answer, and return the exit code."""
    kind = args.paths.pop(0) if args.paths and args.paths[0] in _QUESTIONS else "paths"
    outputs = parse_outputs(args.format, _FORMATS)
    if args.limit < 1:
        raise CommandError("--limit is at least 1")
    if kind != "paths" and any(name in ("mermaid", "dot") for name, _ in outputs):
        raise CommandError("mermaid and dot draw paths; ask for them without `summary` or `chokepoints`")
    if (args.assume == "cve") != bool(args.findings):
        raise CommandError("--assume cve goes with --findings FILE, results of `seawall image ... --format json=FILE`")
    try:
        attack = Attack(read_options(args), kubernetes_version(args), args.findings or None)
    except ResultsError as error:
        raise CommandError(str(error)) from error
    target = args.target or (CHOKED if kind == "chokepoints" else TARGETS)
    question = Question(kind, args.source, target, args.limit)
    try:
        found = answer(attack, question, whole=any(name == "html" for name, _ in outputs))
    except NoSuchPlaceError as error:
        raise CommandError(str(error)) from error
    for name, file in outputs:
        write(_render(name, attack, found), file)
    problems = attack.problems()
    for problem in problems:
        say(problem)
    return EXIT_USAGE if problems else 0


def _render(name: str, attack: Attack, found: Answer) -> Iterable[bytes]:
    if name == "json":
        return [report.document(attack, found)]
    if name == "html":
        from seawall.reports import pathspage

        return [pathspage.render(attack, found)]
    if name in ("mermaid", "dot"):
        from seawall.reports import pathdraw

        return (line.encode("utf-8", "replace") for line in pathdraw.FORMATS[name](found.paths))
    return (line.encode("utf-8", "replace") for line in report.lines(attack, found))
