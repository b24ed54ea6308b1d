"""Network policies that do not do what they seem to: mistakes that need no reachability to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seawall.analysis.posture.indexes import judged_pods, pods_by_label, view_of
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.network import AdminNetworkPolicy, NetworkPolicy, NetworkPolicyRule
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_POLICIES = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
_METADATA = "169.254.169.254"


def _peers(each: NetworkPolicyRule, field: str) -> tuple[dict[str, Any], ...] | None:
    return each.from_ if field == "from" else each.to


@rule(
    "network-policy-allows-all-ingress",
    title="Network policy that lets everything in",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="NetworkPolicy",
    why="A rule without peers and ports lets every pod and address reach every port, and undoes what other policies of "
    "the namespace forbid: rules add up.",
    remediation="Name the peers in from and the ports, or remove the rule.",
    controls="cis:5.3.2 mitre-attack:T1046 nsa-cisa:network-policies",
    references=(_POLICIES,),
)
def network_policy_allows_all_ingress(policy: NetworkPolicy, ctx: Context) -> Hits:
    for i, each in numbered(policy.spec.ingress or ()):
        if not each.from_ and not each.ports:
            yield Hit(_open_to_all("in", each.from_), f"spec.ingress[{i}]")


@rule(
    "network-policy-allows-all-egress",
    title="Network policy that lets everything out",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="NetworkPolicy",
    why="A rule without peers and ports lets the pods reach everything, the cloud's metadata service and an attacker's "
    "own host included.",
    remediation="Name the peers in to and the ports, or remove the rule.",
    controls="cis:5.3.2 mitre-attack:T1041 nsa-cisa:network-policies",
    references=(_POLICIES,),
)
def network_policy_allows_all_egress(policy: NetworkPolicy, ctx: Context) -> Hits:
    for i, each in numbered(policy.spec.egress or ()):
        if not each.to and not each.ports:
            yield Hit(_open_to_all("out", each.to), f"spec.egress[{i}]")


def _open_to_all(way: str, peers: tuple[Any, ...] | None) -> str:
    empty = "" if peers is None else ": an empty list of peers means everyone, not no one"
    return f"a rule lets everything {way}{empty}"


@rule(
    "network-policy-any-address",
    title="Network policy open to every address",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="NetworkPolicy",
    why="0.0.0.0/0 takes in the Internet, the nodes and every pod; without ports that is the same as no policy.",
    remediation="Name the networks that are meant, and the ports.",
    controls="mitre-attack:T1046 mitre-attack:T1041",
    references=(_POLICIES,),
    notes="Judged for rules without ports.",
)
def network_policy_any_address(policy: NetworkPolicy, ctx: Context) -> Hits:
    for path, block in _blocks(policy):
        if block.get("cidr") in ("0.0.0.0/0", "::/0") and not block.get("except"):
            yield Hit(f"a rule without ports is open to {block['cidr']}", f"{path}.cidr")


def _blocks(policy: NetworkPolicy, with_ports: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
    """The address blocks of a policy's rules with their paths; ``with_ports``: also of rules bound to ports."""
    for way, field, rules in (("ingress", "from", policy.spec.ingress), ("egress", "to", policy.spec.egress)):
        for i, each in numbered(rules or ()):
            if with_ports or not each.ports:
                for j, peer in numbered(_peers(each, field) or ()):
                    block = peer.get("ipBlock")
                    if isinstance(block, dict):
                        yield f"spec.{way}[{i}].{field}[{j}].ipBlock", block


@rule(
    "network-policy-metadata-service",
    title="Network policy that opens the cloud's metadata service",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="NetworkPolicy",
    why="At 169.254.169.254 clouds hand out the node's credentials to whoever asks: a request that an attacker makes "
    "the program send is enough.",
    remediation="Add 169.254.169.254/32 to except of the block.",
    controls="mitre-attack:T1552.005",
    aliases="C-0052",
    references=(_POLICIES,),
    notes="Judged for rules that let out by blocks of addresses, to port 80 or to all ports; 0.0.0.0/0 without ports "
    "and exceptions has a rule of its own, network-policy-any-address.",
)
def network_policy_metadata_service(policy: NetworkPolicy, ctx: Context) -> Hits:
    for i, each in numbered(policy.spec.egress or ()):
        if not _reaches_http(each):
            continue
        for j, peer in numbered(each.to or ()):
            block = peer.get("ipBlock")
            if isinstance(block, dict) and _holds_metadata(block) and (each.ports or block.get("except")):
                path = f"spec.egress[{i}].to[{j}].ipBlock"
                yield Hit(f"{block.get('cidr')} takes in the metadata service", path)


def _reaches_http(each: NetworkPolicyRule) -> bool:
    """Whether port 80 is among a rule's ports."""
    if not each.ports:
        return True
    for port in each.ports:
        first, last = port.get("port"), port.get("endPort")
        if port.get("protocol", "TCP") == "TCP" and (
            first is None or first == 80 or (isinstance(first, int) and isinstance(last, int) and first <= 80 <= last)
        ):
            return True
    return False


def _holds_metadata(block: dict[str, Any]) -> bool:
    exceptions = block.get("except")
    held = exceptions if isinstance(exceptions, list) else []
    return _is_in(_METADATA, block.get("cidr")) and not any(_is_in(_METADATA, each) for each in held)


def _is_in(address: str, cidr: object) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        return isinstance(cidr, str) and ip_address(address) in ip_network(cidr, strict=False)
    except ValueError:
        return False


