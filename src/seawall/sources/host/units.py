"""Units of systemd as it reads them: where they are found, drop-ins, environment files, and the command that results.

Source: systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.syntax(7). Nothing is run: no generator, no
``systemctl``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from seawall.sources.host.problems import Problems
from seawall.sources.host.root import Absent, HostError, Root

#: Folders with units, the first that has one wins.
FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_MAX_UNIT = 256 * 1024
_MAX_DROPINS = 50
#: As long as a command line may be that is judged.
_MAX_COMMAND = 256 * 1024
#: Settings of which later ones add to earlier ones, until an empty one.
_LISTS = frozenset(("ExecStart", "ExecStartPre", "Environment", "EnvironmentFile"))
_ESCAPES = {"n": "\n", "t": "\t", "s": " ", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)")
_PREFIX = re.compile(r"[@\-:+!|]*")


class Unit(Struct, frozen=True):
    """A unit: the file that holds it, the files that change it, the words that start it, and its environment.

    ``settings`` are those of [Service] and [Socket], in order. ``problem`` says why its command is not known.
    """

    name: str
    path: str
    dropins: tuple[str, ...]
    settings: dict[str, tuple[str, ...]]
    argv: tuple[str, ...]
    environment: dict[str, str]
    files: tuple[str, ...]
    problem: str = ""


def find_unit(root: Root, name: str, problems: Problems) -> Unit | None:
    """A unit by its name (``kubelet.service``), or None where there is none or it is masked."""
    path = data = None
    for folder in FOLDERS:
        try:
            if root.entry(f"{folder}/{name}").target == "/dev/null":
                return None  # masked
            data = root.read(f"{folder}/{name}", _MAX_UNIT)
        except Absent:
            continue
        except HostError as error:
            problems.add(f"files.{folder}/{name}", f"{folder}/{name} {error}")
            continue
        path = f"{folder}/{name}"
        break
    dropins = _dropins(root, name, problems)
    if path is None or data is None:
        return None
    lines = list(parse_unit(data))
    for dropin in dropins:
        with problems.noting(f"files.{dropin}", dropin):
            lines += parse_unit(root.read(dropin, _MAX_UNIT))
    return _assembled(root, name, path, dropins, lines, problems)


def _dropins(root: Root, name: str, problems: Problems) -> list[str]:
    """The drop-ins of a unit: of equal names the first folder's counts, all in the order of their names."""
    found: dict[str, str] = {}
    kind = name.rpartition(".")[2]
    for owner in (name, kind):
        for folder in FOLDERS:
            place = f"{folder}/{owner}.d"
            with problems.noting(f"files.{place}", place):
                for each in root.names(place):
                    if each.endswith(".conf"):
                        found.setdefault(each, f"{place}/{each}")
    return [found[each] for each in sorted(found)][:_MAX_DROPINS]


def parse_unit(data: bytes) -> Iterator[tuple[str, str, str]]:
    """The (section, key, value) lines of a unit's text; continued lines are joined, comments left out."""
    section = ""
    pending = ""
    for raw in data.decode("utf-8", "replace").split("\n"):
        line = raw.rstrip("\r")
        if pending and line.lstrip()[:1] in ("#", ";"):
            continue
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        line = (pending + line).strip()
        pending = ""
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        key, equals, value = line.partition("=")
        if equals:
            yield section, key.strip(), value.strip()


def _assembled(
    root: Root,
    name: str,
    path: str,
    dropins: Sequence[str],
    lines: Sequence[tuple[str, str, str]],
    problems: Problems,
) -> Unit:
    settings: dict[str, list[str]] = {}
    for section, key, value in lines:
        if section not in ("Service", "Socket"):
            continue
        if key in _LISTS and not value:
            settings[key] = []
        elif key in _LISTS or section == "Socket":
            settings.setdefault(key, []).append(value)
        else:
            settings[key] = [value]
    environment: dict[str, str] = {}
    for value in settings.get("Environment", ()):
        environment.update(_assignments(split_words(value)))
    files, problem = _environment_files(root, settings.get("EnvironmentFile", ()), environment, problems)
    argv: tuple[str, ...] = ()
    try:
        argv = command(settings["ExecStart"][-1], environment) if settings.get("ExecStart") else ()
    except HostError as error:
        problem = str(error)
    kept = {key: tuple(values) for key, values in settings.items()}
    return Unit(name, path, tuple(dropins), kept, argv, environment, tuple(files), problem)


