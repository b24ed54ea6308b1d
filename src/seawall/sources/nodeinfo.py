"""``NodeInfo`` documents, as Trivy's node collector writes them, to facts.

They tell modes and owners of files by what each file is, not where, and a few settings of the kubelet. What they do not
tell stays unknown: no benchmark passes on it.
"""

from __future__ import annotations

from typing import Any

from seawall.model.facts import FACTS_SCHEMA, Component, Facts, FileFact, Host, Problem

KIND = "NodeInfo"
_PKI, _CNI = "/etc/kubernetes/pki", "/etc/cni/net.d"

#: What files are called there (before Permissions or Ownership): the place, and the path that stands for it. A star
#: is filled in with numbers, as there may be several.
_FILES = {
    "kubeAPIServerSpecFile": ("kube-apiserver.manifest", "/etc/kubernetes/manifests/kube-apiserver.yaml"),
    "kubeControllerManagerSpecFile": (
        "kube-controller-manager.manifest",
        "/etc/kubernetes/manifests/kube-controller-manager.yaml",
    ),
    "kubeSchedulerSpecFile": ("kube-scheduler.manifest", "/etc/kubernetes/manifests/kube-scheduler.yaml"),
    "kubeEtcdSpecFile": ("etcd.manifest", "/etc/kubernetes/manifests/etcd.yaml"),
    "containerNetworkInterfaceFile": ("cni.conf", f"{_CNI}/*.conf"),
    "etcdDataDirectory": ("etcd.data", "/var/lib/etcd"),
    "adminConfFile": ("admin.kubeconfig", "/etc/kubernetes/admin.conf"),
    "schedulerConfFile": ("kube-scheduler.kubeconfig", "/etc/kubernetes/scheduler.conf"),
    "controllerManagerConfFile": ("kube-controller-manager.kubeconfig", "/etc/kubernetes/controller-manager.conf"),
    "kubePKIDirectoryFile": ("pki", f"{_PKI}/*.crt"),
    "kubePKIKeyFile": ("pki", f"{_PKI}/*.key"),
    "kubernetesPKICertificateFile": ("pki", f"{_PKI}/*.crt"),
    "kubeletServiceFile": ("kubelet.unit", "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"),
    "kubeconfigFileExists": ("kube-proxy.kubeconfig", "/var/lib/kube-proxy/kubeconfig"),
    "kubeletConfFile": ("kubelet.kubeconfig", "/etc/kubernetes/kubelet.conf"),
    "certificateAuthoritiesFile": ("kubelet.client-ca", "/etc/kubernetes/kubelet-ca.crt"),
    "kubeletConfigYamlConfigurationFile": ("kubelet.config", "/var/lib/kubelet/config.yaml"),
}
_FOLDERS = {"pki": _PKI, "cni.conf": _CNI}
#: What flags of the kubelet are called there.
_FLAGS = {
    "kubeletAnonymousAuthArgumentSet": "anonymous-auth",
    "kubeletAuthorizationModeArgumentSet": "authorization-mode",
    "kubeletClientCaFileArgumentSet": "client-ca-file",
    "kubeletReadOnlyPortArgumentSet": "read-only-port",
    "kubeletStreamingConnectionIdleTimeoutArgumentSet": "streaming-connection-idle-timeout",
    "kubeletProtectKernelDefaultsArgumentSet": "protect-kernel-defaults",
    "kubeletMakeIptablesUtilChainsArgumentSet": "make-iptables-util-chains",
    "kubeletHostnameOverrideArgumentSet": "hostname-override",
    "kubeletEventQpsArgumentSet": "event-qps",
    "kubeletTlsCertFileTlsArgumentSet": "tls-cert-file",
    "kubeletTlsPrivateKeyFileArgumentSet": "tls-private-key-file",
    "kubeletRotateCertificatesArgumentSet": "rotate-certificates",
    "kubeletOnlyUseStrongCryptographic": "tls-cipher-suites",
}
_GATE = "kubeletRotateKubeletServerCertificateArgumentSet"
#: Flags that a NodeInfo has no name for.
_NEVER_TOLD = ("pod-max-pids", "pod-pids-limit", "seccomp-default", "tls-min-version")
_SERVING, _ROTATION = ("tls-cert-file", "tls-private-key-file"), "rotate-server-certificates"
_CONFIG = "kubeletConfigYamlConfigurationFile"
_MODE, _OWNER = ("FilePermissions", "FilePermission", "Permissions"), ("FileOwnership", "Ownership")
_MAX_VALUES = 10_000


def is_nodeinfo(document: Any) -> bool:
    """Whether a decoded document is a NodeInfo."""
    return isinstance(document, dict) and document.get("kind") == KIND and isinstance(document.get("info"), dict)


