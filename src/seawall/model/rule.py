"""Rules: what is checked, why, how it is mended, and which controls and peers' checks it answers to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cache
from typing import Any, Literal, TypeVar

from msgspec import Struct

from seawall.model.finding import Confidence, Evidence, ResourceRef, Severity
from seawall.model.paths import Path
from seawall.model.version import KubernetesVersion, parse_version

#: What a configuration rule is called with: each container, each pod (template), the whole inventory, every parsed
#: document, every object, or the objects of one kind (by the names in ``seawall.model.kube.kinds``); and each program
#: of ``seawall.model.programs`` that a container or a kubeadm configuration starts.
CONTAINER, POD, INVENTORY, DOCUMENT, OBJECT = "container", "pod", "inventory", "document", "object"

T = TypeVar("T")

_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_ID_LENGTH = 50


class Scope(StrEnum):
    """The part of an estate that a rule is about; used for grouping and selection."""

    WORKLOAD = "workload"
    NAMESPACE = "namespace"
    SERVICE = "service"
    INGRESS = "ingress"
    SERVICE_ACCOUNT = "service-account"
    RBAC = "rbac"
    IMAGE = "image"
    SECRET = "secret"  # noqa: S105 - a scope's name
    STORAGE = "storage"
    NETWORK = "network"
    MESH = "mesh"
    ADMISSION = "admission"
    GITOPS = "gitops"
    CONTROL_PLANE = "control-plane"
    NODE = "node"
    MANIFEST = "manifest"


class Hit(Struct, frozen=True, gc=False):
    """What a rule yields: where it fired and why.

    ``path`` is relative to what the rule was called with (``securityContext.privileged`` of a container); with
    ``on="pod"`` it is relative to the pod template of a container (``spec.hostPID``), with ``on="object"`` to the
    object. ``resource`` names another object than the one judged; inventory rules always give it. ``secret`` keeps
    the field's value out of the evidence; ``evidence`` is told beside the field.
    """

    message: str
    path: str | Path = ""
    on: Literal["self", "pod", "object"] = "self"
    severity: Severity | None = None
    confidence: Confidence = Confidence.HIGH
    resource: Any = None
    related: tuple[tuple[ResourceRef, str], ...] = ()
    secret: bool = False
    evidence: tuple[Evidence, ...] = ()


Hits = Iterator[Hit]


class Noted(Exception):
    """Raised at the end of a check over the inventory that judged everything, and has something to say of it."""


class Context:
    """What a rule may know besides the thing that it is called with.

    ``pod`` is the pod template (``metadata`` and ``spec``) of a container or workload, ``field`` the list in which a
    container stands (``containers``, ``initContainers``, ``ephemeralContainers``). ``resource`` is None, and
    ``inventory`` set, for rules over the inventory.
    """

    __slots__ = ("_handed", "_others", "_shared", "field", "inventory", "pod", "resource", "version")

    def __init__(
        self,
        version: KubernetesVersion,
        resource: Any,
        inventory: Any = None,
        shared: dict[Callable[[Any], Any], Any] | None = None,
        others: Callable[[Context, str], Any] | None = None,
    ) -> None:
        self.version = version
        self.resource = resource
        self.inventory = inventory
        self.pod: Any = None
        self.field = ""
        self._shared = {} if shared is None else shared
        self._others = others
        self._handed: dict[str, Any] = {}

    def of_others(self, what: str) -> Any:
        """A result of other analyses (``standing``), as the engine hands it over once a run; None without an engine."""
        if what not in self._handed:
            self._handed[what] = self._others(self, what) if self._others is not None else None
        return self._handed[what]

    def once(self, build: Callable[[Any], T]) -> T:
        """What ``build(inventory)`` gives, made once a run however many rules ask (reachability, access, indexes)."""
        if build not in self._shared:
            self._shared[build] = build(self.inventory)
        result: T = self._shared[build]
        return result


class Control(Struct, frozen=True):
    """A control of a framework, and the Kubernetes versions at which the rule answers to it."""

    framework: str
    id: str
    since: KubernetesVersion | None = None
    until: KubernetesVersion | None = None

    def in_force(self, version: KubernetesVersion) -> bool:
        """Whether the control applies at this version (``since`` inclusive, ``until`` exclusive)."""
        return (self.since is None or version >= self.since) and (self.until is None or version < self.until)


class Rule(Struct, frozen=True):
    """A check with everything that is told about it.

    ``on`` names what the check is called with, ``scope`` what it is about. ``since`` and ``until`` bound the
    Kubernetes versions at which it runs (the latter exclusive). ``when`` is a test that several rules on containers
    or pods share: where it says no, the check has nothing to say and is not called, which keeps rules about what
    hardly any container has cheap.
    ``manifests_only`` rules are about what stands in files, and do not run on objects of a cluster. ``by_value`` rules
    know a secret by its value: of a snapshot, which was rid of those, they cannot tell that there is none. ``built_in``
    are those of the catalogue, the others policies of a run.
    """

    id: str
    title: str
    severity: Severity
    scope: Scope
    on: tuple[str, ...]
    check: Callable[[Any, Any], Hits]
    why: str
    remediation: str
    control_list: str
    aliases: tuple[str, ...]
    references: tuple[str, ...]
    since: KubernetesVersion | None = None
    until: KubernetesVersion | None = None
    default: bool = True
    notes: str = ""
    when: Callable[[Any], object] | None = None
    manifests_only: bool = False
    by_value: bool = False
    built_in: bool = True

    @property
    def controls(self) -> tuple[Control, ...]:
        """The controls that it answers to, at any version."""
        return parse_controls(self.control_list)

    def runs_at(self, version: KubernetesVersion) -> bool:
        """Whether the rule is meant for this Kubernetes version."""
        return (self.since is None or version >= self.since) and (self.until is None or version < self.until)

    def controls_at(self, version: KubernetesVersion) -> dict[str, list[str]]:
        """The controls in force at a version: framework -> control ids."""
        found: dict[str, list[str]] = {}
        for control in self.controls:
            if control.in_force(version):
                found.setdefault(control.framework, []).append(control.id)
        return found


class Registry:
    """All rules by id; filled once by importing the modules that define them."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._by_alias: dict[str, list[Rule]] = {}

    def add(self, rule: Rule) -> None:
        """Add a rule.

        Raises:
            ValueError: its id is malformed or taken.
        """
        if not 0 < len(rule.id) <= _ID_LENGTH or not _ID_CHARACTERS.issuperset(rule.id):
            raise ValueError(f"rule id {rule.id!r} must be of 1 to {_ID_LENGTH} of a-z, 0-9 and -")
        if rule.id in self._rules:
            raise ValueError(f"rule id {rule.id!r} is taken")
        self._rules[rule.id] = rule
        self._by_alias.clear()

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    def __len__(self) -> int:
        return len(self._rules)

    def get(self, rule_id: str) -> Rule | None:
        """The rule of that id, or None."""
        return self._rules.get(rule_id)

    def find(self, name: str) -> list[Rule]:
        """The rules of that id, or that have it as an alias in any spelling that peers use."""
        rule = self._rules.get(name)
        if rule is not None:
            return [rule]
        if not self._by_alias:
            for each in self:
                for key in {alias_key(alias) for alias in each.aliases}:
                    self._by_alias.setdefault(key, []).append(each)
        return list(self._by_alias.get(alias_key(name), ()))


