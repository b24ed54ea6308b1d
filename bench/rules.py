"""CPU of each rule over the corpus of 10,000 pods, and findings a second of the whole scan."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec import structs

from bench.corpus import write_dump
from seawall.engine import Judge, load_rules
from seawall.model.resource import Inventory, Resource
from seawall.model.rule import Hit, Hits, Rule
from seawall.model.version import NEWEST
from seawall.sources.manifests import InputFile, load_file

_PODS = 2_000
_DEAREST = 10


class Clock:
    """Wraps checks so that the CPU time in them is added up by rule."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.hits: Counter[str] = Counter()

    def timed(self, rule: Rule) -> Rule:
        """The rule with its check measured."""
        return structs.replace(rule, check=self._measured(rule.id, rule.check))

    def _measured(self, name: str, check: Callable[[Any, Any], Hits]) -> Callable[[Any, Any], Hits]:
        def run(subject: Any, context: Any) -> Iterator[Hit]:
            start = time.process_time_ns()
            found = list(check(subject, context))
            self.seconds[name] += (time.process_time_ns() - start) / 1e9
            self.hits[name] += len(found)
            yield from found

        return run


def main() -> int:
    """Print the dearest rules with microseconds a pod, and findings a second without the clock."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dump.json"
        write_dump(file, _PODS)
        clock = Clock()
        _judge(file, [clock.timed(rule) for rule in load_rules()])
        start = time.process_time()
        found = _judge(file, list(load_rules()))
        whole = time.process_time() - start
    print(f"{len(load_rules())} rules, {_PODS} pods: {found} findings judged, {found / whole:,.0f} a CPU-second")
    total = sum(clock.seconds.values())
    dearest = sorted(clock.seconds.items(), key=lambda item: -item[1])
    for name, seconds in dearest[:_DEAREST]:
        share, each = seconds / total, seconds / _PODS * 1e6
        print(f"  {name:<44} {each:7.2f} us a pod  {share:5.1%} of all rules  {clock.hits[name]:6} findings")
    if "--json" in sys.argv:
        print(json.dumps(dict(dearest)))
    return 0


def _judge(file: Path, rules: list[Rule]) -> int:
    judge = Judge(rules, NEWEST)
    resources: list[Resource] = []
    found = 0
    for loaded in load_file(InputFile(str(file), "")):
        if isinstance(loaded, Resource):
            found += len(judge.judge(loaded))
            resources.append(loaded)
    return found + sum(1 for _ in judge.judge_inventory(Inventory(resources)))


if __name__ == "__main__":
    sys.exit(main())
