"""The version of Kubernetes on a host. Asking a program for it would run it, so it is found in what lies around.

In order: what the kubelet itself says (configz), its package in dpkg's list, the mark that k3s, RKE2, EKS and GKE leave
in their programs (``v1.31.2+k3s1``), and tags of images: of static pods, and of the container that kube-proxy runs in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from seawall.model.facts import Component, HostPackage
from seawall.sources.host.configs import parse_json
from seawall.sources.host.drafts import Draft, Site
from seawall.sources.host.root import HostError, Root

_DPKG = "/var/lib/dpkg/status"
_MAX_DPKG = 64 * 1024 * 1024
_MAX_PROGRAM = 512 * 1024 * 1024
_CHUNK = 1024 * 1024
_LONGEST = 64
_NAMES = ("kubelet", "k3s", "rke2", "kubernetes-node")
_STANZA = re.compile(rb"Status: install ok installed\n(?:.*\n)*?Version: (\S{1,60})\n")
_MAX_STANZA = 8192
_MARK = re.compile(rb"v1\.\d{1,2}\.\d{1,3}(?:\+k3s\d{1,2}|\+rke2r\d{1,2}|-eks-[0-9a-f]{7,12}|-gke\.\d{1,9})")
_CONTAINER = re.compile(r"(?:cri-containerd-|crio-|/)([0-9a-f]{64})")
_STATES = (
    ("/run/containerd/io.containerd.runtime.v2.task/k8s.io/{}/config.json", "io.kubernetes.cri.image-name"),
    ("/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/{}/config.json", "io.kubernetes.cri.image-name"),
    ("/run/containers/storage/overlay-containers/{}/userdata/config.json", "io.kubernetes.cri-o.ImageName"),
)


def kubernetes_version(
    site: Site, drafts: Mapping[str, Draft], found: Mapping[str, Component], packages: tuple[HostPackage, ...] | None
) -> str:
    """The version; empty where nothing tells it."""
    said = found["kubelet"].version if "kubelet" in found else ""
    said = said or next((_of_package(each.version) for each in packages or () if each.name in _NAMES), "")
    said = said or _of_dpkg(site.root) or _of_programs(site.root, found)
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"):
        said = said or (found[name].version if name in found else "")
    return said or _of_container(site, drafts.get("kube-proxy"))


def _of_package(version: str) -> str:
    """``1:1.31.2-1.1`` is v1.31.2."""
    upstream = re.split(r"[-~+]", version.rpartition(":")[2])[0]
    return f"v{upstream}" if re.fullmatch(r"1\.\d+\.\d+", upstream) else ""


def _of_dpkg(root: Root) -> str:
    try:
        data = root.read(_DPKG, _MAX_DPKG)
    except HostError:
        return ""
    head = b"Package: kubelet\n"
    start = 0 if data.startswith(head) else data.find(b"\n" + head) + 1
    stanza = data[start + len(head) : start + _MAX_STANZA].split(b"\n\n", 1)[0] + b"\n"
    match = _STANZA.match(stanza) if data.startswith(head, start) else None
    return _of_package(match[1].decode("ascii", "replace")) if match else ""


def _of_programs(root: Root, found: Mapping[str, Component]) -> str:
    for name in ("k3s", "rke2", "kubelet"):
        binary = found[name].binary if name in found else ""
        said = _marked(root, binary) if binary else ""
        if said:
            return said
    return ""


def _marked(root: Root, path: str) -> str:
    """The version that a distribution wrote into a program; read in pieces that overlap."""
    try:
        handle = root.open_file(path)
    except HostError:
        return ""
    kept, size = b"", 0
    try:
        while size < _MAX_PROGRAM and (piece := os.read(handle, _CHUNK)):
            match = _MARK.search(kept + piece)
            if match and match.end() < len(kept) + len(piece):
                return match[0].decode()
            kept, size = (kept + piece)[-_LONGEST:], size + len(piece)
        match = _MARK.search(kept)
        return match[0].decode() if match else ""
    except OSError:
        return ""
    finally:
        os.close(handle)


def _of_container(site: Site, proxy: Draft | None) -> str:
    """The tag of the image that kube-proxy runs from, as the container runtime keeps it for its container."""
    if proxy is None or proxy.process is None:
        return ""
    match = _CONTAINER.search(site.proc.text(f"{proxy.process.pid}/cgroup"))
    for path, key in _STATES if match else ():
        try:
            document = parse_json(site.root.read(path.format(match[1] if match else "")))
        except HostError:
            continue
        notes = document.get("annotations") if isinstance(document, dict) else None
        image = notes.get(key) if isinstance(notes, dict) else None
        tag = image.rpartition("/")[2].partition(":")[2] if isinstance(image, str) else ""
        if re.fullmatch(r"v1\.\d+\.\d+[\w.+-]{0,40}", tag):
            return tag
    return ""
