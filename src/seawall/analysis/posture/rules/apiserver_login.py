"""API server: who is let in, and what decides what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.flags import (
    CONFIG_REFERENCE,
    KEY_FILES,
    REFERENCE,
    absent,
    at_flag,
    ill_named,
    version_of,
)
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.programs import Program
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.components import AuthenticationConfiguration, AuthorizationConfiguration
    from seawall.model.rule import Context

_APISERVER = f"{REFERENCE}kube-apiserver/"
_AUTHENTICATION = "https://kubernetes.io/docs/reference/access-authn-authz/authentication/"
_AUTHORIZATION = "https://kubernetes.io/docs/reference/access-authn-authz/authorization/"
_BOTH = "kube-apiserver AuthorizationConfiguration"


@rule(
    "apiserver-anonymous-auth",
    title="API server takes anonymous requests",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver AuthenticationConfiguration",
    why="Requests without a credential are let in as system:anonymous; one careless binding then opens the cluster to "
    "everyone who reaches the API server.",
    remediation="Set --anonymous-auth=false, or limit it to the health endpoints in an AuthenticationConfiguration.",
    controls="cis:1.2.1 mitre-attack:T1078 nsa-cisa:authentication",
    aliases="KCV-0001 CKV_K8S_68 C-0113 prowler:apiserver_anonymous_requests",
    references=(_APISERVER, f"{_AUTHENTICATION}#anonymous-requests"),
    notes="On by default. Where --authentication-config names a file, which may say otherwise, only the flag itself "
    "and the AuthenticationConfiguration are judged; one with conditions (since Kubernetes 1.31) passes.",
)
def apiserver_anonymous_auth(subject: Program | AuthenticationConfiguration, ctx: Context) -> Hits:
    if not isinstance(subject, Program):
        anonymous = subject.anonymous
        if anonymous is not None and anonymous.enabled and not anonymous.conditions:
            yield Hit("anonymous requests are taken for every path", "anonymous.enabled")
        return
    if subject.switch("anonymous-auth", "authentication-config" not in subject.flags):
        yield at_flag(subject, "anonymous-auth", "the API server takes anonymous requests")


@rule(
    "apiserver-token-auth-file",
    title="API server takes tokens from a file",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="The tokens stand in the file in clear, hold for ever, and cannot be withdrawn without a restart: who reads "
    "the file once is every user in it.",
    remediation="Remove --token-auth-file; use client certificates, OpenID Connect or a webhook.",
    controls="cis:1.2.2 mitre-attack:T1078",
    aliases="KCV-0002 CKV_K8S_70 C-0114 prowler:apiserver_no_token_auth_file",
    references=(f"{_AUTHENTICATION}#static-token-file",),
)
def apiserver_token_auth_file(server: Program, ctx: Context) -> Hits:
    if server.text("token-auth-file"):
        yield at_flag(server, "token-auth-file", "the API server takes static tokens from a file")


@rule(
    "apiserver-basic-auth-file",
    title="API server takes passwords from a file",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="The passwords stand in the file in clear and hold until the API server is restarted without them.",
    remediation="Remove --basic-auth-file, and replace the passwords where they are used elsewhere.",
    controls="mitre-attack:T1078",
    aliases="CKV_K8S_69",
    references=(_AUTHENTICATION,),
    notes="Kubernetes 1.19 removed the flag: newer servers do not start with it, but the file is still there.",
)
def apiserver_basic_auth_file(server: Program, ctx: Context) -> Hits:
    if server.text("basic-auth-file"):
        yield at_flag(server, "basic-auth-file", "the API server takes passwords from a file")


@rule(
    "apiserver-client-ca",
    title="API server asks for no client certificates",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Without a CA for clients, nodes and components have to log in by tokens, which can be copied from any log or "
    "proxy on the way.",
    remediation="Set --client-ca-file to the CA of the cluster's clients.",
    controls="cis8:1.2.26 cis9-12:1.2.25 nsa-cisa:authentication",
    aliases="KCV-0028 C-0139 prowler:apiserver_client_ca_file_set",
    references=(f"{_AUTHENTICATION}#x509-client-certificates",),
)
def apiserver_client_ca(server: Program, ctx: Context) -> Hits:
    if absent(server, "client-ca-file"):
        yield at_flag(server, "client-ca-file", "the API server knows no CA of client certificates")


@rule(
    "apiserver-service-account-lookup",
    title="API server takes tokens of deleted service accounts",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="A stolen token works on after its account or Secret was deleted, which is how one would withdraw it.",
    remediation="Remove --service-account-lookup=false.",
    controls="cis8:1.2.22 cis9-12:1.2.21 mitre-attack:T1550",
    aliases="KCV-0024 CKV_K8S_96 C-0135 prowler:apiserver_service_account_lookup_true",
    references=(_APISERVER,),
    notes="On by default since Kubernetes 1.7. The version is that of the API server's image, where its tag tells.",
)
def apiserver_service_account_lookup(server: Program, ctx: Context) -> Hits:
    if server.switch("service-account-lookup", version_of(server, ctx) >= (1, 7)) is False:
        yield at_flag(server, "service-account-lookup", "tokens of deleted service accounts are taken")


@rule(
    "apiserver-service-account-key",
    title="API server checks account tokens with its TLS key",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="One key then serves for TLS and for tokens: it cannot be changed for one of them alone, and who gets it makes "
    "tokens for any service account.",
    remediation="Set --service-account-key-file to the public key of a key pair made for tokens.",
    controls="cis8:1.2.23 cis9-12:1.2.22",
    aliases="KCV-0025 C-0136 prowler:apiserver_service_account_key_file_set",
    references=(_APISERVER,),
    notes="Without the flag --tls-private-key-file is used.",
)
def apiserver_service_account_key(server: Program, ctx: Context) -> Hits:
    if absent(server, "service-account-key-file"):
        yield at_flag(server, "service-account-key-file", "no key of their own checks service account tokens")


@rule(
    "apiserver-account-key-name",
    title="Key file for account tokens is none by its name",
    severity=Severity.INFO,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="A path that leads to no key keeps the API server from starting, or has it trust tokens that another file "
    "vouches for.",
    remediation="Give --service-account-key-file the path of a .pem, .pub, .key or .crt file.",
    aliases="CKV_K8S_97",
    references=(_APISERVER,),
    default=False,
    notes="Judged where the flag is given.",
)
def apiserver_account_key_name(server: Program, ctx: Context) -> Hits:
    yield from ill_named(server, "service-account-key-file", KEY_FILES)


@rule(
    "apiserver-extended-tokens",
    title="API server makes account tokens last a year",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Tokens that pods are given for an hour hold for a year instead: a stolen one has that long to be used.",
    remediation="Set --service-account-extend-token-expiration=false once no program uses old tokens "
    "(metric serviceaccount_stale_tokens_total).",
    controls="cis11-12:1.2.30 mitre-attack:T1550",
    aliases="C-0290",
    references=(_APISERVER,),
    since="1.21",
    default=False,
    notes="On by default.",
)
def apiserver_extended_tokens(server: Program, ctx: Context) -> Hits:
    name = "service-account-extend-token-expiration"
    if server.switch(name, True):
        yield at_flag(server, name, "projected service account tokens hold for a year")


def _modes(server: Program) -> list[str] | None:
    """The authorizers; None where they stand in a file."""
    if "authorization-config" in server.flags:
        return None
    return server.items("authorization-mode") or ["AlwaysAllow"]


@rule(
    "apiserver-always-allow",
    title="API server allows every request",
    severity=Severity.CRITICAL,
    scope=Scope.CONTROL_PLANE,
    on=_BOTH,
    why="With AlwaysAllow every request is granted, whoever makes it: roles and bindings count for nothing.",
    remediation="Set --authorization-mode=Node,RBAC.",
    controls="cis:1.2.6 mitre-attack:T1078 nsa-cisa:rbac",
    aliases="KCV-0007 CKV_K8S_74 C-0118 prowler:apiserver_auth_mode_not_always_allow",
    references=(_APISERVER, _AUTHORIZATION),
    notes="An API server that is told no mode is told by apiserver-authorization-unset.",
)
def apiserver_always_allow(subject: Program | AuthorizationConfiguration, ctx: Context) -> Hits:
    if not isinstance(subject, Program):
        for i, authorizer in numbered(subject.authorizers):
            if authorizer.type == "AlwaysAllow":
                yield Hit("an authorizer allows every request", f"authorizers[{i}].type")
        return
    if "AlwaysAllow" in subject.items("authorization-mode") and "authorization-config" not in subject.flags:
        yield at_flag(subject, "authorization-mode", "the API server allows every request")


@rule(
    "apiserver-authorization-unset",
    title="API server is told no authorization mode",
    severity=Severity.CRITICAL,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="AlwaysAllow is what it falls back to: every request is granted, whoever makes it, and roles and bindings "
    "count for nothing.",
    remediation="Set --authorization-mode=Node,RBAC.",
    controls="cis:1.2.6 mitre-attack:T1078 nsa-cisa:rbac",
    aliases="C-0118",
    references=(_APISERVER, _AUTHORIZATION),
    notes="Judged where neither --authorization-mode nor --authorization-config is given.",
)
def apiserver_authorization_unset(server: Program, ctx: Context) -> Hits:
    if not server.items("authorization-mode") and "authorization-config" not in server.flags:
        yield at_flag(server, "authorization-mode", "the API server is told no authorization mode and allows all")


@rule(
    "apiserver-node-authorizer",
    title="API server lets nodes read beyond their pods",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on=_BOTH,
    why="The Node authorizer holds each kubelet to the objects of its own pods; without it one hijacked node reads the "
    "Secrets of all.",
    remediation="Add Node to --authorization-mode, and the admission plugin NodeRestriction.",
    controls="cis:1.2.7 mitre-attack:T1552.007",
    aliases="KCV-0008 CKV_K8S_75 C-0119 prowler:apiserver_auth_mode_include_node",
    references=("https://kubernetes.io/docs/reference/access-authn-authz/node/",),
)
def apiserver_node_authorizer(subject: Program | AuthorizationConfiguration, ctx: Context) -> Hits:
    yield from _lacks(subject, "Node", "the Node authorizer is not in use")


@rule(
    "apiserver-rbac",
    title="API server does without RBAC",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on=_BOTH,
    why="Roles and bindings then have no effect: what decides is all-or-nothing, a file on the node, or a service that "
    "nobody sees from within the cluster.",
    remediation="Add RBAC to --authorization-mode.",
    controls="cis:1.2.8 nsa-cisa:rbac",
    aliases="KCV-0009 CKV_K8S_77 C-0088 C-0120 prowler:apiserver_auth_mode_include_rbac",
    references=("https://kubernetes.io/docs/reference/access-authn-authz/rbac/",),
)
def apiserver_rbac(subject: Program | AuthorizationConfiguration, ctx: Context) -> Hits:
    yield from _lacks(subject, "RBAC", "RBAC is not in use")


def _lacks(subject: Program | AuthorizationConfiguration, mode: str, message: str) -> Hits:
    if not isinstance(subject, Program):
        if mode not in [authorizer.type for authorizer in subject.authorizers]:
            yield Hit(message, "authorizers")
        return
    modes = _modes(subject)
    if modes is not None and mode not in modes:
        yield at_flag(subject, "authorization-mode", message)


@rule(
    "authentication-issuer-plain",
    title="Claims of an identity provider taken as they are",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="AuthenticationConfiguration",
    why="Without a prefix, whoever names the provider's users and groups can call one of them system:masters or like a "
    "service account, and is it.",
    remediation='Set prefixes for username and groups in claimMappings, for example "oidc:".',
    controls="mitre-attack:T1078 nsa-cisa:authentication",
    references=(f"{CONFIG_REFERENCE}apiserver-config.v1/",),
    notes="Judged where a prefix is given and empty; claims by expression are not.",
)
def authentication_issuer_plain(config: AuthenticationConfiguration, ctx: Context) -> Hits:
    for i, issuer in numbered(config.jwt):
        mappings = issuer.get("claimMappings")
        for field in ("username", "groups"):
            claim = mappings.get(field) if isinstance(mappings, dict) else None
            if isinstance(claim, dict) and claim.get("claim") and claim.get("prefix") == "":
                message = f"{field} of an identity provider are taken without a prefix"
                yield Hit(message, ("jwt", i, "claimMappings", field, "prefix"))
