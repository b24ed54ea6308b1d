"""Streams that are full, closed, endless or hostile: one line on standard error and exit code 2, never a traceback."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_scan import BAD
from tests.conftest import Run

FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")


def shell(tail: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Seawall with its streams led elsewhere by the shell."""
    command = ["sh", "-c", f'"$0" -m seawall "$@" {tail}', sys.executable, *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120)


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()


@FULL
@pytest.mark.parametrize("words", [("scan", "bad.yaml"), ("rules", "list"), ("--version",)])
def test_a_full_output_is_an_error(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    done = shell("> /dev/full", tmp_path, *words)
    assert done.returncode == 2
    assert len(lines(done)) == 1
    assert "standard output" in done.stderr


def test_a_closed_output_is_an_error_where_it_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    done = shell(">&-", tmp_path, "scan", "bad.yaml")
    assert done.returncode == 2
    assert lines(done) == ["seawall: standard output cannot be written: Bad file descriptor; try --format NAME=FILE"]
    done = shell(">&-", tmp_path, "scan", "bad.yaml", "--format", "json=out.json")
    assert (done.returncode, lines(done)) == (1, [])
    assert json.loads((tmp_path / "out.json").read_text())["findings"]


def test_a_closed_input_is_empty(tmp_path: Path) -> None:
    done = shell("<&-", tmp_path, "scan", "-")
    assert done.returncode == 2
    assert any("nothing to judge" in line for line in lines(done))


def test_a_closed_error_stream_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    assert shell("2>&-", tmp_path, "scan", "bad.yaml").returncode == 1


def test_files_are_there_though_the_reader_of_standard_output_left(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    words = ("scan", "bad.yaml", "--format", "terminal", "--format", "json=out.json")
    done = shell("| true", tmp_path, *words)
    assert lines(done) == []
    assert json.loads((tmp_path / "out.json").read_text())["findings"]


@pytest.mark.parametrize("named", [True, False])
def test_endless_input_is_bounded(named: bool, tmp_path: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    command = [sys.executable, "-m", "seawall", "scan", "/dev/zero" if named else "-"]
    with open("/dev/zero", "rb") as zero:
        done = subprocess.run(command, stdin=zero, capture_output=True, text=True, preexec_fn=limited, timeout=120)
    assert done.returncode == 2
    assert "more than 512 MiB; split it" in lines(done)[0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["json="], "name a file after ="),
        (["json=."], "it is a folder"),
        (["json=nowhere/out.json"], "there is no folder nowhere"),
        (["json=a", "--format", "sarif=./a"], "two formats cannot go to the same file"),
    ],
)
def test_files_that_cannot_be_written_are_told_before_the_work(
    words: list[str], told: str, run: Run, tmp_path: Path
) -> None:
    done = run("scan", "-", "--format", *words, stdin=BAD.encode(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_name_cannot_steer_the_terminal_or_forge_a_line(run: Run, tmp_path: Path) -> None:
    name = "a\nseawall: all is well\x1b[2J.yaml"
    (tmp_path / name).write_text("a: [\n")
    for words in (
        ["scan", name],
        ["scan", ".", "--config", name],
        ["config", "check", name],
        ["comply", "pss", "--on", name],
    ):
        done = run(*words, cwd=tmp_path)
        assert done.returncode == 2
        assert "\x1b" not in done.stderr
        assert not any(line.startswith("seawall: all is well") for line in done.stderr.splitlines())


def test_help_of_a_command(run: Run) -> None:
    assert run("help", "scan").stdout == run("scan", "--help").stdout != run("--help").stdout
    assert run("help", "nope").returncode == 2
    assert run("help").returncode == 0


def test_a_mistake_of_our_own_is_a_line_and_no_finding(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom seawall.cli import main\n"
        "def broken(arguments): raise KeyError('x')\n"
        "main._dispatch = broken\nmain.entry()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 2
    assert len(lines(done)) == 1
    assert "a mistake of Seawall itself: KeyError: 'x' (at __main__:3)" in done.stderr


@pytest.mark.parametrize(
    "words", [[""], ["--trust", "", "-"], ["--trust=", "-"], ["-", "--config", ""], ["-", "-n", ""]]
)
def test_an_empty_argument_is_no_silent_pass(words: list[str], run: Run) -> None:
    done = run("scan", *words, stdin=BAD.encode())
    assert (done.returncode, done.stdout) == (2, "")
    assert "is a variable not set?" in done.stderr
    assert len(lines(done)) == 1


ODD = """\
apiVersion: v1
kind: Pod
metadata: {name: "a|<b>\\n::error::x\\e[2J\\u202e`", namespace: "=n\\r\\n::stop-commands::y"}
spec: {hostPID: true, containers: [{name: "c]]>\\n::notice::z", image: "i:1"}]}
"""


@pytest.mark.parametrize("form", ["terminal", "json", "html", "sarif", "junit", "markdown", "csv", "github", "gitlab"])
@pytest.mark.parametrize("group", ["object", "rule"])
def test_no_report_lets_an_object_speak_for_seawall(form: str, group: str, run: Run, tmp_path: Path) -> None:
    """Runners take ``::error::`` and its like from the beginning of any line of a log."""
    (tmp_path / "x\n::warning::w.yaml").write_text(ODD)
    done = run("scan", ".", "--format", form, "--group-by", group, cwd=tmp_path)
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    if form == "github":
        assert all(re.match("::(error|warning|notice) file=", line) for line in done.stdout.splitlines())
    else:
        assert not [line for line in done.stdout.splitlines() if line.startswith("::")]


@pytest.mark.parametrize("words", [["scan", "--form", "json"], ["network", "reach", "--form", "json"]])
def test_options_are_not_abbreviated(words: list[str], run: Run) -> None:
    done = run(*words, "-", stdin=BAD.encode())
    assert (done.returncode, done.stdout) == (2, "")
    assert "unrecognized arguments: --form" in done.stderr


def test_a_line_has_an_end(run: Run, tmp_path: Path) -> None:
    (tmp_path / "seawall.yaml").write_text(f"profile: {'a' * 100_000}\n")
    done = run("scan", "-", stdin=BAD.encode(), cwd=tmp_path)
    (line,) = lines(done)
    assert done.returncode == 2
    assert len(line) < 5000
    assert line.endswith("or define it in seawall.yaml")


@pytest.mark.skipif(shutil.which("script") is None, reason="no script(1) to give a terminal")
def test_colours_are_for_terminals_and_not_for_files(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    words = f"{sys.executable} -m seawall scan bad.yaml --format terminal=out.txt"
    drawn = {}
    for name, extra in (("colour", {}), ("none", {"NO_COLOR": "1"}), ("dumb", {"TERM": "dumb"})):
        environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        command = ["script", "-qec", f"{words} && true; {words.partition(' --format')[0]}", "/dev/null"]
        done = subprocess.run(
            command, capture_output=True, cwd=tmp_path, timeout=120, env={**environment, "TERM": "xterm", **extra}
        )
        drawn[name] = b"\x1b[" in done.stdout
        assert b"privileged-container" in done.stdout
        assert "\x1b" not in (tmp_path / "out.txt").read_text()
    assert drawn == {"colour": True, "none": False, "dumb": False}


def test_a_name_in_a_file_that_no_file_can_have(run: Run, tmp_path: Path) -> None:
    (tmp_path / "seawall.yaml").write_text('admissionPolicies: ["a\\0b"]\n')
    for words in (["scan", "-"], ["policy", "list"], ["policy", "test"]):
        done = run(*words, stdin=BAD.encode(), cwd=tmp_path)
        assert done.returncode == 2
        assert "mistake of Seawall" not in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["isolation", "plan", "--seconds", "nan"],
        ["isolation", "plan", "--seconds", "-1"],
        ["isolation", "plan", "--seconds", "inf"],
        ["isolation", "plan", "--seed", "9" * 30],
        ["isolation", "plan", "--seed", "-1"],
        ["waive", "add", "host-pid", "--reason", "x", "--days", "9" * 30],
        ["network", "generate", "--cidr-width", "9" * 30],
    ],
)
def test_numbers_that_make_no_sense(words: list[str], run: Run) -> None:
    done = run(*words, *(["-"] if words[0] != "waive" else []), stdin=BAD.encode())
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search("must be|is no prefix length", done.stderr)
    assert len(lines(done)) == 1


def test_a_bound_of_waivers_beyond_all_dates(run: Run, tmp_path: Path) -> None:
    waiver = "{rule: [privileged-container], reason: x, expires: 9999-12-31}"
    (tmp_path / "seawall.yaml").write_text(f"waiving: {{maxDays: {10**30}}}\nwaivers: [{waiver}]\n")
    done = run("scan", "-", "--fail-on", "critical", stdin=BAD.encode(), cwd=tmp_path)
    assert done.returncode == 0
    assert "1 waived" in done.stdout
