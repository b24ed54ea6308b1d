"""Settings of components: their flags, fields of configuration files, types and defaults by Kubernetes version."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from seawall.analysis.nodes.values import TYPES
from seawall.model.version import KubernetesVersion, parse_version

DATA = Path(__file__).parent / "benchmarks"


class Setting(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One setting of a component.

    ``flag`` is its flag where that is not called as the setting is (empty: it has none), ``also`` older names of the
    flag; ``config`` its place in the configuration file. ``default`` holds where nothing is given, ``file_default``
    where a configuration file is in use that leaves it out; ``default_since`` gives later defaults by version. With
    ``file_zero`` a zero in the file stands for the default.
    """

    type: str = "text"
    flag: str | None = None
    also: tuple[str, ...] = ()
    config: str = ""
    default: Any = UNSET
    file_default: Any = UNSET
    default_since: dict[str, Any] = {}
    file_zero: bool = False
    precedence: Literal["flag", "file"] | UnsetType = UNSET

    def flags(self, name: str) -> tuple[str, ...]:
        """The names of its flag, the present one first."""
        own = name if self.flag is None else self.flag
        return ((own,) if own else ()) + self.also


class Gate(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A feature gate's default, and later ones by version."""

    default: bool
    default_since: dict[str, bool] = {}


class ComponentSettings(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A component's settings. With ``precedence: file`` its flags are not read where it is given a file;
    ``environment`` begins the names of the variables that stand for flags."""

    settings: dict[str, Setting]
    precedence: Literal["flag", "file"] = "flag"
    environment: str = ""
    gates: dict[str, Gate] = {}


class DataError(Exception):
    """Benchmark data that is not as it must be; the message says where and what."""


def decode(name: str, data: bytes, kind: Any) -> Any:
    """Typed data from YAML text; ``name`` is for messages.

    Raises:
        DataError: it is not of that type, or has a key that is not known.
    """
    try:
        return msgspec.yaml.decode(data, type=kind)
    except (msgspec.DecodeError, ValueError) as error:
        raise DataError(f"{name}: {error}") from error


def refuse_others(where: str, data: Mapping[str, Any], *known: str) -> None:
    """Refuse keys that do not belong to a part of the data.

    Raises:
        DataError: there is one.
    """
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise DataError(f"{where}: {unknown[0]!r} does not belong here")


@cache
def settings() -> Mapping[str, ComponentSettings]:
    """The table of settings, by component.

    Raises:
        DataError: it is not as it must be.
    """
    return read_settings("settings.yaml", (DATA / "settings.yaml").read_bytes())


def read_settings(name: str, data: bytes) -> Mapping[str, ComponentSettings]:
    """A table of settings from YAML text.

    Raises:
        DataError: it is not as it must be.
    """
    table: dict[str, ComponentSettings] = decode(name, data, dict[str, ComponentSettings])
    for component, known in table.items():
        for setting, each in known.settings.items():
            _check(f"{name}: {component}/{setting}", each)
        for gate, default in known.gates.items():
            _versions(f"{name}: {component}/{gate}", default.default_since)
    return table


def _check(where: str, setting: Setting) -> None:
    if setting.type not in TYPES:
        raise DataError(f"{where}: there is no type {setting.type!r}; choose from {', '.join(TYPES)}")
    _versions(where, setting.default_since)
    for value in (setting.default, setting.file_default, *setting.default_since.values()):
        if value is not UNSET:
            try:
                TYPES[setting.type](value)
            except ValueError as error:
                raise DataError(f"{where}: the default {error}") from error


def _versions(where: str, since: Mapping[str, Any]) -> None:
    for version in since:
        try:
            parse_version(version)
        except ValueError as error:
            raise DataError(f"{where}: {error}") from error


#: The oldest version that a benchmark is for; a node that does not tell its version is not taken for an older one.
OLDEST = KubernetesVersion(1, 28)


def default_at(first: Any, since: Mapping[str, Any], version: KubernetesVersion | None) -> Any:
    """The default at a version; None where that is not known and it matters."""
    if version is None:
        if any(parse_version(start) > OLDEST for start in since):
            return None
        version = OLDEST
    for start, value in sorted(since.items(), key=lambda item: parse_version(item[0]), reverse=True):
        if version >= parse_version(start):
            return value
    return first
