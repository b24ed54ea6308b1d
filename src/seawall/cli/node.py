"""Collect the facts of a node, judge them by benchmarks, plan what to change; nothing on a host is changed or run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from seawall.analysis.nodes import UnknownBenchmark
from seawall.cli.inputs import add_cluster_arguments, cluster_options
from seawall.cli.main import CommandError, say
from seawall.cli.output import add_format_argument, parse_outputs, view_of, write
from seawall.engine.answers import Answers, read_answers
from seawall.engine.config import ConfigError, load_project
from seawall.engine.facts import ConfigzSource, FactsError, collect_facts, encode_facts, read_facts
from seawall.engine.nodes import AuditOptions, FactsDocument, NodeAudit, audit
from seawall.engine.results import Results, ResultsError, read_results
from seawall.engine.selection import Selection, UnknownRule
from seawall.model.finding import Severity, SourceError
from seawall.reports import FORMATS, render
from seawall.reports import nodes as report
from seawall.reports.excerpt import printable
from seawall.reports.view import View

#: Formats of an audit besides those of any findings: every control for a person, as JSON, and a form to fill in.
_FORMATS = ("controls", "controls-json", "form", "answers", *FORMATS)
_MOST_TOLD = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the subcommands; without one, ``audit`` is meant."""
    _add_audit_arguments(parser)
    commands = parser.add_subparsers(dest="command", metavar="collect|audit|fix|compare|schema")
    collecting = commands.add_parser("collect", help="write the facts of this node as one JSON document")
    _add_host_arguments(collecting)
    collecting.add_argument("-o", "--output", metavar="FILE", help="instead of standard output; for its owner alone")
    judging = commands.add_parser("audit", help="judge facts by benchmarks (the default)")
    _add_audit_arguments(judging)
    fixing = commands.add_parser("fix", help="print what to change so that failed checks pass")
    fixing.add_argument("--plan", action="store_true", required=True, help="print only: nothing is changed, ever")
    _add_judging_arguments(fixing)
    add_format_argument(fixing, ("terminal", "json"))
    comparing = commands.add_parser("compare", help="put results of kube-bench or docker-bench beside these")
    comparing.add_argument("results", metavar="FILE", help="JSON of kube-bench or docker-bench-security")
    _add_judging_arguments(comparing)
    add_format_argument(comparing, ("terminal", "json"))
    commands.add_parser("schema", help="print the JSON Schema of facts")
    for command in (collecting, judging, fixing, comparing):
        _keep_what_was_given(command)


def _keep_what_was_given(parser: argparse.ArgumentParser) -> None:
    """Let options before the subcommand count: its own defaults would silently take their place."""
    for action in parser._actions:
        if action.dest not in ("output", "help", "plan", "results"):
            action.default = argparse.SUPPRESS


def _add_host_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", default="/", metavar="DIR", help="where the host's files are (/)")
    parser.add_argument("--proc", metavar="DIR", help="where the host's processes are (proc below the root)")
    parser.add_argument(
        "--configz", metavar="NODE", help="ask this node's kubelet for its settings through the API server"
    )
    add_cluster_arguments(parser, namespace=False)


def _add_judging_arguments(parser: argparse.ArgumentParser) -> None:
    severities = [str(severity) for severity in Severity]
    _add_host_arguments(parser)
    parser.add_argument("--facts", nargs="+", default=[], metavar="FILE", help="judge these instead of this host")
    parser.add_argument("--benchmark", action="append", default=[], metavar="NAME", help="by this one; repeatable")
    parser.add_argument(
        "--scan", metavar="FILE", help="results of `seawall scan --format json`: for controls of clusters"
    )
    parser.add_argument("--answers", metavar="FILE", help="what people answered: evidence, and accepted risks")
    parser.add_argument("--severity", choices=severities, default="info", help="tell findings from this on (info)")
    parser.add_argument("--rule", action="append", default=[], metavar="ID", help="run only this rule; repeatable")
    parser.add_argument("--skip-rule", action="append", default=[], metavar="ID", help="leave a rule out; repeatable")


def _add_audit_arguments(parser: argparse.ArgumentParser) -> None:
    severities = [str(severity) for severity in Severity]
    _add_judging_arguments(parser)
    add_format_argument(parser, _FORMATS, default="controls")
    parser.add_argument("--vulnerabilities", action="store_true", help="judge its packages by `seawall db`")
    parser.add_argument("--db", metavar="FILE", help="the database of advisories; judges packages by it")
    parser.add_argument("--config", metavar="FILE", help="read this instead of ./seawall.yaml")
    parser.add_argument("--fail-on", choices=[*severities, "none"], default="high", help="exit 1 from this on (high)")
    parser.add_argument("--keep-going", action="store_true", help="do not exit 2 for facts that cannot be read")
    parser.add_argument("--group-by", choices=["object", "rule"], default="object", help="in the terminal report")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="findings in the terminal (0: all)")


def run(args: argparse.Namespace) -> int:
    """Do what was asked for, and return the exit code."""
    command = {"collect": _collect, "fix": _fix, "compare": _compare, "schema": _schema}.get(args.command, _audit)
    return command(args)


def _collect(args: argparse.Namespace) -> int:
    facts = _collected(args).facts
    if args.output:
        _write_private(encode_facts(facts), args.output)
        told = f"{args.output}: {facts.layout}, {', '.join(facts.components) or 'no component of a cluster'}"
        sys.stdout.write(f"{printable(told)}; {len(facts.files)} files, {len(facts.problems)} problems\n")
    else:
        write([encode_facts(facts)], None)
    lines = [f"{problem.fact}: {problem.reason}" for problem in facts.problems]
    _tell(lines, "what could not be had is told in `problems`, and not judged")
    return 0


