"""The Pod Security Standards, against Kubernetes' own cases and against what those do not notice."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from seawall.engine.catalogue import load_rules
from seawall.engine.judge import Judge, RuleHit
from seawall.model.finding import RuleState
from seawall.model.resource import Resource
from seawall.model.version import NEWEST, KubernetesVersion, parse_version
from seawall.sources.manifests.load import load_stdin

CONFORMANCE = Path(os.environ.get("SEAWALL_CONFORMANCE") or Path(__file__).parents[4] / "shared" / "conformance")
CASES = CONFORMANCE / "pss" / "cases.jsonl"

BASELINE, RESTRICTED = "baseline", "restricted"
#: What it takes for a pod to fail a level: controls of restricted come on top of those of baseline.
FAILING = {BASELINE: {BASELINE}, RESTRICTED: {BASELINE, RESTRICTED}}

Fields = dict[str, Any]
Cases = dict[str, list[Fields]]


@cache
def cases() -> Cases:
    """Kubernetes' own cases by version; empty where they are absent."""
    found: Cases = defaultdict(list)
    if CASES.is_file():
        for line in CASES.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            found[case["version"]].append(case)
    return dict(found)


def _versions() -> list[Any]:
    reason = f"{CASES} is absent; set SEAWALL_CONFORMANCE to the folder of conformance data"
    absent = [pytest.param("", marks=pytest.mark.skip(reason=reason))]
    return sorted(cases(), key=parse_version) or absent


@cache
def judge_at(version: KubernetesVersion) -> Judge:
    """All rules at a version."""
    return Judge(load_rules(), version)


def pss_hits(manifest: Fields, version: KubernetesVersion) -> list[tuple[str, RuleHit]]:
    """The hits on an object by rules that answer to a level at this version, each with the level."""
    (resource,) = load_stdin(json.dumps(manifest).encode())
    assert isinstance(resource, Resource), resource
    judge = judge_at(version)
    hits = judge.judge(resource)
    return [(level, hit) for hit in hits for level in hit.rule.controls_at(version).get("pss", ())]


def fails(manifest: Fields, version: KubernetesVersion, level: str) -> bool:
    """Whether an object fails a level at a version."""
    return any(found in FAILING[level] for found, _ in pss_hits(manifest, version))


@pytest.mark.parametrize("version", _versions())
def test_kubernetes_own_cases(version: str) -> None:
    wrong = []
    for case in cases()[version]:
        at = parse_version(version)
        if fails(case["pod"], at, case["level"]) != (case["expected"] == "fail"):
            fired = sorted({hit.rule.id for _, hit in pss_hits(case["pod"], at)})
            wrong.append(f"{case['id']}: expected {case['expected']}, fired: {fired}")
    assert not wrong, f"{len(wrong)} of {len(cases()[version])} cases:\n" + "\n".join(wrong[:10])
    assert _in_doubt(parse_version(version)) == []


def _in_doubt(version: KubernetesVersion) -> list[str]:
    """Rules of a level that failed on an object or could not judge one."""
    rules = [rule for rule in load_rules() if any(control.framework == "pss" for control in rule.controls)]
    statuses = judge_at(version).statuses(rules, lambda _: "")
    return [f"{s.rule}: {s.reason}" for s in statuses if s.state in (RuleState.ERROR, RuleState.NOT_JUDGED)]


# What follows is built on a pod that passes restricted at every version.

_CONTAINER: Fields = {
    "name": "cart",
    "image": "registry.example.com/shop/cart:1.4.2",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
_SPEC: Fields = {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}


def merged(base: Fields, change: Fields) -> Fields:
    """A copy with fields changed at any depth; None takes a field away."""
    result = dict(base)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def pod(spec: Fields | None = None, *, annotations: dict[str, str] | None = None, **lists: Fields) -> Fields:
    """A pod of the restricted level with the spec changed; ``containers=`` and its kin change one container."""
    containers = {
        field: [merged(_CONTAINER, {"name": field.lower(), **lists.get(field, {})})] for field in ("containers", *lists)
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "cart", "annotations": annotations or {}},
        "spec": {**merged(_SPEC, spec or {}), **containers},
    }


