"""Kubeconfig files and other credentials of people and nodes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.analysis.posture.credentials import certificate_of, credentials, is_blank
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.components import KubeadmConfiguration, Kubeconfig, KubeconfigUser
    from seawall.model.kube.config import Secret
    from seawall.model.kube.credentials import KubeconfigFile
    from seawall.model.rule import Context

_KUBECONFIG = "https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/"
_AUTHENTICATION = "https://kubernetes.io/docs/reference/access-authn-authz/authentication/"
_TOKENS = "https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/"
_LONG_DAYS = 400
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
#: Folders into which others than the user may put programs.
_OPEN_FOLDERS = ("/tmp/", "/var/tmp/", "/dev/shm/")  # noqa: S108 - places to warn about
_DOWNLOADS = "/downloads/"
_BOOTSTRAP_TYPE = "bootstrap.kubernetes.io/token"


def _users(config: Kubeconfig) -> Iterator[tuple[int, str, KubeconfigUser]]:
    for i, named in numbered(config.users):
        yield i, named.name, named.user


@rule(
    "kubeconfig-insecure-tls",
    title="Kubeconfig skips the check of the API server",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="Kubeconfig",
    why="Whoever gets between client and API server is sent the client's token and answers in the server's place.",
    remediation="Remove insecure-skip-tls-verify and set certificate-authority-data.",
    controls="mitre-attack:T1557",
    references=(_KUBECONFIG,),
)
def kubeconfig_insecure_tls(config: Kubeconfig, ctx: Context) -> Hits:
    for i, named in numbered(config.clusters):
        if named.cluster.insecure_skip_tls_verify:
            path = ("clusters", i, "cluster", "insecure-skip-tls-verify")
            yield Hit(f"certificates of the cluster {named.name!r} are not checked", path)


@rule(
    "kubeconfig-plain-http",
    title="Kubeconfig names a server without TLS",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="Kubeconfig",
    why="Everything passes in clear, to be read and changed by anyone on the way; and a server that answers there "
    "asks for no login.",
    remediation="Use the https:// address of the API server.",
    controls="mitre-attack:T1040",
    references=(_KUBECONFIG,),
    notes="Addresses of the machine itself, where kubectl proxy listens, pass.",
)
def kubeconfig_plain_http(config: Kubeconfig, ctx: Context) -> Hits:
    for i, named in numbered(config.clusters):
        server = named.cluster.server
        if server.lower().startswith("http://") and not server[7:].startswith(_LOOPBACK):
            path = ("clusters", i, "cluster", "server")
            yield Hit(f"the cluster {named.name!r} is reached in clear", path, secret="@" in server)


@rule(
    "kubeconfig-static-token",
    title="Token in a kubeconfig",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Kubeconfig",
    why="Whoever reads the file is the user until the token ends, which for many kinds is never.",
    remediation="Use an exec plugin or tokenFile, which get short-lived tokens, and withdraw the one that is here.",
    controls="cis:3.1.2 mitre-attack:T1552.001 nsa-cisa:authentication",
    aliases="C-0287",
    references=(_KUBECONFIG, _AUTHENTICATION),
)
def kubeconfig_static_token(config: Kubeconfig, ctx: Context) -> Hits:
    for i, name, user in _users(config):
        if not is_blank(user.token):
            yield Hit(f"the user {name!r} has a token in the file", ("users", i, "user", "token"), secret=True)


@rule(
    "kubeconfig-password",
    title="Password in a kubeconfig",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Kubeconfig",
    why="Whoever reads the file has a password that never ends, and that may open other doors.",
    remediation="Use certificates, OpenID Connect or an exec plugin, and change the password.",
    controls="mitre-attack:T1552.001 nsa-cisa:authentication",
    references=(_KUBECONFIG,),
    notes="API servers take passwords only up to Kubernetes 1.18, proxies before them may still.",
)
def kubeconfig_password(config: Kubeconfig, ctx: Context) -> Hits:
    for i, name, user in _users(config):
        if not is_blank(user.password):
            yield Hit(f"the user {name!r} has a password in the file", ("users", i, "user", "password"), secret=True)


@rule(
    "kubeconfig-embedded-key",
    title="Private key in a kubeconfig",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="Kubeconfig",
    why="Whoever reads the file is the user until the certificate ends: it cannot be withdrawn.",
    remediation="Keep the key out of shared files and repositories; use an exec plugin with short-lived certificates.",
    controls="mitre-attack:T1552.004 nsa-cisa:authentication",
    references=(_KUBECONFIG,),
)
def kubeconfig_embedded_key(config: Kubeconfig, ctx: Context) -> Hits:
    for i, name, user in _users(config):
        if not is_blank(user.client_key_data):
            path = ("users", i, "user", "client-key-data")
            yield Hit(f"the user {name!r} has a private key in the file", path, secret=True)


@rule(
    "kubeconfig-client-certificate",
    title="User logs in by a client certificate",
    severity=Severity.INFO,
    scope=Scope.CONTROL_PLANE,
    on="Kubeconfig",
    why="Kubernetes cannot withdraw a certificate: the account of someone who left, or whose key was stolen, works "
    "until it ends.",
    remediation="Let people log in by OpenID Connect or another provider that can lock accounts.",
    controls="cis:3.1.1 mitre-attack:T1078",
    aliases="C-0286",
    references=(_AUTHENTICATION,),
    default=False,
    notes="Users of the system itself (system:node:..., system:kube-scheduler...) pass.",
)
def kubeconfig_client_certificate(config: Kubeconfig, ctx: Context) -> Hits:
    for i, name, user in _users(config):
        certificate = certificate_of(user.client_certificate_data)
        own = certificate is not None and certificate.user.startswith("system:")
        if (user.client_certificate or user.client_certificate_data) and not own:
            field = "client-certificate-data" if user.client_certificate_data else "client-certificate"
            yield Hit(f"the user {name!r} logs in by a certificate", ("users", i, "user", field), secret=True)


@rule(
    "kubeconfig-masters-certificate",
    title="Certificate of system:masters",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="Kubeconfig KubeconfigFile",
    why="The group passes every check: no role or binding can take the certificate's rights away, and nothing can "
    "withdraw it.",
    remediation="Make certificates of a group of your own and bind that to a role; keep one of system:masters in a "
    "safe.",
    controls="cis:5.1.7 mitre-attack:T1078 nsa-cisa:rbac",
    references=("https://kubernetes.io/docs/concepts/security/rbac-good-practices/",),
)
def kubeconfig_masters_certificate(config: Kubeconfig | KubeconfigFile, ctx: Context) -> Hits:
    for held in credentials(config):
        if held.kind == "certificate" and "system:masters" in held.groups:
            message = f"the certificate of {held.user!r} is for {held.name!r} in system:masters"
            yield Hit(message, held.path, secret=True)


@rule(
    "kubeconfig-long-certificate",
    title="Client certificate that holds for years",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="Kubeconfig KubeconfigFile",
    why="Kubernetes cannot withdraw a certificate: a stolen key works until it ends.",
    remediation="Make client certificates that hold for days or months, and renew them.",
    controls="mitre-attack:T1078",
    references=(_AUTHENTICATION,),
    notes="Judged from 400 days on; kubeadm's hold for a year.",
)
def kubeconfig_long_certificate(config: Kubeconfig | KubeconfigFile, ctx: Context) -> Hits:
    for held in credentials(config):
        if held.kind == "certificate" and held.lifetime is not None and held.lifetime.days > _LONG_DAYS:
            yield Hit(f"the certificate of {held.user!r} holds for {held.lifetime.days} days", held.path, secret=True)


@rule(
    "kubeconfig-exec-plugin",
    title="Kubeconfig runs a program from an odd place",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="Kubeconfig",
    why="The program runs with the rights of whoever uses the file: a path next to the file, or one that others may "
    "write to, runs what an attacker has put there.",
    remediation="Name the program by its full path in a folder that only administrators write to, or by its name "
    "alone.",
    controls="mitre-attack:T1204.002",
    references=(f"{_AUTHENTICATION}#client-go-credential-plugins",),
    notes="Relative paths are taken from the file's own folder; a bare name is looked up on PATH. Folders of downloads "
    "count as odd.",
)
def kubeconfig_exec_plugin(config: Kubeconfig, ctx: Context) -> Hits:
    for i, name, user in _users(config):
        command = user.exec.command if user.exec is not None else ""
        if _is_odd(command):
            yield Hit(f"the user {name!r} runs {command}", ("users", i, "user", "exec", "command"))


def _is_odd(command: str) -> bool:
    plain = command.replace("\\", "/")
    if "/" not in plain:
        return False
    absolute = plain.startswith("/") or plain[1:3] == ":/"
    normal = f"{posixpath.normpath(plain)}/"
    return not absolute or normal.startswith(_OPEN_FOLDERS) or _DOWNLOADS in normal.lower()


@rule(
    "kubeconfig-auth-provider",
    title="Kubeconfig uses a login that was removed",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="Kubeconfig",
    why="auth-provider keeps access and refresh tokens in the file, and clients since Kubernetes 1.26 know only its "
    "OpenID Connect form.",
    remediation="Use the exec plugin of the provider (gke-gcloud-auth-plugin, kubelogin).",
    controls="mitre-attack:T1552.001",
    references=(_AUTHENTICATION,),
    notes="oidc is still known and passes.",
)
def kubeconfig_auth_provider(config: Kubeconfig, ctx: Context) -> Hits:
    for i, name, user in _users(config):
        provider = user.auth_provider
        if provider is not None and provider.get("name") != "oidc":
            yield Hit(f"the user {name!r} logs in by an auth-provider", ("users", i, "user", "auth-provider"))


@rule(
    "bootstrap-token-secret",
    title="Bootstrap token that never ends",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="Secret",
    why="Whoever reads the token once can join nodes of his own to the cluster for good, and is given pods and their "
    "Secrets.",
    remediation="Set expiration in the Secret, and delete it once the nodes have joined.",
    controls="cis:3.1.3 mitre-attack:T1078",
    aliases="C-0288",
    references=(_TOKENS,),
)
def bootstrap_token_secret(secret: Secret, ctx: Context) -> Hits:
    if secret.type == _BOOTSTRAP_TYPE and "expiration" not in secret.data and "expiration" not in secret.string_data:
        yield Hit("the token has no expiration", "type")


@rule(
    "kubeadm-endless-token",
    title="kubeadm makes a token that never ends",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="InitConfiguration",
    why="Whoever reads the token once can join nodes of his own to the cluster for good, and is given pods and their "
    "Secrets.",
    remediation="Remove the ttl (a day), or set a short one.",
    controls="cis:3.1.3 mitre-attack:T1078",
    aliases="C-0288",
    references=(_TOKENS,),
)
def kubeadm_endless_token(config: KubeadmConfiguration, ctx: Context) -> Hits:
    for i, token in numbered(config.bootstrap_tokens):
        if token.ttl is not None and token.ttl.strip("0hms") == "" and token.ttl:
            yield Hit("the token never ends", f"bootstrapTokens[{i}].ttl")
