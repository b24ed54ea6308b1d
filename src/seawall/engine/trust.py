"""Judging images by a trust policy: fetched from their registries, verified, and told as findings or as verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from seawall.analysis.images import Unreadable, chain_ids, read_config
from seawall.analysis.trust import Prepared, judge_trust
from seawall.engine.accepting import Accepting
from seawall.engine.catalogue import rules_of
from seawall.engine.judge import Judge
from seawall.engine.named import image_origin
from seawall.engine.result import ScanResult
from seawall.engine.trustpolicy import normal_name
from seawall.findings import base_risk, fingerprint
from seawall.model.finding import (
    FieldEvidence,
    Finding,
    FindingStatus,
    ResourceRef,
    RuleState,
    RuleStatus,
    Severity,
    SourceError,
)
from seawall.model.kube.base import ObjectMeta
from seawall.model.kube.images import Image, ImageAttestation, ImageSigner, ImageSpec, ImageTrust
from seawall.model.kube.kinds import find_kind
from seawall.model.paths import Path, format_path, lookup
from seawall.model.resource import Inventory, Resource
from seawall.model.rule import Rule
from seawall.model.trust import LAX, ImageFacts, TrustVerdict
from seawall.model.version import NEWEST
from seawall.model.vulnerabilities import API_VERSION
from seawall.sources.images.errors import ImageError, NoContainerImage
from seawall.sources.images.places import PlaceOptions, place_of
from seawall.sources.images.remote import open_remote, remote_digest
from seawall.sources.registry.attached import attached_to
from seawall.sources.registry.reference import parse_image
from seawall.sources.web.errors import WebError

_BASE_NAME, _BASE_DIGEST = "org.opencontainers.image.base.name", "org.opencontainers.image.base.digest"
#: Images that are fetched at the same time, before they are judged one by one.
_BATCH = 8
#: Told after each image how many are done.
Progress = Callable[[int], None]


class Verified(Struct, frozen=True):
    """An image as it was asked for, and what the policy says of it."""

    reference: str
    verdict: TrustVerdict


class TrustResult(Struct):
    """The images that were judged, in the order asked for, and why others were not."""

    images: list[Verified]
    errors: list[SourceError]
    policy: str = ""

    def exit_code(self, keep_going: bool) -> int:
        """0: all are trusted; 1: some are not; 2: some were not judged."""
        if self.errors and not (keep_going and self.images):
            return 2
        return 0 if all(each.verdict.trusted for each in self.images) else 1


def with_bases(policy: Prepared, place: PlaceOptions) -> Prepared:
    """The policy with the layers of the base images that it names read from their registries.

    Raises:
        ImageError: one cannot be read.
    """
    names = policy.form.bases.images if policy.form.bases is not None else ()
    chains = dict(policy.chains)
    for name in names:
        try:
            layers = _facts(name, place, attached=False).layers
        except ImageError as error:
            raise ImageError(f"the approved base image {name} cannot be read: {error}") from error
        if layers:
            chains[chain_ids(layers)[-1]] = name
    return replace(policy, chains=chains)


def verify_images(
    references: Iterable[str], policy: Prepared, place: PlaceOptions, progress: Progress | None = None
) -> TrustResult:
    """Fetch and judge images. One that cannot be fetched as a whole is not judged, and an error.

    Raises:
        ImageError: a base image of the policy cannot be read.
    """
    policy = with_bases(policy, place)
    result = TrustResult([], [])
    left, done = list(references), 0
    for start in range(0, len(left), _BATCH):
        batch = left[start : start + _BATCH]
        with ThreadPoolExecutor(_BATCH) as pool:
            fetched = list(pool.map(lambda each: _tried(each, policy, place), batch))
        # No thread runs while images are judged: conditions are judged in a process that is forked.
        for reference, facts in zip(batch, fetched, strict=True):
            done += 1
            if isinstance(facts, ImageFacts):
                result.images.append(Verified(reference, judge_trust(policy, facts, datetime.now(UTC))))
            else:
                result.errors.append(SourceError(reference, "", f"not judged: {facts}", unreadable=True))
            if progress is not None:
                progress(done)
    return result


def _tried(reference: str, policy: Prepared, place: PlaceOptions) -> ImageFacts | str:
    """The facts, or why they cannot be had."""
    try:
        kind, name = place_of(reference)
        if kind != "registry":
            return f"signatures are in registries, and this is in {kind}; name the image in its registry"
        wanted = bool(policy.requirements(normal_name(parse_image(name))))
        return _facts(name, place, attached=wanted)
    except (ImageError, WebError) as error:
        return str(error)


def _facts(name: str, place: PlaceOptions, *, attached: bool) -> ImageFacts:
    """What a registry has of an image, without its layers.

    Raises:
        ImageError: it cannot be had.
    """
    if place.offline:
        raise ImageError("is in a registry, and --offline was given")
    facts = _described(name, place)
    if not attached:
        return facts
    try:
        return replace(facts, attached=tuple(attached_to(parse_image(name), facts.digest, place.registry)))
    except WebError as error:
        raise ImageError(f"what is attached to it cannot be fetched: {error}") from error


def _described(name: str, place: PlaceOptions) -> ImageFacts:
    """What a registry's manifest and configuration say; of an artifact that is no image, the digest alone."""
    try:
        repository = normal_name(parse_image(name))
        image = open_remote(name, place.platform, place.registry)
        image.close()
        config = read_config(image.config).config
    except NoContainerImage:
        return ImageFacts(repository, remote_digest(name, place.registry))
    except (WebError, Unreadable) as error:
        raise ImageError(str(error)) from error
    return ImageFacts(
        repository,
        image.index_digest or image.digest,
        config.created,
        tuple(layer.info.diff_id for layer in image.layers),
        config.labels.get(_BASE_NAME, ""),
        config.labels.get(_BASE_DIGEST, ""),
    )


