"""Build files are read as BuildKit reads them, and every word keeps its place."""

from __future__ import annotations

import pytest

from seawall.model.finding import SourceError
from seawall.model.kube.buildfile import Instruction
from seawall.sources.dockerfile.load import MAX_BYTES, load_build_file
from seawall.sources.manifests import InputFile, Skipped
from tests.buildfiles import view


def instructions(text: str | bytes) -> tuple[Instruction, ...]:
    return view(text).spec.instructions


def words(made: Instruction) -> list[str]:
    return [word.value for word in made.words]


def problems(text: bytes, name: str = "Dockerfile", named: bool = True) -> list[str]:
    found = load_build_file(InputFile(name, "", named=named), text)
    return [f"{each.where} {each.message}" for each in found if isinstance(each, SourceError)]


def test_continuations_with_comments_and_blank_lines_inside() -> None:
    made = instructions("FROM a\nRUN one \\\n  # why\n\n  two \\\n# last\n\n  three\nUSER 1\n")[1]
    assert (made.line, made.end_line) == (2, 8)
    assert [(word.value, word.line, word.column) for word in made.words] == [
        ("one", 2, 5),
        ("two", 5, 3),
        ("three", 8, 3),
    ]


def test_two_backslashes_do_not_continue() -> None:
    assert [made.keyword for made in instructions("FROM a\nRUN echo x\\\\\nUSER 1\n")] == ["FROM", "RUN", "USER"]


def test_space_behind_the_continuation_is_allowed() -> None:
    assert words(instructions("FROM a\nRUN x \\  \n y\n")[1]) == ["x", "y"]


def test_the_escape_directive_changes_the_character() -> None:
    text = (
        "# escape=`\nFROM mcr.microsoft.com/windows/nanoserver:ltsc2025\nCOPY a.txt `\n  C:\\dir\\\nWORKDIR C:\\dir\n"
    )
    file = view(text)
    assert file.spec.directives == {"escape": "`"}
    assert [words(made) for made in file.spec.instructions[1:]] == [["a.txt", "C:\\dir\\"], ["C:\\dir"]]
    assert file.spec.windows


def test_directives_stand_at_the_top_alone() -> None:
    assert view("#syntax = docker/dockerfile:1\n# check=skip=all\nFROM a\n").spec.directives == {
        "syntax": "docker/dockerfile:1",
        "check": "skip=all",
    }
    assert view("# a comment\n# escape=`\nFROM a\n").spec.directives == {}


@pytest.mark.parametrize("data", [b"\xef\xbb\xbfFROM a\r\nRUN b \\\r\n  c\r\n", b"FROM a\nRUN b \\\n  c"])
def test_marks_and_line_ends_make_no_difference(data: bytes) -> None:
    made = instructions(data)
    assert [(each.keyword, each.line, each.column) for each in made] == [("FROM", 1, 1), ("RUN", 2, 1)]
    assert words(made[1]) == ["b", "c"]


def test_latin_1_is_read() -> None:
    assert instructions("FROM a\n# M\xfcller\nLABEL by=M\xfcller\n".encode("latin-1"))[1].variables[0].value == "Müller"


def test_keywords_in_any_case() -> None:
    assert [made.keyword for made in instructions("from a as b\n  rUn x\n")] == ["FROM", "RUN"]


def test_here_documents_several_quoted_and_with_tabs() -> None:
    text = 'FROM a\nCOPY <<ONE <<-"TWO" /dir/\n$A\nONE\n\t\tx\n\tTWO\nRUN <<3\necho hi\n3\nUSER 1\n'
    made = instructions(text)
    assert [(each.name, each.body, each.expands, each.line) for each in made[1].heredocs] == [
        ("ONE", "$A\n", True, 3),
        ("TWO", "x\n", False, 5),
    ]
    assert (made[1].line, made[1].end_line) == (2, 6)
    assert [command.words for command in made[2].commands] == [("echo", "hi")]
    assert [(made[2].commands[0].line, made[2].commands[0].column)] == [(8, 1)]
    assert made[3].keyword == "USER"


