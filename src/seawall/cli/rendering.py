"""What charts, overlays, archives, artifacts and revisions need to be told."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from seawall.cli.main import CommandError
from seawall.model.version import NEWEST, KubernetesVersion

if TYPE_CHECKING:
    from seawall.engine.rendering import RenderOptions


def add_render_arguments(parser: argparse.ArgumentParser) -> None:
    """Define how what is no plain manifest is rendered and fetched."""
    charts = parser.add_argument_group("Helm charts")
    charts.add_argument("--values", action="append", default=[], metavar="FILE", help="lay values over; repeatable")
    charts.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="set a value; repeatable")
    charts.add_argument("--release", metavar="NAME", help="name of the release (release-name)")
    charts.add_argument("--api-version", action="append", default=[], metavar="V", help="one that the cluster has")
    charts.add_argument("--helm", metavar="PROGRAM", help="use this helm (default: seawall[helm], else helm)")
    others = parser.add_argument_group("Kustomize overlays and artifacts in registries")
    others.add_argument("--kustomize", metavar="PROGRAM", help="use this (default: kustomize, else kubectl)")
    others.add_argument("--allow-remote", action="store_true", help="let Kustomize fetch remote bases")
    others.add_argument("--plain-http", action="store_true", help="ask registries (oci://) without TLS")


def add_revision_argument(parser: argparse.ArgumentParser) -> None:
    """Define ``--git``."""
    parser.add_argument("--git", metavar="REV", help="read the paths at a revision of their Git repository")


def render_options(args: argparse.Namespace, version: KubernetesVersion | None) -> RenderOptions | None:
    """What the arguments of :func:`add_render_arguments` ask for; None where it is nothing unusual.

    Raises:
        CommandError: a values file cannot be read, or arguments contradict each other.
    """
    version = version or NEWEST
    charts = (args.values, args.set, args.release, args.read_namespace, args.api_version, args.helm)
    revision = getattr(args, "git", None)
    others = (args.kustomize, args.allow_remote, args.plain_http, revision, args.offline)
    if not any((*charts, *others)) and version == NEWEST:
        return None
    if args.offline and args.allow_remote:
        raise CommandError("--offline and --allow-remote contradict each other; leave one out")
    from seawall.engine.rendering import Release, RenderOptions, read_values

    try:
        values = read_values(args.values)
    except ValueError as error:
        raise CommandError(f"--values: {error}") from error
    return RenderOptions(
        release=Release(
            name=args.release or Release().name,
            namespace=args.read_namespace or Release().namespace,
            kubernetes=f"v{version}.0",
            values=values,
            sets=tuple(args.set),
            api_versions=tuple(args.api_version),
        ),
        helm=args.helm,
        kustomize=args.kustomize,
        revision=revision,
        allow_remote=args.allow_remote,
        plain_http=args.plain_http,
        offline=args.offline,
    )
