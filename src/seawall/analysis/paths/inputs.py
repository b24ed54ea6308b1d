"""What the graph is built from besides the inventory: results of other analyses, as the engine hands them over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from seawall.model.access import Grant, Subject
from seawall.model.finding import ResourceRef
from seawall.model.reach import Exposure
from seawall.model.resource import Inventory


class Right(Struct, frozen=True, gc=False):
    """What a rule of a grant lets a subject do: ``does`` in words, ``capability`` as the analysis of access has it.

    ``namespace`` is empty for the whole cluster, ``name`` for any object. ``verbs`` and ``resources`` are those of the
    rule that count (with subresources behind a slash); they are empty where the rule can only be removed whole.
    """

    subject: Subject
    does: str
    capability: str
    namespace: str
    name: str
    grant: Grant
    rule: int
    verbs: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


class Gain(Struct, frozen=True, gc=False):
    """What capabilities in a namespace (empty: everywhere) lead to: a hub of the analysis of access, by its kind.

    ``assumed`` says that it rests on something that was not read; ``name`` is how that analysis writes the hub.
    """

    wanted: tuple[str, ...]
    hub: str
    namespace: str
    how: str
    assumed: bool = False
    name: str = ""


class Escalation(Struct, frozen=True, gc=False):
    """A step by roles that are bound or written to by name, or on from the rights of such a role.

    An end is a subject, or what a gain leads to. ``proofs`` are the grants that allow
    it, with whom of their subjects and which of their rules.
    """

    source: Subject | Gain
    target: Subject | Gain
    how: str
    proofs: tuple[tuple[Subject, Grant, int], ...] = ()


def _nobody(label: str) -> Iterable[tuple[str, int]]:
    return ()


def _nothing(label: str, address: str, port: int) -> bool:
    return False


class Inputs(Struct, frozen=True):
    """All of it.

    ``gains`` answers for a namespace and capabilities. ``fixed`` are bindings that Kubernetes keeps. ``open`` are
    namespaces that were read and in which no Pod Security level forbids privileged pods, ``unread`` those of which it
    is not known. ``sources`` gives, for a workload's label, the labels of workloads that reach it, with a port each;
    ``reaches_out`` tells whether one reaches an address outside. ``exploited`` has the known-exploited
    vulnerabilities of each image; None assumes a breach of all that is exposed. ``any_token`` says that a kubelet may
    request a token for any pod on its node, also one that mounts none (before Kubernetes 1.33).
    """

    inventory: Inventory
    rights: Sequence[Right] = ()
    gains: Callable[[str, frozenset[str]], Iterable[Gain]] = lambda namespace, capabilities: ()
    escalations: Sequence[Escalation] = ()
    accounts: Collection[Subject] = ()
    fixed: Collection[ResourceRef] = ()
    open: Collection[str] = ()
    unread: Collection[str] = ()
    exposures: Sequence[Exposure] = ()
    sources: Callable[[str], Iterable[tuple[str, int]]] = _nobody
    reaches_out: Callable[[str, str, int], bool] = _nothing
    exploited: Mapping[str, tuple[str, ...]] | None = None
    any_token: bool = False
