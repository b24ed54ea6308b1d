"""Finding ValidatingAdmissionPolicies and bindings among objects, with all that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from seawall.analysis.policies.admission import (
    BINDING,
    GROUP,
    MUTATING,
    POLICY,
    BindingSpec,
    PolicySpec,
    binding_mistakes,
    policy_mistakes,
)
from seawall.engine.config import ConfigError
from seawall.engine.configcheck import mistakes
from seawall.model.finding import Severity, SourceError
from seawall.model.paths import Path, format_path, lookup
from seawall.model.resource import Resource
from seawall.model.rule import parse_controls
from seawall.sources.manifests import InputFile, load_file, walk

T = TypeVar("T")
#: What the names of files with examples end in; they hold no policies.
EXAMPLES = ".examples.yaml"
#: Annotations of a policy that say of its rule what Kubernetes has no field for.
_ABOUT = "seawall.dev/"


class About(Struct, frozen=True):
    """What a policy's annotations say of its rule."""

    severity: Severity | None = None
    title: str = ""
    why: str = ""
    remediation: str = ""
    controls: str = ""


class FoundPolicy(Struct):
    """A policy and the object that it stands in."""

    resource: Resource
    spec: PolicySpec
    about: About

    @property
    def name(self) -> str:
        """Its name."""
        return self.resource.ref.name


class FoundBinding(Struct):
    """A binding and the object that it stands in."""

    resource: Resource
    spec: BindingSpec


class AdmissionSet(Struct):
    """What was found: policies, bindings, policies that change objects, all else (parameters, namespaces), and what is
    wrong. ``names`` are those of all policies, the wrong ones too."""

    policies: list[FoundPolicy] = []
    bindings: list[FoundBinding] = []
    mutating: list[Resource] = []
    others: list[Resource] = []
    faults: list[SourceError] = []
    names: set[str] = set()

    def of_policy(self, name: str) -> list[FoundBinding]:
        """The bindings of a policy."""
        return [each for each in self.bindings if each.spec.policy_name == name]


def read_policies(paths: Iterable[str]) -> list[Resource]:
    """All objects in files and folders that hold policies.

    Raises:
        ConfigError: a path cannot be read, is no YAML, or holds no object.
    """
    found: list[Resource] = []
    for path in paths:
        before = len(found)
        for entry in walk(path, lambda name, is_directory: name.endswith(EXAMPLES)):
            if isinstance(entry, SourceError):
                raise ConfigError(str(entry))
            for loaded in load_file(entry) if isinstance(entry, InputFile) else ():
                if isinstance(loaded, SourceError):
                    raise ConfigError(str(loaded))
                if isinstance(loaded, Resource):
                    found.append(loaded)
        if len(found) == before:
            raise ConfigError(f"{path}: there is no object of Kubernetes in it")
    return found


def gather_files(paths: Iterable[str]) -> AdmissionSet:
    """The policies and bindings in files and folders; that there are none where some were named is a fault.

    Raises:
        ConfigError: as :func:`read_policies` does.
    """
    named = list(paths)
    found = gather(read_policies(named))
    if named and not (found.names or found.bindings or found.mutating or found.faults):
        found.faults.append(SourceError(", ".join(named), "", f"there is no {POLICY} in it"))
    return found


def gather(resources: Iterable[Resource]) -> AdmissionSet:
    """The policies and bindings among objects. What is wrong with one is noted, and it is left out."""
    found = AdmissionSet([], [], [], [], [], set())
    seen: dict[tuple[str, str], Any] = {}
    for resource in resources:
        ref = resource.ref
        kind = ref.kind if ref.api_version.partition("/")[0] == GROUP else ""
        if kind in MUTATING:
            found.mutating.append(resource)
        elif kind not in (POLICY, BINDING):
            found.others.append(resource)
        elif _again(seen, resource, found.faults):
            continue
        elif kind == POLICY:
            found.names.add(ref.name)
            spec = _spec(resource, PolicySpec, policy_mistakes, found.faults)
            about = _about(resource, found.faults)
            if spec is not None and about is not None:
                found.policies.append(FoundPolicy(resource, spec, about))
        else:
            binding = _spec(resource, BindingSpec, binding_mistakes, found.faults)
            if binding is not None:
                found.bindings.append(FoundBinding(resource, binding))
    return found


def missing_policies(found: AdmissionSet) -> Iterator[SourceError]:
    """Bindings of policies that are not there: they let everything pass."""
    for binding in found.bindings:
        name = binding.spec.policy_name
        if name not in found.names:
            hint = "give its file as well, or remove the binding"
            yield fault(binding.resource, ("spec", "policyName"), f"there is no policy {name!r}; {hint}")


def _again(seen: dict[tuple[str, str], Any], resource: Resource, faults: list[SourceError]) -> bool:
    """Whether an object was there before; one that says something else now is a fault."""
    key = (resource.ref.kind, resource.ref.name)
    spec = resource.raw.get("spec")
    if key not in seen:
        seen[key] = spec
        return False
    if seen[key] != spec:
        faults.append(fault(resource, ("metadata", "name"), "is given twice, and differently; keep one"))
    return True


def fault(resource: Resource, path: Path, message: str) -> SourceError:
    """A mistake in an object, with its place."""
    (place,) = resource.origin.locate([path])
    where = f"{place.line}:{place.column}" if place.line else ""
    return SourceError(place.file, where, " ".join(f"{resource.ref}: {format_path(path)}: {message}".split()))


def _spec(
    resource: Resource,
    kind: type[T],
    further: Callable[[T], Iterator[tuple[Path, str]]],
    faults: list[SourceError],
) -> T | None:
    value = without_nulls(resource.raw.get("spec"))
    wrong: Sequence[tuple[Path, str, str]] = list(mistakes(kind, value, ("spec",)))
    if not wrong:
        spec = msgspec.convert(value, kind)
        wrong = [(("spec", *path), told, "") for path, told in further(spec)]
        if not wrong:
            return spec
    for path, told, hint in wrong:
        faults.append(fault(resource, path, f"{told}; {hint}" if hint else told))
    return None


def without_nulls(value: Any) -> Any:
    """A value without fields that are null: for the API server they are not there."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def _about(resource: Resource, faults: list[SourceError]) -> About | None:
    given = lookup(resource.raw, ("metadata", "annotations"))
    values = {
        key.removeprefix(_ABOUT): value
        for key, value in (given.items() if isinstance(given, dict) else ())
        if isinstance(key, str) and key.startswith(_ABOUT) and key.removeprefix(_ABOUT) in About.__struct_fields__
    }
    wrong = [f"{key}: {told}" for path, told, _ in mistakes(About, values, ()) for key in map(str, path)]
    try:
        parse_controls(controls if isinstance(controls := values.get("controls", ""), str) else "")
    except ValueError as error:
        wrong.append(f"controls: {error}")
    faults += [fault(resource, ("metadata", "annotations"), f"{_ABOUT}{told}") for told in wrong]
    return None if wrong else msgspec.convert(values, About)


def rule_id(name: str) -> str:
    """The id of a policy's rule: ``vap-`` and its name, with what ids do not have as ``-``; a long one is cut, and
    told apart by a hash."""
    made = f"vap-{re.sub('[^a-z0-9-]', '-', name.lower())}"
    if len(made) <= 50 and made.removeprefix("vap-") == name:
        return made
    import hashlib

    return f"{made[:41].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
