"""Configuration files of programs, parsed: YAML, JSON and TOML, with the files that they import or are merged with.

Every reader gives the merged document and the files that went into it, and notes what could not be read: then the
document is None, since half of a configuration would be judged wrongly.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from seawall.sources.host.problems import Problems
from seawall.sources.host.root import Absent, HostError, Root

_MAX_TOML = 512 * 1024
_MAX_IMPORTS = 64
_MAX_DEPTH = 64
_MAX_VALUES = 100_000
_Parse = Callable[[bytes], Any]


class Config(NamedTuple):
    """A configuration: the document, where it begins, and the further files in the order in which they count."""

    document: dict[str, Any] | None
    path: str
    dropins: tuple[str, ...] = ()


class _NotReadable(HostError):
    """A file's content cannot be parsed."""


def parse_yaml(data: bytes) -> Any:
    """The first document of YAML text, with the scalar rules of sigs.k8s.io/yaml; JSON is YAML.

    Raises:
        HostError: it is not YAML.
    """
    from seawall.sources.manifests.text import decode
    from seawall.sources.manifests.yamltext import SyntaxProblem, parse_documents

    try:
        documents = parse_documents(_first(decode(data)))
    except SyntaxProblem as problem:
        raise _NotReadable(f"is not YAML: {problem.line}:{problem.column}: {problem.message}") from problem
    document = next((each.value for each in documents if each.value is not None), None)
    if _is_large(document):
        raise HostError(f"holds more than {_MAX_VALUES} values")
    return document


def _is_large(document: Any) -> bool:
    """Whether a document has more values than a configuration can need: aliases make many of few bytes."""
    todo, count = [document], 0
    while todo and count <= _MAX_VALUES:
        value = todo.pop()
        count += 1
        if isinstance(value, dict | list):
            if len(value) > _MAX_VALUES:
                return True
            todo += value.values() if isinstance(value, dict) else value
    return count > _MAX_VALUES


def _first(content: str) -> str:
    """Text up to the line that begins a second document with something in it."""
    parts = content.split("\n---")
    return next((part for part in parts if part.strip(" \t\r\n-")), "")


def parse_json(data: bytes) -> Any:
    """JSON text.

    Raises:
        HostError: it is none.
    """
    import msgspec

    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf")) if data.strip() else None
    except (msgspec.DecodeError, RecursionError) as error:
        raise _NotReadable(f"is not JSON: {error}") from error


def parse_toml(data: bytes) -> Any:
    """TOML text.

    Raises:
        HostError: it is none.
    """
    import tomllib

    if len(data) > _MAX_TOML:
        raise HostError(f"is larger than {_MAX_TOML >> 10} KiB")
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise _NotReadable(f"is not TOML: {error}") from error
    if _is_deep(document):
        raise HostError(f"nests deeper than {_MAX_DEPTH} levels")
    return document


def _is_deep(document: Any) -> bool:
    """Whether values nest deeper than what is merged and written one within the other: names with dots have no end."""
    level = [document]
    for _ in range(_MAX_DEPTH):
        inner = [each.values() if isinstance(each, dict) else each for each in level]
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
        if not level:
            return False
    return True


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Mappings merged at every level; lists and values of ``over`` take the place of others (the kubelet's way)."""
    out = dict(base)
    for key, value in over.items():
        old = out.get(key)
        out[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return out


def _mapping(root: Root, path: str, parse: _Parse) -> dict[str, Any]:
    value = parse(root.read(path))
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _NotReadable("is not a mapping")
    return {str(key): item for key, item in value.items()}


def read_config(
    root: Root,
    path: str,
    parse: _Parse,
    fact: str,
    problems: Problems,
    folders: Iterable[tuple[str, str]] = (),
    merge: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]] = merged,
) -> Config:
    """A file merged with those of further folders, each with a pattern for names, in the order of the names.

    A main file that is not there counts as empty where a folder has one; with nothing at all the document is None.
    """
    document: dict[str, Any] = {}
    broken = False
    used: list[str] = []
    found = False
    for each in [path, *_members(root, folders, fact, problems)]:
        try:
            document = merge(document, _mapping(root, each, parse))
            found = True
        except Absent:
            continue
        except HostError as error:
            problems.add(fact, f"{each} {error}")
            broken = True
        if each != path:
            used.append(each)
    if not found and not broken:
        problems.add(fact, f"{path} is not there")
    return Config(document if found and not broken else None, path, tuple(used))


def _members(root: Root, folders: Iterable[tuple[str, str]], fact: str, problems: Problems) -> list[str]:
    found = []
    for folder, pattern in folders:
        with problems.noting(fact, folder):
            found += [f"{folder}/{name}" for name in root.names(folder) if fnmatchcase(name, pattern)]
    return found[:_MAX_IMPORTS]


def read_containerd(root: Root, path: str, fact: str, problems: Problems) -> Config:
    """containerd's configuration (versions 1 to 3) with what ``imports`` name; imported files win.

    As containerd merges them: a plugin's table of an imported file takes the place of the whole former table.
    """
    done: dict[str, dict[str, Any]] = {}
    todo = [path]
    try:
        while todo and len(done) <= _MAX_IMPORTS:
            each = todo.pop(0)
            if each in done:
                continue
            done[each] = _mapping(root, each, parse_toml)
            todo += _imports(root, each, done[each].get("imports"))
    except Absent:
        if not done:
            problems.add(fact, f"{path} is not there")
            return Config(None, path)
        problems.add(fact, f"{each}, which {path} imports, is not there")
        return Config(None, path)
    except HostError as error:
        problems.add(fact, f"{each} {error}")
        return Config(None, path)
    document: dict[str, Any] = {}
    for one in done.values():
        document = _merge_containerd(document, one)
    return Config(document, path, tuple(done)[1:])


def _imports(root: Root, path: str, value: Any) -> list[str]:
    found: list[str] = []
    for name in value if isinstance(value, list) else ():
        place = posixpath.normpath(posixpath.join(posixpath.dirname(path), str(name)))
        folder, pattern = posixpath.split(place)
        if "*" not in pattern:
            found.append(place)
            continue
        try:
            found += [f"{folder}/{each}" for each in root.names(folder) if fnmatchcase(each, pattern)]
        except Absent:
            continue
    return found


def _merge_containerd(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    out = {**base, **over}
    for table in ("plugins", "stream_processors", "proxy_plugins", "timeouts"):
        first, second = base.get(table), over.get(table)
        if isinstance(first, dict) and isinstance(second, dict):
            out[table] = {**first, **second}
    return out


def merge_k3s(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """k3s and RKE2: later files replace a setting, unless its name ends in ``+``, which adds to it."""
    out = dict(base)
    for key, value in over.items():
        name = key.removesuffix("+")
        if key.endswith("+") and name in out:
            first = out[name] if isinstance(out[name], list) else [out[name]]
            out[name] = [*first, *(value if isinstance(value, list) else [value])]
        else:
            out[name] = value
    return out
