"""Why an image has a vulnerability, and what little would mend most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from seawall.analysis.images.matching import Matcher
from seawall.analysis.images.matching.ecosystems import origin_of
from seawall.analysis.images.versions import InvalidVersion, scheme_of, sort_key
from seawall.engine.imageshown import shown
from seawall.engine.vulnerability_evidence import layer_origin, plain
from seawall.model.advisories import AdvisoryLookup
from seawall.model.finding import ResourceRef
from seawall.model.images import ImageInventory, Package
from seawall.model.vulnerabilities import ImageVerdict, Vulnerability
from seawall.store.inventories import InventoryStore


class Place(Struct, frozen=True):
    """Where a vulnerable package is: the layer that brought it, what made the layer, whose it is (``base``, ``own`` or
    unknown), and the versions that mend it."""

    package: Package
    layer: int
    layer_digest: str
    created_by: str
    origin: str
    location: str
    fixed: tuple[str, ...]
    state: str


class Upgrade(Struct, frozen=True):
    """A step that removes vulnerabilities: packages of one source to a version, or a newer base image.

    ``removes`` are the vulnerabilities that are gone after it and were not after the steps before.
    """

    what: str
    kind: str
    packages: tuple[str, ...]
    version: str
    removes: tuple[str, ...]


class Explanation(Struct, frozen=True):
    """A vulnerability of an image, where it is, and the upgrades of the image, the one that removes most first."""

    vulnerability: Vulnerability | None
    places: tuple[Place, ...]
    upgrades: tuple[Upgrade, ...]
    unfixable: int


def explain_image(name: str, inventory: ImageInventory, advisories: AdvisoryLookup, today: str) -> Explanation:
    """Explain a vulnerability, by any of its names; None of it where the image does not have it."""
    return _explain(name, inventory, Matcher(advisories, today))


def _explain(name: str, inventory: ImageInventory, matcher: Matcher) -> Explanation:
    inventory = shown(inventory)  # the commands that made layers may hold credentials
    verdict = matcher.match(inventory)
    wanted = name.upper() if name.upper().startswith("CVE-") else name
    found = next((each for each in verdict.vulnerabilities if wanted in (each.id, *each.names)), None)
    places = tuple(_places(found, inventory)) if found is not None else ()
    upgrades = smallest_upgrades(verdict, inventory)
    mended = {each for upgrade in upgrades for each in upgrade.removes}
    return Explanation(found, places, upgrades, len(verdict.vulnerabilities) - len(mended))


def explain_remembered(
    name: str, store: InventoryStore, advisories: AdvisoryLookup, today: str
) -> Iterator[tuple[ImageInventory, tuple[ResourceRef, ...], Explanation]]:
    """Explain a vulnerability for each remembered image that has it, with the workloads that run the image.

    Raises:
        InventoryProblem: the store cannot be used.
    """
    matcher = Matcher(advisories, today)  # it keeps what it found: images share most packages
    for remembered in store.all():
        explained = _explain(name, remembered.inventory, matcher)
        if explained.vulnerability is not None:
            yield remembered.inventory, remembered.uses, explained


def _places(vulnerability: Vulnerability, inventory: ImageInventory) -> Iterable[Place]:
    for each in vulnerability.packages:
        package = each.package
        layer = inventory.layers[package.layer] if 0 <= package.layer < len(inventory.layers) else None
        yield Place(
            replace(package, name=plain(package.name), version=plain(package.version), purl=plain(package.purl)),
            package.layer,
            layer.digest if layer is not None else "",
            plain(layer.created_by) if layer is not None else "",
            layer_origin(each, inventory),
            plain(package.locations[0]) if package.locations else "",
            each.fixed,
            each.state,
        )


class _Step(Struct):
    """Packages that are upgraded together, and for each vulnerability of theirs the version that mends it."""

    what: str
    scheme: str
    packages: set[str]
    needs: dict[str, str]
    base: bool


def smallest_upgrades(verdict: ImageVerdict, inventory: ImageInventory) -> tuple[Upgrade, ...]:
    """Few steps that remove all that can be removed: greedily the one that removes most, as set cover is done.

    Packages of one source are one step, and all that can be mended in the base image's layers is one: a newer base.
    A vulnerability is gone when every package that it is in is upgraded.
    """
    steps, needed = _steps(verdict, inventory)
    upgrades = []
    left = dict(steps)
    gains = Counter(next(iter(keys)) for keys in needed.values() if len(keys) == 1)
    while left:
        key = max(left, key=lambda each: (gains[each], len(left[each].needs), each))
        step = left.pop(key)
        removes = []
        for vulnerability in step.needs:
            wanting = needed[vulnerability]
            wanting.discard(key)
            if not wanting:
                removes.append(vulnerability)
            elif len(wanting) == 1:
                gains[next(iter(wanting))] += 1
        version = "" if step.base else _newest(step.scheme, step.needs.values())
        kind = "base" if step.base else "package"
        packages = tuple(sorted(map(plain, step.packages)))
        upgrades.append(Upgrade(plain(step.what), kind, packages, version, tuple(sorted(removes))))
    return tuple(upgrades)


def _steps(verdict: ImageVerdict, inventory: ImageInventory) -> tuple[dict[str, _Step], dict[str, set[str]]]:
    """The steps by key, and for each vulnerability that can be mended the keys that it needs."""
    steps: dict[str, _Step] = {}
    needed: dict[str, set[str]] = {}
    for vulnerability in verdict.vulnerabilities:
        if not vulnerability.fixable:
            continue
        for each in vulnerability.packages:
            package = each.package
            base = layer_origin(each, inventory) == "base"
            source = package.source_name or package.name
            key = "base" if base else f"{package.type}:{source}"
            name = inventory.base.name if base and inventory.base is not None else source
            scheme = scheme_of(origin_of(package, inventory.os).ecosystem) or ""
            step = steps.setdefault(key, _Step(name, scheme, set(), {}, base))
            step.packages.add(package.name)
            step.needs[vulnerability.id] = _newest(scheme, (step.needs.get(vulnerability.id, ""), each.fixed[0]))
            needed.setdefault(vulnerability.id, set()).add(key)
    return steps, needed


def _newest(scheme: str, versions: Iterable[str]) -> str:
    newest = ""
    for version in versions:
        if not newest:
            newest = version
            continue
        try:
            if version and sort_key(scheme, version) > sort_key(scheme, newest):
                newest = version
        except (InvalidVersion, KeyError):
            continue
    return newest
