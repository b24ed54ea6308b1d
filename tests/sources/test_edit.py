"""Edits of text: one value changes, every other character stays."""

from __future__ import annotations

import pytest

from seawall.model.paths import parse_path
from seawall.model.remedy import Edit
from seawall.sources.manifests.edit import EditRefused, edit_text
from seawall.sources.manifests.yamltext import parse_documents


def to(text: str) -> Edit:
    """``set a.b = 1``, ``add a.b = "X"``, ``remove a.b``; the value is YAML."""
    op, _, rest = text.partition(" ")
    path, _, value = rest.partition(" = ")
    assert op in ("set", "add", "remove")
    return Edit(op, parse_path(path), parse_documents(value)[0].value if value else None)  # type: ignore[arg-type]


def edit(text: str, *edits: str, document: int = 0) -> str:
    return edit_text(text, document, [to(each) for each in edits])


@pytest.mark.parametrize(
    ("text", "step", "edited"),
    [
        ("a: true # why\nb: 2\n", "set a = false", "a: false # why\nb: 2\n"),
        ("a: 1", "set b = 2", "a: 1\nb: 2"),
        ("a: 1\n\n\n# end\n", "set b = 2", "a: 1\nb: 2\n\n\n# end\n"),
        ("l:\n- n: x\n  # c\n  m: 1\n", "set l[0].p.q = true", "l:\n- n: x\n  # c\n  m: 1\n  p:\n    q: true\n"),
        ("l:\n    - n: x\nm:\n    o: 1\n", "set m.p = [z]", "l:\n    - n: x\nm:\n    o: 1\n    p:\n        - z\n"),
        ("a: {b: 1} # c\r\n", "set a.d = x", "a: {b: 1, d: x} # c\r\n"),
        ("a: {}\n", "set a.d.e = 1", "a: {d: {e: 1}}\n"),
        ("a: {b: 1,}\n", "set a.d = 1", "a: {b: 1, d: 1,}\n"),
        ("a: 'No' # q\r\n", 'set a = "it\'s"', "a: 'it''s' # q\r\n"),
        ("a: x\n", 'set a = "yes"', 'a: "yes"\n'),
        ("a: x\n", 'set a = "0x1"', 'a: "0x1"\n'),
        ("a:\r\n  b: 1\r\n", "set a.c = false", "a:\r\n  b: 1\r\n  c: false\r\n"),
        ("a:\n  b: # hm\n  c: 1\n", "set a.b.x = 2", "a:\n  b: # hm\n    x: 2\n  c: 1\n"),
        ("a: ~\nb: 1\n", "set a.x = 2", "a: {x: 2}\nb: 1\n"),
        ("a: |+\n  x\n\n", "set b = 1", "a: |+\n  x\n\nb: 1\n"),
        ("a: |\n  x", "set b = 1", "b: 1\na: |\n  x"),
        ("a: >-\n  x\n  # text\n# comment\n", "set b = 1", "a: >-\n  x\n  # text\nb: 1\n# comment\n"),
        ('{"a": {"b": 1}}', "set a.c = true", '{"a": {"b": 1, "c": true}}'),
        ('{"a": 1}', "set a = x", '{"a": "x"}'),
        ('{\n\t"a": 1\n}\n', "set b = x", '{\n\t"a": 1,\n\t"b": "x"\n}\n'),
        ("a: &x {b: 1}\nc: 2\n", "set c = 3", "a: &x {b: 1}\nc: 3\n"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "set c.b = 2", "a: &x {b: 1}\nc: {<<: *x, b: 2}\n"),
        ("a: [X]\n", "add a = ALL", "a: [X, ALL]\n"),
        ("a: [X]\n", "add a = X", "a: [X]\n"),
        ("a:\n- X # one\n# two\n", "add a = ALL", "a:\n- X # one\n- ALL\n# two\n"),
        ("a:\n  - b: 1\n", "add a = {c: 1, d: 2}", "a:\n  - b: 1\n  - c: 1\n    d: 2\n"),
        ("a: {b: [\n  X # one\n]}\n", "add a.b = W", "a: {b: [\n  X,\n  W # one\n]}\n"),
        ("b: 1\n", "add a.c = X", "b: 1\na:\n  c:\n  - X\n"),
        ("a:\n- X # why\n- Y\n", "remove a[0]", "a:\n# why\n- Y\n"),
        ("a:\n- X\n- Y # why\n", "remove a[1]", "a:\n- X\n# why\n"),
        ("a: # q\n  - X # why\nb: 1\n", "remove a[0]", "a: [] # q\n  # why\nb: 1\n"),
        ("a: [X, Y, Z]\n", "remove a[1]", "a: [X, Z]\n"),
        ("a: [X, Y]\n", "remove a[1]", "a: [X]\n"),
        ("a: {b: 1, c: 2}\n", "remove a.b", "a: {c: 2}\n"),
        ("l:\n- a: 1\n  b: 2\n", "remove l[0].a", "l:\n- b: 2\n"),
        ("l:\n- a: 1\n  b: 2\n", "remove l[0].b", "l:\n- a: 1\n"),
    ],
)
def test_only_the_one_place_changes(text: str, step: str, edited: str) -> None:
    assert edit(text, step) == edited
    if not step.startswith("remove"):
        assert edit(edited, step) == edited


@pytest.mark.parametrize(
    ("text", "step", "why"),
    [
        ("a: &x {b: 1}\nc: *x\n", "set a.b = 2", "anchor"),
        ("a: &x {b: 1}\nc: *x\n", "set c.b = 2", "alias"),
        ("a: &x {b: 1}\nc: *x\n", "set a.d = 2", "anchor"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "set a.b = 2", "anchor or merge key"),
        ("a: &x true\nc: *x\n", "set a = false", "anchor"),
        ("a: &x\n- 1\nb: *x\n", "add a = 2", "anchor or merge key"),
        ("a: &x\n- 1\n- 2\nb: *x\n", "remove a[0]", "anchor or merge key"),
        ("a: !!bool yes\n", "set a = false", "tag"),
        ("a: |\n  x\n", "set a = y", "several lines"),
        ("a: [1]\n", "set a[3] = 2", "no mapping"),
        ("a: text\n", "set a.b = 2", "no mapping"),
        ("a: text\n", "add a = 2", "no list"),
        ("a: {b: 1}\n", "remove a.c", "not there"),
        ("a: [X, # one\n  Y]\n", "remove a[0]", "comment"),
    ],
)
def test_what_would_reach_elsewhere_is_refused(text: str, step: str, why: str) -> None:
    with pytest.raises(EditRefused, match=why):
        edit(text, step)


def test_the_second_document_is_edited_alone() -> None:
    assert edit("a: 1\n...\n---\na: 1\n", "set a = 2", document=1) == "a: 1\n...\n---\na: 2\n"


def test_several_edits_are_made_in_their_order() -> None:
    text = "a:\n- X\n- Y # why\n- Z\n"
    assert edit(text, "add a = W", "remove a[2]", "remove a[1]") == "a:\n- X\n# why\n- W\n"
