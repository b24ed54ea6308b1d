"""Over the network to what takes requests of anyone: API server, kubelet, etcd, metadata, databases, registries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from seawall.analysis.paths.building import Draft
from seawall.analysis.paths.inputs import Inputs
from seawall.analysis.paths.kinds import STEP_KINDS
from seawall.analysis.paths.nodes import cloud_of, hides_metadata
from seawall.analysis.paths.settings import Settings, Way
from seawall.analysis.paths.units import Box, Unit
from seawall.model.attack import ADMIN, Place, PlaceKind, Trace
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Resource

METADATA = "169.254.169.254"
_PODS = Place(PlaceKind.PERMISSION, "the inside of any pod")
#: Databases by the last part of their image's name, with the variables that let anyone in. Source: the images' pages.
_OPEN_DATABASES: tuple[tuple[str, str, str], ...] = (
    (r"postgres(ql)?", "POSTGRES_HOST_AUTH_METHOD", "trust"),
    (r"postgresql", "ALLOW_EMPTY_PASSWORD", "yes"),
    (r"mysql|mariadb|percona", "MYSQL_ALLOW_EMPTY_PASSWORD", ""),
    (r"mariadb", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", ""),
    (r"mysql|mariadb|redis|valkey|mongodb|rabbitmq|etcd", "ALLOW_EMPTY_PASSWORD", "yes"),
    (r"elasticsearch", "xpack.security.enabled", "false"),
    (r"opensearch", "DISABLE_SECURITY_PLUGIN", "true"),
)


def add_anonymous(draft: Draft, boxes: Iterable[Box], anonymous: list[Place]) -> None:
    """From every container to what somebody without a login may do at the API server."""
    for box in boxes if anonymous else ():
        for place in anonymous:
            draft.step(box.place, place, "anonymous-api", STEP_KINDS["anonymous-api"].title)


def add_metadata(draft: Draft, units: dict[str, Unit], nodes: dict[str, Resource], inputs: Inputs) -> None:
    """From containers to the identity in the cloud of the nodes that they run on."""
    clouds = {name: cloud for name, node in nodes.items() if (cloud := cloud_of(node))}
    for label, unit in units.items() if clouds else ():
        on = [
            node.name
            for node in unit.nodes
            if node.name in clouds and (unit.spec.host_network or not hides_metadata(nodes[node.name]))
        ]
        if not on or not (unit.spec.host_network or inputs.reaches_out(label, METADATA, 80)):
            continue
        way = Way()
        if not unit.spec.host_network:
            what = f"the way of {unit.place.name} to {METADATA}"
            number = draft.removable(unit.ref, (), what, "metadata-service-reachable")
            way = Way((number,), (Trace(unit.ref, (), f"no policy keeps it from {METADATA}"),))
        for box in unit.boxes():
            for name in on:
                draft.step(
                    box.place,
                    Place(PlaceKind.CLOUD, f"{clouds[name]}: the identity of node {name}"),
                    "metadata-service",
                    f"asks {METADATA}",
                    removables=way.removables,
                    traces=way.traces,
                )


def add_open_kubelets(draft: Draft, boxes: list[Box], configurations: Iterable[Resource]) -> None:
    """From every container into every pod, where a kubelet's configuration lets anyone do anything."""
    for resource in configurations:
        view: Any = resource.raw
        login, rights = view.get("authentication"), view.get("authorization")
        anonymous = login.get("anonymous") if isinstance(login, dict) else None
        if not (isinstance(anonymous, dict) and anonymous.get("enabled") is True):
            continue
        if not (isinstance(rights, dict) and rights.get("mode") == "AlwaysAllow"):
            continue
        path = ("authentication", "anonymous", "enabled")
        number = draft.removable(resource.ref, path, "anonymous requests to kubelets", "kubelet-anonymous-auth")
        traces = (Trace(resource.ref, path), Trace(resource.ref, ("authorization", "mode")))
        for box in boxes:
            title = STEP_KINDS["kubelet-open"].title
            draft.step(box.place, _PODS, "kubelet-open", title, removables=(number,), traces=traces)