REGISTRY = Registry()


def rule(
    rule_id: str,
    *,
    title: str,
    severity: Severity,
    scope: Scope,
    on: str,
    why: str,
    remediation: str,
    controls: str = "",
    aliases: str = "",
    references: tuple[str, ...] = (),
    since: str | None = None,
    until: str | None = None,
    default: bool = True,
    notes: str = "",
    when: Callable[[Any], object] | None = None,
    manifests_only: bool = False,
    by_value: bool = False,
) -> Callable[[Callable[[Any, Any], Hits]], Callable[[Any, Any], Hits]]:
    """Register a generator function as the check of a rule.

    ``on``, ``controls`` and ``aliases`` are lists with spaces between the items; see :func:`parse_controls` for the
    form of a control. ``default=False`` keeps the rule out of the default profile, ``manifests_only`` from objects of
    a live cluster; for ``by_value`` see :class:`Rule`.
    """

    def register(check: Callable[[Any, Any], Hits]) -> Callable[[Any, Any], Hits]:
        REGISTRY.add(
            Rule(
                id=rule_id,
                title=title,
                severity=severity,
                scope=scope,
                on=tuple(on.split()),
                check=check,
                why=why,
                remediation=remediation,
                control_list=controls,
                aliases=tuple(aliases.split()),
                references=references,
                since=parse_version(since) if since else None,
                until=parse_version(until) if until else None,
                default=default,
                notes=notes,
                when=when,
                manifests_only=manifests_only,
                by_value=by_value,
            )
        )
        return check

    return register


# Compiled when they are first used: a scan that shows no controls never needs them.
_CIS_RANGE = r"cis(\d+)?(?:-(\d+))?\Z"
_CONTROL = r"([a-z0-9.-]+):([^<>]+?)(?:>=([0-9.]+))?(?:<([0-9.]+))?\Z"
_FRAMEWORK = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_CIS_MINORS = (8, 12)


@cache
def parse_controls(text: str) -> tuple[Control, ...]:
    """Read ``pss:restricted>=1.23 cis:5.2.2 cis8-10:5.7.2 nsa:pods``.

    ``>=`` and ``<`` bound the Kubernetes versions. ``cis`` stands for every CIS Kubernetes benchmark from 1.8 to
    1.12, ``cis8-10`` for 1.8 to 1.10, ``cis12`` for 1.12 alone.

    Raises:
        ValueError: an item is malformed.
    """
    controls: list[Control] = []
    for item in text.split():
        framework, _, control_id = item.partition(":")
        since = until = None
        if (
            not (framework and control_id)
            or "<" in control_id
            or ">" in control_id
            or not _FRAMEWORK.issuperset(framework)
        ):
            match = re.match(_CONTROL, item)
            if match is None:
                raise ValueError(f"control {item!r} is not of the form framework:id")
            framework, control_id, since, until = match.groups()
        bounds = (parse_version(since) if since else None, parse_version(until) if until else None)
        controls += [Control(name, control_id, *bounds) for name in _framework_names(framework)]
    return tuple(controls)


@cache
def _framework_names(short: str) -> list[str]:
    match = re.match(_CIS_RANGE, short)
    if match is None:
        return [short]
    first = int(match[1] or _CIS_MINORS[0])
    last = int(match[2] or match[1] or _CIS_MINORS[1])
    return [f"cis-k8s-1.{minor}" for minor in range(first, last + 1)]


_TRIVY_ID = r"(?:avd)?(k[sc]v|ds)0*(\d+)\Z"


def alias_key(name: str) -> str:
    """A spelling-independent key of a peer's id: ``KSV-0017``, ``KSV017`` and ``AVD-KSV-0017`` are one."""
    folded = re.sub(r"[\s_-]", "", name.lower())
    match = re.match(_TRIVY_ID, folded)
    return f"{match[1]}{match[2]}" if match else folded
