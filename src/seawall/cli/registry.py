"""Find what is dangerous about an image registry and the images in it."""

from __future__ import annotations

import argparse
import sys
import time

from seawall.cli.main import CommandError
from seawall.cli.output import add_format_argument, parse_outputs, view_of, write
from seawall.cli.places import add_registry_arguments, registry_options
from seawall.cli.scan import fail_on, tell
from seawall.engine.registry import audit_registry
from seawall.engine.result import ScanResult
from seawall.model.finding import Severity
from seawall.reports import FORMATS, render
from seawall.sources.registry.audit import AuditOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the subcommands."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="audit")
    audit = commands.add_parser("audit", help="who may read and write, TLS, stale and unsigned images")
    audit.add_argument("address", metavar="URL", help="of a registry, or of one repository: https://HOST[:PORT][/NAME]")
    audit.add_argument("--repository", action="append", default=[], metavar="NAME", help="only this one; repeatable")
    audit.add_argument("--tags", type=_positive, default=100, metavar="N", help="of each repository, at most (100)")
    audit.add_argument("--stale-days", type=_positive, default=180, metavar="N", help="an image is stale after (180)")
    audit.add_argument("--no-push", action="store_true", help="do not try whether an upload can be begun")
    severities = [str(severity) for severity in Severity]
    audit.add_argument("--fail-on", choices=[*severities, "none"], default="high", help="exit 1 from this on (high)")
    audit.add_argument("--limit", type=int, default=100, metavar="N", help="findings in the terminal (0: all)")
    audit.add_argument("--keep-going", action="store_true", help="do not exit 2 for what cannot be seen")
    add_registry_arguments(audit)
    add_format_argument(audit, FORMATS)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def run(args: argparse.Namespace) -> int:
    """Look, report, and return the exit code."""
    outputs = parse_outputs(args.format, FORMATS)
    if args.offline:
        raise CommandError("--offline opens no socket, and an audit of a registry needs one")
    result = _audit(args)
    for name, file in outputs:
        write(render(name, result, view_of(args, file)), file)
    tell(result)
    return result.exit_code(fail_on(args), args.keep_going)


def _audit(args: argparse.Namespace) -> ScanResult:
    options = AuditOptions(
        registry=registry_options(args),
        repositories=tuple(args.repository),
        tags=args.tags,
        stale_after_days=args.stale_days,
        push=not args.no_push,
        now=time.time(),
    )
    if not sys.stderr.isatty():
        return audit_registry(args.address, options)
    from seawall.cli.progress import Progress

    with Progress("repositories looked at") as progress:
        return audit_registry(args.address, options, progress.update)