def add_unrestricted_kubelets(draft: Draft, units: Iterable[Unit]) -> None:
    """From every kubelet to any account, where an API server runs that does not restrict what kubelets change."""
    hub = Place(PlaceKind.PERMISSION, "any service account")
    for unit in units:
        for box in unit.boxes():
            words = (*box.container.command, *box.container.args)
            if not any(word.rpartition("/")[2] == "kube-apiserver" for word in words[:1]):
                continue
            flags = dict(_flag(word) for word in words[1:] if word.startswith("--"))
            if "NodeRestriction" in flags.get("enable-admission-plugins", "").split(","):
                continue
            path = (*box.path, "command" if box.container.command else "args")
            what = "the API server without NodeRestriction"
            number = draft.removable(unit.ref, path, what, "apiserver-node-restriction")
            kind = STEP_KINDS["kubelet-unrestricted"]
            for place in draft.places():
                if place.kind is PlaceKind.IDENTITY and place.name.startswith("User system:node:"):
                    trace = Trace(unit.ref, path, "NodeRestriction is not among --enable-admission-plugins")
                    draft.step(place, hub, kind.id, kind.title, removables=(number,), traces=(trace,))


def add_open_services(draft: Draft, units: dict[str, Unit], inputs: Inputs) -> None:
    """From workloads to etcd and databases that take requests of anyone."""
    for label, unit in units.items():
        for box in unit.boxes():
            settings = Settings(draft, box)
            for kind, target, way in (*_etcd(settings), *_database(settings)):
                for source, port in _reaching(label, unit, units, inputs):
                    how = f"{STEP_KINDS[kind].title}: {unit.place.name} on port {port}"
                    for each in source.boxes():
                        draft.step(each.place, target, kind, how, removables=way.removables, traces=way.traces)


def _reaching(label: str, unit: Unit, units: dict[str, Unit], inputs: Inputs) -> Iterator[tuple[Unit, int]]:
    for source, port in inputs.sources(label):
        if source in units and source != label:
            yield units[source], port


def _etcd(settings: Settings) -> Iterator[tuple[str, Place, Way]]:
    container = settings.box.container
    words = (*container.command, *container.args)
    if not any(word.rpartition("/")[2] == "etcd" for word in words[:1]):
        return
    flags = dict(_flag(word) for word in words[1:] if word.startswith("--"))
    if flags.get("client-cert-auth") == "true" or flags.get("trusted-ca-file"):
        return
    urls = flags.get("listen-client-urls", "http://localhost:2379").split(",")
    if any(not any(part in url for part in ("//127.", "//[::1]", "//localhost")) for url in urls):
        path = (*settings.box.path, "command" if container.command else "args")
        number = settings.draft.removable(settings.unit.ref, path, "etcd without client certificates", _ETCD_RULE)
        yield "etcd-open", ADMIN, Way((number,), (Trace(settings.unit.ref, path, "no --client-cert-auth"),))


_ETCD_RULE = "etcd-client-cert-auth"


def _flag(word: str) -> tuple[str, str]:
    name, equals, value = word.lstrip("-").partition("=")
    return name, value if equals else "true"


def _database(settings: Settings) -> Iterator[tuple[str, Place, Way]]:
    container = settings.box.container
    name = re.split(r"[:@]", container.image.rpartition("/")[2])[0].lower()
    try:
        variables = [(index, each.name, each.value) for index, each in enumerate(container.env)]
    except InvalidField:
        return
    for pattern, variable, value in _OPEN_DATABASES:
        if not re.fullmatch(pattern, name):
            continue
        for index, called, given in variables:
            if called == variable and (given.lower() == value if value else given not in ("", "no", "0", "false")):
                path = (*settings.box.path, "env", index)
                way = settings.way(path, f"variable {variable} of {container.name}", "")
                yield "database-open", data_of(settings.unit), way


def data_of(unit: Unit) -> Place:
    """The data that a workload keeps."""
    return Place(PlaceKind.VOLUME, f"{unit.place.name}: its data", unit.namespace)
