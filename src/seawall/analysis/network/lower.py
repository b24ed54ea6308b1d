"""Every policy of an inventory in the one form; a further dialect is a further entry here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from seawall.analysis.network.dialect_admin import lower_admin_policy, lower_baseline_policy, lower_cluster_policy
from seawall.analysis.network.dialect_networkpolicy import lower_network_policy
from seawall.analysis.network.form import Policy, Problem
from seawall.analysis.network.parts import Reader
from seawall.model.resource import Resource

DIALECTS: dict[str, Callable[[Resource, Reader], Policy]] = {
    "NetworkPolicy": lower_network_policy,
    "AdminNetworkPolicy": lower_admin_policy,
    "BaselineAdminNetworkPolicy": lower_baseline_policy,
    "ClusterNetworkPolicy": lower_cluster_policy,
}
#: Policies of network plugins, which are not read: (API group, kind).
FOREIGN = frozenset(
    (
        ("cilium.io", "CiliumNetworkPolicy"),
        ("cilium.io", "CiliumClusterwideNetworkPolicy"),
        ("crd.projectcalico.org", "NetworkPolicy"),
        ("crd.projectcalico.org", "GlobalNetworkPolicy"),
        ("projectcalico.org", "NetworkPolicy"),
        ("projectcalico.org", "GlobalNetworkPolicy"),
        ("projectcalico.org", "StagedNetworkPolicy"),
        ("crd.antrea.io", "NetworkPolicy"),
        ("crd.antrea.io", "ClusterNetworkPolicy"),
        ("k8s.cni.cncf.io", "MultiNetworkPolicy"),
    )
)


class Lowered(NamedTuple):
    """Policies in the one form, what of them could not be understood, and those of unread dialects."""

    policies: list[Policy]
    problems: list[Problem]
    foreign: list[Resource]


def lower(resources: Iterable[Resource]) -> Lowered:
    """Bring every policy among some resources into the one form."""
    found = Lowered([], [], [])
    for resource in resources:
        dialect = DIALECTS.get(resource.kind.name) if resource.kind is not None else None
        if dialect is not None:
            reader = Reader(resource)
            found.policies.append(dialect(resource, reader))
            found.problems.extend(reader.problems)
        elif (resource.ref.api_version.rpartition("/")[0], resource.ref.kind) in FOREIGN:
            found.foreign.append(resource)
    return found
