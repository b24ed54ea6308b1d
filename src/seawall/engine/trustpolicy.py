"""Trust policies: reading one with the files that it names, and the part of it that needs no network on any scan."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from seawall.analysis.trust.errors import BadPolicy
from seawall.analysis.trust.form import Condition, TrustPolicy
from seawall.analysis.trust.names import check_names, refused_name
from seawall.engine.config import CONFIG_FILE, TRUST_FILE, Config, ConfigError, Text, read_text
from seawall.model.kube.pod import Container
from seawall.model.paths import format_path
from seawall.model.rule import CONTAINER, POD, Context, Hit, Registry
from seawall.sources.registry.reference import DOCKER, DOCKER_HOST, Reference, parse_image
from seawall.sources.web.errors import WebError

if TYPE_CHECKING:
    from seawall.analysis.trust.prepared import Prepared
    from seawall.engine.configcheck import Problem

NAMES_RULE = "untrusted-registry"
_VARIABLES = ("predicate", "statement", "image", "now")
_MOST_FILE = 4 << 20
_MOST_FILES = 100


class WholeConfig(Config, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """``seawall.yaml`` with all that it may hold: what is checked and published."""

    trust: TrustPolicy | None = None


class TrustFile(Struct, frozen=True):
    """A trust policy as it was read, and where it stands; ``section`` is what it stands under in a larger file."""

    form: TrustPolicy
    text: Text
    section: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The file."""
        return self.text.file


def find_trust(path: str | None, config: str | None = None) -> TrustFile | None:
    """The policy in a file, of its own or under ``trust:``; without a path that beside the configuration or in it,
    None where there is none.

    Raises:
        ConfigError: it cannot be read, or is malformed.
    """
    if path is not None:
        found = _read(path, whole=True)
        if found is None:
            raise ConfigError(f"{path} holds no trust policy")
        return found
    beside = os.path.join(os.path.dirname(config or ""), TRUST_FILE)
    if os.path.isfile(beside) and (found := _read(beside, whole=True)) is not None:
        return found
    file = config or CONFIG_FILE
    return _read(file, whole=False) if config is not None or os.path.isfile(file) else None


def _read(file: str, *, whole: bool) -> TrustFile | None:
    """The policy under ``trust:``, or the ``whole`` file where there is no such key."""
    text = read_text(file)
    if text is None or ("trust" not in text.value and not whole):
        return None
    value, section = (text.value["trust"], ("trust",)) if "trust" in text.value else (text.value, ())
    return TrustFile(_converted(text, value, section), text, section)


def _converted(text: Text, value: Any, section: tuple[str, ...]) -> TrustPolicy:
    import msgspec

    from seawall.engine.configcheck import shape_problems

    try:
        return msgspec.convert(value, TrustPolicy)
    except msgspec.ValidationError as error:
        problems = shape_problems(text, TrustPolicy, value, section)
        if not problems:
            raise ConfigError(f"{text.file}: {error}") from error
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ConfigError(f"{problems[0]}{more}") from error


def _prepared(found: TrustFile) -> Prepared:
    from seawall.analysis.trust.prepared import prepare

    files = _Files(os.path.dirname(found.file) or ".")
    return prepare(found.form, files.read, files.read_folder, _Conditions(found.form).judge)


def prepare_trust(found: TrustFile) -> Prepared:
    """The policy ready to verify, its files read from beside it.

    Raises:
        ConfigError: it, or a file that it names, cannot be used; with its place.
    """
    try:
        return _prepared(found)
    except BadPolicy as error:
        place = found.text.place((*found.section, *error.part))
        raise ConfigError(f"{place}: {error}") from error


def trust_problems(file: str) -> list[Problem]:
    """What is wrong with a policy of the right shape: names, keys, files and conditions that cannot be used.

    Raises:
        ConfigError: the file cannot be read.
    """
    from seawall.engine.configcheck import problem_at

    found = find_trust(file)
    if found is None:
        return []
    try:
        _prepared(found)
    except BadPolicy as error:
        return [problem_at(found.text, (*found.section, *error.part), str(error))]
    return []


