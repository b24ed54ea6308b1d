"""OSV documents (ossf.github.io/osv-schema), as JSON and as YAML."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from seawall.model.advisories import Advisory, Affected, Cvss, Entry, Event, ecosystem_key, package_key
from seawall.sources.advisories.cvss import score_all
from seawall.sources.advisories.problem import AdvisoryProblem, decode_json

_MAX_SUMMARY = 300
_MAX_REFERENCES = 8
_MAX_DEPTH = 32
_MAX_EVENTS = 4_000_000

#: Errata: one document for several vulnerabilities.
_BUNDLES = re.compile(
    r"(?:RH[SBE]A|AL[SBE]A|RLSA|RXSA|ELSA|ALAS[0-9]*|DSA|DLA|USN|SUSE-[A-Z]+|openSUSE-[A-Z]+|MGASA|openEuler-SA|"
    r"PHSA|ALINUX)-"
)
#: One entry a vulnerability, about a CVE upstream.
_MIRRORED = re.compile(r"(?:DEBIAN|UBUNTU|ALPINE|BELL|ALPAQUITA|ECHO|MINI|AZL|OESA|CLEANSTART|DHI|CGA)-")
#: Packages that were made to do harm (the OpenSSF's malicious-packages).
_MALICIOUS = "MAL-"
_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]+")
_WORDS = {
    "critical": "critical",
    "important": "high",
    "high": "high",
    "moderate": "medium",
    "medium": "medium",
    "low": "low",
    "negligible": "info",
    "untriaged": "",
}
#: Not even a tie to a package, or to a kind of package that nothing here knows.
WITHDRAWN, GIT_ONLY, NO_PACKAGE = "withdrawn", "only ranges of git commits", "no package"


class _Event(Struct):
    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class _Range(Struct):
    type: str = ""
    events: list[_Event] = []


class _Package(Struct):
    name: str = ""
    ecosystem: str = ""


class _Severity(Struct):
    type: str = ""
    score: str = ""


class _Affected(Struct):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    severity: list[_Severity] | None = None
    ecosystem_specific: Any = None
    database_specific: Any = None


class _Reference(Struct):
    url: str = ""


class _Document(Struct):
    id: str
    modified: str = ""
    published: str | None = None
    withdrawn: str | None = None
    aliases: list[str] | None = None
    related: list[str] | None = None
    upstream: list[str] | None = None
    summary: str | None = None
    details: str | None = None
    severity: list[_Severity] | None = None
    affected: list[_Affected] | None = None
    references: list[_Reference] | None = None
    database_specific: Any = None


def parse_osv(data: bytes, name: str) -> Entry | str:
    """One advisory from JSON, or the reason why it says nothing about packages.

    Raises:
        AdvisoryProblem: it is no OSV document.
    """
    return _entry(decode_json(data, _Document, name))


def parse_osv_yaml(data: bytes, name: str) -> Entry | str:
    """As :func:`parse_osv`, from YAML. Every plain scalar is text: ``1.10`` is a version and no number.

    Raises:
        AdvisoryProblem: it is no OSV document, or uses aliases.
    """
    try:
        return _entry(msgspec.convert(_read_yaml(data, name), _Document, strict=False))
    except msgspec.ValidationError as error:
        raise AdvisoryProblem(f"{name}: {error}") from error


def _read_yaml(data: bytes, name: str) -> Any:
    holders: list[Any] = []
    keys: list[Any] = []
    result: Any = None
    try:
        for count, event in enumerate(yaml.parse(data.decode(), Loader=yaml.CSafeLoader)):
            if count > _MAX_EVENTS or len(holders) > _MAX_DEPTH:
                raise AdvisoryProblem(f"{name} is too large or too deep")
            if isinstance(event, yaml.AliasEvent):
                raise AdvisoryProblem(f"{name}: aliases are not read in advisories")
            if isinstance(event, yaml.CollectionEndEvent):
                value = holders.pop()
                keys.pop()
            elif isinstance(event, yaml.ScalarEvent):
                value = None if event.implicit[0] and event.value in ("", "~", "null") else event.value
            elif isinstance(event, yaml.CollectionStartEvent):
                holders.append({} if isinstance(event, yaml.MappingStartEvent) else [])
                keys.append(None)
                continue
            else:
                continue
            if not holders:
                result = value
            elif isinstance(holders[-1], list):
                holders[-1].append(value)
            elif keys[-1] is None:
                keys[-1] = value if isinstance(value, str) else ""
            else:
                holders[-1][keys[-1]] = value
                keys[-1] = None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AdvisoryProblem(f"{name}: {' '.join(str(error).split())[:200]}") from error
    return result


def _entry(document: _Document) -> Entry | str:
    if document.withdrawn:
        return WITHDRAWN
    affected = []
    reasons = set()
    for each in document.affected or ():
        made = _affected(document.id, each)
        if isinstance(made, str):
            reasons.add(made)
        else:
            affected.append(made)
    if not affected:
        return min(reasons, default=NO_PACKAGE)
    return Entry(_advisory(document), tuple(affected))


def _advisory(document: _Document) -> Advisory:
    names = list(document.aliases or ())
    cves: list[str] = []
    if _BUNDLES.match(document.id):
        names += document.upstream or ()
        cves = [each for each in (*names, *(document.related or ())) if _CVE.fullmatch(each)]
    elif _MIRRORED.match(document.id):
        names += document.upstream or ()
    if match := _CVE.search(document.id):
        names.append(match[0])
    details = document.details or ""
    summary = document.summary or details.strip().split("\n", 1)[0]
    specific = document.database_specific if isinstance(document.database_specific, dict) else {}
    return Advisory(
        id=document.id,
        source="osv",
        names=tuple(dict.fromkeys(each for each in cves or names if each != document.id)),
        bundle=bool(cves),
        summary=_cut(summary),
        severity="critical"
        if document.id.startswith(_MALICIOUS)
        else _word(document.severity) or _specific_word(specific),
        cvss=_scores(document.severity),
        published=document.published or "",
        modified=document.modified,
        disputed="DISPUTED **" in details[:200].upper() or specific.get("isDisputed") in (True, "true"),
        references=tuple(each.url for each in (document.references or ())[:_MAX_REFERENCES] if each.url),
        weaknesses=_texts(specific.get("cwe_ids")),
    )


def _affected(advisory: str, each: _Affected) -> tuple[str, str, Affected] | str:
    package = each.package
    if package is None or not package.name or not package.ecosystem:
        git = any(one.type == "GIT" for one in each.ranges or ())
        return GIT_ONLY if git else NO_PACKAGE
    ecosystem = ecosystem_key(package.ecosystem)
    ranges = tuple(_events(one) for one in each.ranges or () if one.type != "GIT" and one.events)
    versions = tuple(each.versions or ())
    if not ranges and not versions:
        if each.ranges:
            return GIT_ONLY
        ranges = ((("introduced", "0"),),)
    own = each.ecosystem_specific if isinstance(each.ecosystem_specific, dict) else {}
    base = ecosystem.partition(":")[0]
    severity = _word(each.severity) or _WORDS.get(_text(own.get("urgency") or own.get("severity")).lower(), "")
    return (
        ecosystem,
        package_key(base, package.name),
        Affected(
            advisory, "osv", ranges, versions, severity=severity, module=_module(own), cvss=_scores(each.severity)
        ),
    )


def _events(one: _Range) -> tuple[Event, ...]:
    events: list[Event] = []
    for event in one.events:
        for kind, version in (
            ("introduced", event.introduced),
            ("fixed", event.fixed),
            ("last_affected", event.last_affected),
            ("limit", event.limit),
        ):
            if version is not None:
                events.append((kind, version))
    return tuple(events)


def _module(own: dict[str, Any]) -> str:
    module = own.get("module") or own.get("rpmmod")
    return module if isinstance(module, str) else ""


def _scores(severities: list[_Severity] | None) -> tuple[Cvss, ...]:
    return score_all([each.score for each in severities or () if each.type.startswith("CVSS")])


def _word(severities: list[_Severity] | None) -> str:
    for each in severities or ():
        if not each.type.startswith("CVSS"):
            return _WORDS.get(each.score.lower(), "")
    return ""


def _specific_word(specific: dict[str, Any]) -> str:
    return _WORDS.get(_text(specific.get("severity")).lower(), "")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_SUMMARY else f"{line[:_MAX_SUMMARY]}..."
