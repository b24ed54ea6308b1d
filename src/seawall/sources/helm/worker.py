"""The child that holds Helm's engine as a shared library. Run as a script; imports nothing of ours.

``python worker.py LIBRARY CPU MEMORY`` takes a request a line on standard input and gives an answer a line on standard
output, both JSON. A request has ``charts`` (folders that are rendered one after another with the same options),
``values`` (YAML texts, later ones win), ``sets`` (``--set`` expressions), and the options of a release; an answer has
``renders`` ({template: text} each) and ``values`` as the engine merged them, or ``missing`` dependencies, or ``error``.

The library's C functions are called directly: its Python package takes 25 ms more to import, and its ``render()``
cannot say which Kubernetes version to render for.
"""

from __future__ import annotations

import ctypes
import json
import resource
import sys
from typing import Any

#: From linux/sched.h: a user namespace, and in it a network namespace without any interface.
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000


class HelmFailure(Exception):
    """What Helm said when it refused something."""


class Library:
    """The C functions: each returns a status, and writes its result and its error into pointers."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        self._library.helm_free_string.argtypes = [ctypes.c_void_p]
        self._library.helm_free_string.restype = None

    def text(self, function: str, *arguments: Any) -> str:
        """Call a function that gives text."""
        out = ctypes.c_void_p()
        self._call(function, *arguments, ctypes.byref(out))
        return self._taken(out) or ""

    def load(self, folder: str) -> ctypes.c_uint64:
        """A chart's handle."""
        handle = ctypes.c_uint64()
        self._call("helm_chart_load", folder, ctypes.byref(handle))
        return handle

    def free(self, handle: ctypes.c_uint64) -> None:
        """Let go of a chart."""
        self._call("helm_chart_free", handle)

    def _call(self, function: str, *arguments: Any) -> None:
        error = ctypes.c_void_p()
        given = [each.encode() if isinstance(each, str) else each for each in arguments]
        status = getattr(self._library, function)(*given, ctypes.byref(error))
        message = self._taken(error)
        if status != 0:
            raise HelmFailure(message or f"{function} failed with status {status}")

    def _taken(self, pointer: ctypes.c_void_p) -> str | None:
        if not pointer.value:
            return None
        text = ctypes.string_at(pointer.value).decode("utf-8", "replace")
        self._library.helm_free_string(pointer)
        return text


def merge(base: dict[str, Any], over: dict[str, Any], indexed: bool = False) -> dict[str, Any]:
    """Values as ``helm -f`` lays one file over another: maps are merged, all else is replaced.

    ``indexed`` is for ``--set list[1]=x``, which leaves the other items of a list as they are.
    """
    out = dict(base)
    for key, value in over.items():
        out[key] = _laid_over(out.get(key), value, indexed)
    return out


def _laid_over(old: Any, value: Any, indexed: bool) -> Any:
    if isinstance(old, dict) and isinstance(value, dict):
        return merge(old, value, indexed)
    if indexed and isinstance(old, list) and isinstance(value, list):
        longer = [*value, *old[len(value) :]]
        return [
            had if item is None and index < len(old) else _laid_over(had, item, indexed)
            for index, (item, had) in enumerate(zip(longer, [*old, *[None] * (len(longer) - len(old))], strict=True))
        ]
    return value


class Engine:
    """Helm's engine behind the few calls that a render needs."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Render what was asked for; a failure of Helm's is an answer too, with what was rendered before it."""
        renders: list[dict[str, str]] = []
        facts: dict[str, Any] = {"renders": renders}
        try:
            given = json.dumps(self.given(request))
            for folder in request["charts"]:
                chart = self.library.load(folder)
                if not renders:
                    facts["missing"] = self.missing(chart)
                    facts["values"] = json.loads(self.library.text("helm_chart_merge_values", chart, given))
                if not facts["missing"]:
                    text = self.library.text("helm_render", chart, given, json.dumps(request["options"]))
                    renders.append(json.loads(text))
                self.library.free(chart)
        except HelmFailure as failure:
            facts["error"] = str(failure)
        return facts

    def given(self, request: dict[str, Any]) -> dict[str, Any]:
        """Values files and ``--set`` expressions, in the order in which Helm takes them."""
        values: dict[str, Any] = {}
        for text in request["values"]:
            values = merge(values, json.loads(self.library.text("helm_values_from_yaml", text)) or {})
        for expression in request["sets"]:
            parsed = json.loads(self.library.text("helm_strvals_parse", expression))
            values = merge(values, parsed, indexed="[" in expression.split("=")[0])
        return values

    def missing(self, chart: ctypes.c_uint64) -> list[str]:
        """Dependencies that are declared and not there."""
        declared = json.loads(self.library.text("helm_chart_metadata", chart)).get("dependencies") or ()
        if not declared:
            return []
        present = {each.get("name") for each in json.loads(self.library.text("helm_chart_dependencies", chart))}
        return [each.get("name", "") for each in declared if each.get("name") not in present]


def confine(cpu: int, memory: int) -> None:
    """Bound this process, and cut it off the network where the kernel lets us: Helm is told to stay off it anyway."""
    for kind, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, cpu), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    try:
        unshare = ctypes.CDLL(None).unshare
    except (OSError, AttributeError):
        return
    if unshare(_NEW_NET) != 0:
        unshare(_NEW_USER | _NEW_NET)


def main() -> None:
    """Serve requests until standard input ends."""
    confine(int(sys.argv[2]), int(sys.argv[3]))
    try:
        engine = Engine(Library(sys.argv[1]))
    except (OSError, AttributeError) as error:
        sys.stdout.write(json.dumps({"error": f"Helm's library cannot be loaded: {error}"}) + "\n")
        return
    for line in sys.stdin:
        answer = engine.answer(json.loads(line))
        answer["cpu"] = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
