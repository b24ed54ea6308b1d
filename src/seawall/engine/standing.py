"""What tokens are good for and what is reached from outside, of the analyses of access and of the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seawall.analysis.access.grants import grants
from seawall.analysis.access.index import AccessIndex
from seawall.analysis.access.judging import Reach, bindings_of, index_of, reach_at, told_steps
from seawall.model.access import Subject, actor_of
from seawall.model.finding import ResourceRef
from seawall.model.kube.base import InvalidField
from seawall.model.kube.rbac import PolicyRule
from seawall.model.paths import format_path
from seawall.model.resource import Inventory, NotRead, Resource
from seawall.model.rule import Context
from seawall.model.standing import NO_RIGHTS, Rights, StrongRight
from seawall.model.version import KubernetesVersion

if TYPE_CHECKING:
    from seawall.analysis.network.reach import Reach as NetworkReach
    from seawall.model.reach import Exposure

_RBAC = "rbac.authorization.k8s.io"
#: The rights that let a holder take more than they say: what it is called, and the requests, any of which is enough.
#: Source: Kubernetes' RBAC good practices.
_WRITE = ("create", "update", "patch")
_ADMISSION = "admissionregistration.k8s.io"
_STRONG: tuple[tuple[str, tuple[tuple[str, str, tuple[str, ...]], ...]], ...] = (
    ("reads Secrets", (("", "secrets", ("get", "list", "watch")),)),
    ("starts pods", (
        ("", "pods", ("create",)), ("apps", "deployments", _WRITE), ("apps", "daemonsets", _WRITE),
        ("apps", "statefulsets", _WRITE), ("apps", "replicasets", _WRITE), ("batch", "jobs", ("create",)),
        ("batch", "cronjobs", _WRITE),
    )),
    ("runs commands in pods", (
        ("", "pods/exec", ("create", "get")), ("", "pods/attach", ("create", "get")),
        ("", "pods/ephemeralcontainers", ("update", "patch")),
    )),
    ("reaches kubelets", (("", "nodes/proxy", ("get", "create")),)),
    ("asks for tokens", (("", "serviceaccounts/token", ("create",)),)),
    ("acts as others", tuple(("", what, ("impersonate",)) for what in ("users", "groups", "serviceaccounts"))),
    ("grants rights", (
        (_RBAC, "clusterrolebindings", _WRITE), (_RBAC, "rolebindings", _WRITE),
        (_RBAC, "clusterroles", ("escalate", "bind")), (_RBAC, "roles", ("escalate", "bind")),
    )),
    ("changes nodes", (("", "nodes", ("update", "patch")),)),
    ("changes admission", (
        (_ADMISSION, "mutatingwebhookconfigurations", _WRITE),
        (_ADMISSION, "validatingwebhookconfigurations", ("update", "patch", "delete")),
    )),
    ("approves certificates", (("certificates.k8s.io", "certificatesigningrequests/approval", ("update", "patch")),)),
    ("makes volumes of the host's paths", (("", "persistentvolumes", ("create",)),)),
)  # fmt: skip
#: Rights over what has no namespace: a binding in one gives none of them.
_CLUSTER_ONLY = frozenset(
    (
        "reaches kubelets",
        "changes nodes",
        "changes admission",
        "approves certificates",
        "makes volumes of the host's paths",
    )
)
#: Objects that offer ways in; without any of them the network is not evaluated.
_WAYS_IN = ("Ingress", "Route", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")


class ClusterStanding:
    """The rights and ways in of one inventory, each worked out when it is first asked for."""

    def __init__(self, context: Context, inventory: Inventory) -> None:
        self._context = context
        self._inventory = inventory
        self._known: dict[Subject, Rights] = {}

    @cached_property
    def _access(self) -> tuple[AccessIndex, Reach | None, str]:
        try:
            if not bindings_of(self._inventory):
                return (
                    AccessIndex(()),
                    None,
                    "no RoleBinding or ClusterRoleBinding was found: rights of tokens are not known",
                )
            return self._context.once(index_of), self._context.once(reach_at(self._context.version)), ""
        except InvalidField as invalid:
            place = format_path(invalid.path)
            return AccessIndex(()), None, f"rights were not judged: {place} of a role or binding has the wrong type"
        except NotRead as missing:
            return AccessIndex(()), None, f"rights were not judged: {missing}"

    @property
    def problem(self) -> str:
        """Why rights are not known."""
        return self._access[2]

    def rights(self, account: Subject) -> Rights:
        """The rights of a service account, by its own bindings and those of its groups."""
        found = self._known.get(account)
        if found is None:
            found = self._known[account] = self._rights(account)
        return found

    def _rights(self, account: Subject) -> Rights:
        index, reach, _ = self._access
        held = index.of(actor_of(account))
        if reach is None or not held:
            return NO_RIGHTS
        steps = reach.way(account, "admin") if account in reach.to_admin else []
        strong: dict[StrongRight, ResourceRef] = {}
        secrets: set[str] = set()
        named: set[tuple[str, str]] = set()
        for _, grant in held:
            for rule in grant.rules:
                for what in _strong(rule):
                    if not grant.namespace or what not in _CLUSTER_ONLY:
                        strong.setdefault(StrongRight(what, grant.namespace), grant.binding)
                if grants(rule, "", "secrets", ("get", "list", "watch")):
                    named.update((grant.namespace, name) for name in rule.resource_names if grant.namespace)
                    secrets.update([grant.namespace] * (not rule.resource_names))
        if "" in secrets:
            secrets = {""}
        binding = next((grant.binding for step in steps for grant, _ in step.grants), next(iter(strong.values()), None))
        return Rights(told_steps(steps), tuple(sorted(strong)), tuple(sorted(secrets)), tuple(sorted(named)), binding)

    def exposures(self) -> Mapping[str, str]:
        """Workloads with a way in from outside that no policy closes, each with the first of them."""
        return self._exposures

    @cached_property
    def _exposures(self) -> dict[str, str]:
        return {each.workload: str(each.via) for each in reversed(self.ways_in)}

    @cached_property
    def ways_in(self) -> list[Exposure]:
        """Every way in from outside that no policy closes."""
        if not any(map(_lets_in, self._inventory.resources)) or self.reach is None:
            return []
        from seawall.analysis.network.exposure import exposures

        return [each for each in exposures(self.reach) if each.open != "no"]

    @cached_property
    def reach(self) -> NetworkReach | None:
        """The network of the inventory; None where what it takes was not read."""
        from seawall.analysis.network.shared import network

        try:
            return self._context.once(network)
        except NotRead:
            return None


def _lets_in(resource: Resource) -> bool:
    kind = resource.ref.kind
    if kind != "Service":
        return kind in _WAYS_IN or kind.endswith("Route")
    view: Any = resource.view
    try:
        return view is not None and view.spec.type in ("NodePort", "LoadBalancer")
    except InvalidField:
        return True


def _strong(rule: PolicyRule) -> Iterator[str]:
    """What a rule that is not limited to names gives."""
    if rule.resource_names or not rule.resources:
        return
    for what, requests in _STRONG:
        if any(grants(rule, group, resource, verbs) for group, resource, verbs in requests):
            yield what


def standing_of(context: Context) -> ClusterStanding:
    """The standing of the inventory that a context judges; what it works out is shared with the context's rules."""
    return ClusterStanding(context, context.inventory)


def standing_for(inventory: Inventory, version: KubernetesVersion) -> ClusterStanding:
    """The standing of an inventory, outside of a scan."""
    return standing_of(Context(version, None, inventory))
