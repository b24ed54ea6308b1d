"""Fingerprints: the same finding keeps its own, whatever happens to the text around it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine import ReadOptions, ScanOptions, Selection, scan

NAMES = st.text("abcdefgh", min_size=1, max_size=6)
CONTAINER = st.fixed_dictionaries(
    {"image": st.sampled_from(["registry.example.com/x", "registry.example.com/x:1"])},
    optional={
        "securityContext": st.fixed_dictionaries(
            {},
            optional={
                "privileged": st.booleans(),
                "runAsUser": st.sampled_from([0, 1000]),
                "capabilities": st.just({"add": ["SYS_ADMIN", "NET_RAW"]}),
            },
        ),
        "env": st.just([{"name": "API_PASSWORD", "value": "correct-horse-battery"}, {"name": "MODE", "value": "x"}]),
        "ports": st.just([{"containerPort": 22, "hostPort": 22}, {"containerPort": 80}]),
    },
)
POD = st.fixed_dictionaries(
    {"containers": st.dictionaries(NAMES, CONTAINER, min_size=1, max_size=3)},
    optional={
        "hostPID": st.booleans(),
        "volumes": st.just(
            [{"name": "a", "hostPath": {"path": "/"}}, {"name": "b", "hostPath": {"path": "/var/run/docker.sock"}}]
        ),
    },
)
ESTATE = st.dictionaries(NAMES, POD, min_size=1, max_size=4)


def objects(estate: dict[str, Any]) -> list[dict[str, Any]]:
    out = []
    for name, pod in estate.items():
        containers = [{"name": key, **container} for key, container in pod["containers"].items()]
        template = {"metadata": {"labels": {"app": name}}, "spec": {**pod, "containers": containers}}
        selector = {"matchLabels": {"app": name}}
        metadata = {"name": name, "namespace": "shop"}
        spec = {"selector": selector, "template": template}
        out.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    return out


def shuffled(value: Any, rnd: random.Random) -> Any:
    """The same value with keys and items of lists in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(item, rnd)) for key, item in value.items()]
        rnd.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        copies = [shuffled(item, rnd) for item in value]
        rnd.shuffle(copies)
        return copies
    return value


def written(found: list[dict[str, Any]], folder: Path, rnd: random.Random) -> None:
    """Write objects to files of any names, several to a file or one, as YAML with gaps or as JSON."""
    folder.mkdir()
    found = [shuffled(each, rnd) for each in found]
    rnd.shuffle(found)
    for number, each in enumerate(found):
        name = f"{rnd.choice('abc')}{number}-{rnd.randrange(1000)}"
        if rnd.random() < 0.3:
            (folder / f"{name}.json").write_text(json.dumps(each, indent=rnd.choice([None, 2])))
            continue
        text = yaml.safe_dump(each, sort_keys=False, default_flow_style=rnd.choice([None, False]))
        gaps = "".join("# a comment\n" + line if rnd.random() < 0.2 else line for line in text.splitlines(True))
        file = folder / (f"{name}.yaml" if rnd.random() < 0.7 else "together.yaml")
        with file.open("a") as stream:
            stream.write("---\n" + "\n" * rnd.randrange(3) + gaps)


def prints(folder: Path) -> list[str]:
    options = ScanOptions(ReadOptions((str(folder),)), selection=Selection(profile="all"))
    result = scan(options)
    assert not result.errors
    return sorted(finding.fingerprint for finding in result.findings)


@settings(max_examples=40, deadline=None)
@given(ESTATE, st.integers(0, 2**32))
def test_fingerprints_survive_moves_reordering_and_renaming(estate: dict[str, Any], seed: int) -> None:
    rnd = random.Random(seed)
    found = objects(estate)
    with TemporaryDirectory() as folder:
        written(found, Path(folder, "before"), rnd)
        written(found, Path(folder, "after"), rnd)
        before = prints(Path(folder, "before"))
        assert before == prints(Path(folder, "after"))
        assert len(set(before)) == len(before)
