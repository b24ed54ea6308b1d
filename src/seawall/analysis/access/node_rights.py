"""What the Node authorizer, which is asked before RBAC, lets kubelets do; no role shows it.

Source: Kubernetes' documentation, "Using Node Authorization".
"""

from __future__ import annotations

from seawall.analysis.access.points import NODE_USER
from seawall.model.access import Actor, Request

NODES = "system:nodes"
#: (group, resource with subresource, verbs): of objects that pods on the node use, or of the node itself.
_ALLOWED: tuple[tuple[str, str, str], ...] = (
    ("", "secrets", "get list watch"),
    ("", "configmaps", "get list watch"),
    ("", "persistentvolumeclaims", "get"),
    ("", "persistentvolumes", "get"),
    ("", "serviceaccounts", "get"),
    ("", "serviceaccounts/token", "create"),
    ("", "services", "get list watch"),
    ("", "endpoints", "get list watch"),
    ("", "nodes", "get list watch create update patch"),
    ("", "nodes/status", "update patch"),
    ("", "pods", "get list watch create delete"),
    ("", "pods/status", "update patch"),
    ("", "pods/eviction", "create"),
    ("", "events", "create update patch"),
    ("authentication.k8s.io", "tokenreviews", "create"),
    ("authorization.k8s.io", "subjectaccessreviews", "create"),
    ("certificates.k8s.io", "certificatesigningrequests", "create get list watch"),
    ("coordination.k8s.io", "leases", "get create update patch delete"),
    ("node.k8s.io", "runtimeclasses", "get list watch"),
    ("resource.k8s.io", "resourceclaims", "get"),
    ("resource.k8s.io", "resourceslices", "get list watch create update patch delete deletecollection"),
    ("storage.k8s.io", "csidrivers", "get list watch"),
    ("storage.k8s.io", "csinodes", "get create update patch delete"),
    ("storage.k8s.io", "volumeattachments", "get"),
)


def is_node(actor: Actor) -> bool:
    """Whether the actor is a kubelet, as the Node authorizer sees it."""
    return actor.username.startswith(NODE_USER)


def nodes_may(request: Request) -> bool:
    """Whether some node is allowed such a request by the Node authorizer."""
    what = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
    return any(
        group == request.group and resource == what and request.verb in verbs.split()
        for group, resource, verbs in _ALLOWED
    )


def note_for(request: Request, actor: Actor | None = None) -> str:
    """What should be said beside an answer from RBAC; empty where nodes do not matter."""
    if not nodes_may(request) or (actor is not None and not is_node(actor)):
        return ""
    who = "this node" if actor is not None else "every kubelet (system:node:NAME)"
    return f"the Node authorizer lets {who} do it as far as its own node and the pods on it need"
