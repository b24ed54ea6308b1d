"""Manifests that SOPS encrypted, the keys that open them, and Flux, which decrypts them."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from seawall.analysis.posture.secret_values import SOPS_VALUE, encrypted_by_sops, plain_values
from seawall.model.finding import Confidence, RelatedEvidence, Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.config import Secret
    from seawall.model.kube.gitops import FluxApply, FluxApplySpec
    from seawall.model.paths import Path
    from seawall.model.resource import Inventory, Resource
    from seawall.model.rule import Context

_SOPS = "https://getsops.io/docs/"
_FLUX = "https://fluxcd.io/flux/guides/mozilla-sops/"
_SEALING_LABEL = "sealedsecrets.bitnami.com/sealed-secrets-key"
# Compiled when they are first used.
_OPENING_KEY = r"AGE-SECRET-KEY-1[0-9A-Z]{20}|-----BEGIN PGP PRIVATE KEY BLOCK-----"
#: The patterns that are followed: words, with ^ $ ( ) and | around them. Others might take forever to match.
_SIMPLE = r"\^?\(?([\w|-]+)\)?\$?"
_RECIPIENTS = ("age", "kms", "gcp_kms", "azure_kv", "hc_vault", "key_groups")


@rule(
    "sops-value-in-clear",
    title="Value in clear in a Secret that SOPS encrypted",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="Secret",
    why="The file counts as encrypted, and nobody looks: everyone who can read it or its history has the value.",
    remediation="Let encrypted_regex be ^(data|stringData)$, encrypt the file anew with `sops --encrypt --in-place`, "
    "and replace the value.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    references=(_SOPS,),
    notes="Placeholders, and certificates without a key, pass.",
    manifests_only=True,
)
def sops_value_in_clear(secret: Secret, ctx: Context) -> Hits:
    raw = ctx.resource.raw
    sops = encrypted_by_sops(raw)
    if sops is not None:
        for value in plain_values(raw):
            left = _left_out(sops, value.path)
            why = f", as {left} has it" if left else ""
            yield Hit(f"the value of {value.path[-1]!r} is not encrypted{why}", value.path, secret=True)


def _left_out(sops: dict[str, Any], path: Path) -> str:
    """The setting by which SOPS leaves a value in clear; empty where none does, or none that can be followed."""
    steps = [str(step) for step in path]
    for name, leaves_out in (("unencrypted_suffix", True), ("encrypted_suffix", False)):
        suffix = sops.get(name)
        if isinstance(suffix, str) and suffix and any(step.endswith(suffix) for step in steps) == leaves_out:
            return name
    for name, leaves_out in (("unencrypted_regex", True), ("encrypted_regex", False)):
        pattern = sops.get(name)
        simple = re.fullmatch(_SIMPLE, pattern) if isinstance(pattern, str) and len(pattern) < 200 else None
        if simple is not None and any(re.search(str(pattern), step) for step in steps) == leaves_out:
            return name
    return ""


@rule(
    "sops-no-mac",
    title="SOPS file without its mark of integrity",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="object",
    why="Whoever may write the file swaps values, or leaves some out, and nobody notices; people then decrypt with "
    "--ignore-mac.",
    remediation="Encrypt the file anew with `sops --encrypt --in-place`.",
    controls="nsa-cisa:secrets",
    references=(_SOPS,),
    manifests_only=True,
)
def sops_no_mac(resource: Resource, ctx: Context) -> Hits:
    sops = encrypted_by_sops(resource.raw)
    mac = sops.get("mac") if sops is not None else None
    if sops is not None and not (isinstance(mac, str) and mac.startswith(SOPS_VALUE)):
        yield Hit("the file has no mac", ("sops", "mac"))


@rule(
    "sops-pgp-only",
    title="SOPS file encrypted with PGP alone",
    severity=Severity.INFO,
    scope=Scope.SECRET,
    on="object",
    why="PGP keys lie on people's disks for years: a stolen laptop, or someone who left, opens every version of the "
    "file.",
    remediation="Use a key service (KMS), or age, which SOPS recommends over PGP.",
    controls="nsa-cisa:secrets",
    references=(f"{_SOPS}#encrypting-using-age",),
    default=False,
    manifests_only=True,
)
def sops_pgp_only(resource: Resource, ctx: Context) -> Hits:
    sops = encrypted_by_sops(resource.raw)
    if sops is not None and sops.get("pgp") and not any(sops.get(name) for name in _RECIPIENTS):
        yield Hit("the file is encrypted with PGP alone", ("sops", "pgp"))


@rule(
    "decryption-key-in-manifest",
    title="Key that opens a repository's encrypted Secrets",
    severity=Severity.CRITICAL,
    scope=Scope.SECRET,
    on="Secret",
    why="Everyone who can read the file or its history opens every Secret that was encrypted for the key, old ones "
    "too.",
    remediation="Make a new key, keep it out of the repository, encrypt everything anew, and replace every value that "
    "the old key opens.",
    controls="mitre-attack:T1552.004 nsa-cisa:secrets",
    references=(_FLUX, "https://github.com/bitnami-labs/sealed-secrets#how-can-i-do-a-backup-of-my-sealedsecrets"),
    notes="Secret keys of age and PGP, and the sealing keys of Sealed Secrets.",
    manifests_only=True,
)
def decryption_key_in_manifest(secret: Secret, ctx: Context) -> Hits:
    is_sealing = _SEALING_LABEL in secret.metadata.labels
    for value in plain_values(ctx.resource.raw):
        if (is_sealing and value.path[-1] == "tls.key") or re.search(_OPENING_KEY, value.text or ""):
            message = f"the value of {value.path[-1]!r} opens what was encrypted"
            yield Hit(message, value.path, secret=True)


@rule(
    "flux-sops-undecrypted",
    title="Flux applies encrypted Secrets without decrypting them",
    severity=Severity.LOW,
    scope=Scope.GITOPS,
    on="inventory",
    why="The programs are given the encrypted text and do not start; the usual way out in a hurry is the value in "
    "clear.",
    remediation="Set spec.decryption with the provider sops and the Secret of the key.",
    controls="nsa-cisa:secrets",
    references=(_FLUX,),
    notes="Judged where the files under spec.path are among what is scanned; of one that applies the whole repository, "
    "where it is the only one.",
    manifests_only=True,
)
def flux_sops_undecrypted(inventory: Inventory, ctx: Context) -> Hits:
    everything = inventory.of_kind("FluxKustomization")
    waiting = [each for each in everything if not _view(each).decryption]
    if not waiting:
        return
    encrypted = [each for each in inventory.of_kind("Secret") if not each.live and encrypted_by_sops(each.raw)]
    for resource in waiting:
        folder = _folder(resource)
        if not folder and len(everything) > 1:
            continue
        found = next((each for each in encrypted if folder in f"/{each.origin.file}"), None)
        if found is not None:
            evidence = (RelatedEvidence(found.ref, "encrypted by SOPS"),)
            message = f"{found.ref} is encrypted, and spec.decryption is not set"
            sure = Confidence.MEDIUM if folder else Confidence.LOW
            yield Hit(message, "spec.decryption", resource=resource, confidence=sure, evidence=evidence)


def _view(resource: Resource) -> FluxApplySpec:
    view: FluxApply = resource.view  # type: ignore[assignment]
    return view.spec


def _folder(resource: Resource) -> str:
    """The folder that a Kustomization of Flux applies, as a part of paths; empty for the root of its repository."""
    folder = posixpath.normpath(_view(resource).path or ".").strip("/")
    return "" if folder == "." else f"/{folder}/"
