"""An account for each workload: what shares an account, or uses the default one, is given its own, with a role."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, structs

from seawall.analysis.access import AccessIndex, build_index
from seawall.analysis.access.accounts import DEFAULT_ACCOUNT, account_of, accounts_of, mounts_token
from seawall.analysis.access.minimize import MinimalRole, minimal_roles
from seawall.analysis.access.use import Use, Used, requests_of
from seawall.engine.access import Estate, normal
from seawall.engine.minimize import Described, role_objects
from seawall.model.access import Actor, Request, Subject, actor_of
from seawall.model.audit import AuditEvent, AuditProblem
from seawall.model.finding import ResourceRef
from seawall.model.kube.rbac import PolicyRule
from seawall.model.resource import Inventory, Resource, namespace_of
from seawall.model.version import KubernetesVersion
from seawall.sources.audit import AuditLog
from seawall.sources.manifests import load_stdin

_POD_NAME = "authentication.kubernetes.io/pod-name"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class OwnAccount(Struct, frozen=True, rename="camel"):
    """A workload with the account that it is given instead of ``before``; ``shared_by`` counts who used that one.

    ``roles`` are what it needs; ``used`` says that audit logs told, else it is all that the old account holds.
    ``lost`` are requests that the new account would be refused: it is empty, or the account must not be used.
    """

    workload: ResourceRef
    before: Subject
    account: Subject
    shared_by: int
    roles: tuple[MinimalRole, ...]
    used: bool
    mounts_token: bool
    lost: tuple[Request, ...] = ()


class Accounts(Struct, frozen=True):
    """All accounts to be made, with what could not be read of the logs."""

    accounts: tuple[OwnAccount, ...]
    problems: tuple[AuditProblem, ...]


def own_accounts(estate: Estate, logs: tuple[str, ...], version: KubernetesVersion) -> Accounts:
    """Work out accounts for the workloads of an estate, from what is held or (with logs) from what was used.

    Raises:
        OSError: a log cannot be opened.
    """
    workloads = [each for each in estate.inventory.workloads() if _is_its_own(each, estate.inventory)]
    accounts = {id(each): account for each in workloads if (account := account_of(each)) is not None}
    count = Counter(accounts.values())
    chosen = [
        each for each in workloads
        if (account := accounts.get(id(each))) and (account.name == DEFAULT_ACCOUNT or count[account] > 1)
    ]  # fmt: skip
    log = AuditLog()
    use = _use_of(log, logs, version, _Attribution(estate.inventory, chosen)) if logs else None
    known = accounts_of(estate.inventory)
    taken = {*known, *accounts.values()}
    found = []
    for workload in chosen:
        before = accounts[id(workload)]
        account = _name(workload, before.namespace, taken)
        taken.add(account)
        used = _used_by(use, before, workload) if use is not None else []
        roles = _union(used) if use is not None else _held(estate.index, before)
        own = OwnAccount(
            workload.ref, before, account, count[before], roles, use is not None, mounts_token(workload, known)
        )
        found.append(structs.replace(own, lost=tuple(_lost(own, used, estate.index))))
    return Accounts(tuple(found), tuple(log.problems))


def _is_its_own(workload: Resource, inventory: Inventory) -> bool:
    """Whether it is made by people: no other workload's, and no static pod of a node."""
    owner = workload.owner
    return inventory.owner_of(workload) is None and (owner is None or owner.kind != "Node")


def _name(workload: Resource, home: str, taken: set[Subject]) -> Subject:
    """An account that nobody has yet, named like the workload."""
    base = workload.ref.name
    names = (base, f"{base}-{workload.ref.kind.lower()}", *(f"{base}-{number}" for number in range(2, 1000)))
    return next(
        subject for name in names if (subject := Subject("ServiceAccount", name, home)) not in taken
    )  # fmt: skip


def _held(index: AccessIndex, account: Subject) -> tuple[MinimalRole, ...]:
    """All that an account was given itself, by place; what it has by groups stays as it is."""
    places: dict[str, dict[PolicyRule, None]] = {}
    for _, grant in index.of(Actor(account.username)):
        for rule in grant.rules:
            places.setdefault(grant.namespace, {})[normal(rule)] = None
    return tuple(MinimalRole(place, tuple(rules)) for place, rules in sorted(places.items()))


