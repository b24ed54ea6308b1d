"""What rules over build files ask again and again: instructions by keyword, commands, calls of package managers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from seawall.model.kube.buildfile import Stage

if TYPE_CHECKING:
    from seawall.model.kube.buildfile import BuildFile, Command, Instruction
    from seawall.model.paths import Path

_SHOWN = 80
#: Of these the word behind them is no secret either: ``sudo apt-get install``.
_TOLD = frozenset(("apt-get", "apt", "apk", "yum", "dnf", "npm", "pip", "make", "systemctl", "service"))
_PLAIN = re.compile(r"[a-z][a-z0-9+._/-]{0,30}\Z")


class Ran(NamedTuple):
    """A command of a RUN, its place, and all commands of that RUN."""

    path: Path
    made: Instruction
    command: Command
    number: int


class Call(NamedTuple):
    """A call of a package manager: which, what it is to do (``install``), its options and other words."""

    ran: Ran
    manager: str
    action: str
    options: tuple[str, ...]
    operands: tuple[str, ...]

    def has(self, *options: str) -> bool:
        """Whether one of these options is given; ``-y`` also within ``-qy``."""
        return any(_given(option, self.options) for option in options)


def place(number: int, *more: str | int) -> Path:
    """The path of an instruction, or of a part of it."""
    return ("spec", "instructions", number, *more)


def instructions(file: BuildFile, *keywords: str) -> Iterator[tuple[int, Instruction]]:
    """The instructions with one of these keywords, each with its number; those for later builds (ONBUILD) too."""
    for number, made in enumerate(file.spec.instructions):
        if made.keyword in keywords:
            yield number, made


def runs(file: BuildFile, *programs: str) -> Iterator[Ran]:
    """The commands of all RUN instructions, or those of some programs."""
    for number, made in enumerate(file.spec.instructions):
        if made.keyword == "RUN":
            for at, command in enumerate(made.commands):
                if not programs or command.program in programs:
                    yield Ran(place(number, "commands", at), made, command, number)


def outer(made: Instruction, command: Command) -> Command | None:
    """The command that a command is part of."""
    return made.commands[command.inside] if 0 <= command.inside < len(made.commands) else None


def pipelines(made: Instruction) -> Iterator[list[tuple[int, Command]]]:
    """The commands of an instruction that are joined by pipes, each with its number; those that stand alone too."""
    found: dict[int, list[tuple[int, Command]]] = {}
    for at, command in enumerate(made.commands):
        found.setdefault(command.pipeline, []).append((at, command))
    yield from found.values()


def stage_at(file: BuildFile, number: int) -> Stage:
    """The stage of that number; an empty one where there is none (before the first FROM)."""
    stages = file.spec.stages
    return stages[number] if 0 <= number < len(stages) else Stage()


def last_stage(file: BuildFile) -> Stage:
    """The stage that a build gives."""
    return stage_at(file, len(file.spec.stages) - 1)


def lineage(file: BuildFile) -> list[int]:
    """The last stage and those that it builds on (FROM), the last first."""
    found: list[int] = []
    number = len(file.spec.stages) - 1
    while 0 <= number < len(file.spec.stages) and number not in found:
        found.append(number)
        number = file.spec.stages[number].parent
    return found


def is_kept(file: BuildFile, made: Instruction) -> bool:
    """Whether what an instruction does stays in the image: its stage is the last, or one that this builds on."""
    return made.onbuild or made.stage in lineage(file)


def brief(command: Command) -> str:
    """The program and the plain words behind it (``apt-get install``): what is certainly no secret."""
    words: list[str] = []
    for word in command.words[: 3 if command.words[1:2] and command.words[1] in _TOLD else 2]:
        if not _PLAIN.match(word):
            break
        words.append(word)
    return shown(" ".join(words)) or "a command"


def shown(text: str) -> str:
    """Text as it is told in a message."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


