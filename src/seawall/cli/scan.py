"""Scan Kubernetes manifests, a live cluster or a snapshot for what is dangerous."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping

from msgspec import structs

from seawall.cli.inputs import add_input_arguments, add_version_argument, kubernetes_version, read_options
from seawall.cli.main import CommandError, gather, keep, say
from seawall.cli.output import add_format_argument, parse_outputs, view_of, write
from seawall.engine import ReadOptions, ScanOptions, ScanResult, Selection, UsageError, scan
from seawall.engine.config import ConfigError, load_config, load_project
from seawall.engine.results import ResultsError
from seawall.engine.selection import PROFILES, UnknownRule
from seawall.model.finding import Severity
from seawall.reports import FORMATS, render
from seawall.reports.excerpt import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    add_input_arguments(parser)
    add_format_argument(parser, FORMATS)
    add_judging_arguments(parser)
    add_reporting_arguments(parser, "inputs that cannot be read")
    parser.add_argument(
        "--components", action="store_true", help="judge kubelets, runtimes and control software by `seawall db`"
    )
    parser.add_argument(
        "--trust", metavar="FILE", help="judge images by a trust policy: by their names, with --images as a whole"
    )
    _add_image_arguments(parser)


def _add_image_arguments(parser: argparse.ArgumentParser) -> None:
    from seawall.cli.places import add_place_arguments, add_secret_arguments, add_set_arguments

    group = parser.add_argument_group("for images and components")
    group.add_argument("--images", action="store_true", help="judge the images of workloads by `seawall db` as well")
    group.add_argument(
        "--verify-images", action="store_true", help="judge the images of workloads by the trust policy alone"
    )
    group.add_argument(
        "--images-from", choices=["registry", "containerd", "crio"], default="registry", help="(default: registry)"
    )
    group.add_argument("--db", metavar="FILE", help="the database of advisories")
    group.add_argument("--vex", action="append", default=[], metavar="FILE", help="OpenVEX, CycloneDX or CSAF")
    group.add_argument("--malware", action="store_true", help="with --images: search them for malware and tampering")
    add_set_arguments(group)
    add_secret_arguments(group)
    group.add_argument("--remember", action="store_true", help="keep inventories for `seawall image watch`")
    group.add_argument("--remember-in", metavar="FILE", help="keep them in this file")
    add_place_arguments(group, offline=False)


def add_reporting_arguments(parser: argparse.ArgumentParser, lost: str) -> None:
    """Define what every command takes that reports findings as a scan does; ``lost`` is what --keep-going is for."""
    parser.add_argument("--baseline", metavar="FILE", help="results of before (JSON): only what is new counts")
    parser.add_argument("--keep-going", action="store_true", help=f"do not exit 2 for {lost}")
    parser.add_argument("--group-by", choices=["object", "rule"], default="object", help="in the terminal report")


def add_judging_arguments(parser: argparse.ArgumentParser) -> None:
    """Define what every command that judges takes: the version, the rules, and what counts."""
    severities = [str(severity) for severity in Severity]
    add_version_argument(parser)
    parser.add_argument("--fail-on", choices=[*severities, "none"], default="high", help="exit 1 from this on (high)")
    parser.add_argument("--severity", choices=severities, default="info", help="tell findings from this on (info)")
    parser.add_argument("--rule", action="append", default=[], metavar="ID", help="run only this rule; repeatable")
    parser.add_argument("--skip-rule", action="append", default=[], metavar="ID", help="leave a rule out; repeatable")
    parser.add_argument(
        "--profile", metavar="NAME", help=f"{', '.join(PROFILES)}, or one of seawall.yaml (default: default)"
    )
    parser.add_argument("--config", metavar="FILE", help="read this instead of ./seawall.yaml")
    add_policy_arguments(parser)
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="findings in the terminal (0: all)")


def add_policy_arguments(parser: argparse.ArgumentParser) -> None:
    """Define where ValidatingAdmissionPolicies come from."""
    told = "judge by the ValidatingAdmissionPolicies in this file or folder as well; repeatable"
    parser.add_argument("--policy", action="append", default=[], metavar="PATH", help=told)
    told = "judge by the ValidatingAdmissionPolicies among what is scanned as well"
    parser.add_argument("--policies-from-input", action="store_true", help=told)


def run(args: argparse.Namespace) -> int:
    """Scan, report, and return the exit code."""
    options = scan_options(args, getattr(args, "baseline", None))
    return report(args, lambda: _scan(options))


def report(
    args: argparse.Namespace,
    judge: Callable[[], ScanResult],
    own: Mapping[str, Callable[[], Iterable[bytes]]] | None = None,
) -> int:
    """Judge, write every format that was asked for, say what is incomplete, and return the exit code.

    ``own`` are formats that only the command at hand has, each with what writes it once all is judged.
    """
    own = own or {}
    outputs = parse_outputs(args.format, [*FORMATS, *own])
    gather()
    try:
        result = judge()
    except (UnknownRule, UsageError, ResultsError, ConfigError) as error:
        raise CommandError(str(error)) from error
    keep(result)
    if getattr(args, "images", False):
        _add_images(result, args)
    if getattr(args, "images", False) or getattr(args, "verify_images", False):
        from seawall.cli.image_trust import add_workload_trust

        add_workload_trust(result, args)
    if getattr(args, "components", False):
        _add_components(result, args)
    for name, file in outputs:
        write(own[name]() if name in own else render(name, result, view_of(args, file)), file)
    tell(result)
    return result.exit_code(fail_on(args), args.keep_going)


def _add_components(result: ScanResult, args: argparse.Namespace) -> None:
    from seawall.cli.db import database_path
    from seawall.engine.components import add_components
    from seawall.engine.vulnerabilities import VulnerabilityOptions
    from seawall.store.advisories import DatabaseProblem

    try:
        database = database_path(args.db, load_config(args.config))
        add_components(
            result, VulnerabilityOptions(database, severity=Severity(args.severity), accepting=result.accepted)
        )
    except (ConfigError, DatabaseProblem) as error:
        raise CommandError(str(error)) from error


def _add_images(result: ScanResult, args: argparse.Namespace) -> None:
    from seawall.cli.db import database_path
    from seawall.cli.places import image_options, search_of, searches, secret_judge
    from seawall.cli.remembered import remembering
    from seawall.engine.vulnerabilities import VulnerabilityOptions
    from seawall.engine.workloadimages import WorkloadImages, add_images
    from seawall.sources.vex import VexProblem
    from seawall.store.advisories import DatabaseProblem

    reading = WorkloadImages(image_options(args), args.images_from)
    malware = search_of(args) if searches(args) else None
    secrets = secret_judge(args) if args.secrets else None
    try:
        options = VulnerabilityOptions(
            database_path(args.db, load_config(args.config)),
            tuple(args.vex),
            severity=Severity(args.severity),
            accepting=result.accepted,
        )
        with remembering(args) as remember:
            if not sys.stderr.isatty():
                add_images(result, options, reading, remember=remember, malware=malware, secrets=secrets)
                return
            from seawall.cli.progress import Progress

            with Progress("images read", unit="images") as shown:
                add_images(
                    result,
                    options,
                    reading,
                    lambda stage: shown.update(stage.done, stage),
                    remember,
                    malware,
                    secrets,
                )
    except (ConfigError, DatabaseProblem, VexProblem) as error:
        raise CommandError(str(error)) from error


def scan_options(args: argparse.Namespace, baseline: str | None = None) -> ScanOptions:
    """What the arguments of :func:`add_judging_arguments` and the inputs ask for.

    Raises:
        CommandError: they, or the configuration, make no sense.
    """
    options = structs.replace(judging_options(args, baseline), read=read_options(args))
    if getattr(args, "trust", None) is None or options.project is None:
        return options
    from seawall.cli.image_trust import policy_of

    options.project.trust = policy_of(args).form
    return options


def judging_options(args: argparse.Namespace, baseline: str | None = None) -> ScanOptions:
    """What the arguments of :func:`add_judging_arguments` ask for, with nothing to read yet.

    Raises:
        CommandError: they, or the configuration, make no sense.
    """
    try:
        project = load_project(args.config)
    except ConfigError as error:
        raise CommandError(str(error)) from error
    config = project.config
    profile = args.profile or config.profile
    return ScanOptions(
        read=ReadOptions(()),
        version=kubernetes_version(args),
        selection=Selection(tuple(args.rule), tuple(args.skip_rule), profile, config.profiles),
        severity=Severity(args.severity),
        baseline=baseline,
        project=project,
        policies=(*project.admission_files(), *args.policy),
        policies_from_input=args.policies_from_input or config.policies_from_input,
    )


def fail_on(args: argparse.Namespace) -> Severity | None:
    """The severity from which findings fail the run; None for never."""
    return None if args.fail_on == "none" else Severity(args.fail_on)


def _scan(options: ScanOptions) -> ScanResult:
    if not sys.stderr.isatty():
        return scan(options)
    from seawall.cli.progress import Progress

    with Progress("objects judged") as progress:
        return scan(options, progress.update)


_MOST_REASONS = 20


def tell(result: ScanResult) -> None:
    """Say on standard error what a person should know, and why a run is incomplete, a line each."""
    for note in result.notes[:_MOST_REASONS]:
        say(f"note: {note}")
    reasons = [printable(reason) for reason in result.reasons()]
    for reason in reasons[:_MOST_REASONS]:
        say(reason)
    if len(reasons) > _MOST_REASONS:
        say(f"{len(reasons) - _MOST_REASONS} more problems; --format json lists all")
    if reasons:
        say("the run is incomplete")
