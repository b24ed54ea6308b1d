"""What falls together: with each node, namespace or pool; and a plan of pools that part what should not meet."""

from __future__ import annotations

import argparse

from seawall.cli.inputs import add_input_arguments, add_version_argument, kubernetes_version, read_options
from seawall.cli.main import EXIT_USAGE, CommandError, say
from seawall.cli.output import add_format_argument, parse_outputs, write
from seawall.engine.isolation import LEVELS, Isolation, Level, Options
from seawall.reports import isolation as report

#: A day; and what the solver takes for a seed.
_MOST_SECONDS = 86_400
_MOST_SEED = 2**31 - 1
_FORMATS = ("terminal", "json", "html")
_PLAN = "plan"
_PLAN_FORMATS = ("terminal", "json", "yaml")
_MOST_REASONS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    parser.usage = "seawall isolation [plan] [PATH ...] [options]"
    add_input_arguments(parser, default="cluster")
    parser.add_argument(
        "--by", choices=("node", "namespace", "pool"), default="node", help="what falls with each of these (node)"
    )
    for level in LEVELS:
        told = f"workloads that are {level} whatever is inferred: NS, NS/NAME; repeatable"
        parser.add_argument(f"--{level}", action="append", default=[], metavar="WHAT", help=told)
    parser.add_argument("--pool-label", action="append", default=[], metavar="KEY", help="label of nodes' pools")
    parser.add_argument("--tenant-label", action="append", default=[], metavar="KEY", help="label of tenants")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="rows shown at a terminal; 0 for all (20)")
    group = parser.add_argument_group("for `isolation plan`")
    told = "sensitive, untrusted, NAME=NS or NAME=NS/WORKLOAD; repeatable (sensitive and untrusted)"
    group.add_argument("--pool", action="append", default=[], metavar="POOL", help=told)
    group.add_argument("--seconds", type=float, default=20.0, metavar="S", help="the solver's time, deterministic (20)")
    group.add_argument("--seed", type=int, default=1, metavar="N", help="the solver's seed (1)")
    add_format_argument(parser, (*_FORMATS, "yaml"))
    add_version_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Judge, tell, and return the exit code."""
    if args.paths and args.paths[0] == _PLAN:
        args.paths = args.paths[1:]
        return _plan(args)
    outputs = parse_outputs(args.format, _FORMATS)
    isolation = Isolation(read_options(args), chosen_options(args), kubernetes_version(args))
    estate = isolation.estate(args.by)
    problems = isolation.problems()
    for name, file in outputs:
        if name == "terminal":
            write((line.encode("utf-8", "replace") for line in report.terminal(estate, args.limit)), file)
            continue
        document = report.document(estate, args.paths or ["cluster"], problems)
        write([document + b"\n" if name == "json" else report.html(document)], file)
    return tell(problems)


def _plan(args: argparse.Namespace) -> int:
    """Exit 1 where there is no plan, 2 where the input was not read whole."""
    from seawall.engine.isolationplan import BadPool, NoSolver, PlanOptions, make_plan
    from seawall.reports import isolationplan as planned

    outputs = parse_outputs(args.format, _PLAN_FORMATS)
    isolation = Isolation(read_options(args), chosen_options(args), kubernetes_version(args))
    if not 0 < args.seconds <= _MOST_SECONDS:
        raise CommandError(f"--seconds must be more than 0 and at most {_MOST_SECONDS}")
    if not 0 <= args.seed <= _MOST_SEED:
        raise CommandError(f"--seed must be from 0 to {_MOST_SEED}")
    pools = tuple(args.pool) or ("sensitive", "untrusted")
    try:
        plan = make_plan(isolation, PlanOptions(pools, args.seconds, args.seed))
    except (BadPool, NoSolver) as error:
        raise CommandError(str(error)) from error
    problems = isolation.problems()
    for name, file in outputs:
        if name == "terminal":
            write((line.encode("utf-8", "replace") for line in planned.terminal(plan)), file)
        elif name == "yaml":
            write(planned.yaml(plan), file)
        else:
            write([planned.document(plan, args.paths or ["cluster"], problems) + b"\n"], file)
    return tell(problems) or int(plan.state in ("infeasible", "no answer"))


def chosen_options(args: argparse.Namespace) -> Options:
    """Labels and levels that the arguments give.

    Raises:
        CommandError: a workload is given two levels.
    """
    levels: dict[str, Level] = {}
    for level in LEVELS:
        for what in getattr(args, level):
            if levels.setdefault(what, level) != level:
                raise CommandError(f"{what} cannot be {levels[what]} and {level}; give it one level")
    return Options(tuple(args.pool_label), tuple(args.tenant_label), levels)


def tell(problems: list[str]) -> int:
    """Say on standard error what the answer lacks; the exit code."""
    for problem in problems[:_MOST_REASONS]:
        say(problem)
    if len(problems) > _MOST_REASONS:
        say(f"{len(problems) - _MOST_REASONS} more problems; --format json lists all")
    return EXIT_USAGE if problems else 0