def context(**fields: Any) -> Fields:
    """A container or pod with this security context."""
    return {"securityContext": fields}


def expect(manifest: Fields, version: str, rules: str = "") -> None:
    """Exactly these rules (``level:rule-id``, with spaces between) answer for an object's failing at a version."""
    fired = {f"{level}:{hit.rule.id}" for level, hit in pss_hits(manifest, parse_version(version))}
    assert fired == set(rules.split()), f"at {version}"


EVERY_VERSION = [f"1.{minor}" for minor in range(NEWEST.minor + 1)]
FIELDS = ["containers", "initContainers", "ephemeralContainers"]
WINDOWS: Fields = {"os": {"name": "windows"}}


@pytest.mark.parametrize("version", EVERY_VERSION)
@pytest.mark.parametrize("field", FIELDS)
def test_a_restricted_pod_passes(version: str, field: str) -> None:
    expect(pod(**{field: {}}), version)


@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("kernel.shm_rmid_forced", 0),
        ("net.ipv4.ip_local_port_range", 0),
        ("net.ipv4.ip_unprivileged_port_start", 0),
        ("net.ipv4.tcp_syncookies", 0),
        ("net.ipv4.ping_group_range", 0),
        ("net.ipv4.ip_local_reserved_ports", 27),
        ("net.ipv4.tcp_keepalive_time", 29),
        ("net.ipv4.tcp_fin_timeout", 29),
        ("net.ipv4.tcp_keepalive_intvl", 29),
        ("net.ipv4.tcp_keepalive_probes", 29),
        ("net.ipv4.tcp_rmem", 32),
        ("net.ipv4.tcp_wmem", 32),
        ("net.ipv4.tcp_slow_start_after_idle", 37),
        ("net.ipv4.tcp_notsent_lowat", 37),
        ("kernel.msgmax", 99),
        ("net.core.somaxconn", 99),
    ],
)
def test_sysctls(name: str, since: int) -> None:
    manifest = pod(context(sysctls=[{"name": name, "value": "1"}]))
    for minor in range(NEWEST.minor + 1):
        expect(manifest, f"1.{minor}", "" if minor >= since else "baseline:unsafe-sysctl")


def test_one_unsafe_sysctl_among_safe_ones() -> None:
    sysctls = [{"name": name, "value": "1"} for name in ("kernel.shm_rmid_forced", "kernel.sem")]
    expect(pod(context(sysctls=sysctls)), "1.37", "baseline:unsafe-sysctl")