def trust_findings(
    result: TrustResult,
    severity: Severity = Severity.INFO,
    skip: Sequence[str] = (),
    accepting: Accepting | None = None,
) -> ScanResult:
    """What was verified as findings of rules; ``skip`` are rules that are judged elsewhere, ``accepting`` decides what
    is waived."""
    rules = [rule for rule in rules_of("trust") if rule.id not in skip]
    judge = Judge(rules, NEWEST)
    resources: dict[ResourceRef, Resource] = {}
    findings: list[Finding] = []
    for each in result.images:
        resource = _resource(each)
        if resource.ref not in resources:
            resources[resource.ref] = resource
            findings += _findings(judge, resource, severity, accepting)
    findings.sort(key=lambda finding: -finding.risk)
    references = [each.reference for each in result.images]
    return ScanResult(
        inputs=references,
        kinds=dict.fromkeys(references, "image"),
        version=NEWEST,
        rules=rules,
        findings=findings,
        statuses=_statuses(rules, result.errors),
        errors=list(result.errors),
        skipped=Counter(),
        unrendered=[],
        files=len(references),
        inventory=Inventory(list(resources.values())),
        texts={},
        wanting=set(),
        notes=list(_notes(result)),
        accepted=accepting,
    )


def _statuses(rules: list[Rule], errors: Sequence[SourceError]) -> list[RuleStatus]:
    if not errors:
        return [RuleStatus(rule.id, RuleState.OK) for rule in rules]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    reason = f"{errors[0].source}: {errors[0].message}{more}"
    return [RuleStatus(rule.id, RuleState.NOT_JUDGED, reason) for rule in rules]


def _notes(result: TrustResult) -> Iterator[str]:
    free = [each.reference for each in result.images if not each.verdict.required]
    if free:
        more = f" and {len(free) - 1} more" if len(free) > 1 else ""
        yield f"no requirement of the trust policy names {free[0]}{more}: no signature is asked for"
    for each in result.images:
        for proof in each.verdict.proofs:
            yield from (f"{each.reference}: {proof.signer}: {line}" for line in proof.evidence if line.startswith(LAX))


def _resource(each: Verified) -> Resource:
    verdict = each.verdict
    name = f"{verdict.repository}@{verdict.digest}"
    trust = ImageTrust(
        registry=verdict.registry,
        base=verdict.base,
        age=verdict.age,
        signers=tuple(ImageSigner(signer=one.signer, state=one.state, reason=one.reason) for one in verdict.signers),
        attestations=tuple(
            ImageAttestation(predicate=one.predicate, state=one.state, reason=one.reason)
            for one in verdict.attestations
        ),
    )
    view = Image(metadata=ObjectMeta(name=name), spec=ImageSpec(trust=trust))
    ref = ResourceRef(API_VERSION, "Image", name)
    kind = find_kind(API_VERSION, "Image")
    return Resource(ref, uid="", kind=kind, view=view, origin=image_origin(each.reference, view))


def _findings(judge: Judge, resource: Resource, floor: Severity, accepting: Accepting | None) -> Iterator[Finding]:
    for hit in judge.judge(resource):
        severity = hit.hit.severity or hit.rule.severity
        if not severity.at_least(floor):
            continue
        (location,) = resource.origin.locate([hit.path])
        field = _named(hit.path, resource)
        status, waiver, told = FindingStatus.OPEN, None, ""
        if accepting is not None:
            status, waiver, told = accepting.accept(hit.rule.id, severity, resource, (), [location])
        yield Finding(
            rule=hit.rule.id,
            severity=severity,
            confidence=hit.hit.confidence,
            resource=resource.ref,
            locations=(location,),
            message=f"{hit.hit.message} ({told})" if told else hit.hit.message,
            evidence=(FieldEvidence(location.path),),
            fix=None,
            fingerprint=fingerprint(hit.rule.id, resource.ref, field, ""),
            status=status,
            waiver=waiver,
            risk=base_risk(severity, hit.hit.confidence),
        )


def _named(path: Path, resource: Resource) -> str:
    """The path with the signer or the predicate in place of its number."""
    item = lookup(resource.raw, path)
    if not isinstance(item, dict):
        return format_path(path)
    return f"{format_path(path[:-1])}[{item.get('signer') or item.get('predicate')}]"


def add_trust(
    result: ScanResult,
    uses: Mapping[str, tuple[ResourceRef, ...]],
    policy: Prepared,
    place: PlaceOptions,
    severity: Severity,
    skip: Sequence[str] = (),
    progress: Progress | None = None,
) -> None:
    """Judge the images of workloads, and add what is found to the scan's result, with the workloads that run them.

    Raises:
        ImageError: a base image of the policy cannot be read.
    """
    from seawall.engine.vulnerabilities import join
    from seawall.engine.workloadimages import full_name, placed

    found = verify_images([full_name("registry", each) for each in uses], policy, place, progress)
    names = {full_name("registry", each): refs for each, refs in uses.items()}
    judged = trust_findings(found, severity, skip, result.accepted)
    runs: dict[str, dict[ResourceRef, None]] = {}
    for each in found.images:
        name = f"{each.verdict.repository}@{each.verdict.digest}"
        runs.setdefault(name, {}).update(dict.fromkeys(names[each.reference]))
    judged.findings = [placed(each, tuple(runs[each.resource.name])) for each in judged.findings]
    join(result, judged)
