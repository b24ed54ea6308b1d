"""``seawall.yaml``: what a project decides once, so that every run of it is the same."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from seawall.analysis.policies.form import OwnPolicy
from seawall.findings.waivers import PlacedWaiver, WaiverEntry, Waiving
from seawall.model.finding import Severity
from seawall.model.paths import Path, parse_path
from seawall.sources.manifests.text import decode
from seawall.sources.manifests.yamltext import Document, Marks, SyntaxProblem, parse_documents, place_in

if TYPE_CHECKING:
    from seawall.analysis.trust.form import TrustPolicy

CONFIG_FILE = "seawall.yaml"
WAIVERS_FILE = "seawall-waivers.yaml"
TRUST_FILE = "seawall-trust.yaml"
_MAX_BYTES = 4 * 1024 * 1024
T = TypeVar("T")
_PLACE = r" - at `(?:key in )?\$([^`]*)`\Z"


class ConfigError(Exception):
    """A configuration that cannot be used; the message says where and what to do."""


class OwnProfile(Struct, frozen=True, forbid_unknown_fields=True):
    """A profile of the project's own: another one, with rules added and taken away, and severities set anew.

    Rules are named by id or by any peer's alias; ``extends`` is a built-in profile, ``none`` or another own one.
    """

    extends: str = "default"
    enable: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    severity: dict[str, Severity] = {}


class DatabaseConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The database of advisories: its file, the ecosystems that are fetched, and mirrors by the kind of data."""

    path: str = ""
    ecosystems: tuple[str, ...] = ()
    mirrors: dict[str, str] = {}


