"""Move Secrets, and literal credentials of workloads, out of manifests: ``seawall secrets externalize``."""

from __future__ import annotations

import argparse
import os
import sys

from seawall.cli.inputs import add_input_arguments, add_version_argument, kubernetes_version, read_options
from seawall.cli.main import EXIT_USAGE, CommandError, say
from seawall.cli.output import write
from seawall.engine import ScanOptions, Selection, UsageError
from seawall.engine.config import ConfigError, load_project
from seawall.engine.externalize import KINDS, PROVIDERS, Externalized, Request, externalize
from seawall.reports import externalize as report

_MOST = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    add_input_arguments(parser)
    add_version_argument(parser)
    parser.add_argument(
        "--store", default="", metavar="[KIND/]NAME", help="the store of External Secrets (the one that is read)"
    )
    parser.add_argument("--kind", choices=KINDS, default=KINDS[0], help=f"what to write (default: {KINDS[0]})")
    parser.add_argument(
        "--provider", choices=PROVIDERS, default="", help="what keeps the values (as the store says; vault)"
    )
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="KEY=VALUE", help="of the SecretProviderClass; repeatable"
    )
    parser.add_argument("-o", "--output", default="-", metavar="DIR", help="write files there; - is standard output")
    parser.add_argument(
        "--format",
        choices=report.FORMATS,
        default="yaml",
        help="yaml: the files as they are then; patch: a component of kustomize (default: yaml)",
    )
    parser.add_argument("--config", metavar="FILE", help="read this instead of ./seawall.yaml")


def run(args: argparse.Namespace) -> int:
    """Move, write, tell; 0 all moved, 1 something stays, 2 not everything could be read, or nothing may be used."""
    request = Request(args.kind, args.store, args.provider, _parameters(args.parameter))
    try:
        project = load_project(args.config)
        selection = Selection(profile=project.config.profile, own=project.config.profiles)
        options = ScanOptions(read_options(args), kubernetes_version(args), selection, project=project)
        result = externalize(options, request, report.plain_yaml)
    except (UsageError, ConfigError) as error:
        raise CommandError(str(error)) from error
    to_stdout = args.output == "-"
    hide = result.secrecy.hide
    problems = [*result.problems, *(hide(reason) for reason in result.before.reasons())]
    if result.steps and not result.problems:
        _write(args, result)
    for line in () if result.problems else report.lines(result):
        stream = sys.stderr if to_stdout else sys.stdout
        stream.write(line.decode())
    for problem in problems[:_MOST]:
        say(problem)
    if len(problems) > _MOST:
        say(f"{len(problems) - _MOST} more problems")
    if result.problems:
        say("nothing was written")
    return EXIT_USAGE if problems else int(bool(result.left))


def _write(args: argparse.Namespace, result: Externalized) -> None:
    if args.output == "-":
        write([report.stream(result, args.format).encode()], None)
        return
    for path, data in report.files(result, args.format, _common(args.paths)).items():
        target = os.path.join(args.output, path)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
        except OSError as error:
            raise CommandError(f"{os.path.dirname(target)}: {error.strerror}; choose another --output") from error
        write([data], target)


def _common(paths: list[str]) -> str:
    """The folder that all paths lie in."""
    folders = [path if os.path.isdir(path) else os.path.dirname(path) or "." for path in paths if path != "-"]
    return os.path.commonpath([os.path.abspath(folder) for folder in folders]) if folders else "."


def _parameters(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise CommandError(f"--parameter {each!r} must be KEY=VALUE")
        found[key] = value
    return found