def facts_of(document: dict[str, Any]) -> Facts:
    """The facts that a NodeInfo tells."""
    info: dict[str, Any] = document["info"]
    problems: list[Problem] = []
    told = {str(name): _values(str(name), value, problems) for name, value in info.items()}
    files = _Files(problems)
    for name, values in told.items():
        if values is not None:
            files.add(name, values)
    metadata = document.get("metadata")
    node = metadata.get("name") if isinstance(metadata, dict) else None
    return Facts(
        schema=FACTS_SCHEMA,
        tool="trivy node-collector",
        collected="",
        root="/",
        host=Host(node if isinstance(node, str) else ""),
        layout="unknown",
        layout_evidence="a NodeInfo tells no layout",
        roles=("control-plane", "worker") if document.get("type") == "master" else ("worker",),
        paths=files.paths,
        components={"kubelet": _kubelet(told, problems)},
        files=files.found(),
        absent=tuple(sorted(files.absent)),
        problems=tuple(problems),
    )


def _values(name: str, value: Any, problems: list[Problem]) -> list[Any] | None:
    values = value.get("values") if isinstance(value, dict) else None
    if values is None or not isinstance(values, list) or len(values) > _MAX_VALUES:
        problems.append(Problem(f"info.{name}", "has no list of values"))
        return None
    return values


def _kubelet(told: dict[str, list[Any] | None], problems: list[Problem]) -> Component:
    """The kubelet with the flags that are told; one told without a value is not set.

    Where its configuration file is told, what is unset has that file's defaults: the collector looks into both.
    """
    flags: dict[str, tuple[str, ...]] = {}
    if told.get(_GATE):
        flags["feature-gates"] = tuple(
            f"RotateKubeletServerCertificate={str(value).lower()}" for value in told[_GATE] or ()
        )
    untold = list(_NEVER_TOLD)
    for name, flag in _FLAGS.items():
        values = told.get(name)
        if values:
            words = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
            flags[flag] = (",".join(words),) if flag == "tls-cipher-suites" else tuple(words)
        elif values is None and not _counts_as_unset(flag, told):
            untold.append(flag)
    if not any(told.get(name) is not None for name, flag in _FLAGS.items() if flag in _SERVING):
        untold.append(_ROTATION)
    problems += (Problem(f"components.kubelet.flags.{flag}", f"the NodeInfo does not tell --{flag}") for flag in untold)
    if told.get("kubeletConfigYamlConfigurationFilePermission"):
        return Component("kubelet", "process", flags=flags, config_path=_FILES[_CONFIG][1], config={})
    return Component("kubelet", "process", flags=flags)


def _counts_as_unset(flag: str, told: dict[str, list[Any] | None]) -> bool:
    """Whether a flag that is not told counts as unset: one of certificate and key where the other is unset."""
    return flag in _SERVING and any(told.get(name) == [] for name, mate in _FLAGS.items() if mate in _SERVING)


class _Files:
    """Puts modes and owners of the same files together."""

    def __init__(self, problems: list[Problem]) -> None:
        self.paths: dict[str, str] = {}
        self.absent: set[str] = set()
        self._problems = problems
        self._modes: dict[str, int] = {}
        self._owners: dict[str, tuple[str, str]] = {}

    def add(self, name: str, values: list[Any]) -> None:
        """Take in what is told under a name, if it is about files."""
        for suffixes, take in ((_MODE, self._mode), (_OWNER, self._owner)):
            for suffix in suffixes:
                stem = name.removesuffix(suffix)
                key = f"{stem}File" if f"{stem}File" in _FILES else stem
                if stem == name or key not in _FILES:
                    continue
                place, pattern = _FILES[key]
                self.paths[place] = _FOLDERS.get(place, pattern)
                if not values:
                    self.absent.add(_FOLDERS.get(place, pattern))
                for index, value in enumerate(values):
                    take(name, pattern.replace("*", str(index)), value)
                return

    def _mode(self, name: str, path: str, value: Any) -> None:
        text = str(value)
        if len(text) in (1, 2, 3, 4) and set(text) <= set("01234567"):
            self._modes[path] = int(text, 8)
        else:
            self._problems.append(Problem(f"info.{name}", f"{text[:40]!r} is not a mode"))

    def _owner(self, name: str, path: str, value: Any) -> None:
        owner, colon, group = str(value).partition(":")
        if colon and owner and group:
            self._owners[path] = (owner, group)
        else:
            self._problems.append(Problem(f"info.{name}", f"{str(value)[:40]!r} is not an owner"))

    def found(self) -> dict[str, FileFact]:
        """All files; the mode and the numbers of owners that are not told are -1."""
        files = {}
        for path in sorted({*self._modes, *self._owners}):
            owner, group = self._owners.get(path, ("", ""))
            uid, gid = (0 if each == "root" else -1 for each in (owner, group))
            kind = "directory" if path == "/var/lib/etcd" else "file"
            files[path] = FileFact(path, kind, self._modes.get(path, -1), uid, gid, owner, group)
        for folder in _FOLDERS.values():
            if any(path.startswith(f"{folder}/") for path in files):
                files[folder] = FileFact(folder, "directory", -1, -1, -1)
        self.absent -= set(files)
        return dict(sorted(files.items()))
