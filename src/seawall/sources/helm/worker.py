"""The child that holds Helm's engine as a shared library. Run as a script; imports nothing of ours.

``python worker.py SITE CPU MEMORY`` takes a request a line on standard input and gives an answer a line on standard
output, both JSON. A request has ``charts`` (folders that are rendered one after another with the same options),
``values`` (YAML texts, later ones win), ``sets`` (``--set`` expressions), and the options of a release; an answer has
``renders`` ({template: text} each), ``values`` as the engine merged them and ``crds``, or ``error`` and ``stage``.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any


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

    def __init__(self) -> None:
        # The public Chart.render() cannot say which Kubernetes version to render for; the native call can.
        from helm_python import Chart, HelmError, _native

        self.chart, self.failure, self.native = Chart, HelmError, _native

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Render what was asked for; a failure of Helm's is an answer too."""
        stage = "values"
        try:
            given = self.given(request)
            renders: list[dict[str, str]] = []
            facts: dict[str, Any] = {}
            for folder in request["charts"]:
                stage = "load"
                with self.chart.load(folder) as chart:
                    if not facts:
                        facts = self.facts(chart, given)
                        if facts["missing"]:
                            return {"missing": facts["missing"]}
                    stage = "render"
                    renders.append(self.render(chart, given, request["options"]))
        except self.failure as error:
            return {"error": str(getattr(error, "detail", "") or error), "stage": stage, "done": len(renders)}
        return {"renders": renders, **facts}

    def given(self, request: dict[str, Any]) -> dict[str, Any]:
        """Values files and ``--set`` expressions, in the order in which Helm takes them."""
        values: dict[str, Any] = {}
        for text in request["values"]:
            values = merge(values, json.loads(self.native.call_string("helm_values_from_yaml", text)) or {})
        for expression in request["sets"]:
            parsed = json.loads(self.native.call_string("helm_strvals_parse", expression))
            values = merge(values, parsed, indexed="[" in expression.split("=")[0])
        return values

    def facts(self, chart: Any, given: dict[str, Any]) -> dict[str, Any]:
        """What is known of a chart before it is rendered; ``missing`` are its absent dependencies."""
        meta = chart.metadata
        present = {dependency.get("name") for dependency in chart.dependencies}
        declared = [dependency.get("name", "") for dependency in meta.get("dependencies") or ()]
        return {
            "missing": [name for name in declared if name not in present],
            "values": chart.merge_values(given),
            "crds": [{"name": crd["filename"], "data": crd["data"]} for crd in chart.crds],
        }

    def render(self, chart: Any, given: dict[str, Any], options: dict[str, Any]) -> dict[str, str]:
        """{template: text}; ``lookup`` finds nothing and names are not resolved."""
        text = self.native.call_string("helm_render", chart._raw(), json.dumps(given), json.dumps(options))
        rendered: dict[str, str] = json.loads(text)
        return rendered


def main() -> None:
    """Serve requests until standard input ends."""
    site, cpu, memory = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path.append(site)
    try:
        engine = Engine()
    except (ImportError, OSError) as error:
        sys.stdout.write(json.dumps({"error": str(error), "stage": "start"}) + "\n")
        return
    for line in sys.stdin:
        answer = engine.answer(json.loads(line))
        answer["cpu"] = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
