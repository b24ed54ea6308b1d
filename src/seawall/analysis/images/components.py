"""The cluster's own software by version (NIST SP 800-190 4.4.1): what nodes tell, and well-known images' tags.

Each is matched as the Go module, or other package, that advisories name. A version comes from the node's status or from
the image's tag, so a patched build of a vendor (``v1.29.1-eks-1234``) is judged as the release that it was made from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from seawall.model.components import ComponentUse
from seawall.model.finding import ResourceRef
from seawall.model.images import Package
from seawall.model.kube.base import InvalidField
from seawall.model.purl import make_purl
from seawall.model.resource import Inventory, NotRead, Resource


class Known(NamedTuple):
    """How advisories name a piece of software."""

    name: str
    type: str
    package: str


def _go(name: str, module: str) -> Known:
    return Known(name, "golang", module)


_KUBERNETES = "k8s.io/kubernetes"
#: By the end of the image's repository: the longest that fits counts.
IMAGES: dict[str, Known] = {
    "kube-apiserver": _go("kube-apiserver", _KUBERNETES),
    "kube-controller-manager": _go("kube-controller-manager", _KUBERNETES),
    "kube-scheduler": _go("kube-scheduler", _KUBERNETES),
    "kube-proxy": _go("kube-proxy", _KUBERNETES),
    "hyperkube": _go("kubernetes", _KUBERNETES),
    "ingress-nginx/controller": _go("ingress-nginx", "k8s.io/ingress-nginx"),
    "coredns": _go("coredns", "github.com/coredns/coredns"),
    "etcd": _go("etcd", "go.etcd.io/etcd/v3"),
    "istio/pilot": _go("istio", "istio.io/istio"),
    "istio/proxyv2": _go("istio", "istio.io/istio"),
    "argoproj/argocd": _go("argo-cd", "github.com/argoproj/argo-cd/v2"),
    "argoproj/argocli": _go("argo-workflows", "github.com/argoproj/argo-workflows/v3"),
    "argoproj/workflow-controller": _go("argo-workflows", "github.com/argoproj/argo-workflows/v3"),
    "argoproj/argo-rollouts": _go("argo-rollouts", "github.com/argoproj/argo-rollouts"),
    "cert-manager-controller": _go("cert-manager", "github.com/cert-manager/cert-manager"),
    "cert-manager-webhook": _go("cert-manager", "github.com/cert-manager/cert-manager"),
    "calico/node": _go("calico", "github.com/projectcalico/calico"),
    "calico/kube-controllers": _go("calico", "github.com/projectcalico/calico"),
    "calico/typha": _go("calico", "github.com/projectcalico/calico"),
    "cilium/cilium": _go("cilium", "github.com/cilium/cilium"),
    "cilium/operator-generic": _go("cilium", "github.com/cilium/cilium"),
    "flannel": _go("flannel", "github.com/flannel-io/flannel"),
    "traefik": _go("traefik", "github.com/traefik/traefik/v3"),
    "contour": _go("contour", "github.com/projectcontour/contour"),
    "fluxcd/source-controller": _go("flux source-controller", "github.com/fluxcd/source-controller"),
    "fluxcd/kustomize-controller": _go("flux kustomize-controller", "github.com/fluxcd/kustomize-controller"),
    "fluxcd/helm-controller": _go("flux helm-controller", "github.com/fluxcd/helm-controller"),
    "kyverno/kyverno": _go("kyverno", "github.com/kyverno/kyverno"),
    "openpolicyagent/gatekeeper": _go("gatekeeper", "github.com/open-policy-agent/gatekeeper/v3"),
    "openpolicyagent/opa": _go("opa", "github.com/open-policy-agent/opa"),
    "prometheus/prometheus": _go("prometheus", "github.com/prometheus/prometheus"),
    "grafana/grafana": _go("grafana", "github.com/grafana/grafana"),
    "kubernetesui/dashboard": _go("kubernetes-dashboard", "github.com/kubernetes/dashboard"),
    "metrics-server": _go("metrics-server", "sigs.k8s.io/metrics-server"),
    "external-secrets": _go("external-secrets", "github.com/external-secrets/external-secrets"),
    "rancher/rancher": _go("rancher", "github.com/rancher/rancher"),
    "longhornio/longhorn-manager": _go("longhorn", "github.com/longhorn/longhorn-manager"),
    "velero/velero": _go("velero", "github.com/vmware-tanzu/velero"),
    "hashicorp/vault": _go("vault", "github.com/hashicorp/vault"),
    "hashicorp/consul": _go("consul", "github.com/hashicorp/consul"),
    "goharbor/harbor-core": _go("harbor", "github.com/goharbor/harbor"),
    "dexidp/dex": _go("dex", "github.com/dexidp/dex"),
    "oauth2-proxy": _go("oauth2-proxy", "github.com/oauth2-proxy/oauth2-proxy/v7"),
    "linkerd/controller": _go("linkerd", "github.com/linkerd/linkerd2"),
    "kubevirt/virt-controller": _go("kubevirt", "kubevirt.io/kubevirt"),
    "tekton-releases/github.com/tektoncd/pipeline/cmd/controller": _go("tekton", "github.com/tektoncd/pipeline"),
    "knative-releases/knative.dev/serving/cmd/controller": _go("knative", "knative.dev/serving"),
}
_RUNTIMES = {
    "containerd": _go("containerd", "github.com/containerd/containerd"),
    "cri-o": _go("cri-o", "github.com/cri-o/cri-o"),
    "docker": _go("docker", "github.com/docker/docker"),
}
#: Modules whose major version is part of the path, as it is at a version.
_MAJORS = {
    "github.com/containerd/containerd": "github.com/containerd/containerd/v{}",
    "github.com/argoproj/argo-cd/v2": "github.com/argoproj/argo-cd/v{}",
    "github.com/traefik/traefik/v3": "github.com/traefik/traefik/v{}",
    "github.com/argoproj/argo-workflows/v3": "github.com/argoproj/argo-workflows/v{}",
}
_VERSION = re.compile(r"v?([0-9]+\.[0-9]+(?:\.[0-9]+)?(?:-(?:rc|beta|alpha)[.0-9]*)?)")
_KERNEL_REASON = (
    "a kernel's version does not tell which fixes its distribution put in: scan the node (`seawall node`) or its "
    "file system (`seawall image rootfs:/`)"
)


def components_of(inventory: Inventory) -> list[ComponentUse]:
    """The cluster's software, each version once, with the nodes and workloads that it runs on."""
    uses: dict[tuple[str, str], ComponentUse] = {}
    for use in (*_of_nodes(inventory), *_of_workloads(inventory)):
        key = (use.name, use.version)
        known = uses.get(key)
        resources = use.resources if known is None else tuple(dict.fromkeys((*known.resources, *use.resources)))
        uses[key] = ComponentUse(use.name, use.version, use.packages, resources, use.reason)
    return sorted(uses.values(), key=lambda use: (use.name, use.version))


