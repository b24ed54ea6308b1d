"""Moving Secrets out of manifests: into a store, with an object that takes them from there in their place.

Nothing is taken on trust: what comes of it is scanned again, and holds only if the findings are gone and nothing new as
bad appeared. No value ever stands in what is given back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct, structs

from seawall.engine.config import OwnProfile
from seawall.engine.externalize.commands import commands
from seawall.engine.externalize.objects import KINDS, PROVIDERS, Moved
from seawall.engine.externalize.plan import LITERAL_RULES, SECRET_RULES, Planner
from seawall.engine.externalize.secrecy import Secrecy
from seawall.engine.externalize.steps import Left, Part, Request, Step
from seawall.engine.externalize.texts import Texts, ToYaml, write_steps
from seawall.engine.reading import Supplied
from seawall.engine.result import ScanResult
from seawall.engine.rewrite import Rewriter
from seawall.engine.scan import ScanOptions, scan
from seawall.engine.selection import Selection
from seawall.model.finding import Finding, Severity
from seawall.sources.manifests import load_stdin

__all__ = ["KINDS", "PROVIDERS", "Externalized", "Left", "Moved", "Part", "Request", "Step", "externalize"]

_PROFILE = "externalize"


class Externalized(Struct):
    """What moves, and the files as they are then. ``problems`` say why nothing of it must be used."""

    provider: str
    request: Request
    steps: list[Step]
    left: list[Left]
    changed: dict[str, bytes]
    new: dict[str, bytes]
    problems: list[str]
    before: ScanResult
    secrecy: Secrecy

    def commands(self, step: Step) -> Iterator[str]:
        """The command lines that put the values of a step into the store."""
        return commands(step.moved, self.provider, self.request.parameters)


def externalize(options: ScanOptions, request: Request, to_yaml: ToYaml) -> Externalized:
    """Find what stands in clear, and make the files without it. Nothing is written to disk.

    ``to_yaml`` writes an object as a YAML document.

    Raises:
        UsageError: no store is named and none is known, or a parameter is missing.
        Whatever :func:`seawall.engine.scan.scan` raises.
    """
    base = options.selection
    # Whatever the profile leaves out, these are looked for.
    own = OwnProfile(extends=base.profile, enable=(*SECRET_RULES, *LITERAL_RULES))
    selection = Selection((), base.skip, _PROFILE, {**base.own, _PROFILE: own})
    options = structs.replace(options, subjects=True, severity=Severity.INFO, baseline=None, selection=selection)
    first = scan(options)
    rewriter = Rewriter(first.texts)
    settled: dict[str, str] = {}
    while True:
        planner = Planner(first, request, rewriter, settled)
        planner.run()
        texts = write_steps(planner.steps, rewriter, planner.secrecy, to_yaml)
        refused = texts.refused or _leaking(planner.steps, texts, planner.secrecy)
        if not refused:
            break
        # Without these; each turn settles at least one finding more.
        settled.update((finding.fingerprint, reason) for step, reason in refused for finding in step.findings)
    problems = _check(options, first, planner.steps, texts) if planner.steps else []
    hide = planner.secrecy.hide
    return Externalized(
        provider=planner.provider,
        request=request,
        steps=planner.steps,
        left=planner.left,
        changed=texts.changed,
        new=texts.new,
        problems=[hide(problem) for problem in problems],
        before=first,
        secrecy=planner.secrecy,
    )


def _leaking(steps: list[Step], texts: Texts, secrecy: Secrecy) -> list[tuple[Step, str]]:
    """The steps of files in which a value would still stand, in a comment or at another place."""
    found: list[tuple[Step, str]] = []
    for file, data in texts.changed.items():
        line = secrecy.leak(data.decode("utf-8", "replace").replace("\0", ""))
        if line:
            reason = f"line {line} of the new file would have a value in clear (a comment, what stays): mend that first"
            found += [(step, reason) for step in steps if any(part.resource.origin.file == file for part in step.parts)]
    return found


def _check(options: ScanOptions, first: ScanResult, steps: list[Step], texts: Texts) -> list[str]:
    """Scan what came of it; tells what is still there, or new and as bad as the least of what went."""
    supplied = {name: _supplied(name, data) for name, data in texts.new.items()}
    read = structs.replace(
        options.read,
        paths=(*options.read.paths, *supplied),
        instead={**first.texts, **texts.changed},
        supplied={**options.read.supplied, **supplied},
    )
    after = scan(structs.replace(options, read=read))
    gone = [finding for step in steps for finding in step.findings]
    least = max((finding.severity for finding in gone), key=lambda severity: severity.rank)
    known, there = _count(first.open_findings()), _count(after.open_findings())
    remaining = {finding.fingerprint for finding in after.open_findings()}
    problems = [f"{each.resource}: {each.rule} would still be there" for each in gone if each.fingerprint in remaining]
    for key, count in there.items():
        if count > known[key] and key[2].at_least(least):
            problems.append(f"{key[1]}: a new finding of {key[0]} ({key[2]}) would appear")
    lost = Counter(str(error) for error in after.errors) - Counter(str(error) for error in first.errors)
    return problems + [f"could not be read then: {error}" for error in lost]


def _count(findings: list[Finding]) -> Counter[tuple[str, str, Severity]]:
    return Counter((finding.rule, str(finding.resource), finding.severity) for finding in findings)


def _supplied(name: str, data: bytes) -> Supplied:
    return Supplied("manifests", lambda: load_stdin(data, name), is_file=True)