#: Options of package managers that take the next word.
_VALUED = frozenset(
    [
        "-o",
        "-t",
        "-c",
        "--option",
        "--target-release",
        "--default-release",
        "--config-file",
        "-X",
        "--repository",
        "--repositories-file",
        "--root",
        "-p",
        "--arch",
        "--keys-dir",
        "-C",
        "--enablerepo",
        "--disablerepo",
        "--releasever",
        "--installroot",
        "--setopt",
        "--exclude",
        "-x",
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
        "--trusted-host",
        "--prefix",
        "--target",
        "--timeout",
        "--cert",
        "--proxy",
        "--registry",
        "--cache-dir",
        "--python",
        "--platform",
        "--version",
        "-v",
        "--source",
        "--virtual",
    ]
)
#: Those that are no option with a value but an operand's own in some managers.
_OWN_VALUED: dict[str, frozenset[str]] = {
    "apk": frozenset(
        ["-t", "--virtual", "-X", "--repository", "--repositories-file", "--root", "-p", "--arch", "--keys-dir"]
    ),
    "pip": frozenset(
        [
            "-i",
            "--index-url",
            "--extra-index-url",
            "-f",
            "--find-links",
            "--trusted-host",
            "--prefix",
            "--target",
            "-t",
            "--timeout",
            "--cert",
            "--proxy",
            "--cache-dir",
            "--python",
            "--platform",
            "-c",
            "--constraint",
            "-r",
            "--requirement",
            "-e",
            "--editable",
            "--root",
        ]
    ),
    "npm": frozenset(["--registry", "--prefix", "--cache", "--loglevel", "--omit", "--userconfig"]),
    "gem": frozenset(
        ["-v", "--version", "-i", "--install-dir", "-n", "--bindir", "-s", "--source", "-P", "--trust-policy"]
    ),
    "yum": frozenset(
        [
            "--enablerepo",
            "--disablerepo",
            "--releasever",
            "--installroot",
            "--setopt",
            "--exclude",
            "-x",
            "-c",
            "-d",
            "-e",
        ]
    ),
    "apt-get": frozenset(["-o", "--option", "-t", "--target-release", "--default-release", "-c", "--config-file"]),
    "zypper": frozenset(["--root", "--gpg-auto-import-keys-dir", "-R", "--repo", "-r", "--from"]),
}
_FAMILY = {
    "apt": "apt-get", "aptitude": "apt-get", "dnf": "yum", "microdnf": "yum", "tdnf": "yum",
    "pip3": "pip", "pip2": "pip", "yarn": "npm", "pnpm": "npm",
}  # fmt: skip


def calls(file: BuildFile, *managers: str) -> Iterator[Call]:
    """The calls of these package managers; ``python -m pip`` is one of pip."""
    for ran in runs(file):
        found = _call(ran)
        if found is not None and found.manager in managers:
            yield found


def _call(ran: Ran) -> Call | None:
    words = ran.command.words
    if not words:
        return None
    manager = ran.command.program
    if manager.startswith("python") and words[1:3] == ("-m", "pip"):
        manager, words = "pip", words[2:]
    elif manager.startswith("pip") and manager[3:].replace(".", "").isdigit():
        manager = "pip"
    valued = _OWN_VALUED.get(_FAMILY.get(manager, manager), _VALUED)
    options: list[str] = []
    operands: list[str] = []
    at = 1
    while at < len(words):
        word = words[at]
        if word.startswith("-") and len(word) > 1:
            options.append(word)
            if word in valued and at + 1 < len(words):
                at += 1
                options.append(words[at])
        else:
            operands.append(word)
        at += 1
    return Call(ran, manager, operands[0] if operands else "", tuple(options), tuple(operands[1:]))


def _given(option: str, options: tuple[str, ...]) -> bool:
    for given in options:
        if given == option or given.startswith(f"{option}="):
            return True
        short = len(option) == 2 and option[0] == "-" != option[1]
        if short and given[:1] == "-" != given[1:2] and option[1] in given.partition("=")[0]:
            return True
    return False
