"""Audit kubeconfigs: credentials that never end, rights that cannot be withdrawn, files that others may read."""

from __future__ import annotations

import argparse

from seawall.cli.output import add_format_argument
from seawall.cli.scan import add_judging_arguments, add_reporting_arguments, judging_options, report
from seawall.engine.credentials import audit_kubeconfigs
from seawall.reports import FORMATS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    parser.add_argument("action", choices=["audit"], help="audit: find what is wrong with the files")
    parser.add_argument(
        "paths", nargs="*", metavar="FILE", help="kubeconfigs, taken together (KUBECONFIG, or ~/.kube/config)"
    )
    parser.add_argument("--no-others", action="store_true", help="do not look at the kubeconfigs of other users")
    parser.add_argument("--offline", action="store_true", help="never open a socket (it needs none in any case)")
    add_format_argument(parser, FORMATS)
    add_judging_arguments(parser)
    add_reporting_arguments(parser, "files that cannot be read")


def run(args: argparse.Namespace) -> int:
    """Audit, report, and return the exit code."""
    return report(
        args, lambda: audit_kubeconfigs(args.paths, judging_options(args, args.baseline), others=not args.no_others)
    )
