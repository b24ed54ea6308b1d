"""Each kind of step of the closure, with a case in which it is taken and one in which it is not."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.analysis.access import Closure, parse_subject
from seawall.model.access import Subject
from seawall.model.version import NEWEST, parse_version
from tests.analysis.access.estates import account, closure_of, grant, namespace, pod, reached, token_secret

ADMIN, NODE = "cluster-admin", "root on any node"
ME = "user:ann"
GUARDED = [namespace("one", "restricted"), namespace("two", "baseline"), account("a", "one"), account("b", "two")]
OPEN = [namespace("one"), namespace("two", "restricted"), account("a", "one"), account("b", "two")]
A, B = "ServiceAccount one/a", "ServiceAccount two/b"
TOKEN = token_secret("t", "one", "a")
RUNNING = [*GUARDED, pod("p", "one", "a", "n1"), pod("q", "two", "b", "n2")]
NODES = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {}}}]
CONTROL = [
    {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n1", "labels": {"node-role.kubernetes.io/control-plane": ""}},
    }
]
AWS = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}}]


def _can(*lines: str) -> list[str]:
    return [line if " can " in line else f"{ME} can {line}" for line in lines]


CSR = ("create certificatesigningrequests in all", "update certificatesigningrequests/approval in all")
#: (grants, other objects, what is reached, what is not)
CASES: dict[str, tuple[list[str], list[dict[str, Any]], set[str], set[str]]] = {
    "everything": (_can("* * in all"), GUARDED, {ADMIN, NODE, A}, set()),
    "everything in a namespace": (_can("* * in one"), GUARDED, {A, NODE}, {ADMIN, B}),
    "masters": (["group:system:masters can get pods in one"], GUARDED, set(), {ADMIN}),
    "token": (_can("create serviceaccounts/token in one"), GUARDED, {A}, {B, ADMIN}),
    "token, wrong verb": (_can("get serviceaccounts/token in one"), GUARDED, set(), {A}),
    "token of one": (_can("create serviceaccounts/token named a in all"), GUARDED, {A}, {B}),
    "token of another": (_can("create serviceaccounts/token named x in one"), GUARDED, set(), {A}),
    "pods, guarded": (_can("create pods in one"), GUARDED, {A}, {B, NODE}),
    "pods, open": (_can("create pods in one"), OPEN, {A, NODE}, {B}),
    "pods, named": (_can("create pods named x in one"), OPEN, set(), {A, NODE}),
    "pods, read only": (_can("get,list pods in one"), OPEN, set(), {A, NODE}),
    "workload": (_can("patch deployments in one"), GUARDED, {A}, {B}),
    "workload by name": (_can("patch deployments named web in one"), GUARDED, {A}, {B}),
    "workload, create by name": (_can("create deployments named web in one"), GUARDED, set(), {A}),
    "job patch": (_can("patch jobs in one"), GUARDED, set(), {A}),
    "label": (_can("create pods in one", "patch namespaces in all"), GUARDED, {A, NODE}, {B}),
    "label of this one": (_can("create pods in one", "patch namespaces named one in all"), GUARDED, {NODE}, set()),
    "label of that one": (_can("create pods in one", "patch namespaces named two in all"), GUARDED, set(), {NODE}),
    "volume": (
        _can("create pods,persistentvolumeclaims in one", "create persistentvolumes in all"), GUARDED, {NODE}, set(),
    ),
    "volume without claim": (_can("create pods in one", "create persistentvolumes in all"), GUARDED, set(), {NODE}),
    "volume in a namespace": (
        _can("create pods,persistentvolumes,persistentvolumeclaims in one"), GUARDED, {A}, {NODE},
    ),
    "exec": (_can("create pods/exec in one"), RUNNING, {A}, {B}),
    "exec, nobody there": (_can("create pods/exec in one"), GUARDED, set(), {A}),
    "exec in one pod": (_can("create pods/exec named p in one"), RUNNING, {A}, {B}),
    "exec in no pod": (_can("create pods/exec named x in one"), RUNNING, set(), {A}),
    "debug": (_can("patch pods/ephemeralcontainers in one"), RUNNING, {A}, {B}),
    "logs": (_can("get pods/log in one"), RUNNING, set(), {A}),
    "exec where one is privileged": (
        _can("create pods/exec in one"), [*RUNNING, pod("r", "one", "a", privileged=True)], {NODE}, set(),
    ),
    "exec where none is": (_can("create pods/exec in one"), RUNNING, set(), {NODE}),
    "token Secret": (_can("list secrets in one"), [*GUARDED, TOKEN], {A}, {B}),
    "no token Secret": (_can("list secrets in one"), GUARDED, set(), {A}),
    "token Secret by name": (_can("get secrets named t in one"), [*GUARDED, TOKEN], {A}, {B}),
    "other Secret by name": (_can("get secrets named x in one"), [*GUARDED, TOKEN], set(), {A}),
    "makes a token Secret": (_can("create,get secrets in one"), GUARDED, {A}, {B}),
    "makes one, unread": (_can("create secrets in one"), GUARDED, set(), {A}),
    "impersonates accounts": (_can("impersonate serviceaccounts in one"), GUARDED, {A}, {B, ADMIN}),
    "impersonates all accounts": (_can("impersonate serviceaccounts in all"), GUARDED, {A, B, ADMIN}, set()),
    "impersonates the aggregator": (
        _can("impersonate serviceaccounts named clusterrole-aggregation-controller in kube-system"),
        GUARDED, {ADMIN}, set(),
    ),
    "impersonates its namesake": (
        _can("impersonate serviceaccounts named clusterrole-aggregation-controller in one"), GUARDED, set(), {ADMIN},
    ),
    "impersonates users": (_can("impersonate users in all"), GUARDED, {ADMIN, "any user"}, set()),
    "impersonates users in a namespace": (_can("impersonate users in one"), GUARDED, set(), {ADMIN, "any user"}),
    "impersonates one user": (
        [*_can("impersonate users named bob in all"), "user:bob can * * in all"], GUARDED, {"User bob", ADMIN}, set(),
    ),
    "impersonates groups alone": (_can("impersonate groups in all"), GUARDED, set(), {ADMIN}),
    "impersonates groups": (_can("impersonate users,groups in all"), GUARDED, {ADMIN}, set()),
    "groups through one user": (
        _can("impersonate groups in all", "impersonate users named x in all"), GUARDED, {ADMIN}, set(),
    ),
    "one group": (
        [*_can("impersonate groups named ops in all", "impersonate users named x in all"),
         "group:ops can create serviceaccounts/token in one"], GUARDED, {"Group ops", A}, {ADMIN},
    ),
    "one group without a user": (
        [*_can("impersonate groups named ops in all"), "group:ops can create serviceaccounts/token in one"],
        GUARDED, set(), {"Group ops", A},
    ),
    "masters by name": (
        _can("impersonate groups named system:masters in all", "impersonate users named x in all"),
        GUARDED, {ADMIN}, set(),
    ),
    "escalate by name": (
        _can("escalate,patch roles named r90 in one"), [*GUARDED, *grant("user:ann can get pods in one", 90)],
        {A, "every right of namespace one"}, {B, ADMIN},
    ),
    "escalate by name what others hold": (
        _can("escalate,patch roles named r90 in one"), [*GUARDED, *grant("user:bob can get pods in one", 90)],
        set(), {A},
    ),
    "escalate by name what it binds": (
        _can("escalate,patch roles named r90 in one", "create rolebindings in one"),
        [*GUARDED, *grant("user:bob can get pods in one", 90)], {A}, {B},
    ),
    "escalate by name elsewhere": (
        _can("escalate,patch roles named r90 in one", "create rolebindings in one"),
        [*GUARDED, *grant("user:bob can get pods in two", 90)], set(), {A, B},
    ),
    "escalate by name, update all": (
        _can("escalate roles named r90 in all", "patch roles in one"),
        [*GUARDED, *grant("user:ann can get pods in one", 90)], {A}, {B},
    ),
    "escalate a cluster role by name": (
        _can("escalate,patch clusterroles named r90 in all"),
        [*GUARDED, *grant("user:ann can get pods in all", 90)], {ADMIN}, set(),
    ),
    "escalate a cluster role by name that others hold": (
        _can("escalate,patch clusterroles named r90 in all"),
        [*GUARDED, *grant("user:bob can get pods in all", 90)], set(), {ADMIN, A},
    ),
    "escalate a cluster role by name that it may bind in a namespace": (
        _can("escalate,patch clusterroles named view in all", "create rolebindings in one"), GUARDED,
        {A, "every right of namespace one"}, {ADMIN, B},
    ),
    "bind anything everywhere, in namespaces": (
        _can("bind clusterroles in all", "create rolebindings in all"), GUARDED, {ADMIN, A, B}, set(),
    ),
    "bind roles": (
        _can("bind roles in one", "create rolebindings in one"),
        [*GUARDED, *grant("user:bob can create pods in one", 90)], {A, "the rights of any Role of namespace one"}, {B},
    ),
    "bind roles of all namespaces": (
        _can("bind roles in all", "create rolebindings in all"),
        [*GUARDED, *grant("user:bob can create pods in two", 90)], {B}, {A, ADMIN},
    ),
    "bind roles, none gives anything": (
        _can("bind roles in one", "create rolebindings in one"), GUARDED, set(), {A, B},
    ),
    "bind roles without binding": (
        _can("bind roles in one"), [*GUARDED, *grant("user:bob can create pods in one", 90)], set(), {A},
    ),
    "bind a role by name": (
        _can("bind roles named r90 in one", "create rolebindings in one"),
        [*GUARDED, *grant("user:bob can create pods in one", 90)], {A, "the rights of Role r90 of namespace one"}, {B},
    ),
    "bind another role by name": (
        _can("bind roles named r91 in one", "create rolebindings in one"),
        [*GUARDED, *grant("user:bob can create pods in one", 90)], set(), {A},
    ),
    "certificate of a node": (
        _can(CSR[0], "create certificatesigningrequests/nodeclient in all"), [*RUNNING, *NODES],
        {"any kubelet", "User system:node:n1", A}, {ADMIN},
    ),
    "certificate of a node, not approved unseen": (_can(CSR[0]), [*RUNNING, *NODES], set(), {"any kubelet", A}),
    "bootstrap token": (
        [*_can("create secrets in kube-system"), "group:system:bootstrappers:ci can create pods in one"], GUARDED,
        {"a bootstrap token", "Group system:bootstrappers:ci", A}, {B},
    ),
    "bootstrap token elsewhere": (
        [*_can("create secrets in one"), "group:system:bootstrappers:ci can create pods in two"], GUARDED,
        set(), {"a bootstrap token", B},
    ),
    "escalate": (_can("escalate,update clusterroles in all"), GUARDED, {ADMIN}, set()),
    "escalate without update": (_can("escalate,create clusterroles in all"), GUARDED, set(), {ADMIN}),
    "escalate in a namespace": (_can("escalate,patch roles in one"), GUARDED, {A, "every right of namespace one"}, {B}),
    "escalate of cluster roles in a namespace": (_can("escalate,patch clusterroles in one"), GUARDED, set(), {ADMIN}),
    "bind": (_can("bind clusterroles in all", "create clusterrolebindings in all"), GUARDED, {ADMIN}, set()),
    "bind without binding": (_can("bind clusterroles in all"), GUARDED, set(), {ADMIN}),
    "bind in a namespace": (_can("bind clusterroles in one", "create rolebindings in one"), GUARDED, {A}, {ADMIN, B}),
    "bind cluster-admin by name": (
        _can("bind clusterroles named cluster-admin in all", "create clusterrolebindings in all"),
        GUARDED, {ADMIN}, set(),
    ),
    "bind edit by name": (
        _can("bind clusterroles named edit in all", "create rolebindings in one"), GUARDED, {A}, {ADMIN, B},
    ),
    "bind view by name": (
        _can("bind clusterroles named view in all", "create clusterrolebindings in all"), GUARDED, set(), {ADMIN, A},
    ),
    "certificate": (_can(*CSR, "approve signers in all"), GUARDED, {"any user", ADMIN}, set()),
    "certificate of the right signer": (
        _can(*CSR, "approve signers named kubernetes.io/kube-apiserver-client in all"), GUARDED, {ADMIN}, set(),
    ),
    "certificate of the domain": (_can(*CSR, "approve signers named kubernetes.io/* in all"), GUARDED, {ADMIN}, set()),
    "certificate of a kubelet": (
        _can(*CSR, "approve signers named kubernetes.io/kubelet-serving in all"), GUARDED, set(), {ADMIN},
    ),
    "certificate, two of three": (_can(*CSR), GUARDED, set(), {ADMIN, "any user"}),
    "kubelets": (_can("get nodes/proxy in all"), RUNNING, {A, B}, {ADMIN}),
    "kubelets, in a namespace": (_can("get nodes/proxy in one"), RUNNING, set(), {A, B}),
    "one kubelet": (_can("get nodes/proxy named n1 in all"), RUNNING, {A}, {B}),
    "webhook": (_can("patch mutatingwebhookconfigurations named x in all"), GUARDED, {A, B, NODE}, set()),
    "webhook read": (_can("get mutatingwebhookconfigurations in all"), GUARDED, set(), {A, NODE}),
    "policies": (
        _can("create mutatingadmissionpolicies,mutatingadmissionpolicybindings in all"), GUARDED, {NODE}, set(),
    ),
    "policies without binding": (_can("create mutatingadmissionpolicies in all"), GUARDED, set(), {NODE}),
    "cloud": (_can("update configmaps named aws-auth in kube-system"), AWS, {ADMIN}, set()),
    "cloud, any map": (_can("update configmaps in kube-system"), AWS, {ADMIN}, set()),
    "cloud elsewhere": (_can("update configmaps in one"), AWS, set(), {ADMIN}),
    "no such map": (_can("update configmaps in kube-system"), GUARDED, set(), {ADMIN}),
    "a node's own": (["user:system:node:n1 can get pods in one"], RUNNING, set(), set()),
    "control plane": (_can("create pods in one"), [*OPEN, *CONTROL], {NODE, ADMIN}, set()),
    "workers only": (_can("create pods in one"), [*OPEN, *NODES], {NODE}, {ADMIN}),
    "through another": (
        [*_can("create serviceaccounts/token named a in one"), "sa:one/a can create serviceaccounts/token in two"],
        GUARDED, {A, B}, {ADMIN},
    ),
    "two permissions of two identities": (
        [*_can("get secrets in two", "create serviceaccounts/token named a in one"),
         "sa:one/a can create secrets in two"], GUARDED, {A, B}, {ADMIN},
    ),
    "two permissions of two namespaces": (
        [*_can("get secrets in two", "create serviceaccounts/token named a in one"),
         "sa:one/a can create secrets in one"], GUARDED, {A}, {B, ADMIN},
    ),
    "by a group of all accounts": (
        [*_can("create serviceaccounts/token named a in one"), "group:system:serviceaccounts can * * in all"],
        GUARDED, {A, ADMIN}, set(),
    ),
    "by the group of a namespace's accounts": (
        [*_can("create serviceaccounts/token in two"), "group:system:serviceaccounts:two can * * in all"],
        GUARDED, {B, ADMIN}, set(),
    ),
    "by the group of another namespace's accounts": (
        [*_can("create serviceaccounts/token in one"), "group:system:serviceaccounts:two can * * in all"],
        GUARDED, {A}, {B, ADMIN},
    ),
    "as everyone": (
        ["group:system:authenticated can create pods in one", *_can("get pods in one")], OPEN, {NODE}, set(),
    ),
    "as nobody": (
        ["group:system:unauthenticated can create pods in one", *_can("get pods in one")], OPEN, set(), {NODE},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_step(name: str) -> None:
    lines, objects, gained, not_gained = CASES[name]
    found = reached(closure_of(lines, objects), ME)
    assert gained <= found
    assert not not_gained & found


@pytest.mark.parametrize(
    ("line", "version", "gained"),
    [
        ("get pods/exec in one", "1.34", True),
        ("get pods/exec in one", "1.35", False),
        ("get pods/attach in one", "1.34", True),
        ("create pods/exec in one", "1.34", True),
        ("create pods/exec in one", "1.35", True),
    ],
)
def test_exec_by_version(line: str, version: str, gained: bool) -> None:
    found = reached(closure_of(_can(line), RUNNING, parse_version(version)), ME)
    assert (A in found) == gained


def test_policies_that_change_requests_came_late() -> None:
    line = "create mutatingadmissionpolicies,mutatingadmissionpolicybindings in all"
    assert NODE not in reached(closure_of(_can(line), GUARDED, parse_version("1.35")), ME)


def test_members_of_masters_and_nodes() -> None:
    closure = closure_of([], RUNNING)
    assert ADMIN in reached(closure, "group:system:masters")
    found = reached(closure, "user:system:node:n1")
    assert A in found
    assert B not in found


def test_a_namespace_that_was_not_read_is_assumed_open() -> None:
    closure = closure_of(_can("create pods in one"), [account("a", "one")])
    (step,) = (each for each in _path(closure, NODE) if str(each.target) == NODE)
    assert step.assumed
    (sure,) = (each for each in _path(closure_of(_can("create pods in one"), OPEN), NODE) if str(each.target) == NODE)
    assert not sure.assumed


def _path(closure: Closure, goal: str) -> list[Any]:
    point = next(each for each in closure.points if str(each) == goal)
    return closure.path(parse_subject(ME), point)


@pytest.mark.parametrize(
    ("configuration", "guarded"),
    [
        ({"defaults": {"enforce": "baseline"}}, True),
        ({"defaults": {"enforce": "privileged"}}, False),
        ({"defaults": {"enforce": "restricted"}, "exemptions": {"namespaces": ["one"]}}, False),
        ({"defaults": "none", "exemptions": [3]}, False),
    ],
)
def test_the_admission_configuration_counts(configuration: dict[str, Any], guarded: bool) -> None:
    plugin = {"name": "PodSecurity", "configuration": configuration}
    admission = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [plugin],
        "metadata": {"name": "x"},
    }
    found = reached(closure_of(_can("create pods in one"), [*OPEN, admission]), ME)
    assert (NODE in found) != guarded


def test_proofs_name_the_grants_of_both() -> None:
    lines, objects, _, _ = CASES["two permissions of two identities"]
    closure = closure_of(lines, objects)
    point = next(each for each in closure.points if str(each) == "any service account of namespace two")
    last = closure.path(Subject("User", "ann"), point)[-1]
    assert [str(grant.subjects[0]) for grant, _ in last.grants] == ["User ann", A]
    assert NEWEST >= (1, 37)
