"""Take an inventory of container images: what is inside, which layer brought it, what runs as whom."""

from __future__ import annotations

import argparse
import os
import sys

from seawall.cli import image_judging
from seawall.cli.main import CommandError
from seawall.cli.output import Outputs, add_format_argument, parse_outputs, terminal_width, wants_colour, write
from seawall.engine.images import ImageOptions, ImagesResult, read_images
from seawall.reports import image as report
from seawall.reports.excerpt import printable
from seawall.sources.images.cache import cache_folder
from seawall.sources.images.errors import ImageError
from seawall.sources.images.manifest import parse_platform
from seawall.sources.images.places import PlaceOptions
from seawall.sources.registry.client import RegistryOptions

_FORMATS = ("terminal", "json", "cyclonedx", "spdx")
_SBOMS = ("cyclonedx", "spdx")
_MOST_TOLD = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="REF",
        help="an image's name, an archive or folder of one, - for an archive on standard input, or with a prefix: "
        "registry:, oci-dir:, oci-archive:, docker-archive:, containerd:, crio:, rootfs:, container:, sbom:",
    )
    add_place_arguments(parser)
    add_format_argument(parser, _FORMATS)
    parser.add_argument("--keep-going", action="store_true", help="do not exit 2 for what cannot be looked into")
    image_judging.add_judging_arguments(parser)


def add_place_arguments(parser: argparse.ArgumentParser) -> None:
    """Define where images are found, whichever command reads them."""
    parser.add_argument("--platform", metavar="OS/ARCH", help="of an index (default: linux on this architecture)")
    parser.add_argument("--store", default="", metavar="DIR", help="the folder of containerd's or CRI-O's store")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor keep what was found in layers")
    add_registry_arguments(parser)


def add_registry_arguments(parser: argparse.ArgumentParser) -> None:
    """Define how registries are spoken to."""
    parser.add_argument("--offline", action="store_true", help="never open a socket")
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP, and certificates nobody vouches for")
    parser.add_argument("--anonymous", action="store_true", help="use no stored login")
    parser.add_argument(
        "--mirror", action="append", default=[], metavar="HOST=URL", help="ask this first for a registry's images"
    )


def image_options(args: argparse.Namespace) -> ImageOptions:
    """What the arguments of :func:`add_place_arguments` ask for.

    Raises:
        CommandError: they make no sense.
    """
    try:
        platform = parse_platform(args.platform) if args.platform else None
    except ImageError as error:
        raise CommandError(str(error)) from error
    place = PlaceOptions(platform, registry_options(args), args.store, args.offline)
    return ImageOptions(place, None if args.no_cache else cache_folder(os.environ))


def registry_options(args: argparse.Namespace) -> RegistryOptions:
    """What the arguments of :func:`add_registry_arguments` ask for.

    Raises:
        CommandError: a mirror makes no sense.
    """
    mirrors = []
    for item in args.mirror:
        host, equals, url = item.partition("=")
        if not host or not equals or not url:
            raise CommandError(f"--mirror {item} says not what is mirrored where; write it as docker.io=https://HOST")
        if url.startswith("http://") and not args.insecure:
            raise CommandError(f"the mirror {url} speaks plain HTTP; use https://, or allow it with --insecure")
        mirrors.append((host, url))
    return RegistryOptions(args.insecure, tuple(mirrors), args.anonymous)


def run(args: argparse.Namespace) -> int:
    """Read, report, and return the exit code."""
    if image_judging.wanted(args):
        return image_judging.run(args, lambda: _read(args))
    outputs = parse_outputs(args.format, _FORMATS)
    if len(args.paths) > 1 and any(name in _SBOMS for name, _ in outputs):
        raise CommandError("a bill of materials is of one image; name one")
    result = _read(args)
    _write(result, outputs)
    tell(result)
    return result.exit_code(args.keep_going)


def _read(args: argparse.Namespace) -> ImagesResult:
    options = image_options(args)
    if not sys.stderr.isatty():
        return read_images(args.paths, options)
    from seawall.cli.progress import Progress

    with Progress("layers read", unit="layers") as progress:
        return read_images(args.paths, options, lambda stage: progress.update(stage.done, stage))


def _write(result: ImagesResult, outputs: Outputs) -> None:
    for name, file in outputs:
        if name == "json":
            write(report.json(result), file)
        elif name == "terminal":
            write(report.terminal(result, wants_colour() and file is None, terminal_width()), file)
        elif result.images:
            write([report.sbom(name, result.images[0])], file)


def tell(result: ImagesResult) -> None:
    """Say on standard error what could not be read or looked into, a line each."""
    lines = [str(error) for error in result.errors]
    lines += [
        f"{image.reference}: {problem.where}: {problem.reason}: not looked into"
        for image in result.images
        for problem in image.not_looked
    ]
    sys.stderr.writelines(f"seawall: {printable(line)}\n" for line in lines[:_MOST_TOLD])
    if len(lines) > _MOST_TOLD:
        sys.stderr.write(f"seawall: {len(lines) - _MOST_TOLD} more problems; --format json lists all\n")
    if lines:
        sys.stderr.write("seawall: the run is incomplete\n")
