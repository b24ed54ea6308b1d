"""From identities by what they may do: their permissions, and what those lead to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product

from seawall.analysis.paths.building import Draft
from seawall.analysis.paths.grants import Grants
from seawall.analysis.paths.hubs import Hubs
from seawall.analysis.paths.inputs import Escalation, Gain, Inputs, Right
from seawall.analysis.paths.kinds import STEP_KINDS
from seawall.analysis.paths.settings import Way
from seawall.analysis.paths.storage import identity
from seawall.model.access import ANONYMOUS, MASTERS, UNAUTHENTICATED, Subject, actor_of, parse_account
from seawall.model.attack import ADMIN, Place, PlaceKind

#: Past this many combinations of grants for one thing, the rest is left out and said to be.
_MOST_COMBINATIONS = 64
#: The kind of step that a capability makes, alone or with others: the first that is wanted counts.
_KINDS = {
    "APPROVE_REQUESTS": "certificate-sign",
    "NODE_CLIENTS": "node-certificate",
    "LABEL_NAMESPACES": "namespace-unlabel",
    "MAKE_VOLUMES": "volume-create",
    "MAKE_POLICIES": "policy-write",
    "ESCALATE_ROLES": "role-escalate",
    "ESCALATE_CLUSTER_ROLES": "role-escalate",
    "BIND_ROLES": "role-bind",
    "BIND_OWN_ROLES": "role-bind",
    "BIND_CLUSTER_ROLES": "role-bind",
    "BE_GROUPS": "group-impersonate",
    "TOKEN_REQUEST": "token-request",
    "BE_ACCOUNTS": "account-impersonate",
    "BE_USERS": "user-impersonate",
    "PROXY_NODES": "nodes-proxy",
    "CHANGE_REQUESTS": "webhook-write",
    "MAP_CLOUD_IDENTITIES": "aws-auth-write",
}
#: What ways into pods, and of reading Secrets, are by what exactly may be done.
_BY_DEED = {
    "exec into pods": "pod-exec",
    "attach to pods": "pod-attach",
    "add containers to pods": "pod-debug",
    "patch pods": "pod-patch",
    "list secrets": "secret-list",
    "get secrets": "secret-get",
}


class Permissions:
    """Adds identities and permissions to a draft."""

    def __init__(self, draft: Draft, inputs: Inputs, hubs: Hubs) -> None:
        self.draft, self.inputs, self.hubs = draft, inputs, hubs
        self.grants = Grants(draft, inputs.inventory, inputs.fixed)
        self._by_subject: dict[Subject, list[Right]] = defaultdict(list)
        for right in inputs.rights:
            self._by_subject[right.subject].append(right)
        self._known: set[tuple[str, str, str]] = set()
        self._gained: dict[tuple[str, frozenset[str]], list[Gain]] = {}

    def add(self) -> None:
        """All of it."""
        for subject in (*self._by_subject, *sorted(self.inputs.accounts)):
            self._add_groups(subject)
        for subject, rights in self._by_subject.items():
            for right in rights:
                self._add_right(right)
            self._add_combined(subject, rights)
        for escalation in self.inputs.escalations:
            self._add_escalation(escalation)
        masters = identity(Subject("Group", MASTERS))
        self.draft.step(masters, ADMIN, "masters", STEP_KINDS["masters"].title)
        manager = identity(Subject("User", "system:kube-controller-manager"))
        self.draft.step(manager, ADMIN, "controller-manager", STEP_KINDS["controller-manager"].title)

    def _add_escalation(self, each: Escalation) -> None:
        way = Way()
        for subject, grant, rule in each.proofs:
            way = way + self.grants.way(Right(subject, "", "", grant.namespace, "", grant, rule))
        self.draft.step(
            self._end(each.source),
            self._end(each.target),
            "role-change",
            each.how,
            removables=way.removables,
            traces=way.traces,
        )

    def _end(self, end: Subject | Gain) -> Place:
        return identity(end) if isinstance(end, Subject) else self.hubs.hub(end)

    def anonymous(self) -> list[Place]:
        """What somebody without a login is, as far as it has rights."""
        names = (Subject("User", ANONYMOUS), Subject("Group", UNAUTHENTICATED))
        return [identity(each) for each in names if each in self._by_subject]

    def ways_to(self, deeds: Iterable[str], subject: Subject) -> list[Way]:
        """The ways in which a subject itself, or one of its groups, may do something, in any place."""
        wanted = frozenset(deeds)
        mine = dict.fromkeys((subject, *(Subject("Group", group) for group in actor_of(subject).groups)))
        return [
            self.grants.way(right)
            for each in mine
            for right in self._by_subject.get(each, ())
            if right.does in wanted or right.does.startswith("do everything")
        ]

    def _add_groups(self, subject: Subject) -> None:
        for name in actor_of(subject).groups:
            group = Subject("Group", name)
            if group != subject and group in self._by_subject:
                self.draft.step(identity(subject), identity(group), "account-group", f"is in the group {name}")
        account = parse_account(subject.name) if subject.kind == "User" else None
        if account is not None:
            self.draft.step(identity(subject), identity(account), "account-group", "is the account")
            self.draft.step(identity(account), identity(subject), "account-group", "is the user")

    def _add_right(self, right: Right) -> None:
        place = Place(PlaceKind.PERMISSION, f"{right.does}{right.name and f' {right.name}'}", right.namespace)
        key = (right.does, right.namespace, right.name)
        if key not in self._known:
            self._known.add(key)
            for target, kind, how, likely in self._effects(right):
                likelihood = STEP_KINDS[kind].likelihood * likely
                self.draft.step(place, target, kind, how, likelihood=likelihood)
        way = self.grants.way(right)
        where = f"in {right.namespace}" if right.namespace else "in the whole cluster"
        self.draft.step(
            identity(right.subject),
            place,
            "permission-held",
            f"may {place.name} {where}",
            removables=way.removables,
            traces=way.traces,
        )

    def _effects(self, right: Right) -> Iterator[tuple[Place, str, str, float]]:
        """Where a permission leads: the place, the kind of step, in words, and how likely beside the kind's."""
        namespace, name = right.namespace, right.name
        if right.capability == "EVERYTHING":
            if namespace:
                yield Place(PlaceKind.NAMESPACE, namespace), "namespace-admin", "does everything in it", 1.0
            else:
                yield ADMIN, "admin-rights", "may do everything", 1.0
            return
        deed = _BY_DEED.get(right.does)
        if deed is not None:
            title = STEP_KINDS[deed].title
            yield from ((target, deed, title, 1.0) for target in self.hubs.by_deed(deed, namespace, name))
            if deed == "pod-debug":
                yield from ((n, "pod-debug-privileged", title, 1.0) for n in self.hubs.open_nodes(namespace, name))
            return
        if name:
            kind = _KINDS.get(right.capability, "")
            for target in self.hubs.named(right.capability, namespace, name):
                yield target, kind, STEP_KINDS[kind].title, 1.0
            return
        if right.capability == "RUN_PODS":
            yield self.hubs.secrets(namespace), "pod-create-secret", STEP_KINDS["pod-create-secret"].title, 1.0
        for gain in self._gains(namespace, frozenset((right.capability,))):
            if len(gain.wanted) == 1:
                yield self.hubs.hub(gain), _kind_of(gain), gain.how, 0.5 if gain.assumed else 1.0

    def _gains(self, namespace: str, capabilities: frozenset[str]) -> list[Gain]:
        key = (namespace, capabilities)
        found = self._gained.get(key)
        if found is None:
            found = self._gained[key] = list(self.inputs.gains(namespace, capabilities))
        return found

    def _add_combined(self, subject: Subject, own: list[Right]) -> None:
        """What takes several permissions that a subject holds, by itself or with its groups."""
        groups = [Subject("Group", name) for name in actor_of(subject).groups]
        theirs = [right for group in groups if group != subject for right in self._by_subject.get(group, ())]
        held: dict[str, dict[str, list[Right]]] = defaultdict(lambda: defaultdict(list))
        for right in (*own, *theirs):
            if not right.name and right.capability != "EVERYTHING":
                held[right.namespace][right.capability].append(right)
        everywhere = held.get("", {})
        for namespace, rights in list(held.items()):
            here = {key: [*rights.get(key, ()), *(everywhere.get(key, ()) if namespace else ())]
                    for key in (*rights, *everywhere)}  # fmt: skip
            for gain in self._gains(namespace, frozenset(here)):
                if len(gain.wanted) > 1:
                    self._add_gain(subject, namespace, gain, [here.get(each, []) for each in gain.wanted])

    def _add_gain(self, subject: Subject, namespace: str, gain: Gain, proofs: list[list[Right]]) -> None:
        kind = _kind_of(gain)
        where = f" in {namespace}" if namespace else ""
        count = 0
        for chosen in product(*proofs):
            # What a group can do by itself, its members do through the group.
            if all(each.subject != subject for each in chosen):
                continue
            if namespace and all(not each.namespace for each in chosen):
                continue
            count += 1
            if count > _MOST_COMBINATIONS:
                self.draft.notes[f"{subject}: more than {_MOST_COMBINATIONS} sets of grants for one step{where}"] = None
                return
            way = Way()
            for each in chosen:
                way = way + self.grants.way(each)
            self.draft.step(
                identity(subject),
                self.hubs.hub(gain),
                kind,
                f"{gain.how}{where}",
                removables=way.removables,
                traces=way.traces,
                likelihood=STEP_KINDS[kind].likelihood * (0.5 if gain.assumed else 1.0),
            )


def _kind_of(gain: Gain) -> str:
    """The kind of step that a gain is."""
    for capability, kind in _KINDS.items():
        if capability in gain.wanted:
            return kind
    if "RUN_PODS" in gain.wanted:
        return "pod-create-privileged" if gain.hub == "node" else "pod-create-account"
    if "MAKE_SECRETS" in gain.wanted:
        return "token-secret-make" if "READ_SECRETS" in gain.wanted else "bootstrap-token"
    return "role-change"
