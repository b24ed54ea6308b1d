"""The inputs that every reading command takes: paths, clusters, exclusions, and the version to judge at."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from seawall.cli.main import CommandError
from seawall.cli.rendering import add_render_arguments, add_revision_argument, render_options
from seawall.engine import CLUSTER, ReadOptions
from seawall.model.version import NEWEST, KubernetesVersion, parse_version

if TYPE_CHECKING:
    from seawall.sources.cluster import ClusterOptions

_PATHS_HELP = (
    "files, folders, charts, overlays, archives, snapshots, oci://; - is standard input, cluster a live cluster"
)


def add_input_arguments(parser: argparse.ArgumentParser, *, default: str | None = None, namespace: bool = True) -> None:
    """Define the paths and what goes with them.

    ``default`` is read where no path is given; with None one must be, with an empty one there may be none. Without
    ``namespace`` the command keeps ``-n`` for itself, and a cluster is read whole.
    """
    told = f" (default: {default})" if default else ""
    nargs = "+" if default is None else "*"
    parser.add_argument("paths", nargs=nargs, metavar="PATH", help=f"{_PATHS_HELP}{told}")
    parser.set_defaults(usual_path=default)
    add_revision_argument(parser)
    add_reading_arguments(parser, namespace=namespace)


def add_reading_arguments(parser: argparse.ArgumentParser, *, namespace: bool = True) -> None:
    """Define how paths are read, whichever way a command names them."""
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="leave out, as .gitignore does")
    parser.add_argument("--gitignore", action="store_true", help="honour .gitignore files")
    parser.add_argument("--offline", action="store_true", help="never open a socket (only a cluster needs one)")
    add_cluster_arguments(parser, namespace=namespace)
    add_render_arguments(parser)


def add_cluster_arguments(parser: argparse.ArgumentParser, *, namespace: bool = True) -> None:
    """Define which cluster ``cluster`` is, and as whom it is read; without ``namespace`` it is read whole."""
    group = parser.add_argument_group("for the path `cluster`")
    group.add_argument("--context", metavar="NAME", help="context of the kubeconfig (the current one)")
    group.add_argument("--kubeconfig", metavar="FILE", help="instead of KUBECONFIG or ~/.kube/config")
    group.add_argument("--in-cluster", action="store_true", help="use the service account of the pod that this runs in")
    parser.set_defaults(read_namespace=None)
    if namespace:
        told = "read only this namespace; of charts: install there"
        group.add_argument("-n", "--namespace", dest="read_namespace", metavar="NAME", help=told)
    group.add_argument("--as", dest="as_user", metavar="USER", help="impersonate a user")
    group.add_argument(
        "--as-group", action="append", default=[], metavar="GROUP", help="impersonate a group; repeatable"
    )


def read_options(args: argparse.Namespace) -> ReadOptions:
    """What the arguments of :func:`add_input_arguments` ask for.

    Raises:
        CommandError: an input that makes no sense.
    """
    paths = tuple(args.paths) or (args.usual_path,)
    cluster = cluster_options(args)
    if CLUSTER not in paths:
        # --namespace alone can be that of charts.
        if args.context or args.kubeconfig or args.in_cluster or args.as_user or args.as_group:
            raise CommandError("--context, --as and their like are for a live cluster; add the path `cluster`")
        cluster = None
    elif os.path.exists(CLUSTER):
        raise CommandError("`cluster` could mean the folder or a live cluster; write ./cluster for the folder")
    elif args.offline:
        raise CommandError("--offline opens no socket, and a live cluster needs one; scan a snapshot instead")
    render = render_options(args, kubernetes_version(args) if hasattr(args, "kubernetes_version") else None)
    return ReadOptions(paths, tuple(args.exclude), args.gitignore, cluster, render)


def cluster_options(args: argparse.Namespace) -> ClusterOptions | None:
    """What the arguments of :func:`add_cluster_arguments` ask for; None where none was given.

    Raises:
        CommandError: they contradict each other.
    """
    named = (args.context, args.kubeconfig)
    if not (any(named) or args.in_cluster or args.read_namespace or args.as_user or args.as_group):
        return None
    if args.in_cluster and any(named):
        raise CommandError("--in-cluster reads no kubeconfig; leave out --context and --kubeconfig")
    from seawall.sources.cluster import ClusterOptions

    return ClusterOptions(
        kubeconfig=args.kubeconfig,
        context=args.context,
        in_cluster=args.in_cluster,
        namespace=args.read_namespace,
        as_user=args.as_user,
        as_groups=tuple(args.as_group),
    )


def add_version_argument(parser: argparse.ArgumentParser) -> None:
    """Define ``--kubernetes-version``."""
    told = f"judge at this version (a cluster's own; {NEWEST} for manifests)"
    parser.add_argument("--kubernetes-version", metavar="V", help=told)


def kubernetes_version(args: argparse.Namespace) -> KubernetesVersion | None:
    """The version to judge at; None for the cluster's own, or the newest.

    Raises:
        CommandError: it cannot be read.
    """
    if args.kubernetes_version is None:
        return None
    try:
        return parse_version(args.kubernetes_version)
    except ValueError as error:
        raise CommandError(f"--kubernetes-version: {error}") from error
