"""Judging images by a trust policy: what ``image --trust``, ``image verify`` and ``scan --images --trust`` share."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from seawall.cli.main import CommandError, say
from seawall.cli.output import parse_outputs, wants_colour, write
from seawall.engine.config import ConfigError

if TYPE_CHECKING:
    from seawall.engine.accepting import Accepting
    from seawall.engine.result import ScanResult
    from seawall.engine.trust import TrustResult
    from seawall.engine.trustpolicy import TrustFile

_FORMATS = ("terminal", "json")


def policy_of(args: argparse.Namespace) -> TrustFile:
    """The policy that ``--trust`` names, or that of the working directory.

    Raises:
        CommandError: there is none, or it cannot be used.
    """
    found = _found(args)
    if found is None:
        raise CommandError("there is no trust policy: name one with --trust, or write seawall-trust.yaml")
    return found


def _found(args: argparse.Namespace) -> TrustFile | None:
    from seawall.engine.trustpolicy import find_trust

    try:
        return find_trust(args.trust, args.config)
    except ConfigError as error:
        raise CommandError(str(error)) from error


def _verified(args: argparse.Namespace, references: list[str]) -> TrustResult:
    from seawall.cli.places import image_options
    from seawall.engine.trust import verify_images
    from seawall.engine.trustpolicy import prepare_trust
    from seawall.sources.images.errors import ImageError

    found = policy_of(args)
    place = image_options(args).place
    try:
        policy = prepare_trust(found)
        if not sys.stderr.isatty():
            result = verify_images(references, policy, place)
        else:
            from seawall.cli.progress import Progress

            with Progress("images verified", unit="images") as shown:
                result = verify_images(references, policy, place, shown.update)
    except (ConfigError, ImageError) as error:
        raise CommandError(str(error)) from error
    result.policy = found.file
    return result


def judge(args: argparse.Namespace, accepting: Accepting | None = None) -> ScanResult:
    """Judge the images of the command line; as findings. ``accepting`` are the waivers of a result that this one is
    joined to; without one, those of the project count and are told.

    Raises:
        CommandError: the policy, the configuration or a waiver cannot be used.
    """
    from seawall.engine.accepting import Accepting
    from seawall.engine.catalogue import load_rules
    from seawall.engine.config import load_project
    from seawall.engine.trust import trust_findings
    from seawall.model.finding import Severity

    told = accepting is None
    try:
        accepting = accepting or Accepting(load_rules(("trust",)), load_project(args.config))
    except ConfigError as error:
        raise CommandError(str(error)) from error
    result = trust_findings(_verified(args, args.paths), Severity(args.severity), accepting=accepting)
    result.notes += accepting.notes() if told else ()
    return result


def run_verify(args: argparse.Namespace) -> int:
    """Tell who signed what, and return the exit code."""
    from seawall.reports import verify as report

    references = args.paths[1:]
    if not references:
        raise CommandError("verify takes images: seawall image verify REF --trust FILE")
    outputs = parse_outputs(args.format, _FORMATS)
    result = _verified(args, references)
    for name, file in outputs:
        if name == "json":
            write(report.json(result), file)
        else:
            write(report.terminal(result, wants_colour() and file is None), file)
    for error in result.errors:
        say(str(error))
    if result.errors:
        say("the run is incomplete")
    return result.exit_code(args.keep_going)


def add_workload_trust(result: ScanResult, args: argparse.Namespace) -> None:
    """Judge the images of workloads, where there is a policy; names were judged with the workloads themselves.

    Raises:
        CommandError: the policy cannot be used, or there is none and ``--verify-images`` asks for it.
    """
    found = policy_of(args) if args.verify_images else _found(args)
    if found is None:
        return
    from seawall.cli.places import image_options
    from seawall.engine.trust import add_trust
    from seawall.engine.trustpolicy import NAMES_RULE, prepare_trust
    from seawall.engine.workloadimages import image_uses
    from seawall.model.finding import Severity, SourceError
    from seawall.model.resource import NotRead
    from seawall.sources.images.errors import ImageError

    try:
        uses = image_uses(result.inventory, mounted=True)
    except NotRead as missing:
        if not args.images:  # else it is told with the vulnerabilities
            result.errors.append(SourceError("images", "", f"not judged: {missing}", unreadable=True))
        return
    try:
        policy = prepare_trust(found)
        add_trust(result, uses, policy, image_options(args).place, Severity(args.severity), (NAMES_RULE,))
    except (ConfigError, ImageError) as error:
        raise CommandError(str(error)) from error