@pytest.mark.parametrize(
    ("options", "since"),
    [
        ({"type": ""}, 0),
        ({"type": "container_t", "level": "s0:c1,c2"}, 0),
        ({"type": "container_init_t"}, 0),
        ({"type": "container_kvm_t"}, 0),
        ({"type": "container_engine_t"}, 31),
        ({"type": "spc_t"}, 99),
        ({"user": "system_u"}, 99),
        ({"role": "system_r"}, 99),
        ({"type": "container_engine_t", "role": "system_r"}, 99),
    ],
)
@pytest.mark.parametrize("field", ["", *FIELDS])
def test_selinux(options: Fields, since: int, field: str) -> None:
    change = context(seLinuxOptions=options)
    manifest = pod(**{field: change}) if field else pod(change)
    for minor in (0, 30, 31, NEWEST.minor):
        expect(manifest, f"1.{minor}", "" if minor >= since else "baseline:selinux-options")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    ("change", "gate", "rule"),
    [
        (context(allowPrivilegeEscalation=None), 8, "allow-privilege-escalation"),
        (context(allowPrivilegeEscalation=True), 8, "allow-privilege-escalation"),
        (context(capabilities=None), 22, "drop-all-capabilities"),
        (context(capabilities={"drop": ["NET_RAW"]}), 22, "drop-all-capabilities"),
        (context(capabilities={"drop": ["all"]}), 22, "drop-all-uncounted"),
        (context(capabilities={"drop": ["NET_RAW", "All"]}), 22, "drop-all-uncounted"),
        (context(capabilities={"add": ["CHOWN"]}), 22, "add-only-net-bind-service"),
        (context(capabilities={"add": ["NET_BIND_SERVICE", "KILL"]}), 22, "add-only-net-bind-service"),
    ],
)
def test_linux_controls_of_restricted(change: Fields, gate: int, rule: str, field: str) -> None:
    linux, windows = pod(**{field: change}), pod(WINDOWS, **{field: change})
    said_linux = pod({"os": {"name": "linux"}}, **{field: change})
    for minor in range(NEWEST.minor + 1):
        expected = f"restricted:{rule}" if minor >= gate else ""
        expect(linux, f"1.{minor}", expected)
        expect(said_linux, f"1.{minor}", expected)
        expect(windows, f"1.{minor}", expected if minor < 25 else "")


@pytest.mark.parametrize("field", FIELDS)
def test_seccomp_profile_of_restricted(field: str) -> None:
    absent = context(seccompProfile=None)
    linux, windows = pod(absent, **{field: {}}), pod({**WINDOWS, **absent}, **{field: {}})
    for minor in range(NEWEST.minor + 1):
        expected = "restricted:seccomp-profile" if minor >= 19 else ""
        expect(linux, f"1.{minor}", expected)
        expect(windows, f"1.{minor}", expected if minor < 25 else "")


@pytest.mark.parametrize(
    "profile", [{"type": "RuntimeDefault"}, {"type": "Localhost", "localhostProfile": "cart.json"}]
)
def test_seccomp_profile_set_on_every_container(profile: Fields) -> None:
    own = context(seccompProfile=profile)
    absent = context(seccompProfile=None)
    manifest = pod(absent, containers=own, initContainers=own, ephemeralContainers=own)
    for version in ("1.19", "1.24", "1.37"):
        expect(manifest, version)
        expect(pod(absent, containers=own, ephemeralContainers={}), version, "restricted:seccomp-profile")


def test_add_net_bind_service() -> None:
    manifest = pod(containers=context(capabilities={"add": ["NET_BIND_SERVICE"]}))
    for version in EVERY_VERSION:
        expect(manifest, version)


@pytest.mark.parametrize("version", ["1.0", "1.21", "1.22", "1.37"])
@pytest.mark.parametrize("capability", ["NET_RAW", "SYS_ADMIN", "chown", "ALL", "CAP_CHOWN"])
@pytest.mark.parametrize("field", FIELDS)
def test_capabilities_of_baseline(version: str, capability: str, field: str) -> None:
    restricted = "restricted:add-only-net-bind-service" if parse_version(version) >= (1, 22) else ""
    manifest = pod(**{field: context(capabilities={"add": [capability]})})
    expect(manifest, version, f"baseline:added-capabilities {restricted}")


@pytest.mark.parametrize("version", ["1.24", "1.25", "1.35", "1.37"])
def test_windows_pods_must_not_run_as_root_either(version: str) -> None:
    expect(pod({**WINDOWS, **context(runAsNonRoot=None)}), version, "restricted:run-as-non-root")


