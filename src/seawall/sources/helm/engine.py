"""Helm's own engine: the shared library of helm-python-sdk in a worker process, or a ``helm`` program."""

from __future__ import annotations

import json
import os
import re
import selectors
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from seawall.sources import child
from seawall.sources.child import Bounds, ChildFailed

_WORKER = Path(__file__).with_name("worker.py")
#: A worker is replaced once it used this share of its seconds of CPU, so that no chart pays for those before it.
_WORN = 0.5
#: A worker lives briefly: Go collects garbage only where its memory comes near this.
_GARBAGE = {"GOGC": "off", "GOMEMLIMIT": "1GiB"}


class Request(Struct, frozen=True):
    """Folders with copies of one chart, and what to render them with; texts of values files, later ones win."""

    charts: tuple[str, ...]
    release: str
    namespace: str
    kubernetes: str
    values: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()


class Answer(Struct):
    """What Helm made of each copy: {template: text}; fewer than were asked for where a later one failed.

    ``values`` are the merged values, where the engine tells them.
    """

    renders: list[dict[str, str]]
    values: dict[str, Any]
    failure: str = ""


class EngineError(Exception):
    """Helm refused the chart, or its process failed; the message is Helm's own, or says which bound was exceeded."""


class Engine(Protocol):
    """Something that renders charts."""

    def render(self, request: Request) -> Answer:
        """Render every copy.

        Raises:
            EngineError: the first copy could not be rendered.
        """

    def close(self) -> None:
        """End what still runs."""


def find_engine(program: str | None, bounds: Bounds, home: str) -> Engine | None:
    """The engine to use: the program that was named, else the library, else ``helm`` on PATH, else None."""
    if program is not None:
        return HelmProgram(program, bounds, home)
    library = find_library()
    if library is not None:
        return HelmLibrary(library, bounds, home)
    found = shutil.which("helm")
    return HelmProgram(found, bounds, home) if found else None


def find_library() -> str | None:
    """The shared library that helm-python-sdk brings; its package is not imported."""
    for folder in sys.path:
        found = sorted(Path(folder, "helm_python", "lib").glob("libhelm_c.so.*"))
        if found:
            return str(found[-1])
    return None


class HelmLibrary:
    """A worker process that is started when it is first needed and serves chart after chart."""

    def __init__(self, library: str, bounds: Bounds, home: str) -> None:
        self._library, self._bounds, self._home = library, bounds, home
        self._child: subprocess.Popen[bytes] | None = None

    def render(self, request: Request) -> Answer:
        """As the protocol says."""
        options = {
            "name": request.release,
            "namespace": request.namespace,
            "kube_version": request.kubernetes,
            "api_versions": list(request.api_versions),
        }
        message = {
            "charts": request.charts,
            "values": request.values,
            "sets": request.sets,
            "options": options,
        }
        try:
            answer = self._ask(json.dumps(message).encode() + b"\n")
        except ChildFailed as failed:
            self.close()
            raise EngineError(f"Helm's engine {failed}") from failed
        if answer.get("cpu", 0) > self._bounds.cpu * _WORN:
            self.close()
        if answer.get("missing"):
            raise EngineError(missing_message(answer["missing"]))
        renders = answer.get("renders", [])
        if "error" in answer and not renders:
            raise EngineError(answer["error"])
        return Answer(renders, answer.get("values") or {}, answer.get("error", ""))

    def _ask(self, message: bytes) -> dict[str, Any]:
        if self._child is None:
            self._start()
        running = self._child
        assert running is not None and running.stdin is not None and running.stdout is not None  # noqa: S101
        with suppress(BrokenPipeError):  # it died: what it said before, or how it died, is told below
            running.stdin.write(message)
            running.stdin.flush()
        line = self._line(running)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _start(self) -> None:
        bounds = self._bounds
        command = [sys.executable, "-I", "-S", str(_WORKER), self._library, str(bounds.cpu), str(bounds.memory)]
        try:
            self._child = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=child.environment(self._home, _GARBAGE),
                cwd=self._home,
                start_new_session=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ChildFailed(f"cannot be started: {error}") from error

    def _line(self, running: subprocess.Popen[bytes]) -> bytes:
        assert running.stdout is not None  # noqa: S101 - it is a pipe
        deadline = time.monotonic() + self._bounds.seconds
        parts: list[bytes] = []
        size = 0
        with selectors.DefaultSelector() as selector:
            selector.register(running.stdout, selectors.EVENT_READ)
            while not (parts and parts[-1].endswith(b"\n")):
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise ChildFailed(f"ran longer than {self._bounds.seconds:.0f} s")
                data = os.read(running.stdout.fileno(), 1 << 20)
                if not data:
                    raise ChildFailed(child.death(running.wait(), self._bounds))
                parts.append(data)
                size += len(data)
                if size > self._bounds.output:
                    raise ChildFailed(f"wrote more than {self._bounds.output >> 20} MiB")
        return b"".join(parts)

    def close(self) -> None:
        """End the worker."""
        if self._child is not None:
            child.end(self._child)
            self._child = None


