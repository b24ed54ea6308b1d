"""Taking over the exceptions of other tools, and saying what could not be.

Read are Trivy's ``.trivyignore`` and ``.trivyignore.yaml``, Checkov's baseline and configuration, and Kubescape's
exceptions. Nothing is widened: what has a condition that no selector has is left out and told.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

from seawall.engine.config import ConfigError, read_text
from seawall.findings.selecting import Selector
from seawall.findings.waivers import WaiverEntry
from seawall.model.rule import Registry

_MAX_BYTES = 64 * 1024 * 1024
_EXPIRY = re.compile(r"exp:(\S+)")
_VULNERABILITY = re.compile(r"(CVE|GHSA|DLA|DSA|USN|RHSA|ALAS|TEMP|GO|PYSEC|RUSTSEC|NSWG|OSV)-", re.I)


class Imported(Struct):
    """What was taken over, and a line for each thing that was not."""

    form: str
    entries: list[WaiverEntry] = []
    lost: list[str] = []


FORMS = ("trivyignore", "trivyignore-yaml", "checkov-baseline", "checkov-config", "kubescape")


def import_waivers(registry: Registry, file: str, form: str | None = None) -> Imported:
    """Read a file of exceptions; ``form`` is told by its name or content where it is None.

    Raises:
        ConfigError: it cannot be read, or is of no form that is known.
    """
    chosen = form or _form_of(file)
    reader: Callable[[Registry, str, Imported], None] = {
        "trivyignore": _trivyignore,
        "trivyignore-yaml": _trivyignore_yaml,
        "checkov-baseline": _checkov_baseline,
        "checkov-config": _checkov_config,
        "kubescape": _kubescape,
    }[chosen]
    imported = Imported(chosen)
    reader(registry, file, imported)
    return imported


def _form_of(file: str) -> str:
    name = os.path.basename(file)
    if name == ".trivyignore":
        return "trivyignore"
    if name.startswith(".trivyignore"):
        return "trivyignore-yaml"
    if name.endswith(".baseline"):
        return "checkov-baseline"
    if "checkov" in name:
        return "checkov-config"
    if name.endswith(".json") and isinstance(_json(file), list):
        return "kubescape"
    raise ConfigError(f"{file}: cannot tell which tool's file this is; say --from {'|'.join(FORMS)}")


def _bytes(file: str) -> bytes:
    try:
        with open(file, "rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise ConfigError(f"{file} is larger than {_MAX_BYTES >> 20} MiB")
    return data


def _json(file: str) -> Any:
    try:
        return json.loads(_bytes(file))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file} is no JSON: {error}") from error


def _known(registry: Registry, name: str, place: str, imported: Imported) -> bool:
    if registry.find(name):
        return True
    kind = "a vulnerability of an image" if _VULNERABILITY.match(name) else "no rule and no alias of one here"
    imported.lost.append(f"{place}: {name} is {kind}")
    return False


def _trivyignore(registry: Registry, file: str, imported: Imported) -> None:
    comment: list[str] = []
    for number, raw in enumerate(_bytes(file).decode("utf-8", "replace").splitlines(), 1):
        line = raw.strip()
        place = f"{file}:{number}"
        if not line or line.startswith("#"):
            comment = [*comment, line.lstrip("# ")] if line else []
            continue
        name, *rest = line.partition(" #")[0].split()
        reason = " ".join(filter(None, comment)) or f"taken over from {file}"
        expires = None
        for word in rest:
            match = _EXPIRY.fullmatch(word)
            expires = _date(match[1]) if match else None
            if expires is None:
                imported.lost.append(f"{place}: {word!r} is not understood; {name} was left out")
                break
        else:
            if _known(registry, name, place, imported):
                imported.entries.append(WaiverEntry(name, reason, expires=expires))
        comment = []


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _trivyignore_yaml(registry: Registry, file: str, imported: Imported) -> None:
    text = read_text(file)
    for section, items in (text.value if text is not None else {}).items():
        for index, item in enumerate(items if isinstance(items, list) else []):
            place = text.place((section, index)) if text is not None else file
            if not isinstance(item, dict) or "id" not in item:
                imported.lost.append(f"{place}: has no `id`")
            elif section == "misconfigurations":
                _trivy_item(registry, item, file, place, imported)
            else:
                imported.lost.append(f"{place}: {item['id']} is one of the {section}; only misconfigurations are taken")


class _TrivyItem(Struct, forbid_unknown_fields=True):
    id: str
    paths: list[str] = []
    statement: str = ""
    expired_at: date | None = None


def _trivy_item(registry: Registry, item: dict[str, Any], file: str, place: str, imported: Imported) -> None:
    try:
        read = msgspec.convert(item, _TrivyItem)
    except msgspec.ValidationError as error:
        imported.lost.append(f"{place}: {item['id']} has no equal here: {error}")
        return
    if _known(registry, read.id, place, imported):
        select = Selector(path=tuple(map(_anchored, read.paths)))
        reason = read.statement or f"taken over from {file}"
        imported.entries.append(WaiverEntry(read.id, reason, select, expires=read.expired_at))


def _anchored(path: str) -> str:
    return "/" + path.lstrip("./")


class _CheckovFinding(Struct):
    resource: str
    check_ids: list[str]


class _CheckovFile(Struct):
    file: str
    findings: list[_CheckovFinding]


class _CheckovBaseline(Struct):
    failed_checks: list[_CheckovFile]


def _checkov_baseline(registry: Registry, file: str, imported: Imported) -> None:
    try:
        baseline = msgspec.convert(_json(file), _CheckovBaseline)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file} is no baseline of Checkov: {error}") from error
    for each in baseline.failed_checks:
        for finding in each.findings:
            _checkov_finding(registry, finding, _anchored(each.file), file, imported)


def _checkov_finding(registry: Registry, finding: _CheckovFinding, path: str, file: str, imported: Imported) -> None:
    place = f"{file}: {path}: {finding.resource}"
    parts = finding.resource.split(".")
    if len(parts) < 3 or not parts[0][:1].isupper():
        imported.lost.append(f"{place}: is no object of Kubernetes")
        return
    # Checkov writes Kind.namespace.name, and a name may hold dots.
    select = Selector(parts[0], parts[1], ".".join(parts[2:]).split(" (")[0], path=path)
    known = [each for each in finding.check_ids if _known(registry, each, place, imported)]
    if known:
        imported.entries.append(WaiverEntry(tuple(known), f"in Checkov's baseline {file}", select))


def _checkov_config(registry: Registry, file: str, imported: Imported) -> None:
    text = read_text(file)
    value = text.value if text is not None else {}
    skipped = value.get("skip-check") or []
    names = skipped.split(",") if isinstance(skipped, str) else skipped
    if not isinstance(names, list):
        raise ConfigError(f"{file}: skip-check is no list of checks")
    for each in names:
        name = str(each).strip()
        place = text.place(("skip-check",)) if text is not None else file
        if "*" in name:
            imported.lost.append(f"{place}: {name} is a pattern of Checkov's ids; name the rules")
        elif _known(registry, name, place, imported):
            imported.entries.append(WaiverEntry(name, f"skipped in {file}"))
    for key in sorted(set(value) & {"skip-path", "skip-resources-without-violations", "hard-fail-on", "soft-fail-on"}):
        imported.lost.append(f"{file}: {key} is not about single checks; see --exclude and --fail-on")


class _KubescapePolicy(Struct, rename={"control": "controlID"}):
    control: str = ""


class _KubescapeResource(Struct):
    attributes: dict[str, str]


class _KubescapeException(Struct, rename={"policies": "posturePolicies", "expires": "expirationDate"}):
    policies: list[_KubescapePolicy]
    resources: list[_KubescapeResource]
    name: str = ""
    reason: str = ""
    expires: str = ""


def _kubescape(registry: Registry, file: str, imported: Imported) -> None:
    document = _json(file)
    if not isinstance(document, list):
        raise ConfigError(f"{file} is no list: it holds no exceptions of Kubescape")
    for number, item in enumerate(document, 1):
        place = f"{file}: exception {number}"
        try:
            read = msgspec.convert(item, _KubescapeException)
        except msgspec.ValidationError as error:
            imported.lost.append(f"{place}: is not understood: {error}")
            continue
        place += f" ({read.name})" if read.name else ""
        expires = _date(read.expires)
        if read.expires and expires is None:
            imported.lost.append(f"{place}: its expirationDate is not understood; it was left out")
            continue
        names = tuple(_kubescape_controls(registry, read, place, imported))
        for select in _kubescape_selectors(read, place, imported) if names else ():
            reason = read.reason or read.name or f"taken over from {file}"
            imported.entries.append(WaiverEntry(names, reason, select, expires=expires))


def _kubescape_controls(registry: Registry, item: _KubescapeException, place: str, imported: Imported) -> Iterator[str]:
    for policy in item.policies:
        if not policy.control:
            imported.lost.append(f"{place}: names a policy without a controlID; name the rules")
        elif _known(registry, policy.control, place, imported):
            yield policy.control


#: Attributes that are no labels; the last two select by what no selector here does.
_ATTRIBUTES = ("kind", "namespace", "name", "path")
_NO_EQUAL = ("cluster", "apiVersion")


def _kubescape_selectors(item: _KubescapeException, place: str, imported: Imported) -> Iterator[Selector]:
    for resource in item.resources:
        attributes = resource.attributes
        globs = {key: _glob(value) for key, value in attributes.items()}
        strange = [key for key, glob in globs.items() if glob is None]
        lost = [key for key in _NO_EQUAL if key in attributes]
        if lost or not attributes:
            imported.lost.append(f"{place}: selects by {', '.join(lost) or 'nothing'}; it was left out")
        elif strange:
            imported.lost.append(f"{place}: the regular expression of {', '.join(strange)} is no glob; it was left out")
        else:
            fixed = {key: glob for key in _ATTRIBUTES if (glob := globs.pop(key, None))}
            yield Selector(**fixed, labels={key: glob for key, glob in globs.items() if glob})


def _glob(pattern: str) -> str | None:
    """A regular expression as a glob, where it says no more than one; Kubescape anchors it at both ends."""
    text = pattern.removeprefix("^").removesuffix("$").replace(".*", "*")
    plain = text.replace("\\.", ".").replace("\\-", "-")
    return plain if not re.search(r"[\\^$+?()\[\]{}|]", plain) else None
