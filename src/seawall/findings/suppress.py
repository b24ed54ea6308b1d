"""Suppression in place: comments and annotations beside an object that waive some of its findings.

Annotations are Seawall's own and those of checkov, kube-linter and kube-score, whose checks are known by the rules'
aliases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from seawall.model.finding import Waiver
from seawall.model.kube.base import InvalidField
from seawall.model.paths import Path
from seawall.model.resource import Resource, Suppression
from seawall.model.rule import Registry

EVERY_RULE = "*"
NO_REASON = "no reason given"

_OWN = "seawall.dev/ignore."
_CHECKOV = ("checkov.io/skip", "bridgecrew.io/skip", "cortex.io/skip")
_KUBE_LINTER = "ignore-check.kube-linter.io/"
_KUBE_LINTER_ALL = "kube-linter.io/ignore-all"
_KUBE_SCORE = "kube-score/ignore"
_PREFIXES = (_OWN, *_CHECKOV, _KUBE_LINTER, _KUBE_LINTER_ALL, _KUBE_SCORE)


class Suppressions:
    """Decides which findings are waived in place. ``notes`` has a line for each wish that cannot be followed.

    ``every`` gives all rules there are, for names that none of the ``registry`` has.
    """

    def __init__(self, registry: Registry, every: Callable[[], Registry] | None = None) -> None:
        self._registry = registry
        self._every = every
        self._ids: dict[str, frozenset[str]] = {}
        self.notes: dict[str, None] = {}
        #: How many findings each has waived, by its source and rules as written.
        self.used: dict[tuple[str, tuple[str, ...], str], int] = {}

    def of(self, resource: Resource) -> list[Suppression]:
        """All that is to be waived of an object."""
        found = [*resource.suppressions, *_annotated(resource)]
        for wish in found:
            if wish.problem:
                self.notes[f"{wish.source} {wish.problem}"] = None
            if wish.names:
                self.used.setdefault((wish.source, wish.names, wish.reason), 0)
            for name in wish.names:
                if name != EVERY_RULE and not self._rules(name):
                    self.notes[f"{wish.source} waives {name!r}, which is no rule and no alias of one"] = None
        return found

    def waiver(self, rule: str, path: Path, line: int, wishes: Sequence[Suppression]) -> Waiver | None:
        """The waiver of a finding of a rule at a path and line, or None."""
        for wish in wishes:
            within = wish.path is not None and path[: len(wish.path)] == wish.path
            if not within and (not wish.line or wish.line != line):
                continue
            if any(name == EVERY_RULE or rule in self._rules(name) for name in wish.names):
                self.used[wish.source, wish.names, wish.reason] += 1
                return Waiver(wish.reason or NO_REASON, wish.source)
        return None

    def _rules(self, name: str) -> frozenset[str]:
        ids = self._ids.get(name)
        if ids is None:
            found = self._registry.find(name)
            if not found and self._every is not None:
                found = self._every().find(name)
            ids = self._ids[name] = frozenset(rule.id for rule in found)
        return ids


def _annotated(resource: Resource) -> Iterator[Suppression]:
    try:
        annotations = resource.metadata.annotations
    except InvalidField:  # told as an error of its own
        annotations = {}
    yield from _from_annotations(annotations, ())
    base = resource.kind.template if resource.kind is not None and resource.view is not None else None
    if base:
        try:
            template = resource.template()
            annotations = template.metadata.annotations if template is not None else {}
        except InvalidField:
            return
        yield from _from_annotations(annotations, base)


def _from_annotations(annotations: dict[str, str], path: Path) -> Iterator[Suppression]:
    for key, value in annotations.items():
        if not key.startswith(_PREFIXES):
            continue
        source = f"annotation {key}"
        if key.startswith(_OWN):
            yield Suppression((key.removeprefix(_OWN),), value.strip(), source, path)
        elif key.startswith(_CHECKOV):
            check, _, reason = value.partition("=")
            yield Suppression((check.strip(),), reason.strip(), source, path)
        elif key.startswith(_KUBE_LINTER):
            yield Suppression((f"kube-linter:{key.removeprefix(_KUBE_LINTER)}",), value.strip(), source, path)
        elif key == _KUBE_LINTER_ALL:
            yield Suppression((EVERY_RULE,), value.strip(), source, path)
        elif key == _KUBE_SCORE:
            checks = tuple(f"kube-score:{name.strip()}" for name in value.split(",") if name.strip())
            yield Suppression(checks, "", source, path)
