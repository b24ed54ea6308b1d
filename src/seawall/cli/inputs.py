"""The inputs that every reading command takes: paths, exclusions, and the Kubernetes version to judge at."""

from __future__ import annotations

import argparse
import os

from seawall.cli.main import CommandError
from seawall.engine import ReadOptions
from seawall.model.version import NEWEST, KubernetesVersion, parse_version


def add_input_arguments(parser: argparse.ArgumentParser, *, default: str | None = None) -> None:
    """Define the paths and what goes with them.

    ``default`` is read where no path is given; with None one must be, with an empty one there may be none.
    """
    told = f" (default: {default})" if default else ""
    nargs = "+" if default is None else "*"
    parser.add_argument("paths", nargs=nargs, metavar="PATH", help=f"files or folders; - is standard input{told}")
    parser.set_defaults(usual_path=default)
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="leave out, as .gitignore does")
    parser.add_argument("--gitignore", action="store_true", help="honour .gitignore files")
    parser.add_argument("--offline", action="store_true", help="never open a socket (manifests never need one)")


def read_options(args: argparse.Namespace) -> ReadOptions:
    """What the arguments of :func:`add_input_arguments` ask for.

    Raises:
        CommandError: an input that makes no sense.
    """
    paths = tuple(args.paths) or (args.usual_path,)
    for path in paths:
        if path == "cluster":
            _refuse_cluster(path)
    return ReadOptions(paths, tuple(args.exclude), args.gitignore)


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
