"""Write the network policies that should be: ``seawall network generate``."""

from __future__ import annotations

import argparse
import os

from seawall.cli.inputs import add_input_arguments, read_options
from seawall.cli.main import CommandError, say
from seawall.cli.output import Outputs, add_format_argument, parse_outputs, write
from seawall.engine.netgen import FORMATS, BadRequest, FlowInput, Generation, Request, uncollected
from seawall.reports import netgen as report

_MOST_REASONS = 20
_NARROWEST = 32


#: The last result: a process that is about to end need not free it object by object, a tenth of its time.
_kept: list[Generation] = []


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    add_input_arguments(parser, namespace=False)
    parser.add_argument(
        "--flows",
        action="append",
        default=[],
        metavar="[FORM=]FILE",
        help=f"observed flows, may be gzip; - is standard input. FORM is told from the file: {', '.join(FORMATS)}",
    )
    parser.add_argument(
        "--from", dest="evidence", choices=("manifests", "flows", "both"), help="what to go by (default: all there is)"
    )
    parser.add_argument("--namespace", action="append", default=[], metavar="NS", help="write only for this namespace")
    parser.add_argument("-o", "--output", metavar="DIR", help="write the policies there, a file a workload")
    parser.add_argument(
        "--isolate-unobserved", action="store_true", help="close namespaces also where a workload was never observed"
    )
    parser.add_argument(
        "--skip-unknown", action="store_true", help="let flows be lost whose ends are not among what was read"
    )
    parser.add_argument(
        "--cidr-width",
        type=int,
        metavar="BITS",
        help="group outside IPv4 addresses by this prefix length (default: 32)",
    )
    add_format_argument(parser, report.FORMATS)


def run(args: argparse.Namespace) -> int:
    """Generate, write, and return the exit code."""
    outputs = parse_outputs(args.format, report.FORMATS)
    with uncollected():
        return _run(args, outputs)


def _run(args: argparse.Namespace, outputs: Outputs) -> int:
    generation = _generate(args)
    _kept[:] = [generation]
    if args.output is not None:
        _write_files(generation, args.output)
    for name, file in outputs:
        write(report.FORMATS[name](generation), file)
    reasons = generation.reasons()
    for reason in reasons[:_MOST_REASONS]:
        say(reason)
    if len(reasons) > _MOST_REASONS:
        say(f"{len(reasons) - _MOST_REASONS} more problems; --format json lists all")
    if reasons:
        say("the policies are incomplete: do not apply them yet")
        return 2
    return 0


def _generate(args: argparse.Namespace) -> Generation:
    flows = tuple(_flow_input(text) for text in args.flows)
    if args.evidence in ("flows", "both") and not flows:
        raise CommandError(f"--from {args.evidence} needs --flows FILE")
    if args.evidence == "manifests" and flows:
        raise CommandError("--from manifests leaves --flows out; drop one of them")
    if args.cidr_width is not None and not 0 <= args.cidr_width <= _NARROWEST:
        raise CommandError(f"--cidr-width {args.cidr_width} is no prefix length from 0 to {_NARROWEST}")
    if [*args.paths, *(each.path for each in flows)].count("-") > 1:
        raise CommandError("standard input can be read only once: name files for the rest")
    request = Request(
        namespaces=tuple(dict.fromkeys(args.namespace)),
        use_manifests=args.evidence != "flows",
        use_flows=bool(flows),
        isolate_unobserved=args.isolate_unobserved,
        width=args.cidr_width,
    )
    try:
        return Generation(read_options(args), flows, request, skip_unknown=args.skip_unknown)
    except BadRequest as error:
        raise CommandError(str(error)) from error


def _flow_input(text: str) -> FlowInput:
    form, equals, path = text.partition("=")
    if equals and form in FORMATS:
        return FlowInput(path, form)
    if equals and form.isalpha() and not os.path.exists(text):
        raise CommandError(f"--flows {text}: there is no form {form!r}; choose from {', '.join(FORMATS)}")
    return FlowInput(text)


def _write_files(generation: Generation, folder: str) -> None:
    """Write a file a workload, and name files of earlier runs that are not written any more."""
    texts = report.files(generation)
    for path, text in texts.items():
        target = os.path.join(folder, path)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
        except OSError as error:
            raise CommandError(
                f"{os.path.dirname(target)} cannot be made: {error.strerror}; choose another -o"
            ) from error
        write([text.encode()], target)
    scope = {path.partition(os.sep)[0] for path in texts}
    for namespace in sorted(scope):
        for name in sorted(os.listdir(os.path.join(folder, namespace))):
            path = os.path.join(namespace, name)
            if path not in texts and name.endswith(".yaml") and _is_ours(os.path.join(folder, path)):
                say(f"{os.path.join(folder, path)} is of an earlier run: delete it")


def _is_ours(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return report.MARK in file.readline(200)
    except OSError:
        return False
