"""Places that stand for many: any account of a namespace, the inside of any pod, any Secret, any user, any kubelet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from seawall.analysis.paths.building import Draft
from seawall.analysis.paths.credentials import secret_place
from seawall.analysis.paths.escapes import nodes_of
from seawall.analysis.paths.inputs import Gain
from seawall.analysis.paths.storage import identity
from seawall.analysis.paths.units import Box
from seawall.model.access import MASTERS, Subject
from seawall.model.attack import ADMIN, ANY_NODE, Place, PlaceKind

_ACCOUNTS, _PODS, _SECRETS = "any service account", "the inside of any pod", "any Secret"
#: Who impersonates a user is in none of its groups; who signs a certificate writes them into it.
_USERS = "any user"
_TYPED = "the input of any pod that reads it"
_OTHERS = {
    "users": "any user or group",
    "kubelets": "any kubelet",
    "bootstrappers": "a bootstrap token",
}


class Hubs:
    """Makes such places, and fills them at the end with what is there.

    ``pods`` gives the workloads of the pods of a name, as (namespace, label); ``open`` are namespaces in which no Pod
    Security level forbids privileged containers.
    """

    def __init__(
        self,
        draft: Draft,
        boxes: Iterable[Box],
        accounts: Collection[Subject],
        pods: Callable[[str], Iterable[tuple[str, str]]],
        open_namespaces: Collection[str],
    ) -> None:
        self.draft = draft
        self._pods = pods
        self._open = frozenset(open_namespaces)
        self._boxes: dict[str, list[Box]] = defaultdict(list)
        self._on_node: dict[str, list[Box]] = defaultdict(list)
        for box in boxes:
            self._boxes[box.unit.namespace].append(box)
            for node in box.unit.nodes:
                self._on_node[node.name].append(box)
        self._accounts: dict[str, list[Subject]] = defaultdict(list)
        self._named: dict[str, list[Subject]] = defaultdict(list)
        for account in sorted(accounts):
            self._accounts[account.namespace].append(account)
            self._named[account.name].append(account)
        # A role may hold many names: what there is of each is looked up, not tried in every namespace.
        self._secrets: dict[str, list[Place]] = defaultdict(list)
        for place in draft.places():
            if place.kind is PlaceKind.SECRET:
                self._secrets[place.name].append(place)

    def secrets(self, namespace: str) -> Place:
        """Any Secret of a namespace (empty: of any)."""
        return Place(PlaceKind.PERMISSION, _SECRETS, namespace)

    def hub(self, gain: Gain) -> Place:
        """The place that a gain leads to."""
        if gain.hub == "admin":
            return ADMIN
        if gain.hub == "node":
            return ANY_NODE
        if gain.wanted == ("BE_USERS",):
            return Place(PlaceKind.PERMISSION, _USERS)
        if gain.hub in ("role", "roles"):
            return Place(PlaceKind.PERMISSION, gain.name.partition(" of namespace")[0], gain.namespace)
        if gain.hub == "namespace":
            return Place(PlaceKind.NAMESPACE, gain.namespace or "*")
        name = {"accounts": _ACCOUNTS, "pods": _PODS, "tokens": _SECRETS, **_OTHERS}[gain.hub]
        return Place(PlaceKind.PERMISSION, name, gain.namespace)

    def by_deed(self, deed: str, namespace: str, name: str) -> list[Place]:
        """Where reading Secrets, or entering pods in some way, leads."""
        if deed.startswith("secret"):
            if not name:
                return [self.secrets(namespace)]
            return [secret_place(namespace, name)] if namespace else self._secrets.get(name, [])
        if name:
            inside = self._inside(namespace, name)
            return [box.place for box in inside if deed != "pod-attach" or _reads(box)]
        return [Place(PlaceKind.PERMISSION, _TYPED if deed == "pod-attach" else _PODS, namespace)]

    def _inside(self, namespace: str, name: str) -> list[Box]:
        """The containers of the pods of a name, in a namespace or in all."""
        labels = [(home, label) for home, label in self._pods(name) if namespace in ("", home)]
        return [box for home, label in labels for box in self._boxes.get(home, ()) if box.unit.label == label]

    def open_nodes(self, namespace: str, name: str) -> list[Place]:
        """The nodes of pods to which a privileged container can be added."""
        homes = [namespace] if namespace else list(self._boxes)
        boxes = self._inside(namespace, name) if name else [box for home in homes for box in self._boxes.get(home, ())]
        return list(dict.fromkeys(nodes_of(self.draft, b.unit) for b in boxes if b.unit.namespace in self._open))

    def named(self, capability: str, namespace: str, name: str) -> list[Place]:
        """What a capability over one object leads to."""
        if capability in ("TOKEN_REQUEST", "BE_ACCOUNTS"):
            return [identity(each) for each in self._named.get(name, ()) if namespace in ("", each.namespace)]
        if capability == "BE_USERS":
            return [identity(Subject("User", name))]
        if capability == "PROXY_NODES":
            return [box.place for box in self._on_node.get(name, ())]
        return []

    def fill(self) -> None:
        """Lead from each hub that was made to what it stands for, from wide ones to narrow ones first."""
        step = self.draft.step
        everything = [Place(PlaceKind.PERMISSION, name) for name in (_ACCOUNTS, _PODS, _SECRETS, _OTHERS["users"])]
        for place in (ANY_NODE, *everything):
            step(ADMIN, place, "admin-anything", "cluster-admin may have it")
        homes = sorted({*self._accounts, *self._boxes, *(p.namespace for p in self.draft.places() if p.namespace)})
        wide = Place(PlaceKind.NAMESPACE, "*")
        if wide in self.draft:
            for home in homes:
                step(wide, Place(PlaceKind.NAMESPACE, home), "permission-reaches", "one of them")
        for home in homes:
            self._fill_namespace(Place(PlaceKind.NAMESPACE, home), home)
        for kind in (_ACCOUNTS, _PODS, _TYPED, _SECRETS):
            whole = Place(PlaceKind.PERMISSION, kind)
            if whole in self.draft:
                for home in homes:
                    step(whole, Place(PlaceKind.PERMISSION, kind, home), "permission-reaches", f"those of {home}")
        secrets: dict[str, list[Place]] = defaultdict(list)
        for place in self.draft.places():
            if place.kind is PlaceKind.SECRET:
                secrets[place.namespace].append(place)
        for home in sorted({*homes, *secrets}):
            self._fill_home(home, secrets[home])
        self._fill_others()

    def _fill_namespace(self, place: Place, home: str) -> None:
        if place not in self.draft:
            return
        for kind in (_ACCOUNTS, _PODS, _SECRETS):
            hub = Place(PlaceKind.PERMISSION, kind, home)
            self.draft.step(place, hub, "permission-reaches", f"has every right in {home}")
        if home in self._open:
            self.draft.step(place, ANY_NODE, "pod-create-privileged", "starts a privileged pod: no level forbids it")
        elif home != "*":
            # A role in a namespace is asked about the Namespace object of the same name too.
            how = "takes the Pod Security level off its own namespace, and starts a privileged pod"
            self.draft.step(place, ANY_NODE, "namespace-unlabel", how)

    def _fill_home(self, home: str, secrets: list[Place]) -> None:
        step = self.draft.step
        hub = Place(PlaceKind.PERMISSION, _ACCOUNTS, home)
        for account in self._accounts.get(home, ()) if hub in self.draft else ():
            step(hub, identity(account), "permission-reaches", "one of them")
        for kind in (_PODS, _TYPED):
            hub = Place(PlaceKind.PERMISSION, kind, home)
            for box in self._boxes.get(home, ()) if hub in self.draft else ():
                if kind == _PODS or _reads(box):
                    step(hub, box.place, "permission-reaches", "one of them")
        hub = self.secrets(home)
        for place in secrets if hub in self.draft else ():
            step(hub, place, "permission-reaches", "one of them")

    def _fill_others(self) -> None:
        for place in self.draft.places():
            if place.kind is not PlaceKind.IDENTITY:
                continue
            kind, _, name = place.name.partition(" ")
            for hub in (_USERS, _OTHERS["users"]) if kind == "User" else (_OTHERS["users"],):
                if kind != "ServiceAccount" and name != MASTERS:
                    self.draft.step(Place(PlaceKind.PERMISSION, hub), place, "permission-reaches", "one of them")
            if name.startswith("system:node:"):
                kubelets = Place(PlaceKind.PERMISSION, _OTHERS["kubelets"])
                self.draft.step(kubelets, place, "permission-reaches", "one of them")
            if name.startswith("system:bootstrappers"):
                tokens = Place(PlaceKind.PERMISSION, _OTHERS["bootstrappers"])
                self.draft.step(tokens, place, "permission-reaches", "one of them")


def _reads(box: Box) -> bool:
    return box.container.stdin
