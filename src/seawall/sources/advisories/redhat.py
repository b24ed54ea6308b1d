"""Red Hat's VEX (CSAF 2.0, one document a CVE): what is fixed where, what will not be, and what is not affected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from seawall.model.advisories import Advisory, Affected, Entry
from seawall.sources.advisories.cvss import score_all
from seawall.sources.advisories.problem import decode_json
from seawall.sources.csaf import CsafDocument, CsafVulnerability, Products

_CPE = re.compile(r"cpe:/[ao]:redhat:enterprise_linux:([0-9]+)(?:\.[0-9]+)?(?:::.*)?$")
_PURL = re.compile(r"pkg:(?P<type>rpm|rpmmod)/redhat/(?P<name>[^@?]+)(?:@(?P<version>[^?]+))?(?:\?(?P<query>.*))?$")
_WORDS = {"critical": "critical", "important": "high", "moderate": "medium", "low": "low"}
_MAX_SUMMARY = 300


def parse_redhat_vex(data: bytes, name: str) -> Entry | str:
    """What is said of the releases of Red Hat Enterprise Linux, or the reason why nothing is.

    Raises:
        AdvisoryProblem: it is no CSAF document.
    """
    document = decode_json(data, CsafDocument, name)
    vulnerabilities = document.vulnerabilities or []
    if len(vulnerabilities) != 1 or not vulnerabilities[0].cve:
        return "not about one CVE"
    vulnerability = vulnerabilities[0]
    header = document.document
    advisory = Advisory(
        id=f"redhat/{vulnerability.cve}",
        source="redhat",
        names=(vulnerability.cve,),
        summary=(vulnerability.title or header.title)[:_MAX_SUMMARY],
        severity=_WORDS.get(header.aggregate_severity.text.lower() if header.aggregate_severity else "", ""),
        cvss=score_all([vector for score in vulnerability.scores or () for vector in score.vectors()]),
        published=header.tracking.initial_release_date,
        modified=header.tracking.current_release_date,
        references=(f"https://access.redhat.com/security/cve/{vulnerability.cve}",),
    )
    affected = tuple(dict.fromkeys(_affected(advisory.id, vulnerability, Products(document.product_tree))))
    return Entry(advisory, affected) if affected else "not about Red Hat Enterprise Linux"


def _affected(
    advisory: str, vulnerability: CsafVulnerability, products: Products
) -> Iterator[tuple[str, str, Affected]]:
    statuses = vulnerability.product_status or {}
    severities = {
        product: _WORDS.get(threat.details.lower(), "")
        for threat in vulnerability.threats or ()
        if threat.category == "impact"
        for product in threat.product_ids or ()
    }
    unfixed = {
        product: _state(remedy.category, remedy.details)
        for remedy in vulnerability.remediations or ()
        if remedy.category in ("no_fix_planned", "none_available")
        for product in remedy.product_ids or ()
    }
    for status in ("fixed", "known_affected", "under_investigation", "known_not_affected"):
        for product_id in statuses.get(status, ()):
            where = _where(product_id, products)
            if where is None:
                continue
            ecosystem, package, version, module = where
            severity = severities.get(product_id, "")
            if status == "fixed":
                if not version:
                    continue
                ranges = ((("introduced", "0"), ("fixed", version)),)
                yield ecosystem, package, Affected(advisory, "redhat", ranges, severity=severity, module=module)
            elif status == "known_not_affected":
                yield ecosystem, package, Affected(advisory, "redhat", state="not-affected", module=module)
            else:
                state = "under-investigation" if status == "under_investigation" else unfixed.get(product_id, "")
                ranges_all = ((("introduced", "0"),),)
                yield (
                    ecosystem,
                    package,
                    Affected(advisory, "redhat", ranges_all, state=state, severity=severity, module=module),
                )


def _state(category: str, details: str) -> str:
    text = details.lower()
    if "out of support" in text:
        return "end-of-life"
    if "deferred" in text:
        return "deferred"
    return "ignored" if category == "no_fix_planned" or "will not fix" in text else ""


def _where(product_id: str, products: Products) -> tuple[str, str, str, str] | None:
    """Ecosystem, package, version (epoch:version-release, empty where none is named) and module of a product."""
    part, whole = products.parts.get(product_id, ("", ""))
    release = _CPE.match(products.cpe(whole))
    # A package of a module is a part of the module, and that a part of the release.
    module = ""
    if release is None and whole in products.parts:
        module_id, platform = products.parts[whole]
        release = _CPE.match(products.cpe(platform))
        module = _module(products.purl(module_id))
    package = _PURL.match(products.purl(part))
    if release is None or package is None or package["type"] != "rpm":
        return None
    query = dict(pair.partition("=")[::2] for pair in (package["query"] or "").split("&"))
    if query.get("arch") == "src" and package["version"] is not None:
        return None  # installed are the binary packages, which are named beside it
    if "rpmmod" in query:
        module = ":".join(unquote(query["rpmmod"]).split(":")[:2])
    version = unquote(package["version"] or "")
    epoch = query.get("epoch", "0")
    if version and ":" not in version and epoch != "0":
        version = f"{epoch}:{version}"
    return f"Red Hat:{release[1]}", unquote(package["name"]), version, module


def _module(purl: str) -> str:
    match = _PURL.match(purl)
    if match is None or match["type"] != "rpmmod":
        return ""
    stream = unquote(match["version"] or "").partition(":")[0]
    return f"{unquote(match['name'])}:{stream}" if stream else unquote(match["name"])