class _Files:
    """Reads what a policy names, relative to the policy."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes:
        """A file.

        Raises:
            BadPolicy: it cannot be read.
        """
        path = os.path.join(self._folder, name)
        try:
            with open(path, "rb") as stream:
                data = stream.read(_MOST_FILE + 1)
        except (OSError, ValueError) as error:
            raise BadPolicy(f"{path[:200]} cannot be read: {getattr(error, 'strerror', error)}") from error
        if len(data) > _MOST_FILE:
            raise BadPolicy(f"{path} is larger than {_MOST_FILE >> 20} MiB")
        return data

    def read_folder(self, name: str) -> list[tuple[str, bytes]]:
        """The files of a folder.

        Raises:
            BadPolicy: it cannot be read.
        """
        path = os.path.join(self._folder, name)
        try:
            names = sorted(os.listdir(path))
        except (OSError, ValueError) as error:
            raise BadPolicy(f"{path[:200]} cannot be read: {getattr(error, 'strerror', error)}") from error
        if len(names) > _MOST_FILES:
            raise BadPolicy(f"{path} holds more than {_MOST_FILES} files")
        return [(each, self.read(os.path.join(name, each))) for each in names]


class _Conditions:
    """The conditions of a policy, compiled once and for all: a mistake is told before anything is fetched."""

    def __init__(self, form: TrustPolicy) -> None:
        from seawall.analysis.policies.conditions import Conditions
        from seawall.analysis.policies.program import PolicyError

        self._compiled: dict[tuple[Condition, ...], Conditions] = {}
        for index, requirement in enumerate(form.requirements):
            for number, each in enumerate(requirement.attestations):
                if each.conditions:
                    try:
                        made = Conditions([one.expression for one in each.conditions], _VARIABLES)
                    except PolicyError as error:
                        part = ("requirements", index, "attestations", number, "conditions")
                        raise BadPolicy(f"a condition on {each.predicate}: {error}", part) from error
                    self._compiled[each.conditions] = made

    def judge(self, conditions: tuple[Condition, ...], values: Mapping[str, Any]) -> list[str]:
        """A problem for each condition, empty where it holds."""
        return self._compiled[conditions].judge(values)


def with_trust(registry: Registry, form: TrustPolicy) -> Registry:
    """A registry in which images of containers are judged by their names: that needs no network.

    Raises:
        ConfigError: a name of the policy stands for no image.
    """
    if not form.registries and not form.repositories:
        return registry
    try:
        check_names(form)
    except BadPolicy as error:
        raise ConfigError(f"trust: {format_path(error.part)}: {error}") from error
    from seawall.engine.catalogue import rules_of

    rule = next(each for each in rules_of("trust") if each.id == NAMES_RULE)
    own = Registry()
    for each in registry:
        if each.id != NAMES_RULE:
            own.add(each)
    own.add(replace(rule, on=(CONTAINER, POD), check=_by_name(form)))
    return own


def _by_name(form: TrustPolicy) -> Any:
    """A check of containers, and of pods for the images that they mount."""

    def check(subject: Any, context: Context) -> Iterator[Hit]:
        if isinstance(subject, Container):
            if subject.image and (problem := name_problem(form, subject.image.strip())):
                yield Hit(problem, "image")
            return
        for index, reference in subject.spec.mounted_images():
            if problem := name_problem(form, reference):
                yield Hit(problem, ("spec", "volumes", index, "image", "reference"))

    return check


def name_problem(form: TrustPolicy, image: str) -> str:
    """Why an image's name is not allowed; empty where it is."""
    try:
        reference = parse_image(image)
    except WebError as error:
        return f"is in no registry that the trust policy allows: {error}"
    return refused_name(form.registries, form.repositories, normal_name(reference))


def normal_name(reference: Reference) -> str:
    """Host and name as policies write them, so that no other spelling of a registry is another one: in lower case,
    without the usual port, and Docker's by its usual name."""
    host = reference.host.lower().removesuffix(":443")
    if host in (DOCKER_HOST, f"index.{DOCKER}"):
        host = DOCKER
    library = host == DOCKER and "/" not in reference.name
    return f"{host}/{'library/' if library else ''}{reference.name}"
