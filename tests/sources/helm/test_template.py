"""Reading Go templates, and marks in them: never a crash, nothing lost, and each line its own place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seawall.sources.helm.marks import Marker, Place, align, place_of
from seawall.sources.helm.template import parse_template, texts

PIECES = st.sampled_from(
    [
        "{{",
        "}}",
        "{{- ",
        " -}}",
        '"',
        "`",
        "'",
        "/*",
        "*/",
        "if",
        "end",
        "define",
        "\n",
        "  ",
        "a: b",
        ".Values.x",
        "\\",
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_text_can_be_read(text: str) -> None:
    template = parse_template(text)
    spans = [(start, end) for start, end, _ in texts(template)]
    assert spans == sorted(spans)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    Marker([text]).mark(template, 0, defines=True)


@given(st.text(alphabet="ab: \n-#", max_size=60))
def test_marks_in_plain_text_are_taken_out_again(text: str) -> None:
    marker = Marker([text])
    marked = marker.mark(parse_template(text), 3, defines=True)
    unmarked, places = marker.read(marked)
    assert unmarked == text
    assert len(places) == text.count("\n") + 1
    for number, line in enumerate(text.split("\n")):
        assert places[number] == (Place(3, number + 1) if line.strip() else None)


def test_actions_hold_quotes_braces_and_comments() -> None:
    template = parse_template("a {{ \"}}\" }} {{ `}}` }} {{/* }} */}} {{- '}' -}} b\n{{ .x\n }}")
    assert [action.body for action in template.actions] == ['"}}"', "`}}`", "/* }} */", "'}'", ".x"]
    assert [(action.line, action.last) for action in template.actions][-1] == (2, 3)
    assert [action.speaks for action in template.actions] == [True, True, False, True, True]
    assert template.actions[3].trim_left and template.actions[3].trim_right


def test_what_trims_is_not_text() -> None:
    text = "a\n  {{- if .x }}  \n  b  \n{{- end -}}\n  c"
    found = [text[start:end] for start, end, _ in texts(parse_template(text))]
    assert found == ["a", "  \n  b", "c"]


def test_control_and_assignment_say_nothing() -> None:
    bodies = [
        "if .a",
        "else if .b",
        "end",
        "range $k, $v := .x",
        "$x := 1",
        "$x = 2",
        'define "a"',
        'include "a" .',
        "$x",
    ]
    template = parse_template("".join(f"{{{{ {body} }}}}" for body in bodies))
    assert [action.body for action in template.actions if action.speaks] == ['include "a" .', "$x"]


def test_lines_of_an_action_are_its_own() -> None:
    marker = Marker(["x"])
    template = parse_template("a: 1\nb:\n  {{- toYaml .Values.b | nindent 2 }}\nc: 3")
    marked = marker.mark(template, 0, defines=True)
    begin, end = marked.index('{{- "'), marked.index(" }}\n", marked.index("nindent"))
    word = marked[begin + 5 : marked.index('"', begin + 5)]
    rendered = marked[:begin].rstrip() + word + "\n  x: 1\n  y: 2" + word[:-1] + "e" + marked[end + 3 :]
    unmarked, places = marker.read(rendered)
    assert unmarked == "a: 1\nb:\n  x: 1\n  y: 2\nc: 3"
    assert [place.line if place else None for place in places] == [1, 2, 3, 3, 4]


def test_where_marks_changed_the_text_places_are_only_likely() -> None:
    places: list[Place | None] = [Place(0, 1), Place(0, 2), Place(0, 3)]
    assert align("a\nb\nc", "a\nX\nc", places) == [Place(0, 1), Place(0, 2, False), Place(0, 3)]
    shorter = align("a\nc", "a\nb\nc", places)
    assert shorter == [Place(0, 1, False), Place(0, 3, False)]
    assert align("a\nb:\n", "a\nb: \n\n", places) == places
    assert place_of([Place(0, 1), None, None], 2) == Place(0, 1, False)
    assert place_of([], 5) is None


def test_a_long_text_that_differs_is_not_matched() -> None:
    text = "a\n" * 5000
    assert set(align(text, text + "b\n", [Place(0, 1)] * 5002)) == {None}
