"""Images that an attacker may change: by a login to their registry, or a registry in the cluster that asks for none."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.analysis.paths.building import Draft
from seawall.analysis.paths.credentials import secret_place
from seawall.analysis.paths.inputs import Inputs
from seawall.analysis.paths.kinds import STEP_KINDS
from seawall.analysis.paths.units import Box, Unit
from seawall.model.attack import Place, PlaceKind, Trace
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Inventory, Resource, namespace_of

_TYPES = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
_REGISTRIES = frozenset(("registry", "distribution", "docker-registry"))
_HUB = "docker.io"


def host_of(image: str) -> str:
    """The registry of an image reference. Source: distribution's reference grammar."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else _HUB


def image_place(image: str) -> Place:
    """The place of an image."""
    return Place(PlaceKind.IMAGE, image)


def add_images(draft: Draft, units: dict[str, Unit], accounts: dict[Any, Resource], inputs: Inputs) -> None:
    """What can change an image, and where a changed one runs."""
    boxes = [box for unit in units.values() for box in unit.boxes()]
    by_image: dict[str, list[Box]] = defaultdict(list)
    for box in boxes:
        by_image[box.container.image].append(box)
    for place, images, trace in _logins(inputs.inventory, by_image, units, accounts):
        for image in images:
            how = f"logs in to {host_of(image)} and writes {image}, if it may"
            draft.step(place, image_place(image), "secret-registry", how, traces=(trace,))
    for label, host in _open_registries(units, inputs.inventory):
        for image in by_image:
            if host_of(image).partition(":")[0] == host:
                for source, port in inputs.sources(label):
                    for box in units[source].boxes() if source in units and source != label else ():
                        how = f"writes {image} to the registry {units[label].place.name} on port {port}"
                        draft.step(box.place, image_place(image), "registry-write", how)
    for image, used in by_image.items():
        if image_place(image) in draft:
            for box in used:
                _add_run(draft, image, box)


def pull_secrets(unit: Unit, accounts: dict[Any, Resource]) -> set[str]:
    """The names of the Secrets by which images of a workload are pulled."""
    names = {each.name for each in unit.spec.image_pull_secrets if each.name}
    account: Any = accounts[unit.account].view if unit.account in accounts else None
    try:
        listed = account.image_pull_secrets if account is not None else ()
        names.update(each["name"] for each in listed if isinstance(each.get("name"), str))
    except InvalidField:
        pass
    return names


def _logins(
    inventory: Inventory, by_image: dict[str, list[Box]], units: dict[str, Unit], accounts: dict[Any, Resource]
) -> Iterator[tuple[Place, list[str], Trace]]:
    pulls: dict[tuple[str, str], set[str]] = defaultdict(set)
    for unit in units.values():
        for name in pull_secrets(unit, accounts):
            pulls[unit.namespace, name].update(box.container.image for box in unit.boxes())
    for secret in inventory.of_kind("Secret") if "Secret" not in inventory.unread else ():
        view: Any = secret.view
        try:
            key, data = _TYPES.get(view.type), {**view.data, **view.string_data}
        except InvalidField:
            continue
        if key is None:
            continue
        home = namespace_of(secret)
        hosts = _hosts(data.get(key), key in view.data)
        images = {image for image in by_image if host_of(image) in hosts} if hosts else pulls[home, secret.ref.name]
        yield secret_place(home, secret.ref.name), sorted(images), Trace(secret.ref, ("type",))


def _hosts(value: Any, encoded: bool) -> set[str]:
    """The registries of a Docker configuration; none where it was taken out of a snapshot."""
    if not isinstance(value, str):
        return set()
    try:
        text = base64.b64decode(value, validate=True) if encoded else value.encode()
        found = msgspec.json.decode(text)
    except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError):
        return set()
    listed = found.get("auths", found) if isinstance(found, dict) else None
    names = listed if isinstance(listed, dict) else {}
    plain = (name.partition("://")[2] or name for name in names)
    hosts = {name.partition("/")[0] for name in plain}
    return {_HUB if host.endswith("docker.io") else host for host in hosts}


def _open_registries(units: dict[str, Unit], inventory: Inventory) -> Iterator[tuple[str, str]]:
    """Workloads that are registries without a login, each with the names of services before it."""
    for label, unit in units.items():
        for box in unit.boxes():
            name = box.container.image.rpartition("/")[2].partition(":")[0].partition("@")[0]
            if name in _REGISTRIES and not any(each.name.startswith("REGISTRY_AUTH") for each in box.container.env):
                for host in _service_hosts(unit, inventory):
                    yield label, host


def _service_hosts(unit: Unit, inventory: Inventory) -> Iterator[str]:
    for service in inventory.of_kind("Service") if "Service" not in inventory.unread else ():
        view: Any = service.view
        try:
            selector = view.spec.selector
        except InvalidField:
            continue
        if selector and namespace_of(service) == unit.namespace and selector.items() <= unit.labels.items():
            short = f"{service.ref.name}.{unit.namespace}"
            yield from (short, f"{short}.svc", f"{short}.svc.cluster.local")


def _add_run(draft: Draft, image: str, box: Box) -> None:
    policy, tag = box.container.image_pull_policy, image.rpartition("/")[2].partition(":")[2]
    if "@" in image or policy == "Never":
        return
    always = policy == "Always" or (not policy and tag in ("", "latest"))
    trace = Trace(box.unit.ref, (*box.path, "image"), image)
    how = "is run when the container starts anew" if always else "is run where a node has no copy of it yet"
    kind = STEP_KINDS["image-run"]
    draft.step(image_place(image), box.place, kind.id, how, traces=(trace,), likelihood=0.5 if always else 0.3)