def _write_private(data: bytes, path: str) -> None:
    """Write for the owner alone: facts tell how a host can be attacked."""
    import os

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with open(handle, "wb") as file:
            file.write(data)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}; choose another --output") from error


def _collected(args: argparse.Namespace) -> FactsDocument:
    source = None
    if args.configz:
        from seawall.sources.cluster import ClusterOptions

        source = ConfigzSource(args.configz, cluster_options(args) or ClusterOptions())
    try:
        document = collect_facts(args.root, args.proc, source)
    except FactsError as error:
        raise CommandError(str(error)) from error
    if document.facts.host.container:
        _tell(
            [f"what is below {args.root} is a container, not a host: mount the host's files, and name them with --root"]
        )
    return document


def _documents(args: argparse.Namespace) -> tuple[list[FactsDocument], list[SourceError]]:
    if not args.facts:
        return [_collected(args)], []
    if args.root != "/" or args.proc or args.configz:
        raise CommandError("--facts are judged as they are; leave out --root, --proc and --configz")
    documents: list[FactsDocument] = []
    errors: list[SourceError] = []
    for path in args.facts:
        found, wrong = read_facts(path)
        documents += found
        errors += wrong
    return documents, errors


def _judged(args: argparse.Namespace) -> tuple[list[FactsDocument], NodeAudit]:
    documents, errors = _documents(args)
    try:
        selection = Selection(tuple(args.rule), tuple(args.skip_rule), "all")
        severity, answers = Severity(args.severity), _answers(args)
        project = load_project(getattr(args, "config", None))
        options = AuditOptions(tuple(args.benchmark), selection, severity, _scanned(args), answers, project)
        return documents, audit(documents, options, errors)
    except (ConfigError, UnknownBenchmark, UnknownRule, ResultsError) as error:
        raise CommandError(str(error)) from error


def _scanned(args: argparse.Namespace) -> Results | None:
    return read_results(args.scan) if args.scan else None


def _answers(args: argparse.Namespace) -> Answers | None:
    from datetime import UTC, datetime

    try:
        return read_answers(args.answers, datetime.now(UTC).date()) if args.answers else None
    except ConfigError as error:
        raise CommandError(str(error)) from error


def _audit(args: argparse.Namespace) -> int:
    outputs = parse_outputs(args.format, _FORMATS, default="controls")
    documents, audited = _judged(args)
    if args.vulnerabilities or args.db:
        _add_vulnerabilities(args, documents, audited)
    for name, file in outputs:
        write(_rendered(name, audited, view_of(args, file)), file)
    _tell(audited.scan.reasons(), "the audit is incomplete")
    fail_on = None if args.fail_on == "none" else Severity(args.fail_on)
    return audited.scan.exit_code(fail_on, args.keep_going)


def _add_vulnerabilities(args: argparse.Namespace, documents: list[FactsDocument], audited: NodeAudit) -> None:
    from seawall.cli.db import database_path
    from seawall.engine.nodevulnerabilities import add_vulnerabilities
    from seawall.engine.vulnerabilities import VulnerabilityOptions
    from seawall.store.advisories import DatabaseProblem

    try:
        project = load_project(args.config)
        options = VulnerabilityOptions(
            database_path(args.db, project.config), severity=Severity(args.severity), project=project
        )
        add_vulnerabilities(audited, documents, options)
    except (ConfigError, DatabaseProblem) as error:
        raise CommandError(str(error)) from error


def _rendered(name: str, audited: NodeAudit, view: View) -> Iterable[bytes]:
    if name == "controls":
        return (line.encode() for line in report.table(audited))
    if name == "controls-json":
        return report.document(audited)
    if name in ("form", "answers"):
        return (line.encode() for line in (report.form if name == "form" else report.answers)(audited))
    return render(name, audited.scan, view)


def _fix(args: argparse.Namespace) -> int:
    from seawall.engine.nodeplan import plan
    from seawall.reports.nodeplan import plan_document, plan_text

    outputs = parse_outputs(args.format, ("terminal", "json"))
    documents, audited = _judged(args)
    plans = plan(documents, audited)
    for name, file in outputs:
        write(plan_document(plans) if name == "json" else (line.encode() for line in plan_text(plans)), file)
    _tell(audited.scan.reasons(), "the audit is incomplete")
    return 0 if audited.scan.complete else 2


def _compare(args: argparse.Namespace) -> int:
    from seawall.engine.nodecompare import BenchError, compare, read_bench
    from seawall.reports.nodeplan import compare_document, compare_text

    outputs = parse_outputs(args.format, ("terminal", "json"))
    try:
        theirs = read_bench(args.results)
    except BenchError as error:
        raise CommandError(str(error)) from error
    _, audited = _judged(args)
    comparisons = [compare(node, theirs) for node in audited.nodes]
    for name, file in outputs:
        parts = (
            compare_document(comparisons) if name == "json" else (line.encode() for line in compare_text(comparisons))
        )
        write(parts, file)
    _tell(audited.scan.reasons(), "the audit is incomplete")
    return 0 if audited.scan.complete else 2


def _schema(_: argparse.Namespace) -> int:
    from seawall.reports.facts import schema

    write([schema()], None)
    return 0


def _tell(lines: list[str], end: str = "") -> None:
    for line in lines[:_MOST_TOLD]:
        say(line)
    if len(lines) > _MOST_TOLD:
        say(f"and {len(lines) - _MOST_TOLD} more")
    if lines and end:
        say(end)
