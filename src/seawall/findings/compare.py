"""Which findings of two runs are the same ones."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from seawall.findings.waivers import Policy
from seawall.model.finding import Finding, FindingStatus, Location, ResourceRef, Waiver

#: What the waiver of a known finding names as its source.
BASELINE = "baseline"


class Identity(Struct, frozen=True):
    """What makes a finding the same one in another run: its fingerprint, or else all that stands in ``rest``."""

    fingerprint: str
    rest: tuple[str, ...]


def identify(rule: str, ref: ResourceRef, locations: Sequence[Location], fingerprint: str) -> Identity:
    """The identity of a finding."""
    group = ref.api_version.rpartition("/")[0]
    path = locations[0].path if locations else ""
    return Identity(fingerprint, (rule, ref.cluster or "", group, ref.kind, ref.namespace or "", ref.name, path))


def match(before: Sequence[Identity], after: Sequence[Identity]) -> list[int | None]:
    """For each finding of the later run its index in the earlier one, or None; no index is given twice.

    Fingerprints decide. What is left over by them is matched by rule, object and field where only one is left on each
    side: an object that there is once in one run and twice in the other (a second overlay came) changes its findings'
    fingerprints, and is still the same.
    """
    by_print = {each.fingerprint: index for index, each in enumerate(before)}
    found = [by_print.get(each.fingerprint) for each in after]
    taken = {index for index in found if index is not None}
    left: dict[tuple[str, ...], list[int]] = {}
    for index, each in enumerate(before):
        if index not in taken:
            left.setdefault(each.rest, []).append(index)
    for index, each in enumerate(after):
        if found[index] is None and (candidates := left.get(each.rest)):
            found[index] = candidates.pop(0)
    return found


def waive_known(
    findings: Sequence[Finding], known: Sequence[Identity], source: str, policy: Policy | None = None
) -> int:
    """Waive the open findings that were known before; returns how many of the known ones are gone.

    ``source`` is named in the reason, for example the file that they are from. What the policy forbids to waive stays
    open, and says so.
    """
    identities = [identify(each.rule, each.resource, each.locations, each.fingerprint) for each in findings]
    found = match(known, identities)
    waiver = Waiver(f"known before: in {source}", BASELINE)
    for finding, index in zip(findings, found, strict=True):
        if index is not None and finding.status is FindingStatus.OPEN:
            if refusal := policy.refusal(finding.rule, finding.severity, in_place=False) if policy else "":
                finding.message += f" (not waived by the {BASELINE}: {refusal})"
                continue
            finding.status, finding.waiver = FindingStatus.WAIVED, waiver
    return len(known) - sum(index is not None for index in found)
