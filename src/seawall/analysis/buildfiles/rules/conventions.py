"""Conventions: what makes images easier to run, read and trust."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.analysis.buildfiles.asking import brief, instructions, last_stage, lineage, place, runs, shown, stage_at
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.buildfile import BuildFile
    from seawall.model.rule import Context

_REFERENCE = "https://docs.docker.com/reference/dockerfile/"
_LABEL = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*\Z")
_RESERVED = ("com.docker.", "io.docker.", "org.dockerproject.")


@rule(
    "build-no-healthcheck",
    title="Image without a HEALTHCHECK",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="A service that was broken or taken over looks as if it ran.",
    remediation="Add HEALTHCHECK; in Kubernetes, probes of the pod count instead.",
    controls="cis-docker-1.7:4.6",
    aliases="DL3057 DS-0026 CKV_DOCKER_2",
    references=(_REFERENCE + "#healthcheck",),
    default=False,
    notes="HEALTHCHECK NONE is told too.",
)
def build_no_healthcheck(file: BuildFile, ctx: Context) -> Hits:
    stages = lineage(file)
    found = [made for _, made in instructions(file, "HEALTHCHECK") if made.stage in stages]
    if not found:
        yield Hit("has no HEALTHCHECK", place(last_stage(file).instruction))
    elif found[-1].text.strip().upper() == "NONE":
        yield Hit("switches HEALTHCHECK off", place(file.spec.instructions.index(found[-1])))


@rule(
    "build-maintainer",
    title="MAINTAINER is deprecated",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Builders may drop it, and then nobody can tell who answers for the image.",
    remediation="Write LABEL org.opencontainers.image.authors=...",
    aliases="DL4000 DS-0022 CKV_DOCKER_6",
    references=(_REFERENCE + "#maintainer-deprecated",),
)
def build_maintainer(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "MAINTAINER"):
        if not made.onbuild:
            yield Hit("uses MAINTAINER", place(number))


@rule(
    "build-shell-form",
    title="CMD or ENTRYPOINT that a shell starts",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The shell is process 1 and passes no signals on: the program is killed instead of stopped, and the image "
    "must hold a shell.",
    remediation='Write a JSON list: ["program", "argument"].',
    aliases="DL3025",
    references=("https://docs.docker.com/reference/build-checks/json-args-recommended/",),
    default=False,
    notes="A command that begins with exec passes.",
)
def build_shell_form(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "CMD", "ENTRYPOINT"):
        if not made.exec_form and made.words and made.words[0].value != "exec":
            yield Hit(f"{made.keyword} is in shell form", place(number))


@rule(
    "build-cd-in-run",
    title="RUN changes its folder",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The folder counts for this RUN alone, which people overlook: the next one writes elsewhere.",
    remediation="Write WORKDIR.",
    aliases="DL3003 DS-0013",
    references=("https://docs.docker.com/build/building/best-practices/#workdir",),
    default=False,
)
def build_cd_in_run(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "cd"):
        yield Hit(f"runs {brief(ran.command)}", ran.path)


@rule(
    "build-copy-relative",
    title="COPY to a relative path without a WORKDIR",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="It depends on the base image where the files land.",
    remediation="Set WORKDIR first, or write the whole path.",
    aliases="DL3045",
    references=(_REFERENCE + "#copy",),
    default=False,
)
def build_copy_relative(file: BuildFile, ctx: Context) -> Hits:
    set_in: set[int] = set()
    for number, made in instructions(file, "WORKDIR", "COPY", "FROM"):
        if made.keyword == "FROM":
            parent = stage_at(file, made.stage).parent if not made.onbuild else -1
            set_in.update({made.stage} if parent in set_in else ())
        elif made.keyword == "WORKDIR":
            set_in.add(made.stage)
        elif made.words and made.stage not in set_in:
            target = made.words[-1].value.strip("\"'")
            if not re.match(r"[/$%\\]|[A-Za-z]:", target):
                yield Hit(f"copies to {shown(target)!r}", place(number))


@rule(
    "build-label-name",
    title="Label with a name that is not allowed",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Tools that look for labels do not find it, or take it for Docker's own.",
    remediation="Use lower case letters, digits, dots and hyphens; Docker's own prefixes are reserved.",
    aliases="DL3048",
    references=("https://docs.docker.com/engine/manage-resources/labels/",),
    default=False,
)
def build_label_name(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "LABEL"):
        for at, variable in enumerate(made.variables):
            name = variable.name
            if "$" not in name and (not _LABEL.match(name) or name.startswith(_RESERVED)):
                yield Hit(f"the label {shown(name)!r}", place(number, "variables", at))


@rule(
    "build-onbuild",
    title="Image acts in the builds of others",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="ONBUILD runs in every build on top of the image, and stands in no build file that people review.",
    remediation="Write the instructions into the build files that need them.",
    references=(_REFERENCE + "#onbuild",),
    default=False,
)
def build_onbuild(file: BuildFile, ctx: Context) -> Hits:
    for number, made in enumerate(file.spec.instructions):
        if made.onbuild:
            yield Hit(f"leaves {made.keyword} to other builds", place(number))


@rule(
    "build-shell-linked",
    title="/bin/sh is replaced by a link",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Scripts of packages are written for the distribution's own sh, and break or behave otherwise.",
    remediation='Write SHELL ["/bin/bash", "-c"].',
    aliases="DL4005",
    references=(_REFERENCE + "#shell",),
    default=False,
)
def build_shell_linked(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "ln"):
        if ran.command.words[-1] == "/bin/sh":
            yield Hit(f"runs {brief(ran.command)}", ran.path)


@rule(
    "build-separate-runs",
    title="Several RUN one after the other",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Each is a layer: what one makes and the next deletes stays in the image.",
    remediation="Join them with &&, or in one here-document.",
    aliases="DL3059",
    references=("https://docs.docker.com/build/building/best-practices/#run",),
    default=False,
)
def build_separate_runs(file: BuildFile, ctx: Context) -> Hits:
    before = -2
    for number, made in instructions(file, "RUN"):
        last = file.spec.instructions[before] if number == before + 1 else None
        if last is not None and last.flags == made.flags and len(made.commands) <= 1 >= len(last.commands):
            yield Hit("follows another RUN", place(number))
        before = number