class _Attribution:
    """Which workload a request of a shared account came from, by the pod that its token was bound to."""

    def __init__(self, inventory: Inventory, workloads: list[Resource]) -> None:
        self._inventory = inventory
        self._workloads = workloads

    def key(self, event: AuditEvent) -> str:
        """The user, and behind it the workload where it is known."""
        username = event.actor.username
        pods = event.user.extra.get(_POD_NAME, ()) if event.impersonated_user is None else ()
        home = username.split(":")[2] if username.startswith("system:serviceaccount:") else ""
        workload = self._of(home, pods[0]) if pods and home else None
        return f"{username} {workload.ref}" if workload is not None else username

    def _of(self, home: str, pod: str) -> Resource | None:
        owned = self._inventory.get("Pod", home, pod)
        while owned is not None and (owner := self._inventory.owner_of(owned)) is not None:
            owned = owner
        if owned is not None and owned.ref.kind != "Pod":
            return owned
        near = [
            each for each in self._workloads
            if namespace_of(each) == home and (pod == each.ref.name or pod.startswith(f"{each.ref.name}-"))
        ]  # fmt: skip
        return max(near, key=lambda each: len(each.ref.name), default=None)


def _use_of(log: AuditLog, logs: tuple[str, ...], version: KubernetesVersion, whose: _Attribution) -> Use:
    use = Use(version, whose.key)
    for path in logs:
        for event in log.events(path):
            use.add(event)
    return use


def _used_by(use: Use, account: Subject, workload: Resource) -> list[Used]:
    """What the workload used, and what the account used without telling by which pod: anyone's it may be."""
    keys = (f"{account.username} {workload.ref}", account.username)
    return [use.by_actor[key] for key in keys if key in use.by_actor]


def _union(used: list[Used]) -> tuple[MinimalRole, ...]:
    places: dict[str, dict[PolicyRule, None]] = {}
    for each in used:
        for role in minimal_roles(each):
            places.setdefault(role.namespace, {}).update(dict.fromkeys(role.rules))
    return tuple(MinimalRole(place, tuple(rules)) for place, rules in sorted(places.items()))


def _lost(own: OwnAccount, used: list[Used], before: AccessIndex) -> Iterator[Request]:
    """What the new account would be refused: its objects are read back as a scan reads them, and asked."""
    objects = [each for each, _ in objects_of(own)]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
    index = build_index(Inventory(each for each in load_stdin(text) if isinstance(each, Resource)))
    actor = actor_of(own.account)
    wanted: list[Request] = [request for each in used for request in (*each.requests, *each.implied)]
    if not own.used:
        wanted = [
            request
            for _, grant in before.of(Actor(own.before.username))
            for request in requests_of(grant.rules, grant.namespace)
        ]
    return (request for request in wanted if not index.may(actor, request))


def objects_of(own: OwnAccount, inventory: Inventory | None = None) -> list[Described]:
    """The account, its roles and bindings as objects, with the comments that explain them."""
    metadata: dict[str, Any] = {"name": own.account.name, "namespace": own.account.namespace}
    account: dict[str, Any] = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    old = inventory.get("ServiceAccount", own.before.namespace, own.before.name) if inventory is not None else None
    comments = [f"For {own.workload}, which ran as {own.before}."]
    if old is not None:
        comments += _take_over(old, account, metadata)
    if not own.roles:
        account["automountServiceAccountToken"] = False
        comments.append("It has no rights, so its pods are given no token.")
    source = "used" if own.used else "holds"
    name = f"{own.account.namespace}-{own.account.name}"
    made: list[Described] = [(account, comments)]
    for role in own.roles:
        called = own.account.name if role.namespace else name
        made += role_objects(own.account, called, [role], lambda _: [f"What {own.before} {source}."])
    return made


def _take_over(old: Resource, account: dict[str, Any], metadata: dict[str, Any]) -> list[str]:
    """What pods need of the old account besides rights: image pull secrets, and annotations of the cloud."""
    raw = old.raw
    annotations = {key: value for key, value in old.metadata.annotations.items() if key != _LAST_APPLIED}
    if annotations:
        metadata["annotations"] = annotations
    if isinstance(raw.get("imagePullSecrets"), list) and raw["imagePullSecrets"]:
        account["imagePullSecrets"] = raw["imagePullSecrets"]
    note = "Its annotations are the old account's: a cloud role has to trust the new name before it works."
    return [note] if annotations else []


def patch_of(own: OwnAccount, inventory: Inventory) -> dict[str, Any]:
    """A strategic merge patch that puts the workload under its account."""
    resource = inventory.get(own.workload.kind, own.workload.namespace, own.workload.name)
    template = (resource.kind.template if resource is not None and resource.kind else None) or ()
    change: dict[str, Any] = {"spec": {"serviceAccountName": own.account.name}}
    for step in reversed(template):
        change = {str(step): change}
    metadata: dict[str, Any] = {"name": own.workload.name, "namespace": own.account.namespace}
    return {"apiVersion": own.workload.api_version, "kind": own.workload.kind, "metadata": metadata, **change}
