"""Roles by which one takes on identities: accounts, certificates, impersonation in its other forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.grants import GOOD_PRACTICES, grants, is_built_in, told
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.rbac import Role
    from seawall.model.rule import Context

_WILDCARD = "Roles that cover every resource are told by rbac-wildcard-resources, those that the API server keeps pass."
_CERTIFICATES = "certificates.k8s.io"
_IMPERSONATION = "https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/"


@rule(
    "rbac-impersonate-extra",
    title="Role may set what an identity is known by",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="Webhooks and authorizers trust the extra fields and the uid of a user (scopes, tenants, the node of a token): "
    "whoever may set them passes for someone that it is not.",
    remediation="Remove impersonate on userextras and uids, or name the values in resourceNames.",
    controls="cis:5.1.8 mitre-attack:T1078 nsa-cisa:rbac",
    references=(_IMPERSONATION,),
    notes=f"Rules that are limited by resourceNames pass. Users, groups and accounts are told by rbac-impersonate. "
    f"{_WILDCARD}",
)
def rbac_impersonate_extra(role: Role, ctx: Context) -> Hits:
    if is_built_in(role):
        return
    for i, r in numbered(role.rules):
        if "impersonate" not in r.verbs or r.resource_names or "authentication.k8s.io" not in r.api_groups:
            continue
        found = [what for what in r.resources if what == "uids" or what.partition("/")[0] == "userextras"]
        if found:
            yield Hit(f"the role may impersonate with any {', '.join(found)}", f"rules[{i}].resources")


@rule(
    "rbac-impersonate-constrained",
    title="Role may act as others for some actions",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="impersonate:user-info and its kin let one act as others as far as the verbs impersonate-on:... of the role "
    "go; together with secrets, pods or roles that is as much as impersonate.",
    remediation="Name the identities in resourceNames, and grant impersonate-on only for reading what is needed.",
    controls="cis:5.1.8 mitre-attack:T1078 nsa-cisa:rbac",
    references=(_IMPERSONATION,),
    since="1.36",
    notes="Constrained impersonation (KEP-5284), on by default since 1.36. Rules that are limited by resourceNames, "
    "and impersonate:associated-node, pass.",
)
def rbac_impersonate_constrained(role: Role, ctx: Context) -> Hits:
    for i, r in numbered(role.rules):
        verbs = [verb for verb in r.verbs if verb.startswith("impersonate:") and not verb.endswith(":associated-node")]
        if verbs and not r.resource_names:
            yield Hit(f"the role allows {', '.join(verbs)} of anyone", f"rules[{i}].verbs")


@rule(
    "rbac-csr-sign",
    title="Role may issue certificates",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="Whoever writes the status of signing requests and may sign for the API server's signer puts certificates of "
    "its own making where programs trust them; with a CA key it is any user.",
    remediation="Leave signing to the controllers, and name the signer in resourceNames.",
    controls="cis:5.1.11 mitre-attack:T1550 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization",),
    notes=f"Both rights are needed: update of certificatesigningrequests/status, and sign on a signer of "
    f"kubernetes.io. {_WILDCARD}",
)
def rbac_csr_sign(role: Role, ctx: Context) -> Hits:
    if is_built_in(role):
        return
    signers = [r for r in role.rules if grants(r, _CERTIFICATES, "signers", ("sign",)) and "*" not in r.resources]
    trusted = any(
        not r.resource_names or any(n.startswith("kubernetes.io/") for n in r.resource_names) for r in signers
    )
    if trusted:
        yield from told(
            role, ctx, ((_CERTIFICATES, "certificatesigningrequests/status"),), ("update", "patch"), "write"
        )


@rule(
    "rbac-service-account-write",
    title="Role may change service accounts",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="Annotations of an account name the cloud role that its pods take on, and its image pull secrets are used for "
    "pods of others: whoever changes accounts hands out both.",
    remediation="Remove create, update and patch on serviceaccounts, or name the accounts in resourceNames.",
    controls="mitre-attack:T1098 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/security/service-accounts/",),
    default=False,
    notes=f"Rules that are limited by resourceNames pass. {_WILDCARD}",
)
def rbac_service_account_write(role: Role, ctx: Context) -> Hits:
    verbs = ("create", "update", "patch")
    yield from told(role, ctx, (("", "serviceaccounts"),), verbs, "change", named=False)


@rule(
    "rbac-trust-bundle-write",
    title="Role may change whom pods trust",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="ClusterRole",
    why="A CA that is added to a trust bundle is trusted by every pod that mounts it: whoever adds it stands in for "
    "any server that they talk to.",
    remediation="Leave trust bundles to the signers, and name the signer in resourceNames of attest.",
    controls="mitre-attack:T1557 mitre-attack:T1553.004 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/",),
    since="1.27",
    notes=_WILDCARD,
)
def rbac_trust_bundle_write(role: Role, ctx: Context) -> Hits:
    verbs = ("create", "update", "patch")
    yield from told(role, ctx, ((_CERTIFICATES, "clustertrustbundles"),), verbs, "change", named=False)


@rule(
    "rbac-privileged-policy-use",
    title="Role may use a policy that allows privileged pods",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Role ClusterRole",
    why="With use of a privileged security context constraint, whoever creates pods as the account starts them as root "
    "on the node.",
    remediation="Name a restricted policy in resourceNames.",
    controls="mitre-attack:T1611 nsa-cisa:pod-security",
    references=("https://docs.openshift.com/container-platform/latest/authentication/"
                "managing-security-context-constraints.html",),
    notes="SecurityContextConstraints of OpenShift (privileged, anyuid, hostaccess, hostmount-anyuid, hostnetwork), "
    "and PodSecurityPolicies until 1.25 that are privileged by name or not named.",
)  # fmt: skip
def rbac_privileged_policy_use(role: Role, ctx: Context) -> Hits:
    kinds = [("security.openshift.io", "securitycontextconstraints")]
    if ctx.version < (1, 25):
        kinds += [("policy", "podsecuritypolicies"), ("extensions", "podsecuritypolicies")]
    wide = ("privileged", "anyuid", "hostaccess", "hostmount-anyuid", "hostnetwork", "hostnetwork-v2")
    if is_built_in(role):
        return
    for i, r in numbered(role.rules):
        used = "*" not in r.resources and any(grants(r, *kind, ("use",)) for kind in kinds)
        names = [name for name in r.resource_names if name in wide]
        if used and (names or not r.resource_names):
            yield Hit(f"the role may use {', '.join(names) or 'any such policy'}", f"rules[{i}].resources")


@rule(
    "rbac-token-secrets-kube-system",
    title="Role may read the Secrets of kube-system",
    severity=Severity.CRITICAL,
    scope=Scope.RBAC,
    on="Role",
    why="kube-system holds bootstrap tokens, tokens of controllers and the settings of the cloud: with them one "
    "becomes a node or a controller that may do everything.",
    remediation="Name the one Secret that is needed in resourceNames, or keep it in another namespace.",
    controls="cis:5.1.2 mitre-attack:T1552.007 nsa-cisa:rbac",
    references=(GOOD_PRACTICES,),
    notes=f"Rules that are limited by resourceNames pass. {_WILDCARD}",
)
def rbac_token_secrets_kube_system(role: Role, ctx: Context) -> Hits:
    if role.metadata.namespace == "kube-system":
        yield from told(role, ctx, (("", "secrets"),), ("get", "list", "watch"), "read every one of", named=False)
