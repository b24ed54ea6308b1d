"""What policies judge: an object as the API server would admit it, with what surrounds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from seawall.analysis.policies.defaults import NAME_LABEL, with_defaults
from seawall.analysis.policies.facts import Program
from seawall.analysis.policies.program import REFUSALS, environment
from seawall.model.finding import ResourceRef
from seawall.model.kube.resources import find_resource, resource_of_kind
from seawall.model.paths import Path, lookup
from seawall.model.resource import Resource


class ApiKind(Struct, frozen=True):
    """How a kind is named in a request, and whether its objects live in namespaces."""

    plural: str
    namespaced: bool


class Surroundings:
    """Namespaces and custom kinds by what the inputs say of them."""

    def __init__(self, namespaces: Mapping[str, dict[str, Any]], kinds: Mapping[tuple[str, str], ApiKind]) -> None:
        self.namespaces = namespaces
        self._kinds = kinds

    def kind(self, group: str, kind: str) -> ApiKind | None:
        """What is known of a kind; None for a custom one whose definition is not at hand."""
        found = find_resource(resource_of_kind(kind), group)
        return ApiKind(found.name, found.namespaced) if found is not None else self._kinds.get((group, kind))


def surroundings(resources: Sequence[Resource]) -> Surroundings:
    """What the Namespaces and CustomResourceDefinitions among objects tell."""
    namespaces: dict[str, dict[str, Any]] = {}
    kinds: dict[tuple[str, str], ApiKind] = {}
    for resource in resources:
        if resource.ref.kind == "Namespace" and resource.ref.api_version == "v1":
            namespaces[resource.ref.name] = with_defaults(resource.raw, "")
        elif resource.ref.kind == "CustomResourceDefinition":
            raw = resource.raw
            group, kind, plural = (lookup(raw, path) for path in (_GROUP, ("spec", "names", "kind"), _PLURAL))
            if isinstance(group, str) and isinstance(kind, str) and isinstance(plural, str):
                kinds[group, kind] = ApiKind(plural, lookup(raw, ("spec", "scope")) != "Cluster")
    return Surroundings(namespaces, kinds)


_GROUP, _PLURAL = ("spec", "group"), ("spec", "names", "plural")
NOWHERE = Surroundings({}, {})


class Subject:
    """An object as expressions see it. It is converted once, for all policies: that is most of an evaluation.

    With ``template`` it is the pod that is made from the template at that path of the object.
    """

    __slots__ = (
        "_activations", "_raw", "_values", "api_version", "around", "group", "kind", "labels", "name", "namespace",
        "partial", "plural", "resource", "template", "version",
    )  # fmt: skip

    def __init__(self, resource: Resource, around: Surroundings = NOWHERE, template: Path = ()) -> None:
        ref = resource.ref
        self.resource, self.around, self.template = resource, around, template
        self.api_version, self.kind = ("v1", "Pod") if template else (ref.api_version, ref.kind)
        self.group, _, self.version = self.api_version.rpartition("/")
        known = around.kind(self.group, self.kind)
        self.plural = known.plural if known is not None else resource_of_kind(self.kind)
        self.name = "" if template else ref.name
        self.namespace = ref.namespace or ("default" if known is not None and known.namespaced else "")
        if known is not None and not known.namespaced:
            self.namespace = ""
        #: Whether of its namespace no more than the name is known.
        self.partial = bool(self.namespace) and self.namespace not in around.namespaces
        self._raw: dict[str, Any] | None = None
        self._values: dict[str, Any] | None = None
        self._activations: dict[int, Any] = {}

    @property
    def raw(self) -> dict[str, Any]:
        """The object as it is written."""
        if self._raw is None:
            raw = self.resource.raw
            self._raw = _made_pod(raw, self.template, self.resource.ref) if self.template else raw
        return self._raw

    @property
    def values(self) -> dict[str, Any]:
        """What expressions may name, but for parameters and variables."""
        if self._values is None:
            namespace = self.around.namespaces.get(self.namespace)
            if namespace is None and self.namespace:
                about = {"name": self.namespace, "labels": {NAME_LABEL: self.namespace}}
                namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": about}
            self._values = {
                "object": with_defaults(self.raw, self.namespace),
                "oldObject": None,
                "namespaceObject": namespace,
                "request": self._request(),
            }
        return self._values

    def label_map(self) -> dict[str, str]:
        """Its labels; those that are no text are left out."""
        return _labels(self.raw)

    def namespace_labels(self) -> dict[str, str]:
        """The labels of its namespace, or its own if it is one; where it is ``partial`` there may be more."""
        if self.kind == "Namespace" and not self.group:
            return {**_labels(self.raw), NAME_LABEL: self.name}
        known = self.around.namespaces.get(self.namespace)
        return _labels(known) if known is not None else {NAME_LABEL: self.namespace}

    def _request(self) -> dict[str, Any]:
        kind = {"group": self.group, "version": self.version, "kind": self.kind}
        resource = {"group": self.group, "version": self.version, "resource": self.plural}
        return {
            "kind": kind, "resource": resource, "subResource": "", "requestKind": kind, "requestResource": resource,
            "requestSubResource": "", "name": self.name, "namespace": self.namespace, "operation": "CREATE",
            "dryRun": False,
        }  # fmt: skip

    def activation(self, params: dict[str, Any] | None = None) -> Any:
        """What the engine evaluates with, one for each value of ``params``."""
        key = id(params)
        found = self._activations.get(key)
        if found is None:
            found = self._activations[key] = environment().Activation({**self.values, "params": params})
        return found

    def drop(self) -> None:
        """Let go of what was converted."""
        self._raw = self._values = None
        self._activations.clear()


def _labels(raw: dict[str, Any]) -> dict[str, str]:
    labels = lookup(raw, ("metadata", "labels"))
    if not isinstance(labels, dict):
        return {}
    return {key: value for key, value in labels.items() if isinstance(key, str) and isinstance(value, str)}


#: The API server keeps so much of what a name shall begin with, and adds five letters, before policies see it.
_MOST_BASE, _SUFFIX = 58, "xxxxx"


def _made_pod(raw: dict[str, Any], template: Path, owner: ResourceRef) -> dict[str, Any]:
    """The pod that a controller makes from its template; the end of its name is not known, but of a StatefulSet's."""
    made = lookup(raw, template)
    made = made if isinstance(made, dict) else {}
    metadata = made.get("metadata")
    metadata = {**metadata} if isinstance(metadata, dict) else {}
    base = f"{owner.name}-"
    if owner.kind == "StatefulSet":
        metadata["name"] = f"{base}0"
    else:
        metadata |= {"generateName": base, "name": f"{base[:_MOST_BASE]}{_SUFFIX}"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": made.get("spec")}


class Trouble(Struct):
    """An expression gave no answer: for want of a fact (``missing``), or because it failed."""

    why: str
    missing: bool = False


def ask(program: Program, subject: Subject, params: dict[str, Any] | None = None) -> Any:
    """What an expression gives: a plain value, or :class:`Trouble`."""
    if program.opaque:
        return Trouble(f"it asks for `{program.opaque}`", missing=True)
    if program.opaque_namespace and subject.partial:
        return _unknown_namespace(subject)
    try:
        activation = _with_variables(program, subject, params) if program.variables else subject.activation(params)
        result = program.run.eval(activation)
        value = result.value()
        if value is True or value is False:
            return value
        if result.type().name() != "ERROR":
            return result.plain_value()
        why = str(value)
    except REFUSALS as error:
        why = str(error)
    if program.missing:
        return Trouble(f"it asks for `{program.missing}`", missing=True)
    if program.namespace and subject.partial:
        return _unknown_namespace(subject)
    return Trouble(" ".join(why.split())[:200])


def _unknown_namespace(subject: Subject) -> Trouble:
    return Trouble(f"it asks for the namespace {subject.namespace}, which is not among the inputs", missing=True)


def _with_variables(program: Program, subject: Subject, params: dict[str, Any] | None) -> Any:
    """The values of variables, one after the other. One that fails is left out: who reads it fails."""
    found: dict[str, Any] = {}
    for name, each in program.variables:
        result = each.run.eval(environment().Activation({**subject.values, "params": params, "variables": found}))
        if result.type().name() != "ERROR":
            found[name] = result.plain_value()
    return environment().Activation({**subject.values, "params": params, "variables": found})
