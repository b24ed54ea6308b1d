"""Kubeconfig files as they lie on a machine: modes, owners, the files that they name, and the credentials in those."""

from __future__ import annotations

from seawall.model.kube.base import KubeObject, View


class HeldFile(View, frozen=True):
    """A kubeconfig or a file that it names. ``field`` is where it is named (``users[0].user.client-key``).

    ``name`` tells it from the others: whose it is, and its role. ``role`` is ``kubeconfig``, ``client-key``,
    ``client-certificate``, ``token``, ``authority`` or ``plugin``; ``state`` is ``file``, ``absent`` or ``unreadable``
    (then nothing more is known). ``folderMode`` and ``folderUid`` are those of the folder that it lies in.
    """

    name: str = ""
    role: str = ""
    field: str = ""
    path: str = ""
    state: str = "file"
    mode: int = 0
    uid: int = 0
    owner: str = ""
    folder_mode: int = 0
    folder_uid: int = 0


class HeldCredential(View, frozen=True):
    """A credential out of a file that a kubeconfig names; times are RFC 3339, empty where it has none.

    ``kind`` is ``certificate`` or ``token``; ``account`` is the service account of a token (namespace/name).
    """

    kind: str = ""
    user: str = ""
    field: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()
    begins: str = ""
    ends: str = ""
    account: str = ""


class LostReference(View, frozen=True):
    """A context that names a cluster or a user which no file has."""

    context: str = ""
    kind: str = ""
    name: str = ""


class ShadowedName(View, frozen=True):
    """An entry that is never used, because a file before this one has the name already."""

    kind: str = ""
    name: str = ""
    file: str = ""


class KubeconfigFileSpec(View, frozen=True):
    """What was found of it, when (RFC 3339), and by which user of the machine.

    ``foreign`` marks the kubeconfig of someone else, of which nothing but its modes was looked at.
    """

    observed: str = ""
    reader_uid: int = 0
    foreign: bool = False
    files: tuple[HeldFile, ...] = ()
    credentials: tuple[HeldCredential, ...] = ()
    lost: tuple[LostReference, ...] = ()
    shadowed: tuple[ShadowedName, ...] = ()


class KubeconfigFile(KubeObject, frozen=True):
    """A kubeconfig on a machine."""

    spec: KubeconfigFileSpec = KubeconfigFileSpec()
