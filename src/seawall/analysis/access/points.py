"""The places of an escalation: identities, hubs between them, and the steps that lead from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from seawall.model.access import Grant, Subject

HubKind = Literal[
    "admin", "namespace", "accounts", "tokens", "pods", "users", "node", "role", "roles", "kubelets", "bootstrappers"
]


class Hub(Struct, frozen=True, gc=False, order=True):
    """A place that is no identity: what it leads to, and in which namespace (empty: in all).

    ``name`` is the ClusterRole of a hub of kind ``role``: the rights of that role, newly bound. Kind ``roles`` has
    those of the Roles of a namespace, or of the one of that name; without a namespace, of the ClusterRole of that name
    as bound in every namespace.
    """

    kind: HubKind
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        where = f" of namespace {self.namespace}" if self.namespace else ""
        return {
            "admin": "cluster-admin",
            "namespace": f"every right{where}",
            "accounts": f"any service account{where}",
            "tokens": f"any long-lived token{where}",
            "pods": f"the inside of any pod{where}",
            "users": "any user",
            "node": "root on any node",
            "role": f"the rights of ClusterRole {self.name}{where}",
            "roles": f"the rights of {self._roles()}{where}",
            "kubelets": "any kubelet",
            "bootstrappers": "a bootstrap token",
        }[self.kind]

    def _roles(self) -> str:
        if not self.name:
            return "any Role"
        return f"Role {self.name}" if self.namespace else f"ClusterRole {self.name} in every namespace"


Point = Subject | Hub
ADMIN, NODE, USERS = Hub("admin"), Hub("node"), Hub("users")
KUBELETS, BOOTSTRAPPERS = Hub("kubelets"), Hub("bootstrappers")
#: The group of every bootstrap token; a token may name more that begin so.
BOOTSTRAP_GROUP = "system:bootstrappers"
#: It requests tokens for every account of kube-system, one of which may write any right into a role; the API server
#: keeps both roles so. Source: bootstrappolicy, system:kube-controller-manager, clusterrole-aggregation-controller.
CONTROLLER_MANAGER = Subject("User", "system:kube-controller-manager")
NODE_USER = "system:node:"
#: How who was given every right comes to be cluster-admin.
EVERYTHING = "may do everything"


class Step(Struct, frozen=True, gc=False):
    """One step: what is gained, how, and the grants (with the index of their rule) that allow it.

    A grant may be held by an identity that was taken on before. ``assumed`` says that the step rests on the Pod
    Security level of a namespace that was not read.
    """

    source: Point
    target: Point
    how: str
    grants: tuple[tuple[Grant, int], ...] = ()
    assumed: bool = False


class Facts(Struct, frozen=True):
    """What the closure needs to know of the cluster besides access.

    ``accounts`` are all service accounts, ``running`` those whose token some pod mounts, ``tokens`` those with a
    long-lived token Secret (by namespace and name of the Secret), ``pods`` the account of each pod that mounts its
    token (by namespace and name), ``on_node`` those on each node that is known. ``guarded`` are the namespaces whose
    Pod Security level keeps pods from the node, ``open`` those that were read and have no such level, ``privileged``
    those in which a privileged pod runs. ``control_plane`` says that nodes of the control plane can be reached from
    pods, ``aws_auth`` that the ConfigMap aws-auth is there.
    """

    accounts: frozenset[Subject] = frozenset()
    running: frozenset[Subject] = frozenset()
    tokens: Mapping[tuple[str, str], Subject] = {}
    pods: Mapping[tuple[str, str], Subject] = {}
    on_node: Mapping[str, frozenset[Subject]] = {}
    guarded: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    privileged: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    control_plane: bool = False
    aws_auth: bool = False
