"""The files as they are with the steps done: edited in memory, everything else as it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from seawall.engine.externalize.secrecy import Secrecy
from seawall.engine.externalize.steps import Part, Step
from seawall.engine.rewrite import Rewriter, base_of
from seawall.model.remedy import Conflict, Edit, in_order
from seawall.sources.manifests.edit import EditRefused, edit_text
from seawall.sources.manifests.jsonorigin import JsonOrigin
from seawall.sources.manifests.text import encode
from seawall.sources.manifests.yamlorigin import YamlOrigin
from seawall.sources.manifests.yamltext import SyntaxProblem, parse_documents


class Texts(Struct):
    """What comes of the steps: files that change, files that are new, and the steps that cannot be done, with why."""

    changed: dict[str, bytes]
    new: dict[str, bytes]
    refused: list[tuple[Step, str]]


#: Writes an object as a YAML document; reports know how.
ToYaml = Callable[[Mapping[str, Any]], str]


class _Refused(Exception):
    pass


class _Writing(NamedTuple):
    to_yaml: ToYaml
    secrecy: Secrecy


def write_steps(steps: Sequence[Step], rewriter: Rewriter, secrecy: Secrecy, to_yaml: ToYaml) -> Texts:
    """Do the steps in the texts of files."""
    texts = Texts({}, {}, [])
    writing = _Writing(to_yaml, secrecy)
    places: dict[str, dict[tuple[int, int], list[tuple[Step, Part]]]] = {}
    for step in steps:
        for part in step.parts:
            place = rewriter.place(part.resource)
            if place is None:
                texts.refused.append((step, "the file changed while it was read"))
                continue
            places.setdefault(part.resource.origin.file, {}).setdefault(place[:2], []).append((step, part))
    for file, spans in places.items():
        before, text = rewriter.bytes[file], rewriter.text(file)
        if encode(text, before) != before:
            texts.refused += [
                (step, "its encoding cannot be written back") for parts in spans.values() for step, _ in parts
            ]
            continue
        extra: list[dict[str, Any]] = []
        pieces: list[str] = []
        end = 0
        for (start, length), parts in sorted(spans.items()):
            pieces.append(text[end:start])
            pieces.append(_write_span(text[start : start + length], parts, writing, extra, texts.refused))
            end = start + length
        made = "".join([*pieces, text[end:]])
        if made != text:
            texts.changed[file] = encode(made, before)
        if extra:
            documents = "---\n".join(to_yaml(value) for value in extra)
            texts.new[f"{os.path.splitext(file)[0]}-externalized.yaml"] = documents.encode()
    return texts


def _write_span(
    text: str,
    parts: list[tuple[Step, Part]],
    writing: _Writing,
    extra: list[dict[str, Any]],
    refused: list[tuple[Step, str]],
) -> str:
    """All parts that fall into one text, one after the other; those that cannot be written are left out."""
    done: list[Part] = []
    made = text
    for step, part in parts:
        try:
            made = _attempt(text, [*done, part], writing)
            done.append(part)
        except (_Refused, EditRefused, Conflict, SyntaxProblem) as problem:
            refused.append((step, writing.secrecy.hide(str(problem))))
    for part in done:
        if isinstance(part.resource.origin, JsonOrigin) and not part.removed:
            extra += part.added
    return made


def _attempt(text: str, parts: list[Part], writing: _Writing) -> str:
    origin = parts[0].resource.origin
    removed = next((part for part in parts if part.removed), None)
    if isinstance(origin, JsonOrigin):
        if removed is not None:
            return json.dumps(removed.added[0], indent=2)
        return edit_text(text, 0, _edits(parts))
    if removed is not None and isinstance(origin, YamlOrigin) and not origin.item:
        if len(parse_documents(text)) > 1:
            raise _Refused("several documents stand there without --- between them")
        return _in_place(text, removed, writing)
    made = text
    documents = {part.resource.origin.document for part in parts if isinstance(part.resource.origin, YamlOrigin)}
    for number in sorted(documents):
        of_document = [part for part in parts if getattr(part.resource.origin, "document", -1) == number]
        made = edit_text(made, number, _edits(of_document))
    added = [value for part in parts for value in part.added]
    return _append(made, [writing.to_yaml(value) for value in added])


def _edits(parts: list[Part]) -> list[Edit]:
    edits = [Edit(edit.op, (*base_of(part.resource), *edit.path), edit.value) for part in parts for edit in part.edits]
    edits += [Edit("remove", base_of(part.resource)) for part in parts if part.removed]
    return in_order(edits)


def _in_place(text: str, removed: Part, writing: _Writing) -> str:
    """The new object where the Secret was, below the comments that stood before it."""
    kept: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("---") or not line.strip() or line.lstrip().startswith("#"):
            kept.append(line)
            continue
        break
    head = "".join(kept) if not writing.secrecy.leak("".join(kept)) else ("---\n" if text.startswith("---") else "")
    if head.startswith("---") and head.partition("\n")[0].strip("- \t\r"):
        # What follows the mark on its line may belong to the Secret.
        head = "---\n" + head.partition("\n")[2]
    body = "---\n".join(writing.to_yaml(value) for value in removed.added)
    newline = "\r\n" if "\r\n" in text else "\n"
    return head + body.replace("\n", newline)


def _append(text: str, documents: list[str]) -> str:
    if not documents:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    ended = text if text.endswith("\n") else text + newline
    return ended + "".join(f"---\n{document}" for document in documents).replace("\n", newline)
