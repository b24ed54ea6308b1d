"""API server: the audit log, and whether what it stores is encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.flags import CONFIG_REFERENCE, absent, at_flag
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.components import AuditPolicy, AuditResources, AuditRule
    from seawall.model.paths import Path
    from seawall.model.programs import Program
    from seawall.model.rule import Context

_AUDIT = "https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/"
_ENCRYPTION = "https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/"

#: Requests that an investigation asks for: what is done, the verb, the API group and the resource.
_TELLING = (
    ("reading Secrets", "get", "", "secrets"),
    ("changing Secrets", "update", "", "secrets"),
    ("running commands in pods", "create", "", "pods/exec"),
    ("creating pods", "create", "", "pods"),
    ("changing roles", "update", "rbac.authorization.k8s.io", "clusterroles"),
    ("granting roles", "create", "rbac.authorization.k8s.io", "clusterrolebindings"),
)
#: Resources whose bodies are credentials.
_CONFIDENTIAL = (("", "secrets"), ("", "serviceaccounts/token"), ("authentication.k8s.io", "tokenreviews"))


@rule(
    "apiserver-audit-log",
    title="API server keeps no audit log",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Who read a Secret, ran a command in a pod or gave itself a role can then not be told, during an attack or "
    "after.",
    remediation="Set --audit-policy-file, and --audit-log-path or --audit-webhook-config-file.",
    controls="cis8:1.2.17 cis9-12:1.2.16 cis:3.2.1 mitre-attack:T1562.008 nsa-cisa:audit-logging",
    aliases="KCV-0019 CKV_K8S_91 C-0067 C-0130 C-0160 C-0254 prowler:apiserver_audit_log_path_set",
    references=(_AUDIT,),
)
def apiserver_audit_log(server: Program, ctx: Context) -> Hits:
    if not _has_log(server):
        yield at_flag(server, "audit-log-path", "the API server keeps no audit log")


def _has_log(server: Program) -> bool:
    return bool(server.text("audit-log-path") or server.text("audit-webhook-config-file"))


@rule(
    "apiserver-audit-policy",
    title="API server logs by no audit policy",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Without a policy no request is logged, wherever the log would go.",
    remediation="Write an audit policy and name it in --audit-policy-file.",
    controls="cis:3.2.1 mitre-attack:T1562.008 nsa-cisa:audit-logging",
    aliases="C-0160",
    references=(_AUDIT,),
    notes="Judged where there is a place to log to; apiserver-audit-log tells where there is none.",
)
def apiserver_audit_policy(server: Program, ctx: Context) -> Hits:
    if _has_log(server) and absent(server, "audit-policy-file"):
        yield at_flag(server, "audit-policy-file", "the API server is given no audit policy")


def _too_small(server: Program, name: str, least: int, message: str) -> Hits:
    """A hit where a flag of the audit log is absent or below what the CIS benchmarks ask; a plain 0 sets no limit."""
    value = server.number(name, 0)
    if value is not None and value < least and (value or name not in server.flags):
        yield at_flag(server, name, message)


_SHORT = "An attacker who was in for weeks, as is usual, is found when the log of the first days is gone."


@rule(
    "apiserver-audit-log-age",
    title="Audit log not kept for 30 days",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why=_SHORT,
    remediation="Set --audit-log-maxage to 30 or more.",
    controls="cis8:1.2.18 cis9-12:1.2.17 nsa-cisa:audit-logging",
    aliases="KCV-0020 CKV_K8S_92 C-0131 prowler:apiserver_audit_log_maxage_set",
    references=(_AUDIT,),
    default=False,
    notes="Where the flag is absent, files are kept by their number alone; the CIS benchmarks ask for it all the same.",
)
def apiserver_audit_log_age(server: Program, ctx: Context) -> Hits:
    yield from _too_small(server, "audit-log-maxage", 30, "it is not said that audit logs are kept for 30 days")


@rule(
    "apiserver-audit-log-backups",
    title="Fewer than 10 old audit logs kept",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Whoever makes many requests pushes the trace of what he did out of the log within minutes.",
    remediation="Set --audit-log-maxbackup to 10 or more.",
    controls="cis8:1.2.19 cis9-12:1.2.18 mitre-attack:T1070",
    aliases="KCV-0021 CKV_K8S_93 C-0132 prowler:apiserver_audit_log_maxbackup_set",
    references=(_AUDIT,),
    default=False,
    notes="Where the flag is absent, all are kept; the CIS benchmarks ask for it all the same.",
)
def apiserver_audit_log_backups(server: Program, ctx: Context) -> Hits:
    yield from _too_small(server, "audit-log-maxbackup", 10, "it is not said that 10 old audit logs are kept")


@rule(
    "apiserver-audit-log-size",
    title="Audit logs cut below 100 MB",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Whoever makes many requests pushes the trace of what he did out of the log within minutes.",
    remediation="Set --audit-log-maxsize to 100 or more.",
    controls="cis8:1.2.20 cis9-12:1.2.19 mitre-attack:T1070",
    aliases="KCV-0022 CKV_K8S_94 C-0133 prowler:apiserver_audit_log_maxsize_set",
    references=(_AUDIT,),
    default=False,
    notes="Where the flag is absent, 100 MB is the size; the CIS benchmarks ask for it all the same.",
)
def apiserver_audit_log_size(server: Program, ctx: Context) -> Hits:
    yield from _too_small(server, "audit-log-maxsize", 100, "it is not said that an audit log may grow to 100 MB")


@rule(
    "audit-policy-gaps",
    title="Audit policy leaves out what an investigation needs",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="AuditPolicy",
    why="Attackers read Secrets, run commands in pods and give themselves roles: a log without these shows nothing of "
    "them.",
    remediation="End the policy with a rule at level Metadata for everything, and exempt only named users and requests "
    "above it.",
    controls="cis:3.2.2 mitre-attack:T1562.008 nsa-cisa:audit-logging",
    aliases="C-0161",
    references=(_AUDIT, f"{CONFIG_REFERENCE}apiserver-audit.v1/"),
    notes="Judged for a user of no special name or group.",
)
def audit_policy_gaps(policy: AuditPolicy, ctx: Context) -> Hits:
    silent: dict[int, list[str]] = {}
    for what, verb, group, resource in _TELLING:
        index, level = _level(policy, verb, group, resource)
        if level in ("", "None"):
            silent.setdefault(index, []).append(what)
    for index, gaps in silent.items():
        path: Path = ("rules",) if index < 0 else ("rules", index)
        yield Hit(f"not logged: {', '.join(gaps)}", path)


@rule(
    "audit-policy-secret-bodies",
    title="Audit log takes in the values of Secrets",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="AuditPolicy",
    why="Everyone who may read the log, and every system that it is sent to, has the cluster's passwords and tokens.",
    remediation="Put a rule at level Metadata for secrets, serviceaccounts/token and tokenreviews before the one that "
    "logs bodies.",
    controls="mitre-attack:T1552 nsa-cisa:audit-logging",
    references=(_AUDIT,),
)
def audit_policy_secret_bodies(policy: AuditPolicy, ctx: Context) -> Hits:
    told: dict[int, list[str]] = {}
    for group, resource in _CONFIDENTIAL:
        for verb in ("create", "update", "get"):
            index, level = _level(policy, verb, group, resource)
            told_of = told.setdefault(index, [])
            if _has_body(level, verb) and resource not in told_of:
                told_of.append(resource)
    for index, resources in told.items():
        if resources:
            yield Hit(f"bodies are logged of {', '.join(resources)}", f"rules[{index}].level")


def _has_body(level: str, verb: str) -> bool:
    return level == "RequestResponse" or (level == "Request" and verb != "get")


def _level(policy: AuditPolicy, verb: str, group: str, resource: str) -> tuple[int, str]:
    """The rule that decides about such a request by an ordinary user, and its level; (-1, "") where none does."""
    for index, each in numbered(policy.rules):
        if _covers(each, verb, group, resource):
            return index, each.level
    return -1, ""


def _covers(each: AuditRule, verb: str, group: str, resource: str) -> bool:
    if each.users or each.non_resource_urls or (each.verbs and verb not in each.verbs):
        return False
    if each.user_groups and "system:authenticated" not in each.user_groups:
        return False
    if each.namespaces:
        return False
    return not each.resources or any(_names(item, group, resource) for item in each.resources)


def _names(item: AuditResources, group: str, resource: str) -> bool:
    """Whether an entry of ``resources`` takes in a resource (the API server's ruleMatchesResource)."""
    if item.group != group or item.resource_names:
        return False
    parent, slash, sub = resource.partition("/")
    patterns = {resource, "*", f"{parent}/*"} | ({f"*/{sub}"} if slash else set())
    return not patterns.isdisjoint(item.resources or ("*",))


@rule(
    "apiserver-encryption-at-rest",
    title="Secrets stored unencrypted",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Whoever gets a backup or a disk of etcd reads every Secret of the cluster.",
    remediation="Write an EncryptionConfiguration with a KMS provider and name it in --encryption-provider-config.",
    controls="cis8:1.2.28 cis9-12:1.2.27 mitre-attack:T1552 nsa-cisa:encryption",
    aliases="KCV-0030 CKV_K8S_104 C-0066 C-0141 C-0244 prowler:apiserver_encryption_provider_config_set",
    references=(_ENCRYPTION,),
)
def apiserver_encryption_at_rest(server: Program, ctx: Context) -> Hits:
    names = ("encryption-provider-config", "experimental-encryption-provider-config")
    if not any(server.text(name) for name in names):
        yield at_flag(server, names[0], "the API server is given no EncryptionConfiguration")
