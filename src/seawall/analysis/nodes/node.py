"""A node's facts as checks ask for them: settings resolved as their component does it, files, and what is missing."""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import msgspec

from seawall.analysis.nodes.operators import UNSET
from seawall.analysis.nodes.outcome import NotHere, NotKnown
from seawall.analysis.nodes.settings import Setting, default_at, settings
from seawall.analysis.nodes.values import TYPES, from_flag
from seawall.model.facts import Component, Facts, FileFact
from seawall.model.version import KubernetesVersion, parse_version

#: What ends the name of a place that a component itself tells, and where it does.
_OWN_PLACES = {
    "manifest": "manifest_path",
    "config": "config_path",
    "kubeconfig": "kubeconfig_path",
    "unit": "unit_path",
    "binary": "binary",
}
#: Places that a setting names, where the facts do not say where they are.
_NAMED_PLACES = {"kubelet.client-ca": ("kubelet", "client-ca-file"), "etcd.data": ("etcd", "data-dir")}
_MAX_LINKS = 8


class Resolved(NamedTuple):
    """A setting as it counts: its value (``UNSET``: none), where that comes from (``flag``, ``file``,
    ``environment``, ``running`` or ``default``), its place in the facts, the file on the node, and its name."""

    value: Any
    given: str
    path: str
    file: str
    name: str


