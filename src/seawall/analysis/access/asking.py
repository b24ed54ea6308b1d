"""Questions as people write them: ``sa:shop/cart``, ``deployments.apps/scale``, ``/metrics``."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.model.access import Request, Subject, parse_account
from seawall.model.kube.resources import SUBRESOURCES, ApiResource, find_resource
from seawall.model.resource import Inventory


class QuestionError(Exception):
    """A subject or resource that makes no sense; the message says how to write it."""


def parse_subject(text: str) -> Subject:
    """Read ``user:NAME``, ``group:NAME``, ``sa:NAMESPACE/NAME``, or a user name as the API server knows it.

    Raises:
        QuestionError: it is none of these.
    """
    kind, colon, name = text.partition(":")
    if colon and kind in ("user", "group") and name:
        return Subject("User" if kind == "user" else "Group", name)
    if colon and kind in ("sa", "serviceaccount"):
        namespace, slash, account = name.partition("/")
        if not (namespace and slash and account):
            raise QuestionError(f"write a service account as sa:NAMESPACE/NAME, not {text!r}")
        return Subject("ServiceAccount", account, namespace)
    if not text:
        raise QuestionError("a subject is user:NAME, group:NAME or sa:NAMESPACE/NAME")
    return parse_account(text) or Subject("User", text)


def custom_resources(inventory: Inventory) -> dict[str, ApiResource]:
    """The resources that the CustomResourceDefinitions of an inventory bring, by plural and ``plural.group``."""
    found: dict[str, ApiResource] = {}
    for resource in inventory.resources:
        if resource.ref.kind != "CustomResourceDefinition":
            continue
        spec = resource.raw.get("spec")
        names = spec.get("names") if isinstance(spec, dict) else None
        if not isinstance(spec, dict) or not isinstance(names, dict):
            continue
        plural, group = names.get("plural"), spec.get("group")
        if isinstance(plural, str) and isinstance(group, str):
            each = ApiResource(plural, group, spec.get("scope") == "Namespaced")
            found.setdefault(plural, each)
            found[f"{plural}.{group}"] = each
    return found


def parse_request(verb: str, what: str, namespace: str, custom: Mapping[str, ApiResource]) -> Request:
    """Read ``RESOURCE[.GROUP][/SUBRESOURCE][/NAME]`` or a path that begins with a slash.

    A second part that is no subresource is a name. A resource without a group is looked up among Kubernetes' own and
    ``custom`` ones.

    Raises:
        QuestionError: nobody knows the resource, or there are too many parts.
    """
    if what.startswith("/"):
        return Request(verb, path=what)
    head, *rest = what.split("/")
    subresource = rest.pop(0) if rest and (rest[0] in SUBRESOURCES or len(rest) > 1) else ""
    name = rest.pop(0) if rest else ""
    if rest or not head:
        raise QuestionError(f"write a resource as RESOURCE[.GROUP][/SUBRESOURCE][/NAME], not {what!r}")
    found = _resource(head, custom)
    within = namespace if found.namespaced else ""
    return Request(verb, found.name, found.group, subresource, within, name)


def _resource(text: str, custom: Mapping[str, ApiResource]) -> ApiResource:
    called, dot, group = text.partition(".")
    if text == "*":
        return ApiResource("*", "*", True)
    found = find_resource(called, group if dot else None) or custom.get(text)
    if found is not None:
        return found
    if dot:
        return ApiResource(called, group, True)
    raise QuestionError(f"no resource is called {text!r}; write its plural and group, as in widgets.example.com")
