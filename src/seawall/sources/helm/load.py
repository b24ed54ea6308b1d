"""Charts to resources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, structs

from seawall.model.finding import SourceError
from seawall.model.paths import lookup
from seawall.model.rendered import RenderedOrigin
from seawall.model.resource import Resource, Suppression
from seawall.sources.helm import stage
from seawall.sources.helm.engine import Answer, Engine, EngineError, Request
from seawall.sources.helm.marks import Marker, Place, align, place_of
from seawall.sources.helm.stage import ChartError, Staged
from seawall.sources.helm.template import parse_template
from seawall.sources.helm.trace import Sources, TemplateTracer
from seawall.sources.helm.tree import Node, chart_tree, owner_of
from seawall.sources.helm.values import ValuesFile, parse_values
from seawall.sources.manifests import Loaded, Skipped, load_stdin
from seawall.sources.scratch import scratch_folder

LIBRARY = "a Helm library chart (judged in the charts that use it)"
# Compiled when they are first used: most charts have no such schema and do not fail.
_FAILURE_AT = r"([^\s:()\"]+/templates/[^\s:()\"]+):(\d+)(?::(\d+))?"
_REMOTE_REFERENCE = r'"\$(?:ref|dynamicRef|recursiveRef)"\s*:\s*"\s*([A-Za-z][A-Za-z0-9+.-]*:[^"]*)"'
_HOOK = "helm.sh/hook"
_MAX_MESSAGE = 400


class Release(Struct, frozen=True):
    """What charts are rendered with. ``values`` are files by the name that people see; later ones win."""

    name: str = "release-name"
    namespace: str = "default"
    kubernetes: str = "v1.37.0"
    values: tuple[tuple[str, str], ...] = ()
    sets: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()


def load_chart(staged: Staged, unit: str, shown: str, release: Release, engine: Engine) -> Iterator[Loaded]:
    """Render a staged chart and read what came out, CRDs too. Whatever hinders that is an error."""
    try:
        yield from _load(staged, unit, shown, release, engine)
    except ChartError as error:
        yield SourceError(error.file, error.where, error.message)


def _load(staged: Staged, unit: str, shown: str, release: Release, engine: Engine) -> Iterator[Loaded]:
    nodes = chart_tree(staged)
    if nodes[0].meta.get("type") == "library":
        yield Skipped(shown, LIBRARY)
        return
    _refuse_remote_schemas(staged)
    _check_version(staged, nodes[0], release, engine)
    rendering = _Rendering(staged, shown, release, engine)
    answer = rendering.run(nodes)
    sources = _sources(staged, shown, nodes, rendering, release, answer.values)
    for name in sorted(answer.renders[0]):
        text = answer.renders[0][name]
        owner = owner_of(nodes, name)
        if owner is None or not text.strip() or name.endswith("NOTES.txt"):
            continue
        node, path = owner
        tracer = TemplateTracer(staged.shown.get(path, name), sources, node.scope, rendering.places(name, text))
        yield from _documents(text, unit, tracer)
    yield from _custom_definitions(staged, unit, sources, nodes, answer.renders[0])


def _documents(text: str, unit: str, tracer: TemplateTracer) -> Iterator[Loaded]:
    for item in load_stdin(text.encode(), tracer.file):
        if isinstance(item, Resource):
            hook = lookup(item.raw, ("metadata", "annotations", _HOOK))
            own = structs.replace(tracer, hook=hook if isinstance(hook, str) else None)
            item.origin = RenderedOrigin(item.origin, unit, own)
            item.suppressions = [_at_source(wish, tracer) for wish in item.suppressions]
            yield item
        elif isinstance(item, SourceError):
            yield _in_template(item, tracer)


def _at_source(wish: Suppression, tracer: TemplateTracer) -> Suppression:
    """A comment that waives, at the template line that it was written in."""
    line = wish.source.rpartition(":")[2]
    place = place_of(tracer.places, int(line) - 1) if line.isdigit() else None
    if place is None:
        return wish
    source = f"comment at {tracer.sources.shown[place.file]}:{place.line}"
    return structs.replace(wish, source=source, line=place.line if wish.line else 0)


def _in_template(error: SourceError, tracer: TemplateTracer) -> SourceError:
    """A syntax error of rendered text, at the template line that wrote it."""
    line = error.where.partition(":")[0]
    place = place_of(tracer.places, int(line) - 1) if line.isdigit() else None
    message = f"what Helm rendered is not readable (its line {line or '?'}): {error.message}"
    if place is None:
        return SourceError(tracer.file, "", message)
    return SourceError(tracer.sources.shown[place.file], str(place.line), message)


class _Rendering:
    """The two renders of a chart, plain and marked, and the places that their comparison gives."""

    def __init__(self, staged: Staged, shown: str, release: Release, engine: Engine) -> None:
        self._staged, self._shown, self._release, self._engine = staged, shown, release, engine
        self.paths = staged.templates()
        self.templates = [parse_template(staged.text(path)) for path in self.paths]
        self._marker = Marker([template.text for template in self.templates])
        self._marked: list[dict[str, tuple[str, list[Place | None]]]] = []

    def run(self, nodes: list[Node]) -> Answer:
        """Render; the plain text is the first of the answer's."""
        request = self._request(str(self._staged.folder), self._copy(defines=True))
        try:
            answer = self._engine.render(request)
        except EngineError as error:
            raise _refused(str(error), self._staged, self._shown, nodes) from error
        self._marked = [self._read(render) for render in answer.renders[1:]]
        if not (self._marked and self._fits(answer.renders[0], self._marked[0])):
            self._marked += self._second_try()
        return answer

    def _read(self, render: dict[str, str]) -> dict[str, tuple[str, list[Place | None]]]:
        return {name: self._marker.read(text) for name, text in render.items()}

    def _fits(self, plain: dict[str, str], marked: dict[str, tuple[str, list[Place | None]]]) -> bool:
        """Whether marks changed no more than a line here and there, such as checksums of marked text."""
        return all(name in marked and _alike(text, marked[name][0]) for name, text in plain.items())

    def _second_try(self) -> list[dict[str, tuple[str, list[Place | None]]]]:
        """Marks outside named templates only: the text of those may decide what others do."""
        try:
            return [self._read(self._engine.render(self._request(self._copy(defines=False))).renders[0])]
        except EngineError:
            return []

    def _request(self, *folders: str) -> Request:
        release = self._release
        texts = tuple(text for _, text in release.values)
        return Request(
            folders, release.name, release.namespace, release.kubernetes, texts, release.sets, release.api_versions
        )

    def _copy(self, *, defines: bool) -> str:
        folder = scratch_folder() / "marked"
        stage.copy(self._staged, folder)
        for number, (path, template) in enumerate(zip(self.paths, self.templates, strict=True)):
            text = self._marker.mark(template, number, defines=defines)
            (folder / path).write_text(text, encoding="utf-8", errors="replace")
        return str(folder)

    def places(self, name: str, text: str) -> list[Place | None]:
        """The place of every line of a rendered text; from the closest of the marked renders."""
        candidates = [align(text, *marked[name]) for marked in self._marked if name in marked]
        return max(candidates, key=_quality, default=[])


