"""What controls are answered from: a scan, facts of nodes, and results of earlier runs, each read once."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

from msgspec import Struct, structs

from seawall.analysis.nodes import Check, Node, Outcome, Verdict, catalogue, for_node, judge
from seawall.engine.catalogue import FACTS, load_all_rules
from seawall.engine.facts import read_facts
from seawall.engine.frameworks import Framework, judged_by
from seawall.engine.nodes import FactsDocument
from seawall.engine.reading import CLUSTER
from seawall.engine.result import ScanResult
from seawall.engine.results import KeptFinding, Results, read_results
from seawall.engine.scan import Progress, ScanOptions, scan
from seawall.engine.selection import NOTHING, Selection
from seawall.findings.controls import CheckResult
from seawall.model.finding import Finding, ResourceRef, RuleStatus, SourceError
from seawall.model.resource import Resource
from seawall.model.version import NEWEST, KubernetesVersion

_SCHEMA = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"schema"\s*:\s*"(seawall\.[a-z-]+/v\d+)"')
_NODE_INFO = re.compile(rb'\A\s*\{[^}]{0,200}"kind"\s*:\s*"NodeInfo"')


class Input(Struct, frozen=True, omit_defaults=True):
    """One input: how it was read, its SHA-256 where it is a file, and when its facts were collected."""

    path: str
    kind: str
    sha256: str = ""
    collected: str = ""


class SourcesProblem(Exception):
    """Inputs that cannot be used together; the message says which and what to do."""


class Sources:
    """What was read, and what is worked out from it once for all controls and frameworks."""

    def __init__(self, owner_keys: tuple[str, ...]) -> None:
        self.owner_keys = owner_keys
        self.scan: ScanResult | None = None
        self.facts: list[FactsDocument] = []
        self.results: list[Results] = []
        self.inputs: list[Input] = []
        self.problems: list[str] = []
        self.errors: list[dict[str, str]] = []
        self.notes: list[str] = []
        self.complete = True
        #: All findings by rule, of the scan and of results.
        self.findings: dict[str, list[Finding | KeptFinding]] = {}
        self.statuses: dict[str, RuleStatus] = {}
        #: Objects by kind.
        self.kinds: Counter[str] = Counter()
        self.live = False
        self.cache: dict[tuple[str, bool], CheckResult] = {}
        self.owners: dict[str, Counter[str]] = {}
        self.owned: dict[ResourceRef, str] = {}
        self._outcomes: dict[str, list[tuple[int, Outcome]]] = {}
        self._nodes: list[Node] = []
        self._without: list[str] | None = None
        self._by_ref: dict[ResourceRef, Resource] | None = None
        self._namespaces: dict[tuple[str | None, str], Resource] = {}

    @property
    def version(self) -> KubernetesVersion:
        """The Kubernetes version that was judged at."""
        if self.scan is not None:
            return self.scan.version
        return max((node.version or NEWEST for node in self._nodes), default=NEWEST)

    def outcomes(self, rule: str) -> list[tuple[int, Outcome]]:
        """What the check of that rule says of each node by its place among the facts; nothing where it is no check."""
        check = catalogue().checks.get(rule)
        if check is None:
            return []
        if rule not in self._outcomes:
            self._outcomes[rule] = [(index, self._judged(check, node)) for index, node in enumerate(self._nodes)]
        return self._outcomes[rule]

    def _judged(self, check: Check, node: Node) -> Outcome:
        kinds = {each.benchmark.kind for each in for_node(node)}
        benchmarks = catalogue().benchmarks
        meant = {benchmarks[c.framework].kind for c in check.controls if c.framework in benchmarks}
        if meant and meant.isdisjoint(kinds):
            return Outcome(Verdict.NOT_APPLICABLE, reason=f"runs no {' or '.join(sorted(meant))}")
        try:
            return judge(check, node)
        except Exception as error:  # noqa: BLE001 - a failed check becomes a status, and the run incomplete
            self.complete = False
            reason = f"{check.rule}: {type(error).__name__}: {error}"
            self.problems.append(reason)
            return Outcome(Verdict.NOT_JUDGED, reason=reason)

    def nodes_without_facts(self) -> list[str]:
        """Nodes of the scanned cluster of which no facts were given."""
        if self.scan is None:
            return []
        if self._without is None:
            known = {document.facts.host.name for document in self.facts}
            resources = self.scan.inventory.resources
            self._without = sorted({r.ref.name for r in resources if r.ref.kind == "Node"} - known)
        return self._without

    def resource(self, ref: ResourceRef) -> Resource | None:
        """The object of that identity, if it was read."""
        self._index()
        return (self._by_ref or {}).get(ref)

    def namespace(self, ref: ResourceRef) -> Resource | None:
        """The namespace of an object, if it was read."""
        self._index()
        return self._namespaces.get((ref.cluster, ref.namespace or ""))

    def _index(self) -> None:
        if self._by_ref is None:
            resources = self.scan.inventory.resources if self.scan is not None else ()
            self._by_ref = {resource.ref: resource for resource in resources}
            self._namespaces = {(r.ref.cluster, r.ref.name): r for r in resources if r.ref.kind == "Namespace"}

    def add_scan(self, result: ScanResult, keep_going: bool) -> None:
        """Take in a scan."""
        self.scan = result
        self._by_ref = None
        self.statuses = {status.rule: status for status in result.statuses}
        self._take(result.findings)
        self.kinds = Counter(r.kind.name if r.kind else r.ref.kind for r in result.inventory.resources)
        self.live = any(resource.live for resource in result.inventory.resources)
        for path in result.inputs:
            digest = _digest(path) if os.path.isfile(path) else ""
            self.inputs.append(Input(path, result.kinds[path].partition("-of-")[0], digest))
        self.notes += result.notes
        self.problems += result.reasons()
        self._errors(result.errors)
        self.complete &= result.exit_code(None, keep_going) == 0

    def add_facts(self, path: str, keep_going: bool) -> None:
        """Take in a file of facts."""
        documents, errors = read_facts(path)
        self.facts += documents
        self._nodes += [Node(document.facts) for document in documents]
        for document in documents:
            self.inputs.append(Input(document.source, "facts", _digest(path), document.facts.collected))
        self.problems += [str(error) for error in errors]
        self._errors(errors)
        self.complete &= not errors or keep_going

    def add_results(self, path: str) -> None:
        """Take in results of an earlier run.

        Raises:
            ResultsError: the file holds none.
        """
        results = read_results(path)
        self.results.append(results)
        self.inputs.append(Input(path, "results", _digest(path)))
        self._take(finding for finding, _ in results.findings)
        if not results.complete:
            self.complete = False
            self.problems.append(f"{path}: the run whose results it holds was incomplete")

    def _take(self, findings: Iterable[Finding | KeptFinding]) -> None:
        """Take in findings, in place of those that are the same ones in another input."""
        fresh = list(findings)
        prints = {each.fingerprint for each in fresh}
        for rule, known in self.findings.items():
            self.findings[rule] = [each for each in known if each.fingerprint not in prints]
        for each in fresh:
            self.findings.setdefault(each.rule, []).append(each)

    def _errors(self, errors: Iterable[SourceError]) -> None:
        self.errors += [{"source": e.source, "where": e.where, "message": e.message} for e in errors]


def gather(
    frameworks: Iterable[Framework],
    options: ScanOptions,
    keep_going: bool = False,
    owner_keys: tuple[str, ...] = ("owner", "team"),
    progress: Progress | None = None,
) -> Sources:
    """Read every input once, and judge what the frameworks need; the paths are those of ``options.read``.

    Raises:
        SourcesProblem: a document of ours that answers no control is among the inputs.
        ResultsError: results cannot be read.
        UsageError: the inputs are of different Kubernetes versions, and none is given to judge at.
    """
    sources = Sources(owner_keys)
    paths = []
    for path in options.read.paths:
        kind = _kind(path)
        if kind == "facts":
            sources.add_facts(path, keep_going)
        elif kind == "results":
            sources.add_results(path)
        elif kind:
            raise SourcesProblem(f"{path} holds {kind}, which answers no control; give facts, results or what to scan")
        else:
            paths.append(path)
    if paths:
        selection = _selection(frameworks)
        read = structs.replace(options.read, paths=tuple(paths))
        chosen = structs.replace(options, read=read, selection=selection)
        sources.add_scan(scan(chosen, progress), keep_going)
    return sources


def _selection(frameworks: Iterable[Framework]) -> Selection:
    """The rules over objects that any control of the frameworks asks for."""
    registry = load_all_rules()
    names = {name for each in frameworks for control in each.controls for name in (*control.needed, *control.further)}
    wanted = [
        name
        for name in sorted(names)
        if (rule := registry.get(name)) is not None
        and rule.on != (FACTS,)
        and judged_by(rule) in ("scan", "files", "kubeconfig", "facts", "build-files")
    ]
    return Selection(only=tuple(wanted)) if wanted else Selection(profile=NOTHING)


def _kind(path: str) -> str:
    """``facts`` or ``results`` for documents of ours, the schema for others of ours, empty for what is scanned."""
    if path in ("-", CLUSTER) or not os.path.isfile(path):
        return ""
    try:
        with open(path, "rb") as file:
            head = file.read(512)
    except OSError:
        return ""
    if _NODE_INFO.match(head):
        return "facts"
    match = _SCHEMA.match(head)
    if match is None:
        return ""
    schema = match[1].decode()
    if schema.startswith("seawall.facts/"):
        return "facts"
    return "results" if schema == "seawall.findings/v1" else schema


def _digest(path: str) -> str:
    digest = sha256()
    try:
        with open(path, "rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    except OSError:
        return ""
    return digest.hexdigest()