@pytest.mark.parametrize(
    ("change", "own", "rules"),
    [
        ({"runAsNonRoot": None, "runAsUser": 20001}, {}, "restricted:non-root-unchecked"),
        ({"runAsNonRoot": False, "runAsUser": 20001}, {}, "restricted:non-root-unchecked"),
        (
            {"runAsNonRoot": None, "runAsUser": 20001},
            {"runAsUser": 0},
            "restricted:run-as-non-root restricted:run-as-root-user",
        ),
        ({"runAsNonRoot": None}, {"runAsUser": 20001}, "restricted:non-root-unchecked"),
        (
            {"runAsNonRoot": None, "runAsUser": 0},
            {"runAsUser": 20001},
            "restricted:non-root-unchecked restricted:run-as-root-user",
        ),
        ({"runAsNonRoot": None, "runAsUser": 20001}, {"runAsNonRoot": True}, ""),
    ],
)
def test_a_user_without_the_check_that_it_is_not_root(change: Fields, own: Fields, rules: str) -> None:
    manifest = pod(context(**change), containers=context(**own))
    expect(manifest, "1.37", rules)


def test_a_user_that_cannot_be_read_keeps_nobody_from_root() -> None:
    manifest = pod(context(runAsNonRoot=None, runAsUser="web"))
    (resource,) = load_stdin(json.dumps(manifest).encode())
    assert isinstance(resource, Resource)
    assert "run-as-non-root" in {hit.rule.id for hit in Judge(load_rules(), NEWEST).judge(resource)}


@pytest.mark.parametrize("version", ["1.0", "1.24", "1.25", "1.37"])
def test_windows_pods_are_held_to_baseline(version: str) -> None:
    expect(pod({**WINDOWS, "hostNetwork": True}), version, "baseline:host-network")
    host_process = {**WINDOWS, **context(windowsOptions={"hostProcess": True})}
    expect(pod(host_process), version, "baseline:windows-host-process")


#: Changes of a container, and the rule that each breaks at the newest version.
CONTAINER_CHECKS: list[tuple[Fields, str]] = [
    (context(privileged=True), "baseline:privileged-container"),
    ({"ports": [{"containerPort": 8080, "hostPort": 8080}]}, "baseline:host-port"),
    (context(windowsOptions={"hostProcess": True}), "baseline:windows-host-process"),
    (
        context(capabilities={"add": ["SYS_ADMIN"]}),
        "baseline:added-capabilities restricted:add-only-net-bind-service",
    ),
    (context(appArmorProfile={"type": "Unconfined"}), "baseline:apparmor-unconfined"),
    (context(seLinuxOptions={"type": "spc_t"}), "baseline:selinux-options"),
    (context(procMount="Unmasked"), "baseline:proc-mount"),
    (context(seccompProfile={"type": "Unconfined"}), "baseline:seccomp-unconfined restricted:seccomp-profile"),
    ({"livenessProbe": {"httpGet": {"host": "10.0.0.1", "port": 80}}}, "baseline:probe-host"),
    (context(allowPrivilegeEscalation=None), "restricted:allow-privilege-escalation"),
    (context(runAsNonRoot=False), "restricted:run-as-non-root"),
    (context(runAsNonRoot=False, runAsUser=20001), "restricted:non-root-unchecked"),
    (context(runAsNonRoot=False, runAsUser=0), "restricted:run-as-non-root restricted:run-as-root-user"),
    (context(runAsUser=0), "restricted:run-as-root-user"),
    (context(capabilities=None), "restricted:drop-all-capabilities"),
]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(("change", "rules"), CONTAINER_CHECKS, ids=[rules for _, rules in CONTAINER_CHECKS])
def test_every_sort_of_container_is_judged(change: Fields, rules: str, field: str) -> None:
    manifest = pod(**{field: change})
    expect(manifest, "1.37", rules)
    index = len(manifest["spec"][field]) - 1
    for _, hit in pss_hits(manifest, NEWEST):
        assert hit.path[:3] == ("spec", field, index), "the hit leads to the container at fault"


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("action", ["httpGet", "tcpSocket"])
@pytest.mark.parametrize(
    "build",
    [
        lambda handler: {"livenessProbe": handler},
        lambda handler: {"readinessProbe": handler},
        lambda handler: {"startupProbe": handler},
        lambda handler: {"lifecycle": {"postStart": handler}},
        lambda handler: {"lifecycle": {"preStop": handler}},
    ],
    ids=["liveness", "readiness", "startup", "postStart", "preStop"],
)
def test_probe_hosts(build: Callable[[Fields], Fields], action: str, field: str) -> None:
    for host, rules in (("169.254.169.254", "baseline:probe-host"), ("127.0.0.1", "baseline:probe-host"), ("", "")):
        manifest = pod(**{field: build({action: {"host": host, "port": 80}})})
        expect(manifest, "1.33")
        expect(manifest, "1.34", rules)
        expect(manifest, "1.37", rules)
    expect(pod(**{field: build({action: {"port": 80}})}), "1.37")


