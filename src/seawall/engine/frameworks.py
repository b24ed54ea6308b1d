"""Frameworks as data: read strictly, tied to the rules that answer them; CIS comes from the benchmarks' own data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

from msgspec import Struct, field, structs

import seawall.findings
from seawall.analysis.nodes import catalogue, in_order
from seawall.engine.catalogue import load_all_rules
from seawall.engine.config import ConfigError, read_typed
from seawall.engine.controls import controls_of, policy_rules
from seawall.findings.controls import Automation
from seawall.model.rule import Registry, Rule, Scope

DATA = Path(seawall.findings.__file__).parent / "frameworks"
SCHEMA = "seawall.framework/v1"

#: Engines that controls need and Seawall does not have yet: such a control is never passed.
ABSENT_ENGINES = frozenset(
    (
        "behaviour",
        "host-accounts",
        "host-services",
        "runtime-detection",
    )
)


class UnknownFramework(Exception):
    """There is no such framework, or no such control; the message names those that there are."""


class ControlData(Struct, frozen=True, forbid_unknown_fields=True):
    """A control as it is written.

    ``rules`` are needed for a pass. ``tags`` name controls that rules carry (``pss:baseline``): all rules with one
    count, and those that a scan or facts can judge are needed. ``topics`` are the scopes that its rules may have;
    ``attest`` is what people are to attest, ``steps`` how they find out.
    """

    id: str
    title: str
    why: str
    automation: Automation
    section: str = ""
    rules: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    topics: tuple[Scope, ...] = ()
    engines: tuple[str, ...] = ()
    attest: str = ""
    steps: tuple[str, ...] = ()


class FrameworkData(Struct, frozen=True, forbid_unknown_fields=True):
    """A framework as it is written; ``mapping`` marks one that relates its controls to other frameworks' checks
    and was not written for Kubernetes. ``extends`` names a built-in one whose controls come first."""

    schema_: Literal["seawall.framework/v1"] = field(name="schema")
    id: str
    title: str
    controls: tuple[ControlData, ...]
    version: str = ""
    about: str = ""
    references: tuple[str, ...] = ()
    extends: str = ""
    mapping: bool = False


class Control(Struct, frozen=True):
    """A control with its rules: ``needed`` for a pass, ``further`` count where they find something."""

    data: ControlData
    needed: tuple[str, ...]
    further: tuple[str, ...] = ()


class Framework(Struct, frozen=True):
    """A framework ready to judge by; ``digest`` is the SHA-256 of the data that it was made from."""

    id: str
    title: str
    version: str
    about: str
    references: tuple[str, ...]
    mapping: bool
    source: str
    digest: str
    controls: tuple[Control, ...]

    def get(self, control: str) -> Control:
        """The control of that id.

        Raises:
            UnknownFramework: there is none.
        """
        for each in self.controls:
            if each.data.id == control:
                return each
        known = ", ".join(each.data.id for each in self.controls[:12])
        raise UnknownFramework(f"{self.id} has no control {control!r}; it has {known}...")


def names() -> list[str]:
    """The ids of all frameworks that are built in."""
    return sorted([path.stem for path in DATA.glob("*.yaml")] + list(catalogue().benchmarks))


@cache
def framework(name: str) -> Framework:
    """A built-in framework.

    Raises:
        UnknownFramework: there is none of that id.
        ConfigError: its data is not as it must be.
    """
    if name in catalogue().benchmarks:
        return _benchmark(name)
    path = DATA / f"{name}.yaml"
    if name not in {each.stem for each in DATA.glob("*.yaml")}:
        raise UnknownFramework(f"no framework is called {name!r}; choose from {', '.join(names())}")
    found = read_framework(str(path))
    if found.id != name:
        raise ConfigError(f"{path.name}: its id is {found.id!r}, and must be that of the file")
    return structs.replace(found, source="built in")


def read_framework(file: str) -> Framework:
    """A framework from a YAML file.

    Raises:
        ConfigError: the file cannot be read, is not of the schema, or names a rule, tag, engine or framework that
            does not exist, a control twice, or a rule of another topic.
    """
    data = read_typed(file, FrameworkData)
    if data is None:
        raise ConfigError(f"{file} holds no framework")
    name = os.path.basename(file)
    if not data.controls:
        raise ConfigError(f"{name}: it has no controls")
    controls = [_control(f"{name}: {each.id}", data.id, each) for each in data.controls]
    if data.extends:
        try:
            controls = [*framework(data.extends).controls, *controls]
        except UnknownFramework as error:
            raise ConfigError(f"{name}: extends: {error}") from error
    seen: set[str] = set()
    for control in controls:
        if control.data.id in seen:
            raise ConfigError(f"{name}: the control {control.data.id} is there twice")
        seen.add(control.data.id)
    digest = sha256(Path(file).read_bytes()).hexdigest()
    return Framework(
        data.id, data.title, data.version, data.about, data.references, data.mapping, file, digest, tuple(controls)
    )


def _control(where: str, own: str, data: ControlData) -> Control:
    registry = load_all_rules()
    needed = list(data.rules)
    further: list[str] = []
    for name in data.rules:
        if registry.get(name) is None:
            raise ConfigError(f"{where}: there is no rule {name!r}; `seawall rules list` shows all")
    for tag in (f"{own}:{data.id}", *data.tags):
        rules = list(_tagged(registry, tag))
        if tag in data.tags and not rules:
            raise ConfigError(f"{where}: no rule carries the control {tag!r}")
        for rule in rules:
            (needed if judged_by(rule) in ("scan", "facts") else further).append(rule.id)
    needed = list(dict.fromkeys(needed))
    further = [name for name in dict.fromkeys(further) if name not in needed]
    _check(where, data, needed, [each for name in (*needed, *further) if (each := registry.get(name))])
    return Control(data, tuple(needed), tuple(further))


def _check(where: str, data: ControlData, needed: list[str], rules: list[Rule]) -> None:
    for engine in data.engines:
        if engine not in ABSENT_ENGINES:
            raise ConfigError(f"{where}: there is no engine {engine!r}; name its rules where it is built")
    for rule in rules:
        if rule.scope not in data.topics:
            raise ConfigError(f"{where}: {rule.id} is about {rule.scope}, which is none of the control's topics")
    judged = bool(needed or data.engines)
    if data.automation is Automation.AUTOMATIC and not judged:
        raise ConfigError(f"{where}: it is automatic, and has no check that can fail")
    if data.automation is Automation.PARTIAL and not (judged and data.attest):
        raise ConfigError(f"{where}: a partial control needs checks or engines, and what people attest (attest)")
    if data.automation in (Automation.MANUAL, Automation.ATTESTED) and not (data.attest or data.steps):
        raise ConfigError(f"{where}: what people are to attest is missing (attest or steps)")


def _tagged(registry: Iterable[Rule], tag: str) -> Iterator[Rule]:
    name, _, control = tag.partition(":")
    for rule in registry:
        # Most rules carry no such text: that is told without reading their lists.
        likely = tag in rule.control_list or name.startswith("cis-")
        if likely and any(each.framework == name and each.id == control for each in rule.controls):
            yield rule


_BUILD_FILES = "build-files"
#: What a rule is called with tells which inputs can judge it, where it is not a scan of a cluster's objects.
_MEANS = {
    "Image": "images",
    "Registry": "registry",
    "RegistryRepository": "registry",
    "Endpoint": "probe",
    "CloudCluster": "cloud",
    "CloudNodePool": "cloud",
    "Kubeconfig": "kubeconfig",
    "KubeconfigFile": "kubeconfig",
    "Dockerfile": _BUILD_FILES,
    "Component": "components",
    "Host": "host-packages",
}
#: Files of the control plane: a scan sees them only where someone gives it these files.
_FILES = frozenset(
    (
        "AuditPolicy", "AuthenticationConfiguration", "EncryptionConfiguration", "InitConfiguration",
        "JoinConfiguration", "etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler",
        "kubelet", "document",
    )
)  # fmt: skip


def judged_by(rule: Rule) -> str:
    """Which inputs can judge a rule: ``scan``, ``facts``, ``images``, ``malware``, ``image-secrets``, ``trust``,
    ``registry``, ``probe``, ``cloud``, ``kubeconfig``, ``build-files``, ``components`` (software of the cluster),
    ``host-packages``, or ``files`` of the control plane."""
    if rule.id in catalogue().checks:
        return "facts"
    analysis = rule.check.__module__.removeprefix("seawall.analysis.").partition(".")[0]
    if analysis in ("malware", "trust"):
        return analysis
    if rule.id == "secret-in-image":
        return "image-secrets"
    first = rule.on[0]
    return _MEANS.get(first, "files" if first in _FILES else "scan")


def _benchmark(name: str) -> Framework:
    """A CIS benchmark as the nodes' catalogue has it."""
    benchmark = catalogue().benchmarks[name]
    registry = load_all_rules()
    checks, manual = controls_of(name)
    controls = []
    for control, rules in checks.items():
        told = registry.get(rules[0])
        # Rules are called by what is wrong: a control is that it is not so.
        title, why = (f"Ruled out: {told.title}", told.why) if told is not None else (control, "")
        section = _section(benchmark.sections, control)
        data = ControlData(control, title, why, Automation.AUTOMATIC, section, tuple(rules))
        controls.append(Control(data, tuple(rules), _of_build_files(registry, name, control)))
    for control, each in manual.items():
        words = each.data
        # What stands in a build file can fail a control that people answer, and never pass it.
        rules_found = (policy_rules if words.policy else _of_build_files)(registry, name, control)
        judged = ("scan", "facts", _BUILD_FILES) if words.policy else ()
        needed = tuple(rule for rule in rules_found if _by(registry, rule) in judged)
        further = tuple(rule for rule in rules_found if rule not in needed)
        automation = Automation.AUTOMATIC if needed else Automation.MANUAL
        section = _section(benchmark.sections, control)
        data = ControlData(control, words.title, words.why, automation, section, needed, steps=words.steps)
        controls.append(Control(data, needed, further))
    controls.sort(key=lambda control: in_order(control.data.id))
    digest = sha256(b"".join(path.read_bytes() for path in sorted(_benchmark_files()))).hexdigest()
    about = "Judged over facts of nodes (`seawall node collect`) and a scan of the cluster."
    version = name.rpartition("-")[2]
    return Framework(name, benchmark.title, version, about, (), False, "built in", digest, tuple(controls))


def _of_build_files(registry: Registry, benchmark: str, control: str) -> tuple[str, ...]:
    return tuple(rule for rule in policy_rules(registry, benchmark, control) if _by(registry, rule) == _BUILD_FILES)


def _benchmark_files() -> list[Path]:
    from seawall.analysis.nodes.settings import DATA as BENCHMARKS

    return list(BENCHMARKS.glob("*.yaml"))


def _by(registry: Registry, name: str) -> str:
    rule = registry.get(name)
    return judged_by(rule) if rule is not None else ""


def _section(sections: Mapping[str, str], control: str) -> str:
    parts = control.split(".")
    return next((sections[key] for size in (2, 1) if (key := ".".join(parts[:size])) in sections), "")
