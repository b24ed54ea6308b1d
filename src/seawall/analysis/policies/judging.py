"""Judging objects by policies, in a process of its own that is stopped where an expression runs away.

The process is forked, so that it has policies and objects without a copy, and tells by a shared counter how far it is.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import struct
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec
from msgspec import Struct

from seawall.analysis.policies.defaults import with_defaults
from seawall.analysis.policies.form import Globs, OwnPolicy, PolicyMatch
from seawall.analysis.policies.program import compile_cel, environment
from seawall.model.kube.base import InvalidField
from seawall.model.kube.resources import find_resource, resource_of_kind
from seawall.model.resource import Resource

#: An object and a policy get so many seconds.
SECONDS = 1.0
_POSITION = struct.Struct("qqq")
_MOST_MESSAGE = 500


class Compiled(Struct):
    """A policy, ready to run."""

    policy: OwnPolicy
    expression: Any
    message: Any | None
    variables: list[tuple[str, Any]]


class Verdicts(Struct):
    """What came of one policy: the objects (by index) that break it with what is told, and why it was stopped."""

    broken: list[tuple[int, str]] = []
    stopped: str = ""


class _Told(Struct, array_like=True):
    policy: int
    item: int
    message: str


def prepare(policy: OwnPolicy) -> Compiled:
    """Compile a policy.

    Raises:
        PolicyError: an expression of it cannot be used.
    """
    return Compiled(
        policy,
        compile_cel(policy.expression),
        compile_cel(policy.message_expression) if policy.message_expression else None,
        [(each.name, compile_cel(each.expression)) for each in policy.variables],
    )


def judge(policies: Sequence[Compiled], resources: Sequence[Resource], seconds: float = SECONDS) -> list[Verdicts]:
    """Judge all resources by all policies. A policy that takes longer than ``seconds`` for one object is stopped."""
    verdicts = [Verdicts(broken=[]) for _ in policies]
    start = (0, 0)
    while start[0] < len(resources):
        start = _run(policies, resources, verdicts, start, seconds)
    return verdicts


def _run(
    policies: Sequence[Compiled],
    resources: Sequence[Resource],
    verdicts: list[Verdicts],
    start: tuple[int, int],
    seconds: float,
) -> tuple[int, int]:
    """One process; returns where the next one begins (at the end: none)."""
    position = mmap.mmap(-1, _POSITION.size)
    _POSITION.pack_into(position, 0, 0, *start)
    alive = [index for index, each in enumerate(verdicts) if not each.stopped]
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _in_child(policies, resources, alive, start, position, (reading, writing))
    os.close(writing)
    try:
        ended, data = _watch(child, reading, position, seconds)
    finally:
        os.close(reading)
        _, status = os.waitpid(child, 0)
    for line in data.split(b"\n")[:-1]:
        told = msgspec.json.decode(line, type=_Told)
        verdicts[told.policy].broken.append((told.item, told.message))
    if ended and status == 0:
        return len(resources), 0
    _, item, policy = _POSITION.unpack_from(position)
    why = f"took longer than {seconds:g} s" if not ended else "made the CEL engine fail"
    verdicts[policy].stopped = f"stopped: it {why} on {resources[item].ref}"
    return item, policy + 1


def _watch(child: int, reading: int, position: mmap.mmap, seconds: float) -> tuple[bool, bytes]:
    """Read until the process ends, or stop it where it makes no headway; whether it ended, and what it said."""
    data = bytearray()
    seen, since = -1, time.monotonic()
    while True:
        ready, _, _ = select.select([reading], [], [], 0.05)
        if ready:
            part = os.read(reading, 1 << 16)
            if not part:
                return True, bytes(data)
            data += part
        count = _POSITION.unpack_from(position)[0]
        if count != seen:
            seen, since = count, time.monotonic()
        elif time.monotonic() - since > seconds:
            os.kill(child, signal.SIGKILL)
            while part := os.read(reading, 1 << 16):
                data += part
            return False, bytes(data)


def _in_child(
    policies: Sequence[Compiled],
    resources: Sequence[Resource],
    alive: Sequence[int],
    start: tuple[int, int],
    position: mmap.mmap,
    pipe: tuple[int, int],
) -> None:
    """Never returns: whatever happens, nothing of the parent's is run or written twice."""
    code = 1
    try:
        os.close(pipe[0])
        count = 0
        for item in range(start[0], len(resources)):
            first = start[1] if item == start[0] else 0
            wanted = [each for each in alive if each >= first and selects(policies[each].policy.match, resources[item])]
            subject = Subject(resources[item]) if wanted else None
            for index in wanted:
                count += 1
                _POSITION.pack_into(position, 0, count, item, index)
                if subject is not None and (message := evaluate(policies[index], subject)) is not None:
                    line = msgspec.json.encode(_Told(index, item, message)) + b"\n"
                    while line:
                        line = line[os.write(pipe[1], line) :]
        code = 0
    finally:
        os._exit(code)


