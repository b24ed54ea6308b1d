"""Whether anything in the cluster makes policies hold, from what runs in it and what its nodes say."""

from __future__ import annotations

import re
from typing import Any

from seawall.analysis.network.world import World
from seawall.model.kube.base import InvalidField
from seawall.model.reach import Enforcement, EnforcementState

#: What a container's image is called by, and the plugin; in the order in which they are looked for.
_ENFORCING = {
    "cilium/cilium": "Cilium",
    "cilium-agent": "Cilium",
    "calico/node": "Calico",
    "calico-node": "Calico",
    "antrea/antrea": "Antrea",
    "antrea-agent": "Antrea",
    "kube-router": "kube-router",
    "weave-kube": "Weave Net",
    "weave-npc": "Weave Net",
    "ovnkube": "OVN-Kubernetes",
    "ovn-kubernetes": "OVN-Kubernetes",
    "kube-ovn": "Kube-OVN",
    "kube-network-policies": "kube-network-policies",
    "azure-npm": "Azure Network Policy Manager",
}
_NOT_ENFORCING = {"flannel": "Flannel", "kube-bridge": "bridge"}
_VPC_AGENT = ("aws-network-policy-agent", "aws-eks-nodeagent", "network-policy-agent")
_NODE_SIGNS = {
    "projectcalico.org/IPv4Address": "Calico",
    "network.cilium.io/ipv4-pod-cidr": "Cilium",
    "io.cilium.network.ipv4-pod-cidr": "Cilium",
    "node.antrea.io/mac-address": "Antrea",
    "k8s.ovn.org/node-subnets": "OVN-Kubernetes",
    "k3s.io/node-args": "K3s's network policy controller",
}
_CLOUD_SIGNS = {
    "eks.amazonaws.com/nodegroup": "EKS: enforced only with the VPC CNI's network policy agent, or another plugin",
    "cloud.google.com/gke-nodepool": "GKE: enforced only with Dataplane V2 or network policy enforcement on",
    "kubernetes.azure.com/cluster": "AKS: enforced only where the cluster was made with a network policy engine",
    "minikube.k8s.io/name": "minikube: enforced only with --cni=calico or cilium",
}


def enforcement(world: World) -> Enforcement:
    """What is known of enforcement; evidence that contradicts itself leaves it unknown."""
    good, bad, hints = _from_daemons(world)
    more_good, more_bad, more_hints = _from_objects(world)
    good, bad, hints = good + more_good, bad + more_bad, hints + more_hints
    if good and not any("turned off" in each for each in bad):
        return Enforcement(EnforcementState.ENFORCED, tuple(dict.fromkeys(good + hints)))
    if bad and not good:
        return Enforcement(EnforcementState.NOT_ENFORCED, tuple(dict.fromkeys(bad + hints)))
    nothing = "nothing that was read says which network plugin runs, or whether it enforces policies"
    return Enforcement(EnforcementState.UNKNOWN, tuple(dict.fromkeys(bad + good + hints)) or (nothing,))


def _from_daemons(world: World) -> tuple[list[str], list[str], list[str]]:
    good: list[str] = []
    bad: list[str] = []
    hints: list[str] = []
    for workload in world.workloads:
        if workload.kind != "DaemonSet":
            continue
        for pod in workload.pods:
            try:
                images = [(c, c.image.lower()) for _, _, c in pod.template.spec.all_containers()]
            except InvalidField:
                continue
            for container, image in images:
                where = f"({workload.label}, image {container.image})"
                plugin = _plugin(image, _ENFORCING)
                if plugin:
                    good.append(f"{plugin} runs {where}")
                elif any(name in image for name in _VPC_AGENT):
                    arguments = " ".join((*container.command, *container.args))
                    if "enable-network-policy=true" in arguments:
                        good.append(f"the Amazon VPC CNI's network policy agent is on {where}")
                    elif "enable-network-policy=false" in arguments:
                        bad.append(f"the Amazon VPC CNI's network policy agent is turned off {where}")
                    else:
                        hints.append(
                            f"the Amazon VPC CNI's network policy agent runs, whether it is on is not told {where}"
                        )
                elif "kindnetd" in image:
                    newer = re.search(r":v?(20(?:2[4-9]|[3-9]\d))", image)
                    (good if newer else hints).append(f"kindnet runs {where}; it enforces policies since 2024")
                elif _plugin(image, _NOT_ENFORCING):
                    bad.append(f"{_plugin(image, _NOT_ENFORCING)} runs {where}; it enforces no policies by itself")
    return _once(good), _once(bad), _once(hints)


def _once(items: list[str]) -> list[str]:
    return list(dict.fromkeys(items))[:5]


def _plugin(image: str, known: dict[str, str]) -> str:
    return next((plugin for part, plugin in known.items() if part in image), "")


def _from_objects(world: World) -> tuple[list[str], list[str], list[str]]:
    good: list[str] = []
    bad: list[str] = []
    hints: list[str] = []
    for resource in world.inventory.resources:
        kind, version, name = resource.ref.kind, resource.ref.api_version, resource.ref.name
        if kind == "ConfigMap" and name in ("cilium-config", "amazon-vpc-cni"):
            _from_config(name, _dict(resource.raw.get("data")), good, bad)
        elif kind == "Installation" and version.startswith("operator.tigera.io"):
            good.append("Calico is installed by its operator (Installation)")
        elif kind == "Network" and version.startswith(("config.openshift.io", "operator.openshift.io")):
            plugin = _dict(resource.raw.get("spec")).get("networkType")
            if plugin in ("OVNKubernetes", "OpenShiftSDN"):
                good.append(f"OpenShift's network is {plugin}")
        elif kind == "Node" and version == "v1":
            _from_node(resource.raw, good, bad, hints)
    return _once(good), _once(bad), _once(hints)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _from_config(name: str, data: dict[str, Any], good: list[str], bad: list[str]) -> None:
    if name == "cilium-config":
        if data.get("enable-policy") == "never":
            bad.append("Cilium's policy enforcement is turned off (ConfigMap cilium-config: enable-policy: never)")
        else:
            good.append("Cilium is configured (ConfigMap cilium-config)")
    elif str(data.get("enable-network-policy-controller")).lower() == "true":
        good.append("the Amazon VPC CNI's network policy controller is on (ConfigMap amazon-vpc-cni)")


def _from_node(raw: dict[str, Any], good: list[str], bad: list[str], hints: list[str]) -> None:
    metadata = _dict(raw.get("metadata"))
    notes, labels = (_dict(metadata.get(key)) for key in ("annotations", "labels"))
    for key, plugin in _NODE_SIGNS.items():
        if key not in notes:
            continue
        if "disable-network-policy" in str(notes[key]):
            bad.append(f"{plugin} is turned off (--disable-network-policy)")
        else:
            good.append(f"nodes carry the marks of {plugin} (annotation {key})")
    if "flannel.alpha.coreos.com/backend-type" in notes and "k3s.io/node-args" not in notes:
        hints.append("nodes carry the marks of Flannel, which enforces no policies by itself")
    hints.extend(text for key, text in _CLOUD_SIGNS.items() if key in labels)
