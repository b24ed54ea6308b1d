"""What the rest of an estate says of its workloads: who reaches them, what they open, and what holds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from seawall.analysis.access.accounts import account_of, accounts_of, mounts_token
from seawall.analysis.isolation.escape import way_out
from seawall.analysis.isolation.sensitivity import matters
from seawall.analysis.network.shared import has_policies
from seawall.engine.handing import of_others
from seawall.engine.standing import ClusterStanding
from seawall.findings import WEIGHTS
from seawall.model.access import Subject
from seawall.model.finding import RiskTerm
from seawall.model.kube.base import InvalidField
from seawall.model.kube.pod import Container, PodSpec
from seawall.model.owners import Owned, owned_by
from seawall.model.programs import PROGRAMS
from seawall.model.resource import Inventory, NotRead, Resource, namespace_of
from seawall.model.rule import Context
from seawall.model.standing import Rights, StrongRight

if TYPE_CHECKING:
    from seawall.analysis.network.nearness import Nearness

#: Runtime classes that share the node's kernel, by their usual names.
_PLAIN_RUNTIMES = frozenset(("", "runc", "crun", "nvidia"))
#: Rights with which a holder comes to run what it likes on nodes.
_STARTS = frozenset(("starts pods", "reaches kubelets", "runs commands in pods"))
#: Of several rights the one that says most is told.
_TELLING = ("grants rights", "starts pods", "reads Secrets", "asks for tokens", "runs commands in pods")
#: A workload that is reached gives a way on to what it reaches, at this part of the weight.
_ONWARD = 2, 3


def term(name: str, reason: str, step: int = 0) -> RiskTerm:
    """A term with its weight; ``step`` chooses among several."""
    return RiskTerm(name, WEIGHTS[name][step], reason)  # type: ignore[arg-type]


class Worth(Struct, frozen=True):
    """The terms of a workload: how it is reached, what its token and its settings give, what walls it off.

    ``token`` is empty where its pods are given none, and ``starts`` says that with it one runs what one likes on nodes;
    ``powerless`` says that its account is known to have no rights.
    """

    label: str
    reached: tuple[RiskTerm, ...] = ()
    token: tuple[RiskTerm, ...] = ()
    settings: tuple[RiskTerm, ...] = ()
    walls: tuple[RiskTerm, ...] = ()
    resource: Any = None
    daemon: bool = False
    powerless: bool = False
    control_plane: bool = False
    starts: bool = False

    @property
    def gains(self) -> tuple[RiskTerm, ...]:
        """What whoever has the workload gains."""
        return self.token + self.settings


NOTHING = Worth("")


class Weights:
    """The terms of the workloads of one cluster, each worked out when it is first asked for."""

    def __init__(self, context: Context) -> None:
        self.inventory: Inventory = context.inventory
        self.standing: ClusterStanding = of_others(context, "standing")
        self._known: dict[int, Worth] = {}
        self._held: dict[int, tuple[RiskTerm, ...]] = {}

    def of(self, resource: Resource) -> Worth:
        """The terms of a workload; nothing for other objects."""
        if resource.kind is None or resource.kind.template is None:
            return NOTHING
        found = self._known.get(id(resource))
        if found is None:
            try:
                found = self._worth(resource)
            except (InvalidField, NotRead):
                found = NOTHING
            self._known[id(resource)] = found
        return found

    def _worth(self, resource: Resource) -> Worth:
        template = resource.template()
        if template is None:
            return NOTHING
        owned = owned_by(resource, self.inventory)
        label = _label(resource, owned)
        spec: PodSpec = template.spec
        settings = []
        if out := way_out(spec):
            settings.append(term("targets", f"opens its node: {out}"))
        if why := matters(resource, template):
            settings.append(term("sensitivity", why))
        token, rights = self._privilege(resource)
        return Worth(
            label,
            tuple(self._reached(label)),
            token,
            tuple(settings),
            tuple(_walls(spec)),
            resource,
            owned.kind == "DaemonSet",
            rights is not None and rights == Rights(),
            resource.ref.namespace == "kube-system" and _runs_control_plane(spec),
            bool(token) and rights is not None and _starts(rights),
        )

    def _reached(self, label: str) -> Iterator[RiskTerm]:
        if way := self.standing.exposures().get(label):
            yield term("exposed", f"reached from outside by {way}")
        elif label in self.host_ports:
            yield term("exposed", f"reached from outside by port {self.host_ports[label]} of its node")
        elif first := self.near.get(label):
            yield term("near", f"reached by {first}, which is reached from outside")

    def held(self, worth: Worth) -> tuple[RiskTerm, ...]:
        """All that stands between a workload and those who want it."""
        found = self._held.get(id(worth.resource))
        if found is None:
            found = self._held[id(worth.resource)] = (*worth.walls, *self._barriers(worth)) if worth.resource else ()
        return found

    def _barriers(self, worth: Worth) -> Iterator[RiskTerm]:
        resource: Resource = worth.resource
        template = resource.template()
        if template is not None and _is_lowly(template.spec):
            yield term("unprivileged", "its processes are not root and have no capabilities")
        if worth.label in self._closed and worth.label not in self.standing.exposures():
            yield term("closed", "network policies let nothing in")
        if self._serves_nothing(worth.label):
            yield term("unserved", "it listens on no port, and no Service leads to it")
        if resource.kind is not None and resource.kind.name in ("Job", "CronJob"):
            yield term("brief", "it runs for a while and ends", 1)

    def _privilege(self, resource: Resource) -> tuple[tuple[RiskTerm, ...], Rights | None]:
        account = account_of(resource)
        if account is None or self.standing.problem:
            return (), None
        rights = self.standing.rights(account)
        if rights == Rights() or not mounts_token(resource, self._accounts):
            return (), rights
        return tuple(privilege(rights, "its token")), rights

    @cached_property
    def _accounts(self) -> dict[Subject, Resource]:
        return accounts_of(self.inventory)

    @cached_property
    def holders(self) -> dict[Subject, list[Resource]]:
        """The workloads whose pods are given the token of each service account."""
        found: dict[Subject, list[Resource]] = {}
        for each in self.workloads:
            account = account_of(each)
            if account is not None and mounts_token(each, self._accounts):
                found.setdefault(account, []).append(each)
        return found

    # The network.

    @cached_property
    def host_ports(self) -> dict[str, int]:
        """Workloads with a port of their node, which no policy is known to close."""
        found: dict[str, int] = {}
        for resource in self.workloads:
            port = next(_host_ports(resource), 0)
            if port:
                label = _label(resource, owned_by(resource, self.inventory))
                if label not in self._closed:
                    found.setdefault(label, port)
        return found

    @cached_property
    def workloads(self) -> list[Resource]:
        """Everything with a pod template, as far as it was read."""
        try:
            return self.inventory.workloads()
        except NotRead:
            return []

    @cached_property
    def near(self) -> Mapping[str, str]:
        """Workloads that one which is reached from outside gets to, with that one."""
        exposed = [*self.standing.exposures(), *self.host_ports]
        return self.nearness.next_to(exposed) if exposed and self.nearness is not None else {}

    @cached_property
    def nearness(self) -> Nearness | None:
        """Who gets to whom; None where it is not known."""
        from seawall.analysis.network.nearness import Nearness

        try:
            reach = self.standing.reach if has_policies(self.inventory) or self.standing.ways_in else None
        except NotRead:
            return None
        return Nearness(reach) if reach is not None else None

    @cached_property
    def _closed(self) -> frozenset[str]:
        return self.nearness.closed() if self.nearness is not None else frozenset()

    def _serves_nothing(self, label: str) -> bool:
        return self.nearness is not None and not self.nearness.served(label) and label not in self.host_ports

    # Ways on.

    @cached_property
    def jewels(self) -> dict[str, Worth]:
        """The workloads that give something to whoever has them, the most first."""
        found: dict[str, Worth] = {}
        for resource in self.workloads:
            worth = self.of(resource)
            if worth.gains and worth.label not in found:
                found[worth.label] = worth
        ordered = sorted(found.values(), key=lambda worth: (-max(each.weight for each in worth.gains), worth.label))
        return {worth.label: worth for worth in ordered}

    def onward(self, label: str) -> RiskTerm | None:
        """What the best workload that is next from this one gives."""
        if self.nearness is None or not self.jewels:
            return None
        best = next(self.nearness.among(label, self.jewels), None)
        if best is None:
            return None
        gain = max(self.jewels[best].gains, key=lambda each: each.weight)
        return RiskTerm("opens", gain.weight * _ONWARD[0] // _ONWARD[1], f"from there to {best}: {gain.reason}")

    @cached_property
    def node_falls(self) -> str:
        """A workload that is reached, or next to one that is, and takes a node; empty where there is none."""
        for label, worth in self.jewels.items():
            if worth.reached and (worth.starts or any(each.name == "targets" for each in worth.settings)):
                return label
        return ""


def _label(resource: Resource, owned: Owned) -> str:
    """How the analyses write a workload: by its outermost owner."""
    return f"{namespace_of(resource)}/{owned.name}[{owned.kind}]"


def _starts(rights: Rights) -> bool:
    return bool(rights.admin) or any(right.what in _STARTS for right in rights.strong)


def privilege(rights: Rights, whose: str) -> Iterator[RiskTerm]:
    """What rights are worth."""
    if rights.admin:
        yield term("privilege", f"{whose} comes to every right: {rights.admin}")
    elif rights.everywhere:
        yield term("privilege", f"{whose} {min(rights.everywhere, key=_rank)}", 1)
    elif rights.strong:
        yield term("privilege", f"{whose} {min(rights.strong, key=_rank)}", 2)


def _rank(right: StrongRight) -> tuple[int, StrongRight]:
    return _TELLING.index(right.what) if right.what in _TELLING else len(_TELLING), right


def _host_ports(resource: Resource) -> Iterator[int]:
    try:
        template = resource.template()
        for container in template.spec.containers if template is not None else ():
            for port in container.ports:
                if port.host_port and not port.host_ip.startswith("127.") and port.host_ip != "::1":
                    yield port.host_port
    except InvalidField:
        return


def _walls(spec: PodSpec) -> Iterator[RiskTerm]:
    if spec.runtime_class_name and spec.runtime_class_name not in _PLAIN_RUNTIMES:
        yield term("sandbox", f"runs under the runtime class {spec.runtime_class_name}")
    if spec.host_users is False:
        yield term("user-namespace", "its root is nobody on the node (user namespace)")


def _is_lowly(spec: PodSpec) -> bool:
    """Whether no container runs as root or with a capability that matters, nor may come to one."""
    containers = [container for _, _, container in spec.all_containers()]
    return bool(containers) and all(_is_nobody(spec, each) for each in containers)


#: Capabilities that open nothing but clocks and low ports.
_HARMLESS = frozenset(("NET_BIND_SERVICE", "SYS_TIME", "CHOWN"))


def _is_nobody(spec: PodSpec, container: Container) -> bool:
    context, pod = container.security_context, spec.security_context
    user = context.run_as_user if context.run_as_user is not None else pod.run_as_user
    non_root = context.run_as_non_root if context.run_as_non_root is not None else pod.run_as_non_root
    if user == 0 or not (user or non_root) or context.privileged:
        return False
    added = {name.upper().removeprefix("CAP_") for name in context.capabilities.add}
    dropped = {name.upper() for name in context.capabilities.drop}
    return context.allow_privilege_escalation is False and "ALL" in dropped and added <= _HARMLESS


def _runs_control_plane(spec: PodSpec) -> bool:
    """Whether it is a part of Kubernetes itself (a static pod of its control plane)."""
    programs = ((container.command or container.args or ("",))[0] for container in spec.containers)
    return any(program.rpartition("/")[2] in PROGRAMS for program in programs)
