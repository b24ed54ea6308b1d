"""Control plane: flags of its programs where they run as pods."""

from __future__ import annotations

from itertools import chain, pairwise
from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container
    from seawall.model.rule import Context

_APISERVER = "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/"
_TRUE = frozenset(("1", "t", "true"))
_FALSE = frozenset(("0", "f", "false"))


def flags(container: Container, program: str) -> dict[str, tuple[str, str]] | None:
    """The flags that a container gives a program: name -> value and path; None if it does not run the program.

    A flag without a value is ``true``. A shell's command line is cut at its spaces.
    """
    words = _words(container)
    start = next((i for i, _ in enumerate(words) if _runs(words, i, program)), None)
    if start is None:
        return None
    found: dict[str, tuple[str, str]] = {}
    for (word, path), (following, _) in pairwise([*words[start + 1 :], ("-", "")]):
        name, equals, value = word.partition("=")
        if name.startswith("-"):
            spaced = "true" if following.startswith("-") else following
            found[name.lstrip("-")] = (value.strip("\"'") if equals else spaced, path)
    return found


def _words(container: Container) -> list[tuple[str, str]]:
    command = ((text, f"command[{i}]") for i, text in numbered(container.command))
    args = ((text, f"args[{i}]") for i, text in numbered(container.args))
    return [(word, path) for text, path in chain(command, args) for word in text.split()]


def _runs(words: list[tuple[str, str]], i: int, program: str) -> bool:
    """Whether a word is the program: it comes first or before flags, so that /var/lib/etcd is not taken for one."""
    if words[i][0].startswith("-") or words[i][0].rpartition("/")[2] != program:
        return False
    return i == 0 or (i + 1 < len(words) and words[i + 1][0].startswith("-"))


@rule(
    "apiserver-anonymous-auth",
    title="API server takes anonymous requests",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="container",
    why="Requests without a credential are let in as system:anonymous; one careless binding then opens the cluster to "
    "everyone who reaches the API server.",
    remediation="Set --anonymous-auth=false, or limit it to the health endpoints in an AuthenticationConfiguration.",
    controls="cis:1.2.1 mitre-attack:T1078",
    aliases="KCV-0001 CKV_K8S_68 C-0113 prowler:apiserver_anonymous_requests",
    references=(_APISERVER,),
    notes="On by default. Not judged where --authentication-config names a file, which may say otherwise.",
)
def apiserver_anonymous_auth(c: Container, ctx: Context) -> Hits:
    given = flags(c, "kube-apiserver")
    if given is None or "authentication-config" in given:
        return
    value, path = given.get("anonymous-auth", ("true", "command"))
    if value.lower() not in _FALSE:
        yield Hit("the API server takes anonymous requests", path)


@rule(
    "apiserver-profiling",
    title="API server offers profiles",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="container",
    why="Profiles tell about the program's inner state, and making them costs so much time that they serve to slow the "
    "API server down.",
    remediation="Set --profiling=false.",
    controls="cis8:1.2.16 cis9-12:1.2.15",
    aliases="KCV-0018 CKV_K8S_90 C-0129 prowler:apiserver_disable_profiling",
    references=(_APISERVER,),
    notes="On by default.",
)
def apiserver_profiling(c: Container, ctx: Context) -> Hits:
    given = flags(c, "kube-apiserver")
    if given is None:
        return
    value, path = given.get("profiling", ("true", "command"))
    if value.lower() not in _FALSE:
        yield Hit("the API server offers profiles of itself", path)


@rule(
    "apiserver-always-allow",
    title="API server allows every request",
    severity=Severity.CRITICAL,
    scope=Scope.CONTROL_PLANE,
    on="container",
    why="With AlwaysAllow every request is granted, whoever makes it: roles and bindings count for nothing.",
    remediation="Set --authorization-mode=Node,RBAC.",
    controls="cis:1.2.6 mitre-attack:T1078",
    aliases="KCV-0007 CKV_K8S_74 C-0118 prowler:apiserver_auth_mode_not_always_allow",
    references=(_APISERVER,),
    notes="AlwaysAllow is the default where neither --authorization-mode nor --authorization-config is given.",
)
def apiserver_always_allow(c: Container, ctx: Context) -> Hits:
    given = flags(c, "kube-apiserver")
    if given is None or "authorization-config" in given:
        return
    modes, path = given.get("authorization-mode", ("AlwaysAllow", "command"))
    if "AlwaysAllow" in modes.split(","):
        yield Hit("the API server allows every request", path)


@rule(
    "etcd-client-cert-auth",
    title="etcd does not ask clients for certificates",
    severity=Severity.CRITICAL,
    scope=Scope.CONTROL_PLANE,
    on="container",
    why="etcd holds the whole cluster, Secrets included: whoever reaches its port reads and writes all of it.",
    remediation="Set --client-cert-auth=true and --trusted-ca-file.",
    controls="cis:2.2 mitre-attack:T1552",
    aliases="KCV-0043 CKV_K8S_117 C-0154 prowler:etcd_client_cert_auth",
    references=("https://etcd.io/docs/v3.6/op-guide/security/",),
    notes="Off by default. The variable ETCD_CLIENT_CERT_AUTH counts; not judged where --config-file names a file.",
)
def etcd_client_cert_auth(c: Container, ctx: Context) -> Hits:
    given = flags(c, "etcd")
    if given is None or "config-file" in given:
        return
    variable = next((v.value for v in c.env if v.name == "ETCD_CLIENT_CERT_AUTH"), "false")
    value, path = given.get("client-cert-auth", (variable, "command"))
    if value.lower() not in _TRUE:
        yield Hit("etcd does not ask clients for certificates", path)
