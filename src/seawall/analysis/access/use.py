"""What actors did, by their audit events: the permissions that their use needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from seawall.model.access import Actor, Request
from seawall.model.audit import AuditEvent, AuditUser, actor_from, impersonation_requests, logged_request
from seawall.model.kube.resources import resource_of_kind
from seawall.model.version import KubernetesVersion

_STAGES = frozenset(("ResponseStarted", "ResponseComplete", "Panic"))
_STREAMS = frozenset(("exec", "attach", "portforward"))
_RBAC = "rbac.authorization.k8s.io"
_BINDINGS = frozenset(("rolebindings", "clusterrolebindings"))
_WRITES = frozenset(("create", "update", "patch"))
_ROLES = {"Role": "roles", "ClusterRole": "clusterroles"}
#: Since then a WebSocket upgrade to exec and its kin also needs ``create``.
_CREATE_SINCE = KubernetesVersion(1, 35)


class Implied(Struct, frozen=True, gc=False):
    """A permission that no event shows, and the event's permission that needs it, with the reason."""

    request: Request
    cause: Request
    reason: str


class Used:
    """The requests of one actor: each with its count, in the order in which it was first seen."""

    __slots__ = ("actor", "implied", "late", "requests", "total", "unresolved")

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.requests: dict[Request, int] = {}
        #: How many events the actor had had when a request was first seen: tells stable use from growing use.
        self.late: dict[Request, int] = {}
        self.implied: dict[Request, Implied] = {}
        self.unresolved: dict[str, None] = {}
        self.total = 0

    def add(self, request: Request) -> None:
        """Note a request."""
        count = self.requests.get(request)
        if count is None:
            self.late[request] = self.total
            self.requests[request] = 1
        else:
            self.requests[request] = count + 1
        self.total += 1


class Use:
    """Gathers events into what each actor used. Memory grows with the distinct requests, not with the events."""

    def __init__(self, version: KubernetesVersion, key: Callable[[AuditEvent], str] | None = None) -> None:
        """``key`` tells whose use an event is, where that is not its user alone."""
        self.version = version
        self._key = key or (lambda event: event.actor.username)
        self.by_actor: dict[str, Used] = {}
        self.events = 0
        self.refused = 0
        self.other_stages = 0
        self.unknown_stages = 0
        self.first = ""
        self.last = ""
        self._open: dict[str, None] = {}

    def add(self, event: AuditEvent) -> None:
        """Take in one event."""
        if event.stage not in _STAGES:
            self.unknown_stages += event.stage != "RequestReceived"
            self.other_stages += event.stage == "RequestReceived"
            return
        if self._seen(event):
            return
        self.events += 1
        self._window(event.request_received_timestamp)
        if not event.was_authorized:
            self.refused += 1
            return
        used = self._used(event)
        request = logged_request(event)
        used.add(request)
        for implied in implications(event, request, self.version):
            used.implied.setdefault(implied.request, implied)
        if request.resource in _BINDINGS and request.verb in _WRITES:
            self._grants(event, used, request)
        if event.impersonated_user is not None:
            impersonator = self._of(event.user.username, event.user)
            for asked in impersonation_requests(event):
                impersonator.add(asked)

    def _seen(self, event: AuditEvent) -> bool:
        """Whether the same request was taken in at an earlier stage; only long ones have two."""
        if event.stage == "ResponseStarted":
            self._open[event.audit_id] = None
            if len(self._open) > 100_000:
                del self._open[next(iter(self._open))]
            return False
        return self._open.pop(event.audit_id, self) is None

    def _window(self, time: str) -> None:
        if time:
            self.first = min(self.first or time, time)
            self.last = max(self.last, time)

    def _used(self, event: AuditEvent) -> Used:
        return self._of(self._key(event), event.actor)

    def _of(self, key: str, user: AuditUser) -> Used:
        used = self.by_actor.get(key)
        if used is None:
            used = self.by_actor[key] = Used(actor_from(user))
        return used

    @staticmethod
    def _grants(event: AuditEvent, used: Used, request: Request) -> None:
        """Binding a role needs ``bind`` on it (or all that it allows)."""
        sent = event.sent
        ref = sent.role_ref if sent is not None else None
        if ref is None or ref.kind not in _ROLES:
            note = f"{request}: the log does not tell which role was bound; log {request.resource} at level Request"
            used.unresolved[note] = None
            return
        # The server asks in the binding's namespace, for cluster roles too.
        bind = Request("bind", _ROLES[ref.kind], _RBAC, "", request.namespace, ref.name)
        used.implied.setdefault(bind, Implied(bind, request, "granting a role needs its permissions, or bind on it"))


def implications(event: AuditEvent, request: Request, version: KubernetesVersion) -> Iterator[Implied]:
    """Permissions that a request needs beside the one that was logged."""
    if request.subresource in _STREAMS and request.resource == "pods":
        verbs = ["get"] if version < _CREATE_SINCE else ["get", "create"]
        for verb in verbs:
            if verb != request.verb:
                other = Request(verb, "pods", "", request.subresource, request.namespace, request.name)
                reason = "kubectl upgrades to WebSocket with get; since 1.35 the server asks for create as well"
                yield Implied(other, request, reason)
    if request.verb in ("patch", "update") and event.response_status.code == 201:
        created = Request("create", request.resource, request.group, request.subresource, request.namespace)
        yield Implied(created, request, f"the {request.verb} created the object")
    sent = event.sent
    if sent is not None and request.verb in _WRITES:
        for owner in sent.metadata.owner_references:
            yield from _finalizers(request, owner.api_version, owner.kind, owner.name, owner.block_owner_deletion)


def _finalizers(request: Request, version: str, kind: str, name: str, blocks: bool | None) -> Iterator[Implied]:
    if not blocks:
        return
    group = version.rpartition("/")[0]
    owner = Request("update", resource_of_kind(kind), group, "finalizers", request.namespace, name)
    yield Implied(owner, request, "an owner reference with blockOwnerDeletion (OwnerReferencesPermissionEnforcement)")
