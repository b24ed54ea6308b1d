"""Bindings: subjects that are too many, that are not there, or that come from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.accounts import accounts_of
from seawall.analysis.access.grants import RBAC_REFERENCE, grants
from seawall.analysis.access.judging import bindings_of, index_of, is_own_binding, own_bindings, view_of
from seawall.model.access import SERVICE_ACCOUNTS, Subject
from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.access import Grant
    from seawall.model.kube.rbac import RoleBinding
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_ACCOUNTS = "https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/"
_READING = frozenset(("get", "list", "watch"))
_DISCOVERY = frozenset(("system:service-account-issuer-discovery", "system:discovery", "system:basic-user"))


def _changes_or_secrets(grant: Grant) -> str:
    """What a grant gives beyond reading what is no secret; empty where it gives no more."""
    for r in grant.rules:
        if not _READING.issuperset(r.verbs) and r.resources:
            return str(r)
        if grants(r, "", "secrets", _READING):
            return str(r)
    return ""


@rule(
    "all-accounts-binding",
    title="Rights for every service account",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="RoleBinding ClusterRoleBinding",
    why="system:serviceaccounts takes in the account of every pod of the cluster, the group of a namespace those of "
    "every pod there: whoever gets into any of them has the rights.",
    remediation="Bind the role to the account that needs it.",
    controls="cis:5.1.5 mitre-attack:T1078 nsa-cisa:rbac",
    aliases="kyverno:restrict-binding-system-groups",
    references=(f"{RBAC_REFERENCE}#service-account-permissions",),
    notes="Medium for the group of one namespace. The role for discovering the issuer of tokens passes, as does the "
    "right to pull images on OpenShift.",
)
def all_accounts_binding(binding: RoleBinding, ctx: Context) -> Hits:
    if binding.role_ref.name in _DISCOVERY or binding.role_ref.name.startswith("system:image-"):
        return
    for i, subject in numbered(binding.subjects):
        if subject.kind != "Group" or not subject.name.startswith(SERVICE_ACCOUNTS):
            continue
        home = subject.name.removeprefix(SERVICE_ACCOUNTS).lstrip(":")
        whose = f"every account of namespace {home}" if home else "every service account"
        severity = Severity.MEDIUM if home else None
        yield Hit(f"{whose} is given the role {binding.role_ref.name!r}", f"subjects[{i}]", severity=severity)


@rule(
    "binding-subject-missing",
    title="Rights for a service account that does not exist",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="inventory",
    why="Whoever may create a service account of that name, or the namespace, has the rights at once.",
    remediation="Remove the subject, or correct its name and namespace.",
    controls="mitre-attack:T1098 nsa-cisa:rbac",
    references=(_ACCOUNTS,),
    notes="Judged where the accounts of the namespace are plausibly all known: in a cluster's dump, or in manifests "
    "that hold other accounts of that namespace, then with medium confidence. The account default is always there. "
    "Bindings that Kubernetes makes itself pass.",
)
def binding_subject_missing(inventory: Inventory, ctx: Context) -> Hits:
    bindings = bindings_of(inventory)
    accounts = accounts_of(inventory) if bindings else {}
    if not accounts:
        return
    dumped = any(resource.uid for resource in accounts.values())
    known = {account.namespace for account in accounts}
    own = ctx.once(own_bindings)
    for binding in bindings:
        if binding.ref in own or is_own_binding(binding):
            continue
        home = namespace_of(binding) if binding.ref.namespace or view_of(binding).role_ref.kind == "Role" else ""
        for i, subject in numbered(view_of(binding).subjects):
            place = subject.namespace or home
            if subject.kind != "ServiceAccount" or subject.name == "default" or not place:
                continue
            listed = dumped and bool(binding.uid)
            if (listed or place in known) and Subject("ServiceAccount", subject.name, place) not in accounts:
                yield Hit(
                    f"there is no service account {place}/{subject.name}", f"subjects[{i}]", resource=binding,
                    confidence=Confidence.HIGH if listed else Confidence.MEDIUM,
                )  # fmt: skip


@rule(
    "binding-account-of-nowhere",
    title="Binding of a service account without a namespace",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="ClusterRoleBinding",
    why="In a ClusterRoleBinding an account without a namespace means nobody: the API server refuses the binding, and "
    "who mends it in a hurry binds a group.",
    remediation="Name the account's namespace.",
    references=(f"{RBAC_REFERENCE}#referring-to-subjects",),
)
def binding_account_of_nowhere(binding: RoleBinding, ctx: Context) -> Hits:
    for i, subject in numbered(binding.subjects):
        if subject.kind == "ServiceAccount" and not subject.namespace:
            yield Hit(f"the account {subject.name!r} has no namespace", f"subjects[{i}]")


@rule(
    "kube-system-rights",
    title="Rights to change kube-system, or read its Secrets",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="inventory",
    why="kube-system holds the control plane's pods and the accounts of its controllers: whoever starts pods, reads "
    "Secrets or changes settings there has the cluster.",
    remediation="Move what is needed to a namespace of its own, or limit the role by resourceNames.",
    controls="mitre-attack:T1098.006 nsa-cisa:rbac",
    references=(RBAC_REFERENCE,),
    notes="Judged for RoleBindings of kube-system to users, groups, and accounts of other namespaces whose role "
    "changes something or reads Secrets. Rules that are limited by resourceNames pass, as do leases and events, and "
    "bindings that Kubernetes makes itself.",
)
def kube_system_rights(inventory: Inventory, ctx: Context) -> Hits:
    if not bindings_of(inventory):
        return
    own = ctx.once(own_bindings)
    for grant in ctx.once(index_of).grants:
        if grant.namespace != "kube-system" or grant.binding in own:
            continue
        outside = [each for each in grant.subjects if each.namespace != "kube-system"]
        wide = [r for r in grant.rules if not r.resource_names and not {"leases", "events"}.issuperset(r.resources)]
        given = next((r for r in wide if grants(r, "", "secrets", _READING) or not _READING.issuperset(r.verbs)), None)
        resource = inventory.get(grant.binding.kind, grant.binding.namespace, grant.binding.name)
        if outside and given is not None and resource is not None:
            yield Hit(f"{', '.join(map(str, outside))} may {given} in kube-system", "subjects", resource=resource)


@rule(
    "foreign-account-binding",
    title="Account of another namespace may change this one",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="inventory",
    why="The border between namespaces no longer holds: whoever gets into the account's pods changes things, or reads "
    "Secrets, of a namespace that its owners do not watch.",
    remediation="Run the program in the namespace that it serves, or take the verbs away that change things.",
    controls="mitre-attack:T1078 nsa-cisa:rbac",
    references=(RBAC_REFERENCE,),
    default=False,
    notes="Judged for RoleBindings that name an account of another namespace; kube-system, which has a rule of its "
    "own, and its accounts are left out.",
)
def foreign_account_binding(inventory: Inventory, ctx: Context) -> Hits:
    if not bindings_of(inventory):
        return
    for grant in ctx.once(index_of).grants:
        if grant.namespace in ("", "kube-system"):
            continue
        homes = {each.namespace for each in grant.subjects} - {"", grant.namespace, "kube-system"}
        given = _changes_or_secrets(grant) if homes else ""
        resource = inventory.get(grant.binding.kind, grant.binding.namespace, grant.binding.name)
        if given and resource is not None:
            yield Hit(f"accounts of {', '.join(sorted(homes))} may {given} here", "subjects", resource=resource)
