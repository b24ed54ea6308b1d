"""What the API server fills in, by the defaulting functions of Kubernetes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seawall.analysis.policies.defaults import with_defaults
from seawall.model.paths import lookup, parse_path

POD = (
    "spec: {hostNetwork: true, volumes: [{name: v}],"
    " containers: [{name: a, image: a, ports: [{containerPort: 80}], %s}]}"
)
LIMITS = "resources: {limits: {cpu: 1}, requests: {memory: 1Gi}}"
PODS = POD % LIMITS
BATCH, APPS, RBAC = "apiVersion: batch/v1", "apiVersion: apps/v1", "apiVersion: rbac.authorization.k8s.io/v1"
HOOK = "webhooks: [{clientConfig: {service: {name: a}}, rules: [{apiGroups: [a]}]}]"
CASES = [
    (f"apiVersion: v1\nkind: Pod\n{PODS}", "spec.containers[0].resources.requests", {"cpu": 1, "memory": "1Gi"}),
    (f"apiVersion: v1\nkind: Pod\n{PODS}", "spec.containers[0].ports[0].hostPort", 80),
    (f"apiVersion: v1\nkind: Pod\n{PODS}", "spec.serviceAccountName", "default"),
    (f"apiVersion: v1\nkind: Pod\n{PODS}", "spec.volumes[0].emptyDir", {}),
    (f"apiVersion: v1\nkind: Pod\n{PODS}", "spec.containers[0].imagePullPolicy", "Always"),
    (f"{APPS}\nkind: Deployment\nspec: {{template: {{{PODS}}}}}", "spec.template.spec.restartPolicy", "Always"),
    (f"{APPS}\nkind: Deployment\nspec: {{template: {{{PODS}}}}}", "spec.template.spec.serviceAccountName", None),
    (f"{APPS}\nkind: Deployment\nspec: {{strategy: {{type: Recreate}}}}", "spec.strategy", {"type": "Recreate"}),
    (f"{APPS}\nkind: Deployment\nspec: {{strategy: {{rollingUpdate: {{maxSurge: 1}}}}}}", "spec.strategy",
     {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}}),
    (f"{APPS}\nkind: StatefulSet\nspec: {{volumeClaimTemplates: [{{spec: {{}}}}]}}",
     "spec.volumeClaimTemplates[0].spec.volumeMode", "Filesystem"),
    (f"{APPS}\nkind: DaemonSet\nspec: {{}}", "spec.updateStrategy.rollingUpdate.maxUnavailable", 1),
    (f"apiVersion: v1\nkind: ReplicationController\nspec: {{template: {{{PODS}}}}}",
     "spec.template.spec.dnsPolicy", "ClusterFirst"),
    (f"apiVersion: v1\nkind: PodTemplate\ntemplate: {{{PODS}}}", "template.spec.dnsPolicy", "ClusterFirst"),
    (f"{BATCH}\nkind: Job\nspec: {{}}", "spec.completions", 1),
    (f"{BATCH}\nkind: Job\nspec: {{parallelism: 2}}", "spec.completions", None),
    (f"{BATCH}\nkind: CronJob\nspec: {{jobTemplate: {{spec: {{template: {{{PODS}}}}}}}}}",
     "spec.jobTemplate.spec.template.spec.schedulerName", "default-scheduler"),
    ("apiVersion: v1\nkind: Service\nspec: {ports: [{port: 80}]}", "spec.ports[0].targetPort", 80),
    ("apiVersion: v1\nkind: Service\nspec: {type: LoadBalancer}", "spec.externalTrafficPolicy", "Cluster"),
    ("apiVersion: v1\nkind: Service\nspec: {type: ExternalName}", "spec.internalTrafficPolicy", None),
    ("apiVersion: v1\nkind: PersistentVolumeClaim\nspec: {}", "spec.volumeMode", "Filesystem"),
    ("apiVersion: v1\nkind: Secret", "type", "Opaque"),
    ("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}", "metadata.labels", {"kubernetes.io/metadata.name": "a"}),
    (f"{RBAC}\nkind: RoleBinding\nroleRef: {{kind: Role}}\nsubjects: [{{kind: Group, name: a}}]",
     "subjects[0].apiGroup", "rbac.authorization.k8s.io"),
    (f"{RBAC}\nkind: RoleBinding\nroleRef: {{kind: Role}}", "roleRef.apiGroup", "rbac.authorization.k8s.io"),
    ("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nspec: {egress: [{}]}", "spec.policyTypes",
     ["Ingress", "Egress"]),
    (f"apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\n{HOOK}",
     "webhooks[0].clientConfig.service.port", 443),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "value"), CASES)
def test_defaults(text: str, path: str, value: Any) -> None:
    raw = yaml.safe_load(text)
    assert lookup(with_defaults(raw, ""), parse_path(path)) == value
    assert raw == yaml.safe_load(text), "the object itself must stay as it is"


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


def _fields(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, part in items for each in _fields(part, (*path, key)))]


@given(st.data(), st.sampled_from([yaml.safe_load(text) for text, *_ in CASES]), _ANY)
def test_wrong_types_anywhere_are_left_as_they_are(data: st.DataObject, raw: dict[str, Any], value: Any) -> None:
    whole = with_defaults(raw, "a")
    path = data.draw(st.sampled_from(_fields(whole)[1:]))
    at: Any = whole
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert isinstance(with_defaults(whole, "a"), dict)
