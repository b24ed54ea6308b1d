"""Legacy ABAC policies to RBAC.

Source: Kubernetes' documentation, "Using ABAC Authorization", and its authorizer with the conversions of v0 and v1beta1
(pkg/auth/authorizer/abac, pkg/apis/abac): an asterisk as user or group means all authenticated users; a resource stands
for its subresources too; a read-only policy allows get, list and watch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from seawall.model.access import AUTHENTICATED, Subject
from seawall.model.kube.base import View
from seawall.model.kube.rbac import PolicyRule
from seawall.model.kube.resources import SUBRESOURCES, find_resource

_VERSION = "abac.authorization.kubernetes.io/"
_READ = ("get", "list", "watch")
_ANY = "*"
_V0_FIELDS = frozenset(("user", "group", "namespace", "resource", "readonly"))
MAX_LINE = 1 << 20


class AbacSpec(View, frozen=True):
    """Whom a policy is for, and what it allows."""

    user: str = ""
    group: str = ""
    namespace: str = ""
    resource: str = ""
    api_group: str = ""
    non_resource_path: str = ""
    readonly: bool = False


class _Line(View, frozen=True):
    """A line of either version; that without ``apiVersion`` (v0) has the fields of the policy at the top."""

    api_version: str = ""
    kind: str = ""
    spec: AbacSpec = AbacSpec()
    user: str = ""
    group: str = ""
    namespace: str = ""
    resource: str = ""
    readonly: bool = False


class Converted(Struct, frozen=True):
    """A policy as RBAC: its subject, the namespace of its binding (empty: the whole cluster), and its rules."""

    line: int
    subject: Subject
    namespace: str
    rules: tuple[PolicyRule, ...]


class Refused(Struct, frozen=True):
    """A line that RBAC cannot say, or that is no policy."""

    line: int
    message: str


def convert(text: bytes) -> Iterator[Converted | Refused]:
    """The policies of a file, line by line."""
    for number, line in enumerate(text.split(b"\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith(b"#"):
            continue
        if len(stripped) > MAX_LINE:
            yield Refused(number, f"longer than {MAX_LINE >> 20} MiB")
            continue
        try:
            parsed = msgspec.json.decode(stripped, type=_Line)
            named = {name.lower() for name in msgspec.json.decode(stripped, type=dict[str, msgspec.Raw])}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield Refused(number, str(error))
            continue
        if not parsed.api_version and named and named.isdisjoint(_V0_FIELDS):
            # The API server takes it for a policy that allows everybody everything; it is far likelier no policy.
            yield Refused(number, "has no field of a policy: with none it would allow everybody everything")
            continue
        yield from _policy(number, parsed)


def _policy(number: int, line: _Line) -> Iterator[Converted | Refused]:
    if line.api_version and (not line.api_version.startswith(_VERSION) or line.kind != "Policy"):
        yield Refused(number, f"{line.api_version} {line.kind} is not a Policy of {_VERSION}v1beta1")
        return
    spec = normalise(line.spec if line.api_version else _from_v0(line))
    if spec.user and spec.group:
        yield Refused(number, f"only {spec.user!r} as a member of {spec.group!r} is meant: RBAC has no such subject")
        return
    if not spec.user and not spec.group:
        yield Refused(number, "names no user and no group, so it allows nobody anything")
        return
    subject = Subject("User", spec.user) if spec.user else Subject("Group", spec.group)
    verbs = _READ if spec.readonly else (_ANY,)
    if spec.non_resource_path:
        yield Converted(number, subject, "", (PolicyRule(verbs=verbs, non_resource_urls=(spec.non_resource_path,)),))
    if spec.resource:
        yield _resources(number, subject, spec, verbs)


def _from_v0(line: _Line) -> AbacSpec:
    """Version 0: what is left empty means everything, in all groups."""
    nobody = not line.user and not line.group
    return AbacSpec(
        user=line.user,
        group=AUTHENTICATED if nobody else line.group,
        namespace=line.namespace or _ANY,
        resource=line.resource or _ANY,
        api_group=_ANY,
        non_resource_path="" if line.namespace or line.resource else _ANY,
        readonly=line.readonly,
    )


def normalise(spec: AbacSpec) -> AbacSpec:
    """As the API server reads it: an asterisk as user or group is every authenticated user."""
    if _ANY in (spec.user, spec.group):
        return msgspec.structs.replace(spec, user="", group=AUTHENTICATED)
    return spec


def _resources(number: int, subject: Subject, spec: AbacSpec, verbs: Sequence[str]) -> Converted | Refused:
    resources: tuple[str, ...] = (spec.resource,)
    if spec.resource != _ANY:
        resources += tuple(f"{spec.resource}/{part}" for part in sorted(SUBRESOURCES))
    rules = (PolicyRule(verbs=tuple(verbs), api_groups=(spec.api_group,), resources=resources),)
    if spec.namespace == _ANY:
        return Converted(number, subject, "", rules)
    if spec.namespace:
        return Converted(number, subject, spec.namespace, rules)
    known = find_resource(spec.resource, spec.api_group)
    if known is None or known.namespaced or known.name == "namespaces":
        what = "every resource" if spec.resource == _ANY else spec.resource
        return Refused(number, f"allows {what} only outside of namespaces: in RBAC it would hold in all of them too")
    return Converted(number, subject, "", rules)
