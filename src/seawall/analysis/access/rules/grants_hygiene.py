"""Grants that nobody needs, that nobody can survey, or that were meant to end."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from seawall.analysis.access.accounts import account_of, mounts_token
from seawall.analysis.access.grants import RBAC_REFERENCE, is_built_in
from seawall.analysis.access.judging import bindings_of, index_of, is_own_binding, own_bindings, view_of
from seawall.model.access import AUTHENTICATED, Subject, actor_of
from seawall.model.finding import Severity
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.access import Grant
    from seawall.model.kube.rbac import RoleBinding
    from seawall.model.resource import Inventory, Resource
    from seawall.model.rule import Context

#: From so many subjects on nobody knows who has a role, and from so many users on a group is meant.
MANY_SUBJECTS, MANY_USERS = 100, 5
_AGGREGATE = "/aggregate-to-"
#: Annotations and labels by which tools and people say when something ends; the part behind the slash counts.
_ENDS = r"(?:.*[/.])?(?:expires?|expires-at|expiration|expiry|valid-until|ttl-until|delete-after)\Z"
_DATE = r"(\d{4})-(\d{2})-(\d{2})"
_MEANT_TO_END = r"(?:^|[-_.])(?:temp|tmp|temporary|breakglass|break-glass|debug|hotfix|incident)(?:[-_.]|$)"


def _role_key(grant: Grant) -> tuple[str, str, str]:
    return grant.role.kind, grant.role.namespace or "", grant.role.name


@rule(
    "role-unused",
    title="Role that nobody holds",
    severity=Severity.INFO,
    scope=Scope.RBAC,
    on="inventory",
    why="A role without a binding is a trap: it is granted one day by its name, not by what it says.",
    remediation="Delete the role.",
    controls="nsa-cisa:rbac",
    references=(RBAC_REFERENCE,),
    default=False,
    notes="Judged in a cluster's dump. Roles that the API server keeps, that are aggregated into others, or that an "
    "aggregated one takes in, pass.",
)
def role_unused(inventory: Inventory, ctx: Context) -> Hits:
    bindings = bindings_of(inventory)
    if not any(each.uid for each in bindings):
        return
    used = {
        (ref.kind, (binding.ref.namespace or "") if ref.kind == "Role" else "", ref.name)
        for binding in bindings
        for ref in (view_of(binding).role_ref,)
    }
    for role in inventory.of_kind("Role", "ClusterRole"):
        labels = role.metadata.labels
        part = any(_AGGREGATE in label for label in labels) or view_of(role).aggregation_rule is not None
        kept = "kubernetes.io/bootstrapping" in labels
        if role.uid and not part and not kept and (role.ref.kind, role.ref.namespace or "", role.ref.name) not in used:
            yield Hit("no binding names the role", resource=role)


@rule(
    "role-granted-to-many",
    title="Role granted to hundreds",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="inventory",
    why="With so many holders nobody knows any more who has the rights, and one stolen credential of them all will do.",
    remediation="Split the role by what its holders do, and grant it through groups that someone owns.",
    controls="mitre-attack:T1078 nsa-cisa:rbac",
    references=(RBAC_REFERENCE,),
    notes=f"From {MANY_SUBJECTS} subjects on, over all bindings of the role; bindings that Kubernetes makes itself are "
    "left out, as are roles that only read and no Secrets.",
)
def role_granted_to_many(inventory: Inventory, ctx: Context) -> Hits:
    if not bindings_of(inventory):
        return
    own = ctx.once(own_bindings)
    holders: dict[tuple[str, str, str], set[Subject]] = defaultdict(set)
    strong: set[tuple[str, str, str]] = set()
    for grant in ctx.once(index_of).grants:
        if grant.binding not in own:
            key = _role_key(grant)
            holders[key].update(grant.subjects)
            if any(not {"get", "list", "watch"}.issuperset(r.verbs) or "secrets" in r.resources for r in grant.rules):
                strong.add(key)
    for (kind, namespace, name), subjects in holders.items():
        role = inventory.get(kind, namespace or None, name)
        if len(subjects) >= MANY_SUBJECTS and (kind, namespace, name) in strong and role is not None:
            yield Hit(f"{len(subjects)} subjects hold the role", resource=role)


@rule(
    "users-bound-directly",
    title="Role bound to single users",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="RoleBinding ClusterRoleBinding",
    why="People who leave or change teams keep rights that are bound to their names: nobody takes them out of a list "
    "in the cluster.",
    remediation="Bind the role to a group of the identity provider.",
    controls="mitre-attack:T1078 nsa-cisa:rbac",
    references=(f"{RBAC_REFERENCE}#referring-to-subjects",),
    notes=f"From {MANY_USERS} users in one binding on. Users that Kubernetes makes itself (system:...) do not count.",
)
def users_bound_directly(binding: RoleBinding, ctx: Context) -> Hits:
    users = [s.name for s in binding.subjects if s.kind == "User" and not s.name.startswith("system:")]
    if len(users) >= MANY_USERS:
        yield Hit(f"{len(users)} users are named one by one, {users[0]!r} first", "subjects")


@rule(
    "duplicate-role",
    title="Role that says the same as another",
    severity=Severity.INFO,
    scope=Scope.RBAC,
    on="inventory",
    why="Of two roles that say the same, one is changed one day and the other forgotten.",
    remediation="Keep one role, and bind it where the other was.",
    references=(RBAC_REFERENCE,),
    default=False,
    notes="Judged among the Roles of a namespace, and among ClusterRoles; those that the API server keeps pass.",
)
def duplicate_role(inventory: Inventory, ctx: Context) -> Hits:
    first: dict[tuple[object, ...], Resource] = {}
    for role in inventory.of_kind("Role", "ClusterRole"):
        rules = frozenset(str(r) for r in view_of(role).rules)
        if not rules or is_built_in(view_of(role)) or "kubernetes.io/bootstrapping" in role.metadata.labels:
            continue
        other = first.setdefault((role.ref.kind, role.ref.namespace, rules), role)
        if other is not role and other.ref != role.ref:
            yield Hit(
                f"the role says the same as {other.ref}",
                "rules",
                resource=role,
                related=((other.ref, "says the same"),),
            )


@rule(
    "duplicate-binding",
    title="Grant that another grant makes needless",
    severity=Severity.INFO,
    scope=Scope.RBAC,
    on="inventory",
    why="Whoever takes one of the grants away believes that the right is gone, and it is not.",
    remediation="Remove one of the bindings.",
    controls="nsa-cisa:rbac",
    references=(RBAC_REFERENCE,),
    default=False,
    notes="Judged for bindings of the same role to the same subject, in the same namespace or in the whole cluster.",
)
def duplicate_binding(inventory: Inventory, ctx: Context) -> Hits:
    if not bindings_of(inventory):
        return
    given: dict[tuple[Subject, tuple[str, str, str], str], Grant] = {}
    grants = ctx.once(index_of).grants
    for grant in grants:
        for subject in grant.subjects:
            given.setdefault((subject, _role_key(grant), grant.namespace), grant)
    for grant in grants:
        for subject in dict.fromkeys(grant.subjects):
            same = given[subject, _role_key(grant), grant.namespace]
            other = given.get((subject, _role_key(grant), "")) if grant.namespace else None
            more = other or (same if same is not grant else None)
            resource = inventory.get(grant.binding.kind, grant.binding.namespace, grant.binding.name)
            if more is not None and more.binding != grant.binding and resource is not None:
                related = ((more.binding, "grants it already"),)
                yield Hit(f"{subject} has the role by {more.binding} already", resource=resource, related=related)


@rule(
    "grant-wider-than-namespace",
    title="Account may change every namespace but works in one",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="inventory",
    why="The program runs in one namespace and may change things in all of them: whoever gets into it has all of them.",
    remediation="Bind the role by a RoleBinding in the namespaces that the program serves.",
    controls="mitre-attack:T1078 nsa-cisa:rbac",
    references=(RBAC_REFERENCE,),
    default=False,
    notes="Judged for ClusterRoleBindings to service accounts whose role changes resources of namespaces or reads "
    "Secrets, and nothing of the whole cluster. Operators for all namespaces need it: waive them.",
)
def grant_wider_than_namespace(inventory: Inventory, ctx: Context) -> Hits:
    from seawall.model.kube.resources import find_resource

    if not bindings_of(inventory):
        return
    own = ctx.once(own_bindings)
    for grant in ctx.once(index_of).grants:
        accounts = [
            each for each in grant.subjects if each.kind == "ServiceAccount" and each.namespace != "kube-system"
        ]
        if grant.namespace or grant.binding in own or not accounts:
            continue
        parts = [(r, what, find_resource(what.partition("/")[0])) for r in grant.rules for what in r.resources]
        namespaced = all(known is not None and known.namespaced for _, _, known in parts)
        changing = any(not {"get", "list", "watch"}.issuperset(r.verbs) or what == "secrets" for r, what, _ in parts)
        resource = inventory.get(grant.binding.kind, grant.binding.namespace, grant.binding.name)
        if parts and namespaced and changing and resource is not None:
            yield Hit(f"{accounts[0]} may do in every namespace what {grant.role.name!r} says", resource=resource)


@rule(
    "expired-grant",
    title="Grant that was meant to end and did not",
    severity=Severity.MEDIUM,
    scope=Scope.RBAC,
    on="inventory",
    why="Rights that were given for an incident or a project outlive it, and nobody looks at them any more.",
    remediation="Remove the binding; give rights for a time by a tool that takes them back.",
    controls="mitre-attack:T1078 nsa-cisa:rbac",
    references=(RBAC_REFERENCE,),
    notes="Judged for annotations and labels of bindings whose name ends with expires, expires-at, expiration, "
    "valid-until or the like and whose value begins with a date that has passed; names like temp, debug or breakglass "
    "without such a date are low.",
)
def expired_grant(inventory: Inventory, ctx: Context) -> Hits:
    today = datetime.now(tz=UTC).date()
    for binding in bindings_of(inventory):
        metadata = binding.metadata
        told = {**metadata.labels, **metadata.annotations}
        ends = {key: day for key, value in told.items() if re.match(_ENDS, key.lower()) and (day := _day(value))}
        past = next((key for key, day in ends.items() if day < today), None)
        if past is not None:
            where = "annotations" if past in metadata.annotations else "labels"
            yield Hit(
                f"the grant ended on {ends[past]} and is still there", ("metadata", where, past), resource=binding
            )
        elif not ends and re.search(_MEANT_TO_END, binding.ref.name.lower()) and not is_own_binding(binding):
            message = "the grant was meant to end, by its name, and says not when"
            yield Hit(message, "metadata.name", resource=binding, severity=Severity.LOW)


def _day(value: str) -> date | None:
    match = re.match(_DATE, value)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


@rule(
    "token-without-need",
    title="Token mounted that is good for nothing but discovery",
    severity=Severity.LOW,
    scope=Scope.SERVICE_ACCOUNT,
    on="inventory",
    why="The account holds no rights, so the program does not need its token; an attacker in the pod uses it to look "
    "around, and has whatever the account is given by mistake later.",
    remediation="Set automountServiceAccountToken: false in the pod.",
    controls="cis:5.1.6 mitre-attack:T1528 nsa-cisa:service-account-token",
    references=("https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",),
    default=False,
    notes="Judged in a cluster's dump with its bindings, where automount-token is told of every token.",
)
def token_without_need(inventory: Inventory, ctx: Context) -> Hits:
    from seawall.analysis.access.accounts import accounts_of

    if not any(each.uid for each in bindings_of(inventory)):
        return
    index, own, accounts = ctx.once(index_of), ctx.once(own_bindings), accounts_of(inventory)
    for workload in inventory.workloads():
        account = account_of(workload) if inventory.owner_of(workload) is None else None
        if account is None or not mounts_token(workload, accounts):
            continue
        held = [
            grant for subject, grant in index.of(actor_of(account))
            if subject.name != AUTHENTICATED and not (subject.kind == "Group" and grant.binding in own)
        ]  # fmt: skip
        if not held:
            base = (workload.kind.template if workload.kind else None) or ()
            path = (*base, "spec", "automountServiceAccountToken")
            place = f"{namespace_of(workload)}/{account.name}"
            yield Hit(f"the account {place} holds no rights", path, resource=workload)
