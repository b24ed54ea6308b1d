"""Generating network policies: read manifests and flows, write, prove, and account for everything."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from seawall.analysis.network.enforcement import enforcement
from seawall.analysis.network.generate.policies import Generated
from seawall.analysis.network.generate.synthesis import SYSTEM, Request, Result, Synthesis
from seawall.engine.network import Network, located
from seawall.engine.reading import ReadOptions
from seawall.model.finding import SourceError
from seawall.model.reach import Enforcement
from seawall.sources.flows import FORMATS, FlowFile


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector: among hundreds of thousands of new objects it finds nothing, again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class BadRequest(Exception):
    """A wish that cannot be met; the message says what to do."""


class FlowInput(NamedTuple):
    """A file of flows; ``form`` None is told from its lines."""

    path: str
    form: str | None = None


class Generation:
    """What was generated and how it was proved.

    Raises:
        BadRequest: a namespace that was asked for has no workloads.
    """

    def __init__(
        self, options: ReadOptions, flows: tuple[FlowInput, ...], request: Request, *, skip_unknown: bool = False
    ) -> None:
        self.network = Network(options)
        self.request = request
        self._skip_unknown = skip_unknown
        known = {workload.namespace for workload in self.network.reach.world.workloads}
        for namespace in request.namespaces:
            if namespace not in known:
                raise BadRequest(f"--namespace {namespace}: no workload of that namespace was read")
        self.files = [FlowFile(each.path, each.form) for each in flows]
        self.result: Result = self._work_out()
        self.enforcement: Enforcement = enforcement(self.network.reach.world)

    def _work_out(self) -> Result:
        synthesis = Synthesis(self.network.reach, self.request)
        for file in self.files:
            synthesis.add(file.records())
        return synthesis.finish()

    def errors(self) -> list[SourceError]:
        """Everything that could not be read, understood or written."""
        found = self.network.errors()
        found += [error for file in self.files for error in file.errors]
        found += [located(problem) for problem in self.result.problems]
        found += [SourceError("<generated>", "", text) for text in self.result.bad_names]
        if self.result.overflow:
            text = f"{self.result.overflow} flows are more than are kept at once: narrow them, or use --cidr-width"
            found.append(SourceError("<flows>", "", text))
        return found

    def reasons(self) -> list[str]:
        """Why the result must not be relied on as a whole, a line each; empty where all is well."""
        errors = self.errors()
        of_network = set(map(str, self.network.errors()))
        lines = self.network.reasons() + [text for text in map(str, errors) if text not in of_network]
        lines += [f"observed, but would be lost: {text}" for text in self.result.proof.replay.lost]
        if not self._skip_unknown:
            lines += [
                f"observed, but an end was not read, so that it may be lost: {text} (read it too, or --skip-unknown)"
                for text in self.result.unknown
            ]
        if not self.result.policies and not lines:
            lines.append(
                "nothing tells what any workload needs: no policy holds one; give --flows, or --isolate-unobserved"
            )
        return lines

    @property
    def complete(self) -> bool:
        """Whether everything was read, understood, and nothing observed is lost."""
        return not self.reasons()


__all__ = ["FORMATS", "SYSTEM", "BadRequest", "FlowInput", "Generated", "Generation", "Request", "uncollected"]
