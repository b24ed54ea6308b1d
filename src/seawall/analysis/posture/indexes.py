"""What several rules over the inventory ask: pods by label, what is known to be complete, and references by name.

Each is built once a run, by ``ctx.once(...)``, and takes time linear in the objects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from seawall.model.finding import Confidence
from seawall.model.kube.base import LabelSelector, numbered
from seawall.model.resource import namespace_of

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container, PodSpec
    from seawall.model.paths import Path
    from seawall.model.resource import Inventory, Resource


def view_of(resource: Resource) -> Any:
    """The view of a resource, for rules that know its kind."""
    return resource.view


class LabelIndex:
    """Workloads of one namespace, found by the labels of their pods."""

    def __init__(self) -> None:
        self.resources: list[Resource] = []
        self._labels: list[dict[str, str]] = []
        self._pairs: dict[tuple[str, str], list[int]] | None = None

    def add(self, resource: Resource, labels: dict[str, str]) -> None:
        """Add a workload."""
        self.resources.append(resource)
        self._labels.append(labels)

    def select(self, selector: LabelSelector) -> Iterator[Resource]:
        """The workloads whose pods a selector selects."""
        for number in self._candidates(selector):
            if selector.matches(self._labels[number]):
                yield self.resources[number]

    def has(self, selector: LabelSelector | dict[str, str]) -> bool:
        """Whether a selector, or a plain map of labels, selects any."""
        if not isinstance(selector, LabelSelector):
            selector = LabelSelector(match_labels=selector)
        return next(self.select(selector), None) is not None

    def _candidates(self, selector: LabelSelector) -> Sequence[int]:
        """Those that have the rarest of the labels that it asks for."""
        pairs = self._index()
        lists: list[Sequence[int]] = [pairs.get(pair, []) for pair in selector.match_labels.items()]
        for expression in selector.match_expressions:
            values = expression.get("values")
            if expression.get("operator") == "In" and isinstance(values, list):
                key = str(expression.get("key"))
                wanted = dict.fromkeys(map(str, values))
                lists.append([number for value in wanted for number in pairs.get((key, value), ())])
        return min(lists, key=len) if lists else range(len(self._labels))

    def _index(self) -> dict[tuple[str, str], list[int]]:
        if self._pairs is None:
            pairs: dict[tuple[str, str], list[int]] = defaultdict(list)
            for number, labels in enumerate(self._labels):
                for pair in labels.items():
                    pairs[pair].append(number)
            self._pairs = pairs
        return self._pairs


def pods_by_label(inventory: Inventory) -> dict[str, LabelIndex]:
    """The workloads with pods of their own, by namespace; those made by another of the inventory are left out."""
    found: dict[str, LabelIndex] = defaultdict(LabelIndex)
    for workload in inventory.workloads():
        pod = workload.template()
        if pod is not None and inventory.owner_of(workload) is None:
            found[namespace_of(workload)].add(workload, pod.metadata.labels)
    return dict(found)


def judged_pods(inventory: Inventory) -> dict[str, LabelIndex]:
    """As :func:`pods_by_label`, without namespaces where an operator may make pods that manifests do not show.

    Such are those of manifests, not of a cluster, that hold custom objects of kinds that are not modelled (a Kafka, a
    Prometheus).
    """
    opaque = {
        namespace_of(each) for each in inventory.resources if each.kind is None and not each.uid and _is_custom(each)
    }
    return {name: index for name, index in pods_by_label(inventory).items() if name not in opaque}


def _is_custom(resource: Resource) -> bool:
    group = resource.ref.api_version.rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def services_by_label(inventory: Inventory) -> dict[str, LabelIndex]:
    """The Services by namespace, found by their own labels."""
    found: dict[str, LabelIndex] = defaultdict(LabelIndex)
    for service in inventory.of_kind("Service"):
        found[namespace_of(service)].add(service, service.metadata.labels)
    return dict(found)


class Completeness:
    """Whether all objects of a kind in a namespace are plausibly known, so that one that is not there is missing.

    From a cluster (objects have a uid) they are, where an object shows that the kind was listed there: the account
    ``default``, which every namespace has; the ConfigMap ``kube-root-ca.crt``, likewise; for other kinds another
    object of the kind, in the namespace or in two others. Of manifests it is supposed, with less confidence, where
    the Namespace and at least one object of the kind stand among them; never of Secrets, which are kept elsewhere
    for good reasons.
    """

    _MARKS = {"ServiceAccount": "default", "ConfigMap": "kube-root-ca.crt"}  # noqa: RUF012 - constant

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._live: dict[str, set[str]] = {}
        self._written: dict[str, set[str]] = {}
        self._own = {resource.ref.name for resource in inventory.namespaces() if not resource.uid}

    def of(self, kind: str, namespace: str) -> Confidence | None:
        """How sure it is that the kind's objects are all known there; None where it cannot be said."""
        if kind not in self._live:
            objects = self._inventory.of_kind(kind)
            self._live[kind] = {namespace_of(each) for each in objects if each.uid}
            self._written[kind] = {namespace_of(each) for each in objects if not each.uid}
        mark = self._MARKS.get(kind)
        if mark is not None:
            marked = self._inventory.get(kind, namespace, mark)
            if marked is not None and marked.uid:
                return Confidence.HIGH
        elif namespace in self._live[kind]:
            return Confidence.HIGH
        elif len(self._live[kind]) > 1:
            return Confidence.MEDIUM
        written = namespace in self._own and namespace in self._written[kind] and kind != "Secret"
        return Confidence.MEDIUM if written else None


