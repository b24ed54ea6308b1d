"""Look at your own cluster from outside: what it answers to people without a login, and how it speaks TLS."""

from __future__ import annotations

import argparse
import sys

from seawall import __version__
from seawall.cli.main import CommandError
from seawall.cli.output import add_format_argument
from seawall.cli.scan import add_judging_arguments, add_reporting_arguments, judging_options, report
from seawall.engine import ScanResult, UsageError
from seawall.engine.probe import Probed, parse_ports, plan_targets, probe_cluster
from seawall.reports import FORMATS
from seawall.reports.probe import render_facts
from seawall.sources.probe import ProbeOptions, Target

_MAX_AUTHORITY = 1024 * 1024
_MAX_TIMEOUT = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    parser.add_argument("server", metavar="API-SERVER", help="https://HOST:PORT of a cluster that is yours to test")
    parser.add_argument("--node", action="append", default=[], metavar="HOST", help="also a node's ports; repeatable")
    parser.add_argument(
        "--ports", default="", metavar="P[=ROLE],...", help="further ports of every host (8443=dashboard)"
    )
    parser.add_argument("--ca", metavar="FILE", help="the cluster's authority (PEM), to judge certificates by")
    parser.add_argument("--timeout", type=float, default=5.0, metavar="S", help="seconds for each answer (5)")
    parser.add_argument("--plan", action="store_true", help="say what would be asked, and ask nothing")
    parser.add_argument("--offline", action="store_true", help="never open a socket: refuses, as a probe needs them")
    add_format_argument(parser, [*FORMATS, "facts"])
    add_judging_arguments(parser)
    add_reporting_arguments(parser, "a server that does not answer")


def run(args: argparse.Namespace) -> int:
    """Probe, report, and return the exit code."""
    try:
        targets = plan_targets(args.server, args.node, parse_ports(args.ports))
    except UsageError as error:
        raise CommandError(str(error)) from error
    if args.plan:
        sys.stdout.write(_plan(targets))
        return 0
    if args.offline:
        raise CommandError("--offline opens no socket, and a probe needs them; --plan says what would be asked")
    if not 0 < args.timeout <= _MAX_TIMEOUT:
        raise CommandError(f"--timeout must be more than 0 and at most {_MAX_TIMEOUT:.0f} seconds")
    options = ProbeOptions(args.timeout, _authority(args.ca))
    sys.stderr.write(_plan(targets))
    probed: list[Probed] = []

    def judge() -> ScanResult:
        probed.append(probe_cluster(targets, options, judging_options(args, args.baseline)))
        return probed[0].result

    return report(args, judge, {"facts": lambda: render_facts(probed[0].facts, __version__)})


def _plan(targets: list[Target]) -> str:
    hosts: dict[str, list[str]] = {}
    for target in targets:
        hosts.setdefault(target.host, []).append(f"{target.port} ({target.role})")
    lines = [f"seawall: asks {host} at {', '.join(ports)}\n" for host, ports in hosts.items()]
    return "".join(lines) + "seawall: only TLS hellos and GET requests without credentials; nothing is changed\n"


def _authority(file: str | None) -> str | None:
    if file is None:
        return None
    import ssl

    try:
        with open(file, encoding="ascii") as stream:
            text = stream.read(_MAX_AUTHORITY)
        ssl.create_default_context(cadata=text)
    except OSError as error:
        reason = error.strerror or "no certificate in PEM form"
        raise CommandError(f"--ca {file}: cannot be read: {reason}") from error
    except ValueError as error:
        raise CommandError(f"--ca {file}: is no certificate in PEM form") from error
    return text