def test_here_document_for_a_shell_and_for_another_program() -> None:
    shell = instructions("FROM a\nRUN <<EOF bash -e\necho hi\nEOF\n")[1]
    assert [command.words for command in shell.commands] == [("bash", "-e"), ("echo", "hi")]
    python = instructions("FROM a\nRUN <<EOF\n#!/usr/bin/env python3\nimport os\nEOF\n")[1]
    assert python.commands == ()
    assert [c.words for c in instructions("FROM a\nRUN cat <<EOF > /x\nrm -rf /\nEOF\n")[1].commands] == [("cat",)]


def test_what_looks_like_a_here_document_and_is_none() -> None:
    made = instructions('FROM a\nRUN echo $((1<<2)) "<<EOF" && cat <<<EOF\nUSER 1\nENV A=<<EOF\n')
    assert [each.keyword for each in made] == ["FROM", "RUN", "USER", "ENV"]


def test_a_here_document_without_an_end_is_told() -> None:
    assert problems(b"FROM a\nRUN <<EOF\nx\n") == ["2:1 the here-document 'EOF' has no end"]


def test_exec_form_and_what_only_looks_like_it() -> None:
    made = instructions('FROM a\nCMD ["a b", "c"]\nRUN [ -f /x ] && echo\nENTRYPOINT [ "x", 1 ]\n')
    assert [each.exec_form for each in made] == [False, True, False, False]
    assert words(made[1]) == ["a b", "c"]
    assert made[2].commands[0].words == ("[", "-f", "/x", "]")


def test_flags() -> None:
    made = instructions("FROM a\nCOPY --from=b --chown=1:1 --link --chmod=755 c /d\nRUN --mount=type=secret,id=x y\n")
    assert [(flag.name, flag.value) for flag in made[1].flags] == [
        ("from", "b"),
        ("chown", "1:1"),
        ("link", ""),
        ("chmod", "755"),
    ]
    assert words(made[1]) == ["c", "/d"]
    assert made[2].flag("mount") == "type=secret,id=x"
    assert made[2].commands[0].words == ("y",)


def test_arguments_before_from_count_for_from_alone() -> None:
    text = "ARG TAG=3.22\nARG BASE=alpine:${TAG}\nFROM ${BASE} AS a\nEXPOSE ${TAG}\nFROM a\nARG TAG\nEXPOSE ${TAG}\n"
    file = view(text)
    assert [(stage.image, stage.known, stage.parent) for stage in file.spec.stages] == [
        ("alpine:3.22", True, -1),
        ("a", True, 0),
    ]
    first, second = (made.words[0] for made in file.spec.instructions if made.keyword == "EXPOSE")
    assert (first.value, first.known) == ("${TAG}", False)
    assert (second.value, second.known) == ("3.22", True)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${A}", "1.2.3"),
        ("$A-x", "1.2.3-x"),
        ("${A:-9}", "1.2.3"),
        ("${NO:-9}", "9"),
        ("${EMPTY:-9}", "9"),
        ("${EMPTY-9}", ""),
        ("${A:+yes}", "yes"),
        ("${NO:+yes}", ""),
        ("${NO:-${A}}", "1.2.3"),
        ("${A#*.}", "2.3"),
        ("${A##*.}", "3"),
        ("${A%.*}", "1.2"),
        ("${A%%.*}", "1"),
        ("${A/./-}", "1-2.3"),
        ("${A//./-}", "1-2-3"),
        ("'$A'", "$A"),
        ("\\$A", "$A"),
        ('"x y"$A', "x y1.2.3"),
    ],
)
def test_variables_are_filled_in(written: str, value: str) -> None:
    made = instructions(f"FROM a\nENV A=1.2.3 EMPTY=\nVOLUME {written}\n")[2]
    assert (made.words[0].value, made.words[0].known) == (value, True)


@pytest.mark.parametrize("written", ["$NO", "${NO}", "${NO:?must}", "${", "${A", "${A~x}", "${!A}"])
def test_what_is_not_known_stays_as_written(written: str) -> None:
    made = instructions(f"FROM a\nENV A=1\nVOLUME {written}\n")[2]
    assert (made.words[0].text, made.words[0].known) == (written, False)


