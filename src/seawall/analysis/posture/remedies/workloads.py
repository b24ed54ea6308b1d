"""Remedies for pods and what makes them."""

from __future__ import annotations

import re
from typing import Any

from seawall.analysis.posture.remedies.making import change, listed, put, put_both, take_out
from seawall.model.paths import Path
from seawall.model.remedy import Edit, Proposal, Remedy, Site

_ASKED = "the workload asks for this by name, and may not work without it"
_ROOT = "an image that starts as root does not start any more, or fails on files that root owns"
_CAPABILITIES = "programs that change owners, users or low ports as root fail without their capabilities"
_WRITES = "programs that write outside their volumes fail; give them an emptyDir first"
_TOKEN = "a program that talks to the API needs its token"  # noqa: S105 - words
_HOST = "a program made for the node's own view may not work without it"
_REGISTRY = "pods do not start where the registry cannot be reached"


def _pod_spec(site: Site) -> tuple[Path, dict[str, Any]]:
    """The pod's ``spec`` around the place: the last one that has containers."""
    for end in range(len(site.path), -1, -1):
        found = site.at(site.path[:end])
        if isinstance(found, dict) and isinstance(found.get("containers"), list):
            return site.path[:end], found
    return (), {}


def _is_linux(site: Site) -> bool:
    system = _pod_spec(site)[1].get("os")
    return not (isinstance(system, dict) and system.get("name") == "windows")


def _no_escalation(site: Site) -> Proposal | None:
    """The API refuses the field beside ``privileged`` and SYS_ADMIN."""
    context = site.at(site.path[:-1])
    context = context if isinstance(context, dict) else {}
    capabilities = context.get("capabilities")
    added = capabilities.get("add") if isinstance(capabilities, dict) else None
    strong = {"SYS_ADMIN", "CAP_SYS_ADMIN", "ALL"}.intersection(map(str, added) if isinstance(added, list) else ())
    if context.get("privileged") or strong or not _is_linux(site):
        return None
    return Proposal((Edit("set", site.path, False),), "" if site.value is None else _ASKED)


def _not_as_root(site: Site) -> Proposal | None:
    """The kubelet starts no container that must not be root and whose user is 0: another user must come first."""
    at, spec = _pod_spec(site)
    context = spec.get("securityContext")
    shared = context.get("runAsUser") if isinstance(context, dict) else None
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        found = spec.get(kind)
        for number, container in enumerate(found if isinstance(found, list) else ()):
            is_meant = len(site.path) == len(at) + 2 or site.path[: len(at) + 2] == (*at, kind, number)
            own = container.get("securityContext") if isinstance(container, dict) else None
            own = own if isinstance(own, dict) else {}
            user = own.get("runAsUser", shared)
            if is_meant and user == 0 and own.get("runAsNonRoot") in (None, site.value):
                return None
    return Proposal((Edit("set", site.path, True),), _ROOT)


def _privileged_off(site: Site) -> Proposal:
    return Proposal((Edit("set", site.path, False),), _ASKED)


def _account_name(site: Site) -> Proposal | None:
    """``serviceAccount`` is the old name of ``serviceAccountName``; the API copies one to the other."""
    spec = site.path[:-1]
    new, old = site.at((*spec, "serviceAccountName")), site.value
    if not isinstance(old, str) or new not in (None, "", old):
        return None
    edits = (Edit("set", (*spec, "serviceAccountName"), old), Edit("remove", site.path))
    return Proposal(edits if new != old else edits[1:])


def _capability(name: Any) -> str | None:
    """The name as the API knows it. Of one that is added, this would give what was not given before."""
    return str(name).upper().removeprefix("CAP_") if isinstance(name, str) else None


def _known_name(site: Site) -> Proposal | None:
    name = _capability(site.value)
    if name is None or name == site.value:
        return None
    added = "add" in site.path
    return Proposal((Edit("set", site.path, name),), "the container comes to hold the capability" if added else "")


def _moved_image(image: Any) -> str | None:
    """registry.k8s.io has all that k8s.gcr.io had, under the same names."""
    if not isinstance(image, str):
        return None
    for old in ("k8s.gcr.io/", "gcr.io/google_containers/", "gcr.io/google-containers/"):
        if image.startswith(old):
            return f"registry.k8s.io/{image.removeprefix(old)}"
    return None


def _drop(name: str, caution: str) -> Remedy:
    """Drop a capability; the rule fires on the list, or on its place where there is none."""
    return listed(name, caution)


def _seccomp(site: Site) -> Proposal | None:
    if not _is_linux(site) or site.value is not None:
        return None
    return Proposal((Edit("set", site.path, {"type": "RuntimeDefault"}),))


def _terminal_off(site: Site) -> Proposal:
    return Proposal((Edit("set", site.path, False),), "a shell as main program ends at once without a terminal")


def _seccomp_field(site: Site) -> Proposal | None:
    """The annotation for the whole pod, that Kubernetes 1.27 and later do not read, as the field."""
    if site.value not in ("runtime/default", "docker/default") or not str(site.path[-1]).endswith("/pod"):
        return None
    at: Path = (*site.path[:-3], "spec", "securityContext", "seccompProfile")
    if site.at(at) is not None:
        return None
    return Proposal((Edit("set", at, {"type": "RuntimeDefault"}), Edit("remove", site.path)))


def _below(name: str, value: Any) -> Remedy:
    """One field of a mapping that is missing or empty, on Linux. Beside it, other fixes may set others."""

    def remedy(site: Site) -> Proposal | None:
        return Proposal((Edit("set", (*site.path, name), value),)) if _is_linux(site) else None

    return remedy


#: What a label may hold (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/).
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?\Z")


