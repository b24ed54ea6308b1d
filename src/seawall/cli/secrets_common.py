"""What the commands that search for secrets share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from seawall.cli.main import CommandError
from seawall.cli.output import add_format_argument, parse_outputs, view_of, write
from seawall.cli.scan import fail_on, tell
from seawall.engine.result import ScanResult
from seawall.engine.secrets import Progress, SecretJudge, SecretOptions, SecretsProblem
from seawall.model.finding import Severity
from seawall.reports import FORMATS, render


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """Define what is searched for, what counts, and how it is told."""
    severities = [str(severity) for severity in Severity]
    add_rule_arguments(parser)
    parser.add_argument("--severity", choices=severities, default="info", help="tell findings from this on (info)")
    parser.add_argument("--fail-on", choices=[*severities, "none"], default="high", help="exit 1 from this on (high)")
    parser.add_argument("--config", metavar="FILE", help="read this instead of ./seawall.yaml")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="findings in the terminal (0: all)")
    parser.add_argument("--keep-going", action="store_true", help="do not exit 2 for what cannot be read")
    parser.add_argument("--group-by", choices=["object", "rule"], default="object", help="in the terminal report")
    add_format_argument(parser, FORMATS)


def add_rule_arguments(parser: argparse.ArgumentParser) -> None:
    """Define which rules there are besides ours, and whether secrets are verified."""
    told = "rules in gitleaks' form (TOML), in place of ours unless they extend the default; repeatable"
    parser.add_argument("--rules", action="append", default=[], metavar="FILE", help=told)
    parser.add_argument("--verify", action="store_true", help="SENDS secrets to their issuers, to ask if they are good")
    parser.add_argument(
        "--issuer", action="append", default=[], metavar="NAME=URL", help="verify at this address (your own GitLab)"
    )


def search(args: argparse.Namespace, searching: Callable[[SecretJudge, Progress | None], ScanResult]) -> int:
    """Search, report, and return the exit code."""
    outputs = parse_outputs(args.format, FORMATS)
    result = _searched(secret_judge(args), searching)
    for name, file in outputs:
        write(render(name, result, view_of(args, file)), file)
    tell(result)
    return result.exit_code(fail_on(args), args.keep_going)


def _searched(judge: SecretJudge, searching: Callable[[SecretJudge, Progress | None], ScanResult]) -> ScanResult:
    if not sys.stderr.isatty():
        return searching(judge, None)
    from seawall.cli.progress import Progress as Shown

    with Shown("files searched", unit="files") as shown:
        return searching(judge, lambda count, path: shown.update(count, None))


def secret_judge(args: argparse.Namespace) -> SecretJudge:
    """What judges by the arguments, and by the waivers of the project.

    Raises:
        CommandError: rules cannot be used, or the configuration is wrong.
    """
    from seawall.engine.accepting import Accepting
    from seawall.engine.catalogue import load_rules
    from seawall.engine.config import ConfigError, load_project
    from seawall.engine.secrets import read_bases

    try:
        accepting = Accepting(load_rules(("secrets",)), load_project(args.config))
        bases = read_bases(args.issuer)
        if bases and not args.verify:
            raise CommandError("--issuer says where to verify; give --verify too, which sends secrets to it")
        options = SecretOptions(tuple(args.rules), Severity(args.severity), args.verify, bases)
        return SecretJudge(options, accepting)
    except ValueError as error:
        raise CommandError(f"--issuer: {error}") from error
    except (ConfigError, SecretsProblem) as error:
        raise CommandError(str(error)) from error
