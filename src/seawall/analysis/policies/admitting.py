"""Judging objects by ValidatingAdmissionPolicies and their bindings, as the API server does when they are created."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from seawall.analysis.policies.admission import (
    BindingSpec,
    FailurePolicy,
    NotFound,
    ParamRef,
    PolicySpec,
    Validation,
)
from seawall.analysis.policies.facts import Program, Variables
from seawall.analysis.policies.judging import told_by
from seawall.analysis.policies.matching import Answer, by_rules, matches, selected
from seawall.analysis.policies.places import place_of
from seawall.analysis.policies.program import PolicyError
from seawall.analysis.policies.running import Told, What
from seawall.analysis.policies.subject import Subject, Trouble, ask
from seawall.model.paths import lookup


class Parameters:
    """The objects that a policy's parameters are looked for among.

    ``namespaced`` is whether the kind lives in namespaces; ``absent`` says why an object that is not here may be
    elsewhere (empty where it is known to be nowhere).
    """

    def __init__(self, objects: Iterable[dict[str, Any]], namespaced: bool, absent: str) -> None:
        self.namespaced, self.absent = namespaced, absent
        self._by_name: dict[tuple[str, str], dict[str, Any]] = {}
        for each in objects:
            namespace, name = lookup(each, ("metadata", "namespace")), lookup(each, ("metadata", "name"))
            if isinstance(name, str):
                place = (namespace if isinstance(namespace, str) else "default") if namespaced else ""
                self._by_name.setdefault((place, name), each)

    def find(self, ref: ParamRef, namespace: str) -> list[tuple[tuple[str, str], dict[str, Any]]] | str:
        """What a binding refers to for an object in a namespace, with namespace and name; or why it cannot be."""
        if self.namespaced:
            where = ref.namespace or namespace
            if not where:
                return "its parameters have a namespace, and the object has none"
        elif ref.namespace:
            return "its parameters have no namespace, and its paramRef names one"
        else:
            where = ""
        if ref.selector is None:
            found = self._by_name.get((where, ref.name))
            return [((where, ref.name), found)] if found is not None else []
        chosen = ref.selector
        return [
            (key, each) for key, each in self._by_name.items() if key[0] == where and selected(chosen, _labels(each))
        ]


def _labels(raw: dict[str, Any]) -> dict[str, str]:
    labels = lookup(raw, ("metadata", "labels"))
    return {k: v for k, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {}


class _Check(Struct):
    """A validation, ready to run."""

    form: Validation
    expression: Program
    message: Program | None


#: Parameters with their namespace and name; None where there are none to look for.
_Params = tuple[tuple[str, str] | None, dict[str, Any] | None]


#: The types that Kubernetes takes: of what is decided, of a message, and of an audit annotation.
_TRUTH, _TEXT, _NOTE = ("BOOL",), ("STRING",), ("STRING", "NULL")


class Admission:
    """A policy with its bindings, ready to run.

    Raises:
        PolicyFault: an expression of it cannot be used.
    """

    def __init__(
        self, spec: PolicySpec, bindings: Sequence[BindingSpec] = (), parameters: Parameters | None = None
    ) -> None:
        self.spec, self.bindings, self.parameters = spec, bindings, parameters
        params = spec.param_kind is not None
        faults = _Faults()
        plain = Variables(params=params, strict=True)
        self._conditions = [
            faults.at(("matchConditions", index, "expression"), plain.program, each.expression, _TRUTH)
            for index, each in enumerate(spec.match_conditions)
        ]
        given = [(each.name, each.expression) for each in spec.variables]
        variables = faults.at(("variables",), lambda: Variables(given, params=params, strict=True))
        if variables is None:
            faults.tell()
        self._checks = [self._check(index, each, variables, faults) for index, each in enumerate(spec.validations)]
        self._annotations = [
            (
                each.key,
                faults.at(
                    ("auditAnnotations", index, "valueExpression"), variables.program, each.value_expression, _NOTE
                ),
            )
            for index, each in enumerate(spec.audit_annotations)
        ]
        faults.tell()
        self._kinds: dict[tuple[str, str, bool], Answer] = {}
        self._named = any(
            rule.resource_names
            for rule in (*spec.match_constraints.resource_rules, *spec.match_constraints.exclude_resource_rules)
        )

    @staticmethod
    def _check(index: int, form: Validation, variables: Variables, faults: _Faults) -> _Check:
        base = ("validations", index)
        expression = faults.at((*base, "expression"), variables.program, form.expression, _TRUTH)
        if not form.message_expression:
            return _Check(form, expression, None)
        message = faults.at((*base, "messageExpression"), variables.program, form.message_expression, _TEXT)
        return _Check(form, expression, message)

    def wants(self, subject: Subject) -> bool:
        """Whether its rules mean the kind of the object."""
        if self._named:
            return by_rules(self.spec.match_constraints, subject) is not False
        key = (subject.api_version, subject.kind, bool(subject.namespace))
        found = self._kinds.get(key)
        if found is None:
            found = self._kinds[key] = by_rules(self.spec.match_constraints, subject)
        return found is not False

    def judge(self, subject: Subject) -> Iterator[Told]:
        """What it says of the object, for each set of parameters of its bindings once."""
        answer = matches(self.spec.match_constraints, subject)
        if answer is False:
            return
        together: dict[tuple[str, str] | None, tuple[dict[str, Any] | None, list[tuple[int, Answer]]]] = {}
        for index, binding in enumerate(self.bindings):
            bound = matches(binding.match_resources, subject)
            if bound is False:
                continue
            found = self._params(binding, subject)
            if isinstance(found, Trouble):
                yield self._trouble(found, "spec.paramRef", (index,), answer, bound)
                continue
            for key, params in found:
                together.setdefault(key, (params, []))[1].append((index, bound))
        for key, (params, bindings) in together.items():
            sure = [index for index, bound in bindings if bound is True]
            unsure = "" if sure else str(bindings[0][1])
            indices = tuple(sure or [index for index, _ in bindings])
            yield from self._with(subject, (key, params), indices, answer if isinstance(answer, str) else unsure)

    def _params(self, binding: BindingSpec, subject: Subject) -> list[_Params] | Trouble:
        ref = binding.param_ref
        if ref is None or self.parameters is None or self.spec.param_kind is None:
            return [(None, None)]
        found = self.parameters.find(ref, subject.namespace)
        if isinstance(found, str):
            return Trouble(found)
        if found:
            return list(found)
        kind = self.spec.param_kind.kind
        what = f"{kind} {ref.name}" if ref.name else f"{kind} that its selector selects"
        if self.parameters.absent:
            return Trouble(f"its parameter {what} is not here: {self.parameters.absent}", missing=True)
        return (
            Trouble(f"its parameter {what} does not exist") if ref.parameter_not_found_action is NotFound.DENY else []
        )

    def _with(self, subject: Subject, given: _Params, bindings: tuple[int, ...], unsure: str) -> Iterator[Told]:
        """What the policy says with these parameters; ``unsure`` is why it may not be about the object after all."""
        key, params = given
        answer = self._met(subject, params)
        if answer is False:
            return
        if isinstance(answer, Trouble):
            if not answer.missing:
                yield self._trouble(answer, "spec.matchConditions", bindings, unsure, params=key)
                return
            unsure = unsure or answer.why
        notes: list[str] = []
        for name, program in self._annotations:
            value = ask(program, subject, params)
            if isinstance(value, str):
                notes.append(f"{name}: {value[:200]}")
            elif value is not None:
                trouble = value if isinstance(value, Trouble) else Trouble(f"the audit annotation {name} is no text")
                yield self._trouble(trouble, "spec.auditAnnotations", bindings, unsure, params=key)
        for index, check in enumerate(self._checks):
            value = ask(check.expression, subject, params)
            if value is True:
                continue
            part = f"spec.validations[{index}]"
            place = place_of(check.expression, subject)
            if isinstance(value, Trouble):
                trouble = value if value.missing else Trouble(f"{_usual(check.form)} ({value.why})")
                yield self._trouble(trouble, part, bindings, unsure, params=key, path=place, notes=tuple(notes))
            elif unsure:
                yield Told("unknown", unsure, part, place, bindings, params=key)
            else:
                message = told_by(check.message, subject, params) or _usual(check.form)
                yield Told("broken", message, part, place, bindings, tuple(notes), key)

    def _met(self, subject: Subject, params: dict[str, Any] | None) -> bool | Trouble:
        """Whether all match conditions hold. One that does not decides, whatever becomes of the others."""
        trouble: Trouble | None = None
        for program in self._conditions:
            value = ask(program, subject, params)
            if isinstance(value, Trouble):
                trouble = value if trouble is None or not value.missing else trouble
            elif value is not True:
                return False
        return True if trouble is None else trouble

    def _trouble(
        self,
        trouble: Trouble,
        part: str,
        bindings: tuple[int, ...],
        *unsure: Answer,
        params: tuple[str, str] | None = None,
        path: tuple[str | int, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> Told:
        """What is told where an evaluation failed: as the failure policy says, if it is sure that it matters."""
        why = next((each for each in unsure if isinstance(each, str) and each), "")
        if trouble.missing or why:
            return Told("unknown", trouble.why if trouble.missing else why, part, path, bindings, params=params)
        what: What = "failed" if self.spec.failure_policy is FailurePolicy.FAIL else "ignored"
        return Told(what, trouble.why, part, path, bindings, notes, params)


def _usual(form: Validation) -> str:
    return form.message.strip() or f"failed expression: {' '.join(form.expression.split())[:400]}"


class PolicyFault(Exception):
    """An expression that cannot be used; ``path`` is its field below ``spec``, ``others`` are the same of the policy's
    other expressions."""

    def __init__(self, path: tuple[str | int, ...], why: str) -> None:
        super().__init__(why)
        self.path = path
        self.others: list[PolicyFault] = []


class _Faults:
    """Gathers what is wrong with a policy's expressions, to tell all of it at once."""

    def __init__(self) -> None:
        self._found: list[PolicyFault] = []

    def at(self, path: tuple[str | int, ...], make: Any, *arguments: Any) -> Any:
        """What is made; None where an expression cannot be used."""
        try:
            return make(*arguments)
        except PolicyError as error:
            self._found.append(PolicyFault(path, str(error)))
            return None

    def tell(self) -> None:
        """Raise what was found, if anything was."""
        if self._found:
            first, *first.others = self._found
            raise first
