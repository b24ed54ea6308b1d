"""What ``seawall fix`` tells: for people, and as a patch for ``git apply``."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Sequence

from seawall.engine.fix import FixResult
from seawall.engine.rewrite import Dropped, Planned
from seawall.reports.excerpt import many, printable

_MOST = 20


def terminal(result: FixResult, *, written: bool, limit: int = 100) -> Iterator[bytes]:
    """Lines for people; ``limit`` bounds the fixes that are told (0: all)."""
    for line in _lines(result, written, limit):
        yield f"{line}\n".encode()


def _lines(result: FixResult, written: bool, limit: int) -> Iterator[str]:
    told = 0
    total = sum(len(file.fixes) for file in result.files)
    for file in result.files:
        for fix in sorted(file.fixes, key=lambda each: each.finding.locations[0].line):
            told += 1
            if limit and told > limit:
                break
            yield _told(fix)
    if limit and total > limit:
        yield f"... and {total - limit} more; --limit 0 tells all"
    verb = "fixed" if written else "would be fixed"
    yield f"{many(total, 'finding')} {verb} in {many(len(result.files), 'file')}"
    yield from _dropped(result.dropped)
    yield from _cautious(result.cautious)
    for suggestion in result.suggestions:
        yield ""
        if suggestion.kind == "by-hand":
            first, *more = suggestion.text.strip().splitlines() or [""]
            yield f"by hand, in {printable(suggestion.target)}: {printable(first)}"
            yield from (printable(line) for line in more)
        else:
            yield f"{many(len(suggestion.findings), 'finding')} of {printable(suggestion.target)} would go with:"
            yield from (printable(line) for line in suggestion.text.splitlines())
    remaining = len(result.after.open_findings())
    yield f"{many(remaining, 'finding')} {'remain' if remaining != 1 else 'remains'}; `seawall scan` tells them"


def _told(fix: Planned) -> str:
    place = fix.finding.locations[0]
    steps = "; ".join(f"{edit.op} {edit.told().path}" for edit in fix.edits)
    return printable(f"{place.file}:{place.line}: {fix.finding.rule} ({fix.finding.severity}): {steps}")


def _dropped(dropped: Sequence[Dropped]) -> Iterator[str]:
    if dropped:
        yield f"{many(len(dropped), 'fix').replace('fixs', 'fixes')} left out:"
    for each in dropped[:_MOST]:
        place = each.finding.locations[0]
        yield printable(f"  {place.file}:{place.line}: {each.finding.rule}: {each.reason}")
    if len(dropped) > _MOST:
        yield f"  ... and {len(dropped) - _MOST} more"


def _cautious(cautious: Sequence[Planned]) -> Iterator[str]:
    if not cautious:
        return
    count = many(len(cautious), "finding")
    yield f"{count} could be fixed with --unsafe or --interactive, where a program may need what is taken away:"
    reasons: dict[tuple[str, str], int] = {}
    for fix in cautious:
        key = (fix.finding.rule, fix.caution)
        reasons[key] = reasons.get(key, 0) + 1
    for (rule, caution), number in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        yield f"  {number:>4} {rule}: {caution}"


def patch(files: Sequence[tuple[str, bytes, bytes]]) -> Iterator[bytes]:
    """A unified diff with names as Git writes them, relative to the current folder; of text in UTF-8 only."""
    for path, before, after in files:
        name = patch_name(path)
        old, new = _quoted(f"a/{name}"), _quoted(f"b/{name}")
        yield f"diff --git {old.rstrip(chr(9))} {new.rstrip(chr(9))}\n--- {old}\n+++ {new}\n".encode()
        # In Latin-1 each byte is a character: no line end but a newline, and nothing is lost.
        lines = difflib.unified_diff(_split(before), _split(after), n=3)
        for number, line in enumerate(lines):
            if number < 2:
                continue
            yield line.encode("latin-1")
            if not line.endswith("\n"):
                yield b"\n\\ No newline at end of file\n"


def _split(data: bytes) -> list[str]:
    parts = data.split(b"\n")
    lines = [f"{part.decode('latin-1')}\n" for part in parts[:-1]]
    return [*lines, parts[-1].decode("latin-1")] if parts[-1] else lines


def patch_name(path: str) -> str:
    """The name of a file in a patch: relative to the current folder if it is below it."""
    relative = os.path.relpath(path)
    return path.lstrip("/") if relative.startswith("..") else relative


def _quoted(name: str) -> str:
    plain = all(" " <= char <= "~" and char not in '"\\' for char in name)
    if plain:
        return f"{name}\t" if " " in name else name
    out = []
    for byte in os.fsencode(name):
        char = chr(byte)
        out.append(f"\\{char}" if char in '"\\' else char if " " <= char <= "~" else f"\\{byte:03o}")
    return f'"{"".join(out)}"'
