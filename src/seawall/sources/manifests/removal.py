"""Taking an entry out of YAML or JSON text; comments that stood with it stay, each on a line of its own."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from seawall.model.paths import Path, format_path
from seawall.sources.manifests.tree import Node, comments_in


class Refused(Exception):
    """There is no way to write an edit; the message says why."""


class Splice(Struct, frozen=True):
    """Text that takes the place of what stands between two offsets."""

    start: int
    end: int
    text: str


def removal(text: str, root: Node, path: Path) -> Iterator[Splice]:
    """Ways to take out the field or item at ``path``.

    Raises:
        Refused: it is not there, belongs to an alias, or cannot be taken out without a comment in its midst.
    """
    above: list[Node] = []
    node = root
    for depth, step in enumerate(path):
        if node.kind == "alias":
            raise Refused(f"{format_path(path[:depth])} is an alias: the anchor's text stands for several places")
        above.append(node)
        below = node.child(step)
        if below is None:
            raise Refused(f"{format_path(path)} is not there")
        node = below
    holder = above[-1]
    index = holder.children.index(node)
    if any(part.event.anchor is not None for part in node.walk()):
        raise Refused(f"{format_path(path)} has an anchor, which may stand for other places")
    if holder.flow:
        yield _from_flow(text, root, holder, index)
    elif len(holder.children) > 1:
        yield from _from_block(text, root, holder, index)
    elif len(above) > 1:
        yield from _last_of_block(text, root, above[-2], holder, path)
    else:
        raise Refused(f"{format_path(path)} is all that there is")


def _entry_start(text: str, holder: Node, index: int) -> int:
    """Where an entry begins: at its key, or at its dash."""
    if holder.keys:
        return holder.keys[index].start
    start = holder.children[index].start
    dash = text.rfind("-", 0, start)
    if dash < 0 or text[dash + 1 : start].strip():
        raise Refused("the dash of the item is not beside it")
    return dash


def _from_flow(text: str, root: Node, holder: Node, index: int) -> Splice:
    entries = holder.keys or holder.children
    start, end = entries[index].start, holder.children[index].end
    if index + 1 < len(entries):
        end = entries[index + 1].start
    elif index:
        start = holder.children[index - 1].end
    if comments_in(text, start, end, root):
        raise Refused("a comment stands within what would be removed")
    return Splice(start, end, "")


def _from_block(text: str, root: Node, holder: Node, index: int) -> Iterator[Splice]:
    start, end = _entry_start(text, holder, index), _line_after(text, holder.children[index].end)
    line = text.rfind("\n", 0, start) + 1
    if not text[line:start].strip():
        yield Splice(line, end, _kept(text, root, start, end, text[line:start]))
        return
    # The first key of an item stands behind its dash: the next one moves up.
    if index or len(holder.children) < 2:
        raise Refused("the entry does not begin a line")
    following = _entry_start(text, holder, 1)
    if comments_in(text, start, following, root):
        raise Refused("a comment stands within what would be removed")
    yield Splice(start, following, "")


def _last_of_block(text: str, root: Node, outer: Node, holder: Node, path: Path) -> Iterator[Splice]:
    """The only entry: what held it becomes empty, ``{}`` or ``[]``."""
    if outer.kind != "mapping" or holder.event.anchor is not None or holder.event.tag is not None:
        raise Refused(f"{format_path(path)} is the only entry, and what holds it cannot be written empty")
    key = outer.keys[outer.children.index(holder)]
    colon = text.find(":", key.end)
    start, end = _entry_start(text, holder, 0), _line_after(text, holder.children[-1].end)
    line = text.rfind("\n", 0, start) + 1
    if colon < 0 or text[key.end : colon].strip() or line <= colon:
        raise Refused(f"{format_path(path)} is the only entry, and what holds it cannot be written empty")
    empty = "{}" if holder.kind == "mapping" else "[]"
    between = text[colon + 1 : line]
    yield Splice(colon + 1, end, f" {empty}{between}{_kept(text, root, start, end, text[line:start])}")


def _line_after(text: str, end: int) -> int:
    """Where the line after the one in which something ends begins; a block scalar ends there already."""
    if end and text[end - 1] == "\n":
        return end
    newline = text.find("\n", end)
    return newline + 1 if newline >= 0 else len(text)


def _kept(text: str, root: Node, start: int, end: int, indent: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    return "".join(f"{indent}{comment}{newline}" for comment in comments_in(text, start, end, root))
