"""Judging objects by policies of the short form."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from msgspec import Struct

from seawall.analysis.policies.facts import Program, Variables
from seawall.analysis.policies.form import Globs, OwnPolicy, PolicyMatch
from seawall.analysis.policies.library.marked import shown
from seawall.analysis.policies.places import place_of
from seawall.analysis.policies.running import Told
from seawall.analysis.policies.subject import Subject, Trouble, ask

_MOST_MESSAGE = 500


class Compiled(Struct):
    """A policy, ready to run."""

    policy: OwnPolicy
    expression: Program
    message: Program | None

    def wants(self, subject: Subject) -> bool:
        """Whether it is about an object."""
        return not subject.template and selects(self.policy.match, subject)

    def judge(self, subject: Subject) -> Iterator[Told]:
        """What it says of the object. An expression that fails breaks it, as with Kubernetes' failure policy Fail."""
        value = ask(self.expression, subject)
        if value is True:
            return
        place = place_of(self.expression, subject)
        if value is False:
            yield Told("broken", self._message(subject), path=place)
        elif isinstance(value, Trouble) and value.missing:
            yield Told("unknown", value.why, path=place)
        elif isinstance(value, Trouble):
            yield Told("failed", self._failed(f"gives error: {value.why}"), path=place)
        else:
            yield Told("failed", self._failed(f"gives no truth value but {str(shown(value))[:200]}"), path=place)

    def _failed(self, why: str) -> str:
        return f"{self._usual()} (the expression {' '.join(why.split())[:200]})"

    def _usual(self) -> str:
        return self.policy.message or f"it breaks {self.policy.id}: {' '.join(self.policy.expression.split())[:200]}"

    def _message(self, subject: Subject) -> str:
        return told_by(self.message, subject) or self._usual()


def told_by(program: Program | None, subject: Subject, params: dict[str, object] | None = None) -> str:
    """What a message's expression gives; empty where that is nothing that can be told on a line."""
    text = ask(program, subject, params) if program is not None else ""
    return text.strip()[:_MOST_MESSAGE] if isinstance(text, str) and "\n" not in text.strip() else ""


def prepare(policy: OwnPolicy) -> Compiled:
    """Compile a policy.

    Raises:
        PolicyError: an expression of it cannot be used.
    """
    variables = Variables((each.name, each.expression) for each in policy.variables)
    expression = variables.program(policy.expression, ("BOOL", "DYN"))
    message = variables.program(policy.message_expression, ("STRING", "DYN")) if policy.message_expression else None
    return Compiled(policy, expression, message)


def _any(globs: Globs, text: str) -> bool:
    return any(fnmatchcase(text, glob) for glob in ((globs,) if isinstance(globs, str) else globs))


def selects(match: PolicyMatch, subject: Subject) -> bool:
    """Whether a policy is about an object."""
    if match.kind and not (_any(match.kind, subject.kind) or _any(match.kind, f"{subject.group}/{subject.kind}")):
        return False
    if match.namespace and not _any(match.namespace, subject.namespace):
        return False
    if match.name and not _any(match.name, subject.name):
        return False
    labels = subject.label_map() if match.labels else {}
    return all(key in labels and fnmatchcase(labels[key], value) for key, value in match.labels.items())
