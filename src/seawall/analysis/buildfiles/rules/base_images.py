"""What images are built on."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from seawall.analysis.buildfiles.asking import instructions, place, shown
from seawall.analysis.buildfiles.releases import end_of_life
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.model.kube.buildfile import BuildFile, Stage
    from seawall.model.rule import Context

_FROM = "https://docs.docker.com/reference/dockerfile/#from"
_PINNING = "https://docs.docker.com/build/building/best-practices/#pin-base-image-versions"
_FRONTEND = re.compile(r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?::|@|\Z)")


def bases(file: BuildFile) -> Iterator[Stage]:
    """The stages that begin with an image whose name is known."""
    for stage in file.spec.stages:
        if stage.parent < 0 and stage.known and stage.image.lower() != "scratch":
            yield stage


def tag_of(image: str) -> str:
    """The tag of a reference; empty where it has none."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


@rule(
    "build-latest-tag",
    title="Base image with the tag latest",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The same build file gives another image tomorrow: nobody can tell what is in it, or go back to what was.",
    remediation="Name a version, or better a digest.",
    controls="nist-800-190:4.1.5 mitre-attack:T1195.002",
    aliases="DL3007 DS-0001 CKV_DOCKER_7",
    references=(_PINNING,),
)
def build_latest_tag(file: BuildFile, ctx: Context) -> Hits:
    for stage in bases(file):
        if tag_of(stage.image) == "latest" and "@" not in stage.image:
            yield Hit(f"builds on {shown(stage.image)}", place(stage.instruction, "words", 0))


@rule(
    "build-no-tag",
    title="Base image without a tag",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="No tag means latest: the same build file gives another image tomorrow, and nobody can tell what is in it.",
    remediation="Name a version, or better a digest.",
    controls="nist-800-190:4.1.5 mitre-attack:T1195.002",
    aliases="DL3006 DS-0001 CKV_DOCKER_7",
    references=(_PINNING,),
)
def build_no_tag(file: BuildFile, ctx: Context) -> Hits:
    for stage in bases(file):
        if stage.image and not tag_of(stage.image) and "@" not in stage.image:
            yield Hit(f"builds on {shown(stage.image)} without a tag", place(stage.instruction, "words", 0))


@rule(
    "build-no-digest",
    title="Base image without a digest",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="A tag can be moved to another image, by its owner or by whoever broke into the registry.",
    remediation="Add the digest: FROM name:tag@sha256:..., and let a bot renew it.",
    controls="nist-800-190:4.1.5 mitre-attack:T1195.002",
    references=(_PINNING,),
    default=False,
)
def build_no_digest(file: BuildFile, ctx: Context) -> Hits:
    for stage in bases(file):
        if "@" not in stage.image:
            yield Hit(f"builds on {shown(stage.image)} by tag alone", place(stage.instruction, "words", 0))


@rule(
    "build-base-end-of-life",
    title="Base image of a release that gets no more fixes",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Flaws found from now on stay open for good, and advisories no longer name them, so a scan that finds nothing "
    "says nothing.",
    remediation="Build on a release that is supported.",
    controls="nist-800-190:4.1.1 cis-docker-1.7:4.4",
    references=("https://endoflife.date/",),
    notes="Known are the official images of distributions and languages; paid extended support is not counted.",
)
def build_base_end_of_life(file: BuildFile, ctx: Context) -> Hits:
    today = date.today()
    for stage in bases(file):
        ended = end_of_life(stage.image)
        if ended is not None and ended[1] <= today:
            message = f"builds on {shown(stage.image)}: {ended[0]} has had no fixes since {ended[1]}"
            yield Hit(message, place(stage.instruction, "words", 0))


@rule(
    "build-fixed-platform",
    title="FROM names a platform",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The image is of that platform wherever it is built, also where another was asked for.",
    remediation="Leave the flag out and say --platform when building, or write $BUILDPLATFORM.",
    aliases="DL3029",
    references=(_FROM,),
    default=False,
)
def build_fixed_platform(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "FROM"):
        for at, flag in enumerate(made.flags):
            if flag.name == "platform" and "$" not in flag.value:
                yield Hit(f"is fixed to {shown(flag.value)}", place(number, "flags", at))


@rule(
    "build-foreign-frontend",
    title="Build file is read by a frontend of someone else",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The image in `# syntax` decides what every line means, and what else is done: whoever moves its tag is in "
    "every image that is built.",
    remediation="Use docker/dockerfile:1, or name the frontend by digest.",
    controls="nist-800-190:4.1.5 mitre-attack:T1195.002",
    references=("https://docs.docker.com/build/buildkit/frontend/",),
    notes="docker/dockerfile with a version passes; without one it is of low severity.",
)
def build_foreign_frontend(file: BuildFile, ctx: Context) -> Hits:
    syntax = file.spec.directives.get("syntax", "")
    if not syntax or "@sha256:" in syntax:
        return
    own = _FRONTEND.match(syntax) is not None
    if not own or tag_of(syntax) in ("", "latest", "master", "labs"):
        what = "has no fixed version" if own else "is no frontend of Docker's, and named without a digest"
        yield Hit(f"{shown(syntax)} {what}", "spec.directives.syntax", severity=Severity.LOW if own else None)