def test_variables_made_of_variables_stay_small() -> None:
    lines = ["FROM a", "ENV A0=xxxxxxxxxx"] + [f"ENV A{n}=${{A{n - 1}}}${{A{n - 1}}}" for n in range(1, 60)]
    variables = instructions("\n".join(lines))[-1].variables
    assert variables[0].value is not None
    assert len(variables[0].value) <= 2**15


def test_env_in_both_forms() -> None:
    made = instructions("FROM a\nENV OLD some  value\nENV A=1 B=\"x y\" C='$A'\n")
    assert [(each.name, each.value) for each in made[1].variables] == [("OLD", "some  value")]
    assert [(each.name, each.value) for each in made[2].variables] == [("A", "1"), ("B", "x y"), ("C", "$A")]


def test_stages_and_which_of_them_the_last_is_made_from() -> None:
    text = (
        "FROM a AS One\nFROM b AS two\nFROM c AS three\nFROM d AS four\nFROM e AS five\n"
        "FROM one\nCOPY --from=two /a /b\nRUN --mount=type=bind,from=three,target=/t x\nCOPY --from=3 /c /d\n"
    )
    stages = view(text).spec.stages
    assert [stage.name for stage in stages] == ["one", "two", "three", "four", "five", ""]
    assert [stage.reached for stage in stages] == [True, True, True, True, False, True]
    assert stages[5].parent == 0


def test_onbuild() -> None:
    made = instructions("FROM a\nONBUILD RUN apt-get update\n")[1]
    assert (made.keyword, made.onbuild, made.commands[0].words) == ("RUN", True, ("apt-get", "update"))


def test_other_shells_are_not_taken_for_sh() -> None:
    text = 'FROM a\nSHELL ["powershell", "-Command"]\nRUN c | sh\nSHELL ["/bash", "-o", "pipefail", "-c"]\nRUN x\n'
    made = instructions(text)
    assert made[2].commands == ()
    assert made[4].shell == ("/bash", "-o", "pipefail", "-c")


def test_healthcheck() -> None:
    made = instructions(
        'FROM a\nHEALTHCHECK --interval=5s CMD curl -f x || exit 1\nHEALTHCHECK CMD ["/a"]\nHEALTHCHECK NONE\n'
    )
    assert [command.words for command in made[1].commands] == [("curl", "-f", "x"), ("exit", "1")]
    assert made[2].commands[0].words == ("/a",)
    assert made[3].commands == ()


def test_keys_are_without_secrets_and_versions() -> None:
    text = "FROM a:1@sha256:b AS x\nENV TOKEN=geheim\nRUN curl -u a:geheim b && curl c\nRUN curl d\nRUN curl e\n"
    assert [made.key for made in instructions(text)] == [
        "FROM a",
        "ENV TOKEN",
        "RUN curl curl",
        "RUN curl",
        "RUN curl#2",
    ]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"RUN x\n", "1:1 is no build file: it has no FROM"),
        (b"FROM a\0", " holds zero bytes: no build file"),
        (b"FROM a\n" * 5_002, "5001 more than 5000 instructions"),
        (b"FROM a\nCOPY " + b"a " * 20_000, "2 an instruction with more than 10000 words"),
        (b"#" * (MAX_BYTES + 1), " larger than 1 MiB: no build file"),
    ],
)
def test_what_cannot_be_read_is_told(data: bytes, told: str) -> None:
    assert [each.replace(":1 more", " more").replace(":1 an", " an") for each in problems(data)] == [told]


def test_names_that_only_look_like_it_are_skipped_with_a_reason() -> None:
    (found,) = load_build_file(InputFile("Dockerfile.in", ""), b"include(x)\n")
    assert isinstance(found, Skipped)
    (found,) = load_build_file(InputFile("Dockerfile.tmpl", ""), b"{{ from }}\nRUN x\n")
    assert found == Skipped("Dockerfile.tmpl", "a template of a build file")
