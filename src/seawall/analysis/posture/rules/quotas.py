"""Quotas and limits of namespaces, their other defaults, and what bounds image sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.base import KubeObject
    from seawall.model.kube.components import Constraint
    from seawall.model.kube.config import LimitRange, ResourceQuota, ServiceAccount
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_LIMITS = "https://kubernetes.io/docs/concepts/policy/limit-range/"
_QUOTAS = "https://kubernetes.io/docs/concepts/policy/resource-quotas/"
_HARD = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
#: The API server takes these for the plain names.
_SHORT = {"requests.cpu": "cpu", "requests.memory": "memory"}
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease")


def _without(inventory: Inventory, kind: str, message: str) -> Hits:
    """Hits at the namespaces that have no object of a kind."""
    held = {resource.ref.namespace or "default" for resource in inventory.of_kind(kind)}
    for namespace in inventory.namespaces():
        if namespace.ref.name not in held and namespace.ref.name not in _SYSTEM:
            yield Hit(message, resource=namespace)


@rule(
    "namespace-limit-range",
    title="Namespace without a LimitRange",
    severity=Severity.INFO,
    scope=Scope.NAMESPACE,
    on="inventory",
    why="A container that asks for nothing may then use all of a node.",
    remediation="Add a LimitRange with defaults and bounds for containers.",
    controls="mitre-attack:T1499 nsa-cisa:resource-limits",
    aliases="KSV-0039",
    references=(_LIMITS,),
    default=False,
)
def namespace_limit_range(inventory: Inventory, ctx: Context) -> Hits:
    yield from _without(inventory, "LimitRange", "the namespace has no LimitRange")


@rule(
    "namespace-quota",
    title="Namespace without a ResourceQuota",
    severity=Severity.INFO,
    scope=Scope.NAMESPACE,
    on="inventory",
    why="Whoever may create pods in the namespace may use up the cluster, for mining or to push others out.",
    remediation="Add a ResourceQuota for CPU and memory.",
    controls="mitre-attack:T1496 nsa-cisa:resource-limits",
    aliases="KSV-0040",
    references=(_QUOTAS,),
    default=False,
)
def namespace_quota(inventory: Inventory, ctx: Context) -> Hits:
    yield from _without(inventory, "ResourceQuota", "the namespace has no ResourceQuota")


@rule(
    "limit-range-incomplete",
    title="LimitRange leaves containers without defaults or bounds",
    severity=Severity.INFO,
    scope=Scope.NAMESPACE,
    on="LimitRange",
    why="A container that asks for nothing may use all of a node, or one may ask for all of it.",
    remediation="Give an item of type Container default, defaultRequest, min and max.",
    controls="mitre-attack:T1499 nsa-cisa:resource-limits",
    aliases="KSV-0039",
    references=(_LIMITS,),
    default=False,
)
def limit_range_incomplete(limits: LimitRange, ctx: Context) -> Hits:
    wanted = ("default", "defaultRequest", "min", "max")
    if not any(all(item.get(field) for field in wanted) for item in limits.spec.limits):
        yield Hit("no item sets default, defaultRequest, min and max", "spec.limits")


@rule(
    "quota-incomplete",
    title="ResourceQuota leaves CPU or memory unbounded",
    severity=Severity.INFO,
    scope=Scope.NAMESPACE,
    on="ResourceQuota",
    why="What is not bounded may be used up, for mining or to push others out.",
    remediation="Set requests.cpu, requests.memory, limits.cpu and limits.memory in spec.hard.",
    controls="mitre-attack:T1496 nsa-cisa:resource-limits",
    aliases="KSV-0040",
    references=(_QUOTAS,),
    default=False,
)
def quota_incomplete(quota: ResourceQuota, ctx: Context) -> Hits:
    hard = quota.spec.hard
    missing = [name for name in _HARD if name not in hard and _SHORT.get(name) not in hard]
    if missing:
        yield Hit(f"no bound on {', '.join(missing)}", "spec.hard")


@rule(
    "default-account-automount",
    title="Default service account hands out its token",
    severity=Severity.LOW,
    scope=Scope.SERVICE_ACCOUNT,
    on="ServiceAccount",
    why="Every pod of the namespace that names no account is given a token that it does not need, and so is an "
    "attacker in it.",
    remediation="Set automountServiceAccountToken: false at the account default.",
    controls="cis:5.1.5 mitre-attack:T1528 nsa-cisa:service-account-token",
    aliases="CKV_K8S_41 C-0189",
    references=("https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",),
    default=False,
    notes="default-service-account tells of the pods that use it.",
)
def default_account_automount(account: ServiceAccount, ctx: Context) -> Hits:
    if account.metadata.name == "default" and account.automount_service_account_token is not False:
        yield Hit("pods without an account of their own are given a token", "automountServiceAccountToken")


@rule(
    "default-namespace-object",
    title="Object in the default namespace",
    severity=Severity.INFO,
    scope=Scope.NAMESPACE,
    on="Service ConfigMap Secret ServiceAccount Role RoleBinding Ingress",
    why="Rights, quotas and network policies are set by namespace; in the default one an attacker finds everything "
    "that nobody has put apart.",
    remediation="Set metadata.namespace to a namespace of the application.",
    controls="cis8-10:5.7.4 cis11-12:5.6.4 nsa-cisa:namespaces",
    aliases="CKV_K8S_21 C-0061 C-0212",
    references=("https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",),
    default=False,
    notes="The service kubernetes and the account default, which the cluster makes itself, pass.",
)
def default_namespace_object(thing: KubeObject, ctx: Context) -> Hits:
    own = (ctx.resource.kind.name, thing.metadata.name) in (("Service", "kubernetes"), ("ServiceAccount", "default"))
    if ctx.resource.ref.namespace in (None, "default") and not own:
        yield Hit("the object is in the default namespace", "metadata.namespace")


@rule(
    "gatekeeper-repository-prefix",
    title="Allowed image prefix is open-ended",
    severity=Severity.HIGH,
    scope=Scope.ADMISSION,
    on="K8sAllowedRepos",
    why="The entry is compared as a beginning: my-registry.io also lets in my-registry.io.attacker.net, and team lets "
    "in team-of-an-attacker/image.",
    remediation="End every entry of spec.parameters.repos with a slash.",
    controls="mitre-attack:T1525",
    aliases="KSV-0124",
    references=("https://open-policy-agent.github.io/gatekeeper-library/website/validation/allowedrepos/",),
    notes="Entries with a tag or a digest name one image and pass.",
)
def gatekeeper_repository_prefix(constraint: Constraint, ctx: Context) -> Hits:
    repos = constraint.spec.parameters.get("repos")
    for i, repo in enumerate(repos if isinstance(repos, list) else ()):
        if isinstance(repo, str) and not repo.endswith("/") and "@" not in repo and ":" not in repo.rpartition("/")[2]:
            yield Hit(f"{repo!r} lets in every name that begins so", ("spec", "parameters", "repos", i))