class Config(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The whole file but for ``trust``, which few have (see ``trustpolicy.WholeConfig``).

    ``profile`` is the one to use where the command line names none. ``admission_policies`` are files and folders with
    ValidatingAdmissionPolicies, from where the file lies; with ``policies_from_input`` those among what is scanned are
    judged by as well.
    """

    profile: str = "default"
    profiles: dict[str, OwnProfile] = {}
    database: DatabaseConfig = DatabaseConfig()
    waivers: tuple[WaiverEntry, ...] = ()
    waiving: Waiving = Waiving()
    policies: tuple[OwnPolicy, ...] = ()
    admission_policies: tuple[str, ...] = ()
    policies_from_input: bool = False


class WaiversFile(Struct, frozen=True, forbid_unknown_fields=True):
    """``seawall-waivers.yaml``: waivers, and nothing else."""

    waivers: tuple[WaiverEntry, ...] = ()


class Text(Struct):
    """A configuration as it was read: its value (a mapping) and where its parts stand."""

    file: str
    value: dict[str, Any]
    marks: Marks | None

    def place(self, path: Path) -> str:
        """``file:line`` of a part, or of the deepest part around it that is there."""
        return f"{self.file}:{place_in(self.marks, path)[0] + 1}"


class Project(Struct):
    """The configuration of a run, with waivers from both files; ``places`` says where each policy stands."""

    config: Config
    waivers: list[PlacedWaiver] = []
    waiving_place: str = CONFIG_FILE
    places: dict[str, str] = {}
    folder: str = "."
    trust: TrustPolicy | None = None

    def admission_files(self) -> list[str]:
        """Files and folders with ValidatingAdmissionPolicies."""
        base = "" if self.folder == "." else self.folder
        return [os.path.join(base, each) for each in self.config.admission_policies]


def load_project(path: str | None) -> Project:
    """Read a configuration and the waivers beside it; without a path those of the working directory.

    Raises:
        ConfigError: a file cannot be read, or says something that makes no sense. A single waiver that makes none is
            kept with its problem instead.
    """
    text = _read_optional(path or CONFIG_FILE, wanted=path is not None)
    folder = os.path.dirname(path or "") or "."
    beside = _read_optional(os.path.join(folder, WAIVERS_FILE) if folder != "." else WAIVERS_FILE, wanted=False)
    project = Project(Config(), folder=folder)
    if text is not None:
        project.config = _convert(text)
        project.waivers += _waivers(text, folder)
        project.waiving_place = text.place(("waiving",))
        policies = project.config.policies
        project.places = {each.id: text.place(("policies", index)) for index, each in enumerate(policies)}
    project.trust = _trust(text, os.path.join(folder, TRUST_FILE) if folder != "." else TRUST_FILE)
    if beside is not None:
        _convert_waivers_file(beside)
        project.waivers += _waivers(beside, folder)
    return project


def load_config(path: str | None) -> Config:
    """The settings alone of what :func:`load_project` reads.

    Raises:
        ConfigError: as there.
    """
    return load_project(path).config


def read_typed(file: str, kind: type[T]) -> T | None:
    """The one document of a YAML file as a value of that type; None where the file holds none.

    Raises:
        ConfigError: the file cannot be read, or is not of the type; with line and column.
    """
    text = read_text(file)
    return convert(text, kind) if text is not None else None


def convert(text: Text, kind: type[T]) -> T:
    """A configuration as a value of that type.

    Raises:
        ConfigError: it is not of the type; with line and column.
    """
    try:
        return msgspec.convert(text.value, kind)
    except msgspec.ValidationError as error:
        told = str(error)
        match = re.search(_PLACE, told)
        where = match[1].partition("[...]")[0].lstrip(".") if match else ""
        line, column = place_in(text.marks, parse_path(where))
        message = re.sub(_PLACE, "", told)
        message = message[:1].lower() + message[1:]
        raise ConfigError(f"{text.file}:{line + 1}:{column + 1}: {where or 'the file'}: {message}") from error


def _trust(text: Text | None, beside: str) -> TrustPolicy | None:
    """The trust policy of a configuration, or that in the file beside it."""
    own = text is not None and text.value.get("trust") is not None
    if not os.path.isfile(beside):
        if text is None or not own:
            return None
        beside = text.file
    elif own:
        raise ConfigError(f"{beside}: there is a trust policy under `trust:` of {CONFIG_FILE}, too; keep one")
    from seawall.engine.trustpolicy import find_trust

    found = find_trust(beside)
    return found.form if found is not None else None


def _read_optional(file: str, *, wanted: bool) -> Text | None:
    if not wanted and not os.path.isfile(file):
        return None
    return read_text(file)


def read_text(file: str) -> Text | None:
    """Read a file of one mapping with the places of its parts; None where it is empty.

    Raises:
        ConfigError: it cannot be read, is not YAML, gives a key twice, or holds something else.
    """
    try:
        with open(file, "rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    return parse_text(data, file)


def parse_text(data: bytes, file: str) -> Text | None:
    """What :func:`read_text` does, of bytes.

    Raises:
        ConfigError: as there.
    """
    if len(data) > _MAX_BYTES:
        raise ConfigError(f"{file} is larger than {_MAX_BYTES >> 20} MiB")
    try:
        documents = [each for each in parse_documents(decode(data)) if each.value is not None]
    except SyntaxProblem as problem:
        raise ConfigError(f"{file}:{problem.line}:{problem.column}: {problem.message}") from problem
    if len(documents) > 1:
        raise ConfigError(f"{file} must hold one document")
    return _only(documents[0], file) if documents else None


def _only(document: Document, file: str) -> Text:
    for _, line, column in document.duplicates:
        raise ConfigError(f"{file}:{line + 1}:{column + 1}: the key is given twice; keep one")
    if not isinstance(document.value, dict):
        raise ConfigError(f"{file}:1:1: the file: must be a mapping of settings, such as `profile: strict`")
    return Text(file, document.value, document.marks)


def _convert(text: Text) -> Config:
    rest = {key: value for key, value in text.value.items() if key not in ("waivers", "trust")}
    try:
        return msgspec.convert(rest, Config)
    except msgspec.ValidationError as error:
        raise _first_problem(text, rest, Config) from error


def _convert_waivers_file(text: Text) -> None:
    if set(text.value) - {"waivers"}:
        raise _first_problem(text, {**text.value, "waivers": []}, WaiversFile)


def _first_problem(text: Text, value: dict[str, Any], kind: type) -> ConfigError:
    from seawall.engine.configcheck import shape_problems

    problems = shape_problems(text, kind, value)
    rest = len(problems) - 1
    more = f" (and {rest} more: `seawall config check {text.file}` tells all)" if rest else ""
    return ConfigError(f"{problems[0]}{more}")


def _waivers(text: Text, folder: str) -> list[PlacedWaiver]:
    """Each waiver by itself: one that makes no sense must not undo the others, nor stop a run."""
    given = text.value.get("waivers")
    if given is None:
        return []
    if not isinstance(given, list):
        raise ConfigError(f"{text.place(('waivers',))}: waivers: must be a list; begin each waiver with `- rule:`")
    return [_waiver(text, folder, index, each) for index, each in enumerate(given)]


def _waiver(text: Text, folder: str, index: int, value: Any) -> PlacedWaiver:
    place = text.place(("waivers", index))
    try:
        return PlacedWaiver(place, msgspec.convert(value, WaiverEntry), folder=folder)
    except msgspec.ValidationError:
        from seawall.engine.configcheck import shape_problems

        problem = shape_problems(text, WaiverEntry, value, ("waivers", index))[0]
        return PlacedWaiver(place, None, f"is not understood: {problem.told}", folder)
