"""API versions that a cluster no longer serves, or will not for long."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.resource import Resource
    from seawall.model.rule import Context

_GUIDE = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"

#: apiVersion, kinds, the minor releases of Kubernetes 1 that deprecated and removed them, and what takes their place.
#: Source: Kubernetes' deprecated API migration guide, and the life cycles stated in its API types.
_TABLE = """
extensions/v1beta1 DaemonSet,Deployment,ReplicaSet 9 16 apps/v1
extensions/v1beta1 NetworkPolicy 9 16 networking.k8s.io/v1
extensions/v1beta1 PodSecurityPolicy 10 16 Pod_Security_admission
extensions/v1beta1 Ingress 14 22 networking.k8s.io/v1
apps/v1beta1 Deployment,StatefulSet,ControllerRevision 9 16 apps/v1
apps/v1beta2 DaemonSet,Deployment,ReplicaSet,StatefulSet,ControllerRevision 9 16 apps/v1
admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration,ValidatingWebhookConfiguration 16 22 \
admissionregistration.k8s.io/v1
admissionregistration.k8s.io/v1beta1 ValidatingAdmissionPolicy,ValidatingAdmissionPolicyBinding 31 34 \
admissionregistration.k8s.io/v1
apiextensions.k8s.io/v1beta1 CustomResourceDefinition 16 22 apiextensions.k8s.io/v1
apiregistration.k8s.io/v1beta1 APIService 19 22 apiregistration.k8s.io/v1
authentication.k8s.io/v1beta1 TokenReview 19 22 authentication.k8s.io/v1
authorization.k8s.io/v1beta1 LocalSubjectAccessReview,SubjectAccessReview 19 22 authorization.k8s.io/v1
authorization.k8s.io/v1beta1 SelfSubjectAccessReview,SelfSubjectRulesReview 19 22 authorization.k8s.io/v1
certificates.k8s.io/v1beta1 CertificateSigningRequest 19 22 certificates.k8s.io/v1
coordination.k8s.io/v1beta1 Lease 19 22 coordination.k8s.io/v1
networking.k8s.io/v1beta1 Ingress,IngressClass 19 22 networking.k8s.io/v1
rbac.authorization.k8s.io/v1alpha1 ClusterRole,ClusterRoleBinding,Role,RoleBinding 17 22 rbac.authorization.k8s.io/v1
rbac.authorization.k8s.io/v1beta1 ClusterRole,ClusterRoleBinding,Role,RoleBinding 17 22 rbac.authorization.k8s.io/v1
scheduling.k8s.io/v1beta1 PriorityClass 14 22 scheduling.k8s.io/v1
storage.k8s.io/v1beta1 CSIDriver,CSINode,StorageClass,VolumeAttachment 19 22 storage.k8s.io/v1
batch/v1beta1 CronJob 21 25 batch/v1
discovery.k8s.io/v1beta1 EndpointSlice 21 25 discovery.k8s.io/v1
events.k8s.io/v1beta1 Event 22 25 events.k8s.io/v1
autoscaling/v2beta1 HorizontalPodAutoscaler 22 25 autoscaling/v2
policy/v1beta1 PodDisruptionBudget 21 25 policy/v1
policy/v1beta1 PodSecurityPolicy 21 25 Pod_Security_admission
node.k8s.io/v1beta1 RuntimeClass 22 25 node.k8s.io/v1
flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema,PriorityLevelConfiguration 23 26 flowcontrol.apiserver.k8s.io/v1
autoscaling/v2beta2 HorizontalPodAutoscaler 23 26 autoscaling/v2
storage.k8s.io/v1beta1 CSIStorageCapacity 24 27 storage.k8s.io/v1
flowcontrol.apiserver.k8s.io/v1beta2 FlowSchema,PriorityLevelConfiguration 26 29 flowcontrol.apiserver.k8s.io/v1
flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema,PriorityLevelConfiguration 29 32 flowcontrol.apiserver.k8s.io/v1
"""


class _Life(NamedTuple):
    deprecated: tuple[int, int]
    removed: tuple[int, int]
    replacement: str


@cache
def lives() -> dict[str, dict[str, _Life]]:
    """The table by API version and kind."""
    lives: dict[str, dict[str, _Life]] = {}
    for line in _TABLE.strip().splitlines():
        version, kinds, deprecated, removed, replacement = line.split()
        life = _Life((1, int(deprecated)), (1, int(removed)), replacement.replace("_", " "))
        lives.setdefault(version, {}).update(dict.fromkeys(kinds.split(","), life))
    return lives


def _life(resource: Resource) -> _Life | None:
    version = resource.ref.api_version
    if version == "v1" or version.endswith("/v1"):
        return None
    return lives().get(version, {}).get(resource.ref.kind)


@rule(
    "removed-api-version",
    title="API version that the cluster does not serve",
    severity=Severity.MEDIUM,
    scope=Scope.MANIFEST,
    on="object",
    why="The API server refuses the object: a workload is not updated, and a policy that was to protect it is not "
    "there, though the manifest looks as if it were.",
    remediation="Write the manifest in the version that took its place.",
    aliases="KSV-0107 kube-linter:no-extensions-v1beta kube-score:stable-version kyverno:check-deprecated-apis",
    references=(_GUIDE,),
    notes="Judged at the chosen Kubernetes version.",
)
def removed_api_version(resource: Resource, ctx: Context) -> Hits:
    life = _life(resource)
    if life is not None and ctx.version >= life.removed:
        ref = resource.ref
        gone = f"{ref.api_version} {ref.kind} is not served since Kubernetes 1.{life.removed[1]}"
        yield Hit(f"{gone}; use {life.replacement}", "apiVersion")


@rule(
    "deprecated-api-version",
    title="API version that the cluster will cease to serve",
    severity=Severity.LOW,
    scope=Scope.MANIFEST,
    on="object",
    why="After the update that removes the version, the object cannot be created any more; clusters are left without "
    "security fixes because of such manifests.",
    remediation="Write the manifest in the version that takes its place.",
    aliases="KSV-0107 kube-score:stable-version kyverno:check-deprecated-apis",
    references=(_GUIDE,),
    notes="Judged at the chosen Kubernetes version.",
)
def deprecated_api_version(resource: Resource, ctx: Context) -> Hits:
    life = _life(resource)
    if life is not None and life.deprecated <= ctx.version < life.removed:
        ref = resource.ref
        ends = f"{ref.api_version} {ref.kind} ends with Kubernetes 1.{life.removed[1]}"
        yield Hit(f"{ends}; use {life.replacement}", "apiVersion")
