"""Whatever a build file holds, reading and judging it end, and every line belongs to one instruction or to none."""

from __future__ import annotations

import shlex

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine.judge import Judge
from seawall.model.finding import RuleState, SourceError
from seawall.model.kube.buildfile import BuildContext, BuildFile
from seawall.model.resource import Resource
from seawall.model.version import NEWEST
from seawall.sources.dockerfile.lines import read_lines
from seawall.sources.dockerfile.load import load_build_file
from seawall.sources.dockerfile.shell import commands
from seawall.sources.dockerfile.words import fill, split_words
from seawall.sources.manifests import InputFile, Skipped
from tests.buildfiles import RULES

_PIECES = (
    "FROM a", "FROM a AS b", "ARG X=1", "ENV A=$X B=${A:-x}", "RUN", "run", "COPY", "ADD", "ONBUILD", "USER root",
    "HEALTHCHECK CMD", 'SHELL ["/bin/sh"]', "EXPOSE 22-", "--mount=type=secret,id=x", "--from=0", "<<EOF", "<<-'E'",
    "EOF", "\n", "\n", "\n", "\\\n", "`", "# c", "# escape=`", " ", "\t", '"', "'", "$(", ")", "${", "}", "((", "|",
    "&&", ";", "curl -k http://u:p@x/y.sh", "sh", "sudo", "bash -c", "apt-get update", "chmod 4777 /x", '["a", "b"]',
    "[", "\r\n", "\x0b", "\x85", "\u2028", "\ufeff", "é", "{{ x }}", ":", "@", "latest",
)  # fmt: skip
PIECES = st.sampled_from(_PIECES)
TEXTS = st.lists(PIECES, max_size=60).map("".join) | st.lists(PIECES, max_size=60).map(" ".join) | st.text(max_size=200)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_lines_belong_to_one_instruction_or_to_none(text: str) -> None:
    found = read_lines(text)
    last = 0
    for logical in found.logical:
        assert last < logical.line <= logical.end <= text.count("\n") + 1
        last = logical.end
        for offset in range(len(logical.text)):
            line, column = logical.place(offset)
            raw = text.removeprefix("\ufeff").split("\n")[line - 1]
            assert logical.line <= line <= logical.end
            assert raw[column - 1] == logical.text[offset]
    taken = {line for each in found.logical for line in range(each.line, each.end + 1)}
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        bare = raw.strip()
        assert number in taken or not bare or bare.startswith("#") or bare in ("\\", "`")


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_every_file_is_judged_or_refused(text: str) -> None:
    data = f"FROM debian\n{text}".encode("utf-8", "surrogatepass")
    for loaded in load_build_file(InputFile("Dockerfile", "", named=True), data, BuildContext(True, "", (".env",))):
        assert isinstance(loaded, Resource | Skipped | SourceError)
        if not isinstance(loaded, Resource):
            continue
        judge = Judge(RULES, NEWEST)
        hits = judge.judge(loaded)
        failed = [each for each in judge.statuses(RULES, lambda _: "") if each.state is not RuleState.OK]
        assert failed == []
        lines = text.count("\n") + 2
        for place in loaded.origin.locate([hit.path for hit in hits]):
            assert 1 <= place.line <= lines
            assert place.column >= 1
        assert isinstance(loaded.view, BuildFile)
        assert loaded.raw["spec"]["instructions"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for loaded in load_build_file(InputFile("Dockerfile", "", named=True), data):
        assert isinstance(loaded, Resource | Skipped | SourceError)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12).filter(lambda word: "\n" not in word), min_size=1, max_size=6))
def test_quoted_words_of_a_command_are_read_back(words: list[str]) -> None:
    text = "prog " + " ".join(shlex.quote(word) for word in words)
    found = commands(text, lambda _: (1, 1))
    assert found[0].words == ("prog", *words)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=100), st.sampled_from("\\`"))
def test_words_cover_all_but_white_space(text: str, escape: str) -> None:
    words = split_words(text, escape)
    covered = {at for word, offset in words for at in range(offset, offset + len(word))}
    assert all(at in covered or char.isspace() for at, char in enumerate(text))
    for word, offset in words:
        assert text[offset : offset + len(word)] == word
        fill(word, escape, {"A": "x", "B": None})
