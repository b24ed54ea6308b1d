"""Instructions that the builder refuses, or that do not do what they say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.analysis.buildfiles.asking import instructions, place, shown
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.model.kube.buildfile import BuildFile
    from seawall.model.rule import Context

_REFERENCE = "https://docs.docker.com/reference/dockerfile/"
_KNOWN = frozenset(
    [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
        "ONBUILD",
    ]
)
_MAX_PORT = 65_535


@rule(
    "build-unknown-instruction",
    title="Unknown instruction",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The builder refuses the file, so what was meant, and was perhaps a protection, is not in any image.",
    remediation="Mend the name of the instruction, or the line before it that should be continued.",
    references=(_REFERENCE,),
)
def build_unknown_instruction(file: BuildFile, ctx: Context) -> Hits:
    for number, made in enumerate(file.spec.instructions):
        if made.keyword not in _KNOWN:
            yield Hit(f"{shown(made.keyword)[:30]!r} is no instruction", place(number), secret=True)


@rule(
    "build-before-from",
    title="Instruction before the first FROM",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Only ARG may stand there: the builder refuses the file.",
    remediation="Move the instruction behind FROM.",
    aliases="DL3061",
    references=(_REFERENCE + "#from",),
)
def build_before_from(file: BuildFile, ctx: Context) -> Hits:
    for number, made in enumerate(file.spec.instructions):
        if made.stage >= 0:
            return
        if made.keyword != "ARG" and made.keyword in _KNOWN:
            yield Hit(f"{made.keyword} stands before FROM", place(number))


@rule(
    "build-onbuild-forbidden",
    title="Instruction that ONBUILD does not allow",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The builder refuses ONBUILD with ONBUILD, FROM or MAINTAINER.",
    remediation="Leave the instruction out.",
    aliases="DL3043",
    references=(_REFERENCE + "#onbuild",),
)
def build_onbuild_forbidden(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "ONBUILD", "FROM", "MAINTAINER"):
        if made.onbuild:
            yield Hit(f"ONBUILD {made.keyword} is not allowed", place(number))


@rule(
    "build-invalid-port",
    title="Port that does not exist",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Ports end at 65535: the builder refuses it, or nothing listens there.",
    remediation="Name a port from 0 to 65535.",
    aliases="DL3011 DS-0008",
    references=(_REFERENCE + "#expose",),
)
def build_invalid_port(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "EXPOSE"):
        for at, word in enumerate(made.words):
            ports = word.value.partition("/")[0].split("-")
            if word.known and any(port.isdecimal() and (len(port) > 9 or int(port) > _MAX_PORT) for port in ports):
                yield Hit(f"exposes {shown(word.value)}", place(number, "words", at))


def _repeated(file: BuildFile, keyword: str) -> Iterator[int]:
    """The instructions of a keyword that another of the same stage follows."""
    last: dict[int, int] = {}
    for number, made in instructions(file, keyword):
        if made.onbuild:
            continue
        if made.stage in last:
            yield last[made.stage]
        last[made.stage] = number


@rule(
    "build-several-cmd",
    title="CMD that another replaces",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Only the last counts: what is written and what runs are not the same.",
    remediation="Keep one CMD a stage.",
    aliases="DL4003 DS-0016",
    references=(_REFERENCE + "#cmd",),
)
def build_several_cmd(file: BuildFile, ctx: Context) -> Hits:
    for number in _repeated(file, "CMD"):
        yield Hit("is replaced by a later CMD", place(number))


@rule(
    "build-several-entrypoint",
    title="ENTRYPOINT that another replaces",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Only the last counts: what is written and what runs are not the same.",
    remediation="Keep one ENTRYPOINT a stage.",
    aliases="DL4004 DS-0007",
    references=(_REFERENCE + "#entrypoint",),
)
def build_several_entrypoint(file: BuildFile, ctx: Context) -> Hits:
    for number in _repeated(file, "ENTRYPOINT"):
        yield Hit("is replaced by a later ENTRYPOINT", place(number))


@rule(
    "build-several-healthcheck",
    title="HEALTHCHECK that another replaces",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Only the last counts: what is written and what runs are not the same.",
    remediation="Keep one HEALTHCHECK a stage.",
    aliases="DL3012 DS-0023",
    references=(_REFERENCE + "#healthcheck",),
)
def build_several_healthcheck(file: BuildFile, ctx: Context) -> Hits:
    for number in _repeated(file, "HEALTHCHECK"):
        yield Hit("is replaced by a later HEALTHCHECK", place(number))


@rule(
    "build-relative-workdir",
    title="WORKDIR that is not absolute",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="It depends on the base image where the program runs and its files land; a new base moves them, with other "
    "rights.",
    remediation="Write the whole path.",
    aliases="DL3000 DS-0009 CKV_DOCKER_10",
    references=(_REFERENCE + "#workdir",),
    notes="A relative WORKDIR behind an absolute one of the same stage is told too, as peers do.",
)
def build_relative_workdir(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "WORKDIR"):
        if not made.words:
            continue
        folder = made.words[0].value.strip("\"'")
        if not re.match(r"[/$%]|[A-Za-z]:", folder):
            yield Hit(f"works in {shown(folder)!r}", place(number, "words", 0))


@rule(
    "build-env-of-itself",
    title="ENV refers to a variable that it sets itself",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The variable still has its old value there, mostly none: a path or a setting is not what is written.",
    remediation="Set the variables in two ENV, one after the other.",
    aliases="DL3044",
    references=(_REFERENCE + "#environment-replacement",),
)
def build_env_of_itself(file: BuildFile, ctx: Context) -> Hits:
    known: dict[int, set[str]] = {}
    for number, made in instructions(file, "ENV", "ARG"):
        before = known.setdefault(made.stage, set())
        if made.keyword == "ENV" and len(made.variables) > 1:
            names = {variable.name for variable in made.variables} - before
            for at, word in enumerate(made.words):
                own = made.variables[at].name if at < len(made.variables) else ""
                used = set(re.findall(r"\$\{?(\w+)", word.text.partition("=")[2]))
                if at and (lost := sorted((used & names) - {own})):
                    yield Hit(
                        f"uses {shown(lost[0])}, which the same ENV sets", place(number, "variables", at), secret=True
                    )
        before.update(variable.name for variable in made.variables)


@rule(
    "build-copy-many-to-file",
    title="Several files are copied to what is no folder",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The builder refuses it: with more than one source the target must end with a slash.",
    remediation="End the target with /.",
    aliases="DL3021 DS-0011",
    references=(_REFERENCE + "#copy",),
)
def build_copy_many_to_file(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "COPY"):
        target = made.words[-1].value if made.words else ""
        folder = (
            target.endswith(("/", "\\")) or target in (".", "..") or not made.words[-1].known if made.words else True
        )
        if len(made.words) > 2 and not folder:
            yield Hit(f"copies {len(made.words) - 1} files to {shown(target)}", place(number))
