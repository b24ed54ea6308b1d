"""The closure equals a brute-force fixed point over small random estates."""

from __future__ import annotations

import random
from typing import Any

from seawall.analysis.access import ADMIN, NODE, Closure, Hub, Point, build_index, facts_of
from seawall.model.access import Request, Subject, actor_of
from seawall.model.kube.rbac import PolicyRule
from tests.analysis.access import brute
from tests.analysis.access.estates import account, grant, inventory_of, namespace, pod

WORLDS = 1500
#: What is dangerous only together.
PAIRS = [
    ("bind clusterroles", "create rolebindings"), ("escalate,patch roles", "create rolebindings"),
    ("escalate,patch roles named r1", "create rolebindings"), ("bind roles", "create rolebindings"),
    ("bind roles named r0", "create rolebindings"), ("escalate roles named r0", "patch roles"),
    ("escalate,patch clusterroles named r1", "create rolebindings"),
    ("impersonate groups", "impersonate users named bob"),
]  # fmt: skip
PLACES = ["one", "two", "all"]
SUBJECTS = ["user:ann", "user:bob", "sa:one/a", "sa:two/b", "group:ops", "group:system:serviceaccounts:two"]
POWERS = [
    "create serviceaccounts/token", "create serviceaccounts/token named a", "create pods",
    "patch deployments named web",
    "get secrets", "create secrets", "create,get secrets", "impersonate serviceaccounts", "impersonate users",
    "impersonate users named bob", "impersonate groups", "impersonate groups named ops", "escalate,patch roles",
    "escalate roles", "patch roles", "bind clusterroles", "create rolebindings", "create clusterrolebindings",
    "escalate clusterroles", "patch clusterroles", "get nodes/proxy", "create pods/exec", "patch namespaces", "* *",
    "create certificatesigningrequests", "update certificatesigningrequests/approval", "approve signers",
    "patch namespaces named one", "bind clusterroles named cluster-admin", "get pods",
    "impersonate serviceaccounts named a", "escalate,patch roles named r1", "escalate roles named r2",
    "escalate,patch clusterroles named r1", "bind roles", "bind roles named r0",
]  # fmt: skip


def estate(seed: int) -> list[dict[str, Any]]:
    rnd = random.Random(seed)
    levels = ["", "restricted"]
    objects = [namespace("one", rnd.choice(levels)), namespace("two", rnd.choice(levels)), account("a", "one")]
    objects += [account("b", "two")]
    if rnd.random() < 0.5:
        objects.append(pod("p", "one", "a"))
    if rnd.random() < 0.5:
        objects.append(pod("q", "two", "b"))
    for number in range(rnd.randint(2, 6)):
        subject, power, place = rnd.choice(SUBJECTS), rnd.choice(POWERS), rnd.choice(PLACES)
        objects += grant(f"{subject} can {power} in {place}", number)
    if rnd.random() < 0.5:
        subject, pair, place = rnd.choice(SUBJECTS), rnd.choice(PAIRS), rnd.choice(PLACES)
        for number, power in enumerate(pair, 10):
            objects += grant(f"{subject} can {power} in {rnd.choice([place, place, 'all'])}", number)
    return objects


def identity(point: Point) -> str:
    if isinstance(point, Hub):
        return {ADMIN: brute.ADMIN, NODE: brute.NODE}.get(point, "")
    return f"group:{point.name}" if point.kind == "Group" else point.username


def test_equal_to_brute_force() -> None:
    reached = 0
    for seed in range(WORLDS):
        objects = estate(seed)
        inventory = inventory_of(objects)
        closure = Closure(build_index(inventory), facts_of(inventory))
        world = brute.Estate(objects)
        for start in build_index(inventory).subjects:
            ours = {identity(point) for point in closure.reach(start)} - {""}
            # Whom no binding names holds nothing: the world knows no such user.
            known = {brute.ADMIN, brute.NODE, *world.accounts, *world.users, *(f"group:{g}" for g in world.groups)}
            ours &= known
            theirs = world.reach(identity(start)) & known
            assert ours == theirs, (seed, start, ours ^ theirs)
            reached += len(ours)
    assert reached > 4 * WORLDS


#: The request that a step makes, by what is told of it: (verb, resource, group, subresource, name is the target's).
_REQUESTS = {
    "requests a token": ("create", "serviceaccounts", "", "token"),
    "impersonates it": ("impersonate", "", "", ""),
    "runs commands in any pod through the kubelet": ("get", "nodes", "", "proxy"),
}


def test_every_proof_holds() -> None:
    """What a step names as its proof is held by someone taken on before, and has a rule that gives something."""
    proofs = 0
    for seed in range(300):
        inventory = inventory_of(estate(seed))
        index = build_index(inventory)
        closure = Closure(index, facts_of(inventory))
        for start in index.subjects:
            for goal in closure.reach(start):
                been: set[Point] = {start}
                for step in closure.path(start, goal):
                    assert step.source in been
                    for found, position in step.grants:
                        holders = {start, *closure.reach(start)}
                        assert set(found.subjects) & holders or not found.subjects, (seed, start, goal, step)
                        if position >= 0 and found.subjects:
                            rule = found.rules[position]
                            assert index.may(actor_of(found.subjects[0]), _request(rule, found.namespace))
                        proofs += 1
                    been.add(step.target)
    assert proofs > 1000


def _request(rule: PolicyRule, place: str) -> Request:
    """A request that exactly this rule is for."""
    resource, _, sub = rule.resources[0].partition("/")
    name = rule.resource_names[0] if rule.resource_names else "x"
    return Request(rule.verbs[0], resource, rule.api_groups[0], sub, place, name)


def test_steps_lead_from_subjects_with_the_permission() -> None:
    """A step of one permission starts at an identity that the evaluator lets do it."""
    asked = 0
    for seed in range(300):
        inventory = inventory_of(estate(seed))
        index = build_index(inventory)
        closure = Closure(index, facts_of(inventory))
        for start in index.subjects:
            for goal in closure.reach(start):
                for step in closure.path(start, goal):
                    wanted = _REQUESTS.get(step.how)
                    if wanted is None or not isinstance(step.source, Subject) or not isinstance(step.target, Hub):
                        continue
                    verb, resource, group, sub = wanted
                    if step.target.kind in ("accounts", "users"):
                        resource = resource or {"accounts": "serviceaccounts", "users": "users"}[step.target.kind]
                    request = Request(verb, resource, group, sub, step.target.namespace, "any")
                    assert index.may(actor_of(step.source), request), (seed, step)
                    asked += 1
    assert asked > 50
