"""What the API server fills in before policies see an object, so that a file is judged as it would be admitted.

Source: the defaulting of Kubernetes' built-in kinds (apps, batch, core v1).
"""

from __future__ import annotations

import copy
from typing import Any

_CONTAINER = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "resources": {}}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_POD = {
    "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30,
    "schedulerName": "default-scheduler", "securityContext": {}, "enableServiceLinks": True,
}  # fmt: skip
_ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
#: The spec's defaults of a kind, by group and kind.
_SPECS: dict[tuple[str, str], dict[str, Any]] = {
    ("apps", "Deployment"): {
        "replicas": 1, "strategy": _ROLLING, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
    },
    ("apps", "ReplicaSet"): {"replicas": 1},
    ("apps", "StatefulSet"): {
        "replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
    },
    ("apps", "DaemonSet"): {
        "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
    },
    ("batch", "Job"): {
        "parallelism": 1, "completions": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False,
    },
    ("batch", "CronJob"): {
        "concurrencyPolicy": "Allow", "suspend": False, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
    },
    ("", "Service"): {"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"},
    ("", "PersistentVolume"): {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"},
    ("", "PersistentVolumeClaim"): {"volumeMode": "Filesystem"},
    ("autoscaling", "HorizontalPodAutoscaler"): {"minReplicas": 1},
}  # fmt: skip
_TEMPLATES: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): (),
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
    spec = made.get("spec")
    if isinstance(spec, dict):
        _fill(spec, _SPECS.get(key, {}))
        if key == ("", "Service"):
            for port in _dicts(spec.get("ports")):
                _fill(port, {"protocol": "TCP", "targetPort": port.get("port")})
    if key == ("", "Secret"):
        made.setdefault("type", "Opaque")
    if key in _TEMPLATES:
        pod: Any = made
        for step in _TEMPLATES[key]:
            pod = pod.get(step) if isinstance(pod, dict) else None
        if isinstance(pod, dict) and isinstance(pod.get("spec"), dict):
            _pod(pod["spec"])
    return made


def _fill(value: dict[str, Any], defaults: dict[str, Any]) -> None:
    for name, default in defaults.items():
        if value.get(name) is None and default is not None:
            value[name] = copy.deepcopy(default)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _pod(spec: dict[str, Any]) -> None:
    _fill(spec, _POD)
    for container in (each for field in ("containers", "initContainers") for each in _dicts(spec.get(field))):
        image = str(container.get("image", ""))
        name = image.rpartition("/")[2]
        latest = "@" not in image and (":" not in name or name.endswith(":latest"))
        _fill(container, {**_CONTAINER, "imagePullPolicy": "Always" if latest else "IfNotPresent"})
        for port in _dicts(container.get("ports")):
            _fill(port, {"protocol": "TCP"})
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            if isinstance(container.get(probe), dict):
                _fill(container[probe], _PROBE)
                if isinstance(get := container[probe].get("httpGet"), dict):
                    _fill(get, {"path": "/", "scheme": "HTTP"})
    for volume in _dicts(spec.get("volumes")):
        for field in ("secret", "configMap", "projected", "downwardAPI"):
            if isinstance(volume.get(field), dict):
                _fill(volume[field], {"defaultMode": 420})
