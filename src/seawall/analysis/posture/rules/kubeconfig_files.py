"""Kubeconfig files as they lie on a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.model.kube.credentials import HeldFile, KubeconfigFile
    from seawall.model.paths import Path
    from seawall.model.rule import Context

_KUBECONFIG = "https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/"
_GROUP_READ, _GROUP_WRITE, _OTHERS_READ, _OTHERS_WRITE, _STICKY = 0o040, 0o020, 0o004, 0o002, 0o1000
_SECRET_ROLES = frozenset(("client-key", "token"))


def _files(config: KubeconfigFile, *roles: str) -> Iterator[tuple[Path, HeldFile]]:
    for i, held in numbered(config.spec.files):
        if held.role in roles and held.state == "file":
            yield ("spec", "files", i), held


def _exposed(mode: int) -> tuple[str, Severity] | None:
    """What a mode lets others do to a secret file, and how bad that is."""
    if mode & _OTHERS_WRITE:
        return "everyone on the machine may write to it", Severity.HIGH
    if mode & _OTHERS_READ:
        return "everyone on the machine may read it", Severity.HIGH
    if mode & (_GROUP_READ | _GROUP_WRITE):
        return "its group may read it" if not mode & _GROUP_WRITE else "its group may write to it", Severity.MEDIUM
    return None


@rule(
    "kubeconfig-file-mode",
    title="Kubeconfig that others on the machine may read",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="KubeconfigFile",
    why="Every other user and every service of the machine can take the credentials in it; one who may write can have "
    "a program of his run at the next kubectl.",
    remediation="Set its mode to 0600: chmod 600 FILE.",
    controls="mitre-attack:T1552.001 nsa-cisa:authentication",
    references=(_KUBECONFIG,),
    notes="That its group may read it is of medium severity.",
)
def kubeconfig_file_mode(config: KubeconfigFile, ctx: Context) -> Hits:
    for path, held in _files(config, "kubeconfig"):
        found = _exposed(held.mode)
        if found is not None and not config.spec.foreign:
            yield Hit(f"its mode is {held.mode:04o}: {found[0]}", (*path, "mode"), severity=found[1])


@rule(
    "kubeconfig-file-owner",
    title="Kubeconfig that belongs to someone else",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="KubeconfigFile",
    why="Its owner can change it at any time: to another server, or to a program that runs as you.",
    remediation="Copy it, check what it runs, and use the copy: install -m 600 FILE ~/.kube/config.",
    controls="mitre-attack:T1204.002",
    references=(_KUBECONFIG,),
    notes="Files of root pass.",
)
def kubeconfig_file_owner(config: KubeconfigFile, ctx: Context) -> Hits:
    for path, held in _files(config, "kubeconfig"):
        if held.uid not in (0, config.spec.reader_uid) and not config.spec.foreign:
            yield Hit(f"it belongs to {held.owner or held.uid}", (*path, "uid"))


@rule(
    "kubeconfig-folder-writable",
    title="Kubeconfig in a folder that others may write to",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="KubeconfigFile",
    why="Who may write to the folder puts another file in its place, with a program that runs as whoever uses it.",
    remediation="Move it to ~/.kube, and set that folder's mode to 0700.",
    controls="mitre-attack:T1204.002",
    references=(_KUBECONFIG,),
    notes="A sticky folder (/tmp) passes: others cannot replace what is yours there.",
)
def kubeconfig_folder_writable(config: KubeconfigFile, ctx: Context) -> Hits:
    for path, held in _files(config, "kubeconfig"):
        if held.folder_mode & _OTHERS_WRITE and not held.folder_mode & _STICKY and not config.spec.foreign:
            yield Hit(f"the mode of its folder is {held.folder_mode:04o}", (*path, "folderMode"))


@rule(
    "kubeconfig-key-file-mode",
    title="Key or token of a kubeconfig that others may read",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="KubeconfigFile",
    why="Every other user and every service of the machine can take it and be that user until it ends.",
    remediation="Set its mode to 0600: chmod 600 FILE.",
    controls="mitre-attack:T1552.004 nsa-cisa:authentication",
    references=(_KUBECONFIG,),
)
def kubeconfig_key_file_mode(config: KubeconfigFile, ctx: Context) -> Hits:
    for path, held in _files(config, *_SECRET_ROLES):
        found = _exposed(held.mode)
        if found is not None:
            yield Hit(f"{held.path} has the mode {held.mode:04o}: {found[0]}", path, severity=found[1])


@rule(
    "kubeconfig-plugin-writable",
    title="Login program that others may replace",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="KubeconfigFile",
    why="Kubectl runs the program as whoever uses the file: who may write to it, or to its folder, runs anything as "
    "that user, with the credentials of the cluster.",
    remediation="Install the program into a folder that only root or you write to, and take the rights of others away.",
    controls="mitre-attack:T1574",
    references=(
        "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins",
    ),
)
def kubeconfig_plugin_writable(config: KubeconfigFile, ctx: Context) -> Hits:
    trusted = (0, config.spec.reader_uid)
    for path, held in _files(config, "plugin"):
        if held.mode & (_OTHERS_WRITE | _GROUP_WRITE) and not (held.uid == 0 and not held.mode & _OTHERS_WRITE):
            yield Hit(f"{held.path} has the mode {held.mode:04o}", path)
        elif held.uid not in trusted:
            yield Hit(f"{held.path} belongs to {held.owner or held.uid}", path)
        elif held.folder_mode & _OTHERS_WRITE:
            yield Hit(f"everyone may write to the folder of {held.path}", path)
        elif held.folder_uid not in trusted:
            yield Hit(f"the folder of {held.path} belongs to the user {held.folder_uid}", path)


@rule(
    "kubeconfig-lost-reference",
    title="Kubeconfig names what is not there",
    severity=Severity.LOW,
    scope=Scope.MANIFEST,
    on="KubeconfigFile",
    why="The context cannot be used, and whoever can put the missing file or entry there decides where it leads.",
    remediation="Remove the context, or put the missing entry or file back.",
    references=(_KUBECONFIG,),
    notes="All files of KUBECONFIG are taken together.",
)
def kubeconfig_lost_reference(config: KubeconfigFile, ctx: Context) -> Hits:
    for i, lost in numbered(config.spec.lost):
        yield Hit(
            f"the context {lost.context!r} is for the {lost.kind} {lost.name!r}, which no file has", f"spec.lost[{i}]"
        )
    for i, held in numbered(config.spec.files):
        if held.state == "absent":
            yield Hit(f"{held.path} ({held.role}) is not there", ("spec", "files", i))


@rule(
    "kubeconfig-shadowed-name",
    title="Entry of a kubeconfig that is never used",
    severity=Severity.LOW,
    scope=Scope.MANIFEST,
    on="KubeconfigFile",
    why="A file before it in KUBECONFIG has the name already, so commands reach another cluster, or as another user, "
    "than the entry says.",
    remediation="Rename one of the entries.",
    references=(_KUBECONFIG,),
)
def kubeconfig_shadowed_name(config: KubeconfigFile, ctx: Context) -> Hits:
    for i, entry in numbered(config.spec.shadowed):
        yield Hit(f"the {entry.kind} {entry.name!r} is that of {entry.file}", f"spec.shadowed[{i}]")


@rule(
    "kubeconfig-of-others-readable",
    title="Kubeconfig of another user can be read",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="KubeconfigFile",
    why="Anyone who gets to run something on the machine takes that user's rights in the cluster; admin.conf and "
    "k3s.yaml hold all rights.",
    remediation="Set its mode to 0600: chmod 600 FILE.",
    controls="mitre-attack:T1552.001 nsa-cisa:authentication",
    references=(_KUBECONFIG,),
)
def kubeconfig_of_others_readable(config: KubeconfigFile, ctx: Context) -> Hits:
    for path, held in _files(config, "kubeconfig"):
        if config.spec.foreign and held.mode & (_OTHERS_READ | _OTHERS_WRITE):
            message = f"it belongs to {held.owner or held.uid}, its mode is {held.mode:04o}"
            yield Hit(message, (*path, "mode"), severity=Severity.CRITICAL if held.owner == "root" else None)
