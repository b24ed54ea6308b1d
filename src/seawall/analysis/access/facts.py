"""What the closure needs to know of an inventory besides roles: accounts, pods, tokens, nodes, namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.analysis.access.accounts import DEFAULT_ACCOUNT, account_of, accounts_of, mounts_token
from seawall.analysis.access.points import Facts
from seawall.model.access import Subject
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Inventory, Resource, namespace_of

_TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 - a type's name
_ACCOUNT_NAME = "kubernetes.io/service-account.name"
_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
_ENFORCE = "pod-security.kubernetes.io/enforce"
#: Levels that keep privileged pods, host namespaces and host paths out.
_GUARDING = frozenset(("baseline", "restricted"))


def facts_of(inventory: Inventory) -> Facts:
    """Gather them from an inventory; every namespace has a default account, as the controller makes one."""
    objects = accounts_of(inventory)
    workloads = [each for each in inventory.workloads() if inventory.owner_of(each) is None]
    used = {account for each in workloads if (account := account_of(each)) is not None}
    pods = [each for each in inventory.of_kind("Pod") if mounts_token(each, objects)]
    namespaces = {each.ref.name for each in inventory.namespaces()} | {
        account.namespace for account in (*objects, *used)
    }
    guarded, unguarded = _by_level(inventory)
    return Facts(
        accounts=frozenset((*objects, *used, *(Subject("ServiceAccount", DEFAULT_ACCOUNT, ns) for ns in namespaces))),
        running=frozenset(a for each in workloads if (a := account_of(each)) and mounts_token(each, objects)),
        tokens=dict(_tokens(inventory)),
        pods={(namespace_of(pod), pod.ref.name): account for pod in pods if (account := account_of(pod))},
        on_node=_on_nodes(inventory, pods),
        guarded=guarded,
        open=unguarded,
        privileged=frozenset(namespace_of(each) for each in workloads if _is_privileged(each)),
        namespaces=frozenset(namespaces),
        control_plane=any(_CONTROL_PLANE in labels_of(node) for node in _of_unmodelled(inventory, "Node")),
        aws_auth="ConfigMap" not in inventory.unread
        and inventory.get("ConfigMap", "kube-system", "aws-auth") is not None,
    )


def _of_unmodelled(inventory: Inventory, kind: str) -> list[Resource]:
    return [each for each in inventory.resources if each.ref.kind == kind]


def labels_of(resource: Resource) -> dict[str, Any]:
    """The labels of an object that has no view."""
    metadata = resource.raw.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return labels if isinstance(labels, dict) else {}


def _on_nodes(inventory: Inventory, pods: list[Resource]) -> dict[str, frozenset[Subject]]:
    """The accounts whose tokens are on each node; nodes without such pods too."""
    found: dict[str, set[Subject]] = {node.ref.name: set() for node in _of_unmodelled(inventory, "Node")}
    for pod in pods:
        account, node = account_of(pod), _node_of(pod)
        if account is not None and node:
            found.setdefault(node, set()).add(account)
    return {node: frozenset(accounts) for node, accounts in found.items()}


def _node_of(pod: Resource) -> str:
    """The node that a pod is bound to; empty where that is not known."""
    try:
        template = pod.template()
        return template.spec.node_name if template is not None else ""
    except InvalidField:
        return ""


def _is_privileged(workload: Resource) -> bool:
    """Whether a container of it is privileged; what cannot be read does not count as a way."""
    try:
        pod = workload.template()
        if pod is None:
            return False
        containers = [container for _, _, container in pod.spec.all_containers()]
        return any(each.security_context and each.security_context.privileged for each in containers)
    except InvalidField:
        return False


def _tokens(inventory: Inventory) -> Iterator[tuple[tuple[str, str], Subject]]:
    """Long-lived tokens; who may not read Secrets, as most scanners may not, learns of none."""
    for secret in inventory.of_kind("Secret") if "Secret" not in inventory.unread else ():
        view: Any = secret.view
        try:
            name = view.metadata.annotations.get(_ACCOUNT_NAME, "") if view.type == _TOKEN_TYPE else ""
        except InvalidField:
            continue
        if name:
            home = namespace_of(secret)
            yield (home, secret.ref.name), Subject("ServiceAccount", name, home)


def _by_level(inventory: Inventory) -> tuple[frozenset[str], frozenset[str]]:
    """The namespaces whose level keeps pods from the node, and those that were read and have none.

    What the API server's admission configuration says of defaults and exemptions counts where it was read. Exemptions
    that were not read are unknown: a namespace with a level is taken as guarded.
    """
    default, exempt = False, frozenset[str]()
    for each in _of_unmodelled(inventory, "AdmissionConfiguration"):
        for plugin in _items(each.raw.get("plugins")):
            settings = plugin.get("configuration") if plugin.get("name") == "PodSecurity" else None
            default, exempt = _admission(settings if isinstance(settings, dict) else {})
    for each in _of_unmodelled(inventory, "PodSecurityConfiguration"):
        default, exempt = _admission(each.raw)
    guarded, unguarded = set[str](), set[str]()
    for namespace in inventory.namespaces():
        try:
            level = namespace.metadata.labels.get(_ENFORCE)
        except InvalidField:
            continue
        kept = (level in _GUARDING if level is not None else default) and namespace.ref.name not in exempt
        (guarded if kept else unguarded).add(namespace.ref.name)
    return frozenset(guarded), frozenset(unguarded)


def _items(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _admission(configuration: dict[str, Any]) -> tuple[bool, frozenset[str]]:
    """Whether a Pod Security configuration guards namespaces without a label, and those that it exempts."""
    defaults, exemptions = configuration.get("defaults"), configuration.get("exemptions")
    level = defaults.get("enforce") if isinstance(defaults, dict) else None
    guards = isinstance(level, str) and level in _GUARDING
    names = exemptions.get("namespaces") if isinstance(exemptions, dict) else None
    return guards, frozenset(name for name in names if isinstance(name, str)) if isinstance(
        names, list
    ) else frozenset()
