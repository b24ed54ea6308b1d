"""The inputs that every reading command takes: paths, exclusions, and the Kubernetes version to judge at."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from seawall.cli.main import CommandError
from seawall.engine import ReadOptions
from seawall.model.version import NEWEST, KubernetesVersion, parse_version

if TYPE_CHECKING:
    from seawall.engine.rendering import RenderOptions


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the paths and what goes with them."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="files, folders, charts, overlays, archives, oci://; - is standard input",
    )
    add_reading_arguments(parser)


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Define how paths are read, whichever way a command names them."""
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="leave out, as .gitignore does")
    parser.add_argument("--gitignore", action="store_true", help="honour .gitignore files")
    parser.add_argument("--offline", action="store_true", help="never open a socket (manifests never need one)")
    add_render_arguments(parser)


def add_render_arguments(parser: argparse.ArgumentParser) -> None:
    """Define what charts, overlays, revisions and artifacts need."""
    group = parser.add_argument_group("charts, overlays, revisions, artifacts")
    group.add_argument("--values", action="append", default=[], metavar="FILE", help="values for charts; repeatable")
    group.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a value for charts; repeatable")
    group.add_argument("--release", default="release-name", metavar="NAME", help="of charts (release-name)")
    group.add_argument("--namespace", default="default", metavar="NAME", help="of charts (default)")
    group.add_argument(
        "--api-version", action="append", default=[], metavar="V", help="that charts may find in the cluster"
    )
    group.add_argument("--helm", metavar="PROGRAM", help="render charts with this helm (default: seawall[helm], helm)")
    group.add_argument("--kustomize", metavar="PROGRAM", help="build overlays with this (default: kustomize, kubectl)")
    group.add_argument("--allow-remote", action="store_true", help="let Kustomize fetch remote bases")
    group.add_argument("--plain-http", action="store_true", help="ask registries (oci://) without TLS")
    group.add_argument("--git", metavar="REV", help="read the paths at a revision of their Git repository")


def _render_options(args: argparse.Namespace) -> RenderOptions | None:
    """What the arguments of :func:`add_render_arguments` ask for; None where it is nothing unusual."""
    usual = argparse.ArgumentParser()
    add_render_arguments(usual)
    asked = {name: getattr(args, name, value) for name, value in vars(usual.parse_args([])).items()}
    version = kubernetes_version(args) if hasattr(args, "kubernetes_version") else NEWEST
    if asked == vars(usual.parse_args([])) and version == NEWEST and not args.offline:
        return None
    from seawall.engine.rendering import Release, RenderOptions, read_values

    if args.offline and args.allow_remote:
        raise CommandError("--offline and --allow-remote contradict each other; leave one out")
    try:
        values = read_values(asked["values"])
    except ValueError as error:
        raise CommandError(f"--values: {error}") from error
    release = Release(
        asked["release"],
        asked["namespace"],
        f"v{version}.0",
        values,
        tuple(asked["set"]),
        tuple(asked["api_version"]),
    )
    return RenderOptions(
        release,
        asked["helm"],
        asked["kustomize"],
        asked["git"],
        asked["allow_remote"],
        asked["plain_http"],
        args.offline,
    )


def read_options(args: argparse.Namespace) -> ReadOptions:
    """What the arguments of :func:`add_input_arguments` ask for.

    Raises:
        CommandError: an input that makes no sense.
    """
    for path in args.paths:
        if path == "cluster":
            _refuse_cluster(path)
    return ReadOptions(tuple(args.paths), tuple(args.exclude), args.gitignore, _render_options(args))


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
