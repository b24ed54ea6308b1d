"""The simple commands of shell text, also of those within substitutions, ``sh -c`` and sudo.

It is no shell: it tells which programs are started with which words, and what is piped into what. Functions, loops and
conditions are seen through: what stands in them is taken to run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from seawall.model.kube.buildfile import Assignment, Command, Redirect
from seawall.sources.dockerfile.shellwords import Token, tokens

#: More commands of one instruction than this are not told apart.
MAX_COMMANDS = 2_000
_MAX_DEPTH = 6
Place = Callable[[int], tuple[int, int]]

_RESERVED = frozenset(
    ["if", "then", "elif", "else", "fi", "while", "until", "do", "done", "esac", "{", "}", "!", "time", "coproc"]
)
_HEADS = frozenset(("for", "select", "case", "function"))
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\+?=(.*)\Z", re.DOTALL)
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh"))
#: Programs that start another, with those of their options that take a value.
_STARTERS: dict[str, frozenset[str]] = {
    "sudo": frozenset(["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "--user", "--group"]),
    "doas": frozenset(("-u", "-C")),
    "env": frozenset(("-u", "-C", "--unset", "--chdir")),
    "exec": frozenset(("-a",)),
    "command": frozenset(),
    "builtin": frozenset(),
    "nohup": frozenset(),
    "nice": frozenset(("-n", "--adjustment")),
    "ionice": frozenset(("-c", "-n")),
    "setsid": frozenset(),
    "stdbuf": frozenset(("-i", "-o", "-e")),
    "timeout": frozenset(("-s", "-k", "--signal", "--kill-after")),
    "xargs": frozenset(["-I", "-n", "-P", "-d", "-L", "-a", "-E", "-s", "--max-args", "--max-procs", "--delimiter"]),
    "gosu": frozenset(),
    "su-exec": frozenset(),
    "eatmydata": frozenset(),
    "fakeroot": frozenset(),
    "chroot": frozenset(("--userspec",)),
}
#: Of these the first word is not the program but a user, a time or a folder.
_WITH_OPERAND = frozenset(("timeout", "gosu", "su-exec", "chroot"))


class _Draft:
    """A command that is being read. Of words without ``raw`` only what is substituted in them counts."""

    def __init__(self, operator: str, pipeline: int) -> None:
        self.words: list[Token] = []
        self.assignments: list[Assignment] = []
        self.redirects: list[Redirect] = []
        self.operator = operator
        self.pipeline = pipeline
        self.started = False

    @property
    def filled(self) -> bool:
        return bool(self.words or self.assignments or self.redirects)

    def take(self, token: Token) -> None:
        """Add a word, or leave it out where it is the shell's own or an assignment."""
        if not self.started:
            if token.raw in _RESERVED:
                return
            match = _ASSIGNMENT.match(token.value) if "=" in token.raw else None
            if match is not None and not token.raw.startswith(("'", '"')):
                self.assignments.append(Assignment(match[1], match[2]))
                self.take_inner(token)
                return
            self.started = True
        self.words.append(token)

    def take_inner(self, token: Token) -> None:
        """Keep what is substituted in a word that is none of the command's."""
        if token.inner:
            self.words.append(token._replace(value="", raw=""))

    def drop(self) -> None:
        """Forget the words: they were a pattern, or the name of a function."""
        self.words = []
        self.started = False


def commands(text: str, place: Place) -> tuple[Command, ...]:
    """All simple commands; ``place`` gives line and column of an offset in the text."""
    reader = _Reader(place)
    reader.read(text, 0, -1, 0)
    return tuple(reader.found[:MAX_COMMANDS])


def command_of(words: tuple[str, ...], line: int, column: int) -> tuple[Command, ...]:
    """The commands of a JSON form, which no shell reads; a shell that it starts is looked into."""
    reader = _Reader(lambda _: (line, column))
    reader.add_plain(words, -1, 0, 0)
    return tuple(reader.found[:MAX_COMMANDS])


