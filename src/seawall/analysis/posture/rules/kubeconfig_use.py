"""How kubeconfigs let people log in: how long, by which programs, through whom."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from seawall.analysis.posture.credentials import credentials, is_blank
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.components import Kubeconfig, NamedCluster, NamedContext, NamedUser
    from seawall.model.kube.credentials import KubeconfigFile
    from seawall.model.paths import Path
    from seawall.model.rule import Context

_KUBECONFIG = "https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/"
_AUTHENTICATION = "https://kubernetes.io/docs/reference/access-authn-authz/authentication/"
_ACCOUNTS = "https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets"
_PLUGINS = f"{_AUTHENTICATION}#client-go-credential-plugins"
_LONG_TOKEN = timedelta(days=1)
_SOON = timedelta(days=14)
_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ash", "ksh", "fish", "cmd", "powershell", "pwsh"))
_PROVIDER_SECRETS = ("refresh-token", "client-secret", "access-token")
_LOOPBACK = ("127.", "localhost", "[::1]")
#: Ends of variables' and options' names that hold secrets, and not the place of one.
_SECRET_NAME = r"(?i)(?:password|passwd|secret|token|api_?key|secret_access_key|private_?key|credentials?)\Z"  # noqa: S105
_SECRET_OPTION = r"(?i)--?[a-z-]*(?:password|secret|token|api-?key)[a-z-]*(?:=(?P<value>.+))?\Z"  # noqa: S105


@rule(
    "kubeconfig-endless-token",
    title="Token in a kubeconfig that never ends",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Kubeconfig KubeconfigFile",
    why="Whoever copies the token once is that account for good: no login is asked for and no lock-out reaches it.",
    remediation="Delete the Secret that the token comes from, and get short-lived ones: kubectl create token, or an "
    "exec plugin.",
    controls="cis:3.1.2 mitre-attack:T1552.001 mitre-attack:T1528 nsa-cisa:authentication",
    references=(_ACCOUNTS, _AUTHENTICATION),
    notes="Judged by the token's own claims; one that is no JSON Web Token tells nothing of its end.",
)
def kubeconfig_endless_token(config: Kubeconfig | KubeconfigFile, ctx: Context) -> Hits:
    for held in credentials(config):
        if held.kind == "token" and held.ends is None:
            whose = f"the service account {held.account}" if held.account else "someone"
            yield Hit(f"the token of {held.user!r} for {whose} has no end", held.path, secret=True)


@rule(
    "kubeconfig-long-token",
    title="Token in a kubeconfig that holds for days",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="Kubeconfig KubeconfigFile",
    why="A token that was copied works until it ends, whatever becomes of the account's owner.",
    remediation="Ask for tokens of an hour (kubectl create token --duration=1h), or use an exec plugin that "
    "renews them.",
    controls="mitre-attack:T1528 nsa-cisa:authentication",
    references=(_AUTHENTICATION,),
    notes="Judged above a day.",
)
def kubeconfig_long_token(config: Kubeconfig | KubeconfigFile, ctx: Context) -> Hits:
    for held in credentials(config):
        if held.kind == "token" and held.lifetime is not None and held.lifetime > _LONG_TOKEN:
            days = held.lifetime / timedelta(days=1)
            yield Hit(f"the token of {held.user!r} holds for {days:.0f} days", held.path, secret=True)


@rule(
    "kubeconfig-stale-credential",
    title="Credential that has ended or soon ends",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="Kubeconfig KubeconfigFile",
    why="Whoever relies on it is locked out, and takes the next best way in, which is often the emergency certificate "
    "that can do everything.",
    remediation="Renew it (kubeadm certs renew, the provider's login), or remove the entry.",
    references=(_AUTHENTICATION,),
    notes="Told from 14 days before the end on, as info until then.",
)
def kubeconfig_stale_credential(config: Kubeconfig | KubeconfigFile, ctx: Context) -> Hits:
    for held in credentials(config):
        if held.ends is None or held.ends - held.now > _SOON:
            continue
        if held.lifetime is not None and held.lifetime <= _SOON and held.ends > held.now:
            continue
        over = held.ends <= held.now
        message = f"the {held.kind} of {held.user!r} {'ended' if over else 'ends'} on {held.ends:%Y-%m-%d}"
        yield Hit(message, held.path, severity=None if over else Severity.INFO, secret=True)


@rule(
    "kubeconfig-exec-shell",
    title="Kubeconfig runs a shell to log in",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="Kubeconfig",
    why="A kubeconfig from elsewhere then runs any command, in one line that nobody reads, as soon as kubectl is used.",
    remediation="Name the login program itself as the command, with its arguments as a list.",
    controls="mitre-attack:T1059.004 mitre-attack:T1204.002",
    references=(_PLUGINS,),
)
def kubeconfig_exec_shell(config: Kubeconfig, ctx: Context) -> Hits:
    for i, named in numbered(config.users):
        plugin = named.user.exec
        if plugin is None:
            continue
        name = re.split(r"[/\\]", plugin.command.lower())[-1].removesuffix(".exe")
        words = [*plugin.args]
        if name == "env" and words:
            name = words[0].rpartition("/")[2]
        if name in _SHELLS:
            yield Hit(f"the user {named.name!r} logs in by {name}", ("users", i, "user", "exec", "command"))


@rule(
    "kubeconfig-exec-secret",
    title="Secret in the settings of a login program",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Kubeconfig",
    why="Whoever reads the file has the secret, which opens the account at the provider and not just this cluster; "
    "arguments are shown to every user of the machine.",
    remediation="Let the program take it from its own store or from the environment of whoever runs kubectl, and "
    "change the secret.",
    controls="mitre-attack:T1552.001 nsa-cisa:authentication",
    references=(_PLUGINS,),
)
def kubeconfig_exec_secret(config: Kubeconfig, ctx: Context) -> Hits:
    for i, named in numbered(config.users):
        plugin = named.user.exec
        if plugin is None:
            continue
        for j, variable in numbered(plugin.env):
            if re.search(_SECRET_NAME, variable.name) and not is_blank(variable.value):
                place: Path = ("users", i, "user", "exec", "env", j, "value")
                yield Hit(f"the user {named.name!r} has {variable.name} in the file", place, secret=True)
        words = dict(numbered(plugin.args))
        for j, word in words.items():
            found = re.match(_SECRET_OPTION, word)
            if found is None:
                continue
            value = found["value"] or words.get(j + 1, "")
            if not is_blank(value) and not value.startswith("-") and "/" not in value[:2]:
                told = word.partition("=")[0]
                at = j if found["value"] else j + 1
                place = ("users", i, "user", "exec", "args", at)
                yield Hit(f"the user {named.name!r} has {told} in the file", place, secret=True)


@rule(
    "kubeconfig-refresh-token",
    title="Refresh token or client secret in a kubeconfig",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Kubeconfig",
    why="Whoever copies it gets new tokens of the user, for this cluster and whatever else trusts the provider, until "
    "someone ends the session there.",
    remediation="Log in by an exec plugin that keeps tokens in the system's key store (kubelogin), and end the "
    "session.",
    controls="mitre-attack:T1528 mitre-attack:T1552.001 nsa-cisa:authentication",
    references=(_AUTHENTICATION,),
)
def kubeconfig_refresh_token(config: Kubeconfig, ctx: Context) -> Hits:
    for i, named in numbered(config.users):
        provider = named.user.auth_provider
        held = provider.get("config") if provider is not None else None
        if not isinstance(held, dict):
            continue
        for key in _PROVIDER_SECRETS:
            value = held.get(key)
            if isinstance(value, str) and not is_blank(value):
                path: Path = ("users", i, "user", "auth-provider", "config", key)
                yield Hit(f"the user {named.name!r} has a {key} in the file", path, secret=True)


@rule(
    "kubeconfig-proxy",
    title="Kubeconfig sends requests through a proxy",
    severity=Severity.INFO,
    scope=Scope.NETWORK,
    on="Kubeconfig",
    why="A kubeconfig from elsewhere can lead through a stranger's proxy, which sees when and where you connect and, "
    "where the server's certificate is not checked, everything.",
    remediation="Check that the proxy is yours; keep its password out of the file.",
    controls="mitre-attack:T1090",
    references=(_KUBECONFIG,),
    notes="A proxy on the machine itself passes. With a password in the address it is of medium severity, before a "
    "cluster whose certificate is not checked of high.",
)
def kubeconfig_proxy(config: Kubeconfig, ctx: Context) -> Hits:
    for i, named in numbered(config.clusters):
        scheme, mark, rest = named.cluster.proxy_url.partition("://")
        login, at, host = rest.partition("/")[0].rpartition("@")
        if not mark or (host.startswith(_LOOPBACK) and not at):
            continue
        severity = Severity.MEDIUM if ":" in login else None
        if named.cluster.insecure_skip_tls_verify:
            severity = Severity.HIGH
        path = ("clusters", i, "cluster", "proxy-url")
        message = f"the cluster {named.name!r} is reached through the {scheme} proxy {host}"
        yield Hit(message, path, severity=severity, secret=bool(at))


@rule(
    "kubeconfig-duplicate-name",
    title="Two entries of one name in a kubeconfig",
    severity=Severity.LOW,
    scope=Scope.MANIFEST,
    on="Kubeconfig",
    why="Clients take one of them and ignore the other: a command meant for one cluster reaches another, or as another "
    "user.",
    remediation="Rename or remove one of the entries.",
    references=(_KUBECONFIG,),
)
def kubeconfig_duplicate_name(config: Kubeconfig, ctx: Context) -> Hits:
    lists: tuple[tuple[str, tuple[NamedCluster | NamedUser | NamedContext, ...]], ...] = (
        ("clusters", config.clusters),
        ("users", config.users),
        ("contexts", config.contexts),
    )
    for kind, entries in lists:
        seen: Counter[str] = Counter()
        for i, named in numbered(entries):
            seen[named.name] += 1
            if seen[named.name] == 2:
                yield Hit(f"{kind} has {named.name!r} twice", (kind, i, "name"))
