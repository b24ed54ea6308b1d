"""What the API server fills in before policies see an object, so that a file is judged as it would be admitted.

Source: the defaulting of Kubernetes' built-in kinds (core, apps, batch, networking, RBAC, storage and
admissionregistration v1), and of its admission the service account, which every cluster's pods have. What depends on a
cluster (storage classes, LimitRanges, addresses) is not filled in.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

NAME_LABEL = "kubernetes.io/metadata.name"
_CONTAINER = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "resources": {}}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_POD = {
    "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30,
    "schedulerName": "default-scheduler", "securityContext": {},
}  # fmt: skip
_ROLLING_DEPLOYMENT = {"maxUnavailable": "25%", "maxSurge": "25%"}
_ROLLING = {"type": "RollingUpdate", "rollingUpdate": _ROLLING_DEPLOYMENT}
_JOB = {
    "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False, "manualSelector": False,
}  # fmt: skip
_CLAIM = {"volumeMode": "Filesystem"}
#: The spec's defaults of a kind, by group and kind.
_SPECS: dict[tuple[str, str], dict[str, Any]] = {
    ("apps", "Deployment"): {
        "replicas": 1, "strategy": _ROLLING, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
    },
    ("apps", "ReplicaSet"): {"replicas": 1},
    ("", "ReplicationController"): {"replicas": 1},
    ("apps", "StatefulSet"): {
        "replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    },
    ("apps", "DaemonSet"): {
        "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
    },
    ("batch", "Job"): _JOB,
    ("batch", "CronJob"): {
        "concurrencyPolicy": "Allow", "suspend": False, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
    },
    ("", "Service"): {"type": "ClusterIP", "sessionAffinity": "None"},
    ("", "PersistentVolume"): {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"},
    ("", "PersistentVolumeClaim"): _CLAIM,
    ("", "Namespace"): {"finalizers": ["kubernetes"]},
    ("autoscaling", "HorizontalPodAutoscaler"): {"minReplicas": 1},
    ("storage.k8s.io", "CSIDriver"): {
        "attachRequired": True, "podInfoOnMount": False, "fsGroupPolicy": "ReadWriteOnceWithFSType",
        "storageCapacity": False, "requiresRepublish": False, "seLinuxMount": False,
        "volumeLifecycleModes": ["Persistent"],
    },
}  # fmt: skip
_TEMPLATES: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): (),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    **{(group, kind): ("spec", "template") for group, kind in _SPECS if group == "apps"},
    ("batch", "Job"): ("spec", "template"),
}


def with_defaults(raw: dict[str, Any], namespace: str) -> dict[str, Any]:
    """A copy of an object with the defaults of its kind; ``namespace`` (empty for none) is where it goes."""
    made: dict[str, Any] = copy.deepcopy(raw)
    key = (str(made.get("apiVersion", "")).rpartition("/")[0], str(made.get("kind", "")))
    metadata = made.setdefault("metadata", {})
    if namespace and isinstance(metadata, dict):
        metadata.setdefault("namespace", namespace)
    if key in _TEMPLATES:
        _pod_of(made, _TEMPLATES[key])
    spec = made.get("spec")
    if isinstance(spec, dict):
        if key in _OF_SPECS:
            _OF_SPECS[key](spec)
        _fill(spec, _SPECS.get(key, {}))
    if key in _OF_OBJECTS:
        _OF_OBJECTS[key](made)
    return made


def _pod_of(made: dict[str, Any], path: tuple[str, ...]) -> None:
    pod: Any = made
    for step in path:
        pod = pod.get(step) if isinstance(pod, dict) else None
    if isinstance(pod, dict) and isinstance(pod.get("spec"), dict):
        _pod(pod["spec"])
        if not path:
            _only_of_pods(pod["spec"])


def _only_of_pods(spec: dict[str, Any]) -> None:
    """What a template does not have: what its pods get when they are made."""
    _fill(spec, {"enableServiceLinks": True, "serviceAccountName": spec.get("serviceAccount") or "default"})
    _fill(spec, {"serviceAccount": spec["serviceAccountName"]})
    for container in (each for field in ("containers", "initContainers") for each in _dicts(spec.get(field))):
        resources = container["resources"]
        if isinstance(resources, dict) and isinstance(resources.get("limits"), dict):
            _fill(resources, {"requests": {}})
            if isinstance(resources["requests"], dict):
                _fill(resources["requests"], resources["limits"])
        for port in _dicts(container.get("ports")) if spec.get("hostNetwork") else ():
            _fill(port, {"hostPort": port.get("containerPort")})


def _namespace(made: dict[str, Any]) -> None:
    """The label by which selectors find it."""
    metadata = made.get("metadata")
    if isinstance(metadata, dict) and isinstance(name := metadata.get("name"), str):
        labels = metadata.get("labels")
        metadata["labels"] = {**(labels if isinstance(labels, dict) else {}), NAME_LABEL: name}


def _service(spec: dict[str, Any]) -> None:
    for port in _dicts(spec.get("ports")):
        _fill(port, {"protocol": "TCP", "targetPort": port.get("port")})
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        _fill(spec, {"externalTrafficPolicy": "Cluster"})
    if spec.get("type") == "LoadBalancer":
        _fill(spec, {"allocateLoadBalancerNodePorts": True})
    if spec.get("type") != "ExternalName":
        _fill(spec, {"internalTrafficPolicy": "Cluster"})
    if spec.get("sessionAffinity") == "ClientIP":
        _fill(spec, {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}}})


def _strategy(name: str, rolling: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """What updates are like where a part of it is given: another type has no parameters."""

    def fill(spec: dict[str, Any]) -> None:
        given = spec.get(name)
        if isinstance(given, dict):
            _fill(given, {"type": "RollingUpdate"})
            if given["type"] == "RollingUpdate":
                _fill(given, {"rollingUpdate": {}})
                if isinstance(given["rollingUpdate"], dict):
                    _fill(given["rollingUpdate"], rolling)

    return fill


def _stateful(spec: dict[str, Any]) -> None:
    _strategy("updateStrategy", {"partition": 0})(spec)
    for claim in _dicts(spec.get("volumeClaimTemplates")):
        if isinstance(claim.get("spec"), dict):
            _fill(claim["spec"], _CLAIM)


def _job(spec: dict[str, Any]) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    _fill(spec, {"parallelism": 1})
    _fill(spec, {"podReplacementPolicy": "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"})


def _network_policy(spec: dict[str, Any]) -> None:
    """Source: the defaulting of networking.k8s.io/v1."""
    _fill(spec, {"podSelector": {}, "policyTypes": ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]})
    for rule in (each for field in ("ingress", "egress") for each in _dicts(spec.get(field))):
        for port in _dicts(rule.get("ports")):
            _fill(port, {"protocol": "TCP"})


def _binding(made: dict[str, Any]) -> None:
    """Source: the defaulting of rbac.authorization.k8s.io/v1."""
    group = "rbac.authorization.k8s.io"
    if isinstance(made.get("roleRef"), dict):
        _fill(made["roleRef"], {"apiGroup": group})
    for subject in _dicts(made.get("subjects")):
        _fill(subject, {"apiGroup": group} if subject.get("kind") in ("User", "Group") else {})


def _webhooks(made: dict[str, Any]) -> None:
    """Source: the defaulting of admissionregistration.k8s.io/v1."""
    for hook in _dicts(made.get("webhooks")):
        _fill(hook, {"failurePolicy": "Fail", "matchPolicy": "Equivalent", "timeoutSeconds": 10})
        _fill(hook, {"namespaceSelector": {}, "objectSelector": {}})
        if made.get("kind") == "MutatingWebhookConfiguration":
            _fill(hook, {"reinvocationPolicy": "Never"})
        for rule in _dicts(hook.get("rules")):
            _fill(rule, {"scope": "*"})
        client = hook.get("clientConfig")
        if isinstance(client, dict) and isinstance(client.get("service"), dict):
            _fill(client["service"], {"port": 443})


_OF_SPECS: dict[tuple[str, str], Callable[[dict[str, Any]], None]] = {
    ("", "Service"): _service,
    ("apps", "Deployment"): _strategy("strategy", _ROLLING_DEPLOYMENT),
    ("apps", "StatefulSet"): _stateful,
    ("apps", "DaemonSet"): _strategy("updateStrategy", {"maxUnavailable": 1, "maxSurge": 0}),
    ("batch", "Job"): _job,
    ("networking.k8s.io", "NetworkPolicy"): _network_policy,
}
_OF_OBJECTS: dict[tuple[str, str], Callable[[dict[str, Any]], None]] = {
    ("", "Namespace"): _namespace,
    ("", "Secret"): lambda made: _fill(made, {"type": "Opaque"}),
    ("rbac.authorization.k8s.io", "RoleBinding"): _binding,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _binding,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _webhooks,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _webhooks,
    ("storage.k8s.io", "StorageClass"): lambda made: _fill(
        made, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}
    ),
    ("scheduling.k8s.io", "PriorityClass"): lambda made: _fill(made, {"preemptionPolicy": "PreemptLowerPriority"}),
}


def _fill(value: dict[str, Any], defaults: dict[str, Any]) -> None:
    for name, default in defaults.items():
        if value.get(name) is None and default is not None:
            value[name] = copy.deepcopy(default)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _pod(spec: dict[str, Any]) -> None:
    _fill(spec, _POD)
    fields = ("containers", "initContainers", "ephemeralContainers")
    for container in (each for field in fields for each in _dicts(spec.get(field))):
        _container(container)
    for volume in _dicts(spec.get("volumes")):
        _volume(volume)


def _container(container: dict[str, Any]) -> None:
    image = str(container.get("image", ""))
    name = image.rpartition("/")[2]
    latest = "@" not in image and (":" not in name or name.endswith(":latest"))
    _fill(container, {**_CONTAINER, "imagePullPolicy": "Always" if latest else "IfNotPresent"})
    for port in _dicts(container.get("ports")):
        _fill(port, {"protocol": "TCP"})
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(probe), dict):
            _fill(container[probe], _PROBE)
            _handler(container[probe])
    lifecycle = container.get("lifecycle")
    for when in ("postStart", "preStop"):
        if isinstance(lifecycle, dict) and isinstance(lifecycle.get(when), dict):
            _handler(lifecycle[when])
    for variable in _dicts(container.get("env")):
        source = variable.get("valueFrom")
        if isinstance(source, dict) and isinstance(source.get("fieldRef"), dict):
            _fill(source["fieldRef"], {"apiVersion": "v1"})


def _handler(handler: dict[str, Any]) -> None:
    if isinstance(get := handler.get("httpGet"), dict):
        _fill(get, {"path": "/", "scheme": "HTTP"})
    if isinstance(call := handler.get("grpc"), dict):
        _fill(call, {"service": ""})


def _volume(volume: dict[str, Any]) -> None:
    """A volume without a source is an empty directory."""
    if not any(volume[field] is not None for field in volume if field != "name"):
        volume["emptyDir"] = {}
    for field in ("secret", "configMap", "projected", "downwardAPI"):
        if isinstance(volume.get(field), dict):
            _fill(volume[field], {"defaultMode": 420})
    if isinstance(path := volume.get("hostPath"), dict):
        _fill(path, {"type": ""})
    projected = volume.get("projected")
    for source in _dicts(projected.get("sources")) if isinstance(projected, dict) else ():
        if isinstance(token := source.get("serviceAccountToken"), dict):
            _fill(token, {"expirationSeconds": 3600})
    ephemeral = volume.get("ephemeral")
    claim = ephemeral.get("volumeClaimTemplate") if isinstance(ephemeral, dict) else None
    if isinstance(claim, dict) and isinstance(claim.get("spec"), dict):
        _fill(claim["spec"], _CLAIM)
