"""Accounts of workloads: under which one pods run, and whether they are given its token."""

from __future__ import annotations

from typing import Any

from seawall.model.access import Subject
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Inventory, Resource, namespace_of

DEFAULT_ACCOUNT = "default"


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
