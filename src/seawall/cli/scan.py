"""Scan Kubernetes manifests for what is dangerous."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable

from seawall.cli.main import CommandError
from seawall.engine import ScanOptions, ScanResult, Selection, scan
from seawall.engine.selection import UnknownRule
from seawall.model.finding import Severity
from seawall.model.version import NEWEST, KubernetesVersion, parse_version
from seawall.reports import FORMATS
from seawall.reports.view import View


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    severities = [str(severity) for severity in Severity]
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files or folders; - is standard input")
    parser.add_argument(
        "--format",
        action="append",
        metavar="NAME[=FILE]",
        help=f"{', '.join(FORMATS)}; repeatable, at most one to standard output (default: terminal)",
    )
    parser.add_argument("--fail-on", choices=[*severities, "none"], default="high", help="exit 1 from this on (high)")
    parser.add_argument("--severity", choices=severities, default="info", help="tell findings from this on (info)")
    parser.add_argument("--rule", action="append", default=[], metavar="ID", help="run only this rule; repeatable")
    parser.add_argument("--skip-rule", action="append", default=[], metavar="ID", help="leave a rule out; repeatable")
    parser.add_argument(
        "--profile", choices=["default", "all"], default="default", help="all adds rules about conventions"
    )
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="leave out, as .gitignore does")
    parser.add_argument("--gitignore", action="store_true", help="honour .gitignore files")
    parser.add_argument("--kubernetes-version", default=str(NEWEST), metavar="V", help=f"judge at ({NEWEST})")
    parser.add_argument("--keep-going", action="store_true", help="do not exit 2 for inputs that cannot be read")
    parser.add_argument("--group-by", choices=["object", "rule"], default="object", help="in the terminal report")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="findings in the terminal (0: all)")
    parser.add_argument("--offline", action="store_true", help="never open a socket (manifests never need one)")


def run(args: argparse.Namespace) -> int:
    """Scan, report, and return the exit code."""
    outputs = _outputs(args.format or ["terminal"])
    options = ScanOptions(
        paths=_paths(args.paths),
        version=_version(args.kubernetes_version),
        selection=Selection(tuple(args.rule), tuple(args.skip_rule), args.profile == "all"),
        severity=Severity(args.severity),
        exclude=tuple(args.exclude),
        gitignore=args.gitignore,
    )
    try:
        result = _scan(options)
    except UnknownRule as error:
        raise CommandError(str(error)) from error
    view = View(_colour(), args.group_by, _width(), max(args.limit, 0))
    for name, file in outputs:
        _write(FORMATS[name](result, view), file)
    _tell(result)
    fail_on = None if args.fail_on == "none" else Severity(args.fail_on)
    return result.exit_code(fail_on, args.keep_going)


def _outputs(formats: list[str]) -> list[tuple[str, str | None]]:
    outputs: list[tuple[str, str | None]] = []
    for item in formats:
        name, _, file = item.partition("=")
        if name not in FORMATS:
            raise CommandError(f"there is no format {name!r}; choose from {', '.join(FORMATS)}")
        outputs.append((name, file or None))
    if sum(file is None for _, file in outputs) > 1:
        raise CommandError("only one format can go to standard output; write the others to files: --format NAME=FILE")
    return outputs


def _paths(paths: list[str]) -> tuple[str, ...]:
    for path in paths:
        if path == "cluster":
            if os.path.exists(path):
                raise CommandError("`cluster` could mean the folder or a live cluster; write ./cluster for the folder")
            raise CommandError(
                "this version reads no live cluster; "
                "save one with `kubectl get all,ingress,netpol,sa,role,rolebinding -A -o json >FILE` and scan FILE"
            )
    return tuple(paths)


def _version(text: str) -> KubernetesVersion:
    try:
        return parse_version(text)
    except ValueError as error:
        raise CommandError(f"--kubernetes-version: {error}") from error


def _scan(options: ScanOptions) -> ScanResult:
    if not sys.stderr.isatty():
        return scan(options)
    from seawall.cli.progress import Progress

    with Progress("objects judged") as progress:
        return scan(options, progress.update)


def _write(parts: Iterable[bytes], file: str | None) -> None:
    if file is None:
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
        return
    try:
        with open(file, "wb") as stream:
            stream.writelines(parts)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}; choose another --format FILE") from error


_MOST_REASONS = 20


def _tell(result: ScanResult) -> None:
    """Say on standard error why a run is incomplete, a line each."""
    reasons = result.reasons()
    for reason in reasons[:_MOST_REASONS]:
        sys.stderr.write(f"seawall: {reason}\n")
    if len(reasons) > _MOST_REASONS:
        sys.stderr.write(f"seawall: {len(reasons) - _MOST_REASONS} more problems; --format json lists all\n")
    if reasons:
        sys.stderr.write("seawall: the run is incomplete\n")


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _width() -> int:
    if not sys.stdout.isatty():
        return 120
    return max(os.get_terminal_size(sys.stdout.fileno()).columns, 60)
