"""Roles by which one changes what the API server serves, or who leads the control plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.grants import CHANGES, is_built_in, names, told
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.base import numbered
    from seawall.model.kube.rbac import Role
from seawall.model.rule import Context

_WILDCARD = "Roles that cover every resource are told by rbac-wildcard-resources, those that the API server keeps pass."
_LEADERS = frozenset(("kube-controller-manager", "kube-scheduler", "cloud-controller-manager"))


@rule(
    "rbac-crd-write",
    title="Role may change custom resource definitions",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="A conversion webhook of one's own sees and changes every object of the kind as it is read; to delete a "
    "definition deletes all its objects.",
    remediation="Leave definitions to the operators' installers, and name them in resourceNames.",
    controls="mitre-attack:T1565 mitre-attack:T1485 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-"
                "versioning/",),
    notes=f"Rules that are limited by resourceNames pass, as does the verb create alone. {_WILDCARD}",
)  # fmt: skip
def rbac_crd_write(role: Role, ctx: Context) -> Hits:
    targets = (("apiextensions.k8s.io", "customresourcedefinitions"),)
    yield from told(role, ctx, targets, CHANGES[1:], "change", named=False)


@rule(
    "rbac-apiservice-write",
    title="Role may put its own server in place of an API",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="An APIService of one's own takes the requests of an API group, with the identity and the Secrets that callers "
    "send; for some groups it answers instead of the real server.",
    remediation="Leave APIServices to the administrators and their pipeline.",
    controls="mitre-attack:T1557 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/",),
    notes=f"Rules that are limited by resourceNames pass. {_WILDCARD}",
)
def rbac_apiservice_write(role: Role, ctx: Context) -> Hits:
    targets = (("apiregistration.k8s.io", "apiservices"),)
    yield from told(role, ctx, targets, ("create", "update", "patch"), "change", named=False)


@rule(
    "rbac-control-plane-leases",
    title="Role may take the leadership from the control plane",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Whoever writes the leases of the controller manager and the scheduler stops both for as long as it likes: "
    "nothing is scheduled, repaired or cleaned up.",
    remediation="Grant leases in the program's own namespace, or name its lease in resourceNames.",
    controls="mitre-attack:T1499 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/architecture/leases/",),
    notes=f"Judged for kube-system and the whole cluster; low where the leases are not named. {_WILDCARD}",
)
def rbac_control_plane_leases(role: Role, ctx: Context) -> Hits:
    if ctx.resource.kind.name == "Role" and role.metadata.namespace != "kube-system":
        return
    if is_built_in(role):
        return
    for i, r in numbered(role.rules):
        if not names(r, (("coordination.k8s.io", "leases"),), ("update", "patch", "delete")):
            continue
        if not r.resource_names:
            yield Hit("the role may take every lease", f"rules[{i}].resources", severity=Severity.LOW)
        elif taken := sorted(_LEADERS.intersection(r.resource_names)):
            yield Hit(f"the role may take the lease {', '.join(taken)}", f"rules[{i}].resourceNames")


@rule(
    "rbac-storage-driver-write",
    title="Role may change storage drivers",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="A CSIDriver decides whether pods' tokens are handed to the driver and who owns the files; a volume attachment "
    "brings a disk of another tenant to one's node.",
    remediation="Leave drivers and attachments to the storage controllers.",
    controls="mitre-attack:T1565 nsa-cisa:rbac",
    references=("https://kubernetes-csi.github.io/docs/csi-driver-object.html",),
    default=False,
    notes=_WILDCARD,
)
def rbac_storage_driver_write(role: Role, ctx: Context) -> Hits:
    targets = (("storage.k8s.io", "csidrivers"), ("storage.k8s.io", "volumeattachments"))
    yield from told(role, ctx, targets, ("create", "update", "patch", "delete"), "change")
