"""From findings to steps: which values move, under which names, and what changes where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from seawall.analysis.posture.secret_values import decode_base64, plain_values
from seawall.engine.externalize.objects import (
    EXTERNAL_SECRET,
    KEEPS_BYTES,
    OPAQUE,
    PROVIDERS,
    REQUIRED,
    Key,
    Moved,
    external_secret,
    provider_class,
    remote_name,
)
from seawall.engine.externalize.secrecy import Secrecy, names_no_secret
from seawall.engine.externalize.steps import (
    Left,
    Part,
    Request,
    Step,
    Use,
    free_name,
    mounts,
    source_of,
    uses,
)
from seawall.engine.result import ScanResult
from seawall.engine.rewrite import Rewriter
from seawall.engine.scan import UsageError
from seawall.model.finding import Finding
from seawall.model.paths import Path, lookup
from seawall.model.remedy import Edit
from seawall.model.resource import Inventory, Resource
from seawall.sources.manifests.jsonorigin import JsonOrigin
from seawall.sources.manifests.yamlorigin import YamlOrigin

SECRET_RULES = frozenset(("secret-in-manifest", "sops-value-in-clear"))
LITERAL_RULES = frozenset(("literal-secret-in-env", "credential-in-url"))
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_RENDERED = "it is rendered, or comes from a cluster: move it where it is written, and run this on plain manifests"


class Planner:
    """Makes the steps for what a scan found. ``settled`` are findings that are passed over."""

    def __init__(self, result: ScanResult, request: Request, rewriter: Rewriter, settled: Mapping[str, str]) -> None:
        self.result, self.request, self.rewriter = result, request, rewriter
        self.settled = settled
        self.inventory: Inventory = result.inventory
        self.secrecy = Secrecy()
        self.steps: list[Step] = []
        self.left: list[Left] = []
        self.provider = _provider(request, self.inventory)
        self._remotes: set[str] = set()
        self._folders: set[str] = set()
        self._names: dict[str | None, set[str]] = {}
        for each in self.inventory.resources:
            if each.ref.kind in ("Secret", "ExternalSecret", "SecretProviderClass", "SealedSecret"):
                self._names.setdefault(each.ref.namespace, set()).add(each.ref.name)

    def run(self) -> None:
        """Make the steps, and tell what must be left."""
        secrets: dict[int, tuple[Resource, list[Finding]]] = {}
        literals: dict[int, tuple[Resource, list[tuple[Finding, Path]]]] = {}
        for finding in self.result.open_findings():
            subject = self.result.subjects.get(id(finding))
            if subject is None or finding.rule not in SECRET_RULES | LITERAL_RULES:
                continue
            resource = subject.resource
            if finding.rule in SECRET_RULES:
                secrets.setdefault(id(resource), (resource, []))[1].append(finding)
            else:
                value = resource.value_at(subject.path)
                if isinstance(value, str):
                    self.secrecy.add(value, value)
                literals.setdefault(id(resource), (resource, []))[1].append((finding, subject.path))
        for resource, found in secrets.values():
            self._take(resource, found, self._secret)
        for resource, sites in literals.values():
            paths = {finding.fingerprint: path for finding, path in sites}
            self._take(resource, [finding for finding, _ in sites], lambda r, f, p=paths: self._literals(r, f, p))

    def _take(self, resource: Resource, found: list[Finding], make: Any) -> None:
        """Make the step for findings of one object, or tell why not. Values are kept secret either way."""
        self._keep_secret(resource)
        reason = next((self.settled[each.fingerprint] for each in found if each.fingerprint in self.settled), "")
        if not reason and not self._can_edit(resource):
            reason = _RENDERED
        if not reason:
            reason = make(resource, found)
        if reason:
            self.left += [Left(each, reason) for each in found]

    def _can_edit(self, resource: Resource) -> bool:
        return isinstance(resource.origin, YamlOrigin | JsonOrigin) and self.rewriter.can_edit(resource)

    def _keep_secret(self, resource: Resource) -> None:
        for path, text in plain_values(resource.raw) if resource.ref.kind == "Secret" else ():
            written = lookup(resource.raw, path)
            if not names_no_secret(str(path[-1]), text or ""):
                self.secrecy.add(text, str(written))

    def _secret(self, resource: Resource, found: list[Finding]) -> str:
        """Why a Secret cannot be moved; empty where it is."""
        raw = resource.raw
        if not resource.metadata.name:
            return "it has no name of its own (generateName)"
        if "sops" in raw:
            return "SOPS keeps the other values: decrypt the file first, or encrypt this value too"
        folder = self._folder(resource, resource.ref.name)
        keys: list[Key] = []
        merged = {**_strings(raw, "data"), **_strings(raw, "stringData")}
        for name, (field, value) in merged.items():
            encoded = field == "data"
            is_binary = encoded and _decoded(value) is None and self.provider != KEEPS_BYTES
            if is_binary and self.provider == "aws" and self.request.kind != EXTERNAL_SECRET:
                return f"{name} is no text, which the CSI driver cannot fetch from AWS: use --kind ExternalSecret"
            remote, prop = remote_name(self.provider, folder, name, self._remotes)
            keys.append(Key(name, remote, prop, is_binary, source_of(resource, (field, name), encoded)))
        moved = Moved(
            name=resource.ref.name,
            namespace=resource.ref.namespace,
            keys=tuple(keys),
            type=raw["type"] if isinstance(raw.get("type"), str) else OPAQUE,
            labels=self._shown(raw, "labels"),
            annotations=self._shown(raw, "annotations"),
            immutable=raw.get("immutable") is True,
        )
        if self.request.kind == EXTERNAL_SECRET:
            made = external_secret(moved, *self._store(moved.namespace))
            self._add(moved, made, (Part(resource, removed=True, added=(made,)),), found)
            return ""
        using = list(uses(self._workloads(), moved.namespace, moved.name))
        if not using:
            return "no pod of what is read uses it, and a SecretProviderClass is for pods: use --kind ExternalSecret"
        fixed = next((use.workload for use in using if not self._can_edit(use.workload)), None)
        if fixed is not None:
            return f"{fixed.ref} uses it, and {_RENDERED}"
        made = self._class(moved, any(use.needs_secret for use in using))
        parts = [Part(resource, removed=True, added=(made,))]
        parts += [Part(use.workload, mounts(use, moved.name)) for use in using]
        self._add(moved, made, tuple(parts), found)
        return ""

    def _literals(self, workload: Resource, found: list[Finding], paths: Mapping[str, Path]) -> str:
        """Why the literals of a workload cannot be moved; empty where they are."""
        if not workload.metadata.name:
            return "it has no name of its own (generateName)"
        name = free_name(f"{workload.ref.name[:240]}-env", self._names.setdefault(workload.ref.namespace, set()))
        folder = self._folder(workload, name)
        keys: dict[str, tuple[str, Key]] = {}
        edits: list[Edit] = []
        containers: list[tuple[str, int]] = []
        for path in dict.fromkeys(paths[each.fingerprint] for each in found):
            variable = workload.value_at(path[:-1])
            value = variable.get("value") if isinstance(variable, dict) else None
            if not isinstance(value, str) or "valueFrom" in variable:
                return "a variable has both a value and valueFrom"
            field, index = str(path[-5]), int(path[-4])
            key = self._key(str(variable.get("name", "")), str(workload.value_at((*path[:-3], "name"))), value, keys)
            if key not in keys:
                remote, prop = remote_name(self.provider, folder, key, self._remotes)
                keys[key] = value, Key(key, remote, prop, False, source_of(workload, path, False))
            ref = {"secretKeyRef": {"name": name, "key": key}}
            edits += [Edit("set", (*path[:-1], "valueFrom"), ref), Edit("remove", path)]
            if (field, index) not in containers:
                containers.append((field, index))
        moved = Moved(name, workload.ref.namespace, tuple(key for _, key in keys.values()), made=True)
        if self.request.kind == EXTERNAL_SECRET:
            made = external_secret(moved, *self._store(moved.namespace))
        else:
            made = self._class(moved, True)
            edits += mounts(Use(workload, containers, [], True), name)
        self._add(moved, made, (Part(workload, tuple(edits), added=(made,)),), found)
        return ""

    @staticmethod
    def _key(variable: str, container: str, value: str, keys: Mapping[str, tuple[str, Key]]) -> str:
        """The variable's name; with the container's before it where another has it with another value."""
        name = re.sub(r"[^-._a-zA-Z0-9]", "_", variable)[:120]
        if name in keys and keys[name][0] != value:
            name = re.sub(r"[^-._a-zA-Z0-9]", "_", f"{container}.{variable}")[:240]
        return name

    def _add(self, moved: Moved, value: dict[str, Any], parts: tuple[Part, ...], found: Iterable[Finding]) -> None:
        self.steps.append(Step(moved, value, parts, tuple(found)))

    def _workloads(self) -> list[Resource]:
        return [each for each in self.inventory.workloads() if self.inventory.owner_of(each) is None]

    def _folder(self, resource: Resource, name: str) -> str:
        """Where the store keeps a Secret: by namespace and name, and by folder where those are met twice."""
        plain = f"{resource.ref.namespace or 'default'}/{name}"
        if plain in self._folders and resource.origin.unit:
            plain = f"{re.sub(r'[^A-Za-z0-9_./-]+', '-', resource.origin.unit).strip('/.')}/{plain}"
        return free_name(plain, self._folders)

    def _shown(self, raw: dict[str, Any], field: str) -> dict[str, str]:
        """Labels or annotations that may be told: kubectl keeps the whole object in one."""
        metadata = raw.get("metadata")
        found = metadata.get(field) if isinstance(metadata, dict) else None
        return {
            key: value
            for key, value in (found if isinstance(found, dict) else {}).items()
            if isinstance(value, str) and key != _LAST_APPLIED and not self.secrecy.leak(value)
        }

    def _class(self, moved: Moved, synced: bool) -> dict[str, Any]:
        return provider_class(moved, self.provider, self.request.parameters, synced)

    def _store(self, namespace: str | None) -> tuple[str, str]:
        """Kind and name of the store to take the values from."""
        kind, slash, name = self.request.store.rpartition("/")
        if slash:
            return kind, name
        if name:
            known = self.inventory.get("SecretStore", namespace, name) is None
            is_wide = known and self.inventory.get("ClusterSecretStore", None, name) is not None
            return ("ClusterSecretStore" if is_wide else "SecretStore"), name
        near = [each for each in self.inventory.of_kind("SecretStore") if each.ref.namespace == namespace]
        found = near or self.inventory.of_kind("ClusterSecretStore")
        if len(found) != 1:
            told = "no store" if not found else f"{len(found)} stores"
            raise UsageError(
                f"{told} for the namespace {namespace or 'default'} in what is read: name one with --store"
            )
        return found[0].ref.kind, found[0].ref.name


def _provider(request: Request, inventory: Inventory) -> str:
    """The provider asked for, or that of the stores that are read.

    Raises:
        UsageError: a parameter is missing that nobody else can know.
    """
    provider = request.provider
    if not provider:
        known: set[str] = set()
        for store in inventory.of_kind("SecretStore", "ClusterSecretStore"):
            view: Any = store.view
            if request.store.rpartition("/")[2] in ("", store.ref.name):
                known.update(view.spec.provider)
        names = [name for name, (external, _) in PROVIDERS.items() if external in known]
        provider = names[0] if len(names) == 1 else "vault"
    if request.kind != EXTERNAL_SECRET:
        missing = [name for name in REQUIRED[provider] if not request.parameters.get(name)]
        if missing:
            asked = " ".join(f"--parameter {name}=..." for name in missing)
            raise UsageError(f"a SecretProviderClass for {provider} needs {asked}")
    return provider


def _strings(raw: dict[str, Any], field: str) -> dict[str, tuple[str, str]]:
    values = raw.get(field)
    return {
        key: (field, value)
        for key, value in (values if isinstance(values, dict) else {}).items()
        if isinstance(key, str) and isinstance(value, str)
    }


def _decoded(value: str) -> str | None:
    data = decode_base64(value)
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return None
