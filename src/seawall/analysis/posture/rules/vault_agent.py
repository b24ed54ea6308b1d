"""Secrets of Vault that an injector puts into pods, told by annotations: HashiCorp's agent, and Bank-Vaults."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.model.credential_names import looks_like_credential
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import PodTemplate
    from seawall.model.rule import Context

_AGENT, _BANK = "vault.hashicorp.com/", "vault.security.banzaicloud.io/"
_ANNOTATIONS = "https://developer.hashicorp.com/vault/docs/platform/k8s/injector/annotations"
_SKIPS = (f"{_AGENT}tls-skip-verify", f"{_BANK}vault-skip-verify")
_SERVERS = (f"{_AGENT}service", f"{_BANK}vault-addr")
# Compiled when they are first used.
#: A token as Vault gives it out: service, batch and recovery tokens, and those of before 1.10.
_TOKEN = r"\b(?:hv[sbr]\.[A-Za-z0-9_-]{24,}|s\.[A-Za-z0-9]{24})(?![A-Za-z0-9_-])"  # noqa: S105 - a pattern
_LOCAL = r"(?i)http://(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|\Z)"


def _has_annotations(pod: PodTemplate) -> object:
    return any(name.startswith("vault.") for name in pod.metadata.annotations)


@rule(
    "vault-agent-unverified",
    title="Vault's certificate is not verified",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="pod",
    why="Whoever is on the way stands for Vault: he gets the pod's token, and decides which secrets the program is "
    "given.",
    remediation="Remove the annotation, and name the authority in vault.hashicorp.com/ca-cert and tls-secret.",
    controls="mitre-attack:T1557 nsa-cisa:secrets",
    references=(_ANNOTATIONS,),
    when=_has_annotations,
)
def vault_agent_unverified(pod: PodTemplate, ctx: Context) -> Hits:
    for name in _SKIPS:
        if pod.metadata.annotations.get(name, "").strip().lower() in ("true", "1", "t"):
            yield Hit("Vault's certificate is not verified", ("metadata", "annotations", name))


@rule(
    "vault-agent-plain-http",
    title="Secrets of Vault fetched in clear",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="pod",
    why="Whoever is on the way reads the secrets, and the token by which they are asked for.",
    remediation="Write the address with https.",
    controls="mitre-attack:T1040 nsa-cisa:secrets",
    references=(_ANNOTATIONS,),
    when=_has_annotations,
)
def vault_agent_plain_http(pod: PodTemplate, ctx: Context) -> Hits:
    for name in _SERVERS:
        address = pod.metadata.annotations.get(name, "").strip()
        if address.lower().startswith("http://") and not re.match(_LOCAL, address):
            yield Hit(f"secrets are fetched from {address}", ("metadata", "annotations", name))


@rule(
    "vault-agent-credential",
    title="Credential of Vault in an annotation",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="pod",
    why="Annotations are read by everyone who may list pods: whoever has the credential has all that Vault gives for "
    "it.",
    remediation="Let the agent log in by the pod's service account (vault.hashicorp.com/role), and revoke the "
    "credential.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    references=(_ANNOTATIONS,),
    notes="Told by the form of Vault's tokens, and by names of settings under auth-config-.",
    when=_has_annotations,
)
def vault_agent_credential(pod: PodTemplate, ctx: Context) -> Hits:
    for name, value in pod.metadata.annotations.items():
        if not name.startswith((_AGENT, _BANK)):
            continue
        setting = name.partition("auth-config-")[2]
        named = (setting == "secret-id" and value.strip()) or looks_like_credential(setting, value)
        if named or re.search(_TOKEN, value):
            message = f"the annotation {name} has a credential"
            yield Hit(message, ("metadata", "annotations", name), secret=True)


@rule(
    "vault-agent-token-file",
    title="Pod given its Vault token in a file",
    severity=Severity.INFO,
    scope=Scope.SECRET,
    on="pod",
    why="An attacker in the program asks Vault for everything that its role allows, not just for what was rendered.",
    remediation="Remove vault.hashicorp.com/agent-inject-token where the program does not speak to Vault itself.",
    controls="mitre-attack:T1528 nsa-cisa:secrets",
    references=(_ANNOTATIONS,),
    default=False,
    when=_has_annotations,
)
def vault_agent_token_file(pod: PodTemplate, ctx: Context) -> Hits:
    name = f"{_AGENT}agent-inject-token"
    if pod.metadata.annotations.get(name, "").strip().lower() in ("true", "1", "t"):
        yield Hit("the Vault token lies in a file of the pod", ("metadata", "annotations", name))
