"""Findings: what an analysis says, in the one form that every report, store and consumer reads."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType


class Severity(StrEnum):
    """How bad a finding is, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for critical up to 4 for info."""
        return _RANKS[self]

    def at_least(self, floor: Severity) -> bool:
        """Whether this is as bad as ``floor`` or worse."""
        return self.rank <= floor.rank


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Confidence(StrEnum):
    """How sure an analysis is that a finding is real."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class ResourceRef(Struct, frozen=True, rename="camel", gc=False):
    """Which object. ``cluster`` and ``namespace`` are None where there is none."""

    api_version: str
    kind: str
    name: str
    namespace: str | None = None
    cluster: str | None = None

    def __str__(self) -> str:
        prefix = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {prefix}{self.name}"


class Location(Struct, frozen=True, gc=False):
    """A place in a source. ``line`` and ``column`` count from 1, in Unicode code points; 0 where unknown."""

    file: str
    line: int
    column: int
    path: str


class FieldEvidence(Struct, frozen=True, tag="field", gc=False):
    """A field of the object, and its value where it is a plain one that may be shown."""

    path: str
    value: str | int | float | bool | None = None


class RelatedEvidence(Struct, frozen=True, tag="resource", gc=False):
    """Another object that the finding depends on."""

    resource: ResourceRef
    note: str


class UsedGrant(Struct, frozen=True, gc=False):
    """A binding with its role and the rule of the role that counts, as people read it."""

    binding: ResourceRef
    role: ResourceRef
    rule: str


class PermissionStep(Struct, frozen=True, gc=False):
    """Who becomes what, how, and the grants that allow it; none where it follows from the step before."""

    subject: str
    how: str
    target: str
    grants: tuple[UsedGrant, ...] = ()


class PermissionPathEvidence(Struct, frozen=True, tag="permission-path", gc=False):
    """The steps by which a subject comes to rights that it was not given."""

    steps: tuple[PermissionStep, ...]


class RenderedEvidence(Struct, frozen=True, tag="rendered", omit_defaults=True, gc=False):
    """How a rendered object led to the finding: by which tool, from which chart or overlay.

    ``likely`` says that the line of the first location is a good guess and not certain. ``values`` are the keys of
    the chart's values that set the field; ``hook`` is the Helm hook (``test`` too) that the object belongs to.
    """

    tool: str
    unit: str
    likely: bool = False
    values: tuple[str, ...] = ()
    hook: str | None = None


class PackageEvidence(Struct, frozen=True, tag="package", omit_defaults=True, gc=False):
    """A package that a vulnerability is in.

    ``package_type`` is that of its package URL. ``fixed`` are the versions without the vulnerability, the nearest
    first; ``state`` is what the distribution decided where there is none. ``layer`` counts from 0; ``origin`` is
    ``base`` or ``own``, as the layer is of the base image. ``vulnerabilities`` are all its names, the best known
    first; ``cvss`` its base score, ``epss`` a probability, ``kev`` the day when CISA listed it as exploited.
    """

    name: str
    version: str
    package_type: str
    purl: str
    vulnerabilities: tuple[str, ...]
    advisories: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    state: str = ""
    layer: int | None = None
    layer_digest: str = ""
    origin: str = ""
    location: str = ""
    severity_source: str = ""
    cvss: float | None = None
    cvss_vector: str = ""
    epss: float | None = None
    kev: str = ""


class FileEvidence(Struct, frozen=True, tag="file", omit_defaults=True, gc=False):
    """A file of an image, a root file system or a folder.

    ``seen`` is what told it (a rule with its patterns and offsets, a digest): never the content. ``layer`` counts from
    0, ``created_by`` is the step of the build that made it; ``gone`` is ``replaced`` or ``deleted`` by the layer
    ``gone_layer``, from where on nobody sees the file, though whoever pulls the image has it.
    """

    path: str
    seen: str = ""
    sha256: str = ""
    layer: int | None = None
    layer_digest: str = ""
    created_by: str = ""
    gone: str = ""
    gone_layer: int | None = None


