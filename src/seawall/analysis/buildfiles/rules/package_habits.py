"""How packages of languages are installed, and programs that have no use in a container."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.analysis.buildfiles.asking import brief, calls, instructions, is_kept, runs, shown
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.analysis.buildfiles.asking import Call
    from seawall.model.kube.buildfile import BuildFile
    from seawall.model.rule import Context

_BEST = "https://docs.docker.com/build/building/best-practices/"
_USELESS = frozenset(["ssh", "vim", "shutdown", "service", "ps", "free", "top", "kill", "mount", "ifconfig"])
_PINNED_PIP = re.compile(r"(==|===|@|<|~=|>=.*,)|^(?:\.|/|git\+|https?:|\$|-)|\.(?:whl|tar\.gz|zip)$")


@rule(
    "build-unpinned-language-packages",
    title="Language packages without a version",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The build takes the newest release of that hour: one that an attacker has just published is in the image.",
    remediation="Name versions, or install from a lock file with digests (pip --require-hashes, npm ci).",
    controls="nist-800-190:4.1.5 mitre-attack:T1195.001",
    aliases="DL3013 DL3016 DL3028 DL3062",
    references=(_BEST,),
    default=False,
)
def build_unpinned_language_packages(file: BuildFile, ctx: Context) -> Hits:
    for call in calls(file, "pip", "pip3", "npm", "gem", "go"):
        loose = [name for name in call.operands if _is_loose(call, name)]
        if loose:
            yield Hit(f"{call.manager} installs {shown(loose[0])} without a version", call.ran.path)


def _is_loose(call: Call, name: str) -> bool:
    if "$" in name:
        return False
    if call.manager.startswith("pip"):
        given = call.has("-r", "--requirement", "-c", "--constraint", "--require-hashes", "-e", "--editable")
        return call.action == "install" and not given and not _PINNED_PIP.search(name)
    if call.manager == "npm":
        local = name.startswith((".", "/", "git", "http", "file:")) or name.endswith((".tgz", ".tar.gz"))
        return call.action in ("install", "i", "add") and not local and "@" not in name[1:]
    if call.manager == "gem":
        versioned = any(option.startswith(("-v", "--version")) for option in call.options) or ":" in name
        return call.action in ("install", "i") and not versioned and not name.endswith(".gem")
    named = name.partition("@")[2]
    return call.action == "install" and "/" in name and not name.startswith(".") and named in ("", "latest")


@rule(
    "build-language-cache-left",
    title="Cache of pip or yarn is left in the image",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="It makes the image larger, and its scans and pulls slower.",
    remediation="pip install --no-cache-dir, yarn cache clean, or RUN --mount=type=cache.",
    aliases="DL3042 DL3060",
    references=(_BEST,),
    default=False,
)
def build_language_cache_left(file: BuildFile, ctx: Context) -> Hits:
    variables = {
        (made.stage, each.name): each.value or ""
        for _, made in instructions(file, "ENV", "ARG")
        for each in made.variables
    }
    for call in calls(file, "pip", "pip3", "yarn"):
        made = call.ran.made
        if any(flag.name == "mount" and "type=cache" in flag.value for flag in made.flags):
            continue
        if call.manager == "yarn":
            cleaned = any(command.words[:3] == ("yarn", "cache", "clean") for command in made.commands)
            if call.action == "install" and not cleaned and is_kept(file, made):
                yield Hit("yarn leaves its cache", call.ran.path)
            continue
        off = variables.get((made.stage, "PIP_NO_CACHE_DIR"), "").lower() in ("1", "true", "on", "yes")
        given = {each.name: each.value for each in call.ran.command.assignments}
        off = off or given.get("PIP_NO_CACHE_DIR", "").lower() in ("1", "true", "on", "yes")
        if call.action == "install" and not call.has("--no-cache-dir", "--no-cache") and not off:
            yield Hit(f"{call.manager} leaves its cache", call.ran.path)


@rule(
    "build-useless-program",
    title="Build runs a program that makes no sense in a container",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="ssh, vim, service, ps and their like work on a running machine: in a build they do nothing, or hide what was "
    "meant.",
    remediation="Leave it out.",
    aliases="DL3001",
    references=(_BEST,),
    default=False,
)
def build_useless_program(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, *_USELESS):
        yield Hit(f"runs {brief(ran.command)}", ran.path)
