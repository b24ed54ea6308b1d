"""Kubeconfig files as they lie on this machine: modes and owners, the files that they name, and whose else can be read.

Source of how files are merged and resolved: the Go package k8s.io/client-go/tools/clientcmd.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from seawall.model.finding import SourceError
from seawall.model.jwt import moment, read_claims
from seawall.model.paths import Path, lookup, parse_path
from seawall.model.resource import Resource
from seawall.model.views import without_nulls
from seawall.model.x509 import MAX_BYTES, NoCertificate, read_pem
from seawall.sources.made import make_resource
from seawall.sources.manifests.text import decode
from seawall.sources.manifests.yamltext import SyntaxProblem, parse_documents

_MAX_FILE = 16 * 1024 * 1024
#: Fields of a user or cluster that name a file, with the part that the file plays.
_NAMED_FILES = {
    "users": (
        ("user", "client-key", "client-key"),
        ("user", "client-certificate", "client-certificate"),
        ("user", "tokenFile", "token"),
    ),
    "clusters": (("cluster", "certificate-authority", "authority"),),
}
#: Kubeconfigs with all rights that distributions leave in known places.
_WELL_KNOWN = (
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/super-admin.conf",
    "/etc/rancher/k3s/k3s.yaml",
    "/etc/rancher/rke2/rke2.yaml",
    "/var/snap/microk8s/current/credentials/client.config",
)


def audited_paths(named: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """The files to audit: those named, those of ``KUBECONFIG`` that exist, or ``~/.kube/config`` whether or not."""
    if named:
        return list(dict.fromkeys(named))
    listed = [path for path in environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    found = [path for path in listed if os.path.lexists(path)]
    return list(dict.fromkeys(found or listed[:1] or [os.path.expanduser("~/.kube/config")]))


def audit_files(paths: Sequence[str]) -> Iterator[Resource | SourceError]:
    """A ``KubeconfigFile`` for each file, judged together as clients merge them.

    A file that cannot be read or is no kubeconfig is told by whoever reads its contents, not here.
    """
    configs = [(path, _read(path)) for path in paths]
    defined = {kind: _defined(configs, kind) for kind in ("clusters", "users", "contexts")}
    for path, config in configs:
        yield _resource(path, config, defined)


def foreign_files(own: Sequence[str], uid: int) -> Iterator[Resource]:
    """The kubeconfigs of other users that exist where people and distributions keep them; only their modes are read."""
    known = {os.path.realpath(path) for path in own}
    homes = [(entry.pw_uid, entry.pw_dir) for entry in pwd.getpwall()]
    usual = [os.path.join(home, ".kube", "config") for owner, home in homes if owner != uid and home.startswith("/")]
    for path in dict.fromkeys([*usual, *_WELL_KNOWN]):
        if os.path.realpath(path) in known:
            continue
        held = _held("kubeconfig", "", path)
        if (held["state"] == "file" and held["uid"] != uid) or (held["state"] == "file" and path in _WELL_KNOWN):
            spec = {"observed": _now(), "readerUid": uid, "foreign": True, "files": [held]}
            yield make_resource("KubeconfigFile", path, spec, path)


def _resource(path: str, config: dict[str, Any], defined: Mapping[str, Mapping[str, str]]) -> Resource:
    files = [_held("kubeconfig", "", path)]
    credentials: list[dict[str, Any]] = []
    places: dict[Path, Path] = {("spec", "files", 0): ()}
    for field, role, target, user in _named_files(path, config):
        places[("spec", "files", len(files))] = parse_path(field)
        files.append({**_held(role, field, target), "name": f"{user} {role}"})
        read = _credential(role, target)
        if read:
            places[("spec", "credentials", len(credentials))] = parse_path(field)
            credentials.append({**read, "user": user, "field": field})
    spec = {
        "observed": _now(),
        "readerUid": os.getuid(),
        "files": files,
        "credentials": credentials,
        "lost": list(_lost(config, defined)),
        "shadowed": list(_shadowed(path, config, defined)),
    }
    return make_resource("KubeconfigFile", path, spec, path, places)


def _read(path: str) -> dict[str, Any]:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return {}
        with open(path, "rb") as file:
            data = file.read(_MAX_FILE + 1)
        documents = parse_documents(decode(data)) if len(data) <= _MAX_FILE else []
    except (OSError, SyntaxProblem):
        return {}
    value = next((document.value for document in documents if document.value is not None), None)
    cleaned: dict[str, Any] = without_nulls(value) if isinstance(value, dict) else {}
    return cleaned


def _entries(config: dict[str, Any], plural: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    entries = config.get(plural)
    for i, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            body = entry.get(plural.removesuffix("s"))
            yield i, entry["name"], body if isinstance(body, dict) else {}


def _defined(configs: Sequence[tuple[str, dict[str, Any]]], plural: str) -> dict[str, str]:
    """The file that each name is taken from: the first that has it."""
    found: dict[str, str] = {}
    for path, config in configs:
        for _, name, _ in _entries(config, plural):
            found.setdefault(name, path)
    return found


def _lost(config: dict[str, Any], defined: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, str]]:
    for _, name, context in _entries(config, "contexts"):
        for kind in ("cluster", "user"):
            wanted = context.get(kind)
            if isinstance(wanted, str) and wanted and wanted not in defined[f"{kind}s"]:
                yield {"context": name, "kind": kind, "name": wanted}
    current = config.get("current-context")
    if isinstance(current, str) and current and current not in defined["contexts"]:
        yield {"context": "current-context", "kind": "context", "name": current}


def _shadowed(path: str, config: dict[str, Any], defined: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, str]]:
    for plural, names in defined.items():
        for _, name, _ in _entries(config, plural):
            if names[name] != path:
                yield {"kind": plural.removesuffix("s"), "name": name, "file": names[name]}


def _named_files(path: str, config: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Field, role, path and user (or cluster) of each file that a kubeconfig names."""
    folder = os.path.dirname(os.path.abspath(path))
    for plural, fields in _NAMED_FILES.items():
        for i, name, body in _entries(config, plural):
            for single, field, role in fields:
                value = body.get(field)
                # Data in the file itself wins over a file that is named beside it.
                if isinstance(value, str) and value and not body.get(f"{field}-data"):
                    yield f"{plural}[{i}].{single}.{field}", role, _beside(folder, value), name
            command = lookup(body, ("exec", "command"))
            if isinstance(command, str) and command:
                program = _beside(folder, command) if os.sep in command else shutil.which(command)
                if program:
                    yield f"{plural}[{i}].user.exec.command", "plugin", program, name


