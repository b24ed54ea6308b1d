"""Take an inventory of container images: what is inside, which layer brought it, what runs as whom."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from seawall.cli import image_judging
from seawall.cli.main import CommandError, say
from seawall.cli.output import Outputs, add_format_argument, parse_outputs, terminal_width, wants_colour, write
from seawall.cli.places import add_place_arguments, image_options
from seawall.cli.remembered import remembering
from seawall.engine.images import ImagesResult, See, read_images
from seawall.model.images import Look
from seawall.reports import image as report

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


def run(args: argparse.Namespace) -> int:
    """Read, report, and return the exit code."""
    if image_judging.wanted(args):
        return image_judging.run(args, lambda looks, see: _read(args, looks, see))
    outputs = parse_outputs(args.format, _FORMATS)
    if len(args.paths) > 1 and any(name in _SBOMS for name, _ in outputs):
        raise CommandError("a bill of materials is of one image; name one")
    result = _read(args)
    _write(result, outputs)
    tell(result)
    return result.exit_code(args.keep_going)


def _read(args: argparse.Namespace, looks: Sequence[Look] = (), see: See | None = None) -> ImagesResult:
    result = _read_only(args, looks, see)
    with remembering(args) as remember:
        for inventory in result.images if remember is not None else ():
            if remember is not None:
                remember(inventory, ())
    return result


def _read_only(args: argparse.Namespace, looks: Sequence[Look], see: See | None) -> ImagesResult:
    options = image_options(args)
    if not sys.stderr.isatty():
        return read_images(args.paths, options, None, looks, see)
    from seawall.cli.progress import Progress

    with Progress("layers read", unit="layers") as progress:
        return read_images(args.paths, options, lambda stage: progress.update(stage.done, stage), looks, see)


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
    for line in lines[:_MOST_TOLD]:
        say(line)
    if len(lines) > _MOST_TOLD:
        say(f"{len(lines) - _MOST_TOLD} more problems; --format json lists all")
    if lines:
        say("the run is incomplete")
