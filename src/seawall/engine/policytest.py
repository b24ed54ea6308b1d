"""Running policies of one's own against the examples beside them, ``# bad`` and ``# good``.

Those of the short form stand in ``policies/ID.yaml``, those of an admission policy in ``NAME.examples.yaml`` beside
its file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from seawall.analysis.policies.admission import Action, BindingSpec
from seawall.analysis.policies.admitting import PolicyFault
from seawall.analysis.policies.judging import prepare
from seawall.analysis.policies.program import PolicyError
from seawall.analysis.policies.running import Told
from seawall.engine.admissionfiles import (
    EXAMPLES,
    AdmissionSet,
    FoundPolicy,
    gather_files,
    missing_policies,
    rule_id,
)
from seawall.engine.admissionrules import add_admission, faults_of
from seawall.engine.config import ConfigError, Project
from seawall.engine.ownpolicies import PolicyRun
from seawall.engine.policyset import refuse
from seawall.engine.worked import Example, parse_examples
from seawall.model.resource import Inventory, Resource
from seawall.sources.manifests import load_stdin

_MAX_CHARACTERS = 16 << 20

FOLDER = "policies"


class Outcome(Struct, frozen=True):
    """What became of an example: ``number`` counts from 1 in its file; ``wrong`` is empty where all is well."""

    policy: str
    verdict: str
    number: int
    wrong: str


def run_examples(project: Project, files: Iterable[str] = ()) -> Iterator[Outcome]:
    """Judge every example of every policy; a policy without a bad and a good example is told as wrong.

    Raises:
        ConfigError: a policy or a file of examples cannot be used.
    """
    for policy in project.config.policies:
        run = PolicyRun()
        try:
            run.ready.append(prepare(policy))
        except PolicyError as error:
            raise ConfigError(f"{project.places[policy.id]}: policy {policy.id}: {error}") from error
        yield from _judge_all(policy.id, run, os.path.join(project.folder, FOLDER, f"{policy.id}.yaml"))
    given = gather_files([*project.admission_files(), *files])
    given.faults += missing_policies(given)
    refuse(given.faults)
    for found in given.policies:
        beside = os.path.dirname(found.resource.origin.file)
        file = os.path.join(beside, f"{found.name}{EXAMPLES}")
        yield from _judge_all(rule_id(found.name), _admission_run(found, given), file)


def _admission_run(found: FoundPolicy, given: AdmissionSet) -> PolicyRun:
    """A policy that nothing binds is tried as if it were bound to everything."""
    run = PolicyRun(given.others)
    bindings = [each.spec for each in given.of_policy(found.name)] or [BindingSpec(found.name, (Action.DENY,))]
    try:
        add_admission(run, found.spec, bindings, given.others)
    except PolicyFault as error:
        refuse(faults_of(found.resource, error))
    return run


def _judge_all(policy: str, run: PolicyRun, file: str) -> Iterator[Outcome]:
    examples = _examples(file)
    for number, example in enumerate(examples, 1):
        resources = [each for each in load_stdin(example.text.encode()) if isinstance(each, Resource)]
        (verdict,), _ = run(Inventory(resources))
        wrong = verdict.stopped or _wrong(example, resources, [told for _, told in verdict.told])
        yield Outcome(policy, example.verdict, number, wrong)
    for wanted in ("bad", "good"):
        if all(example.verdict != wanted for example in examples):
            yield Outcome(policy, wanted, 0, f"{file.removeprefix('./')} has no `# {wanted}` example")


def _wrong(example: Example, resources: Sequence[Resource], told: Sequence[Told]) -> str:
    if not resources:
        return "holds no object of Kubernetes"
    broken = [each.message for each in told if each.what in ("broken", "failed")]
    unknown = [each.message for each in told if each.what == "unknown"]
    if example.verdict == "bad" and broken:
        return ""
    if unknown:
        return f"cannot be judged: {unknown[0]}"
    if example.verdict == "bad":
        return "nothing is found in it"
    return f"breaks the policy: {broken[0]}" if broken else ""


def _examples(file: str) -> list[Example]:
    try:
        with open(file, encoding="utf-8") as stream:
            text = stream.read(_MAX_CHARACTERS + 1)
        if len(text) > _MAX_CHARACTERS:
            raise ConfigError(f"{file} is larger than {_MAX_CHARACTERS >> 20} MiB; split it")
        return parse_examples(text)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from error
