"""What people attest: evidence for controls, kept in a YAML file that can be reviewed, and hashed against edits."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct, field

from seawall.engine.config import ConfigError, Text, convert, read_text
from seawall.sources.manifests.yamltext import place_in

SCHEMA = "seawall.attestations/v1"
DEFAULT_FILE = "seawall-attestations.yaml"
#: What YAML does not take as it is, or takes for the end of a line.
_UNWRITABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_HEAD = f"""# What people attest, written by `seawall comply attest`. An entry that is edited no longer counts.
schema: {SCHEMA}
attestations:
"""


class AttestedFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of evidence, relative to the file of attestations, and its SHA-256 when it was attested."""

    path: str
    sha256: str


class Attestation(Struct, frozen=True, forbid_unknown_fields=True):
    """What someone attests to a control until a day; ``sha256`` is that of all the rest."""

    framework: str
    control: str
    by: str
    given: date = field(name="date")
    until: date
    text: str = ""
    files: tuple[AttestedFile, ...] = ()
    sha256: str = ""

    def digest(self) -> str:
        """The SHA-256 of everything but itself, as sorted JSON."""
        plain = msgspec.to_builtins(self)
        del plain["sha256"]
        return sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()

    def told(self) -> str:
        """Who said so, when and until when, in one line."""
        return f"attested by {self.by} on {self.given}, until {self.until}"


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    schema_: Literal["seawall.attestations/v1"] = field(name="schema")
    attestations: tuple[Attestation, ...] = ()


class Attestations:
    """The attestations of a file that count on a day; ``notes`` tell of those that ended."""

    def __init__(self, file: str, found: Iterable[Attestation], today: date) -> None:
        self.file = file
        self.notes: list[str] = []
        self._found: dict[tuple[str, str], Attestation] = {}
        ended: dict[tuple[str, str], Attestation] = {}
        for each in found:
            key = (each.framework, each.control)
            if each.until < today:
                ended[key] = each
            else:
                self._found[key] = each
        for key, each in ended.items():
            if key not in self._found:
                name = f"{each.framework} {each.control}"
                self.notes.append(f"{file}: the attestation of {name} ended on {each.until}: it does not count")

    def get(self, framework: str, control: str) -> Attestation | None:
        """The attestation of a control; the last one written counts."""
        return self._found.get((framework, control))

    def of(self, framework: str) -> list[Attestation]:
        """All that count of a framework."""
        return [each for (name, _), each in self._found.items() if name == framework]


def read_attestations(file: str, today: date) -> Attestations:
    """Read a file of attestations, and the files that they name.

    Raises:
        ConfigError: it cannot be read or is of another schema, an entry or a file was changed after it was attested,
            or is from the future; with line and column.
    """
    document = read_text(file)
    if document is None:
        raise ConfigError(f"{file} holds no attestations; write one with `seawall comply attest`")
    found = convert(document, _File).attestations
    for number, each in enumerate(found):
        problem = _problem(each, os.path.dirname(file), today)
        if problem:
            raise ConfigError(f"{_place(document, number)}: {each.framework} {each.control}: {problem}")
    return Attestations(file, found, today)


def _place(document: Text, number: int) -> str:
    line, column = place_in(document.marks, ("attestations", number))
    return f"{document.file}:{line + 1}:{column + 1}"


def _problem(each: Attestation, folder: str, today: date) -> str:
    if each.digest() != each.sha256:
        return "it was edited after it was attested; attest it anew with `seawall comply attest`"
    if each.given > today:
        return f"it is of {each.given}, which is to come"
    for file in each.files:
        # One that has ended proves nothing any more: its files may have gone.
        if each.until < today:
            break
        try:
            if file_digest(os.path.join(folder, file.path)) != file.sha256:
                return f"{file.path} was changed after it was attested; attest it anew"
        except OSError as error:
            return f"{file.path} cannot be read: {error.strerror}"
    return ""


def file_digest(path: str) -> str:
    """The SHA-256 of a regular file.

    Raises:
        OSError: it cannot be read, or is no file.
    """
    # A pipe or device would never end.
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(0, "is no file")
    digest = sha256()
    with open(path, "rb") as stream:
        while part := stream.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def attest(
    file: str, target: tuple[str, str], said: tuple[str, Sequence[str]], by: str, days: tuple[date, date]
) -> Attestation:
    """Add an attestation to a file, which is made where there is none.

    ``target`` is framework and control, ``said`` a text and paths of files, ``days`` that of today and the last one.

    Raises:
        ConfigError: it says nothing, by nobody or until a day that has passed; or a file cannot be read or written.
    """
    text, paths = said
    today, until = days
    if not by.strip():
        raise ConfigError("who attests is missing (--by)")
    if not (text.strip() or paths):
        raise ConfigError("an attestation needs --text or --file")
    try:
        "".join((text, by, *paths)).encode()
    except UnicodeEncodeError as error:
        raise ConfigError("the text, the name or a path is not UTF-8") from error
    if until <= today:
        raise ConfigError(f"--until {until} is not to come: name the day when it must be looked at again")
    if os.path.exists(file):
        read_attestations(file, today)
    folder = os.path.dirname(os.path.abspath(file))
    files = []
    for path in paths:
        try:
            files.append(AttestedFile(os.path.relpath(path, folder), file_digest(path)))
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    bare = Attestation(*target, by.strip(), today, until, text, tuple(files))
    whole = msgspec.structs.replace(bare, sha256=bare.digest())
    _append(file, whole)
    return whole


def _append(file: str, entry: Attestation) -> None:
    try:
        fresh = not os.path.exists(file)
        ends = True
        if not fresh:
            with open(file, "rb") as stream:
                ends = stream.read().endswith(b"\n")
        with open(file, "a", encoding="utf-8") as stream:
            stream.write(_HEAD if fresh else "" if ends else "\n")
            stream.write(_written(entry))
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error


def _written(entry: Attestation) -> str:
    """An entry as YAML; JSON text is YAML too, so no value can break out of its place."""
    lines = []
    for key, value in msgspec.to_builtins(entry).items():
        if value not in ("", [], ()):
            text = msgspec.json.encode(value).decode()
            lines.append(f"{key}: {_UNWRITABLE.sub(_escaped, text)}")
    return "".join(f"  {'-' if number == 0 else ' '} {line}\n" for number, line in enumerate(lines))


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
