"""Units: workloads with what their pods carry (token, Secrets, volumes, roles of clouds) and where they run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from seawall.analysis.isolation.scheduling import OF_DAEMON_SETS, Demand, Terms, affinity_terms, terms_of
from seawall.model.access import Subject
from seawall.model.kube.base import InvalidField
from seawall.model.kube.pod import PodSpec
from seawall.model.resource import Inventory, Resource, namespace_of

SecretName = tuple[str, str]
_ENDED = ("Succeeded", "Failed")
_CLOUD_ROLES = (
    "eks.amazonaws.com/role-arn",
    "iam.gke.io/gcp-service-account",
    "azure.workload.identity/client-id",
)
#: A chain of owners is followed this far: it can loop.
_OWNERS = 8


class PodPlace(Struct, frozen=True, gc=False):
    """A pod and the node that it is bound to (empty: none yet). ``fixed`` pods are no controller's, or the kubelet's:
    nothing moves them. ``volumes`` are the node affinities of its bound volumes."""

    name: str
    node: str
    fixed: bool = False
    volumes: tuple[Terms, ...] = ()


class Unit(Struct):
    """A workload: the outermost owner that was read, and all its pods.

    ``label`` is ``ns/name[Kind]``. ``token`` says that its pods are given a token; ``secrets`` are the Secrets that
    they or the kubelet for them read, with how; ``claims`` their volumes by name, ``roles`` the roles of clouds that
    the account has. ``replicas`` is how many pods it asks for.
    """

    label: str
    namespace: str
    resource: Resource
    spec: PodSpec
    labels: dict[str, str]
    annotations: dict[str, str]
    account: Subject
    token: bool
    secrets: dict[SecretName, str]
    claims: tuple[str, ...]
    roles: tuple[str, ...]
    demand: Demand
    replicas: int = 1
    pods: list[PodPlace] = []

    @property
    def kind(self) -> str:
        """The kind of the owner."""
        return self.label.rpartition("[")[2][:-1]

    @property
    def daemon(self) -> bool:
        """Whether a pod of it is for every node that takes it."""
        return self.kind == "DaemonSet"

    @property
    def nodes(self) -> set[str]:
        """The nodes that its pods are bound to."""
        return {pod.node for pod in self.pods if pod.node}


class Units:
    """The units of an inventory. ``unread`` are those of which something that counts could not be read.

    Raises:
        NotRead: a kind of workload, or accounts, were not read.
    """

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.unread: list[tuple[Resource, InvalidField]] = []
        self._accounts = {(namespace_of(each), each.ref.name): each for each in inventory.of_kind("ServiceAccount")}
        self._volumes = _Volumes(inventory)
        self._classes = _by_name(inventory, "RuntimeClass")
        self.by_label: dict[str, Unit] = {}
        for resource in inventory.workloads():
            try:
                self._add(resource)
            except InvalidField as invalid:
                self.unread.append((resource, invalid))

    def __iter__(self) -> Iterator[Unit]:
        return iter(self.by_label.values())

    def _add(self, resource: Resource) -> None:
        kind = resource.kind.name if resource.kind is not None else ""
        if kind == "PodTemplate" or (kind == "Pod" and _phase(resource) in _ENDED):
            return
        owner, label = _outermost(resource, self.inventory)
        template: Any = resource.template()
        unit = self.by_label.get(label)
        if unit is None:
            unit = self.by_label[label] = self._unit(label, owner, resource, template)
        if kind == "Pod":
            if not unit.pods and owner is not resource:
                # A pod tells more than its template: what was injected, and the volumes of its own claims.
                fresh = self._unit(label, owner, resource, template)
                fresh.replicas = unit.replicas
                unit = self.by_label[label] = fresh
            elif unit.resource is not resource and unit.claims:
                unit.claims = tuple(dict.fromkeys((*unit.claims, *_claims(template.spec))))
            # Of a pod whose owner was not read there is nothing to patch.
            fixed = owner is resource
            places = self._volumes.places(unit.namespace, _claims(template.spec))
            unit.pods.append(PodPlace(resource.ref.name, template.spec.node_name, fixed, places))

    def _unit(self, label: str, owner: Resource, resource: Resource, template: Any) -> Unit:
        spec: PodSpec = template.spec
        namespace = namespace_of(resource)
        name = spec.service_account_name or spec.service_account or "default"
        account = self._accounts.get((namespace, name))
        claims = (*_claims(spec), *_claim_templates(owner))
        secrets = dict(_secrets(spec, namespace))
        secrets.update(self._volumes.secrets(namespace, claims))
        if account is not None:
            secrets.update(_pull_secrets(account, namespace))
        return Unit(
            label, namespace, owner, spec, {**owner.metadata.labels, **template.metadata.labels},
            {**owner.metadata.annotations, **template.metadata.annotations},
            Subject("ServiceAccount", name, namespace), _has_token(spec, account), secrets, claims,
            _roles(account), self._demand(spec, label.endswith("[DaemonSet]")), _replicas(owner), [],
        )  # fmt: skip

    def _demand(self, spec: PodSpec, daemon: bool) -> Demand:
        """What the pods ask of nodes, with what their runtime class and their controller add."""
        selector, tolerations = dict(spec.node_selector), tuple(spec.tolerations)
        runtime = self._classes.get(spec.runtime_class_name or "")
        if runtime is not None:
            view: Any = runtime.view
            selector |= view.scheduling.node_selector
            tolerations += tuple(view.scheduling.tolerations)
        if daemon:
            tolerations += OF_DAEMON_SETS
        return Demand(selector, affinity_terms(spec.affinity), tolerations)


class _Volumes:
    """Claims and what is behind them."""

    def __init__(self, inventory: Inventory) -> None:
        self._claims: dict[tuple[str, str], Any] = {}
        self._volumes = _by_name(inventory, "PersistentVolume")
        if "PersistentVolumeClaim" not in inventory.unread:
            claims = inventory.of_kind("PersistentVolumeClaim")
            self._claims = {(namespace_of(each), each.ref.name): each.view for each in claims}

    def _behind(self, namespace: str, claims: Iterable[str]) -> Iterator[Resource]:
        for name in claims:
            claim = self._claims.get((namespace, name))
            volume = self._volumes.get(claim.spec.volume_name) if claim is not None else None
            if volume is not None:
                yield volume

    def places(self, namespace: str, claims: tuple[str, ...]) -> tuple[Terms, ...]:
        """The nodes that the volumes can be had on."""
        found = []
        for volume in self._behind(namespace, claims):
            view: Any = volume.view
            terms = terms_of((view.spec.node_affinity or {}).get("required"))
            if terms is not None:
                found.append(terms)
        return tuple(found)

    def secrets(self, namespace: str, claims: tuple[str, ...]) -> Iterator[tuple[SecretName, str]]:
        """Secrets by which the node's part of a storage driver mounts the volumes."""
        for volume in self._behind(namespace, claims):
            view: Any = volume.view
            for key in ("nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"):
                ref = (view.spec.csi or {}).get(key)
                if isinstance(ref, dict) and ref.get("name"):
                    yield (str(ref.get("namespace", "")), str(ref["name"])), "for its volume"


