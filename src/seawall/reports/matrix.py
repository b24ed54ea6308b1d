"""Subjects by resources: as tables for the terminal, as CSV, and as one self-contained HTML page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from seawall.engine.access import Matrix
from seawall.reports.csv import csv_line
from seawall.reports.excerpt import printable
from seawall.reports.html import fill

#: A letter a verb; what is none of these is written out.
LETTERS = {
    "get": "g", "list": "l", "watch": "w", "create": "c", "update": "u", "patch": "p", "delete": "d",
    "deletecollection": "D", "*": "*",
}  # fmt: skip
LEGEND = (
    "g get, l list, w watch, c create, u update, p patch, d delete, D deletecollection, * all; "
    "@ in a namespace or so many of them, ~ of named objects only"
)
_LEAST_WIDTH = 6


def terminal(matrix: Matrix, width: int) -> Iterator[str]:
    """Tables as wide as the terminal, one beneath the other; columns in which nobody may anything are left out."""
    used = sorted({cell.column for row in matrix.rows for cell in row.cells})
    rows = [row for row in matrix.rows if row.cells]
    yield f"{len(rows)} of {len(matrix.rows)} subjects may do something with {len(used)} resources\n{LEGEND}\n"
    names = [printable(str(row.subject)) for row in rows]
    texts = [{cell.column: _text(matrix, row_number, cell.column) for cell in row.cells}
             for row_number, row in enumerate(matrix.rows) if row.cells]  # fmt: skip
    heads = [printable(name) for name in _short_names(matrix)]
    first = min(max(map(len, names), default=0), max(width // 2, 20))
    start = 0
    while start < len(used):
        shown: list[tuple[int, int]] = []
        taken = first
        for column in used[start:]:
            cells = [text.get(column, "") for text in texts]
            wide = max(_LEAST_WIDTH, len(heads[column]), *map(len, cells))
            if shown and taken + wide + 2 > width:
                break
            shown.append((column, wide))
            taken += wide + 2
        start += len(shown)
        head = "  ".join(heads[column].ljust(wide) for column, wide in shown)
        yield f"\n{'':{first}}  {head.rstrip()}\n"
        for name, text in zip(names, texts, strict=True):
            if any(column in text for column, _ in shown):
                line = "  ".join(text.get(column, "").ljust(wide) for column, wide in shown)
                yield f"{_cut(name, first):{first}}  {line.rstrip()}\n"


def _short_names(matrix: Matrix) -> list[str]:
    """The columns without their group, where that leaves no doubt."""
    count = Counter(column.resource for column in matrix.columns)
    return [each.resource if count[each.resource] == 1 else str(each) for each in matrix.columns]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _text(matrix: Matrix, row: int, column: int) -> str:
    """``glw`` for the whole cluster, ``cd@shop`` for a namespace, ``cd@3`` for that many."""
    cell = next(each for each in matrix.rows[row].cells if each.column == column)
    everywhere = _letters({verb for entry in cell.entries if entry.namespace is None for verb in entry.verbs})
    places = {entry.namespace for entry in cell.entries if entry.namespace is not None}
    inside = _letters({verb for entry in cell.entries if entry.namespace is not None for verb in entry.verbs})
    where = next(iter(places)) if len(places) == 1 else len(places)
    parts = [everywhere] * bool(everywhere) + [f"{inside}@{printable(str(where))}"] * bool(places)
    return " ".join(parts) + "~" * all(entry.names for entry in cell.entries)


def _letters(verbs: set[str]) -> str:
    if "*" in verbs:
        return "*"
    short = "".join(letter for verb, letter in LETTERS.items() if verb in verbs)
    other = sorted(printable(verb) for verb in verbs if verb not in LETTERS)
    return "+".join([*([short] if short else []), *other])


def csv(matrix: Matrix) -> Iterator[bytes]:
    """A line a subject, a column a resource; each cell tells verbs and where, as ``get list in shop; * everywhere``."""
    yield csv_line(("subject", *map(str, matrix.columns)))
    for row in matrix.rows:
        cells = {cell.column: cell for cell in row.cells}
        texts = []
        for number in range(len(matrix.columns)):
            told = [
                f"{' '.join(e.verbs)} {f'in {e.namespace}' if e.namespace else 'everywhere'}"
                + (f" named {' '.join(e.names)}" if e.names else "")
                for e in (cells[number].entries if number in cells else ())
            ]
            texts.append("; ".join(dict.fromkeys(told)))
        yield csv_line((str(row.subject), *texts))


def html(document: bytes) -> bytes:
    """The page of a ``seawall.access/v1`` document about a matrix."""
    return fill("matrix", document, base="report").encode()