@pytest.mark.parametrize("field", ["", *FIELDS])
def test_run_as_user(field: str) -> None:
    def with_user(user: int, spec: Fields | None = None) -> Fields:
        change = context(runAsUser=user)
        return pod(spec, **{field: change}) if field else pod(merged(spec or {}, change))

    for minor in range(NEWEST.minor + 1):
        expected = "restricted:run-as-root-user" if minor >= 23 else ""
        expect(with_user(0), f"1.{minor}", expected)
        expect(with_user(0, {"hostUsers": True}), f"1.{minor}", expected)
        expect(with_user(0, {"hostUsers": False}), f"1.{minor}", expected if minor < 35 else "")
        expect(with_user(1000), f"1.{minor}")


@pytest.mark.parametrize("root", [None, False])
def test_run_as_non_root(root: bool | None) -> None:
    for field in FIELDS:
        change, own = context(runAsNonRoot=root), context(runAsNonRoot=True)
        for minor in range(NEWEST.minor + 1):
            expected = "restricted:run-as-non-root"
            expect(pod(change, **{field: {}}), f"1.{minor}", expected)
            expect(pod({**change, "hostUsers": True}, **{field: {}}), f"1.{minor}", expected)
            relaxed = expected if minor < 35 else ""
            expect(pod({**change, "hostUsers": False}, **{field: {}}), f"1.{minor}", relaxed)
        kept = dict.fromkeys(("containers", field), own)
        expect(pod(change, **kept), "1.37", "" if root is None else "restricted:run-as-non-root")


@pytest.mark.parametrize("field", FIELDS)
def test_proc_mount(field: str) -> None:
    change = context(procMount="Unmasked")
    for minor in range(NEWEST.minor + 1):
        baseline, restricted = "baseline:proc-mount", "restricted:proc-mount-restricted"
        expect(pod(**{field: change}), f"1.{minor}", baseline)
        expect(pod({"hostUsers": True}, **{field: change}), f"1.{minor}", baseline)
        expect(pod({"hostUsers": False}, **{field: change}), f"1.{minor}", baseline if minor < 35 else restricted)
        expect(pod({"hostUsers": False}, **{field: context(procMount="Default")}), f"1.{minor}")


def test_proc_mount_of_a_user_namespace_passes_baseline_and_fails_restricted() -> None:
    manifest = pod({"hostUsers": False}, containers=context(procMount="Unmasked"))
    for minor in range(NEWEST.minor + 1):
        version = KubernetesVersion(1, minor)
        assert fails(manifest, version, BASELINE) == (minor < 35)
        assert fails(manifest, version, RESTRICTED)


@pytest.mark.parametrize(
    "source",
    [
        {"configMap": {"name": "x"}},
        {"csi": {"driver": "x.example.com"}},
        {"downwardAPI": {}},
        {"emptyDir": {}},
        {"ephemeral": {}},
        {"image": {"reference": "registry.example.com/models/small:1"}},
        {"persistentVolumeClaim": {"claimName": "x"}},
        {"projected": {}},
        {"secret": {"secretName": "x"}},
    ],
    ids=lambda source: next(iter(source)),
)
def test_volume_types_of_restricted(source: Fields) -> None:
    for version in EVERY_VERSION:
        expect(pod({"volumes": [{"name": "x", **source}]}), version)


