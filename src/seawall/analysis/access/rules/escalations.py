"""Who becomes more than it was given: findings from the fixed point over the whole estate, with the way as evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.access.accounts import account_of, mounts_token
from seawall.analysis.access.grants import GOOD_PRACTICES
from seawall.analysis.access.judging import bindings_of, evidence_of, reach_of, told_steps
from seawall.analysis.access.points import EVERYTHING
from seawall.model.access import Subject
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.analysis.access.judging import Reach
    from seawall.analysis.access.points import Step
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_KEPT = (
    "Kubernetes' and its installer's own accounts and bindings, and ways that rest on a namespace that was not read, "
    "are left out."
)


def _begins_alone(reach: Reach, subject: Subject, steps: list[Step]) -> bool:
    """Whether a way begins with what the subject itself was given, by people."""
    first = steps[0]
    if not first.grants or reach.is_own(first):
        return False
    return any(subject in grant.subjects for grant, _ in first.grants)


def _is_given(steps: list[Step]) -> bool:
    """Whether the subject was given all of it: that has rules of its own."""
    return len(steps) == 1 and steps[0].how == EVERYTHING


@rule(
    "becomes-cluster-admin",
    title="Subject can make itself cluster-admin",
    severity=Severity.CRITICAL,
    scope=Scope.RBAC,
    on="inventory",
    why="Its rights are less than cluster-admin's on paper, but a few requests turn them into all: whoever gets its "
    "token, certificate or password has the cluster.",
    remediation="Take away the right of one of the steps; `seawall access escalation --subject` shows them all.",
    controls="cis:5.1.1 cis:5.1.8 mitre-attack:T1098.006 mitre-attack:T1078 nsa-cisa:rbac",
    references=(GOOD_PRACTICES,),
    notes=f"Subjects that are bound to a role with every right are told by other rules. {_KEPT}",
)
def becomes_cluster_admin(inventory: Inventory, ctx: Context) -> Hits:
    if not bindings_of(inventory):
        return
    reach = reach_of(ctx)
    for point in reach.to_admin:
        steps = reach.way(point, "admin") if isinstance(point, Subject) else []
        if steps and isinstance(point, Subject) and not _is_given(steps) and _begins_alone(reach, point, steps):
            resource, path = reach.holder(point, steps[0])
            message = f"{point} can make itself cluster-admin: {told_steps(steps)}"
            yield Hit(message, path, resource=resource, evidence=(evidence_of(steps),))


@rule(
    "becomes-node-root",
    title="Subject can make itself root on nodes",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="inventory",
    why="Root on a node reads the tokens and Secrets of every pod there and the kubelet's own credentials; on most "
    "clusters some pod of a node leads on to the whole cluster.",
    remediation="Give the namespaces the level baseline or restricted, or take the right to run pods away.",
    controls="mitre-attack:T1611 mitre-attack:T1078 nsa-cisa:rbac nsa-cisa:pod-security",
    references=("https://kubernetes.io/docs/concepts/security/pod-security-admission/",),
    notes=f"Subjects that can make themselves cluster-admin are told of that only. Admission by other means than Pod "
    f"Security is not seen. {_KEPT}",
)
def becomes_node_root(inventory: Inventory, ctx: Context) -> Hits:
    if not bindings_of(inventory):
        return
    reach = reach_of(ctx)
    for point in reach.to_node:
        if not isinstance(point, Subject) or reach.way(point, "admin"):
            continue
        steps = reach.way(point, "node")
        if steps and _begins_alone(reach, point, steps):
            resource, path = reach.holder(point, steps[0])
            message = f"{point} can make itself root on nodes: {told_steps(steps)}"
            yield Hit(message, path, resource=resource, evidence=(evidence_of(steps),))


@rule(
    "workload-takes-cluster",
    title="Workload whose token is as good as the cluster",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="inventory",
    why="Whoever gets into one of its pods finds a token there with which the whole cluster is theirs.",
    remediation="Bind the service account to a Role with the rights that the program needs.",
    controls="cis:5.1.1 mitre-attack:T1078 mitre-attack:T1098.006 nsa-cisa:rbac",
    aliases="C-0267 C-0272",
    references=(GOOD_PRACTICES,),
    notes=f"Judged for accounts that are cluster-admin or can make themselves so, by whatever way. kube-system is left "
    f"out. {_KEPT}",
)
def workload_takes_cluster(inventory: Inventory, ctx: Context) -> Hits:
    if not bindings_of(inventory):
        return
    reach = reach_of(ctx)
    for workload in inventory.workloads():
        account = account_of(workload) if inventory.owner_of(workload) is None else None
        if account is None or account.namespace == "kube-system" or account not in reach.to_admin:
            continue
        steps = reach.way(account, "admin")
        if steps and mounts_token(workload, reach.accounts) and not all(reach.is_own(step) for step in steps):
            path = (*((workload.kind.template if workload.kind else None) or ()), "spec", "serviceAccountName")
            granting = next((grant.binding for step in steps for grant, _ in step.grants), None)
            yield Hit(
                f"its account {account.name!r} comes to every right: {told_steps(steps)}", path, resource=workload,
                related=((granting, "grants the first step"),) if granting is not None else (),
                evidence=(evidence_of(steps),),
            )  # fmt: skip
