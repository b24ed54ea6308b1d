"""What falls if a node, a namespace or a pool falls, and how much of the estate that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import structs

from seawall.analysis.isolation.escape import way_out
from seawall.analysis.isolation.nodes import NodeFacts
from seawall.analysis.isolation.sensitivity import SYSTEM
from seawall.analysis.isolation.units import SecretName, Unit
from seawall.analysis.isolation.world import World, secrets_by_namespace
from seawall.model.isolation import Falls, Lost, Token, Total
from seawall.model.standing import Rights

By = Literal["node", "namespace", "pool"]
#: From this version on the API server gives a kubelet tokens only of accounts whose tokens its pods mount.
#: Source: KEP-4412 and its gate ServiceAccountNodeAudienceRestriction.
_AUDIENCES = (1, 33)
#: How much each share counts for the radius, in tenths: Secrets, tokens, tenants, volumes.
WEIGHTS = (4, 3, 2, 1)


class Blast:
    """Works out what falls, from a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.known = secrets_by_namespace(world.inventory)
        for unit in world.units:
            for namespace, name in unit.secrets:
                self.known.setdefault(namespace, set()).add(name)
        self.tenants = {tenant for unit in world.units if (tenant := world.tenant(unit)) != SYSTEM}
        self.tokens = {unit.account for unit in world.units if unit.token}
        self.volumes = {(unit.namespace, claim) for unit in world.units for claim in unit.claims}
        self.secret_count = sum(map(len, self.known.values()))
        self._escapes: dict[str, str] = {}

    def rows(self, by: By) -> list[Falls]:
        """What falls with each, worst first."""
        made = {"node": self._nodes, "namespace": self._namespaces, "pool": self._pools}[by]()
        return sorted(made, key=lambda row: (-row.radius, not row.mixed, -len(row.sensitive), -row.pods, row.name))

    def node(self, facts: NodeFacts) -> Falls:
        """What falls with one node."""
        row = self._falls(facts.name, [facts], self.world.on_node(facts.name))
        pods = sum(self.world.on.get(facts.name, {}).values())
        return structs.replace(
            row, pods=pods, pool=facts.pool, control_plane=facts.control_plane,
            taints=tuple(map(str, facts.taints)), kubelet=self._kubelet(facts.name),
        )  # fmt: skip

    def _nodes(self) -> Iterator[Falls]:
        return (self.node(facts) for facts in self.world.nodes.values())

    def _pools(self) -> Iterator[Falls]:
        pools: dict[str, list[NodeFacts]] = {}
        for facts in self.world.nodes.values():
            pools.setdefault(facts.pool, []).append(facts)
        for name, members in pools.items():
            units = {
                label: unit for each in members for unit in self.world.on_node(each.name) for label in [unit.label]
            }
            row = self._falls(name, members, list(units.values()))
            pods = sum(sum(self.world.on.get(each.name, {}).values()) for each in members)
            yield structs.replace(
                row, pods=pods, pool=name, control_plane=any(each.control_plane for each in members)
            )  # fmt: skip

    def _namespaces(self) -> Iterator[Falls]:
        groups: dict[str, list[Unit]] = {name: [] for name in (*self.world.namespaces, *self.known)}
        for unit in self.world.units:
            groups.setdefault(unit.namespace, []).append(unit)
        for name, units in groups.items():
            own = {(name, secret): "in the namespace" for secret in self.known.get(name, ())}
            nodes = sorted({node for unit in units for node in unit.nodes})
            row = self._falls(name, [], units, own)
            pods = sum(len(unit.pods) or (0 if self.world.placement == "bound" else 1) for unit in units)
            yield structs.replace(row, nodes=tuple(nodes), pods=pods)

    def _falls(
        self, name: str, nodes: list[NodeFacts], units: list[Unit], own: dict[SecretName, str] | None = None
    ) -> Falls:
        world = self.world
        secrets = dict(own or {})
        for unit in units:
            for secret, how in unit.secrets.items():
                secrets[secret] = f"{how} of {unit.label}"
        tokens, rights = self._tokens(units, of_nodes=bool(nodes))
        read, places = self._read(rights)
        readable = len(read - secrets.keys())
        volumes = {(unit.namespace, claim): unit.label for unit in units for claim in unit.claims}
        tenants = sorted({tenant for unit in units if (tenant := world.tenant(unit)) != SYSTEM})
        cluster = [
            f"{each.name} is of the control plane: etcd and the CA's keys are on it"
            for each in nodes
            if each.control_plane
        ]
        cluster += [f"the token of {token.account}: {token.admin}" for token in tokens if token.admin]
        shares = (
            (len(read | secrets.keys()), self.secret_count),
            (sum(not token.requested for token in tokens), len(self.tokens)),
            (len(tenants), len(self.tenants)),
            (len(volumes), len(self.volumes)),
        )
        strong = sorted({right for token in tokens for right in token.strong})
        judged = [(unit, world.judgement(unit)) for unit in units]
        return Falls(
            name=name,
            nodes=tuple(each.name for each in nodes),
            pods=0,
            workloads=tuple(sorted(unit.label for unit in units)),
            tenants=tuple(tenants),
            tokens=tuple(tokens),
            secrets=tuple(Lost("/".join(secret), how) for secret, how in sorted(secrets.items())),
            readable=readable,
            places=tuple(places),
            volumes=tuple(Lost("/".join(claim), f"of {label}") for claim, label in sorted(volumes.items())),
            roles=tuple(sorted({role for unit in units for role in unit.roles})),
            rights=tuple(strong),
            sensitive=tuple(Lost(u.label, j.reason) for u, j in judged if j.level == "sensitive"),
            untrusted=tuple(Lost(u.label, self._mistrust(u, j.reason)) for u, j in judged if j.level == "untrusted"),
            escapes=tuple(Lost(unit.label, way) for unit in units if (way := self.escape(unit))),
            cluster=tuple(cluster),
            radius=100 if cluster else radius(shares),
            mixed=any(j.level == "sensitive" for _, j in judged)
            and any(j.level == "untrusted" and not world.sandbox(u) for u, j in judged),
        )

    def _mistrust(self, unit: Unit, reason: str) -> str:
        sandbox = self.world.sandbox(unit)
        return f"{reason}; in the sandbox {sandbox}" if sandbox else reason

    def escape(self, unit: Unit) -> str:
        """How a unit's pods take their node by their settings alone; empty where they do not."""
        found = self._escapes.get(unit.label)
        if found is None:
            found = self._escapes[unit.label] = way_out(unit.spec)
        return found

    def _tokens(self, units: Iterable[Unit], of_nodes: bool) -> tuple[list[Token], list[Rights]]:
        """The tokens of units, strongest first, and what they are good for. A kubelet asks for more at old versions."""
        requests = of_nodes and self.world.version < _AUDIENCES
        by_account: dict[str, list[Unit]] = {}
        for unit in units:
            if unit.token or requests:
                by_account.setdefault(f"{unit.account.namespace}/{unit.account.name}", []).append(unit)
        found: list[tuple[Token, Rights]] = []
        for account, holders in by_account.items():
            rights = self.world.standing.rights(holders[0].account)
            token = Token(
                account, tuple(sorted(unit.label for unit in holders)), rights.admin,
                tuple(map(str, rights.strong)), not any(unit.token for unit in holders),
            )  # fmt: skip
            found.append((token, rights))
        found.sort(key=lambda each: (not each[0].admin, -len(each[0].strong), each[0].account))
        return [token for token, _ in found], [rights for _, rights in found]

    def _read(self, rights: Iterable[Rights]) -> tuple[set[SecretName], list[str]]:
        """The Secrets that tokens read, as far as they are known by name, and the namespaces of which they read all."""
        places: set[str] = set()
        named: set[SecretName] = set()
        for each in rights:
            places.update(each.secrets)
            named.update(name for name in each.named if name[1] in self.known.get(name[0], ()))
        whole = self.known if "" in places else {name: self.known.get(name, set()) for name in places}
        named.update((namespace, name) for namespace, names in whole.items() for name in names)
        return named, ["*"] if "" in places else sorted(places)

    def _kubelet(self, node: str) -> str:
        if self.world.placement == "presumed":
            return ""
        wide = self.world.restricted is False
        reach = "any Node and any pod, as NodeRestriction is off" if wide else "its own Node and its pods"
        return f"system:node:{node} reads the Secrets, volumes and tokens above and changes {reach}"

    def total(self, rows: list[Falls]) -> Total:
        """The whole estate, and what lies on the nodes where untrusted code runs; ``rows`` are those of nodes."""
        entries = [row for row in rows if row.untrusted]
        radii = [row.radius for row in rows]
        return Total(
            nodes=len(rows),
            workloads=len(self.world.units.by_label),
            secrets=self.secret_count,
            tokens=len(self.tokens),
            tenants=len(self.tenants),
            volumes=len(self.volumes),
            mixed=sum(row.mixed for row in rows),
            entries=len(entries),
            exposed_secrets=len({lost.name for row in entries for lost in row.secrets}),
            exposed_tokens=len({token.account for row in entries for token in row.tokens}),
            exposed_strong=len({right for row in entries for right in row.rights}),
            exposed_sensitive=len({lost.name for row in entries for lost in row.sensitive}),
            cluster_nodes=sum(bool(row.cluster) for row in rows),
            worst=max(radii, default=0),
            mean=round(sum(radii) / len(radii), 1) if radii else 0.0,
        )


def radius(shares: Iterable[tuple[int, int]]) -> int:
    """The weighted mean of shares of Secrets, tokens, tenants and volumes, 0 to 99; what there is none of is left."""
    counted = [(part / whole, weight) for (part, whole), weight in zip(shares, WEIGHTS, strict=True) if whole]
    if not counted:
        return 0
    return min(99, round(100 * sum(part * weight for part, weight in counted) / sum(weight for _, weight in counted)))
