"""Which installed packages of a distribution need which: names and what is provided under other names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from seawall.analysis.images.contents import OsPackage


def resolved(packages: Sequence[OsPackage]) -> dict[str, tuple[str, ...]]:
    """For each package, by its name, the names of those that it needs and that are there, in order.

    Of alternatives the first that is there is taken. What is provided by a path alone is not looked up.
    """
    providers: dict[str, str] = {}
    for package in packages:
        for name in package.provides.split("\n") if package.provides else ():
            providers.setdefault(name, package.name)
    providers.update((package.name, package.name) for package in packages)
    return {package.name: tuple(sorted(set(_needed(package, providers)))) for package in packages if package.requires}


def _needed(package: OsPackage, providers: dict[str, str]) -> Iterable[str]:
    for group in package.requires.split("\n"):
        for name in group.split("|"):
            found = providers.get(name)
            if found is not None:
                if found != package.name:
                    yield found
                break
