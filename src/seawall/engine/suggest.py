"""Fixes for what no file holds as it is: rendered objects, clusters, snapshots, archives.

Rendered sources are never edited. What is suggested was tried on the objects themselves, and values of charts by
rendering the charts with them.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from seawall.engine.reading import ReadOptions, Supplied
from seawall.engine.rewrite import Dropped, Planned
from seawall.engine.scan import ScanOptions, scan
from seawall.model.finding import Finding, Location, RenderedEvidence, Severity
from seawall.model.paths import Path, format_path, lookup, parse_path
from seawall.model.remedy import Conflict, Edit, applied, in_order
from seawall.model.resource import Resource
from seawall.sources.manifests.objects import Loaded, from_object
from seawall.sources.manifests.walk import InputFile

_HERE = "objects"


class Suggestion(Struct, frozen=True):
    """Something to do elsewhere. ``target`` is the chart, overlay or object, ``text`` what to write or run there."""

    kind: Literal["kustomize", "values", "kubectl", "by-hand"]
    target: str
    text: str
    findings: tuple[Finding, ...]


def suggest(options: ScanOptions, fixes: Sequence[Planned]) -> tuple[list[Suggestion], list[Planned], list[Dropped]]:
    """Suggestions, the fixes that they hold, and those that did not stand the trial with the reason."""
    if not fixes:
        return [], [], []
    held, dropped = _hold(options, fixes)
    suggestions: list[Suggestion] = []
    by_unit: dict[tuple[str, str], list[Planned]] = {}
    for fix in held:
        how = _rendered(fix)
        if how is not None:
            by_unit.setdefault((how.tool, how.unit), []).append(fix)
        else:
            by_unit.setdefault(("", str(fix.number)), []).append(fix)
    for (tool, unit), together in by_unit.items():
        if tool == "kustomize":
            suggestions.append(_patches(unit, together))
        elif tool:
            suggestions += _values(options, unit, together)
        elif together[0].resource.live:
            suggestions.append(_kubectl(together))
        else:
            suggestions += [_by_hand(fix) for fix in together]
    return suggestions, held, dropped


def _rendered(fix: Planned) -> RenderedEvidence | None:
    return next((each for each in fix.finding.evidence if isinstance(each, RenderedEvidence)), None)


class _Bare(Struct, frozen=True):
    """The origin of an object that stands nowhere."""

    raw: dict[str, Any]
    file: str = _HERE
    unit: str = ""

    def read(self) -> dict[str, Any]:
        return self.raw

    def locate(self, paths: Sequence[Path]) -> list[Location]:
        return [Location(_HERE, 0, 0, format_path(path)) for path in paths]


#: Of one object: how many findings of each rule and severity.
_Counts = Counter[tuple[str, Severity]]


def _hold(options: ScanOptions, fixes: Sequence[Planned]) -> tuple[list[Planned], list[Dropped]]:
    """Try the fixes on the objects, each object by itself; where all of one do not stand, one after the other."""
    by_object: dict[int, list[Planned]] = {}
    for fix in fixes:
        by_object.setdefault(fix.number, []).append(fix)
    groups = list(by_object.values())
    now = _judged(options, [(group[0].resource, group[0].resource.raw) for group in groups])
    held: dict[int, list[Planned]] = {}
    waiting = {place: [list(group)] for place, group in enumerate(groups)}
    dropped: list[Dropped] = []
    while waiting:
        parts = {place: queue.pop(0) for place, queue in waiting.items()}
        trials = {place: _applied([*held.get(place, ()), *part]) for place, part in parts.items()}
        judged = [(groups[place][0].resource, raw) for place, raw in trials.items() if not isinstance(raw, str)]
        after = iter(_judged(options, judged))
        for place, part in parts.items():
            trial = trials[place]
            counts = Counter() if isinstance(trial, str) else next(after)
            reason = trial if isinstance(trial, str) else _objection(part, now[place], counts)
            if not reason:
                held.setdefault(place, []).extend(part)
                now[place] = counts
            elif len(part) == 1:
                dropped.append(Dropped(part[0].finding, reason))
            else:
                waiting[place] += [[fix] for fix in part]
        waiting = {place: queue for place, queue in waiting.items() if queue}
    return [fix for place in sorted(held) for fix in held[place]], dropped


def _applied(fixes: Sequence[Planned]) -> dict[str, Any] | str:
    """The object with the fixes made, or why they cannot be."""
    try:
        made: dict[str, Any] = applied(fixes[0].resource.raw, _edits(fixes))
        return made
    except Conflict as problem:
        return str(problem)


def _objection(fixes: Sequence[Planned], before: _Counts, after: _Counts) -> str:
    """Why fixes that were tried together are not held; empty where they are."""
    least = max((fix.finding.severity for fix in fixes), key=lambda each: each.rank)
    new = [rule for (rule, severity), n in after.items() if n > before[rule, severity] and severity.at_least(least)]
    if new:
        return f"it would bring a new finding of {new[0]}"
    wanted = Counter(fix.finding.rule for fix in fixes)
    there, left = _by_rule(before), _by_rule(after)
    stays = any(left[rule] > max(there[rule] - count, 0) for rule, count in wanted.items())
    return "the finding is still there with it" if stays else ""


def _by_rule(counts: _Counts) -> Counter[str]:
    found: Counter[str] = Counter()
    for (rule, _), count in counts.items():
        found[rule] += count
    return found


def _judged(options: ScanOptions, objects: Sequence[tuple[Resource, dict[str, Any]]]) -> list[_Counts]:
    """What is found in each of some objects."""

    def load() -> Iterator[Loaded]:
        for resource, raw in objects:
            yield from from_object(InputFile(_HERE, ""), raw, _Bare(raw), (), (), resource.ref.cluster)

    found: list[_Counts] = [Counter() for _ in objects]
    if not objects:
        return found
    read = ReadOptions((_HERE,), supplied={_HERE: Supplied("manifests", load)})
    result = scan(structs.replace(options, read=read, baseline=None))
    numbers = {id(resource): number for number, resource in enumerate(result.inventory.resources)}
    for finding in result.findings:
        subject = result.subjects.get(id(finding))
        if subject is not None:
            found[numbers[id(subject.resource)]][finding.rule, finding.severity] += 1
    return found


def json_patch(raw: dict[str, Any], edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """The edits as a JSON patch (RFC 6902), whose ``add`` needs all that is above what it adds."""
    steps: list[dict[str, Any]] = []
    current: Any = raw
    for edit in edits:
        steps += _patch_step(current, edit)
        current = applied(current, [edit])
    return steps


def _patch_step(raw: Any, edit: Edit) -> Iterator[dict[str, Any]]:
    if edit.op == "remove":
        yield {"op": "remove", "path": _pointer(edit.path)}
        return
    value, path = edit.value, edit.path
    if edit.op == "add":
        there = lookup(raw, path)
        if isinstance(there, list):
            if value not in there:
                yield {"op": "add", "path": f"{_pointer(path)}/-", "value": value}
            return
        value = [value]
    while len(path) > 1 and lookup(raw, path[:-1]) is None:
        value, path = {str(path[-1]): value}, path[:-1]
    op = "replace" if isinstance(path[-1], int) or lookup(raw, path) is not None else "add"
    yield {"op": op, "path": _pointer(path), "value": value}


def _pointer(path: Path) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def _edits(fixes: Sequence[Planned]) -> list[Edit]:
    return in_order(edit for fix in fixes for edit in fix.edits)


def _yaml(value: Any) -> str:
    return msgspec.yaml.encode(value).decode()


def _patches(unit: str, fixes: Sequence[Planned]) -> Suggestion:
    """An overlay on top of the one that was rendered: there the objects have the names that were judged."""
    by_object: dict[int, list[Planned]] = {}
    for fix in fixes:
        by_object.setdefault(fix.number, []).append(fix)
    lines = [f"# kustomization.yaml of an overlay over {unit}; `resources` leads from its folder to there"]
    lines += [*_yaml({"resources": [unit]}).splitlines(), "patches:"]
    for group in by_object.values():
        ref = group[0].resource.ref
        api_group, _, version = ref.api_version.rpartition("/")
        target = {"group": api_group, "version": version, "kind": ref.kind, "name": ref.name}
        target["namespace"] = ref.namespace or ""
        lines.append("- target:")
        lines += [f"    {line}" for line in _yaml({key: each for key, each in target.items() if each}).splitlines()]
        lines.append("  patch: |-")
        steps = json_patch(group[0].resource.raw, _edits(group))
        lines += [f"    {line}" for line in _yaml(steps).splitlines()]
    return Suggestion("kustomize", unit, "\n".join(lines) + "\n", _of(fixes))


def _of(fixes: Sequence[Planned]) -> tuple[Finding, ...]:
    return tuple(fix.finding for fix in fixes)


def _kubectl(fixes: Sequence[Planned]) -> Suggestion:
    resource = fixes[0].resource
    ref = resource.ref
    steps = msgspec.json.encode(json_patch(resource.raw, _edits(fixes))).decode()
    group, _, version = ref.api_version.rpartition("/")
    kind = f"{ref.kind.lower()}.{version}.{group}" if group else ref.kind.lower()
    namespace = ["-n", ref.namespace] if ref.namespace else []
    line = shlex.join(["kubectl", "patch", kind, ref.name, *namespace, "--type=json", "-p", steps])
    if ref.kind == "Pod":
        line = f"# most fields of a pod that runs cannot be changed: change what made it, or make it anew\n{line}"
    return Suggestion("kubectl", str(ref), f"{line}\n", _of(fixes))


def _by_hand(fix: Planned) -> Suggestion:
    words = {"set": "set {0} to {1}", "add": "add {1} to {0}", "remove": "remove {0}"}
    told = [
        words[edit.op].format(format_path(edit.path), msgspec.json.encode(edit.value).decode()) for edit in fix.edits
    ]
    place = fix.finding.locations[0]
    where = f"{place.file}:{place.line}" if place.line else place.file
    return Suggestion("by-hand", where, f"{'; '.join(told)} of {fix.resource.ref}\n", (fix.finding,))


def _values(options: ScanOptions, unit: str, fixes: Sequence[Planned]) -> Iterator[Suggestion]:
    """What a values file for the chart would say, as far as rendering with it shows that the findings go."""
    from seawall.engine.rendering import RenderOptions

    settable = [(fix, key) for fix in fixes if (key := _single_value(fix)) is not None]
    values: dict[str, Any] = {}
    for fix, key in settable:
        _put(values, parse_path(key), fix.edits[0].value)
    done: list[Planned] = []
    if values:
        render = options.read.render or RenderOptions()
        release = render.release
        release = structs.replace(release, values=(*release.values, ("suggested values", _yaml(values))))
        render = structs.replace(render, release=release)
        result = scan(structs.replace(options, read=structs.replace(options.read, render=render)))
        left = {finding.fingerprint for finding in result.open_findings()}
        if len(result.errors) == 0:
            done = [fix for fix, _ in settable if fix.finding.fingerprint not in left]
    if done:
        kept: dict[str, Any] = {}
        for fix, key in settable:
            if fix in done:
                _put(kept, parse_path(key), fix.edits[0].value)
        yield Suggestion("values", unit, f"# values of the chart {unit}\n{_yaml(kept)}", _of(done))
    for fix in fixes:
        if fix not in done:
            yield _by_hand(fix)


def _single_value(fix: Planned) -> str | None:
    how = _rendered(fix)
    if how is None or len(how.values) != 1 or len(fix.edits) != 1 or fix.edits[0].op != "set":
        return None
    return how.values[0] if fix.edits[0].path == fix.path else None


def _put(values: dict[str, Any], path: Path, value: Any) -> None:
    at = values
    for step in path[:-1]:
        at = at.setdefault(str(step), {})
    at[str(path[-1])] = value