class NamedReference(Struct, frozen=True):
    """A field of a workload, or of another object, that names an object of its namespace; ``key`` a key of that."""

    resource: Resource
    kind: str
    name: str
    key: str
    path: Path


def references(inventory: Inventory) -> list[NamedReference]:
    """References to ServiceAccounts, Secrets, ConfigMaps and claims that are not optional.

    Only those of objects that nothing else of the inventory made.
    """
    found: list[NamedReference] = []
    for workload in inventory.workloads():
        pod = workload.template()
        if pod is not None and inventory.owner_of(workload) is None:
            base = (*((workload.kind.template if workload.kind else None) or ()), "spec")
            found += [NamedReference(workload, *each[:3], (*base, *each[3])) for each in _of_pod(pod.spec) if each[1]]
    for ingress in inventory.of_kind("Ingress"):
        for i, tls in numbered(view_of(ingress).spec.tls):
            if tls.secret_name:
                path: Path = ("spec", "tls", i, "secretName")
                found.append(NamedReference(ingress, "Secret", tls.secret_name, "", path))
    return found


_Found = Iterator[tuple[str, str, str, "Path"]]


def _of_pod(spec: PodSpec) -> _Found:
    account = spec.service_account_name or spec.service_account
    yield "ServiceAccount", account, "", ("serviceAccountName",)
    for i, secret in numbered(spec.image_pull_secrets):
        yield "Secret", secret.name, "", ("imagePullSecrets", i, "name")
    for field, i, container in spec.all_containers():
        if container.env or container.env_from:
            for kind, name, key, path in _of_container(container):
                yield kind, name, key, (field, i, *path)
    for i, volume in numbered(spec.volumes):
        if volume.secret is not None and not volume.secret.optional:
            yield "Secret", volume.secret.secret_name, "", ("volumes", i, "secret", "secretName")
        if volume.config_map is not None and not volume.config_map.optional:
            yield "ConfigMap", volume.config_map.name, "", ("volumes", i, "configMap", "name")
        if volume.persistent_volume_claim is not None:
            claim = volume.persistent_volume_claim.claim_name
            yield "PersistentVolumeClaim", claim, "", ("volumes", i, "persistentVolumeClaim", "claimName")
        if volume.projected is not None:
            for kind, name, key, path in _of_projected(volume.projected):
                yield kind, name, key, ("volumes", i, "projected", *path)


def _of_container(container: Container) -> _Found:
    for i, variable in numbered(container.env):
        source = variable.value_from
        if source is None:
            continue
        for kind, field, ref in (
            ("Secret", "secretKeyRef", source.secret_key_ref),
            ("ConfigMap", "configMapKeyRef", source.config_map_key_ref),
        ):
            if ref is not None and not ref.optional:
                yield kind, ref.name, ref.key, ("env", i, "valueFrom", field)
    for i, whole in numbered(container.env_from):
        for kind, field, ref in (
            ("Secret", "secretRef", whole.secret_ref),
            ("ConfigMap", "configMapRef", whole.config_map_ref),
        ):
            if ref is not None and not ref.optional:
                yield kind, ref.name, "", ("envFrom", i, field)


def _of_projected(projected: dict[str, Any]) -> _Found:
    sources = projected.get("sources")
    for i, source in enumerate(sources if isinstance(sources, list) else []):
        for kind, field in (("Secret", "secret"), ("ConfigMap", "configMap")):
            ref = source.get(field) if isinstance(source, dict) else None
            if isinstance(ref, dict) and not ref.get("optional") and isinstance(ref.get("name"), str):
                yield kind, ref["name"], "", ("sources", i, field, "name")
