"""What other analyses know of workloads, as the analysis of isolation asks for it: rights of tokens, ways in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from seawall.model.access import Subject
from seawall.model.finding import ResourceRef


class StrongRight(Struct, frozen=True, gc=False, order=True):
    """A right by which one takes more than it says; ``namespace`` is empty where it holds in the whole cluster."""

    what: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.what} in {self.namespace}" if self.namespace else f"{self.what} everywhere"


class Rights(Struct, frozen=True):
    """What a token is good for.

    ``admin`` tells how its holder comes to every right (empty: it does not), ``strong`` the dangerous rights that it
    has as they are. ``secrets`` are the namespaces of which it reads every Secret (an empty one: of all), ``named``
    single Secrets by namespace and name. ``grant`` is a binding behind it.
    """

    admin: str = ""
    strong: tuple[StrongRight, ...] = ()
    secrets: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    grant: ResourceRef | None = None

    @property
    def everywhere(self) -> tuple[StrongRight, ...]:
        """The strong rights that hold in the whole cluster."""
        return tuple(right for right in self.strong if not right.namespace)


NO_RIGHTS = Rights()


class Standing(Protocol):
    """Answers what tokens are good for and what is reached from outside; made by the engine of other analyses."""

    @property
    def problem(self) -> str:
        """Why rights are not known; empty where they are."""

    def rights(self, account: Subject) -> Rights:
        """The rights of a service account."""

    def exposures(self) -> Mapping[str, str]:
        """Workloads (``ns/name[Kind]``) that are reached from outside the cluster, each with the way in."""


class Unknown:
    """Where nobody asked other analyses: no rights and no ways in are known."""

    problem = "the rights of tokens were not judged"

    def rights(self, account: Subject) -> Rights:
        """None are known."""
        return NO_RIGHTS

    def exposures(self) -> Mapping[str, str]:
        """None are known."""
        return {}
