"""Least privilege from use: audit logs in, roles out, replayed before they are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from msgspec import Struct, structs

from seawall.analysis.access import AccessIndex
from seawall.analysis.access.minimize import MinimalRole, Unused, count_permissions, minimal_roles, unused_permissions
from seawall.analysis.access.use import Implied, Use, Used
from seawall.engine.access import Estate
from seawall.model.access import (
    AUTHENTICATED,
    SERVICE_ACCOUNTS,
    UNAUTHENTICATED,
    Actor,
    Grant,
    Request,
    Subject,
    parse_account,
)
from seawall.model.audit import AuditProblem
from seawall.model.finding import ResourceRef
from seawall.model.version import KubernetesVersion
from seawall.sources.audit import AuditLog

_RBAC = "rbac.authorization.k8s.io"
#: Whom the API server authorizes in other ways: nodes by the Node authorizer, masters by their group.
_MASTERS = "system:masters"
_NODES = "system:nodes"
_EVERYONE = frozenset((AUTHENTICATED, UNAUTHENTICATED, SERVICE_ACCOUNTS))


class Window(Struct, frozen=True, rename="camel"):
    """What was read: events taken in, refused requests, stages that are not the end, unknown stages, bad lines."""

    lines: int
    events: int
    refused: int
    received_only: int
    unknown_stages: int
    bad_lines: int
    first: str
    last: str


class ToldUnused(Struct, frozen=True, rename="camel"):
    """A permission that nobody used in the window, with the grant that gives it."""

    verb: str
    what: str
    binding: ResourceRef
    role: ResourceRef
    rule_index: int


def _told(unused: Unused) -> ToldUnused:
    return ToldUnused(unused.verb, unused.what, unused.grant.binding, unused.grant.role, unused.rule)


class Minimized(Struct, frozen=True, rename="camel"):
    """The result for one actor. ``before`` is None where no roles were read to compare with.

    ``lost`` are requests that the new roles would refuse: it is empty, or the roles must not be used.
    """

    actor: Actor
    roles: tuple[MinimalRole, ...]
    implied: tuple[Implied, ...]
    unresolved: tuple[str, ...]
    used: int
    before: int | None
    after: int
    unused: tuple[ToldUnused, ...]
    lost: tuple[Request, ...]
    note: str


class Minimization(Struct, frozen=True, rename="camel"):
    """All actors of the logs, and what was read."""

    window: Window
    actors: tuple[Minimized, ...]
    problems: tuple[AuditProblem, ...]

    @property
    def names(self) -> frozenset[str]:
        """The user names of the actors."""
        return frozenset(found.actor.username for found in self.actors)


def minimize(
    logs: tuple[str, ...],
    estate: Estate | None,
    version: KubernetesVersion,
    names: bool,
    only: frozenset[str],
    progress: Callable[[int], None] | None = None,
) -> Minimization:
    """Read audit logs and work out the least roles of each actor (or of ``only`` these user names).

    ``names`` lets roles name single objects; ``progress`` is told the number of lines read, now and then. Memory grows
    with the distinct requests of actors, not with the log: about 1 kB for each.

    Raises:
        OSError: a log cannot be opened.
    """
    log, use = AuditLog(), Use(version, may=estate.index.may if estate is not None else None)
    for path in logs:
        for event in log.events(path):
            use.add(event)
            if progress is not None and not log.lines % 10_000:
                progress(log.lines)
    window = Window(
        log.lines, use.events, use.refused, use.other_stages, use.unknown_stages, log.bad, use.first, use.last
    )
    wanted = [used for name, used in sorted(use.by_actor.items()) if not only or name in only]
    actors = tuple(_of(used, estate, names) for used in wanted)
    return Minimization(window, actors, tuple(log.problems))


def _of(used: Used, estate: Estate | None, names: bool) -> Minimized:
    everyone = _everyones(used.actor, estate)
    anyone = Actor("", _groups_of(used.actor))
    roles = tuple(minimal_roles(used, name_objects=names, leave_out=lambda request: everyone.may(anyone, request)))
    held = [grant for subject, grant in _held(used.actor, estate) if subject not in everyone.subjects]
    return Minimized(
        actor=used.actor,
        roles=roles,
        implied=tuple(used.implied.values()),
        unresolved=tuple(used.unresolved),
        used=len({(r.verb, r.group, r.resource, r.subresource, r.path) for r in used.requests}),
        before=count_permissions(held) if estate is not None else None,
        after=sum(role.atoms for role in roles),
        unused=tuple(_told(each) for each in unused_permissions(used, held)),
        lost=tuple(replay(used, roles, everyone.grants)),
        note=_note(used.actor),
    )


def _held(actor: Actor, estate: Estate | None) -> list[tuple[Subject, Grant]]:
    return estate.index.of(actor) if estate is not None else []


def _everyones(actor: Actor, estate: Estate | None) -> AccessIndex:
    """What the actor holds by the groups of everyone: that stays as it is, so its own roles need not say it again."""
    groups = {group for group in actor.groups if group in _EVERYONE or group.startswith(f"{SERVICE_ACCOUNTS}:")}
    subjects = {Subject("Group", group) for group in groups}
    held = [(subject, grant) for subject, grant in _held(actor, estate) if subject in subjects]
    return AccessIndex([structs.replace(grant, subjects=(subject,)) for subject, grant in held])


def _note(actor: Actor) -> str:
    if _MASTERS in actor.groups:
        return "a member of system:masters: RBAC does not hold it; use another group, or the roles change nothing"
    if _NODES in actor.groups:
        return "a node: the Node authorizer grants what a kubelet needs; these roles are for comparison only"
    return ""


def replay(used: Used, roles: tuple[MinimalRole, ...], everyones: Sequence[Grant] = ()) -> list[Request]:
    """The requests that roles would refuse, with what everyone has: all of the use is asked again of the evaluator."""
    subject = subject_of(used.actor)
    ref = ResourceRef(f"{_RBAC}/v1", "Role", "replayed")
    grants = [Grant(ref, ref, role.namespace, (subject,), role.rules) for role in roles]
    index = AccessIndex([*grants, *everyones])
    actor = Actor(used.actor.username, _groups_of(used.actor))
    return [request for request in (*used.requests, *used.implied) if not index.may(actor, request)]


def _groups_of(actor: Actor) -> tuple[str, ...]:
    """Its groups without system:masters, of whom RBAC is not asked."""
    return tuple(group for group in actor.groups if group != _MASTERS)


def subject_of(actor: Actor) -> Subject:
    """Whom the new bindings name."""
    return parse_account(actor.username) or Subject("User", actor.username)


Described = tuple[dict[str, Any], list[str]]


def manifests(found: Minimized) -> list[Described]:
    """The roles and bindings of an actor as objects, each with the comments that explain it."""
    subject = subject_of(found.actor)

    def comments(role: MinimalRole) -> list[str]:
        where = f"in {role.namespace}" if role.namespace else "in the whole cluster"
        because = [
            f"{implied.request}: {implied.reason}"
            for implied in found.implied
            if implied.request.namespace == role.namespace and not implied.request.path
        ]
        return [f"What {found.actor.username} used {where}.", *because]

    return role_objects(subject, role_name(subject), found.roles, comments)


def role_objects(
    subject: Subject, name: str, roles: Sequence[MinimalRole], comments: Callable[[MinimalRole], list[str]]
) -> list[Described]:
    """Roles of that name with a binding each, as objects."""
    objects: list[Described] = []
    for role in roles:
        kind = "Role" if role.namespace else "ClusterRole"
        metadata = {"name": name, "namespace": role.namespace} if role.namespace else {"name": name}
        head = {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": metadata}
        objects.append(({**head, "rules": [_rule(rule) for rule in role.rules]}, comments(role)))
        bound = {
            "apiVersion": f"{_RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name},
            "subjects": [_subject(subject)],
        }
        objects.append((bound, []))
    return objects


def _rule(rule: Any) -> dict[str, Any]:
    if rule.non_resource_urls:
        return {"nonResourceURLs": list(rule.non_resource_urls), "verbs": list(rule.verbs)}
    named = {"resourceNames": list(rule.resource_names)} if rule.resource_names else {}
    return {"apiGroups": list(rule.api_groups), "resources": list(rule.resources), **named, "verbs": list(rule.verbs)}


def _subject(subject: Subject) -> dict[str, str]:
    if subject.kind == "ServiceAccount":
        return {"kind": "ServiceAccount", "name": subject.name, "namespace": subject.namespace}
    return {"kind": subject.kind, "name": subject.name, "apiGroup": _RBAC}


def role_name(subject: Subject) -> str:
    """A name for the role of a subject, the same in every run; what a name cannot hold is told apart by a hash."""
    text = f"{subject.namespace}-{subject.name}" if subject.namespace else subject.name
    plain = re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.")[:200] or "subject"
    return f"{plain}-used" if plain == text else f"{plain}-{sha256(text.encode()).hexdigest()[:6]}-used"