def _environment_files(
    root: Root, named: Sequence[str], environment: dict[str, str], problems: Problems
) -> tuple[list[str], str]:
    """Read environment files over what is set; they win over Environment=. Gives their paths and what is wrong."""
    files: list[str] = []
    problem = ""
    for each in named:
        path = each.removeprefix("-").strip('"')
        if not path.startswith("/") or "*" in path:
            problem = f"EnvironmentFile={each} is not followed"
            continue
        files.append(path)
        try:
            environment.update(parse_environment(root.read(path, _MAX_UNIT)))
        except Absent:
            if not each.startswith("-"):
                problem = f"{path} is not there, without which the unit does not start"
        except HostError as error:
            problem = f"{path} {error}"
            problems.add(f"files.{path}", problem)
    return files, problem


def parse_environment(data: bytes) -> dict[str, str]:
    """The assignments of an environment file: quotes may surround a value, ``#`` and ``;`` begin comments."""
    found: dict[str, str] = {}
    content = data.decode("utf-8", "replace").replace("\\\n", "")
    for line in content.split("\n"):
        stripped = line.strip()
        name, equals, value = stripped.partition("=")
        if not equals or stripped[0] in "#;" or not re.fullmatch(r"[A-Za-z_]\w*", name.strip()):
            continue
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found[name.strip()] = value
    return found


def _assignments(words: Sequence[str]) -> dict[str, str]:
    return {name: value for name, equals, value in (word.partition("=") for word in words) if equals}


def command(line: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The words of an ``ExecStart=``: ``$NAME`` alone becomes the words of its value, ``${NAME}`` stays within one.

    Raises:
        HostError: they are longer than 256 KiB together.
    """
    body = line[_prefix_length(line) :]
    used = (environment.get(match[1] or match[2] or "", "") for match in _VARIABLE.finditer(body))
    if len(body) + sum(map(len, used)) > _MAX_COMMAND:
        raise HostError("its command is longer than 256 KiB")
    found: list[str] = []
    for word in split_words(body):
        if re.fullmatch(r"\$[A-Za-z_]\w*", word):
            found += split_words(environment.get(word[1:], ""))
        else:
            found.append(_VARIABLE.sub(lambda match: _filled(match, environment), word).replace("%%", "%"))
    return tuple(found)


def _prefix_length(line: str) -> int:
    match = _PREFIX.match(line)
    return match.end() if match else 0


def _filled(match: re.Match[str], environment: Mapping[str, str]) -> str:
    if match[0] == "$$":
        return "$"
    return environment.get(match[1] or match[2], "")


def split_words(line: str) -> list[str]:
    """Words as systemd cuts them: at white space, quotes hold words together, a backslash escapes."""
    words: list[str] = []
    word: list[str] | None = None
    quote = ""
    index = 0
    while index < len(line):
        char = line[index]
        index += 1
        if char == "\\" and index < len(line):
            word = [] if word is None else word
            word.append(_ESCAPES.get(line[index], line[index]))
            index += 1
            continue
        if quote:
            if char == quote:
                quote = ""
            elif word is not None:
                word.append(char)
        elif char in "\"'":
            quote = char
            word = [] if word is None else word
        elif char.isspace():
            if word is not None:
                words.append("".join(word))
            word = None
        else:
            word = [] if word is None else word
            word.append(char)
    if word is not None:
        words.append("".join(word))
    return words
