"""What is to be done for each Secret and for the literals of each workload."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from seawall.engine.externalize.objects import Moved, Source
from seawall.engine.rewrite import base_of
from seawall.model.finding import Finding
from seawall.model.paths import Path
from seawall.model.remedy import Edit
from seawall.model.resource import Resource
from seawall.sources.manifests.jsonorigin import JsonOrigin


class Request(Struct, frozen=True):
    """What is asked for. ``store`` may have its kind before it (``ClusterSecretStore/vault``); an empty one, and an
    empty ``provider``, are taken from the stores that are read. ``parameters`` are those of a SecretProviderClass."""

    kind: str
    store: str = ""
    provider: str = ""
    parameters: Mapping[str, str] = {}


class Part(Struct, frozen=True, eq=False):
    """What changes at one object: edits of it, or that it goes; ``added`` are the objects that come after it, or in
    its place."""

    resource: Resource
    edits: tuple[Edit, ...] = ()
    removed: bool = False
    added: tuple[dict[str, Any], ...] = ()


class Step(Struct, frozen=True, eq=False):
    """All that belongs together: either every part of it is done, or none."""

    moved: Moved
    value: dict[str, Any]
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...]


class Left(Struct, frozen=True):
    """A finding that stays, and why."""

    finding: Finding
    reason: str


def source_of(resource: Resource, path: Path, encoded: bool) -> Source:
    """How yq finds a value of an object again."""
    ref = resource.ref
    base = "".join(_step(step) for step in base_of(resource))
    terms = [(".kind", ref.kind), (".metadata.name", ref.name)]
    if ref.namespace:
        terms.append((".metadata.namespace", ref.namespace))
    chosen = " and ".join(f"{base}{field} == {json.dumps(value)}" for field, value in terms)
    # In JSON the object may stand in a list.
    start = "(.items[]?, .) | " if isinstance(resource.origin, JsonOrigin) else ""
    return Source(resource.origin.file, f"{start}select({chosen})", f"{base}{_path(path)}", encoded)


def _path(path: Path) -> str:
    return "".join(_step(step) for step in path)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() and step.isascii() else f"[{json.dumps(step)}]"


class Use(Struct):
    """How a workload uses a Secret: the containers that read variables from it, the volumes that are nothing but it,
    and whether it must exist as a Secret."""

    workload: Resource
    containers: list[tuple[str, int]]
    volumes: list[int]
    needs_secret: bool


def uses(workloads: list[Resource], namespace: str | None, name: str) -> Iterator[Use]:
    """The workloads of a namespace that use a Secret."""
    for workload in workloads:
        pod: Any = workload.template()
        if pod is None or workload.ref.namespace != namespace:
            continue
        spec = pod.spec
        containers = [(field, i) for field, i, container in spec.all_containers() if _reads(container, name)]
        volumes: list[int] = []
        others = any(each.name == name for each in spec.image_pull_secrets)
        for i, volume in enumerate(spec.volumes):
            if volume.secret is not None and volume.secret.secret_name == name:
                raw = workload.value_at((*base_path(workload), "spec", "volumes", i, "secret"))
                if isinstance(raw, dict) and set(raw) == {"secretName"}:
                    volumes.append(i)
                else:
                    others = True
            others = others or (volume.projected is not None and _projects(volume.projected, name))
        if containers or volumes or others:
            yield Use(workload, containers, volumes, bool(containers) or others)


def base_path(workload: Resource) -> Path:
    """Where the pod template of a workload stands."""
    return (workload.kind.template if workload.kind is not None else None) or ()


def _reads(container: Any, name: str) -> bool:
    refs = (each.value_from.secret_key_ref for each in container.env if each.value_from is not None)
    sources = (each.secret_ref for each in container.env_from)
    return any(ref is not None and ref.name == name for ref in (*refs, *sources))


def _projects(projected: dict[str, Any], name: str) -> bool:
    sources = projected.get("sources")
    secrets = [each.get("secret") for each in (sources if isinstance(sources, list) else ()) if isinstance(each, dict)]
    return any(isinstance(each, dict) and each.get("name") == name for each in secrets)


def mounts(use: Use, class_name: str) -> tuple[Edit, ...]:
    """The edits by which a workload gets what a SecretProviderClass fetches."""
    pod: Any = use.workload.template()
    spec: Path = (*base_path(use.workload), "spec")
    csi = {
        "driver": "secrets-store.csi.k8s.io",
        "readOnly": True,
        "volumeAttributes": {"secretProviderClass": class_name},
    }
    edits: list[Edit] = []
    for i in use.volumes:
        edits += [Edit("set", (*spec, "volumes", i, "csi"), csi), Edit("remove", (*spec, "volumes", i, "secret"))]
    if use.volumes:
        return tuple(edits)
    taken = {volume.name for volume in pod.spec.volumes}
    name = free_name(f"secrets-{class_name.replace('.', '-')}"[:60], taken)
    edits.append(Edit("add", (*spec, "volumes"), {"name": name, "csi": csi}))
    mount = {"name": name, "mountPath": f"/mnt/secrets/{class_name}", "readOnly": True}
    for field, i in use.containers or [("containers", 0)]:
        edits.append(Edit("add", (*spec, field, i, "volumeMounts"), mount))
    return tuple(edits)


def free_name(name: str, taken: set[str]) -> str:
    """The name, with a number where it is taken; takes it."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    taken.add(found)
    return found