def _own_name(site: Site) -> Proposal | None:
    """The object's name as the name of its program: a label that selects nothing yet."""
    name = site.at(("metadata", "name"))
    if not isinstance(name, str) or not _LABEL.match(name):
        return None
    return Proposal((Edit("set", ("metadata", "labels", "app.kubernetes.io/name"), name),))


def _spread_if_possible(site: Site) -> Proposal | None:
    """A constraint that the scheduler keeps where it can, and that holds no pod back."""
    labels = site.at(("spec", "selector", "matchLabels"))
    if not isinstance(labels, dict) or not labels:
        return None
    constraint = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }
    return Proposal((Edit("add", (*site.path, "topologySpreadConstraints"), constraint),))


def _last_holds(site: Site) -> Proposal | None:
    """Of variables of one name the last one holds, unless another has been put together from an earlier one."""
    *env, place, _ = site.path
    variables = site.at(tuple(env))
    if not isinstance(variables, list) or not isinstance(place, int):
        return None
    name = site.value
    if any(isinstance(each, dict) and f"$({name})" in str(each.get("value")) for each in variables):
        return None
    earlier = [i for i, each in enumerate(variables[:place]) if isinstance(each, dict) and each.get("name") == name]
    return Proposal(tuple(Edit("remove", (*env, i)) for i in earlier)) if earlier else None


def _declared_port(site: Site) -> Proposal | None:
    """A port that is declared opens nothing by itself, except in the node's network, where it is one of the node."""
    at, spec = _pod_spec(site)
    port = site.value
    if not isinstance(port, int) or isinstance(port, bool) or spec.get("hostNetwork"):
        return None
    container = site.path[: len(at) + 2]
    return Proposal((Edit("add", (*container, "ports"), {"containerPort": port}),))


_DROPPED_CAPABILITY = take_out(_ASKED)

WORKLOADS: dict[str, Remedy] = {
    "allow-privilege-escalation": _no_escalation,
    "seccomp-profile": _seccomp,
    "seccomp-annotation": _seccomp_field,
    "deprecated-service-account-field": _account_name,
    "deprecated-registry": change(_moved_image),
    "capability-name": _known_name,
    "projected-token-lifetime": put(3600),
    "sysctl-injection": take_out(steps=1),
    "pod-security-context": _below("seccompProfile", {"type": "RuntimeDefault"}),
    "container-security-context": _below("allowPrivilegeEscalation", False),
    "recommended-labels": _own_name,
    "replicas-on-one-node": _spread_if_possible,
    "duplicate-env-var": _last_holds,
    "probe-port-undeclared": _declared_port,
    "recreate-strategy": put("RollingUpdate", "two versions of the program run side by side during an update"),
    "job-left-behind": put(86400, "logs of finished pods go with them after a day"),
    "privileged-container": _privileged_off,
    "host-pid": put(False, _HOST),
    "host-ipc": put(False, _HOST),
    "host-network": put(False, _HOST),
    "share-process-namespace": put(False, _ASKED),
    "proc-mount": put("Default", _ASKED),
    "proc-mount-restricted": put("Default", _ASKED),
    "seccomp-unconfined": put_both("RuntimeDefault", "runtime/default", "annotations", _ASKED),
    "apparmor-unconfined": put_both("RuntimeDefault", "runtime/default", "annotations", _ASKED),
    "windows-host-process": put(False, _ASKED),
    "windows-administrator": put("ContainerUser", _ASKED),
    "mount-propagation": take_out(_ASKED),
    "host-port": take_out("what reaches the pod by the node's port does not any more"),
    "unsafe-sysctl": take_out(_ASKED, steps=1),
    "read-only-root-filesystem": put(True, _WRITES),
    "run-as-non-root": _not_as_root,
    "non-root-unchecked": put(True),
    "user-namespace": put(False, "volumes without id-mapped mounts, and host namespaces, do not go with it"),
    "image-groups": put("Strict", "groups that the image gives its user are lost"),
    "automount-token": put(False, _TOKEN),
    "image-pull-policy": put("Always", _REGISTRY),
    "container-terminal": _terminal_off,
    "drop-all-capabilities": _drop("ALL", _CAPABILITIES),
    "no-capability-dropped": _drop("ALL", _CAPABILITIES),
    "net-raw-not-dropped": _drop("NET_RAW", "ping and programs that forge packets fail"),
    "drop-all-uncounted": put("ALL"),
    "added-capabilities": _DROPPED_CAPABILITY,
    "usual-capabilities-added": _DROPPED_CAPABILITY,
    "add-only-net-bind-service": _DROPPED_CAPABILITY,
    "bpf-capability": _DROPPED_CAPABILITY,
    "dac-read-search-capability": _DROPPED_CAPABILITY,
    "mac-capability": _DROPPED_CAPABILITY,
    "net-admin-capability": _DROPPED_CAPABILITY,
    "net-raw-capability": _DROPPED_CAPABILITY,
    "node-state-capability": _DROPPED_CAPABILITY,
    "sys-admin-capability": _DROPPED_CAPABILITY,
    "sys-module-capability": _DROPPED_CAPABILITY,
    "sys-ptrace-capability": _DROPPED_CAPABILITY,
    "sys-rawio-capability": _DROPPED_CAPABILITY,
    "syslog-capability": _DROPPED_CAPABILITY,
    "tls-verification-off-env": take_out("connections to servers with unknown certificates fail", steps=1),
    "debug-mode": take_out(_ASKED, steps=1),
    "loader-env": take_out(_ASKED, steps=1),
    "legacy-tls-env": take_out("connections to old servers fail", steps=1),
    "host-aliases": take_out(_ASKED),
    "mesh-injection-off": take_out("the pod gets a sidecar, which its jobs and ports must allow for"),
    "node-name-set": take_out(_ASKED),
}
