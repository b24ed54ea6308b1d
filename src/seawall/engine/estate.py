"""The terms of risk of a finding, by what its rule is about: the terms of docs/guide/risk.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from seawall.engine.weights import NOTHING, Weights, Worth, privilege, term
from seawall.model.access import ANONYMOUS, AUTHENTICATED, SERVICE_ACCOUNTS, UNAUTHENTICATED, Subject
from seawall.model.finding import ResourceRef, RiskTerm
from seawall.model.kube.base import InvalidField
from seawall.model.resource import NotRead, Resource, namespace_of
from seawall.model.rule import Context

Terms = tuple[RiskTerm, ...]

#: Rules about what opens a way: they weigh by what it leads to. Those of the second row are told of a workload, those
#: of the third of a namespace.
_WAYS = frozenset(("service-load-balancer-open", "service-node-port", "service-external-ips"))
_OPEN_PODS = frozenset(("host-port", "pod-without-network-policy"))
_OPEN_NAMESPACES = frozenset(("namespace-open-to-cluster", "namespace-without-default-deny"))
#: Rules about settings by which a pod takes its node, and about tokens that pods are given.
_SETTINGS = frozenset(
    (
        "bpf-capability", "dac-read-search-capability", "privileged-container", "runtime-socket-mounted",
        "sensitive-host-path", "share-process-namespace", "sys-admin-capability", "sys-module-capability",
        "sys-rawio-capability", "windows-host-process", "writable-host-path",
    )
)  # fmt: skip
#: ... and about what lets a pod see the node, which gives it nothing by itself.
_HOST = frozenset(("added-capabilities", "host-ipc", "host-network", "host-path-volume", "host-pid"))
_TOKENS = frozenset(("automount-token", "daemonset-strong-rights", "workload-takes-cluster"))
_RIGHTS = frozenset(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ServiceAccount"))
#: Rules of which the terms are not those of every other finding on the workload.
APART = _HOST | _OPEN_NAMESPACES | _OPEN_PODS | _SETTINGS | _TOKENS
#: ... and of which the message counts.
BY_MESSAGE = frozenset(("runtime-socket-mounted",))
#: What all other findings on a workload take of its terms: they help an attacker, but give nothing by themselves.
_SHARE = 3
_EVERYTHING = "rbac-wildcard-everything"
_EVERYONE = frozenset((ANONYMOUS, UNAUTHENTICATED, AUTHENTICATED))


class Estate:
    """The terms of the findings of one cluster."""

    def __init__(self, context: Context) -> None:
        self.weights = Weights(context)
        self.members = {id(each) for each in context.inventory.resources}

    def is_plain(self, resource: Resource) -> bool:
        """Whether nothing is known of a workload that weighs on what most rules say of it."""
        if resource.kind is None or resource.kind.template is None:
            return False
        worth = self.weights.of(resource)
        return not (worth.reached or worth.token or worth.settings or worth.walls or worth.control_plane)

    def terms(self, rule: str, resource: Resource, init: bool, message: str) -> Terms:
        """The terms of a finding; ``init`` says that it is about an init container."""
        kind = resource.ref.kind
        if rule in _OPEN_NAMESPACES:
            return self._of_namespace(resource)
        if resource.kind is not None and resource.kind.template is not None:
            return tuple(self._of_workload(rule, resource, init, message))
        if rule in _WAYS:
            return self._of_way(resource)
        if kind in _RIGHTS and (rule.startswith(("rbac-", "becomes-")) or rule.endswith("-binding")):
            return (*self._of_rights(resource), *_besides(rule, resource))
        return ()

    # Workloads.

    def _of_workload(self, rule: str, resource: Resource, init: bool, message: str) -> Iterator[RiskTerm]:
        worth = self.weights.of(resource)
        if worth.control_plane:
            if not rule.startswith(("apiserver-", "etcd-", "scheduler-", "controller-manager-")):
                yield term("control-plane", "it is a part of Kubernetes' control plane")
            return
        if rule in _TOKENS:
            yield from self._of_token(rule, worth, resource)
        elif rule in _OPEN_PODS:
            yield from self._opened(worth, 1 if rule == "host-port" else 2)
        elif rule in _SETTINGS:
            yield from (*worth.reached, *worth.gains, *self.weights.held(worth))
            yield from self._of_setting(rule, init, message)
        else:
            yield from shared(worth)
            if rule in _HOST:
                yield from (each for each in self.weights.held(worth) if each not in worth.walls)
            if init:
                yield term("brief", "an init container ends before the others start")

    def _of_token(self, rule: str, worth: Worth, resource: Resource) -> Iterator[RiskTerm]:
        if rule == "automount-token" and worth.token:
            # Rights are told where they are granted; a token by itself gives them to whoever has the pod.
            yield from _part((*worth.reached, *worth.token), 2)
        elif worth.token:
            yield from worth.reached
            if not worth.reached and worth.daemon and (falls := self.weights.node_falls):
                yield term("near", f"its token lies on every node, and {falls}, which is reached, takes one")
            yield from worth.token
            yield from (each for each in self.weights.held(worth) if each.name in ("closed", "sandbox"))
        elif worth.powerless and resource.live:
            yield term("unused", "its token has no rights of its own")

    def _of_setting(self, rule: str, init: bool, message: str) -> Iterator[RiskTerm]:
        if init:
            yield term("brief", "an init container ends before the others start")
        if rule == "runtime-socket-mounted" and (runtimes := self._runtimes):
            wanted = next((each for each in ("docker", "containerd", "crio") if each in message), "")
            if wanted and not any(wanted in each for each in runtimes):
                yield term("absent", f"the nodes run {', '.join(sorted(runtimes))}: there is no such socket")

    @cached_property
    def _runtimes(self) -> frozenset[str]:
        """The container runtimes of the nodes, as far as they say."""
        found = set()
        for node in self.weights.inventory.resources:
            if node.ref.kind == "Node" and node.ref.api_version == "v1":
                status = node.raw.get("status")
                info = status.get("nodeInfo") if isinstance(status, dict) else None
                version = info.get("containerRuntimeVersion") if isinstance(info, dict) else None
                if isinstance(version, str) and "://" in version:
                    found.add(version.partition("://")[0].replace("cri-o", "crio"))
        return frozenset(found)

    def _opened(self, worth: Worth, share: int) -> Iterator[RiskTerm]:
        """What counts of an open pod: to be reached is little, where nothing is gained by it."""
        if worth.gains:
            yield from _part((*worth.reached, *worth.gains), share)
            yield from self._holding(worth)
        elif worth.reached:
            yield from _part(worth.reached, 2 * share)

    def _holding(self, worth: Worth) -> Iterator[RiskTerm]:
        """What stands before those who come by the network: data and tokens are had without being root."""
        plain = all(each.name == "targets" for each in worth.gains)
        return (each for each in self.weights.held(worth) if plain or each.name != "unprivileged")

    # Ways in.

    def _of_way(self, resource: Resource) -> Terms:
        best: Terms = ()
        for label in self._behind.get(resource.ref, ()):
            worth = self._labelled.get(label, NOTHING)
            onward = self.weights.onward(label)
            gains = worth.gains or ((onward,) if onward is not None else ())
            if gains:
                held = self._holding(worth) if worth.gains else self.weights.held(worth)
                found = (term("exposed", f"it leads from outside to {label}"), *gains, *held)
                best = max(best, found, key=_height)
        return best

    @cached_property
    def _behind(self) -> dict[ResourceRef, list[str]]:
        found: dict[ResourceRef, list[str]] = {}
        for each in self.weights.standing.ways_in:
            found.setdefault(each.via, []).append(each.workload)
        return {via: list(dict.fromkeys(labels)) for via, labels in found.items()}

    @cached_property
    def _labelled(self) -> dict[str, Worth]:
        found: dict[str, Worth] = {}
        for resource in self.weights.workloads:
            worth = self.weights.of(resource)
            found.setdefault(worth.label, worth)
        return found

    def _of_namespace(self, resource: Resource) -> Terms:
        name = resource.ref.name if resource.ref.kind == "Namespace" else namespace_of(resource)
        return self._by_namespace.get(name, ())

    @cached_property
    def _by_namespace(self) -> dict[str, Terms]:
        """For each namespace the terms of the workload in it that gives most to those who reach it."""
        found: dict[str, Terms] = {}
        for worth in self.weights.jewels.values():
            namespace = worth.label.partition("/")[0]
            terms = (*worth.reached, *worth.gains, *self._holding(worth))
            if worth.reached:
                told = tuple(RiskTerm(each.name, each.weight, f"{worth.label}: {each.reason}") for each in terms)
                found[namespace] = max(found.get(namespace, ()), told, key=_height)
        return found

    # Rights.

    def _of_rights(self, resource: Resource) -> Iterator[RiskTerm]:
        subjects = self._subjects(resource)
        everyone = next((each for each in subjects if each.name in _EVERYONE), None)
        if everyone is not None:
            yield term("exposed", f"{everyone.name} has it")
            return
        if any(each.name.startswith(SERVICE_ACCOUNTS) for each in subjects):
            yield term("near", "the token of every pod has it")
            return
        accounts = [each for each in subjects if each.kind == "ServiceAccount"]
        holders = [(account, each) for account in accounts for each in self.weights.holders.get(account, ())]
        if holders:
            yield from max((tuple(self._held_by(*each)) for each in holders), key=_height)
        elif subjects:
            yield from max((tuple(self._rights(each)) for each in subjects), key=_height)
            if len(accounts) < len(subjects):
                yield term("person", "held by people, who have to log in")
            elif resource.live:
                yield term("unused", f"no pod is given the token of {subjects[0].namespace}/{subjects[0].name}", 1)
        elif resource.live and self._bound and not _is_aggregated(resource):
            yield term("unused", "no binding grants it")

    def _held_by(self, account: Subject, resource: Resource) -> Iterator[RiskTerm]:
        worth = self.weights.of(resource)
        where = f"its token lies in {worth.label}"
        for each in worth.reached:
            yield RiskTerm(each.name, each.weight, f"{where}, {each.reason}")
        if not worth.reached and worth.daemon and (falls := self.weights.node_falls):
            yield term("near", f"{where} on every node, and {falls}, which is reached, takes one")
        yield from self._rights(account)
        yield from (each for each in self.weights.held(worth) if each.name in ("closed", "sandbox"))

    def _rights(self, subject: Subject) -> Iterator[RiskTerm]:
        return privilege(self.weights.standing.rights(subject), str(subject))

    def _subjects(self, resource: Resource) -> tuple[Subject, ...]:
        ref = resource.ref
        if ref.kind == "ServiceAccount":
            return (Subject("ServiceAccount", ref.name, namespace_of(resource)),)
        if ref.kind.endswith("Binding"):
            return tuple(_named(resource))
        return tuple(self._bound.get((ref.kind, ref.namespace if ref.kind == "Role" else None, ref.name), ()))

    @cached_property
    def _bound(self) -> dict[tuple[str, str | None, str], list[Subject]]:
        """To whom each role is bound: by kind, namespace (of Roles) and name."""
        found: dict[tuple[str, str | None, str], list[Subject]] = {}
        try:
            bindings = self.weights.inventory.of_kind("RoleBinding", "ClusterRoleBinding")
        except NotRead:
            return found
        for binding in bindings:
            view: Any = binding.view
            try:
                role = view.role_ref
                key = (role.kind, binding.ref.namespace if role.kind == "Role" else None, role.name)
            except InvalidField:
                continue
            found.setdefault(key, []).extend(_named(binding))
        return found


def _named(binding: Resource) -> Iterator[Subject]:
    view: Any = binding.view
    try:
        for each in view.subjects if view is not None else ():
            if each.kind == "ServiceAccount":
                yield Subject("ServiceAccount", each.name, each.namespace or binding.ref.namespace or "")
            elif each.kind in ("User", "Group"):
                yield Subject(each.kind, each.name)
    except InvalidField:
        return


def _besides(rule: str, resource: Resource) -> Iterator[RiskTerm]:
    """What else there is to say of a grant."""
    if rule == "becomes-node-root":
        yield term("targets", "it comes to root on nodes")
    elif resource.ref.kind in ("Role", "ClusterRole") and rule != _EVERYTHING and _allows_all(resource):
        yield term("moot", "a rule of the role allows everything anyway")


def _allows_all(role: Resource) -> bool:
    view: Any = role.view
    try:
        return view is not None and any("*" in each.verbs and "*" in each.resources for each in view.rules)
    except InvalidField:
        return False


def _is_aggregated(role: Resource) -> bool:
    try:
        return any(key.startswith("rbac.authorization.k8s.io/aggregate-to-") for key in role.metadata.labels)
    except InvalidField:
        return True


def _height(terms: Iterable[RiskTerm]) -> int:
    return sum(each.weight for each in terms)


def _part(terms: Iterable[RiskTerm], share: int) -> Iterator[RiskTerm]:
    return (RiskTerm(each.name, max(each.weight // share, 1), each.reason) for each in terms)


def shared(worth: Worth) -> Iterator[RiskTerm]:
    """What findings take that give nothing by themselves."""
    gains = [each for each in worth.gains if each.name != "targets"]
    yield from (*_part((*worth.reached, *gains), _SHARE), *worth.walls)
    if len(gains) < len(worth.gains):
        yield term("moot", "other settings of it open its node anyway")
