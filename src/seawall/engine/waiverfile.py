"""Adding waivers to a file by text, so that its comments, order and quoting stay as they are."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from seawall.engine.config import CONFIG_FILE, WAIVERS_FILE, ConfigError, Text, parse_text
from seawall.findings.waivers import WaiverEntry

_PLAIN = re.compile(r"[A-Za-z/_][A-Za-z0-9_./-]*\Z")
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "none"])


def default_file() -> str:
    """Where waivers go that name no file: beside those that there are."""
    if not os.path.exists(WAIVERS_FILE) and os.path.exists(CONFIG_FILE):
        with open(CONFIG_FILE, "rb") as stream:
            if re.search(rb"^waivers:", stream.read(), re.M):
                return CONFIG_FILE
    return WAIVERS_FILE


def append_waivers(file: str, entries: Sequence[WaiverEntry]) -> None:
    """Write waivers to the end of the list in a file; makes the file where it is not there.

    Raises:
        ConfigError: the file cannot be read or written, or its list is written so that nothing can be added by text.
    """
    try:
        with open(file, "rb") as stream:
            data = stream.read()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    new = _with(file, data, entries)
    try:
        part = f"{file}.part"
        with open(part, "wb") as stream:
            stream.write(new)
        os.replace(part, file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error


def _with(file: str, data: bytes, entries: Sequence[WaiverEntry]) -> bytes:
    before = parse_text(data, file)
    given = before.value.get("waivers") if before is not None else None
    if given and not isinstance(given, list):
        raise ConfigError(f"{file}: `waivers` must be a list")
    lines = data.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    at, indent = _end_of_list(before, lines) if before is not None and given else (len(lines), "  ")
    added = [line + "\n" for entry in entries for line in _written(entry, indent)]
    if not given:
        empty = _empty_list(before, lines)
        at, added = (len(lines), ["waivers:\n", *added]) if empty is None else (empty, added)
    new = "".join([*lines[:at], *added, *lines[at:]]).encode("utf-8", "surrogateescape")
    _prove(file, new, before, [*(given or []), *map(plain, entries)])
    return new


def _empty_list(before: Text | None, lines: list[str]) -> int | None:
    """The line after an empty ``waivers:``, which is made ready to be followed by items; None where there is none."""
    if before is None or "waivers" not in before.value or before.marks is None:
        return None
    line = before.marks.children["waivers"][0]
    lines[line] = re.sub(r"^(waivers:)[ \t]*(\[[ \t]*\]|~|null)?", r"\1", lines[line])
    return line + 1


def _end_of_list(text: Text, lines: list[str]) -> tuple[int, str]:
    """The line after the last item of the list (its comments belong to it), and how far the items are indented."""
    waivers = text.marks.children["waivers"] if text.marks is not None else None
    below = waivers[2] if waivers is not None else None
    if waivers is None or below is None:
        raise ConfigError(f"{text.file}: waivers cannot be added by text where the list comes from an alias")
    first = lines[below.line]
    indent = first[: len(first) - len(first.lstrip(" "))]
    at = max(line for line, _, _ in below.children.values()) + 1
    while at < len(lines) and (not lines[at].strip() or lines[at].startswith(indent + " ")):
        at += 1
    while not lines[at - 1].strip():
        at -= 1
    return at, indent


def _prove(file: str, new: bytes, before: Text | None, wanted: list[Any]) -> None:
    """The new text must mean the old with the waivers added, and nothing else."""
    expected = {**(before.value if before is not None else {}), "waivers": wanted}
    try:
        after = parse_text(new, file)
    except ConfigError:
        after = None
    if after is None or after.value != expected:
        hint = "write the list with a line for each item, beginning `- rule:`"
        raise ConfigError(f"{file}: waivers cannot be added to a list that is written like this; {hint}")


def plain(entry: WaiverEntry) -> dict[str, Any]:
    """A waiver as plain values, without what is at its default."""
    value: dict[str, Any] = msgspec.to_builtins(entry)
    value["select"] = _without_defaults(value["select"])
    return _without_defaults(value)


def _without_defaults(value: dict[str, Any]) -> dict[str, Any]:
    return {key: list(part) if isinstance(part, tuple) else part for key, part in value.items() if part}


def _written(entry: WaiverEntry, indent: str) -> list[str]:
    lines = []
    for key, value in plain(entry).items():
        if isinstance(value, dict):
            lines.append(f"{key}: {{{', '.join(f'{name}: {_flow(part)}' for name, part in value.items())}}}")
        else:
            lines.append(f"{key}: {_flow(value)}")
    return [f"{indent}{'- ' if not number else '  '}{line}" for number, line in enumerate(lines)]


def _flow(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_flow(key)}: {_flow(part)}' for key, part in value.items())}}}"
    text = str(value)
    return text if _PLAIN.match(text) and text.lower() not in _WORDS else f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    """A character within double quotes. YAML does not read JSON's pairs of surrogates."""
    if char in '\\"':
        return f"\\{char}"
    code = ord(char)
    if char.isprintable():
        return char
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def entries_text(entries: Sequence[WaiverEntry]) -> str:
    """A file of these waivers."""
    return "waivers:\n" + "".join(line + "\n" for entry in entries for line in _written(entry, "  "))
