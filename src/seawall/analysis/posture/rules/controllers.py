"""Controller manager and scheduler."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from seawall.analysis.posture.flags import (
    CERTIFICATE_FILES,
    CONFIG_REFERENCE,
    REFERENCE,
    absent,
    at_flag,
    ill_named,
    version_of,
)
from seawall.model.finding import Severity
from seawall.model.programs import Program
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.components import KubeSchedulerConfiguration
    from seawall.model.rule import Context

_MANAGER = f"{REFERENCE}kube-controller-manager/"
_SCHEDULER = f"{REFERENCE}kube-scheduler/"
_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))
_PROFILES = (
    "Profiles tell about the program's inner state, and making them costs so much time that they serve to slow it down."
)
_EXPOSED = (
    "The port then answers on every address of the machine: one more door of the control plane, which tells about the "
    "cluster and may have the next hole."
)


@rule(
    "controller-manager-pod-gc",
    title="Terminated pods are kept by the thousand",
    severity=Severity.INFO,
    scope=Scope.CONTROL_PLANE,
    on="kube-controller-manager",
    why="12500 terminated pods are kept unless told otherwise: a workload that fails in a loop fills etcd with them.",
    remediation="Set --terminated-pod-gc-threshold to what the cluster can bear.",
    controls="cis:1.3.1 mitre-attack:T1499",
    aliases="KCV-0033 CKV_K8S_106 C-0144 prowler:controllermanager_garbage_collection",
    references=(_MANAGER,),
    default=False,
    notes="0 or less switches the collection off.",
)
def controller_manager_pod_gc(manager: Program, ctx: Context) -> Hits:
    name = "terminated-pod-gc-threshold"
    if manager.get(name) is None:
        yield at_flag(manager, name, "no limit is set on terminated pods")
    elif (manager.number(name, 0) or 1) < 0 or manager.text(name) == "0":
        yield at_flag(manager, name, "terminated pods are never collected")


@rule(
    "controller-manager-profiling",
    title="Controller manager offers profiles",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-controller-manager",
    why=_PROFILES,
    remediation="Set --profiling=false.",
    controls="cis:1.3.2",
    aliases="KCV-0034 CKV_K8S_107 C-0145 prowler:controllermanager_disable_profiling",
    references=(_MANAGER,),
    notes="On by default.",
)
def controller_manager_profiling(manager: Program, ctx: Context) -> Hits:
    if manager.switch("profiling", True):
        yield at_flag(manager, "profiling", "the controller manager offers profiles of itself")


@rule(
    "controller-manager-credentials",
    title="All controllers share one account",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-controller-manager",
    why="A fault in any one controller then has the rights of all of them, which come to cluster-admin, and the audit "
    "log cannot tell them apart.",
    remediation="Set --use-service-account-credentials=true.",
    controls="cis:1.3.3 nsa-cisa:rbac",
    aliases="KCV-0035 CKV_K8S_108 C-0146 prowler:controllermanager_service_account_credentials",
    references=(_MANAGER,),
    notes="Off by default.",
)
def controller_manager_credentials(manager: Program, ctx: Context) -> Hits:
    name = "use-service-account-credentials"
    if manager.switch(name, False) is False:
        yield at_flag(manager, name, "controllers do not use accounts of their own")


@rule(
    "controller-manager-account-key",
    title="Controller manager has no key for account tokens",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-controller-manager",
    why="Tokens are then signed by no key that is theirs alone, so that it cannot be changed when it has leaked.",
    remediation="Set --service-account-private-key-file to the private key of a key pair made for tokens.",
    controls="cis:1.3.4",
    aliases="KCV-0036 C-0147 prowler:controllermanager_service_account_private_key_file",
    references=(_MANAGER,),
    notes="A file whose name says that it is the public key cannot sign and is told too.",
)
def controller_manager_account_key(manager: Program, ctx: Context) -> Hits:
    name = "service-account-private-key-file"
    file = posixpath.basename(manager.text(name))
    if not file:
        yield at_flag(manager, name, "the controller manager is given no key to sign account tokens with")
    elif _is_public(file):
        yield at_flag(manager, name, f"{file} is a public key by its name")


def _is_public(file: str) -> bool:
    return file.endswith(".pub") or posixpath.splitext(file)[0] in ("public", "public-key")


@rule(
    "controller-manager-account-key-name",
    title="Key file for account tokens is none by its name",
    severity=Severity.INFO,
    scope=Scope.CONTROL_PLANE,
    on="kube-controller-manager",
    why="A path that leads to no private key keeps the controller manager from signing tokens: pods are left without.",
    remediation="Give --service-account-private-key-file the path of a .pem or .key file.",
    aliases="CKV_K8S_110",
    references=(_MANAGER,),
    default=False,
    notes="Judged where the flag is given.",
)
def controller_manager_account_key_name(manager: Program, ctx: Context) -> Hits:
    yield from ill_named(manager, "service-account-private-key-file", (".pem", ".key"))


@rule(
    "controller-manager-root-ca",
    title="Pods are not given the cluster's CA",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-controller-manager",
    why="Without the CA, programs in pods cannot know the API server for the right one and hand their tokens to "
    "whoever plays it.",
    remediation="Set --root-ca-file to the CA of the API server's certificate.",
    controls="cis:1.3.5 mitre-attack:T1557",
    aliases="KCV-0037 C-0148 prowler:controllermanager_root_ca_file_set",
    references=(_MANAGER,),
)
def controller_manager_root_ca(manager: Program, ctx: Context) -> Hits:
    if absent(manager, "root-ca-file"):
        yield at_flag(manager, "root-ca-file", "the controller manager is given no CA for pods")


@rule(
    "controller-manager-root-ca-name",
    title="CA file for pods is none by its name",
    severity=Severity.INFO,
    scope=Scope.CONTROL_PLANE,
    on="kube-controller-manager",
    why="What stands in the file is handed to every pod as the cluster's CA: with anything else in it, programs cannot "
    "check whom they talk to, and are made not to.",
    remediation="Give --root-ca-file the path of a .pem or .crt file.",
    aliases="CKV_K8S_111",
    references=(_MANAGER,),
    default=False,
    notes="Judged where the flag is given.",
)
def controller_manager_root_ca_name(manager: Program, ctx: Context) -> Hits:
    yield from ill_named(manager, "root-ca-file", CERTIFICATE_FILES)


@rule(
    "controller-manager-kubelet-certs",
    title="Kubelets' serving certificates are not renewed",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-controller-manager",
    why="Certificates that must be renewed by hand are made to last: a stolen key then plays the kubelet for years.",
    remediation="Remove RotateKubeletServerCertificate=false from --feature-gates.",
    controls="cis:1.3.6",
    aliases="KCV-0038 CKV_K8S_112 C-0149 prowler:controllermanager_rotate_kubelet_server_cert",
    references=("https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/",),
    since="1.7",
    notes="On by default since Kubernetes 1.12.",
)
def controller_manager_kubelet_certs(manager: Program, ctx: Context) -> Hits:
    gates = manager.items("feature-gates")
    given = [gate.partition("=")[2].lower() for gate in gates if gate.startswith("RotateKubeletServerCertificate=")]
    if given[-1:] == ["false"] or (not given and version_of(manager, ctx) < (1, 12)):
        yield at_flag(manager, "feature-gates", "RotateKubeletServerCertificate is off")


@rule(
    "controller-manager-bind-address",
    title="Controller manager answers to everyone",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-controller-manager",
    why=_EXPOSED,
    remediation="Set --bind-address=127.0.0.1.",
    controls="cis:1.3.7 mitre-attack:T1046",
    aliases="KCV-0039 CKV_K8S_113 C-0150 prowler:controllermanager_bind_address",
    references=(_MANAGER,),
    notes="0.0.0.0 by default.",
)
def controller_manager_bind_address(manager: Program, ctx: Context) -> Hits:
    yield from _exposed(manager, "the controller manager")


def _exposed(program: Program, who: str) -> Hits:
    flag = program.get("bind-address")
    address = "0.0.0.0" if flag is None else flag.value  # noqa: S104 - the programs' default
    if (flag is None or flag.known) and address not in _LOOPBACK:
        yield at_flag(program, "bind-address", f"{who} answers on {address}")


@rule(
    "scheduler-profiling",
    title="Scheduler offers profiles",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-scheduler KubeSchedulerConfiguration",
    why=_PROFILES,
    remediation="Set --profiling=false, or enableProfiling: false in the KubeSchedulerConfiguration.",
    controls="cis:1.4.1",
    aliases="KCV-0040 CKV_K8S_114 C-0151 prowler:scheduler_profiling",
    references=(_SCHEDULER, CONFIG_REFERENCE),
    notes="On by default. With --config the flag has no effect; then the KubeSchedulerConfiguration is judged.",
)
def scheduler_profiling(subject: Program | KubeSchedulerConfiguration, ctx: Context) -> Hits:
    message = "the scheduler offers profiles of itself"
    if isinstance(subject, Program):
        if not subject.has_config and subject.switch("profiling", True):
            yield at_flag(subject, "profiling", message)
    elif subject.enable_profiling is not False:
        yield Hit(message, "enableProfiling")


@rule(
    "scheduler-bind-address",
    title="Scheduler answers to everyone",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-scheduler",
    why=_EXPOSED,
    remediation="Set --bind-address=127.0.0.1.",
    controls="cis:1.4.2 mitre-attack:T1046",
    aliases="KCV-0041 CKV_K8S_115 C-0152 prowler:scheduler_bind_address",
    references=(_SCHEDULER,),
    notes="0.0.0.0 by default.",
)
def scheduler_bind_address(scheduler: Program, ctx: Context) -> Hits:
    yield from _exposed(scheduler, "the scheduler")