def _of_nodes(inventory: Inventory) -> Iterator[ComponentUse]:
    for node in inventory.resources:
        if node.ref.kind != "Node" or node.ref.api_version != "v1":
            continue
        info = _node_info(node)
        for field, name in (("kubeletVersion", "kubelet"), ("kubeProxyVersion", "kube-proxy")):
            if version := info.get(field, ""):
                yield _use(_go(name, _KUBERNETES), version, node.ref)
        runtime, separator, version = info.get("containerRuntimeVersion", "").partition("://")
        if separator:
            known = _RUNTIMES.get(runtime)
            if known is not None:
                yield _use(known, version, node.ref)
            else:
                yield ComponentUse(runtime, version, (), (node.ref,), f"nothing is known of the runtime {runtime}")
        if kernel := info.get("kernelVersion", ""):
            yield ComponentUse("kernel", kernel, (), (node.ref,), _KERNEL_REASON)


def _node_info(node: Resource) -> dict[str, str]:
    status = node.raw.get("status")
    info = status.get("nodeInfo") if isinstance(status, dict) else None
    if not isinstance(info, dict):
        return {}
    return {key: value for key, value in info.items() if isinstance(value, str)}


def _of_workloads(inventory: Inventory) -> Iterator[ComponentUse]:
    try:
        workloads = inventory.workloads()
    except NotRead:
        return
    for workload in workloads:
        if inventory.owner_of(workload) is not None:
            continue
        for image in _images(workload):
            known, tag = component_of(image)
            if known is not None:
                yield _use(known, tag, workload.ref)


def _images(workload: Resource) -> Iterator[str]:
    try:
        template: Any = workload.template()
        for _, _, container in template.spec.all_containers() if template is not None else ():
            if isinstance(container.image, str):
                yield container.image
    except InvalidField:  # told as an error of its own
        return


def component_of(image: str) -> tuple[Known | None, str]:
    """Which control software an image is, by its repository, and its tag (empty where only a digest is given)."""
    name = image.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    last, _, tag = tail.partition(":")
    parts = f"{head}{slash}{last}".split("/")
    for start in range(len(parts)):
        known = IMAGES.get("/".join(parts[start:]))
        if known is not None:
            return known, tag
    return None, tag


def _use(known: Known, text: str, resource: ResourceRef) -> ComponentUse:
    match = _VERSION.match(text)
    if match is None:
        reason = f"its version is not told by {text!r}" if text else "its image is named without a version"
        return ComponentUse(known.name, text, (), (resource,), reason)
    version = match[1]
    major = version.partition(".")[0]
    names = [known.package]
    if known.package in _MAJORS and int(major) >= 2:
        names.append(_MAJORS[known.package].format(major))
    packages = tuple(
        Package(
            type=known.type,
            name=name,
            version=f"v{version}",
            purl=make_purl("golang", *_split(name), f"v{version}"),
        )
        for name in dict.fromkeys(names)
    )
    return ComponentUse(known.name, version, packages, (resource,))


def _split(module: str) -> tuple[str, str]:
    namespace, _, name = module.rpartition("/")
    return namespace, name