class Node:
    """Facts of one node with what is worked out from them once.

    ``documents`` of foreign making stay as they are: whatever is not of the type that is asked for is not known.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.version = _version(facts)
        self._resolved: dict[tuple[str, str], Resolved | Exception] = {}
        self._problems = [(problem.fact, problem.reason) for problem in facts.problems]

    def problem(self, *places: str) -> str:
        """Why something at or above one of these places, or within it, could not be had; empty where nothing says."""
        for place in places:
            for fact, reason in self._problems:
                if place == fact or place.startswith((f"{fact}.", f"{fact}/")):
                    return f"{fact}: {reason}"
        return ""

    def problems_within(self, place: str) -> list[str]:
        """Why facts inside a place could not be had."""
        return [
            reason for fact, reason in self._problems if fact == place or fact.startswith((f"{place}.", f"{place}/"))
        ]

    def component(self, name: str) -> Component:
        """A component of the node.

        Raises:
            NotHere: it is not on this node.
            NotKnown: whether it is could not be found out.
        """
        component = self.facts.components.get(name)
        if component is not None:
            return component
        reason = self.problem(f"components.{name}")
        if reason:
            raise NotKnown(reason)
        raise NotHere(f"{name} does not run on this node")

    def setting(self, component: str, name: str) -> Resolved:
        """A setting of the table as the component takes it.

        Raises:
            NotHere: the component is not on this node.
            NotKnown: the value could not be had, or is not of the setting's type.
        """
        key = (component, name)
        found = self._resolved.get(key)
        if found is None:
            try:
                found = self._resolve(component, name, settings()[component].settings[name])
            except (NotHere, NotKnown) as missing:
                found = missing
            self._resolved[key] = found
        if isinstance(found, Exception):
            raise found
        return found

    def _resolve(self, owner: str, name: str, setting: Setting) -> Resolved:
        component = self.component(owner)
        table = settings()[owner]
        flags = setting.flags(name)
        label = f"--{flags[0]}" if flags else setting.config
        has_file = component.config is not None or bool(component.config_path)
        precedence = setting.precedence or table.precedence
        if component.configz is not None and setting.config:
            running = self._field(owner, "configz", component.configz, setting)
            if running is not None:
                return Resolved(running, "running", f"components.{owner}.configz.{setting.config}", "", setting.config)
        elif precedence == "file" and has_file and setting.config:
            return self._from_file(owner, component, setting, label) or self._default(owner, setting, has_file, label)
        given = self._from_flag(owner, component, flags, setting)
        if given is None and table.environment and flags:
            given = self._from_environment(owner, component, table.environment + flags[0], setting)
        if has_file and setting.config and component.configz is None:
            given = self._joined(given, owner, component, setting, label)
        return given or self._default(owner, setting, has_file, label)

    def _joined(
        self, given: Resolved | None, owner: str, component: Component, setting: Setting, label: str
    ) -> Resolved | None:
        """What stands in the file where no flag is given; maps are joined, with the flag's entries first."""
        if given is not None and setting.type != "map":
            return given
        found = self._from_file(owner, component, setting, label)
        if given is None or found is None:
            return given or found
        return given._replace(value={**found.value, **given.value})

    def _from_flag(self, owner: str, component: Component, flags: tuple[str, ...], setting: Setting) -> Resolved | None:
        for flag in flags:
            given = component.flags.get(flag)
            if given:
                place = f"components.{owner}.flags.{flag}"
                if any("$(" in value for value in given):
                    raise NotKnown(f"--{flag} of {owner} is filled in from a variable when it starts")
                return Resolved(
                    _typed(place, lambda given=given: from_flag(setting.type, given)),
                    "flag",
                    place,
                    component.manifest_path or component.unit_path,
                    f"--{flag}",
                )
        for flag in flags:
            reason = self.problem(f"components.{owner}.flags.{flag}")
            if reason:
                raise NotKnown(reason)
        return None

    def _from_environment(self, owner: str, component: Component, name: str, setting: Setting) -> Resolved | None:
        variable = name.upper().replace("-", "_")
        place = f"components.{owner}.environment.{variable}"
        if variable not in component.environment:
            reason = self.problem(place)
            if reason:
                raise NotKnown(reason)
            return None
        value = _typed(place, lambda: TYPES[setting.type](component.environment[variable]))
        return Resolved(value, "environment", place, component.manifest_path or component.unit_path, variable)

    def _from_file(self, owner: str, component: Component, setting: Setting, label: str) -> Resolved | None:
        if component.config is None:
            place = component.config_path
            reason = self.problem(f"components.{owner}.config", f"files.{place}")
            raise NotKnown(reason or f"{place}, the configuration of {owner}, was not read")
        value = self._field(owner, "config", component.config, setting)
        if value is None or (setting.file_zero and not value):
            return None
        return Resolved(
            value, "file", f"components.{owner}.config.{setting.config}", component.config_path, setting.config
        )

    def _field(self, owner: str, where: str, config: dict[str, Any], setting: Setting) -> Any:
        place = f"components.{owner}.{where}.{setting.config}"
        raw = lookup(config, setting.config)
        return None if raw is None or raw == "" else _typed(place, lambda: TYPES[setting.type](raw))

    def _default(self, owner: str, setting: Setting, has_file: bool, label: str) -> Resolved:
        first = setting.file_default if has_file and setting.file_default is not msgspec.UNSET else setting.default
        if first is setting.file_default:
            value = first
        else:
            value = default_at(first, setting.default_since, self.version)
            if value is None and setting.default_since:
                raise NotKnown(f"{label} of {owner} is not given, and its default depends on the unknown version")
        if has_file and setting.config:
            label = setting.config
        place = f"components.{owner}.{'config' if has_file and setting.config else 'flags'}.{label.lstrip('-')}"
        typed = UNSET if value is msgspec.UNSET else TYPES[setting.type](value)
        component = self.facts.components[owner]
        file = component.config_path if has_file and setting.config else component.manifest_path or component.unit_path
        return Resolved(typed, "default", place, file, label)

    def gate(self, owner: str, name: str) -> Resolved:
        """Whether a feature gate is on.

        Raises:
            NotHere: the component is not on this node.
            NotKnown: it could not be found out.
        """
        given = self.setting(owner, "feature-gates")
        gates = {} if given.value is UNSET else given.value
        if name in gates:
            return given._replace(value=_typed(given.path, lambda: TYPES["bool"](gates[name])), name=f"gate {name}")
        gate = settings()[owner].gates[name]
        value = default_at(gate.default, gate.default_since, self.version)
        if value is None:
            raise NotKnown(f"the default of the gate {name} depends on the Kubernetes version, which is not known")
        return given._replace(value=value, given="default", name=f"gate {name}")

    def place(self, name: str) -> str:
        """The path of a well-known place on this node.

        Raises:
            NotHere: this node has none.
            NotKnown: where it is could not be found out.
        """
        if name in self.facts.paths:
            if self.facts.paths[name]:
                return self.facts.paths[name]
            raise NotHere(f"this node has no {name}")
        if name in _NAMED_PLACES:
            named = self.setting(*_NAMED_PLACES[name])
            if named.value not in (UNSET, ""):
                return str(named.value)
        owner, _, what = name.rpartition(".")
        if what in _OWN_PLACES and owner in settings():
            path = str(getattr(self.component(owner), _OWN_PLACES[what]))
            if path:
                return path
        raise NotHere(f"this node has no {name}")

    def file(self, path: str) -> FileFact:
        """A file of the node, links followed.

        Raises:
            NotHere: there is none.
            NotKnown: it was not looked at, or could not be.
        """
        start = path
        for _ in range(_MAX_LINKS):
            found = self.facts.files.get(path)
            if found is None:
                if path in self.facts.absent:
                    raise NotHere(f"{path} is not there")
                raise NotKnown(self.problem(f"files.{path}", f"files.{start}") or f"{path} was not looked at")
            if found.kind != "symlink":
                return found
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), found.target))
        raise NotKnown(f"{start} is a link of a link of a link")

    def files_under(self, folder: str, pattern: str) -> list[FileFact | NotKnown]:
        """The files anywhere under a folder whose names match, links left out; at the end what could not be looked at.

        Raises:
            NotHere: the folder is not there, or holds none.
            NotKnown: the folder was not looked at, or could not be.
        """
        base = self.file(folder).path
        start = f"{base.rstrip('/')}/"
        found: list[FileFact | NotKnown] = [
            file
            for path, file in self.facts.files.items()
            if path.startswith(start) and file.kind == "file" and fnmatchcase(posixpath.basename(path), pattern)
        ]
        reasons = self.problems_within(f"files.{folder}") or [self.problem(f"files.{folder}")]
        found += [NotKnown(reason) for reason in reasons if reason]
        if not found:
            raise NotHere(f"{folder} holds no {pattern}")
        return found


def lookup(document: Any, path: str) -> Any:
    """What stands at a path with dots in nested mappings, lists (by number) and structures; None where nothing does.

    Raises:
        NotKnown: something on the way is neither.
    """
    value = document
    steps = path.split(".")
    for index, step in enumerate(steps):
        if value is None:
            return None
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, msgspec.Struct):
            value = getattr(value, step, None)
        elif isinstance(value, list | tuple) and step.isdecimal():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            raise NotKnown(f"{'.'.join(steps[:index]) or 'the document'} has the wrong type")
    return value


def _typed(place: str, parse: Any) -> Any:
    try:
        return parse()
    except ValueError as error:
        raise NotKnown(f"{place}: {error}") from error


def _version(facts: Facts) -> KubernetesVersion | None:
    texts = [facts.kubernetes_version]
    texts += [facts.components[name].version for name in ("kube-apiserver", "kubelet") if name in facts.components]
    for text in texts:
        try:
            return parse_version(text)
        except ValueError:
            continue
    return None