@rule(
    "network-policy-every-namespace",
    title="Network policy open to every namespace",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="NetworkPolicy",
    why="An empty namespaceSelector takes in all pods of the cluster: one hijacked pod anywhere reaches these.",
    remediation="Select the namespace by its label kubernetes.io/metadata.name, and the pods beside it.",
    controls="mitre-attack:T1046",
    references=(_POLICIES,),
    notes="Judged for rules that let in and name no ports.",
)
def network_policy_every_namespace(policy: NetworkPolicy, ctx: Context) -> Hits:
    for i, each in numbered(policy.spec.ingress or ()):
        for j, peer in numbered(each.from_ or ()) if not each.ports else ():
            if _is_empty(peer.get("namespaceSelector")) and not _restricts(peer.get("podSelector")):
                yield Hit("a rule without ports is open to all pods of the cluster", f"spec.ingress[{i}].from[{j}]")


def _is_empty(selector: Any) -> bool:
    """Whether a selector is there and selects everything."""
    return isinstance(selector, dict) and not _restricts(selector)


def _restricts(selector: Any) -> bool:
    return isinstance(selector, dict) and bool(selector.get("matchLabels") or selector.get("matchExpressions"))


@rule(
    "network-policy-rules-ignored",
    title="Network policy with rules that do not count",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="NetworkPolicy",
    why="Rules of a direction that policyTypes does not name are passed over: the pods stay open that way, though the "
    "manifest looks as if they were held.",
    remediation="Add the direction to policyTypes.",
    controls="mitre-attack:T1046 nsa-cisa:network-policies",
    references=(_POLICIES,),
)
def network_policy_rules_ignored(policy: NetworkPolicy, ctx: Context) -> Hits:
    spec = policy.spec
    for name, rules in (("Ingress", spec.ingress), ("Egress", spec.egress)):
        if rules and spec.policy_types and name not in spec.policy_types:
            field = name.lower()
            yield Hit(f"the {field} rules do not count: policyTypes is {', '.join(spec.policy_types)}", f"spec.{field}")


@rule(
    "network-policy-selects-nothing",
    title="Network policy that selects no pods",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="inventory",
    why="The pods that it was to hold are open; a wrong label is easily overlooked.",
    remediation="Correct podSelector, or remove the policy.",
    controls="nsa-cisa:network-policies",
    aliases="C-0299 kube-linter:dangling-networkpolicy kube-score:networkpolicy-targets-pod",
    references=(_POLICIES,),
    notes="Judged in namespaces of which at least one workload is known, and no custom object that an operator may "
    "make pods of.",
)
def network_policy_selects_nothing(inventory: Inventory, ctx: Context) -> Hits:
    for policy in inventory.of_kind("NetworkPolicy"):
        pods, selector = ctx.once(judged_pods).get(namespace_of(policy)), view_of(policy).spec.pod_selector
        if pods is not None and not selector.is_empty and not pods.has(selector):
            yield Hit("no workload of the namespace has these labels", "spec.podSelector", resource=policy)


@rule(
    "namespace-without-default-deny",
    title="Namespace that does not deny by default",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="inventory",
    why="A pod that no policy selects is open to all others: each new program is, until someone thinks of it.",
    remediation="Add a NetworkPolicy with an empty podSelector and policyTypes Ingress and Egress, and open what is "
    "needed by others.",
    controls="cis:5.3.2 mitre-attack:T1046 nsa-cisa:network-policies",
    aliases="C-0206 C-0030 C-0054 C-0049 kyverno:add-networkpolicy kyverno:generate-networkpolicy-existing",
    references=(f"{_POLICIES}#default-policies",),
    notes="Judged for namespaces that have workloads and policies; where there are none, pod-without-network-policy "
    "tells of the pods. kube-system is left out.",
)
def namespace_without_default_deny(inventory: Inventory, ctx: Context) -> Hits:
    policies = inventory.of_kind("NetworkPolicy")
    if not policies:
        return
    denied = {namespace_of(each) for each in policies if _denies_by_default(view_of(each))}
    held = {namespace_of(each): each for each in reversed(policies)}
    for name in ctx.once(pods_by_label):
        if name in held and name not in denied and name != "kube-system":
            target = inventory.get("Namespace", None, name) or held[name]
            yield Hit(f"no policy of {name!r} denies what comes in by default", resource=target)


def _denies_by_default(policy: Any) -> bool:
    spec = policy.spec
    ingress = not spec.policy_types or "Ingress" in spec.policy_types
    return bool(
        spec.pod_selector.is_empty and ingress and not any(not r.from_ and not r.ports for r in spec.ingress or ())
    )


@rule(
    "admin-policy-allows-all",
    title="Administrator's network policy that overrules all others",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="AdminNetworkPolicy",
    why="What an AdminNetworkPolicy allows, no NetworkPolicy can deny: one that allows everyone leaves every namespace "
    "open.",
    remediation="Use the action Pass, or name the peers and ports that must always get through.",
    controls="mitre-attack:T1046",
    references=("https://network-policy-api.sigs.k8s.io/api-overview/",),
)
def admin_policy_allows_all(policy: AdminNetworkPolicy, ctx: Context) -> Hits:
    for i, each in numbered(policy.spec.ingress):
        if each.action == "Allow" and not each.ports and any(_is_everyone(peer) for peer in each.from_):
            yield Hit("a rule allows everyone, whatever network policies say", f"spec.ingress[{i}]")


def _is_everyone(peer: dict[str, Any]) -> bool:
    pods = peer.get("pods")
    if isinstance(pods, dict):
        return _is_empty(pods.get("namespaceSelector")) and _is_empty(pods.get("podSelector"))
    return _is_empty(peer.get("namespaces"))