class _Reader:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.found: list[Command] = []
        self._pipelines = 0

    def read(self, text: str, base: int, inside: int, depth: int, expanded: bool = False) -> None:
        """Read shell text; where it is ``expanded``, the shell around it has run what is substituted in it."""
        if depth > _MAX_DEPTH:
            return
        for draft in self._drafts(text):
            if len(self.found) >= MAX_COMMANDS:
                return
            if expanded:
                draft.words = [token._replace(inner=()) for token in draft.words]
            self._add(draft, base, inside, depth)

    def _drafts(self, text: str) -> Iterator[_Draft]:
        self._pipelines += 1
        draft = _Draft("", self._pipelines)
        target = ""
        nested = 0
        for token in tokens(text):
            if token.sort == "redirect":
                target = token.value
            elif token.sort == "word" and target:
                draft.redirects.append(Redirect(target, token.value))
                draft.take_inner(token)
                target = ""
            elif token.sort == "word":
                draft.take(token)
            else:
                target = ""
                operator = token.value
                if operator == "(" or (operator == ")" and not nested):
                    nested += operator == "("
                    draft.drop()
                    continue
                nested -= operator == ")"
                if draft.filled:
                    yield draft
                if operator not in ("|", "|&"):
                    self._pipelines += 1
                draft = _Draft(operator if operator != ")" else draft.operator, self._pipelines)
        if draft.filled:
            yield draft

    def _add(self, draft: _Draft, base: int, inside: int, depth: int) -> None:
        words = tuple(token.value for token in draft.words if token.raw)
        if words and draft.words[0].raw in _HEADS:
            words = ()
        number = inside
        first = min((token.offset for token in draft.words), default=0)
        if words or draft.assignments or draft.redirects:
            number = len(self.found)
            line, column = self.place(base + first)
            self.found.append(
                Command(
                    "", words, draft.operator, draft.pipeline, inside, tuple(draft.assignments),
                    tuple(draft.redirects), line, column,
                )
            )  # fmt: skip
        for token in draft.words:
            for inner in token.inner:
                self.read(inner.text, base + inner.offset, number, depth + 1)
        if words:
            self._look_into(words, [token for token in draft.words if token.raw], base, number, depth)

    def add_plain(self, words: tuple[str, ...], inside: int, offset: int, depth: int) -> None:
        """A command whose words are known already."""
        if not words or depth > _MAX_DEPTH or len(self.found) >= MAX_COMMANDS:
            return
        line, column = self.place(offset)
        self._pipelines += 1
        self.found.append(Command("", words, "", self._pipelines, inside, (), (), line, column))
        drafts = [Token("word", word, offset, word) for word in words]
        self._look_into(words, drafts, 0, len(self.found) - 1, depth)

    def _look_into(self, words: tuple[str, ...], written: list[Token], base: int, number: int, depth: int) -> None:
        program = words[0].rpartition("/")[2]
        if program in _SHELLS or program == "su":
            at = _script(words)
            if at:
                token = written[at]
                offset = base + token.offset + (token.raw[:1] in "'\"")
                self.read(words[at], offset, number, depth + 1, bool(token.inner))
        elif program == "eval":
            expanded = any(token.inner for token in written)
            self.read(" ".join(words[1:]), base + written[0].offset, number, depth + 1, expanded)
        elif program in _STARTERS:
            at = _started(program, words)
            if at:
                self._start(words[at:], number, base + written[at].offset, depth + 1)

    def _start(self, words: tuple[str, ...], number: int, offset: int, depth: int) -> None:
        """A command that another starts; it stands in the pipeline of that one."""
        outer = self.found[number]
        before = len(self.found)
        self.add_plain(words, number, offset, depth)
        if len(self.found) > before:
            made = self.found[before]
            self.found[before] = Command(
                "", made.words, outer.operator, outer.pipeline, number, (), outer.redirects, made.line, made.column
            )


def _script(words: tuple[str, ...]) -> int:
    """The place of the text that ``sh -c`` runs; 0 for none."""
    for at, word in enumerate(words[1:-1], 1):
        if word.startswith("-") and not word.startswith("--") and word.endswith("c"):
            return at + 1
        if not word.startswith(("-", "+")) and words[at - 1] not in ("-o", "+o") and words[0] != "su":
            return 0
    return 0


def _started(program: str, words: tuple[str, ...]) -> int:
    """The place of the program that another starts; 0 for none."""
    at = 1
    operand = program in _WITH_OPERAND
    while at < len(words):
        word = words[at]
        if word == "--":
            at += 1
            break
        if word.startswith("-"):
            at += 2 if word in _STARTERS[program] else 1
        elif _ASSIGNMENT.match(word) and program in ("sudo", "env", "doas"):
            at += 1
        elif operand:
            operand = False
            at += 1
        else:
            break
    return at if at < len(words) else 0
