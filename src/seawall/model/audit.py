"""Audit events of the API server, as far as analyses read them.

Source: audit.k8s.io/v1, Event. A successful request is logged at ``ResponseComplete``, a long one (watch, exec) at
``ResponseStarted`` before; both share an ``auditID``.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Raw, Struct, field

from seawall.model.access import Actor, Request, parse_account
from seawall.model.kube.base import OwnerReference, View
from seawall.model.kube.rbac import PolicyRule
from seawall.model.views import to_view

V = TypeVar("V")


class AuditUser(View, frozen=True):
    """Who made a request, or who was impersonated."""

    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = {}  # noqa: RUF012 - msgspec copies an empty default


class ObjectReference(View, frozen=True):
    """What a request was about."""

    resource: str = ""
    namespace: str = ""
    name: str = ""
    api_group: str = ""
    subresource: str = ""


class ResponseStatus(View, frozen=True):
    """How it ended."""

    code: int = 0


class LoggedRoleRef(View, frozen=True):
    """The role that a logged binding grants."""

    kind: str = ""
    name: str = ""


class LoggedMetadata(View, frozen=True):
    """Metadata of a logged object."""

    name: str = ""
    owner_references: tuple[OwnerReference, ...] = ()


class LoggedObject(View, frozen=True):
    """The object that was sent, where the audit policy logs requests: only what permissions depend on."""

    metadata: LoggedMetadata = LoggedMetadata()
    role_ref: LoggedRoleRef | None = None


class LoggedRole(View, frozen=True):
    """A role that was sent."""

    rules: tuple[PolicyRule, ...] = ()


class LoggedSpec(View, frozen=True):
    """What a signing request says of its signer."""

    signer_name: str = ""


class LoggedSigningRequest(View, frozen=True):
    """A signing request that was sent."""

    spec: LoggedSpec = LoggedSpec()


class AuditEvent(View, frozen=True):
    """One event. ``request_object`` is there at the levels Request and RequestResponse only."""

    audit_id: str = field(default="", name="auditID")
    stage: str = ""
    request_uri: str = field(default="", name="requestURI")
    verb: str = ""
    user: AuditUser = AuditUser()
    impersonated_user: AuditUser | None = None
    object_ref: ObjectReference | None = None
    response_status: ResponseStatus = ResponseStatus()
    request_received_timestamp: str = ""
    annotations: dict[str, str] = {}  # noqa: RUF012 - as above
    request_object: Raw = Raw()

    @property
    def sent(self) -> LoggedObject | None:
        """The object that was sent; None where the log has none, or a JSON patch, which is a list."""
        return self.sent_as(LoggedObject)

    def sent_as(self, view: type[V]) -> V | None:
        """The object that was sent, read as this view; None where the log has none, or none like it."""
        if not bytes(self.request_object):
            return None
        try:
            raw = msgspec.json.decode(self.request_object)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        found, problems = to_view(raw, view) if isinstance(raw, dict) else (None, [])
        return found if isinstance(found, view) and not problems else None

    @property
    def actor(self) -> AuditUser:
        """Whose permissions count: the impersonated user, if there is one."""
        return self.impersonated_user or self.user

    @property
    def was_authorized(self) -> bool:
        """Whether authorization let it pass; it may have failed later (not found, conflict), but it was needed."""
        decision = self.annotations.get("authorization.k8s.io/decision")
        code = self.response_status.code
        return decision != "forbid" and code not in (401, 403) and (decision == "allow" or 0 < code < 400)


class AuditProblem(Struct, frozen=True):
    """A line that could not be read."""

    source: str
    line: int
    message: str


def actor_from(user: AuditUser) -> Actor:
    """The actor of a logged user."""
    return Actor(user.username, user.groups)


def logged_request(event: AuditEvent) -> Request:
    """What the authorizer was asked.

    The name counts only if it stood in the URL (or in a ``metadata.name`` field selector of a list or watch): that of
    a created object is logged, but authorization never sees it. Source: the API server's RequestInfoFactory.
    """
    ref = event.object_ref
    path, _, query = event.request_uri.partition("?")
    if ref is None or not ref.resource:
        return Request(event.verb, path=path)
    name = _name_in(path, ref) or (_selected(query) if event.verb in ("list", "watch") else "")
    return Request(event.verb, ref.resource, ref.api_group, ref.subresource, ref.namespace, name)


def _name_in(path: str, ref: ObjectReference) -> str:
    parts = path.strip("/").split("/")
    if ref.resource == "namespaces":
        return ref.name if parts[-1] != "namespaces" else ""
    # .../RESOURCE/NAME[/SUBRESOURCE...]: the resource stands right behind the namespace or the version.
    start = 2 if parts[0] == "api" else 3
    if len(parts) > start and parts[start] in ("watch", "proxy"):
        start += 1
    if len(parts) > start + 2 and parts[start] == "namespaces":
        start += 2
    return _unquote(parts[start + 1]) if len(parts) > start + 1 and parts[start] == ref.resource else ""


def _selected(query: str) -> str:
    """The name that a field selector asks for exactly, or nothing."""
    if "metadata.name" not in query:
        return ""
    for item in query.split("&"):
        key, _, value = item.partition("=")
        if key == "fieldSelector":
            for term in _unquote(value).split(","):
                field_, equals, name = term.replace("==", "=").partition("=")
                if field_ == "metadata.name" and equals:
                    return name
    return ""


def _unquote(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def impersonation_requests(event: AuditEvent) -> list[Request]:
    """What the impersonator was asked for: the user or account, each group, extra and uid that it named.

    Source: the API server's impersonation filter. Groups that the server adds by itself are not asked for.
    """
    user = event.impersonated_user
    if user is None:
        return []
    account = parse_account(user.username)
    if account is not None:
        found = [Request("impersonate", "serviceaccounts", "", "", account.namespace, account.name)]
    else:
        found = [Request("impersonate", "users", "", "", "", user.username)]
    own = {"system:authenticated", "system:unauthenticated", "system:serviceaccounts"}
    if account is not None:
        own.add(f"system:serviceaccounts:{account.namespace}")
    found += [Request("impersonate", "groups", "", "", "", group) for group in user.groups if group not in own]
    api = "authentication.k8s.io"
    found += [
        Request("impersonate", "userextras", api, key, "", value)
        for key, values in user.extra.items()
        for value in values
    ]
    if user.uid and account is None:
        found.append(Request("impersonate", "uids", api, "", "", user.uid))
    return found
