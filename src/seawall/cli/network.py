"""Ask what can reach what: reach, explain, diff, check."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from seawall.cli import netgen
from seawall.cli.inputs import add_input_arguments, read_options
from seawall.cli.main import CommandError, say
from seawall.cli.output import add_format_argument, parse_outputs, write
from seawall.engine import ReadOptions
from seawall.engine.netcheck import BadAssertions, check, read_assertions
from seawall.engine.netdiff import cut_alike, differences
from seawall.engine.network import BadExpression, EndMatch, Network, Question, explain_pair, parse_port
from seawall.reports import network as report

_PLAIN = ("terminal", "json")
_MOST_REASONS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="reach|explain|diff|check|generate")
    reach = commands.add_parser("reach", help="every connection that the policies let pass")
    reach.add_argument("--from", dest="source", metavar="END", help="ns=NAME, NS/NAME, KEY=VALUE, outside, a CIDR")
    reach.add_argument("--to", dest="target", metavar="END", help="as --from")
    reach.add_argument("--port", metavar="PORT", help="8080, udp/53, tcp/8000-8100")
    add_format_argument(reach, report.FORMATS)
    explain = commands.add_parser("explain", help="which rules allow or deny one connection")
    explain.add_argument("source", metavar="SRC", help="NS/NAME, NS/NAME[KIND] or an address")
    explain.add_argument("target", metavar="DST", help="as SRC")
    explain.add_argument("port", metavar="PORT", help="8080 or udp/53")
    add_format_argument(explain, _PLAIN)
    diff = commands.add_parser("diff", help="which connections a change opens or closes")
    diff.add_argument("before", metavar="A", help="file or folder before")
    diff.add_argument("after", metavar="B", help="file or folder after")
    diff.add_argument("--fail-on-opened", action="store_true", help="exit 1 where a connection is opened")
    add_format_argument(diff, _PLAIN)
    checks = commands.add_parser("check", help="judge assertions, for CI")
    checks.add_argument("file", metavar="FILE", help="YAML with assertions")
    add_format_argument(checks, _PLAIN)
    netgen.add_arguments(commands.add_parser("generate", help="write the policies that should be"))
    for each in (reach, explain, checks):
        add_input_arguments(each)
    for each in (reach, explain, diff, checks):
        each.add_argument(
            "--by-address", action="store_true", help="address blocks of NetworkPolicies match pods too (not in Cilium)"
        )


def run(args: argparse.Namespace) -> int:
    """Answer, and return the exit code."""
    try:
        code: int = _COMMANDS[args.command](args)
    except (BadExpression, BadAssertions) as error:
        raise CommandError(str(error)) from error
    return code


def _reach(args: argparse.Namespace) -> int:
    outputs = parse_outputs(args.format, report.FORMATS)
    question = Question(args.source, args.target, args.port)
    network = Network(read_options(args), question, by_address=args.by_address)
    for name, file in outputs:
        write(report.FORMATS[name](network), file)
    return _tell(network, all(name in ("lines", "dot") for name, _ in outputs))


def _explain(args: argparse.Namespace) -> int:
    ((name, file),) = _one_output(args)
    port = parse_port(args.port)
    ends = [EndMatch(each) for each in (args.source, args.target)]
    network = Network(read_options(args), by_address=args.by_address, ports=[port], more=ends)
    found = explain_pair(network, args.source, args.target, port)
    if name == "json":
        write([report.explain_json(network, found)], file)
    else:
        state = str(network.enforcement.state)
        write(_encoded(line for each in found for line in report.explain_text(each, state)), file)
    return _tell(network)


def _diff(args: argparse.Namespace) -> int:
    ((name, file),) = _one_output(args)
    before, after = (Network(ReadOptions((path,)), by_address=args.by_address) for path in (args.before, args.after))
    cut_alike(before, after)
    changes = list(differences(before, after))
    if name == "json":
        write(report.diff_json(before, after, changes), file)
    else:
        write(_encoded(report.diff_lines(changes)), file)
    code = max(_tell(before), _tell(after, name != "json"))
    return code or int(args.fail_on_opened and any(change.opened for change in changes))


def _check(args: argparse.Namespace) -> int:
    ((name, file),) = _one_output(args)
    assertions = read_assertions(args.file)
    ends = [end for each in assertions for end in (each.source, each.target)]
    ports = [port for each in assertions for port in each.ports]
    network = Network(read_options(args), by_address=args.by_address, more=ends, ports=ports)
    outcomes = check(network, assertions)
    if name == "json":
        write([report.check_json(network, outcomes, args.file)], file)
    else:
        write(_encoded(report.check_lines(outcomes, args.file)), file)
    if _tell(network, name != "json") or any(each.state == "empty" for each in outcomes):
        return 2
    return int(any(each.state == "violated" for each in outcomes))


def _one_output(args: argparse.Namespace) -> list[tuple[str, str | None]]:
    outputs = parse_outputs(args.format, _PLAIN)
    if len(outputs) > 1:
        raise CommandError("give one --format here")
    return outputs


def _encoded(lines: Iterable[str]) -> Iterator[bytes]:
    return (f"{line}\n".encode("utf-8", "replace") for line in lines)


def _tell(network: Network, with_notes: bool = False) -> int:
    """Say on standard error what the answer lacks; 2 where it is incomplete, else 0."""
    if with_notes:
        for note in network.notes:
            of = f"{note.resource}: " if note.resource else ""
            say(f"note: {of}{note.message}")
        say(f"note: policies: {network.enforcement.state} ({network.enforcement.evidence[0]})")
    reasons = network.reasons()
    for reason in reasons[:_MOST_REASONS]:
        say(reason)
    if len(reasons) > _MOST_REASONS:
        say(f"{len(reasons) - _MOST_REASONS} more problems; --format json lists all")
    if reasons:
        say("the answer is incomplete")
        return 2
    return 0


_COMMANDS = {"reach": _reach, "explain": _explain, "diff": _diff, "check": _check, "generate": netgen.run}
