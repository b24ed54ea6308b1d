"""What actors did, by their audit events: the permissions that their use needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from msgspec import Struct

from seawall.model.access import Actor, Request
from seawall.model.audit import (
    AuditEvent,
    AuditUser,
    LoggedRole,
    LoggedSigningRequest,
    actor_from,
    impersonation_requests,
    logged_request,
)
from seawall.model.kube.rbac import PolicyRule
from seawall.model.kube.resources import resource_of_kind
from seawall.model.version import KubernetesVersion

_STAGES = frozenset(("ResponseStarted", "ResponseComplete", "Panic"))
_STREAMS = frozenset(("exec", "attach", "portforward"))
_RBAC = "rbac.authorization.k8s.io"
_BINDINGS = frozenset(("rolebindings", "clusterrolebindings"))
_WRITES = frozenset(("create", "update", "patch"))
_CERTIFICATES = "certificates.k8s.io"
_SIGNING = {"approval": "approve", "status": "sign"}
#: Roles that hold more are told instead of listed.
_MOST_OF_A_ROLE = 2000
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

    def __init__(
        self,
        version: KubernetesVersion,
        key: Callable[[AuditEvent], str] | None = None,
        may: Callable[[Actor, Request], bool] | None = None,
    ) -> None:
        """``key`` tells whose use an event is, where that is not its user alone; ``may`` what an actor may today."""
        self.version = version
        self._may = may
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
        if request.verb in _WRITES:
            self._also_asked(event, used, request)
        if event.impersonated_user is not None:
            impersonator = self._of(event.user.username, event.user)
            for asked in impersonation_requests(event):
                impersonator.add(asked)

    def _also_asked(self, event: AuditEvent, used: Used, request: Request) -> None:
        """What the server asks for beside the request, by what was sent."""
        if request.resource in _BINDINGS:
            self._grants(event, used, request)
        elif request.resource in _ROLES.values() and request.group == _RBAC:
            self._writes(event, used, request)
        elif request.resource == "certificatesigningrequests" and request.subresource in _SIGNING:
            self._signs(event, used, request)

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

    def _writes(self, event: AuditEvent, used: Used, request: Request) -> None:
        """Writing a role needs every permission that it holds, or ``escalate``, which is taken where it is held."""
        name = request.name or (event.object_ref.name if event.object_ref is not None else "")
        escalate = Request("escalate", request.resource, _RBAC, "", request.namespace, name)
        if self._may is not None and self._may(used.actor, escalate):
            used.implied.setdefault(escalate, Implied(escalate, request, "writing a role needs escalate on it"))
            return
        sent = event.sent_as(LoggedRole)
        if sent is None:
            note = f"{request}: the log does not tell what the role holds; log {request.resource} at level Request"
            used.unresolved[note] = None
            return
        reason = "writing a role needs every permission that it holds"
        wanted = list(islice(requests_of(sent.rules, request.namespace), _MOST_OF_A_ROLE + 1))
        if len(wanted) > _MOST_OF_A_ROLE:
            used.unresolved[f"{request}: the role holds more than {_MOST_OF_A_ROLE} permissions"] = None
            return
        for each in wanted:
            used.implied.setdefault(each, Implied(each, request, reason))

    @staticmethod
    def _signs(event: AuditEvent, used: Used, request: Request) -> None:
        """Approving and signing certificates is also asked for on the signer."""
        verb = _SIGNING[request.subresource]
        sent = event.sent_as(LoggedSigningRequest)
        signer = sent.spec.signer_name if sent is not None else ""
        if not signer:
            used.unresolved[f"{request}: the log does not tell the signer; {verb} on it is needed too"] = None
            return
        asked = Request(verb, "signers", _CERTIFICATES, "", "", signer)
        used.implied.setdefault(asked, Implied(asked, request, f"the server asks for {verb} on the signer as well"))


def requests_of(rules: Iterable[PolicyRule], namespace: str) -> Iterator[Request]:
    """Every request that rules are about; a wildcard stands for itself, which only a wildcard allows."""
    for rule in rules:
        for verb in rule.verbs:
            if not namespace:
                yield from (Request(verb, path=url) for url in rule.non_resource_urls)
            for group in rule.api_groups:
                for what in rule.resources:
                    resource, _, part = what.partition("/")
                    for name in rule.resource_names or ("",):
                        yield Request(verb, resource, group, part, namespace, name)


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
