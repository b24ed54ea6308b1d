"""Where capabilities over one named object lead, by what is known of the cluster."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.analysis.access.capabilities import Capability
from seawall.analysis.access.gains import AGGREGATOR, IMPERSONATES_AGGREGATOR
from seawall.analysis.access.points import ADMIN, Facts, Point
from seawall.model.access import Subject

_C = Capability


def named_targets(facts: Facts, capability: Capability, namespace: str, name: str) -> Iterator[tuple[Point, str]]:
    """What is reached through the object of that name in a namespace (empty: in all), and how."""
    homes = [namespace] if namespace else sorted({each.namespace for each in facts.accounts})
    accounts = [each for home in homes if (each := Subject("ServiceAccount", name, home)) in facts.accounts]
    if capability is _C.TOKEN_REQUEST:
        yield from ((each, "requests a token for it") for each in accounts)
    elif capability is _C.BE_ACCOUNTS:
        yield from ((each, "impersonates it") for each in accounts)
        # An account need not be known, nor exist, to be impersonated.
        if name == AGGREGATOR and namespace in ("", "kube-system"):
            yield ADMIN, IMPERSONATES_AGGREGATOR
    elif capability is _C.BE_USERS and not namespace:
        yield Subject("User", name), "impersonates it"
    elif capability is _C.READ_SECRETS:
        found = [(home, facts.tokens.get((home, name))) for home in homes]
        yield from ((each, f"reads its token from the Secret {home}/{name}") for home, each in found if each)
    elif capability is _C.ENTER_PODS:
        inside = [(home, facts.pods.get((home, name))) for home in homes]
        yield from ((each, f"takes the token out of pod {home}/{name}") for home, each in inside if each)
    elif capability is _C.PROXY_NODES and not namespace:
        how = f"runs commands in a pod on node {name} through its kubelet, unseen by the audit log"
        yield from ((each, how) for each in sorted(facts.on_node.get(name, ())))
