"""``seawall.yaml``: what a project decides once, so that every run of it is the same."""

from __future__ import annotations

import os
import re
from typing import TypeVar

import msgspec
from msgspec import Struct

from seawall.model.finding import Severity
from seawall.model.paths import parse_path
from seawall.sources.manifests.text import decode
from seawall.sources.manifests.yamltext import Document, SyntaxProblem, parse_documents, place_in

CONFIG_FILE = "seawall.yaml"
_MAX_BYTES = 4 * 1024 * 1024
T = TypeVar("T")
_PLACE = re.compile(r" - at `(?:key in )?\$([^`]*)`\Z")


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


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. ``profile`` is the one to use where the command line names none."""

    profile: str = "default"
    profiles: dict[str, OwnProfile] = {}
    database: DatabaseConfig = DatabaseConfig()


def load_config(path: str | None) -> Config:
    """Read a configuration; without a path ``seawall.yaml`` of the working directory, if there is one.

    Raises:
        ConfigError: the file cannot be read, or says something that makes no sense.
    """
    file = path or CONFIG_FILE
    if path is None and not os.path.isfile(file):
        return Config()
    return read_typed(file, Config) or Config()


def read_typed(file: str, kind: type[T]) -> T | None:
    """The one document of a YAML file as a value of that type; None where the file holds none.

    Raises:
        ConfigError: the file cannot be read, or is not of the type; with line and column.
    """
    document = read_document(file)
    return convert(document, file, kind) if document is not None else None


def read_document(file: str) -> Document | None:
    """The one document of a YAML file with the places of its values; None where the file holds none.

    Raises:
        ConfigError: the file cannot be read, or holds several; with line and column.
    """
    try:
        with open(file, "rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise ConfigError(f"{file} is larger than {_MAX_BYTES >> 20} MiB")
    try:
        documents = [each for each in parse_documents(decode(data)) if each.value is not None]
    except SyntaxProblem as problem:
        raise ConfigError(f"{file}:{problem.line}:{problem.column}: {problem.message}") from problem
    if len(documents) > 1:
        raise ConfigError(f"{file} must hold one document")
    return documents[0] if documents else None


def convert(document: Document, file: str, kind: type[T]) -> T:
    """A document as a value of that type.

    Raises:
        ConfigError: it is not of the type, or has a key twice; with line and column.
    """
    for _, line, column in document.duplicates:
        raise ConfigError(f"{file}:{line + 1}:{column + 1}: the key is given twice; keep one")
    try:
        return msgspec.convert(document.value, kind)
    except msgspec.ValidationError as error:
        text = str(error)
        match = _PLACE.search(text)
        where = match[1].partition("[...]")[0].lstrip(".") if match else ""
        line, column = place_in(document.marks, parse_path(where))
        message = _PLACE.sub("", text)
        message = message[:1].lower() + message[1:]
        raise ConfigError(f"{file}:{line + 1}:{column + 1}: {where or 'the file'}: {message}") from error
