"""The charts in a chart: which folder Helm renders under which name, and which values each of them sees."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from seawall.model.paths import Path
from seawall.sources.helm.stage import ChartError, Staged
from seawall.sources.manifests.yamltext import SyntaxProblem, parse_documents


class Node(Struct, frozen=True):
    """A chart: its folder in the staged copy ("" for the outermost), its name in Helm's paths, its place in values."""

    folder: str
    rendered: str
    scope: Path
    meta: dict[str, Any]


#: A chart with more charts in it, aliases counted, is refused: aliases of charts with aliases multiply.
_MAX_CHARTS = 1000


def chart_tree(staged: Staged) -> list[Node]:
    """The chart and all charts below it, the outermost first. A chart with aliases appears once for each.

    Raises:
        ChartError: there are too many.
    """
    heads = [path for path in staged.shown if _is_head(path)]
    metas = {path.removesuffix("Chart.yaml").rstrip("/"): _meta(staged, path) for path in heads}
    nodes: list[Node] = []
    pending: list[tuple[str, str, Path]] = [("", staged.name, ())]
    while pending:
        folder, rendered, scope = pending.pop(0)
        nodes.append(Node(folder, rendered, scope, metas[folder]))
        if len(nodes) > _MAX_CHARTS:
            raise ChartError(staged.shown["Chart.yaml"], f"more than {_MAX_CHARTS} charts in one")
        prefix = f"{folder}/charts/" if folder else "charts/"
        for below in sorted(metas):
            if below.startswith(prefix) and "/" not in below[len(prefix) :]:
                name = str(metas[below].get("name") or below[len(prefix) :])
                called = _names(metas[folder].get("dependencies"), name)
                pending += [(below, f"{rendered}/charts/{each}", (*scope, each)) for each in called]
    return nodes


def _is_head(path: str) -> bool:
    return path == "Chart.yaml" or path.endswith("/Chart.yaml")


def _names(dependencies: Any, name: str) -> list[str]:
    """What a subchart is called: its aliases, or its own name."""
    found = [d for d in dependencies if isinstance(d, dict)] if isinstance(dependencies, list) else []
    names = [str(d.get("alias") or name) for d in found if d.get("name") == name]
    return list(dict.fromkeys(names)) or [name]


def _meta(staged: Staged, path: str) -> dict[str, Any]:
    """What Chart.yaml says; a chart of the first version has its dependencies in a file of their own."""
    meta = _mapping(staged, path)
    if meta.get("apiVersion") != "v2" and "dependencies" not in meta:
        own = _mapping(staged, path.removesuffix("Chart.yaml") + "requirements.yaml")
        meta = {**meta, "dependencies": own.get("dependencies")}
    return meta


def _mapping(staged: Staged, path: str) -> dict[str, Any]:
    try:
        documents = parse_documents(staged.text(path))
    except SyntaxProblem:
        return {}
    value = documents[0].value if documents else None
    return value if isinstance(value, dict) else {}


def owner_of(nodes: list[Node], template: str) -> tuple[Node, str] | None:
    """The chart that a rendered name belongs to, and the path in the staged copy; the deepest chart counts."""
    for node in sorted(nodes, key=lambda node: -len(node.rendered)):
        if template.startswith(f"{node.rendered}/"):
            rest = template[len(node.rendered) + 1 :]
            return node, f"{node.folder}/{rest}" if node.folder else rest
    return None