@pytest.mark.parametrize(
    "kind",
    [
        "awsElasticBlockStore",
        "azureDisk",
        "azureFile",
        "cephfs",
        "cinder",
        "fc",
        "flexVolume",
        "flocker",
        "gcePersistentDisk",
        "gitRepo",
        "glusterfs",
        "iscsi",
        "nfs",
        "photonPersistentDisk",
        "portworxVolume",
        "quobyte",
        "rbd",
        "scaleIO",
        "storageos",
        "vsphereVolume",
    ],
)
def test_volume_types_outside_restricted(kind: str) -> None:
    manifest = pod({"volumes": [{"name": "ok", "emptyDir": {}}, {"name": "x", kind: {}}]})
    for version in ("1.0", "1.37"):
        expect(manifest, version, "restricted:volume-types")
        assert not fails(manifest, parse_version(version), BASELINE)


@pytest.mark.parametrize("volume", [{"name": "x"}, {"name": "x", "emptyDir": None}, {"name": "x", "nfs": None}])
def test_a_volume_without_a_source_is_an_empty_dir(volume: Fields) -> None:
    spec = pod({"volumes": [{"name": "w", "nfs": {}}, volume]})["spec"]
    for api_version, kind, path in CONTROLLERS:
        hits = pss_hits(_controlled(spec, api_version, kind, path), NEWEST)
        assert [hit.path for _, hit in hits] == [(*path.split("."), "spec", "volumes", 0)]
    expect(pod({"volumes": [volume]}), "1.37")


def test_host_path_is_told_once_and_fails_both_levels() -> None:
    manifest = pod({"volumes": [{"name": "x", "hostPath": {"path": "/"}}]})
    for version in EVERY_VERSION:
        expect(manifest, version, "baseline:host-path-volume")


@pytest.mark.parametrize("field", ["", *FIELDS])
@pytest.mark.parametrize("kind", ["RuntimeDefault", "Localhost", "Unconfined"])
def test_apparmor_field_at_every_version(kind: str, field: str) -> None:
    change = context(appArmorProfile={"type": kind})
    manifest = pod(**{field: change}) if field else pod(change)
    for version in EVERY_VERSION:
        expect(manifest, version, "baseline:apparmor-unconfined" if kind == "Unconfined" else "")


@pytest.mark.parametrize(
    ("value", "allowed"), [("", True), ("runtime/default", True), ("localhost/x", True), ("unconfined", False)]
)
def test_apparmor_annotation_at_every_version(value: str, allowed: bool) -> None:
    manifest = pod(annotations={"container.apparmor.security.beta.kubernetes.io/containers": value})
    for version in EVERY_VERSION:
        expect(manifest, version, "" if allowed else "baseline:apparmor-unconfined")


@pytest.mark.parametrize(
    ("value", "allowed"),
    [("runtime/default", True), ("docker/default", True), ("localhost/x", True), ("unconfined", False), ("", False)],
)
@pytest.mark.parametrize(
    "key",
    [
        "seccomp.security.alpha.kubernetes.io/pod",
        "container.seccomp.security.alpha.kubernetes.io/containers",
        "container.seccomp.security.alpha.kubernetes.io/initcontainers",
        "container.seccomp.security.alpha.kubernetes.io/ephemeralcontainers",
    ],
)
def test_seccomp_annotations_before_1_19(key: str, value: str, allowed: bool) -> None:
    manifest = pod(annotations={key: value}, initContainers={}, ephemeralContainers={})
    for minor in range(NEWEST.minor + 1):
        expect(manifest, f"1.{minor}", "" if allowed or minor >= 19 else "baseline:seccomp-unconfined")


def test_seccomp_annotation_of_no_container() -> None:
    annotations = {"container.seccomp.security.alpha.kubernetes.io/other": "unconfined"}
    expect(pod(annotations=annotations), "1.18")


