"""The inputs that every reading command takes: paths, exclusions, and the Kubernetes version to judge at."""

from __future__ import annotations

import argparse
import os

from seawall.cli.main import CommandError
from seawall.cli.rendering import add_render_arguments, add_revision_argument, render_options
from seawall.engine import ReadOptions
from seawall.model.version import NEWEST, KubernetesVersion, parse_version


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the paths and what goes with them."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="files, folders, charts, overlays, archives, oci://; - is standard input",
    )
    add_revision_argument(parser)
    add_reading_arguments(parser)


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Define how paths are read, whichever way a command names them."""
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="leave out, as .gitignore does")
    parser.add_argument("--gitignore", action="store_true", help="honour .gitignore files")
    parser.add_argument("--offline", action="store_true", help="never open a socket (manifests never need one)")
    add_render_arguments(parser)


def read_options(args: argparse.Namespace) -> ReadOptions:
    """What the arguments of :func:`add_input_arguments` ask for.

    Raises:
        CommandError: an input that makes no sense.
    """
    for path in args.paths:
        if path == "cluster":
            _refuse_cluster(path)
    return ReadOptions(
        tuple(args.paths), tuple(args.exclude), args.gitignore, render_options(args, kubernetes_version(args))
    )


def _refuse_cluster(path: str) -> None:
    if os.path.exists(path):
        raise CommandError("`cluster` could mean the folder or a live cluster; write ./cluster for the folder")
    raise CommandError(
        "this version reads no live cluster; "
        "save one with `kubectl get all,ingress,netpol,sa,role,rolebinding -A -o json >FILE` and scan FILE"
    )


def add_version_argument(parser: argparse.ArgumentParser) -> None:
    """Define ``--kubernetes-version``."""
    parser.add_argument("--kubernetes-version", default=str(NEWEST), metavar="V", help=f"judge at ({NEWEST})")


def kubernetes_version(args: argparse.Namespace) -> KubernetesVersion:
    """The version to judge at.

    Raises:
        CommandError: it cannot be read.
    """
    try:
        return parse_version(args.kubernetes_version)
    except ValueError as error:
        raise CommandError(f"--kubernetes-version: {error}") from error
