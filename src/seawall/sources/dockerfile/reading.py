"""Logical lines to a build file: instructions with their words and flags, stages, variables, commands."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator

from msgspec import structs

from seawall.model.kube.buildfile import (
    BuildFileSpec,
    Command,
    Flag,
    Heredoc,
    Instruction,
    Stage,
    Variable,
    Word,
)
from seawall.sources.dockerfile.lines import BuildFileProblem, Lines, Logical
from seawall.sources.dockerfile.shell import command_of, commands
from seawall.sources.dockerfile.words import fill, split_words, unquote

_JSON = frozenset(("CMD", "ENTRYPOINT", "RUN", "SHELL", "VOLUME", "COPY", "ADD"))
_SHELL_FORM = frozenset(("CMD", "ENTRYPOINT", "RUN"))
_NAMED = frozenset(("ENV", "ARG", "LABEL"))
#: BuildKit fills in variables in these only; a RUN is the shell's own.
_FILLED = frozenset(["ADD", "ARG", "COPY", "ENV", "EXPOSE", "FROM", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"])
_FLAG = re.compile(r"--([A-Za-z][A-Za-z0-9-]*)(?:=(.*))?\Z", re.DOTALL)
#: An instruction with more words than this is refused.
_MAX_WORDS = 10_000
_SHELL_WORDS = 3
_SHELL = ("/bin/sh", "-c")
_WINDOWS_SHELL = ("cmd", "/S", "/C")
_POSIX_SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh"))
_PLATFORM_ARGS = [
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
]
_SHEBANG = re.compile(r"#!\s*(?:\S*/)?(?:env\s+(?:-S\s+)?)?(\S+)")
_WINDOWS = re.compile(r"(?:.*/)?(?:windows(?:/|servercore|nano)|nanoserver|servercore)", re.IGNORECASE)


def build_spec(lines: Lines) -> BuildFileSpec:
    """The build file that logical lines make up.

    Raises:
        BuildFileProblem: an instruction has too many words.
    """
    return _Reader(lines).run()


class _Reader:
    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.escape = lines.escape
        self.instructions: list[Instruction] = []
        self.stages: list[Stage] = []
        self.outer: dict[str, str | None] = dict.fromkeys(_PLATFORM_ARGS)
        self.values: dict[str, str | None] = self.outer
        #: What each stage leaves to those that build on it: variables and shell.
        self.left: list[tuple[dict[str, str | None], tuple[str, ...]]] = []
        self.shell: tuple[str, ...] = _SHELL
        self.windows = lines.escape == "`"
        self.keys: Counter[str] = Counter()

    def run(self) -> BuildFileSpec:
        for logical in self.lines.logical:
            self.instructions.append(self._instruction(logical))
        stages = _mark_reached(self.stages, self.instructions)
        return BuildFileSpec(self.lines.directives, tuple(stages), tuple(self.instructions), windows=self.windows)

    def _instruction(self, logical: Logical) -> Instruction:
        pieces = split_words(logical.text, self.escape)
        onbuild = pieces[0][0].upper() == "ONBUILD" and len(pieces) > 1
        head = 1 if onbuild else 0
        keyword = pieces[head][0].upper()
        flags, at = self._flags(logical, pieces, head + 1)
        start = pieces[at][1] if at < len(pieces) else len(logical.text)
        rest = logical.text[start:]
        listed = _json_words(rest) if keyword in _JSON or (keyword == "HEALTHCHECK") else None
        if listed is not None:
            place = logical.place(start)
            words = tuple(Word(text, text, True, *place) for text in listed)
        else:
            # Of what a shell reads, the commands are kept, and of its words what tells the form.
            count = _SHELL_WORDS if keyword in _SHELL_FORM and not logical.bodies else _MAX_WORDS + 1
            words = tuple(self._word(keyword, logical, text, offset) for text, offset in pieces[at : at + count])
            if len(words) > _MAX_WORDS:
                raise BuildFileProblem(f"an instruction with more than {_MAX_WORDS} words", logical.line)
        made = Instruction(
            keyword=keyword,
            stage=len(self.stages) - 1,
            onbuild=onbuild,
            exec_form=listed is not None,
            text=rest.strip(),
            flags=flags,
            words=words,
            heredocs=tuple(Heredoc(each.name, each.text, each.expands, each.line) for each in logical.bodies),
            line=logical.place(0)[0],
            column=logical.place(0)[1],
            end_line=logical.end,
        )
        made = self._follow(made, logical, pieces[at:], start)
        return structs.replace(made, key=self._unique(_key(made)))

    def _unique(self, key: str) -> str:
        self.keys[key] += 1
        count = self.keys[key]
        return key if count == 1 else f"{key}#{count}"

    def _flags(self, logical: Logical, pieces: list[tuple[str, int]], at: int) -> tuple[tuple[Flag, ...], int]:
        flags: list[Flag] = []
        while at < len(pieces):
            text, offset = pieces[at]
            match = _FLAG.match(text)
            if match is None:
                at += text == "--"
                break
            value = fill(match[2] or "", self.escape, self.values)[0]
            flags.append(Flag(match[1].lower(), value, *logical.place(offset)))
            at += 1
        return tuple(flags), at

    def _word(self, keyword: str, logical: Logical, text: str, offset: int) -> Word:
        place = logical.place(offset)
        if keyword not in _FILLED:
            return Word(text, unquote(text, self.escape), True, *place)
        value, known = fill(text, self.escape, self.outer if keyword == "FROM" else self.values)
        return Word(text, value, known, *place)

    def _follow(self, made: Instruction, logical: Logical, pieces: list[tuple[str, int]], start: int) -> Instruction:
        """What an instruction means for those that follow it, and what is read of it besides its words."""
        keyword = made.keyword
        if keyword == "FROM" and not made.onbuild:
            return self._begin_stage(made)
        if keyword in _NAMED:
            variables = tuple(self._variables(made, logical, pieces))
            if keyword != "LABEL" and not made.onbuild:
                self._assign(keyword, variables)
            return structs.replace(made, variables=variables)
        if keyword == "SHELL" and made.exec_form and made.words:
            self.shell = tuple(word.value for word in made.words)
        elif keyword in _SHELL_FORM:
            return structs.replace(made, shell=self.shell, commands=self._commands(made, logical, start))
        elif keyword == "HEALTHCHECK":
            return self._health(made, logical, start)
        return made

    def _begin_stage(self, made: Instruction) -> Instruction:
        words = made.words
        image = words[0].value if words else ""
        known = words[0].known if words else False
        name = words[2].value.lower() if len(words) > 2 and words[1].text.lower() == "as" else ""
        parent = next(
            (i for i in range(len(self.stages) - 1, -1, -1) if self.stages[i].name == image.lower() != ""), -1
        )
        if self.stages:
            self.left.append((self.values, self.shell))
        self.windows = self.windows or _WINDOWS.match(image) is not None
        usual = _WINDOWS_SHELL if _WINDOWS.match(image) else _SHELL
        values, self.shell = self.left[parent] if parent >= 0 else ({}, usual)
        self.values = dict(values)
        number = len(self.stages)
        platform = made.flag("platform") or ""
        self.stages.append(Stage(len(self.instructions), image, known, name, platform, parent))
        return structs.replace(made, stage=number)

    def _assign(self, keyword: str, variables: tuple[Variable, ...]) -> None:
        given = {}
        for variable in variables:
            value: str | None = variable.value
            if keyword == "ARG" and value is None:
                value = self.outer.get(variable.name)
            given[variable.name] = value if variable.literal or value is None or "$" not in value else None
        self.values.update(given)

    def _variables(self, made: Instruction, logical: Logical, pieces: list[tuple[str, int]]) -> Iterator[Variable]:
        if made.keyword != "ARG" and pieces and "=" not in pieces[0][0]:
            # The old form: one name, and all that follows it.
            text, offset = pieces[0]
            begin = pieces[1][1] if len(pieces) > 1 else len(logical.text)
            rest = logical.text[begin:].strip()
            value, known = fill(rest, self.escape, self.values)
            yield Variable(text, value, known and "$" not in rest, *logical.place(offset))
            return
        for text, offset in pieces:
            name, equals, written = text.partition("=")
            value, known = fill(written, self.escape, self.values)
            literal = known and "$" not in written
            yield Variable(
                unquote(name, self.escape), value if equals else None, literal, *logical.place(offset)
            )  # fmt: skip

    def _commands(self, made: Instruction, logical: Logical, start: int) -> tuple[Command, ...]:
        """What a RUN, CMD or ENTRYPOINT starts; nothing where the shell is none that is understood."""
        if made.exec_form:
            words = tuple(word.value for word in made.words)
            return _keyed(command_of(words, made.line, made.column))
        shell = self.shell[0].replace("\\", "/").rpartition("/")[2].lower() if self.shell else ""
        if shell not in _POSIX_SHELLS:
            return ()
        if made.heredocs and all(word.text.lstrip("0123456789").startswith("<<") for word in made.words):
            return _keyed(_of_script(made.heredocs[0]))
        found = commands(made.text, lambda offset: logical.place(start + offset))
        if made.heredocs and found and found[-1].program in _POSIX_SHELLS and len(found) == 1:
            found += _of_script(made.heredocs[0], first=True)
        return _keyed(found)

    def _health(self, made: Instruction, logical: Logical, start: int) -> Instruction:
        """HEALTHCHECK NONE, or CMD with a command behind it."""
        rest = made.text
        if rest[:3].upper() != "CMD" or not rest[3:4].isspace():
            return made
        listed = _json_words(rest[3:].strip())
        if listed is not None:
            found = command_of(tuple(listed), made.line, made.column)
            return structs.replace(made, exec_form=True, commands=_keyed(found))
        offset = start + 3
        found = commands(logical.text[offset:], lambda at: logical.place(offset + at))
        return structs.replace(made, commands=_keyed(found))


def _of_script(heredoc: Heredoc, first: bool = False) -> tuple[Command, ...]:
    """The commands of a script, unless another program than a shell reads it."""
    match = _SHEBANG.match(heredoc.body)
    if match is not None and match[1].rpartition("/")[2] not in _POSIX_SHELLS:
        return ()
    starts = [0]
    starts += [at.end() for at in re.finditer("\n", heredoc.body)]

    def place(offset: int) -> tuple[int, int]:
        row = bisect_right(starts, offset) - 1
        return heredoc.line + row, offset - starts[row] + 1

    found = commands(heredoc.body, place)
    if not first:
        return found
    return tuple(structs.replace(each, inside=each.inside + 1, pipeline=each.pipeline + 1_000_000) for each in found)


def _json_words(rest: str) -> list[str] | None:
    """The words of a JSON list; None where it is none."""
    if not rest.startswith("["):
        return None
    try:
        value = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) and all(isinstance(each, str) for each in value) else None


def _keyed(found: tuple[Command, ...]) -> tuple[Command, ...]:
    """Commands with what names them among those of their instruction: the program, and which of its calls."""
    counts: Counter[str] = Counter()
    keyed = []
    for each in found:
        name = each.program or "="
        counts[name] += 1
        keyed.append(structs.replace(each, key=f"{name}#{counts[name]}"))
    return tuple(keyed)


def _key(made: Instruction) -> str:
    """What names an instruction in fingerprints, without anything that is secret or that changes with a version."""
    keyword = made.keyword
    if keyword in _NAMED:
        return f"{keyword} {' '.join(variable.name for variable in made.variables)}"
    if keyword == "RUN":
        return f"RUN {' '.join(command.program for command in made.commands)}"
    if keyword == "FROM":
        image = made.words[0].text.partition("@")[0] if made.words else ""
        head, slash, tail = image.rpartition("/")
        return f"FROM {head}{slash}{tail.partition(':')[0]}"
    if keyword in ("COPY", "ADD", "WORKDIR", "EXPOSE"):
        return f"{keyword} {' '.join(word.text for word in made.words)}"
    return keyword


def _mark_reached(stages: list[Stage], instructions: list[Instruction]) -> list[Stage]:
    """The stages, with those marked that the last one is made from."""
    names = {stage.name: number for number, stage in enumerate(stages) if stage.name}
    needs: dict[int, set[int]] = {}
    for made in instructions:
        for source in sources_of(made):
            number = names.get(source.lower(), int(source) if source.isdecimal() and len(source) < 6 else -1)
            if 0 <= number < len(stages):
                needs.setdefault(made.stage, set()).add(number)
    reached: set[int] = set()
    waiting = [len(stages) - 1] if stages else []
    while waiting:
        number = waiting.pop()
        if number in reached:
            continue
        reached.add(number)
        waiting += needs.get(number, ())
        if stages[number].parent >= 0:
            waiting.append(stages[number].parent)
    return [structs.replace(stage, reached=number in reached) for number, stage in enumerate(stages)]


def sources_of(made: Instruction) -> Iterator[str]:
    """The stages and images that an instruction takes files from."""
    if made.keyword == "COPY" and (source := made.flag("from")):
        yield source
    if made.keyword == "RUN":
        for flag in made.flags:
            if flag.name == "mount":
                yield from (part[5:] for part in flag.value.split(",") if part.startswith("from="))