@pytest.mark.parametrize("field", FIELDS)
def test_seccomp_field_since_1_19(field: str) -> None:
    change = context(seccompProfile={"type": "Unconfined"})
    for minor in range(NEWEST.minor + 1):
        version = f"1.{minor}"
        both = "baseline:seccomp-unconfined restricted:seccomp-profile" if minor >= 19 else ""
        expect(pod(**{field: change}), version, both)
        expect(pod(change, **{field: {}}), version, both)


# Controllers


def _controlled(spec: Fields, api_version: str, kind: str, path: str) -> Fields:
    """A controller with the pod spec under its template, which is at ``path``."""
    value: Fields = {"metadata": {"labels": {"app": "cart"}}, "spec": spec}
    for step in reversed(path.split(".")):
        value = {step: value}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "cart"}, **value}


CONTROLLERS = [
    ("apps/v1", "Deployment", "spec.template"),
    ("apps/v1", "StatefulSet", "spec.template"),
    ("apps/v1", "DaemonSet", "spec.template"),
    ("apps/v1", "ReplicaSet", "spec.template"),
    ("batch/v1", "Job", "spec.template"),
    ("batch/v1", "CronJob", "spec.jobTemplate.spec.template"),
    ("v1", "ReplicationController", "spec.template"),
    ("v1", "PodTemplate", "template"),
    ("extensions/v1beta1", "Deployment", "spec.template"),
    ("batch/v1beta1", "CronJob", "spec.jobTemplate.spec.template"),
]
#: Changes of a pod's spec and the rules that it then breaks at the newest version.
POD_CHECKS: list[tuple[Fields, str]] = [
    ({}, ""),
    ({"hostNetwork": True}, "baseline:host-network"),
    ({"hostPID": True}, "baseline:host-pid"),
    ({"hostIPC": True}, "baseline:host-ipc"),
    ({"volumes": [{"name": "x", "nfs": {}}]}, "restricted:volume-types"),
    (context(sysctls=[{"name": "kernel.sem", "value": "1"}]), "baseline:unsafe-sysctl"),
    (context(runAsNonRoot=None), "restricted:run-as-non-root"),
    (context(runAsUser=0), "restricted:run-as-root-user"),
    (context(seccompProfile=None), "restricted:seccomp-profile"),
    (context(windowsOptions={"hostProcess": True}), "baseline:windows-host-process"),
]


@pytest.mark.parametrize(("api_version", "kind", "path"), CONTROLLERS, ids=lambda value: value.replace("/", "-"))
def test_controllers_are_judged_like_pods(api_version: str, kind: str, path: str) -> None:
    template = tuple(path.split("."))
    manifests = [(pod(change), rules) for change, rules in POD_CHECKS]
    manifests += [(pod(ephemeralContainers=change), rules) for change, rules in CONTAINER_CHECKS]
    for manifest, rules in manifests:
        controller = _controlled(manifest["spec"], api_version, kind, path)
        expect(controller, "1.37", rules)
        paths = {(*template, *hit.path) for _, hit in pss_hits(manifest, NEWEST)}
        assert {hit.path for _, hit in pss_hits(controller, NEWEST)} == paths


def test_annotations_of_a_controllers_template_count_and_its_own_do_not() -> None:
    annotations = {"container.apparmor.security.beta.kubernetes.io/containers": "unconfined"}
    controller = _controlled(pod()["spec"], "apps/v1", "Deployment", "spec.template")
    controller["metadata"]["annotations"] = annotations
    expect(controller, "1.37")
    controller["spec"]["template"]["metadata"]["annotations"] = annotations
    expect(controller, "1.37", "baseline:apparmor-unconfined")


def test_no_rule_of_a_level_was_left_in_doubt() -> None:
    for version in EVERY_VERSION:
        assert _in_doubt(parse_version(version)) == []
