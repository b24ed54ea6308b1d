"""Stages and what is copied between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.analysis.buildfiles.asking import instructions, place, shown, stage_at
from seawall.model.finding import Confidence, Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.buildfile import BuildFile, Instruction
    from seawall.model.paths import Path
    from seawall.model.rule import Context

_STAGES = "https://docs.docker.com/build/building/multi-stage/"


def _copies(file: BuildFile) -> Iterator[tuple[Path, Instruction, str]]:
    for number, made in instructions(file, "COPY"):
        for at, flag in enumerate(made.flags):
            if flag.name == "from" and flag.value and "$" not in flag.value:
                yield place(number, "flags", at), made, flag.value


def _number(file: BuildFile, name: str, before: int) -> int:
    """The stage of that name or number that comes before another; -1 where there is none."""
    for number in range(min(before, len(file.spec.stages)) - 1, -1, -1):
        if file.spec.stages[number].name == name.lower():
            return number
    return int(name) if name.isdecimal() and len(name) < 5 and int(name) < before else -1


@rule(
    "build-stage-twice",
    title="Two stages of one name",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="What is copied from that name comes from another stage than people read.",
    remediation="Give each stage a name of its own.",
    aliases="DL3024 DS-0012 CKV_DOCKER_11",
    references=(_STAGES,),
)
def build_stage_twice(file: BuildFile, ctx: Context) -> Hits:
    seen: set[str] = set()
    for stage in file.spec.stages:
        if stage.name and stage.name in seen:
            yield Hit(f"the stage {shown(stage.name)!r} is there already", place(stage.instruction))
        seen.add(stage.name)


@rule(
    "build-copy-from-itself",
    title="COPY --from names its own stage",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The builder refuses it: a stage cannot be copied from before it is built.",
    remediation="Name the stage that holds the files.",
    aliases="DL3023 DS-0006",
    references=(_STAGES,),
)
def build_copy_from_itself(file: BuildFile, ctx: Context) -> Hits:
    for path, made, source in _copies(file):
        own = stage_at(file, made.stage).name
        if (own and own == source.lower() and _number(file, source, made.stage) < 0) or source == str(made.stage):
            yield Hit(f"copies from its own stage {shown(source)!r}", path)


@rule(
    "build-copy-from-unknown",
    title="COPY --from names no stage",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="A name that no stage before has is looked up in the registry: a mistyped name takes files out of a stranger's "
    "image.",
    remediation="Mend the name; of an image write the whole reference with its tag or digest.",
    controls="nist-800-190:4.1.5",
    aliases="DL3022",
    references=(_STAGES,),
)
def build_copy_from_unknown(file: BuildFile, ctx: Context) -> Hits:
    for path, made, source in _copies(file):
        own = stage_at(file, made.stage).name == source.lower()
        if (
            not own
            and not re.search(r"[:/@]", source)
            and _number(file, source, made.stage) < 0
            and source != str(made.stage)
        ):
            later = any(stage.name == source.lower() for stage in file.spec.stages)
            what = "a stage that comes later" if later else "no stage"
            yield Hit(f"{shown(source)!r} is {what}", path, confidence=Confidence.HIGH if later else Confidence.MEDIUM)


@rule(
    "build-copy-from-moving-image",
    title="Files are copied from an image without a fixed tag",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The program that is copied is another tomorrow, and whoever moves the tag is in the image.",
    remediation="Name the image by version or digest.",
    controls="nist-800-190:4.1.5 mitre-attack:T1195.002",
    references=(_STAGES,),
)
def build_copy_from_moving_image(file: BuildFile, ctx: Context) -> Hits:
    for path, made, source in _copies(file):
        if "/" not in source and ":" not in source:
            continue
        tag = source.rpartition("/")[2].partition(":")[2]
        if "@" not in source and tag in ("", "latest") and _number(file, source, made.stage) < 0:
            yield Hit(f"copies from {shown(source)}", path)


@rule(
    "build-stage-unused",
    title="Stage that the image is not made from",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="BuildKit leaves it out: tests and checks in it do not run unless someone asks for that stage.",
    remediation="Copy a file of it into the last stage, build it by --target, or delete it.",
    references=(_STAGES,),
    default=False,
)
def build_stage_unused(file: BuildFile, ctx: Context) -> Hits:
    for number, stage in enumerate(file.spec.stages):
        if not stage.reached:
            yield Hit(f"the stage {shown(stage.name) or number} is not used", place(stage.instruction))
