"""Images as objects: what was found out about one, in the form that rules are given."""

from __future__ import annotations

from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import KubeObject, View


class ImageVulnerability(View, frozen=True):
    """A vulnerability of the image. ``packages`` are those that it is in, as people read them.

    ``declared`` marks one only in what lock files name, which need not be installed.
    """

    id: str = ""
    severity: Severity = Severity.MEDIUM
    summary: str = ""
    packages: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    exploited: bool = False
    disputed: bool = False
    declared: bool = False


class ImageSign(View, frozen=True):
    """A sign of malware or tampering in a file; ``rule`` is the id of the rule that tells it."""

    rule: str = ""
    path: str = ""
    says: str = ""
    severity: Severity = Severity.HIGH
    confidence: Confidence = Confidence.HIGH


class FoundSecret(View, frozen=True):
    """A secret that was found, without its value; ``says`` is where and what."""

    detector: str = ""
    says: str = ""
    severity: Severity = Severity.HIGH
    confidence: Confidence = Confidence.HIGH


class ImageOs(View, frozen=True):
    """The distribution; ``end_of_life`` is the day of its last fixes, where that is past."""

    name: str = ""
    end_of_life: str = ""


class ImageSigner(View, frozen=True):
    """A signer whom a trust policy asks for: ``trusted``, ``missing``, ``invalid`` or ``untrusted``, and why."""

    signer: str = ""
    state: str = ""
    reason: str = ""


class ImageAttestation(View, frozen=True):
    """An attestation that a trust policy asks for: ``kept``, ``missing``, ``invalid``, ``untrusted`` or ``broken``."""

    predicate: str = ""
    state: str = ""
    reason: str = ""


class ImageTrust(View, frozen=True):
    """What a trust policy says; ``registry``, ``base`` and ``age`` are what is wrong with them, or empty."""

    registry: str = ""
    base: str = ""
    age: str = ""
    signers: tuple[ImageSigner, ...] = ()
    attestations: tuple[ImageAttestation, ...] = ()


class ImageSpec(View, frozen=True):
    """What is known of an image."""

    os: ImageOs | None = None
    vulnerabilities: tuple[ImageVulnerability, ...] = ()
    signs: tuple[ImageSign, ...] = ()
    trust: ImageTrust | None = None
    secrets: tuple[FoundSecret, ...] = ()


class Image(KubeObject, frozen=True):
    """An image, by the digest in its name."""

    spec: ImageSpec = ImageSpec()
