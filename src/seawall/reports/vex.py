"""VEX out: what a result says of each vulnerability, as OpenVEX and as CycloneDX."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

import msgspec

from seawall import __version__
from seawall.model.finding import Finding, FindingStatus, PackageEvidence

if TYPE_CHECKING:
    from seawall.engine import ScanResult

#: The justifications that OpenVEX knows (github.com/openvex/spec), as a waiver's reason spells them.
_JUSTIFICATIONS = (
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
)
_CYCLONEDX = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "vulnerable_code_cannot_be_controlled_by_adversary": "requires_environment",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}
_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})\Z")


def openvex(result: ScanResult, now: datetime | None = None) -> bytes:
    """An OpenVEX 0.2.0 document of the vulnerabilities of a result."""
    time = _time(now)
    statements = [_statement(finding, packages) for finding, packages in _vulnerabilities(result)]
    body = msgspec.json.encode(statements)
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": f"https://openvex.dev/docs/public/vex-{blake2b(body, digest_size=32).hexdigest()}",
        "author": f"seawall {__version__}",
        "timestamp": time,
        "version": 1,
        "statements": statements,
    }
    return msgspec.json.encode(document) + b"\n"


def _vulnerabilities(result: ScanResult) -> Iterator[tuple[Finding, list[PackageEvidence]]]:
    for finding in result.findings:
        packages = [each for each in finding.evidence if isinstance(each, PackageEvidence)]
        if packages:
            yield finding, packages


def _statement(finding: Finding, packages: list[PackageEvidence]) -> dict[str, Any]:
    first, *aliases = packages[0].vulnerabilities
    product = {"@id": image_purl(finding.resource.name), "subcomponents": [{"@id": each.purl} for each in packages]}
    made: dict[str, Any] = {"vulnerability": {"name": first, "aliases": aliases}, "products": [product]}
    status, reason = _status(finding)
    made["status"] = status
    if status == "not_affected":
        justification = _justification(reason)
        if justification:
            made["justification"] = justification
        made["impact_statement"] = reason
    elif status == "affected":
        made["action_statement"] = _action(packages)
    return made


def _status(finding: Finding) -> tuple[str, str]:
    """The status, and why. A waiver that only accepts the risk leaves it affected."""
    reason = finding.waiver.reason if finding.waiver is not None else ""
    if finding.status is FindingStatus.FIXED or reason.startswith("fixed"):
        return "fixed", reason
    if finding.status is FindingStatus.WAIVED and reason.startswith("not affected"):
        return "not_affected", reason
    return ("under_investigation" if "(VEX: under investigation)" in finding.message else "affected"), reason


def _justification(reason: str) -> str:
    text = reason.replace(" ", "_")
    return next((each for each in _JUSTIFICATIONS if each in text), "")


def _action(packages: list[PackageEvidence]) -> str:
    steps = [f"upgrade {each.name} to {each.fixed[0]}" for each in packages if each.fixed]
    return "; ".join(steps) if steps else "no fixed version is known"


def image_purl(name: str) -> str:
    """The package URL of an image by its name with a digest; of anything else the name itself."""
    match = _DIGEST.search(name)
    if match is None:
        return name
    repository = name[: match.start()]
    last = repository.rpartition("/")[2].lower()
    return f"pkg:oci/{quote(last)}@{quote(match[1])}?repository_url={quote(repository, safe='/:')}"


def cyclonedx(result: ScanResult, now: datetime | None = None) -> bytes:
    """A CycloneDX 1.6 document with the vulnerabilities of a result and their analysis."""
    components: dict[str, dict[str, Any]] = {}
    vulnerabilities = []
    for finding, packages in _vulnerabilities(result):
        for each in packages:
            made = {"type": "library", "bom-ref": each.purl, "name": each.name, "version": each.version}
            components[each.purl] = {**made, "purl": each.purl}
        vulnerabilities.append(_vulnerability(finding, packages))
    body = {"components": list(components.values()), "vulnerabilities": vulnerabilities}
    serial = UUID(bytes=blake2b(msgspec.json.encode(body), digest_size=16).digest(), version=4)
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": _time(now),
            "tools": {"components": [{"type": "application", "name": "seawall", "version": __version__}]},
        },
        **body,
    }
    return msgspec.json.encode(document) + b"\n"


_STATES = {
    "fixed": "resolved",
    "not_affected": "not_affected",
    "affected": "exploitable",
    "under_investigation": "in_triage",
}


def _vulnerability(finding: Finding, packages: list[PackageEvidence]) -> dict[str, Any]:
    first, *aliases = packages[0].vulnerabilities
    status, reason = _status(finding)
    analysis: dict[str, Any] = {"state": _STATES[status], "detail": reason or _action(packages)}
    justification = _CYCLONEDX.get(_justification(reason), "")
    if status == "not_affected" and justification:
        analysis["justification"] = justification
    made: dict[str, Any] = {
        "bom-ref": finding.fingerprint,
        "id": first,
        "references": [{"id": alias, "source": {"name": alias.partition("-")[0]}} for alias in aliases],
        "ratings": [{"severity": str(finding.severity)}],
        "description": finding.message,
        "analysis": analysis,
        "affects": [{"ref": each.purl} for each in packages],
    }
    if packages[0].cvss is not None:
        version = packages[0].cvss_vector[5:8] if packages[0].cvss_vector.startswith("CVSS:") else "2.0"
        method = {"4.0": "CVSSv4", "3.1": "CVSSv31", "3.0": "CVSSv3"}.get(version, "CVSSv2")
        rating = {"score": packages[0].cvss, "method": method, "vector": packages[0].cvss_vector}
        made["ratings"] = [{**rating, "severity": str(finding.severity)}]
    return made


def _time(now: datetime | None) -> str:
    return (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
