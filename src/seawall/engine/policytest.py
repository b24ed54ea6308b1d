"""Running policies of one's own against the examples beside them: ``policies/ID.yaml``, ``# bad`` and ``# good``."""

from __future__ import annotations

import os
from collections.abc import Iterator

from msgspec import Struct

from seawall.analysis.policies.judging import judge, prepare
from seawall.analysis.policies.program import PolicyError, needs
from seawall.engine.config import ConfigError, Project
from seawall.engine.ownpolicies import expressions
from seawall.engine.worked import Example, parse_examples
from seawall.model.resource import Resource
from seawall.sources.manifests import load_stdin

FOLDER = "policies"


class Outcome(Struct, frozen=True):
    """What became of an example: ``number`` counts from 1 in its file; ``wrong`` is empty where all is well."""

    policy: str
    verdict: str
    number: int
    wrong: str


def run_examples(project: Project) -> Iterator[Outcome]:
    """Judge every example of every policy; a policy without a bad and a good example is told as wrong.

    Raises:
        ConfigError: a policy or a file of examples cannot be used.
    """
    for policy in project.config.policies:
        place = project.places[policy.id]
        try:
            if missing := needs(expressions(policy)):
                yield Outcome(policy.id, "none", 0, f"cannot be judged: it asks for `{missing}`")
                continue
            compiled = prepare(policy)
        except PolicyError as error:
            raise ConfigError(f"{place}: policy {policy.id}: {error}") from error
        examples = _examples(os.path.join(project.folder, FOLDER, f"{policy.id}.yaml"))
        for number, example in enumerate(examples, 1):
            resources = [each for each in load_stdin(example.text.encode()) if isinstance(each, Resource)]
            (verdict,) = judge([compiled], resources)
            broken = [message for _, message in verdict.broken]
            yield Outcome(policy.id, example.verdict, number, verdict.stopped or _wrong(example, resources, broken))
        for wanted in ("bad", "good"):
            if all(example.verdict != wanted for example in examples):
                yield Outcome(policy.id, wanted, 0, f"{FOLDER}/{policy.id}.yaml has no `# {wanted}` example")


def _wrong(example: Example, resources: list[Resource], broken: list[str]) -> str:
    if not resources:
        return "holds no object of Kubernetes"
    if example.verdict == "bad":
        return "" if broken else "nothing is found in it"
    return f"breaks the policy: {broken[0]}" if broken else ""


def _examples(file: str) -> list[Example]:
    try:
        with open(file, encoding="utf-8") as stream:
            return parse_examples(stream.read())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from error