def _by_name(inventory: Inventory, kind: str) -> dict[str, Resource]:
    return {} if kind in inventory.unread else {each.ref.name: each for each in inventory.of_kind(kind)}


def _phase(resource: Resource) -> str:
    view: Any = resource.view
    return str(view.status.phase)


def _outermost(resource: Resource, inventory: Inventory) -> tuple[Resource, str]:
    """The outermost owner that was read, and what the pods are known by. A Node is no owner: it runs static pods."""
    for _ in range(_OWNERS):
        found = inventory.owner_of(resource)
        if found is None or found is resource:
            break
        resource = found
    owner = resource.owner
    if owner is not None and owner.kind and owner.kind != "Node":
        return resource, f"{namespace_of(resource)}/{owner.name}[{owner.kind}]"
    kind = resource.kind.name if resource.kind is not None else resource.ref.kind
    return resource, f"{namespace_of(resource)}/{resource.ref.name}[{kind}]"


def _replicas(owner: Resource) -> int:
    view: Any = owner.view
    replicas = getattr(getattr(view, "spec", None), "replicas", None)
    return 1 if replicas is None else max(0, int(replicas))


def _has_token(spec: PodSpec, account: Resource | None) -> bool:
    """Whether the pods hold a token for the API server: mounted by default, or asked for among volumes."""
    if any(not token.get("audience") for token in _projected(spec, "serviceAccountToken")):
        return True
    if spec.automount_service_account_token is not None:
        return spec.automount_service_account_token
    view: Any = account.view if account is not None else None
    return view is None or view.automount_service_account_token is not False


def _projected(spec: PodSpec, what: str) -> Iterator[dict[str, Any]]:
    for volume in spec.volumes:
        sources = volume.projected.get("sources") if volume.projected is not None else None
        for source in sources if isinstance(sources, list) else ():
            found = source.get(what) if isinstance(source, dict) else None
            if isinstance(found, dict):
                yield found


def _secrets(spec: PodSpec, namespace: str) -> Iterator[tuple[SecretName, str]]:
    for each in spec.image_pull_secrets:
        yield (namespace, each.name), "to pull images"
    for _, _, container in spec.all_containers():
        for variable in container.env:
            ref = variable.value_from.secret_key_ref if variable.value_from is not None else None
            if ref is not None and ref.name:
                yield (namespace, ref.name), "in its environment"
        for whole in container.env_from:
            if whole.secret_ref is not None and whole.secret_ref.name:
                yield (namespace, whole.secret_ref.name), "in its environment"
    for volume in spec.volumes:
        if volume.secret is not None and volume.secret.secret_name:
            yield (namespace, volume.secret.secret_name), "mounted"
    for source in _projected(spec, "secret"):
        if isinstance(source.get("name"), str):
            yield (namespace, source["name"]), "mounted"


def _pull_secrets(account: Resource, namespace: str) -> Iterator[tuple[SecretName, str]]:
    view: Any = account.view
    for each in view.image_pull_secrets:
        if isinstance(each.get("name"), str):
            yield (namespace, each["name"]), "to pull images"


def _claims(spec: PodSpec) -> tuple[str, ...]:
    claims = (volume.persistent_volume_claim for volume in spec.volumes)
    return tuple(dict.fromkeys(claim.claim_name for claim in claims if claim is not None and claim.claim_name))


def _claim_templates(owner: Resource) -> tuple[str, ...]:
    """The claims that a StatefulSet makes for each pod, by the name that all of them begin with."""
    if owner.kind is None or owner.kind.name != "StatefulSet":
        return ()
    view: Any = owner.view
    templates = view.spec.volume_claim_templates
    return tuple(f"{each.metadata.name}-{owner.ref.name}-*" for each in templates if each.metadata.name)


def _roles(account: Resource | None) -> tuple[str, ...]:
    annotations = account.metadata.annotations if account is not None else {}
    return tuple(annotations[key] for key in _CLOUD_ROLES if annotations.get(key))
