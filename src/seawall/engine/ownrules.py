"""Rules of one's own in a scan: policies of the project, of files and among the inputs, and the trust policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from seawall.model.finding import SourceError
from seawall.model.resource import Resource
from seawall.model.rule import Registry, Rule

if TYPE_CHECKING:
    from seawall.engine.config import Project


class OwnRules:
    """Adds them to registries. ``faults`` say what is wrong with policies among the inputs."""

    def __init__(self, project: Project | None, files: Sequence[str]) -> None:
        self._project, self._files = project, files
        self._rules: list[Rule] = []
        self.faults: list[SourceError] = []
        #: Whether there are policies of the project or of files.
        self.asked = bool(files or (project and project.config.policies))

    def read(self, incoming: Iterable[Resource], from_input: bool) -> Iterable[Resource]:
        """Make the rules; gives the objects to judge. With ``from_input`` policies among them count too, and they are
        gone through twice: ``incoming`` must then be a list.

        Raises:
            ConfigError: a policy of the project or of a file cannot be used.
        """
        from seawall.engine.policyset import own_rules

        self._rules, self.faults = own_rules(self._project, self._files, incoming if from_input else ())
        return _held(incoming) if from_input else incoming

    def add(self, registry: Registry) -> Registry:
        """A registry with these rules beside its own.

        Raises:
            ConfigError: an id is taken.
        """
        registry = _with_trust(registry, self._project)
        if not self._rules:
            return registry
        from seawall.engine.policyset import with_rules

        return with_rules(registry, self._rules)


def _with_trust(registry: Registry, project: Project | None) -> Registry:
    if project is None or project.trust is None:
        return registry
    from seawall.engine.trustpolicy import with_trust

    return with_trust(registry, project.trust)


def _held(resources: Iterable[Resource]) -> Iterator[Resource]:
    """Resources that were read before, each with its object at hand while it is judged."""
    for resource in resources:
        resource.hold(resource.raw)
        yield resource
        resource.hold(None)