class SecretEvidence(Struct, frozen=True, tag="secret", omit_defaults=True, gc=False):
    """A secret that was seen; never its value.

    ``detector`` is what recognised it, ``shown`` the beginning that all of its kind share and its length, ``name`` the
    setting that holds it. ``digest`` is equal for equal values, and empty for those that could be found by trying.
    ``encodings`` are what it was in, the outermost first; ``notes`` what it says of itself. ``commit``, ``author`` and
    ``date`` are of the commit that brought it into a history.
    """

    detector: str
    title: str
    shown: str
    name: str = ""
    digest: str = ""
    encodings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    commit: str = ""
    author: str = ""
    date: str = ""


Evidence = (
    FieldEvidence
    | RelatedEvidence
    | PermissionPathEvidence
    | RenderedEvidence
    | PackageEvidence
    | FileEvidence
    | SecretEvidence
)


class Change(Struct, frozen=True, gc=False):
    """One step of a fix: ``set`` a field (missing mappings are made), ``add`` a value to a list that lacks it (made
    where it is missing), or ``remove`` a field or an item. All paths are those of the object before the fix."""

    op: Literal["set", "add", "remove"]
    path: str
    value: Any = None


class Fix(Struct, frozen=True, gc=False):
    """A change that mends the finding, as was found by judging the changed object anew; ``type`` names its form.

    ``caution`` says what it can break; empty where it is safe.
    """

    type: Literal["patch"]
    changes: tuple[Change, ...]
    caution: str = ""


class Waiver(Struct, frozen=True, gc=False):
    """Why a finding does not count, who said so and until when."""

    reason: str
    source: str
    owner: str | None = None
    expires: str | None = None


class FindingStatus(StrEnum):
    """Only open findings count for the exit code."""

    OPEN = "open"
    WAIVED = "waived"
    FIXED = "fixed"


class RiskTerm(Struct, frozen=True, gc=False):
    """What raises (or, below 0, lowers) the risk of a finding beyond its severity; ``reason`` says what shows it."""

    name: Literal[
        "exposed", "near", "opens", "privilege", "targets", "sensitivity", "exploited", "likely", "sandbox",
        "user-namespace", "unprivileged", "moot", "closed", "unserved", "brief", "absent", "control-plane", "person",
        "unused",
    ]  # fmt: skip
    weight: int
    reason: str


class Finding(Struct, gc=False, rename={"risk_terms": "riskTerms"}):
    """One thing that is wrong with one object. The fields are those of the JSON contract, in its order.

    ``risk`` runs from 0 to 100; ``risk_terms`` tell what it is made of beside severity and confidence.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    resource: ResourceRef
    locations: tuple[Location, ...]
    message: str
    evidence: tuple[Evidence, ...]
    fix: Fix | None
    fingerprint: str
    status: FindingStatus
    waiver: Waiver | None
    risk: int
    risk_terms: tuple[RiskTerm, ...] = ()


class RuleState(StrEnum):
    """What became of a rule in a run."""

    OK = "ok"
    SKIPPED = "skipped"
    ERROR = "error"
    NOT_JUDGED = "not-judged"


class RuleStatus(Struct, frozen=True, gc=False):
    """A rule's state with its reason; the reason is empty where the rule simply ran."""

    rule: str
    state: RuleState
    reason: str = ""


class SourceError(Struct, frozen=True, gc=False):
    """Something that could not be read, or was read only in part.

    ``source`` is the file or other source, ``where`` the place in it (line and column, field path; may be empty).
    ``unreadable`` tells an input that was lost from one that was understood in part.
    """

    source: str
    where: str
    message: str
    unreadable: bool | UnsetType = UNSET

    def __str__(self) -> str:
        place = f"{self.source}:{self.where}" if self.where else self.source
        return f"{place}: {self.message}"