class Subject:
    """An object as expressions see it. It is converted once, for all policies: that is most of an evaluation."""

    def __init__(self, resource: Resource) -> None:
        namespace = _namespace(resource)
        about = {"metadata": {"name": namespace, "labels": {"kubernetes.io/metadata.name": namespace}}}
        self.values: dict[str, Any] = {
            "object": with_defaults(resource.raw, namespace),
            "oldObject": None,
            "namespaceObject": about if namespace else None,
            "params": None,
        }
        self._converted: Any = None

    def converted(self) -> Any:
        """What the engine evaluates with."""
        if self._converted is None:
            self._converted = environment().Activation(self.values)
        return self._converted


def evaluate(compiled: Compiled, subject: Subject) -> str | None:
    """What is told of an object that breaks the policy; None where it keeps it.

    An expression that fails breaks it, as with Kubernetes' failure policy Fail.
    """
    try:
        activation = subject.converted()
        if compiled.variables:
            found: dict[str, Any] = {}
            for name, expression in compiled.variables:
                result = expression.eval(environment().Activation({**subject.values, "variables": found}))
                if result.type().name() == "ERROR":
                    return _failed(compiled, f"of the variable {name} gives error: {result.value()}")
                found[name] = result.plain_value()
            activation = environment().Activation({**subject.values, "variables": found})
        result = compiled.expression.eval(activation)
        value = result.value()
        if value is True:
            return None
        if value is not False:
            return _failed(compiled, f"gives {result.type().name().lower()}: {value}")
        return _message(compiled, activation)
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        return _failed(compiled, str(error))


def _failed(compiled: Compiled, why: str) -> str:
    return f"{_usual(compiled.policy)} (the expression {' '.join(why.split())[:200]})"


def _usual(policy: OwnPolicy) -> str:
    return policy.message or f"it breaks {policy.id}: {' '.join(policy.expression.split())[:200]}"


def _message(compiled: Compiled, activation: Any) -> str:
    if compiled.message is not None:
        result = compiled.message.eval(activation)
        text = result.value() if result.type().name() == "STRING" else ""
        if text.strip() and "\n" not in text:
            return str(text)[:_MOST_MESSAGE]
    return _usual(compiled.policy)


def _namespace(resource: Resource) -> str:
    ref = resource.ref
    if ref.namespace:
        return ref.namespace
    known = find_resource(resource_of_kind(ref.kind), ref.api_version.rpartition("/")[0])
    return "default" if known is not None and known.namespaced else ""


def _any(globs: Globs, text: str) -> bool:
    return any(fnmatchcase(text, glob) for glob in ((globs,) if isinstance(globs, str) else globs))


def selects(match: PolicyMatch, resource: Resource) -> bool:
    """Whether a policy is about an object."""
    ref = resource.ref
    full = f"{ref.api_version.rpartition('/')[0]}/{ref.kind}"
    if match.kind and not (_any(match.kind, ref.kind) or _any(match.kind, full)):
        return False
    if match.namespace and not _any(match.namespace, _namespace(resource)):
        return False
    if match.name and not _any(match.name, ref.name):
        return False
    if not match.labels:
        return True
    try:
        labels = resource.metadata.labels
    except InvalidField:
        return False
    return all(key in labels and fnmatchcase(labels[key], value) for key, value in match.labels.items())
