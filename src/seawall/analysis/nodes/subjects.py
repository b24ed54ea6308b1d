"""What a check can be about: settings, files, values anywhere in the facts; each gives what it saw or says why not."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from seawall.analysis.nodes.node import Node, Resolved, lookup
from seawall.analysis.nodes.operators import UNSET
from seawall.analysis.nodes.outcome import NotHere, NotKnown
from seawall.analysis.nodes.settings import DataError, settings
from seawall.model.facts import Facts, FileFact

#: What a subject gives: called with the node and the item at hand (of ``each`` and ``some``).
Read = Callable[[Node, Any], Resolved]


class Subject(NamedTuple):
    """A thing to be looked at, and the type of its values (``any``: as they come)."""

    read: Read
    type: str


#: Places that benchmarks name besides those that a component of the table tells (``kubelet.config``).
PLACES = frozenset(
    (
        *("admin.kubeconfig", "super-admin.kubeconfig", "pki", "etcd.data", "cni.conf", "cni.bin", "kubelet.client-ca"),
        *("docker.unit", "docker.socket-unit", "docker.socket", "docker.config", "docker.root", "docker.certs"),
        *("docker.tls-ca", "docker.tls-cert", "docker.tls-key", "docker.default", "docker.sysconfig", "docker.etc"),
        *("containerd.socket", "containerd.config", "containerd.unit", "crio.config", "crio.socket", "crio.unit"),
        *("audit.log", "encryption.config"),
    )
)
_KINDS = frozenset(("manifest", "config", "kubeconfig", "unit", "binary"))


def place_name(where: str, name: Any) -> str:
    """A name of a well-known place.

    Raises:
        DataError: there is none of that name.
    """
    owner, _, what = str(name).rpartition(".")
    if name not in PLACES and not (owner in settings() and what in _KINDS):
        raise DataError(f"{where}: no place is called {name!r}")
    return str(name)


def setting_subject(where: str, text: Any) -> Subject:
    """``kubelet/anonymous-auth``: a setting of the table."""
    component, name = setting_name(where, text)
    return Subject(lambda node, _: node.setting(component, name), settings()[component].settings[name].type)


def setting_name(where: str, text: Any) -> tuple[str, str]:
    """The component and name of a setting.

    Raises:
        DataError: the table has none of that name.
    """
    component, _, name = str(text).partition("/")
    if component not in settings() or name not in settings()[component].settings:
        raise DataError(f"{where}: the table of settings has no {text!r}")
    return component, name


def gate_subject(where: str, text: Any) -> Subject:
    """``kubelet/RotateKubeletServerCertificate``: a feature gate of the table."""
    component, _, name = str(text).partition("/")
    if component not in settings() or name not in settings()[component].gates:
        raise DataError(f"{where}: the table of settings has no gate {text!r}")
    return Subject(lambda node, _: node.gate(component, name), "bool")


def sysctl_subject(where: str, name: Any) -> Subject:
    """``net.ipv4.ip_forward``: a kernel setting, as text."""
    key = str(name)

    def read(node: Node, _: Any) -> Resolved:
        place = f"sysctls.{key}"
        if key not in node.facts.sysctls:
            raise NotKnown(node.problem(place, "sysctls") or f"{key} was not read")
        return Resolved(node.facts.sysctls[key], "kernel", place, "", key)

    return Subject(read, "text")


def fact_subject(where: str, text: Any) -> Subject:
    """``docker.info.LiveRestoreEnabled``: a value by its place in the facts."""
    path = fact_path(where, text)

    def read(node: Node, _: Any) -> Resolved:
        return Resolved(fact(node, path), "fact", path, "", path)

    return Subject(read, "any")


def item_subject(where: str, text: Any) -> Subject:
    """``HostConfig.Privileged``: a value by its place in the item at hand; ``.`` is the item."""
    path = str(text)

    def read(node: Node, item: Any) -> Resolved:
        value = item if path == "." else lookup(item, path)
        return Resolved(UNSET if value is None else value, "fact", path, "", path)

    return Subject(read, "any")


def document_subject(where: str, data: Any) -> Subject:
    """``{named-by: kube-apiserver/audit-policy-file, at: rules}``: a value in a file that a setting names."""
    if not isinstance(data, dict) or set(data) - {"named-by", "at"} or "named-by" not in data:
        raise DataError(f"{where}: a document is given as {{named-by: a setting, at: a path}}")
    component, name = setting_name(where, data["named-by"])
    path = str(data.get("at", "."))

    def read(node: Node, _: Any) -> Resolved:
        named = node.setting(component, name)
        if named.value in (UNSET, ""):
            raise NotHere(f"{named.name} of {component} names no file")
        file = str(named.value)
        document = node.facts.documents.get(file)
        if document is None:
            raise NotKnown(node.problem(f"documents.{file}", f"files.{file}") or f"{file} was not read")
        value = document if path == "." else lookup(document, path)
        return Resolved(UNSET if value is None else value, "file", f"documents.{file}.{path}", file, path)

    return Subject(read, "any")


#: Subjects with values, by the key that names them.
VALUE_SUBJECTS: dict[str, Callable[[str, Any], Subject]] = {
    "setting": setting_subject,
    "gate": gate_subject,
    "sysctl": sysctl_subject,
    "fact": fact_subject,
    "item": item_subject,
    "document": document_subject,
}


def fact_path(where: str, text: Any) -> str:
    """A path with dots into the facts, its steps checked as far as the model knows them.

    Raises:
        DataError: the model has no such fact.
    """
    known: Any = Facts
    for step in str(text).split("."):
        known = _inner(known)
        if isinstance(known, type) and issubclass(known, msgspec.Struct):
            fields = typing.get_type_hints(known)
            if step not in fields:
                raise DataError(f"{where}: facts have no {text!r}: {known.__name__} has no {step!r}")
            known = fields[step]
        elif typing.get_origin(known) is dict:
            known = typing.get_args(known)[1]
        elif known is not Any:
            raise DataError(f"{where}: facts have no {text!r}: there is nothing within what comes before {step!r}")
    return str(text)


def _inner(known: Any) -> Any:
    if isinstance(known, types.UnionType):
        return next(each for each in typing.get_args(known) if each is not type(None))
    return known


def fact(node: Node, path: str) -> Any:
    """The value at a path of the facts; ``UNSET`` where there is none.

    Raises:
        NotKnown: it could not be had, or something on the way was not collected.
    """
    value: Any = node.facts
    steps = path.split(".")
    for index, step in enumerate(steps):
        above = value
        value = lookup(above, step)
        if value is None:
            so_far = ".".join(steps[: index + 1])
            reason = node.problem(so_far)
            if reason or isinstance(above, msgspec.Struct):
                raise NotKnown(reason or f"{so_far} was not collected")
            return UNSET
    return value


def files_subject(where: str, data: Any) -> Callable[[Node], Iterator[FileFact | NotHere | NotKnown]]:
    """``{path: /etc/passwd}``, ``{place: pki, match: "*.crt"}``, ``{named-by: kubelet/client-ca-file}``, or a list.

    What is missing is given as the exception that says why.
    """
    entries = data if isinstance(data, list) else [data]
    readers = [_file_reader(where, entry) for entry in entries]

    def read(node: Node) -> Iterator[FileFact | NotHere | NotKnown]:
        for reader in readers:
            try:
                yield from reader(node)
            except (NotHere, NotKnown) as missing:
                yield missing

    return read


def _file_reader(where: str, entry: Any) -> Callable[[Node], Sequence[FileFact | NotKnown]]:
    if not isinstance(entry, dict) or set(entry) - {"path", "place", "named-by", "match", *_DROP_INS}:
        raise DataError(f"{where}: a file is given by path, place or named-by, and match, or by drop-ins")
    if set(_DROP_INS) & set(entry):
        return _drop_ins(where, entry)
    locate = _locator(where, entry)
    pattern = entry.get("match")
    if pattern is None:
        return lambda node: [node.file(locate(node))]
    return lambda node: node.files_under(locate(node), str(pattern))


#: Files beside a component's unit and configuration, by what they are called here: where a component tells them.
_DROP_INS = {"drop-ins": "unit_dropins", "config-drop-ins": "dropins"}


def _drop_ins(where: str, entry: dict[str, Any]) -> Callable[[Node], list[FileFact]]:
    """``{drop-ins: kubelet}``, ``{config-drop-ins: kubelet}``: the files that change a component's unit or settings."""
    ((kind, component),) = entry.items() if len(entry) == 1 else (("", ""),)
    if kind not in _DROP_INS or component not in settings():
        raise DataError(f"{where}: drop-ins takes a component of the table of settings, and stands alone")

    def read(node: Node) -> list[FileFact]:
        files = [node.file(path) for path in getattr(node.component(component), _DROP_INS[kind])]
        if not files:
            raise NotHere(f"{component} has no {kind}")
        return files

    return read


def _locator(where: str, entry: dict[str, Any]) -> Callable[[Node], str]:
    if sum(key in entry for key in ("path", "place", "named-by")) != 1:
        raise DataError(f"{where}: a file is given by one of path, place and named-by")
    if "path" in entry:
        path = str(entry["path"])
        return lambda node: path
    if "place" in entry:
        name = place_name(where, entry["place"])
        return lambda node: node.place(name)
    component, setting = setting_name(where, entry["named-by"])

    def named(node: Node) -> str:
        found = node.setting(component, setting)
        if found.value in (UNSET, ""):
            raise NotHere(f"{found.name} of {component} names no file")
        return str(found.value)

    return named
