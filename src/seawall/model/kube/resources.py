"""The resources of Kubernetes' own API: what a person may call them, their group, and whether they have a namespace.

Source: the API reference of Kubernetes 1.36 and its discovery.
"""

from __future__ import annotations

from typing import NamedTuple


class ApiResource(NamedTuple):
    """A resource as RBAC names it (plural), its group, and whether its objects live in namespaces."""

    name: str
    group: str
    namespaced: bool


_NAMESPACED = {
    "": "bindings configmaps/cm endpoints/ep events/ev limitranges/limits persistentvolumeclaims/pvc pods/po "
    "podtemplates replicationcontrollers/rc resourcequotas/quota secrets serviceaccounts/sa services/svc",
    "apps": "controllerrevisions daemonsets/ds deployments/deploy replicasets/rs statefulsets/sts",
    "authorization.k8s.io": "localsubjectaccessreviews",
    "autoscaling": "horizontalpodautoscalers/hpa",
    "batch": "cronjobs/cj jobs",
    "coordination.k8s.io": "leases",
    "discovery.k8s.io": "endpointslices",
    "gateway.networking.k8s.io": "gateways/gtw httproutes grpcroutes tlsroutes tcproutes udproutes referencegrants",
    "networking.k8s.io": "ingresses/ing networkpolicies/netpol",
    "policy": "poddisruptionbudgets/pdb",
    "rbac.authorization.k8s.io": "rolebindings roles",
    "resource.k8s.io": "resourceclaims resourceclaimtemplates",
    "storage.k8s.io": "csistoragecapacities",
}
_CLUSTER_WIDE = {
    "": "componentstatuses/cs namespaces/ns nodes/no persistentvolumes/pv users groups",
    "admissionregistration.k8s.io": "mutatingwebhookconfigurations validatingwebhookconfigurations "
    "validatingadmissionpolicies validatingadmissionpolicybindings mutatingadmissionpolicies "
    "mutatingadmissionpolicybindings",
    "apiextensions.k8s.io": "customresourcedefinitions/crd",
    "apiregistration.k8s.io": "apiservices",
    "authentication.k8s.io": "tokenreviews selfsubjectreviews userextras uids",
    "authorization.k8s.io": "subjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews",
    "certificates.k8s.io": "certificatesigningrequests/csr signers clustertrustbundles",
    "flowcontrol.apiserver.k8s.io": "flowschemas prioritylevelconfigurations",
    "gateway.networking.k8s.io": "gatewayclasses/gc",
    "networking.k8s.io": "ingressclasses ipaddresses/ip servicecidrs",
    "node.k8s.io": "runtimeclasses",
    "rbac.authorization.k8s.io": "clusterroles clusterrolebindings",
    "resource.k8s.io": "deviceclasses resourceslices",
    "scheduling.k8s.io": "priorityclasses/pc",
    "storage.k8s.io": "csidrivers csinodes storageclasses/sc volumeattachments volumeattributesclasses",
}
#: Parts of objects that RBAC names behind a slash.
SUBRESOURCES = frozenset(
    [
        "approval", "attach", "binding", "checkpoint", "configz", "ephemeralcontainers", "eviction", "exec", "finalize",
        "healthz", "log", "metrics", "pods", "portforward", "proxy", "resize", "rollback", "scale", "stats", "status",
        "token",
    ]
)  # fmt: skip


def _table() -> dict[str, list[ApiResource]]:
    table: dict[str, list[ApiResource]] = {}
    for namespaced, groups in ((True, _NAMESPACED), (False, _CLUSTER_WIDE)):
        for group, names in groups.items():
            for each in names.split():
                name, _, short = each.partition("/")
                resource = ApiResource(name, group, namespaced)
                for called in filter(None, (name, short)):
                    table.setdefault(called, []).append(resource)
    return table


_TABLE = _table()


def find_resource(called: str, group: str | None = None) -> ApiResource | None:
    """The resource of that plural or short name, in any group or in one; None for those of extensions."""
    found = (each for each in _TABLE.get(called.lower(), ()) if group is None or each.group == group)
    return next(found, None)


def resource_of_kind(kind: str) -> str:
    """The plural by which RBAC knows a kind, formed as Kubernetes' generators form it."""
    name = kind.lower()
    if name in ("endpoints",):
        return name
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}s"


def all_resources() -> list[ApiResource]:
    """Each resource once."""
    return list(dict.fromkeys(resource for found in _TABLE.values() for resource in found))
