"""What analyses tell each other of access: who asks, for what, and which grants answer.

The terms are those of Kubernetes' authorization API (SubjectAccessReview) and of its RBAC authorizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from seawall.model.finding import ResourceRef
from seawall.model.kube.rbac import PolicyRule

ANONYMOUS = "system:anonymous"
MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
SERVICE_ACCOUNTS = "system:serviceaccounts"
_ACCOUNT_PREFIX = "system:serviceaccount:"

SubjectKind = Literal["User", "Group", "ServiceAccount"]


class Subject(Struct, frozen=True, gc=False, order=True):
    """Whom a binding names: a user, a group, or the service account of a namespace."""

    kind: SubjectKind
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def username(self) -> str:
        """As the API server names it; empty for a group."""
        if self.kind == "ServiceAccount":
            return f"{_ACCOUNT_PREFIX}{self.namespace}:{self.name}"
        return self.name if self.kind == "User" else ""


class Actor(Struct, frozen=True, gc=False):
    """Who makes a request: a user name and the groups that the authenticator gives."""

    username: str
    groups: tuple[str, ...] = ()

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Every subject that a binding may name to mean this actor."""
        own = [Subject("User", self.username)] if self.username else []
        account = parse_account(self.username)
        if account is not None:
            own.append(account)
        return (*own, *(Subject("Group", group) for group in self.groups))


def parse_account(username: str) -> Subject | None:
    """The service account of a user name ``system:serviceaccount:NAMESPACE:NAME``, or None."""
    if not username.startswith(_ACCOUNT_PREFIX):
        return None
    namespace, _, name = username.removeprefix(_ACCOUNT_PREFIX).partition(":")
    return Subject("ServiceAccount", name, namespace) if namespace and name and ":" not in name else None


def actor_of(subject: Subject, groups: Sequence[str] = ()) -> Actor:
    """The actor that a subject stands for, with the groups that the API server adds by itself.

    A group is an actor without a name that is in it and authenticated (in ``system:unauthenticated`` it is not).
    """
    if subject.kind == "ServiceAccount":
        added = (SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{subject.namespace}", AUTHENTICATED)
        return Actor(subject.username, (*groups, *added))
    if subject.kind == "User":
        account = parse_account(subject.name)
        if account is not None:
            return actor_of(account, groups)
        return Actor(subject.name, (*groups, UNAUTHENTICATED if subject.name == ANONYMOUS else AUTHENTICATED))
    every = () if subject.name == UNAUTHENTICATED else (AUTHENTICATED,)
    return Actor("", tuple(dict.fromkeys((*groups, subject.name, *every))))


class Request(Struct, frozen=True, gc=False):
    """What is asked for. ``namespace`` is empty for cluster-wide requests; ``path`` is set for non-resource URLs.

    A list, watch or create that names no object has an empty ``name``.
    """

    verb: str
    resource: str = ""
    group: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"{self.verb} {self.path}"
        what = f"{self.resource}.{self.group}" if self.group else self.resource
        what += f"/{self.subresource}" * bool(self.subresource) + f" {self.name}" * bool(self.name)
        return f"{self.verb} {what} {f'in {self.namespace}' if self.namespace else 'in the whole cluster'}"


class Grant(Struct, frozen=True, gc=False):
    """A binding with the rules of its role. ``namespace`` is empty where it holds in the whole cluster.

    ``role`` is the role that is bound; ``given`` says that its rules are Kubernetes' own default, because the role
    itself was not among what was read.
    """

    binding: ResourceRef
    role: ResourceRef
    namespace: str
    subjects: tuple[Subject, ...]
    rules: tuple[PolicyRule, ...]
    given: bool = False


class Reason(Struct, frozen=True, gc=False):
    """Why a request is allowed: the grant, the subject that meant the actor, and the index of the role's rule.

    ``grant`` is None for members of system:masters, whom the API server lets do everything.
    """

    subject: Subject
    grant: Grant | None = None
    rule: int = -1


class Access(Protocol):
    """Answers who may do what; made by the analysis of access, handed to others by the engine."""

    @property
    def grants(self) -> Sequence[Grant]:
        """All bindings whose role is known."""

    def why(self, actor: Actor, request: Request) -> Iterator[Reason]:
        """Every reason why the actor may; none where the request is refused."""

    def who(self, request: Request) -> Iterator[Reason]:
        """Every subject that some binding lets make the request, with the reason."""
