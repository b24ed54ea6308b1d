"""Random estates and flows: what is generated lets every observed flow pass and nothing else between workloads.

An independent evaluator judges the policies as plain objects.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.analysis.network.drafts import draft
from seawall.analysis.network.generate.synthesis import Request, Result, Synthesis
from seawall.analysis.network.reach import Reach
from seawall.model.flow import FlowEnd, FlowRecord, FlowVerdict
from seawall.model.resource import Inventory
from tests.analysis.network.oracle import Cluster, OraclePod, allowed

PORTS = (("TCP", 80), ("TCP", 8080), ("UDP", 53), ("UDP", 9000), ("TCP", 53), ("SCTP", 80))
OUTSIDE = ("1.2.3.4", "8.8.8.8", "2606:4700::1111")
KEYS, VALUES = ("app", "tier", "pod-template-hash"), ("a", "b", "c")
LABELS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=3)


@st.composite
def estates(draw: st.DrawFn) -> tuple[list[OraclePod], list[tuple[int | str, int | str, tuple[str, int], bool]]]:
    """Workloads (each a pod) and flows between them (by number) and outside addresses; some were denied."""
    pods = [
        OraclePod(
            draw(st.sampled_from(("one", "two"))), f"w{n}", draw(LABELS), host_network=draw(st.integers(0, 9)) == 0
        )
        for n in range(draw(st.integers(1, 6)))
    ]
    ends = st.sampled_from([*range(len(pods)), *OUTSIDE])
    flows = draw(st.lists(st.tuples(ends, ends, st.sampled_from(PORTS), st.booleans()), max_size=8))
    return pods, [flow for flow in flows if flow[0] != flow[1]]


def resources(pods: list[OraclePod]) -> list[dict[str, Any]]:
    found = []
    for pod in pods:
        template = {"metadata": {"labels": pod.labels}, "spec": {"hostNetwork": pod.host_network, "containers": []}}
        found.append(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": pod.name, "namespace": pod.namespace},
                "spec": {"selector": {"matchLabels": pod.labels}, "template": template},
            }
        )
    return found


def end(pods: list[OraclePod], each: int | str) -> FlowEnd:
    if isinstance(each, str):
        return FlowEnd(address=each)
    return FlowEnd(namespace=pods[each].namespace, workload=pods[each].name, kind="Deployment")


def generate(pods: list[OraclePod], flows: Any, request: Request) -> Result:
    synthesis = Synthesis(Reach(Inventory(map(draft, resources(pods)))), request)
    synthesis.add(
        FlowRecord(
            end(pods, source),
            end(pods, target),
            port[0],
            port[1],
            verdict=FlowVerdict.ALLOWED if passed else FlowVerdict.DENIED,
            reply=False,
        )
        for source, target, port, passed in flows
    )
    return synthesis.finish()


def alike(pod: OraclePod) -> Any:
    """What policies can tell pods by, without labels that change by themselves."""
    return pod.namespace, tuple(sorted((k, v) for k, v in pod.labels.items() if k != "pod-template-hash"))


@settings(max_examples=400, deadline=None)
@given(estates(), st.booleans())
def test_what_was_observed_passes_and_nothing_else(estate: Any, isolate: bool) -> None:
    pods, flows = estate
    result = generate(pods, flows, Request(use_manifests=False, use_flows=True, isolate_unobserved=isolate))
    assert not result.proof.replay.lost
    assert not result.problems
    assert not result.bad_names
    namespaces = {pod.namespace: {"kubernetes.io/metadata.name": pod.namespace} for pod in pods}
    dns = OraclePod("kube-system", "dns", {"k8s-app": "kube-dns"})
    namespaces["kube-system"] = {"kubernetes.io/metadata.name": "kube-system"}
    cluster = Cluster(namespaces, [*pods, dns], [each.value for each in result.policies])

    def of(each: int | str) -> Any:
        return each if isinstance(each, str) else alike(pods[each])

    held = [pod for pod in pods if not pod.host_network]
    passed = [(a, b, port) for a, b, port, good in flows if good]
    wanted = {(of(a), of(b), port) for a, b, port in passed if not _hosted(pods, a) and not _hosted(pods, b)}
    for a, b, port in passed:
        if not _hosted(pods, a) and not _hosted(pods, b) and not (isinstance(a, str) and isinstance(b, str)):
            source, target = (each if isinstance(each, str) else pods[each] for each in (a, b))
            assert allowed(cluster, source, target, *port), (source, target, port)
    observed = {
        of(each) for flow in passed for each in flow[:2] if not isinstance(each, str) and not _hosted(pods, each)
    }
    for source, target in product(held, held):
        for port in (*PORTS, ("TCP", 1)):
            # Pods of different workloads only: those of one with itself cannot be told apart from it.
            if source is target:
                continue
            free = not isolate and alike(source) not in observed and alike(target) not in observed
            expected = free or (alike(source), alike(target), port) in wanted
            assert allowed(cluster, source, target, *port) == expected, (source, target, port)
    for pod in held:
        if alike(pod) in observed or isolate:
            assert allowed(cluster, pod, dns, "UDP", 53)
            assert allowed(cluster, pod, dns, "TCP", 53)
            assert not allowed(cluster, pod, dns, "TCP", 443)
            for address in OUTSIDE:
                for port in PORTS:
                    assert allowed(cluster, pod, address, *port) == ((alike(pod), address, port) in wanted) or any(
                        _hosted(pods, b) and of(a) == alike(pod) for a, b, _ in passed
                    )
    labels = {f"{pod.namespace}/{pod.name}[Deployment]" for pod in held}
    assert labels == {label for text in (*result.covered, *result.unobserved) for label in text.split(", ")}
    assert len(result.not_holdable) == len(pods) - len(held)


def _hosted(pods: list[OraclePod], each: int | str) -> bool:
    return not isinstance(each, str) and pods[each].host_network


@settings(max_examples=50, deadline=None)
@given(estates(), st.randoms())
def test_the_order_of_inputs_changes_nothing(estate: Any, random: Any) -> None:
    pods, flows = estate
    request = Request(use_manifests=False, use_flows=True)
    first = generate(pods, flows, request)
    numbers = list(range(len(pods)))
    random.shuffle(numbers)
    place = {old: new for new, old in enumerate(numbers)}
    shuffled = [(place.get(a, a), place.get(b, b), port, good) for a, b, port, good in flows]
    random.shuffle(shuffled)
    second = generate([pods[n] for n in numbers], shuffled, request)
    assert [each.value for each in first.policies] == [each.value for each in second.policies]
    assert [each.inside for each in first.policies] == [each.inside for each in second.policies]
