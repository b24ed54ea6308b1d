"""What a RUN starts is told from what it only mentions."""

from __future__ import annotations

import pytest

from seawall.model.kube.buildfile import Command
from seawall.sources.dockerfile.shell import MAX_COMMANDS, commands


def parse(text: str) -> tuple[Command, ...]:
    starts = [0] + [at + 1 for at, char in enumerate(text) if char == "\n"]

    def place(offset: int) -> tuple[int, int]:
        row = max(number for number, start in enumerate(starts) if start <= offset)
        return row + 1, offset - starts[row] + 1

    return commands(text, place)


@pytest.mark.parametrize(
    ("text", "programs"),
    [
        ("a && b || c; d & e\nf", "a b c d e f"),
        ("a | b |& c", "a b c"),
        ("(cd /x && a) && { b; c; }", "cd a b c"),
        ("if [ -f x ]; then a; elif b; then c; else d; fi", "[ a b c d"),
        ("for i in a b c; do d $i; done; while e; do f; done", "d e f"),
        ("case $x in a|b) c;; *) d ;; esac; e", "c d e"),
        ("f() { a; }; f", "a f"),
        ("a $(b $(c `d`)) \"$(e)\" '$(f)'", "a b c d e"),
        ("a <(b) >(c)", "a b c"),
        ("X=1 Y=$(a) b", "b a"),
        ("X=$(a)", "= a"),
        ("sh -c 'a; b'", "sh a b"),
        ('bash -exc "a | b"', "bash a b"),
        ('bash -c "a $(b) && c"', "bash b a c"),
        ("bash -c 'a $(b) && c'", "bash a b c"),
        ('eval "a $(b)"', "eval b a"),
        ("bash script.sh -c x", "bash"),
        ("bash -o pipefail -c 'a'", "bash a"),
        ("su - app -c 'a && b'", "su a b"),
        ('eval "a b"', "eval a"),
        ("sudo -u root -E A=1 b c", "sudo b"),
        ("env A=1 -u X b", "env b"),
        ("timeout -k 5 10 a", "timeout a"),
        ("find . | xargs -n 1 rm", "find xargs rm"),
        ("exec gosu app a", "exec gosu a"),
        ("# a comment && x", ""),
        ("a # b", "a"),
        ("a#b", "a#b"),
        ("! a", "a"),
        ("a > /x 2>&1 < b", "a"),
        ("> /x", "="),
        ("cat <<EOF\nrm -rf /\nEOF\nb", "cat b"),
        ("cat <<-'A' <<B\n\tx\n\tA\ny\nB\nz", "cat z"),
        ("echo $((1 + (2 * 3))) ${X:-$(no)} && b", "echo b"),
        ("echo \"a && b\" 'c | d' e\\;f", "echo"),
        ("/usr/bin/apt-get update", "apt-get"),
        ("$(unclosed", "= unclosed"),
        ('"unclosed && a', "unclosed && a"),
    ],
)
def test_programs(text: str, programs: str) -> None:
    found = [command.program or "=" for command in parse(text)]
    if text.startswith(("$(", '"')):
        assert found
    else:
        assert found == programs.split()


def test_words_are_without_quotes_and_keep_variables() -> None:
    (command,) = parse('a \'b c\' "d $E" f\\ g $H "\\$I"')
    assert command.words == ("a", "b c", "d $E", "f g", "$H", "$I")


def test_pipelines() -> None:
    found = parse("a | b && c | sudo d")
    together: dict[int, list[str]] = {}
    for command in found:
        together.setdefault(command.pipeline, []).append(command.program)
    assert list(together.values()) == [["a", "b"], ["c", "sudo", "d"]]


def test_places() -> None:
    found = parse("a &&\n  b $(c) \\\n  && sh -c 'd'")
    assert [(each.program, each.line, each.column) for each in found] == [
        ("a", 1, 1),
        ("b", 2, 3),
        ("c", 2, 7),
        ("sh", 3, 6),
        ("d", 3, 13),
    ]


def test_redirects_and_assignments() -> None:
    (command,) = parse("A=1 B='x y' c >> /out 2>/err < in")
    assert [(each.name, each.value) for each in command.assignments] == [("A", "1"), ("B", "x y")]
    assert [(each.operator, each.target) for each in command.redirects] == [(">>", "/out"), (">", "/err"), ("<", "in")]


@pytest.mark.parametrize(
    "text", ["a;" * 50_000, "$(" * 50_000, "`" * 50_001, "a | " * 50_000, "((" * 50_000, "X=$(a) " * 20_000]
)
def test_large_text_is_bounded(text: str) -> None:
    assert len(commands(text, lambda _: (1, 1))) <= MAX_COMMANDS
