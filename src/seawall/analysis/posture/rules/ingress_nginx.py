"""Annotations of ingresses that end up in the configuration of ingress-nginx."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.network import Ingress
    from seawall.model.paths import Path
    from seawall.model.rule import Context

_SNIPPETS = "https://github.com/kubernetes/kubernetes/issues/126811"
_CVE_2021 = "https://github.com/kubernetes/ingress-nginx/issues/7837"
_CVE_2025 = "https://kubernetes.io/blog/2025/03/24/ingress-nginx-cve-2025-1974/"
_PREFIX = "nginx.ingress.kubernetes.io/"

# The patterns are compiled when they are first used: most scans meet no such annotation.
_LUA = r"\blua_|_lua\b|_lua_|\bkubernetes\.io\b"
_ALIAS = r"\balias\b"
#: What has no place in an address or a name, but ends a statement of nginx's configuration or begins another.
_BREAKS_OUT = r"[\x00-\x1f\x7f;{}|\"'`<>\\]"
_URLS = tuple(_PREFIX + name for name in ("auth-url", "auth-signin", "mirror-target", "mirror-host"))
_MATCH_CN = f"{_PREFIX}auth-tls-match-cn"
_CN = r"CN=[^\x00-\x1f\x7f;{}\"'`#]+\Z"


def _snippets(ingress: Ingress) -> Iterator[tuple[Path, str, str]]:
    """Annotations whose values are put into nginx's configuration as they are."""
    for key, value in ingress.metadata.annotations.items():
        if "snippet" in key and "nginx" in key:
            yield ("metadata", "annotations", key), key.removeprefix(_PREFIX), value


@rule(
    "ingress-nginx-snippet",
    title="Ingress adds to nginx's configuration",
    severity=Severity.MEDIUM,
    scope=Scope.INGRESS,
    on="Ingress",
    why="What a snippet holds runs in the controller: whoever may write ingresses reads its token, which gets the "
    "Secrets of every namespace (CVE-2021-25742).",
    remediation="Remove the snippet, use an annotation made for the purpose, and set allow-snippet-annotations to "
    "false at the controller.",
    controls="mitre-attack:T1190 nsa-cisa:ingress",
    aliases="CKV_K8S_153 C-0059 kyverno:disallow-ingress-nginx-custom-snippets",
    references=(_CVE_2021,),
)
def ingress_nginx_snippet(ingress: Ingress, ctx: Context) -> Hits:
    for path, name, _ in _snippets(ingress):
        yield Hit(f"{name} adds to nginx's configuration", path)


@rule(
    "ingress-nginx-snippet-lua",
    title="Ingress runs code in nginx",
    severity=Severity.HIGH,
    scope=Scope.INGRESS,
    on="Ingress",
    why="The snippet runs Lua in the controller, or names the path of its token: this is how the token, which gets the "
    "Secrets of every namespace, is stolen (CVE-2021-25742).",
    remediation="Remove the snippet, and look at who wrote it.",
    controls="mitre-attack:T1190 nsa-cisa:ingress",
    aliases="CKV_K8S_152 C-0059 kyverno:disallow-ingress-nginx-custom-snippets",
    references=(_CVE_2021,),
)
def ingress_nginx_snippet_lua(ingress: Ingress, ctx: Context) -> Hits:
    for path, name, value in _snippets(ingress):
        if re.search(_LUA, value):
            yield Hit(f"{name} runs code or names the controller's token", path)


@rule(
    "ingress-nginx-snippet-alias",
    title="Ingress serves files of the controller",
    severity=Severity.HIGH,
    scope=Scope.INGRESS,
    on="Ingress",
    why="alias makes nginx hand out files of the controller, its token among them, which gets the Secrets of every "
    "namespace (CVE-2021-25742).",
    remediation="Remove the snippet, and look at who wrote it.",
    controls="mitre-attack:T1190 nsa-cisa:ingress",
    aliases="CKV_K8S_154 C-0059 kyverno:disallow-ingress-nginx-custom-snippets",
    references=(_CVE_2021,),
)
def ingress_nginx_snippet_alias(ingress: Ingress, ctx: Context) -> Hits:
    for path, name, value in _snippets(ingress):
        if re.search(_ALIAS, value):
            yield Hit(f"{name} serves files of the controller", path)


@rule(
    "ingress-nginx-injection",
    title="Annotation breaks out into nginx's configuration",
    severity=Severity.CRITICAL,
    scope=Scope.INGRESS,
    on="Ingress",
    why="Controllers without the fixes of March 2025 write the value into their configuration as it is: what follows "
    "runs in the controller, which gets the Secrets of every namespace (CVE-2025-1097, -1098, -24514).",
    remediation="Write a plain address or CN=name, look at who wrote this one, and update ingress-nginx.",
    controls="mitre-attack:T1190 nsa-cisa:ingress",
    aliases="KCV-0093 C-0059 kyverno:restrict-annotations",
    references=(_CVE_2025, _SNIPPETS),
    notes="auth-url, auth-signin, mirror-target, mirror-host and auth-tls-match-cn are judged.",
)
def ingress_nginx_injection(ingress: Ingress, ctx: Context) -> Hits:
    annotations = ingress.metadata.annotations
    for key in _URLS:
        if re.search(_BREAKS_OUT, annotations.get(key, "").strip()):
            yield _breaks_out(key)
    if not re.match(_CN, annotations.get(_MATCH_CN, "CN=absent").strip()):
        yield _breaks_out(_MATCH_CN)


def _breaks_out(key: str) -> Hit:
    message = f"{key.removeprefix(_PREFIX)} holds characters that end a statement of nginx's configuration"
    return Hit(message, ("metadata", "annotations", key))


@rule(
    "ingress-nginx-loose-match",
    title="Client certificates of other names are let in",
    severity=Severity.MEDIUM,
    scope=Scope.INGRESS,
    on="Ingress",
    why="The value is a regular expression: of CN=shop|cart the second half stands without CN=, and matches every "
    "certificate that has cart anywhere in its subject.",
    remediation="Put the names in brackets: CN=(shop|cart)$.",
    controls="mitre-attack:T1190 nsa-cisa:ingress",
    aliases="KCV-0093",
    references=("https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/",),
    notes="Judged for auth-tls-match-cn.",
)
def ingress_nginx_loose_match(ingress: Ingress, ctx: Context) -> Hits:
    value = ingress.metadata.annotations.get(_MATCH_CN, "")
    if "|" in value and _has_loose_alternative(value):
        yield Hit("auth-tls-match-cn has an alternative without CN=", ("metadata", "annotations", _MATCH_CN))


def _has_loose_alternative(pattern: str) -> bool:
    """Whether a regular expression has a ``|`` outside every group and class."""
    depth, in_class, escaped = 0, False, False
    for character in pattern:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "|" and depth <= 0:
            return True
    return False
