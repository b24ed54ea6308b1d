"""The user-facing roles that every API server makes, for estates of which they were not read.

Source: Kubernetes' documentation, "Using RBAC Authorization", default roles; the policy of the API server
(plugin/pkg/auth/authorizer/rbac/bootstrappolicy). Only what follows from them is told with ``given`` set.
"""

from __future__ import annotations

from seawall.model.kube.rbac import PolicyRule

_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")


def _rule(verbs: tuple[str, ...], groups: str, resources: str) -> PolicyRule:
    return PolicyRule(verbs=verbs, api_groups=tuple("" if g == "core" else g for g in groups.split()),
                      resources=tuple(resources.split()))  # fmt: skip


_EXTENSIONS = "daemonsets deployments deployments/scale ingresses networkpolicies replicasets replicasets/scale"
_EXTENSIONS += " replicationcontrollers/scale"
_VIEW = (
    _rule(_READ, "core", "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods "
          "replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status bindings "
          "events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas "
          "resourcequotas/status namespaces"),
    _rule(_READ, "discovery.k8s.io", "endpointslices"),
    _rule(_READ, "events.k8s.io", "events"),
    _rule(_READ, "apps", "controllerrevisions daemonsets daemonsets/status deployments deployments/scale "
          "deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale "
          "statefulsets/status"),
    _rule(_READ, "extensions", f"{_EXTENSIONS} daemonsets/status deployments/status ingresses/status "
          "replicasets/status"),
    _rule(_READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    _rule(_READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
    _rule(_READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
    _rule(_READ, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
    _rule(_READ, "resource.k8s.io", "resourceclaims resourceclaims/status resourceclaimtemplates"),
)  # fmt: skip
_EDIT = (
    *_VIEW,
    _rule(_READ, "core", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
    _rule(("impersonate",), "core", "serviceaccounts"),
    _rule(_WRITE, "core", "pods pods/attach pods/exec pods/portforward pods/proxy configmaps events "
          "persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services "
          "services/proxy"),
    _rule(("create",), "core", "pods/eviction serviceaccounts/token"),
    _rule(_WRITE, "apps", "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale "
          "statefulsets statefulsets/scale"),
    _rule(_WRITE, "extensions", f"{_EXTENSIONS} deployments/rollback"),
    _rule(_WRITE, "autoscaling", "horizontalpodautoscalers"),
    _rule(_WRITE, "batch", "cronjobs jobs"),
    _rule(_WRITE, "policy", "poddisruptionbudgets"),
    _rule(_WRITE, "networking.k8s.io", "ingresses networkpolicies"),
    _rule(_WRITE, "events.k8s.io", "events"),
    _rule(_WRITE, "resource.k8s.io", "resourceclaims resourceclaimtemplates"),
    _rule((*_WRITE, *_READ), "coordination.k8s.io", "leases"),
)  # fmt: skip
_ADMIN = (
    *_EDIT,
    _rule(("create",), "authorization.k8s.io", "localsubjectaccessreviews"),
    _rule((*_WRITE, *_READ), "rbac.authorization.k8s.io", "rolebindings roles"),
)

#: Cluster roles by name.
DEFAULT_CLUSTER_ROLES = {
    "cluster-admin": (
        PolicyRule(verbs=("*",), api_groups=("*",), resources=("*",)),
        PolicyRule(verbs=("*",), non_resource_urls=("*",)),
    ),
    "admin": _ADMIN,
    "edit": _EDIT,
    "view": _VIEW,
}
