"""What falls together: the results that the analysis of isolation hands to reports and to other analyses."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from seawall.model.finding import ResourceRef


class Token(Struct, frozen=True, rename="camel"):
    """A service account whose token falls; ``requested`` says that the kubelet may ask for it, though no pod of the
    node mounts it. ``admin`` tells how it comes to every right, ``strong`` the dangerous rights that it has."""

    account: str
    workloads: tuple[str, ...]
    admin: str = ""
    strong: tuple[str, ...] = ()
    requested: bool = False


class Lost(Struct, frozen=True, rename="camel"):
    """A Secret or volume that falls: ``namespace/name`` and how."""

    name: str
    how: str


class Falls(Struct, frozen=True, rename="camel"):
    """What falls with a node, a namespace or a pool.

    ``cluster`` says why the whole cluster falls with it (empty: it does not). ``secrets`` are those that lie there,
    ``readable`` counts all Secrets that its tokens read beside those; ``places`` are the namespaces (``*``: all) of
    which they read every one. ``sensitive`` and ``untrusted`` are workloads with the reason, ``mixed`` says that both
    are together and no sandbox is between them. ``radius`` is the share
    of the estate that falls, 0 to 100. ``kubelet`` is what the node's own identity may do.
    """

    name: str
    nodes: tuple[str, ...]
    pods: int
    workloads: tuple[str, ...]
    tenants: tuple[str, ...]
    tokens: tuple[Token, ...]
    secrets: tuple[Lost, ...]
    readable: int
    places: tuple[str, ...]
    volumes: tuple[Lost, ...]
    roles: tuple[str, ...]
    rights: tuple[str, ...]
    sensitive: tuple[Lost, ...]
    untrusted: tuple[Lost, ...]
    escapes: tuple[Lost, ...]
    cluster: tuple[str, ...]
    radius: int
    pool: str = ""
    control_plane: bool = False
    taints: tuple[str, ...] = ()
    kubelet: str = ""
    mixed: bool = False


class Total(Struct, frozen=True, rename="camel"):
    """The whole, of which radii are shares, and what lies on nodes where untrusted code runs.

    ``mixed`` counts nodes with sensitive and untrusted workloads, ``entries`` those with untrusted ones; ``exposed_*``
    are what lies on the latter.
    """

    nodes: int
    workloads: int
    secrets: int
    tokens: int
    tenants: int
    volumes: int
    mixed: int
    entries: int
    exposed_secrets: int
    exposed_tokens: int
    exposed_strong: int
    exposed_sensitive: int
    cluster_nodes: int
    worst: int
    mean: float


class Estate(Struct, frozen=True, rename="camel"):
    """The answer: what falls with each node, namespace or pool, worst first.

    ``placement`` tells what it rests on: ``bound`` pods, ``possible`` where they may be scheduled, ``presumed`` where
    there are no nodes either. ``notes`` are what a reader must know.
    """

    placement: str
    by: str
    rows: tuple[Falls, ...]
    total: Total
    notes: tuple[str, ...] = ()
    unread: tuple[ResourceRef, ...] = ()


class Move(Struct, frozen=True, rename="camel"):
    """Pods of a workload that go from a node to another."""

    workload: str
    source: str
    target: str
    pods: int


class Patch(Struct, frozen=True, rename="camel"):
    """A strategic merge patch of an object, with why; ``commands`` say the same to kubectl."""

    resource: ResourceRef
    why: str
    patch: dict[str, Any]
    commands: tuple[str, ...] = ()


class Pool(Struct, frozen=True, rename="camel"):
    """A pool that is proposed: its nodes, and the workloads that are put there."""

    name: str
    nodes: tuple[str, ...]
    workloads: tuple[str, ...]


class Plan(Struct, frozen=True, rename="camel"):
    """A plan of pools. ``state`` is ``found``, ``infeasible``, ``no answer`` or ``nothing to do``, ``reason`` why.

    ``before`` and ``after`` are the estate now and as judged anew with the patches applied and the pods moved;
    ``proof`` are the checks that were made on the latter, ``stays`` what no plan moves.
    """

    state: str
    reason: str
    pools: tuple[Pool, ...]
    moves: tuple[Move, ...]
    patches: tuple[Patch, ...]
    before: Total
    after: Total | None
    proof: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
