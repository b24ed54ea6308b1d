"""What ``seawall image`` takes to judge images by the database of advisories, and to explain a vulnerability."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from seawall.cli import image_trust
from seawall.cli.db import database_path
from seawall.cli.main import CommandError, say
from seawall.cli.output import Outputs, parse_outputs, view_of, write
from seawall.cli.places import add_secret_arguments, add_set_arguments, malware_judge, searches, secret_judge
from seawall.cli.remembered import run_watch, store_path
from seawall.cli.scan import tell
from seawall.engine.config import ConfigError, Project, load_project
from seawall.engine.images import ImagesResult
from seawall.engine.looking import Looked
from seawall.engine.result import ScanResult
from seawall.engine.vulnerabilities import VulnerabilityOptions, join, judge_images
from seawall.model.finding import Severity
from seawall.model.images import Look
from seawall.reports import FORMATS, explainimage, render, vex
from seawall.sources.vex import VexProblem
from seawall.store.advisories import AdvisoryStore, DatabaseProblem
from seawall.store.inventories import InventoryProblem, InventoryStore

if TYPE_CHECKING:
    from seawall.engine.imagesecrets import ImageSecretJudge
    from seawall.engine.malware import MalwareJudge

EXPLAIN, WATCH, VERIFY = "explain", "watch", "verify"
_VEX = {"openvex": vex.openvex, "cyclonedx-vex": vex.cyclonedx}
_EXPLAINED = ("terminal", "json")
_Maker = Callable[..., bytes]


def add_judging_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    severities = [str(severity) for severity in Severity]
    group = parser.add_argument_group(
        "vulnerabilities",
        f"formats: {', '.join((*FORMATS, *_VEX))}; `seawall image explain CVE REF` explains one, "
        "`seawall image verify REF --trust FILE` tells who signed",
    )
    group.add_argument("--vulnerabilities", action="store_true", help="judge by the database of advisories")
    group.add_argument("--db", metavar="FILE", help="the database (default: as `seawall db` says); judges")
    group.add_argument("--vex", action="append", default=[], metavar="FILE", help="OpenVEX, CycloneDX or CSAF; judges")
    group.add_argument(
        "--trust", metavar="FILE", help="judge by a trust policy: registries, bases, age, signatures, attestations"
    )
    group.add_argument("--ignore-unfixed", action="store_true", help="leave out what no version mends")
    group.add_argument("--malware", action="store_true", help="search for malware and tampering")
    add_set_arguments(group)
    add_secret_arguments(group)
    group.add_argument("--severity", choices=severities, default="info", help="tell findings from this on (info)")
    group.add_argument("--fail-on", choices=[*severities, "none"], default="high", help="exit 1 from this on (high)")
    group.add_argument("--config", metavar="FILE", help="read this instead of ./seawall.yaml")
    group.add_argument("--remember", action="store_true", help="keep what is in the images, for `seawall image watch`")
    group.add_argument("--remember-in", metavar="FILE", help="keep it in this file; watch: judge what is in it")
    group.add_argument(
        "--every", type=float, default=0.0, metavar="SECONDS", help="watch: look again after so long, until interrupted"
    )
    group.add_argument("--limit", type=int, default=100, metavar="N", help="findings in the terminal (0: all)")


def wanted(args: argparse.Namespace) -> bool:
    """Whether the arguments ask for more than an inventory."""
    return bool(searches_files(args) or judges(args) or args.trust or args.paths[0] in (EXPLAIN, WATCH, VERIFY))


def searches_files(args: argparse.Namespace) -> bool:
    """Whether the files of images are to be searched for something."""
    return bool(searches(args) or args.secrets)


def judges(args: argparse.Namespace) -> bool:
    """Whether packages are to be judged by the database of advisories."""
    return bool(args.vulnerabilities or args.db or args.vex)


Reading = Callable[[Sequence[Look], Callable[[Looked], None] | None], ImagesResult]


def run(args: argparse.Namespace, read: Reading) -> int:
    """Read the images with ``read``, judge them or explain, and return the exit code."""
    if args.paths[0] == VERIFY:
        return image_trust.run_verify(args)
    if args.trust and not (judges(args) or searches_files(args)) and args.paths[0] not in (EXPLAIN, WATCH):
        outputs = parse_outputs(args.format, FORMATS)
        return _report(args, outputs, image_trust.judge(args))
    try:
        project = load_project(args.config)
        database = database_path(args.db, project.config)
        if args.paths[0] == EXPLAIN:
            return _explain(args, read, database)
        if args.paths[0] == WATCH:
            return run_watch(args, database)
        outputs = parse_outputs(args.format, (*FORMATS, *_VEX))
        result = _judged(args, read, database, project)
        if args.trust:
            join(result, image_trust.judge(args, result.accepted))
    except (ConfigError, DatabaseProblem, VexProblem) as error:
        raise CommandError(str(error)) from error
    return _report(args, outputs, result)


def _report(args: argparse.Namespace, outputs: Outputs, result: ScanResult) -> int:
    for name, file in outputs:
        write([_VEX[name](result)] if name in _VEX else render(name, result, view_of(args, file)), file)
    tell(result)
    return result.exit_code(None if args.fail_on == "none" else Severity(args.fail_on), args.keep_going)


def _judged(args: argparse.Namespace, read: Reading, database: str, project: Project) -> ScanResult:
    judged = judges(args)
    if judged:
        with AdvisoryStore(database):  # told before an hour of pulling
            pass
    searching: list[MalwareJudge | ImageSecretJudge] = []
    if searches(args):
        searching.append(malware_judge(args))
    if args.secrets:
        searching.append(secret_judge(args))

    def see(looked: Looked) -> None:
        for each in searching:
            each.add(looked)

    images = read([each.look for each in searching], see) if searching else read((), None)
    results = [each.result(() if index or judged else images.errors) for index, each in enumerate(searching)]
    if judged:
        severity = Severity(args.severity)
        options = VulnerabilityOptions(database, tuple(args.vex), args.ignore_unfixed, severity, project)
        results.insert(0, judge_images(images.images, options, images.errors))
    for other in results[1:]:
        join(results[0], other)
    return results[0]


def _explain(args: argparse.Namespace, read: Reading, database: str) -> int:
    from seawall.engine.explain_image import explain_image

    if len(args.paths) not in (2, 3):
        raise CommandError("explain takes a vulnerability, and an image or none: seawall image explain CVE-2024-1 REF")
    ((form, file),) = parse_outputs(args.format, _EXPLAINED)[:1]
    maker = explainimage.json if form == "json" else explainimage.text
    name = args.paths[1]
    if len(args.paths) == 2:
        return _explain_remembered(args, name, database, maker, file)
    args.paths = [args.paths[2]]
    with AdvisoryStore(database) as store:
        images = read((), None)
        for error in images.errors:
            say(str(error))
        if not images.images:
            return 2
        explained = explain_image(name, images.images[0], store, _today())
    write([maker(images.images[0].reference, name, explained)], file)
    return 0 if images.complete else 2


def _explain_remembered(args: argparse.Namespace, name: str, database: str, maker: _Maker, file: str | None) -> int:
    """Explain it for every remembered image that has it, a document or a paragraph each."""
    from seawall.engine.explain_image import explain_remembered

    if not os.path.exists(store_path(args)):
        raise CommandError("no image is remembered: name one, or read some with --remember first")
    found = 0
    try:
        with AdvisoryStore(database) as advisories, InventoryStore(store_path(args)) as store:
            parts = []
            for inventory, uses, explained in explain_remembered(name, store, advisories, _today()):
                found += 1
                parts.append(maker(inventory.reference, name, explained, uses))
            write(parts, file)
    except InventoryProblem as error:
        raise CommandError(str(error)) from error
    if not found:
        say(f"no remembered image has {name}; --remember keeps what is read")
    return 0


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