def _alike(text: str, other: str) -> bool:
    ours, theirs = text.rstrip().split("\n"), other.rstrip().split("\n")
    differing = sum(mine != its for mine, its in zip(ours, theirs, strict=False))
    return len(ours) == len(theirs) and differing <= max(2, len(ours) // 50)


def _quality(places: list[Place | None]) -> tuple[int, int]:
    """How many lines have a certain place, and how many have any."""
    known = [place for place in places if place is not None]
    return sum(place.certain for place in known), len(known)


def _sources(
    staged: Staged, shown: str, nodes: list[Node], rendering: _Rendering, release: Release, values: dict[str, Any]
) -> Sources:
    defaults: dict[Any, ValuesFile] = {}
    for node in nodes:
        path = f"{node.folder}/values.yaml" if node.folder else "values.yaml"
        if path in staged.shown:
            defaults[node.scope] = parse_values(staged.shown[path], staged.text(path))
    if not values and () in defaults and defaults[()].document is not None:
        values = _merged(defaults[()].document, release)  # a helm program does not tell them
    names = [staged.shown[path] for path in rendering.paths]
    given = [parse_values(name, text) for name, text in reversed(release.values)]
    return Sources(shown, rendering.templates, names, values, given, defaults)


def _merged(document: Any, release: Release) -> dict[str, Any]:
    from seawall.sources.helm.worker import merge

    values: dict[str, Any] = document.value if isinstance(document.value, dict) else {}
    for name, text in release.values:
        found = parse_values(name, text).document
        values = merge(values, found.value) if found is not None and isinstance(found.value, dict) else values
    return values


def _custom_definitions(
    staged: Staged, unit: str, sources: Sources, nodes: list[Node], rendered: dict[str, str]
) -> Iterator[Loaded]:
    """The objects in ``crds/``, which Helm installs as they are; not those of subcharts that are switched off."""
    done: set[str] = set()
    for node in nodes:
        prefix = f"{node.folder}/" if node.folder else ""
        has_templates = any(path.startswith(f"{prefix}templates/") for path in staged.shown)
        if has_templates and not any(name.startswith(f"{node.rendered}/templates/") for name in rendered):
            continue
        for path in sorted(staged.shown):
            if path.startswith(f"{prefix}crds/") and path not in done and path.endswith((".yaml", ".yml", ".json")):
                done.add(path)
                text = staged.text(path)
                places: list[Place | None] = [Place(len(sources.shown), n + 1) for n in range(text.count("\n") + 1)]
                own = Sources(
                    sources.unit,
                    [*sources.templates, parse_template("")],
                    [*sources.shown, staged.shown[path]],
                    {},
                    [],
                    {},
                )
                yield from _documents(text, unit, TemplateTracer(staged.shown[path], own, node.scope, places))


def _refuse_remote_schemas(staged: Staged) -> None:
    """Helm's engine would fetch what a values schema refers to, or read it from this machine."""
    for path, shown in staged.shown.items():
        if path.rpartition("/")[2] != "values.schema.json":
            continue
        text = staged.text(path)
        match = re.search(_REMOTE_REFERENCE, text.replace("\\/", "/").replace("\\u0024", "$"))
        if match is not None:
            line = text.count("\n", 0, match.start()) + 1
            raise ChartError(shown, f"refers to {match[1][:100]!r}; copy that schema into this file", str(line))


def _check_version(staged: Staged, node: Node, release: Release, engine: Engine) -> None:
    """Refuse a chart for other Kubernetes versions, as Helm does; its own ``semverCompare`` decides."""
    constraint = node.meta.get("kubeVersion")
    if not isinstance(constraint, str) or not constraint.strip() or '"' in constraint or "\\" in constraint:
        return
    folder = scratch_folder() / "probe"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: probe\nversion: 0.1.0\n")
    (folder / "templates" / "probe.yaml").write_text(
        f'{{{{ semverCompare "{constraint}" .Capabilities.KubeVersion.Version }}}}'
    )
    try:
        answer = engine.render(Request((str(folder),), "probe", "default", release.kubernetes))
    except EngineError as error:
        raise ChartError(staged.shown["Chart.yaml"], f"kubeVersion {constraint!r} is no constraint: {error}") from error
    if any(text.strip() == "false" for text in answer.renders[0].values()):
        message = f"the chart is for Kubernetes {constraint}, not {release.kubernetes}; give --kubernetes-version"
        raise ChartError(staged.shown["Chart.yaml"], message)


def _refused(message: str, staged: Staged, shown: str, nodes: list[Node]) -> ChartError:
    """Helm's refusal, at the template and line that it names."""
    text = " ".join(message.split())
    text = text if len(text) <= _MAX_MESSAGE else f"{text[: _MAX_MESSAGE // 2]} ... {text[-_MAX_MESSAGE // 2 :]}"
    said = f"chart {staged.name} cannot be rendered: {text}"
    for match in reversed(list(re.finditer(_FAILURE_AT, message))):
        owner = owner_of(nodes, match[1])
        if owner is not None and owner[1] in staged.shown:
            where = f"{match[2]}:{match[3]}" if match[3] else match[2]
            return ChartError(staged.shown[owner[1]], said, where)
    return ChartError(shown, said)