#: What makes ``helm template --debug`` print the text of every template as it is: it ends with a template that is no
#: YAML, so that Helm does not sort and split the rest by kind.
_SPOILER = "templates/zz-seawall-no-yaml.yaml"
_SOURCE = r"(?m)^---\n# Source: (.+)\n"


class HelmProgram:
    """A ``helm`` program of version 3 or 4, started for each copy of a chart."""

    def __init__(self, program: str, bounds: Bounds, home: str) -> None:
        self._program, self._bounds, self._home = program, bounds, home

    def render(self, request: Request) -> Answer:
        """As the protocol says."""
        renders: list[dict[str, str]] = []
        for folder in request.charts:
            try:
                renders.append(self._render(folder, request))
            except EngineError as error:
                if not renders:
                    raise
                return Answer(renders, {}, str(error))
        return Answer(renders, {})

    def _render(self, folder: str, request: Request) -> dict[str, str]:
        spoiler = Path(folder, _SPOILER)
        spoiler.parent.mkdir(exist_ok=True)
        spoiler.write_text("a: [\n")
        home = Path(self._home)
        command = [self._program, "template", request.release, folder, "--debug", "--namespace", request.namespace]
        command += ["--kube-version", request.kubernetes]
        command += [part for version in request.api_versions for part in ("--api-versions", version)]
        for number, text in enumerate(request.values):
            (home / f"values-{number}.yaml").write_text(text)
            command += ["--values", str(home / f"values-{number}.yaml")]
        command += [part for expression in request.sets for part in ("--set", expression)]
        folders = {f"HELM_{kind}_HOME": str(home / f"helm-{kind}".lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        try:
            done = child.run(command, self._bounds, child.environment(self._home, folders), cwd=self._home)
        except ChildFailed as failed:
            raise EngineError(f"helm {failed}") from failed
        out, err = done.out.decode("utf-8", "replace"), done.err.decode("utf-8", "replace")
        pieces = re.split(_SOURCE, out)
        texts: dict[str, str] = {}
        for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
            texts.setdefault(name, text)  # hooks are printed a second time
        if done.code == 0 or not any(name.endswith(_SPOILER) for name in texts):
            raise EngineError(_refusal(err))
        return {name: text for name, text in texts.items() if not name.endswith(_SPOILER)}

    def close(self) -> None:
        """Nothing runs on."""


_MISSING = r"missing in charts/ directory: (.+)"


def _refusal(err: str) -> str:
    lines = [line for line in err.splitlines() if not line.startswith(("level=", "time=")) and " [debug] " not in line]
    start = next((index for index, line in enumerate(lines) if line.startswith("Error: ")), 0)
    message = "\n".join(lines[start:]).removeprefix("Error: ").split("\nhelm.go:")[0].strip()
    missing = re.search(_MISSING, message)
    if missing:
        return missing_message(missing[1].split(", "))
    return message or "helm failed without a word"


def missing_message(names: Sequence[str]) -> str:
    """What is said of dependencies that are not in ``charts/``."""
    return f"dependencies are missing in charts/: {', '.join(names)}; run `helm dependency build` first"
