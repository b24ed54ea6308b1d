"""All policies of one's own in a run: those of the project, those given as files, and those among the inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from seawall.engine.admissionfiles import gather, gather_files
from seawall.engine.admissionrules import admission_rules
from seawall.engine.config import ConfigError
from seawall.engine.ownpolicies import form_rules
from seawall.model.finding import SourceError
from seawall.model.resource import Inventory, Resource
from seawall.model.rule import Context, Hit, Hits, Registry, Rule

if TYPE_CHECKING:
    from seawall.engine.config import Project


def with_rules(registry: Registry, rules: Sequence[Rule]) -> Registry:
    """A registry with rules beside its own.

    Raises:
        ConfigError: an id is taken.
    """
    if not rules:
        return registry
    both = Registry()
    try:
        for rule in (*registry, *rules):
            both.add(rule)
    except ValueError as error:
        raise ConfigError(f"policies: {error}; choose another name") from error
    return both


def own_rules(
    project: Project | None, files: Iterable[str], scanned: Iterable[Resource] = ()
) -> tuple[list[Rule], list[SourceError]]:
    """The rules of all policies, and what is wrong with those among the scanned objects.

    Raises:
        ConfigError: a policy of the project or of a file cannot be used; with its place.
    """
    rules = form_rules(project.config.policies, project.places) if project is not None else []
    given = gather_files(files)
    rules += admission_rules(given)
    refuse(given.faults)
    found, faults = _scanned_rules(scanned)
    known = {rule.id for rule in rules}
    return [*rules, *(rule for rule in found if rule.id not in known)], faults


def refuse(faults: Sequence[SourceError]) -> None:
    """Stop where policies that were given have mistakes.

    Raises:
        ConfigError: there is one; it tells the first and how many more there are.
    """
    if faults:
        rest = len(faults) - 1
        more = f" (and {rest} more: `seawall policy check {faults[0].source}` tells all)" if rest else ""
        raise ConfigError(f"{faults[0]}{more}")


def _scanned_rules(scanned: Iterable[Resource]) -> tuple[list[Rule], list[SourceError]]:
    """Policies among what is scanned, each in force where it was found: in its cluster, or among the manifests."""
    clusters: dict[str | None, list[Resource]] = {}
    for resource in scanned:
        clusters.setdefault(resource.ref.cluster, []).append(resource)
    together: dict[str, tuple[Rule, dict[str | None, Callable[[Inventory, Context], Hits]]]] = {}
    faults: list[SourceError] = []
    for cluster, resources in clusters.items():
        found = gather(resources)
        for rule in admission_rules(found, given=False):
            together.setdefault(rule.id, (rule, {}))[1][cluster] = rule.check
        faults += found.faults
    return [replace(rule, check=_by_cluster(checks)) for rule, checks in together.values()], faults


def _by_cluster(
    checks: Mapping[str | None, Callable[[Inventory, Context], Hits]],
) -> Callable[[Inventory, Context], Hits]:
    def check(inventory: Inventory, context: Context) -> Iterator[Hit]:
        cluster = inventory.resources[0].ref.cluster if inventory.resources else None
        if cluster in checks:
            yield from checks[cluster](inventory, context)

    return check


def check_policies(project: Project, files: Iterable[str]) -> tuple[int, list[SourceError]]:
    """How many policies there are, and all mistakes in those of files.

    Raises:
        ConfigError: a policy of the short form cannot be used, or a file cannot be read.
    """
    own = form_rules(project.config.policies, project.places)
    given = gather_files(files)
    admission_rules(given)
    return len(own) + len(given.names), given.faults
