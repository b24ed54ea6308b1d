"""Policies that do other than they seem to: unreadable, shadowed, wider than meant, of undefined order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.analysis.network.shared import has_policies, network, settle
from seawall.model.finding import Confidence, Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_POLICIES = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
_ADMIN = "https://network-policy-api.sigs.k8s.io/api-overview/"


@rule(
    "network-policy-invalid",
    title="Network policy that does not say what it means",
    severity=Severity.HIGH,
    scope=Scope.NETWORK,
    on="inventory",
    why="The cluster refuses such a policy, or drops the part that it does not know: pods that someone believes to be "
    "held are open.",
    remediation="Correct the field; `kubectl apply --dry-run=server --validate=strict` tells whether the cluster takes "
    "it.",
    controls="cis:5.3.2",
    references=(_POLICIES, _ADMIN),
    notes="Judged for NetworkPolicy, AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy.",
)
def network_policy_invalid(inventory: Inventory, ctx: Context) -> Hits:
    if not has_policies(inventory):
        return
    for problem in ctx.once(network).lowered.problems:
        yield Hit(problem.message, problem.path, resource=problem.resource)


@rule(
    "admin-policy-selects-nothing",
    title="Cluster-wide network policy that selects no pods",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="inventory",
    why="The policy guards nothing: most often a label is misspelt, and the pods that it was written for are open.",
    remediation="Correct spec.subject, or remove the policy.",
    references=(_ADMIN,),
    notes="Judged where at least one pod is known.",
)
def admin_policy_selects_nothing(inventory: Inventory, ctx: Context) -> Hits:
    if not has_policies(inventory):
        return
    reach = ctx.once(network)
    index = reach.index
    for number, policy in enumerate(index.policies):
        selects = index.subjects[number] & index.ends.real_pods
        namespaced = policy.resource.ref.namespace or policy.resource.ref.kind == "NetworkPolicy"
        if not namespaced and policy.subject is not None and not selects and index.ends.classes:
            yield Hit("no pod that is known is selected", "spec.subject", resource=policy.resource)
    settle(reach.world.unread)


@rule(
    "network-policy-peer-selects-nothing",
    title="Network policy peer that selects no pods",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="inventory",
    why="A peer that matches no pod is a misspelt label, which breaks a connection, or a leftover: whoever can run a "
    "pod with these labels is let in.",
    remediation="Correct the selectors of the peer, or remove it.",
    aliases="kube-linter:dangling-networkpolicypeer-podselector",
    references=(_POLICIES,),
    notes="Judged where the policy itself selects a pod, and the namespaces that the peer means have pods that are "
    "known.",
)
def network_policy_peer_selects_nothing(inventory: Inventory, ctx: Context) -> Hits:
    if not has_policies(inventory):
        return
    from seawall.analysis.network.findings import empty_peers

    reach = ctx.once(network)
    for policy, path in empty_peers(reach):
        yield Hit("no pod that is known is selected", path, resource=policy.resource)
    settle(reach.world.unread)


@rule(
    "network-policy-rule-shadowed",
    title="Network policy rule that never decides anything",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="inventory",
    why="Rules before it decide every connection that it names: what it seems to deny may be allowed, and whoever "
    "reads it is misled.",
    remediation="Move the rule or the policy up (a lower priority number goes first), or remove it.",
    references=(_ADMIN,),
    notes="A rule that only repeats what rules of the same effect before it do is told as info.",
)
def network_policy_rule_shadowed(inventory: Inventory, ctx: Context) -> Hits:
    if not has_policies(inventory):
        return
    from seawall.analysis.network.findings import shadowed

    reach = ctx.once(network)
    for policy, path, repeats in shadowed(reach):
        if repeats:
            yield Hit("rules before it already do all it does", path, resource=policy.resource, severity=Severity.INFO)
        else:
            yield Hit("rules before it decide otherwise for all it names", path, resource=policy.resource)
    settle(reach.world.unread)


@rule(
    "network-policy-either-selector",
    title="Peer that takes either selector where both seem meant",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="NetworkPolicy",
    why="As two items of the list the selectors are alternatives: every pod of those namespaces is let through, not "
    "only the pods with the labels.",
    remediation="Where both are meant, put podSelector and namespaceSelector into one item: remove the dash of the "
    "second.",
    references=(f"{_POLICIES}#behavior-of-to-and-from-selectors",),
)
def network_policy_either_selector(policy: Any, ctx: Context) -> Hits:
    for word, rules in (("ingress", policy.spec.ingress), ("egress", policy.spec.egress)):
        for i, each in enumerate(rules or ()):
            side = "from" if word == "ingress" else "to"
            peers = (each.from_ if word == "ingress" else each.to) or ()
            for j in range(len(peers) - 1):
                first, second = set(peers[j]), set(peers[j + 1])
                named = peers[j + 1].get("podSelector") and peers[j].get("namespaceSelector")
                if first == {"namespaceSelector"} and second == {"podSelector"} and named:
                    yield Hit(
                        "the namespace and the pod selector are alternatives, not conditions that must both hold",
                        f"spec.{word}[{i}].{side}[{j + 1}]",
                        confidence=Confidence.MEDIUM,
                    )


@rule(
    "network-policy-opens-cluster",
    title="Network policy rule that lets in every pod of the cluster",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="inventory",
    why="The rule names peers, yet every pod of every namespace is one of them: any hijacked pod reaches these pods.",
    remediation="Select the namespaces by kubernetes.io/metadata.name and the pods by their labels.",
    controls="cis:5.3.2 mitre-attack:T1046",
    references=(_POLICIES,),
    notes="Judged where pods of more than one namespace are known; a rule without peers is told by another rule.",
)
def network_policy_opens_cluster(inventory: Inventory, ctx: Context) -> Hits:
    if not has_policies(inventory):
        return
    from seawall.analysis.network.findings import wide_rules

    reach = ctx.once(network)
    for policy, path, ports in wide_rules(reach):
        yield Hit(f"every pod of the cluster is let in, on {ports}", path, resource=policy.resource)
    settle(reach.world.unread)


@rule(
    "network-policy-equal-priority",
    title="Cluster-wide network policies of equal priority that disagree",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="inventory",
    why="Which of the two wins is undefined: a connection that one denies may pass, and it may change with the next "
    "release of the network plugin.",
    remediation="Give each policy of a tier a priority of its own.",
    references=(_ADMIN,),
)
def network_policy_equal_priority(inventory: Inventory, ctx: Context) -> Hits:
    if not has_policies(inventory):
        return
    from seawall.analysis.network.notes import equal_priorities

    reach = ctx.once(network)
    for clash in equal_priorities(reach):
        ref = clash.second.resource.ref
        yield Hit(
            f"{ref} has the same priority and decides otherwise for some connections",
            "spec.priority",
            resource=clash.first.resource,
            related=((ref, "same tier and priority"),),
        )
    settle(reach.world.unread)


@rule(
    "network-policy-host-network",
    title="Network policy that selects pods of the node's network",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="inventory",
    why="Network plugins apply no policy to pods with their node's address, or not reliably: the pods look held and "
    "are open.",
    remediation="Run the pods without hostNetwork, or hold the nodes themselves by a firewall or host policies.",
    controls="mitre-attack:T1046",
    references=(f"{_POLICIES}#networkpolicy-and-hostnetwork-pods",),
)
def network_policy_host_network(inventory: Inventory, ctx: Context) -> Hits:
    if not has_policies(inventory):
        return
    from seawall.analysis.network.findings import host_network_subjects

    reach = ctx.once(network)
    for policy, workload in host_network_subjects(reach):
        yield Hit(
            f"{workload.resource.ref} is selected, but uses its node's network",
            "spec",
            resource=policy.resource,
            related=((workload.resource.ref, "uses its node's network"),),
        )
    settle(reach.world.unread)


@rule(
    "network-policy-blocks-dns",
    title="Egress policy that blocks DNS",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="inventory",
    why="Pods that may connect out but cannot resolve names fail in odd ways, and the policy is soon removed to mend "
    "it.",
    remediation="Allow egress to the cluster's DNS on port 53, UDP and TCP.",
    references=(_POLICIES,),
    notes="Pods that may connect to nothing at all are left out: they are meant to be cut off.",
)
def network_policy_blocks_dns(inventory: Inventory, ctx: Context) -> Hits:
    if not has_policies(inventory):
        return
    from seawall.analysis.network.findings import without_dns

    reach = ctx.once(network)
    for workload, missing in without_dns(reach):
        yield Hit(f"the pods may connect out, but not to any port {missing} for DNS", resource=workload.resource)
    settle(reach.world.unread)


@rule(
    "admin-policy-old-api",
    title="Cluster-wide network policy of an API that is being replaced",
    severity=Severity.INFO,
    scope=Scope.NETWORK,
    on="AdminNetworkPolicy BaselineAdminNetworkPolicy",
    why="v1alpha1 is replaced by ClusterNetworkPolicy: a network plugin that drops it leaves the pods open.",
    remediation="Write it as a ClusterNetworkPolicy of the Admin or Baseline tier once the network plugin has it.",
    references=(_ADMIN,),
)
def admin_policy_old_api(policy: Any, ctx: Context) -> Hits:
    yield Hit("the kind is replaced by ClusterNetworkPolicy", "apiVersion")


@rule(
    "network-policies-not-enforced",
    title="Network policies that nothing enforces",
    severity=Severity.HIGH,
    scope=Scope.NETWORK,
    on="inventory",
    why="The network plugin that runs takes the policies and does nothing: every pod still reaches every other.",
    remediation="Run a network plugin that enforces policies (Cilium, Calico, Antrea), or turn enforcement on.",
    controls="cis:5.3.1 mitre-attack:T1046 nsa-cisa:network-policies",
    aliases="C-0205",
    references=(_POLICIES,),
    notes="Told only where what runs in the cluster shows it; where nothing shows it, nothing is said.",
)
def network_policies_not_enforced(inventory: Inventory, ctx: Context) -> Hits:
    if not has_policies(inventory):
        return
    from seawall.analysis.network.enforcement import enforcement
    from seawall.model.reach import EnforcementState

    reach = ctx.once(network)
    found = enforcement(reach.world)
    if reach.index.policies and found.state is EnforcementState.NOT_ENFORCED:
        policy = reach.index.policies[0].resource
        yield Hit(f"{len(reach.index.policies)} policies hold nothing: {found.evidence[0]}", resource=policy)
    settle(reach.world.unread)
