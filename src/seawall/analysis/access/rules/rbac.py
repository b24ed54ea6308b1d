"""Roles and bindings: rights that lead to more rights, and who is given them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.grants import (
    CONTROLLERS,
    GOOD_PRACTICES,
    grants,
    has_effect,
    is_built_in,
    is_unknown,
    stream_verbs,
    wildcard_severity,
)
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.rbac import Role, RoleBinding
    from seawall.model.rule import Context

#: The group of kubeadm's admin.conf since 1.29, and the binding that it makes for it.
_KUBEADM_ADMINS = "kubeadm:cluster-admins"


@rule(
    "rbac-wildcard-verbs",
    title="Role allows every verb",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The wildcard takes in delete, escalate, bind and impersonate, and verbs that come with later versions.",
    remediation="List the verbs that the subject needs.",
    controls="cis:5.1.3 mitre-attack:T1098.006 nsa-cisa:rbac",
    aliases="KSV-0045 CKV_K8S_49 C-0187 kube-linter:wildcard-in-rules kyverno:restrict-wildcard-verbs "
    "prowler:rbac_minimize_wildcard_use_roles",
    references=(GOOD_PRACTICES,),
    notes="Medium or low where the rule is about groups of extensions alone, by whether their operators run things. "
    "The roles that the API server keeps itself are left out.",
)
def rbac_wildcard_verbs(role: Role, ctx: Context) -> Hits:
    for i, r in numbered(role.rules):
        if "*" in r.verbs and not is_built_in(role) and not is_unknown(r):
            yield Hit("the role allows every verb", f"rules[{i}].verbs", severity=wildcard_severity(r))


@rule(
    "rbac-wildcard-verbs-unknown",
    title="Role allows every verb on a resource that Kubernetes does not have",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The rule grants nothing of what its author had in mind, or the whole of what some extension calls so, now or "
    "later.",
    remediation="Correct the resource, or name the extension's group and the verbs that the subject needs.",
    controls="cis:5.1.3 mitre-attack:T1098.006 nsa-cisa:rbac",
    aliases="CKV_K8S_49 C-0187 kube-linter:wildcard-in-rules kyverno:restrict-wildcard-verbs "
    "prowler:rbac_minimize_wildcard_use_roles",
    references=(GOOD_PRACTICES,),
    notes="Judged for rules about groups of Kubernetes itself, or every group. Others are told by rbac-wildcard-verbs.",
)
def rbac_wildcard_verbs_unknown(role: Role, ctx: Context) -> Hits:
    for i, r in numbered(role.rules):
        if "*" in r.verbs and not is_built_in(role) and is_unknown(r):
            yield Hit(f"the role allows every verb on {', '.join(r.resources)}", f"rules[{i}].verbs")


@rule(
    "rbac-wildcard-resources",
    title="Role covers every resource",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The wildcard takes in Secrets, roles and pods/exec, and every kind that is added to the cluster later.",
    remediation="List the resources and API groups that the subject needs.",
    controls="cis:5.1.3 mitre-attack:T1098.006 nsa-cisa:rbac",
    aliases="KSV-0046 KSV-0112 CKV_K8S_49 C-0187 kube-linter:wildcard-in-rules "
    "kyverno:restrict-wildcard-resources prowler:rbac_minimize_wildcard_use_roles",
    references=(GOOD_PRACTICES,),
    notes="Medium or low where the rule is about groups of extensions alone, by whether their operators run things. "
    "The roles that the API server keeps itself are left out.",
)
def rbac_wildcard_resources(role: Role, ctx: Context) -> Hits:
    for i, r in numbered(role.rules):
        if "*" in r.resources and has_effect(r) and not is_built_in(role):
            yield Hit("the role covers every resource", f"rules[{i}].resources", severity=wildcard_severity(r))


@rule(
    "rbac-wildcard-without-effect",
    title="Role covers every resource with a verb that nothing asks for",
    severity=Severity.INFO,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="The rule grants nothing as it stands; whoever corrects the verb gives out every resource at once.",
    remediation="List the verbs and the resources that the subject needs, or remove the rule.",
    aliases="CKV_K8S_49",
    references=(GOOD_PRACTICES,),
    default=False,
    notes="Rules with a verb that Kubernetes asks for are told by rbac-wildcard-resources.",
)
def rbac_wildcard_without_effect(role: Role, ctx: Context) -> Hits:
    for i, r in numbered(role.rules):
        if "*" in r.resources and not has_effect(r) and not is_built_in(role):
            yield Hit("the role covers every resource to no effect", f"rules[{i}].verbs")


@rule(
    "rbac-secrets-read",
    title="Role may read Secrets",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Secrets hold passwords, keys and tokens of other accounts; list and watch give their values as get does.",
    remediation="Remove secrets from the rule, or name the ones that are needed in resourceNames.",
    controls="cis:5.1.2 mitre-attack:T1552.007 nsa-cisa:rbac",
    aliases="KSV-0041 KSV-0113 CKV2_K8S_5 C-0015 C-0186 kube-linter:access-to-secrets "
    "kyverno:restrict-secret-role-verbs prowler:rbac_minimize_secret_access",
    references=(GOOD_PRACTICES,),
    notes="A Role, which reaches one namespace, is medium. Rules with resourceNames pass, as do the roles that the API "
    "server keeps itself.",
)
def rbac_secrets_read(role: Role, ctx: Context) -> Hits:
    severity = Severity.HIGH if ctx.resource.kind.name == "ClusterRole" else Severity.MEDIUM
    for i, r in numbered(role.rules):
        if grants(r, "", "secrets", ("get", "list", "watch")) and not r.resource_names and not is_built_in(role):
            yield Hit("the role may read every secret in its reach", f"rules[{i}].resources", severity=severity)


@rule(
    "rbac-pod-exec",
    title="Role may run commands in pods",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="A command in a pod has all that the pod has: its secrets, its service account and its place in the network.",
    remediation="Remove pods/exec and pods/attach from the rule; grant them for the time of an incident only.",
    controls="mitre-attack:T1609 nsa-cisa:rbac",
    aliases="KSV-0053 KSV-0054 CKV2_K8S_2 C-0002",
    references=(GOOD_PRACTICES,),
    notes="Until 1.35 the verb get was enough, over WebSocket; since then create is needed as well. The roles that the "
    "API server keeps itself are left out.",
)
def rbac_pod_exec(role: Role, ctx: Context) -> Hits:
    verbs = stream_verbs(ctx)
    for i, r in numbered(role.rules):
        allowed = any(grants(r, "", f"pods/{way}", verbs) for way in ("exec", "attach"))
        if allowed and not is_built_in(role):
            yield Hit("the role may run commands in pods", f"rules[{i}].resources")


@rule(
    "rbac-pod-create",
    title="Role may create pods",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Whoever creates a pod can mount every Secret of the namespace, use any of its service accounts and, unless "
    "admission forbids it, own the node.",
    remediation="Leave the creation of workloads to the deployment pipeline.",
    controls="cis:5.1.4 mitre-attack:T1610 nsa-cisa:rbac",
    aliases="KSV-0048 C-0188 kube-linter:access-to-create-pods kyverno:restrict-pod-controller-serviceaccount-updates "
    "prowler:rbac_minimize_pod_creation_access",
    references=(GOOD_PRACTICES,),
    notes="To change a pod's image, or to create or change a Deployment or the like, comes to the same. The roles "
    "that the API server keeps itself are left out.",
)
def rbac_pod_create(role: Role, ctx: Context) -> Hits:
    for i, r in numbered(role.rules):
        indirect = any(grants(r, *kind, ("create", "update", "patch")) for kind in CONTROLLERS)
        if (indirect or grants(r, "", "pods", ("create", "update", "patch"))) and not is_built_in(role):
            yield Hit("the role may run pods of its choice", f"rules[{i}].resources")


@rule(
    "cluster-admin-binding",
    title="Subject bound to cluster-admin",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="ClusterRoleBinding",
    why="cluster-admin may do anything with everything: the subject's token or certificate is the cluster.",
    remediation="Bind a role with the rights that the subject needs.",
    controls="cis:5.1.1 mitre-attack:T1078 nsa-cisa:rbac",
    aliases="KSV-0111 C-0035 C-0185 C-0272 kube-linter:cluster-admin-role-binding "
    "kyverno:restrict-binding-clusteradmin prowler:rbac_cluster_admin_usage",
    references=(GOOD_PRACTICES,),
    notes="The group system:masters is left to the rule masters-binding. kubeadm's own binding of its group "
    "kubeadm:cluster-admins passes.",
)
def cluster_admin_binding(binding: RoleBinding, ctx: Context) -> Hits:
    if binding.role_ref.kind != "ClusterRole" or binding.role_ref.name != "cluster-admin":
        return
    for i, subject in numbered(binding.subjects):
        if subject.name not in ("system:masters", _KUBEADM_ADMINS if binding.metadata.name == _KUBEADM_ADMINS else ""):
            yield Hit(f"{subject.kind} {subject.name!r} is cluster-admin", f"subjects[{i}]")


@rule(
    "anonymous-binding",
    title="Rights for everyone without a login",
    severity=Severity.CRITICAL,
    scope=Scope.RBAC,
    on="RoleBinding ClusterRoleBinding",
    why="Whoever reaches the API server has these rights, with no credential at all.",
    remediation="Remove system:anonymous and system:unauthenticated from the subjects.",
    controls="mitre-attack:T1078 nsa-cisa:rbac",
    aliases="KSV-0122 C-0262 kyverno:restrict-binding-system-groups",
    references=(GOOD_PRACTICES,),
    notes="system:public-info-viewer, which tells the cluster's version and health, passes.",
)
def anonymous_binding(binding: RoleBinding, ctx: Context) -> Hits:
    if binding.role_ref.name in ("system:public-info-viewer", "system:openshift:public-info-viewer"):
        return
    for i, subject in numbered(binding.subjects):
        if subject.name in ("system:anonymous", "system:unauthenticated"):
            yield Hit(f"{subject.name} is given the role {binding.role_ref.name!r}", f"subjects[{i}]")


@rule(
    "masters-binding",
    title="Rights given to system:masters",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="RoleBinding ClusterRoleBinding",
    why="The group passes every check of RBAC and cannot be stripped of its rights; to build on it invites more "
    "credentials that cannot be revoked.",
    remediation="Bind the role to a group of your own.",
    controls="cis:5.1.7 mitre-attack:T1078 nsa-cisa:rbac",
    aliases="KSV-0123 C-0246 kyverno:restrict-binding-system-groups",
    references=(GOOD_PRACTICES,),
    notes="The binding cluster-admin, which the API server makes itself, passes.",
)
def masters_binding(binding: RoleBinding, ctx: Context) -> Hits:
    if binding.metadata.name == "cluster-admin" and ctx.resource.kind.name == "ClusterRoleBinding":
        return
    for i, subject in numbered(binding.subjects):
        if subject.kind == "Group" and subject.name == "system:masters":
            yield Hit(f"system:masters is given the role {binding.role_ref.name!r}", f"subjects[{i}]")