def _beside(folder: str, path: str) -> str:
    """A path from a file in this folder; one that climbs is left as it is, since links may be on its way."""
    joined = os.path.join(folder, path)
    return joined if ".." in path.split(os.sep) else os.path.normpath(joined)


def _held(role: str, field: str, path: str) -> dict[str, Any]:
    held: dict[str, Any] = {"role": role, "field": field, "path": path, "state": "file"}
    try:
        found = os.stat(path)
        folder = os.stat(os.path.dirname(os.path.realpath(path)))
    except FileNotFoundError:
        return {**held, "state": "absent"}
    except (OSError, ValueError):
        return {**held, "state": "unreadable"}
    if not stat.S_ISREG(found.st_mode):
        return {**held, "state": "unreadable"}
    held |= {"mode": stat.S_IMODE(found.st_mode), "uid": found.st_uid, "owner": _owner(found.st_uid)}
    return {**held, "folderMode": stat.S_IMODE(folder.st_mode), "folderUid": folder.st_uid}


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def _credential(role: str, path: str) -> dict[str, Any] | None:
    """What a certificate or token file says; None where it is neither or cannot be read (its modes are told all the
    same, and one that is absent is a finding)."""
    if role not in ("client-certificate", "token"):
        return None
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES)
    except (OSError, ValueError):
        return None
    if role == "token":
        claims = read_claims(data.decode("ascii", "replace"))
        if claims is None:
            return None
        dates = {"begins": _text(moment(claims.issued or claims.begins)), "ends": _text(moment(claims.expires))}
        return {"kind": "token", "name": claims.subject, "account": claims.service_account, **dates}
    try:
        found = read_pem(data)
    except NoCertificate:
        return None
    dates = {"begins": _text(found.begins), "ends": _text(found.ends)}
    return {"kind": "certificate", "name": found.user, "groups": list(found.groups), **dates}


def _text(time: datetime | None) -> str:
    return time.isoformat() if time is not None else ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
