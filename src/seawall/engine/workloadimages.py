"""The images that workloads run: each read once, judged, and told with the workloads that it affects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from seawall.engine.images import ImageOptions, Progress, Stage, look_into
from seawall.engine.imagesecrets import ImageSecretJudge
from seawall.engine.looking import Looked
from seawall.engine.malware import MalwareJudge, MalwareSearch
from seawall.engine.result import ScanResult
from seawall.engine.risk import weigh_by_users
from seawall.engine.vulnerabilities import VulnerabilityOptions, join, judge_images
from seawall.model.finding import Finding, RelatedEvidence, ResourceRef, SourceError
from seawall.model.images import ImageInventory, Look
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Inventory, NotRead, Resource
from seawall.model.vulnerabilities import image_ref
from seawall.sources.images.errors import ImageError

#: Images that are read at the same time; each reads its layers by two threads.
_THREADS = 2
#: Read ahead of what is judged, so that inventories do not pile up.
_AHEAD = 4
#: Findings name the workloads that run an image, up to so many.
_MOST_WORKLOADS = 20
#: Given each inventory with the workloads that run it, to be remembered.
Remember = Callable[[ImageInventory, tuple[ResourceRef, ...]], None]


class WorkloadImages(Struct, frozen=True):
    """How the images of workloads are read: ``place`` is a prefix of references (``registry``, ``containerd``)."""

    images: ImageOptions
    place: str = "registry"


def image_uses(inventory: Inventory, *, mounted: bool = False) -> dict[str, tuple[ResourceRef, ...]]:
    """The images that workloads run, by the reference to read them by, each with those workloads.

    A pod's status tells the digest that really runs; then that is read, and not what the tag means by now. Of a
    workload that another made, its maker is named. ``mounted`` adds those that are mounted as volumes.

    Raises:
        NotRead: a kind of workloads was not read.
    """
    workloads = [(workload, list(_running(workload))) for workload in inventory.workloads()]
    running: dict[tuple[str | None, str], set[str]] = {}
    for workload, statuses in workloads:
        for image, digest in statuses:
            running.setdefault((workload.ref.cluster, image), set()).add(digest)
    uses: dict[str, dict[ResourceRef, None]] = {}
    for workload, statuses in workloads:
        maker, own = _maker(workload, inventory), dict(statuses)
        for image in (*_images(workload), *(_mounted(workload) if mounted else ())):
            known = {own[image]} if image in own else running.get((workload.ref.cluster, image), set())
            for digest in known or {""}:
                uses.setdefault(_pinned(image, digest), {})[maker.ref] = None
    return {reference: tuple(found) for reference, found in sorted(uses.items())}


def _maker(workload: Resource, inventory: Inventory) -> Resource:
    seen = 0
    while (owner := inventory.owner_of(workload)) is not None and seen < 4:
        workload, seen = owner, seen + 1
    return workload


def _images(workload: Resource) -> Iterator[str]:
    try:
        pod = workload.template()
        for _, _, container in pod.spec.all_containers() if pod is not None else ():
            if container.image:
                yield container.image.strip()
    except InvalidField:
        return


def _mounted(workload: Resource) -> Iterator[str]:
    try:
        pod = workload.template()
        for _, reference in pod.spec.mounted_images() if pod is not None else ():
            yield reference
    except InvalidField:
        return


def _running(workload: Resource) -> Iterator[tuple[str, str]]:
    """Images as the containers of a pod name them, with the digests that the runtime resolved them to."""
    if workload.kind is None or workload.kind.name != "Pod":
        return
    status = workload.raw.get("status")
    if not isinstance(status, dict):
        return
    digests: dict[Any, str] = {}
    for field in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        for each in status.get(field) or () if isinstance(status.get(field), list) else ():
            if isinstance(each, dict) and isinstance(each.get("imageID"), str):
                _, at, digest = each["imageID"].partition("@")
                if at and digest.startswith("sha256:"):
                    digests[each.get("name")] = digest
    try:
        pod = workload.template()
        for _, _, container in pod.spec.all_containers() if pod is not None else ():
            if container.image and container.name in digests:
                yield container.image.strip(), digests[container.name]
    except InvalidField:
        return


def _pinned(image: str, digest: str) -> str:
    """The reference with a digest in place of the tag; as it stands where it has one, or none is known."""
    if not digest or "@" in image:
        return image
    head, slash, last = image.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}@{digest}"


def add_images(
    result: ScanResult,
    options: VulnerabilityOptions,
    reading: WorkloadImages,
    progress: Progress | None = None,
    remember: Remember | None = None,
    malware: MalwareSearch | None = None,
    secrets: ImageSecretJudge | None = None,
) -> None:
    """Read and judge the images of what was scanned, and add what is found to the scan's result.

    An image that cannot be had is not judged: the result is incomplete. With ``malware`` or
    ``secrets`` its files are searched too.

    Raises:
        DatabaseProblem: there is no database, or it cannot be used.
        VexProblem: a VEX file cannot be read.
    """
    try:
        uses = image_uses(result.inventory)
    except NotRead as missing:
        result.errors.append(SourceError("images", "", f"not judged: {missing}", unreadable=True))
        return
    if not uses:
        result.notes.append("no workload with an image was found")
    errors: list[SourceError] = []
    runs: dict[str, dict[ResourceRef, None]] = {}
    searched: list[MalwareJudge | ImageSecretJudge] = [secrets] if secrets is not None else []
    if malware is not None:
        searched.append(MalwareJudge(malware, result.accepted))
    looks = [each.look for each in searched]
    inventories = _noted(_read_all(uses, reading, errors, progress, looks), uses, runs, remember, searched)
    judged = judge_images(inventories, options)
    judged.errors += errors
    for each in searched:
        join(judged, each.result())
    judged.findings = [placed(found, tuple(runs[_identity(found.resource)])) for found in judged.findings]
    weigh_by_users(judged.findings, result.users_terms)
    join(result, judged)


def _identity(resource: ResourceRef) -> str:
    """The digest of an image, or its name where it has none."""
    return resource.name.partition("@")[2] or resource.name


def _noted(
    images: Iterable[tuple[str, Looked]],
    uses: Mapping[str, tuple[ResourceRef, ...]],
    runs: dict[str, dict[ResourceRef, None]],
    remember: Remember | None,
    searched: Sequence[MalwareJudge | ImageSecretJudge],
) -> Iterator[ImageInventory]:
    """The inventories; notes who runs each. References that turn out to be the same image are joined."""
    for reference, looked in images:
        inventory = looked.inventory
        for each in searched:
            each.add(looked)
        known = runs.setdefault(_identity(image_ref(inventory)), {})
        known.update(dict.fromkeys(uses[reference]))
        if remember is not None:
            remember(inventory, tuple(known))
        yield inventory


def _read_all(
    references: Iterable[str],
    reading: WorkloadImages,
    errors: list[SourceError],
    progress: Progress | None,
    looks: Sequence[Look],
) -> Iterator[tuple[str, Looked]]:
    """The images as they are read, a few at a time; what cannot be read is among the errors."""
    left = list(references)
    total, done = len(left), 0
    left.reverse()
    pool = ThreadPoolExecutor(_THREADS)
    pending: dict[Future[Looked], str] = {}
    try:
        while left or pending:
            while left and len(pending) < _AHEAD:
                reference = left.pop()
                pending[pool.submit(look_into, full_name(reading.place, reference), reading.images, looks)] = reference
            finished, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                reference = pending.pop(future)
                done += 1
                if progress is not None:
                    progress(Stage(done, total, reference))
                try:
                    looked = future.result()
                except ImageError as error:
                    errors.append(SourceError(reference, "", f"not judged: {error}", unreadable=True))
                else:
                    looked.inventory = replace(looked.inventory, reference=reference)
                    yield reference, looked
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def full_name(place: str, reference: str) -> str:
    """The reference with its place; a bare name would be read as a tag."""
    return f"{place}:{reference}" if any(mark in reference for mark in "/:@") else f"{place}:{reference}:latest"


def placed(finding: Finding, workloads: tuple[ResourceRef, ...]) -> Finding:
    """A finding on an image with the workloads that run it."""
    related = tuple(RelatedEvidence(each, "runs it") for each in workloads[:_MOST_WORKLOADS])
    more = len(workloads) - 1
    told = f"{workloads[0]}{f' and {more} more' if more > 0 else ''}" if workloads else ""
    message = f"{finding.message}; {told} {'run' if more > 0 else 'runs'} it" if told else finding.message
    return replace(finding, message=message, evidence=(*finding.evidence, *related))
