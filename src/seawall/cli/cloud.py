"""Judge managed clusters by what the provider's command line (aws, gcloud, az) or Terraform says of them."""

from __future__ import annotations

import argparse

from seawall.cli.output import add_format_argument
from seawall.cli.scan import add_judging_arguments, add_reporting_arguments, judging_options, report
from seawall.engine.cloud import judge_cloud
from seawall.reports import FORMATS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    told = "JSON of aws eks, aws ec2, gcloud container, az aks, or terraform show -json; - is standard input"
    parser.add_argument("paths", nargs="+", metavar="FILE", help=told)
    parser.add_argument("--offline", action="store_true", help="never open a socket (it needs none in any case)")
    add_format_argument(parser, FORMATS)
    add_judging_arguments(parser)
    add_reporting_arguments(parser, "files that cannot be read")


def run(args: argparse.Namespace) -> int:
    """Judge, report, and return the exit code."""
    return report(args, lambda: judge_cloud(args.paths, judging_options(args, args.baseline)))
