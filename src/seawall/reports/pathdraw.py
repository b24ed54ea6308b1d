"""Attack paths as pictures in text: Mermaid flowcharts, and Graphviz' dot. Steps that paths share are drawn once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from seawall.engine.paths import FoundPath, ToldStep
from seawall.model.attack import Place
from seawall.reports.excerpt import printable

Draw = Callable[[Sequence[FoundPath]], Iterator[str]]


def _collect(paths: Iterable[FoundPath]) -> tuple[dict[Place, int], dict[tuple[int, int, str], ToldStep]]:
    places: dict[Place, int] = {}
    steps: dict[tuple[int, int, str], ToldStep] = {}
    for path in paths:
        for step in path.steps:
            ends = [places.setdefault(each, len(places)) for each in (step.source, step.target)]
            steps.setdefault((ends[0], ends[1], step.kind.id), step)
    return places, steps


def mermaid(paths: Sequence[FoundPath]) -> Iterator[str]:
    """A flowchart; text is quoted with Mermaid's entities, so that no name can be markup."""
    places, steps = _collect(paths)
    yield "flowchart LR\n"
    for place, number in places.items():
        yield f'  p{number}["{_entity(str(place))}"]\n'
    for (source, target, kind), step in steps.items():
        yield f'  p{source} -->|"{_entity(f"{kind}: {step.how}")}"| p{target}\n'


def _entity(text: str) -> str:
    return "".join(each if each.isalnum() or each in " /-_.,:" else f"#{ord(each)};" for each in printable(text))


def dot(paths: Sequence[FoundPath]) -> Iterator[str]:
    """A digraph, from left to right."""
    places, steps = _collect(paths)
    yield "digraph paths {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n"
    for place, number in places.items():
        yield f"  p{number} [label={_quoted(str(place))}];\n"
    for (source, target, kind), step in steps.items():
        yield f"  p{source} -> p{target} [label={_quoted(kind)}, tooltip={_quoted(step.how)}];\n"
    yield "}\n"


def _quoted(text: str) -> str:
    return '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


FORMATS: dict[str, Draw] = {"mermaid": mermaid, "dot": dot}
