"""A build file (Dockerfile, Containerfile) as it was understood: stages, instructions, and the commands that they run.

Lines and columns count from 1, in Unicode code points; 0 where they are not known.
"""

from __future__ import annotations

from seawall.model.kube.base import KubeObject, View


class Word(View, frozen=True):
    """A word of an instruction: as written, and what it is once variables are filled in.

    ``known`` is false where a variable has no value in the file; ``value`` then holds it as written.
    """

    text: str = ""
    value: str = ""
    known: bool = True
    line: int = 0
    column: int = 0


class Flag(View, frozen=True):
    """An option of an instruction: ``--mount=type=secret`` has the name ``mount``."""

    name: str = ""
    value: str = ""
    line: int = 0
    column: int = 0


class Variable(View, frozen=True):
    """A name with its value, of ENV, ARG and LABEL; ``value`` is None for an ARG without one.

    ``literal`` says that the value stands in the file, and does not come from variables.
    """

    name: str = ""
    value: str | None = None
    literal: bool = True
    line: int = 0
    column: int = 0


class Heredoc(View, frozen=True):
    """A here-document; its body begins at ``line``. ``expands`` says that variables in it are filled in."""

    name: str = ""
    body: str = ""
    expands: bool = True
    line: int = 0


class Redirect(View, frozen=True):
    """A redirection: ``>``, ``>>``, ``<``... and its target as a word."""

    operator: str = ""
    target: str = ""


class Assignment(View, frozen=True):
    """``NAME=value`` before a command, or instead of one."""

    name: str = ""
    value: str = ""


class Command(View, frozen=True):
    """A simple command of a shell.

    ``words`` are without their quotes, variables left as written. ``operator`` stands before it (empty for the first),
    commands of one ``pipeline`` are joined by ``|`` in their order. ``inside`` is the place, in the instruction's
    list, of the command that this one is part of (by ``$()``, ``sh -c`` or sudo), or -1. ``key`` names it in
    fingerprints.
    """

    key: str = ""
    words: tuple[str, ...] = ()
    operator: str = ""
    pipeline: int = 0
    inside: int = -1
    assignments: tuple[Assignment, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    line: int = 0
    column: int = 0

    @property
    def program(self) -> str:
        """The name of the program, without its folder."""
        return self.words[0].rpartition("/")[2] if self.words else ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words behind the program."""
        return self.words[1:]

    @property
    def text(self) -> str:
        """The command in one line."""
        return " ".join(self.words)


class Instruction(View, frozen=True):
    """One instruction.

    ``keyword`` is in capitals; of ``ONBUILD RUN`` it is ``RUN``, and ``onbuild`` is true. ``stage`` counts from 0, and
    is -1 before the first FROM. ``words`` are the arguments without flags, in ``exec`` form those of the JSON list.
    ``shell`` is the shell that a RUN, CMD or ENTRYPOINT in shell form is given to. ``key`` names it in fingerprints.
    """

    key: str = ""
    keyword: str = ""
    stage: int = -1
    onbuild: bool = False
    exec_form: bool = False
    text: str = ""
    flags: tuple[Flag, ...] = ()
    words: tuple[Word, ...] = ()
    variables: tuple[Variable, ...] = ()
    heredocs: tuple[Heredoc, ...] = ()
    commands: tuple[Command, ...] = ()
    shell: tuple[str, ...] = ()
    line: int = 0
    column: int = 0
    end_line: int = 0

    def flag(self, name: str) -> str | None:
        """The value of the first flag of that name, or None."""
        return next((flag.value for flag in self.flags if flag.name == name), None)


class Stage(View, frozen=True):
    """A stage: the instruction that begins it, what it is built from, and its name.

    ``image`` has variables filled in; ``known`` is false where that was not possible. ``parent`` is the stage that it
    builds on, or -1 for an image. ``reached`` says that the last stage is made from it: by FROM, COPY --from, a mount.
    """

    instruction: int = 0
    image: str = ""
    known: bool = True
    name: str = ""
    platform: str = ""
    parent: int = -1
    reached: bool = False


class BuildContext(View, frozen=True):
    """What is known of the folder that a build takes files from.

    ``ignore_file`` is its .dockerignore as shown; ``sensitive`` are files and folders with secrets that lie in it and
    are not left out. ``known`` is false where there is no folder (standard input).
    """

    known: bool = False
    ignore_file: str = ""
    sensitive: tuple[str, ...] = ()


class BuildFileSpec(View, frozen=True):
    """The whole of a build file; ``directives`` are those at its top (syntax, escape, check)."""

    directives: dict[str, str] = {}
    stages: tuple[Stage, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    context: BuildContext = BuildContext()
    windows: bool = False


class BuildFile(KubeObject, frozen=True):
    """A build file as an object of ours."""

    spec: BuildFileSpec = BuildFileSpec()
