"""What the closure and the rules need to know of an inventory besides roles: accounts, pods, tokens, namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.analysis.access.closure import Facts
from seawall.model.access import Subject
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Inventory, Resource

DEFAULT_ACCOUNT = "default"
_TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 - a type's name
_ACCOUNT_NAME = "kubernetes.io/service-account.name"
_ENFORCE = "pod-security.kubernetes.io/enforce"
#: Levels that keep privileged pods, host namespaces and host paths out.
_GUARDING = frozenset(("baseline", "restricted"))


def namespace_of(resource: Resource) -> str:
    """Where a namespaced object is; a manifest that does not say goes to ``default``."""
    return resource.ref.namespace or "default"


def account_of(workload: Resource) -> Subject | None:
    """The service account under which the pods of a workload run; None where it cannot be read."""
    try:
        pod = workload.template()
        name = pod.spec.service_account_name or pod.spec.service_account if pod is not None else ""
    except InvalidField:
        return None
    return Subject("ServiceAccount", name or DEFAULT_ACCOUNT, namespace_of(workload))


def mounts_token(workload: Resource, accounts: dict[Subject, Resource]) -> bool:
    """Whether the pods of a workload are given a token: the pod's own word counts, then the account's."""
    try:
        pod = workload.template()
        own = pod.spec.automount_service_account_token if pod is not None else None
    except InvalidField:
        return True
    if own is not None:
        return bool(own)
    account = account_of(workload)
    view: Any = accounts[account].view if account in accounts else None
    try:
        return view is None or view.automount_service_account_token is not False
    except InvalidField:
        return True


def accounts_of(inventory: Inventory) -> dict[Subject, Resource]:
    """The ServiceAccount objects by subject."""
    return {
        Subject("ServiceAccount", each.ref.name, namespace_of(each)): each
        for each in inventory.of_kind("ServiceAccount")
    }


def facts_of(inventory: Inventory) -> Facts:
    """Gather them from an inventory; every namespace has a default account, as the controller makes one."""
    objects = accounts_of(inventory)
    workloads = [each for each in inventory.workloads() if inventory.owner_of(each) is None]
    used = {account: each for each in workloads if (account := account_of(each)) is not None}
    running = {account for each in workloads if (account := account_of(each)) and mounts_token(each, objects)}
    namespaces = {each.ref.name for each in inventory.namespaces()} | {
        account.namespace for account in (*objects, *used)
    }
    return Facts(
        accounts=frozenset((*objects, *used, *(Subject("ServiceAccount", DEFAULT_ACCOUNT, ns) for ns in namespaces))),
        running=frozenset(running),
        tokens=dict(_tokens(inventory)),
        guarded=frozenset(each.ref.name for each in inventory.namespaces() if _is_guarded(each)),
        namespaces=frozenset(namespaces),
    )


def _tokens(inventory: Inventory) -> Iterator[tuple[tuple[str, str], Subject]]:
    for secret in inventory.of_kind("Secret"):
        view: Any = secret.view
        try:
            name = view.metadata.annotations.get(_ACCOUNT_NAME, "") if view.type == _TOKEN_TYPE else ""
        except InvalidField:
            continue
        if name:
            home = namespace_of(secret)
            yield (home, secret.ref.name), Subject("ServiceAccount", name, home)


def _is_guarded(namespace: Resource) -> bool:
    try:
        return namespace.metadata.labels.get(_ENFORCE) in _GUARDING
    except InvalidField:
        return False
