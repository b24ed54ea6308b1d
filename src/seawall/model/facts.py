"""Facts of a node: one document that a host's collection writes and every audit reads, then or later, anywhere."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

FACTS_SCHEMA = "seawall.facts/v1"


class FileFact(Struct, frozen=True, omit_defaults=True, gc=False):
    """A file or directory as found on the node. ``mode`` has twelve bits (0o7777); names are empty where unknown.

    Facts that another tool collected may lack parts: ``mode``, ``uid`` and ``gid`` are -1 then.
    """

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    owner: str = ""
    group: str = ""
    size: int = 0
    target: str = ""


class Component(Struct, frozen=True, omit_defaults=True, gc=False):
    """A program of the cluster as it runs, or as its static pod or unit would run it.

    ``flags`` maps a flag without dashes to its values, in order (``--v=2 --v=3`` gives two; a bare flag gives
    ``true``). ``seen_in`` is ``process``, ``static-pod``, ``unit`` or ``config``. ``config`` is the parsed
    configuration file, None where there is none or it could not be read (then `Facts.problems` says why);
    ``config_path`` is where it is. ``kubeconfig_path`` likewise. ``dropins`` are read in the component's own order
    and already merged into ``config``. ``configz`` is what the running kubelet itself reports. ``unit_dropins`` are the
    files that change the unit. ``implied`` names those of ``flags`` that nobody wrote: the distribution starts the
    program with them by itself (k3s). ``environment`` has a few harmless variables alone.
    """

    name: str
    seen_in: str
    argv: tuple[str, ...] = ()
    flags: dict[str, tuple[str, ...]] = {}
    pid: int = 0
    uid: int = -1
    version: str = ""
    binary: str = ""
    unit_path: str = ""
    manifest_path: str = ""
    config_path: str = ""
    config: dict[str, Any] | None = None
    dropins: tuple[str, ...] = ()
    kubeconfig_path: str = ""
    configz: dict[str, Any] | None = None
    environment: dict[str, str] = {}
    unit_dropins: tuple[str, ...] = ()
    implied: tuple[str, ...] = ()


class Listener(Struct, frozen=True, omit_defaults=True, gc=False):
    """A listening port: ``tcp``, ``0.0.0.0``, 10250, ``kubelet``."""

    protocol: str
    address: str
    port: int
    process: str = ""
    pid: int = 0


class Mount(Struct, frozen=True, omit_defaults=True, gc=False):
    """A mount, options as the kernel lists them."""

    target: str
    source: str
    fstype: str
    options: tuple[str, ...] = ()


class Account(Struct, frozen=True, omit_defaults=True, gc=False):
    """A local user. ``locked`` is None where the password file could not be read; no hash is ever kept."""

    name: str
    uid: int
    gid: int
    home: str = ""
    shell: str = ""
    groups: tuple[str, ...] = ()
    locked: bool | None = None


class HostPackage(Struct, frozen=True, omit_defaults=True, gc=False):
    """A package of the node's distribution."""

    type: str
    name: str
    version: str
    arch: str = ""
    source_name: str = ""
    source_version: str = ""


class HostSecurity(Struct, frozen=True, omit_defaults=True, gc=False):
    """What the kernel and firmware tell of protections; None where they do not tell."""

    selinux: str | None = None
    apparmor: bool | None = None
    apparmor_profiles: int | None = None
    seccomp: bool | None = None
    secure_boot: bool | None = None
    tpm: str | None = None
    lockdown: str | None = None
    userns_limit: int | None = None


class Docker(Struct, frozen=True, omit_defaults=True, gc=False):
    """What the Docker engine answers, and its configuration: ``info``, ``version`` and the inspect documents."""

    info: dict[str, Any] | None = None
    version: dict[str, Any] | None = None
    containers: tuple[dict[str, Any], ...] = ()
    images: tuple[dict[str, Any], ...] = ()
    networks: tuple[dict[str, Any], ...] = ()
    audit_rules: tuple[str, ...] | None = None


class Problem(Struct, frozen=True, gc=False):
    """A fact that could not be had: its place in the document (``files./etc/kubernetes/pki``) and why."""

    fact: str
    reason: str


class Host(Struct, frozen=True, omit_defaults=True, gc=False):
    """The node itself. ``container`` tells that the facts are those of a container; ``cmdline`` is the kernel's."""

    name: str
    os_id: str = ""
    os_version: str = ""
    os_name: str = ""
    kernel: str = ""
    architecture: str = ""
    container: bool = False
    cmdline: tuple[str, ...] = ()


class Facts(Struct, frozen=True, omit_defaults=True):
    """Everything collected from one node at one time (``collected``: RFC 3339).

    ``layout`` names the distribution (``kubeadm``, ``k3s``, ``rke2``, ``eks``, ``aks``, ``gke``, ``systemd``,
    ``docker``, ``unknown``), ``layout_evidence`` what says so, ``roles`` any of ``control-plane``, ``etcd``,
    ``worker``, ``docker-host``. ``components`` are keyed by the upstream program's name (``kube-apiserver``,
    ``kubelet``, ``containerd``, ...); ``files`` by absolute path on the node; a path that was looked for and is
    missing is in ``absent``. ``documents`` are further configuration files by absolute path, parsed, with secrets
    taken out (the EncryptionConfiguration, audit policy, AuthenticationConfiguration, AuthorizationConfiguration and
    AdmissionConfiguration that flags of the API server name). ``paths`` gives the layout's value of well-known
    places (``kubelet.kubeconfig``, ``pki``, ``etcd.data``, ``cni.conf``, ...), as benchmarks name them. ``sysctls``
    are as in /proc/sys with dots.
    """

    schema: str
    tool: str
    collected: str
    root: str
    host: Host
    layout: str
    layout_evidence: str = ""
    roles: tuple[str, ...] = ()
    kubernetes_version: str = ""
    paths: dict[str, str] = {}
    components: dict[str, Component] = {}
    files: dict[str, FileFact] = {}
    absent: tuple[str, ...] = ()
    documents: dict[str, Any] = {}
    sysctls: dict[str, str] = {}
    mounts: tuple[Mount, ...] = ()
    listeners: tuple[Listener, ...] = ()
    accounts: tuple[Account, ...] = ()
    sshd: dict[str, tuple[str, ...]] | None = None
    packages: tuple[HostPackage, ...] | None = None
    security: HostSecurity = HostSecurity()
    modules: tuple[str, ...] = ()
    docker: Docker | None = None
    problems: tuple[Problem, ...] = ()
