"""As whom containers of the image run."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from seawall.analysis.buildfiles.asking import (
    brief,
    calls,
    instructions,
    last_stage,
    lineage,
    place,
    runs,
    shown,
    stage_at,
)
from seawall.model.finding import Confidence, Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.buildfile import BuildFile, Instruction
    from seawall.model.rule import Context

_USER = "https://docs.docker.com/reference/dockerfile/#user"
_ROOT = re.compile(r"(?:root|0+)(?::.*)?\Z")
_WINDOWS_ADMIN = re.compile(r"(?:.*\\)?containeradministrator\Z", re.IGNORECASE)
#: Images that are known to name another user than root.
_NOT_ROOT = re.compile(
    r"nonroot|non-root|rootless|unprivileged|unpriv|(?:^|/)(?:cgr\.dev/)?chainguard/|^cgr\.dev/|bitnami|openshift|ubi\d*/(?:"
    r"nodejs|python|openjdk|ruby|php|go-toolset)|jenkins/|sonarqube|(?:^|/)(?:elasticsearch|kibana|logstash)/",
    re.IGNORECASE,
)
_HIGH_ID = 5


def _last_user(file: BuildFile) -> tuple[int, Instruction] | None:
    """The USER that counts in the end: of the last stage, or else of one that it builds on."""
    users = [(number, made) for number, made in instructions(file, "USER") if not made.onbuild and made.words]
    for stage in lineage(file):
        own = [each for each in users if each[1].stage == stage]
        if own:
            return own[-1]
    return None


@rule(
    "build-root-user",
    title="Image runs as root by its USER",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Whoever takes over the program is root in the container: may change all of it, and a flaw of the kernel or "
    "the runtime gives root of the node.",
    remediation="End the build file with USER and a numeric id that is not 0.",
    controls="cis-docker-1.7:4.1 nist-800-190:4.1.2 mitre-attack:T1611",
    aliases="DL3002 DS-0002 CKV_DOCKER_8",
    references=(_USER,),
    notes="The last USER of the last stage counts, or that of a stage which it builds on.",
)
def build_root_user(file: BuildFile, ctx: Context) -> Hits:
    last = _last_user(file)
    if last is not None:
        user = last[1].words[0]
        if user.known and (_ROOT.match(user.value) or _WINDOWS_ADMIN.match(user.value)):
            yield Hit(f"the last USER is {shown(user.value)}", place(last[0], "words", 0))


@rule(
    "build-no-user",
    title="Image names no user, so that it runs as root",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Without USER a container runs as the base image's user, and that is nearly always root: whoever takes over "
    "the program may change the container, and is a flaw away from root of the node.",
    remediation="Make a user and end the build file with USER and its numeric id.",
    controls="cis-docker-1.7:4.1 nist-800-190:4.1.2 mitre-attack:T1611",
    aliases="DS-0002 CKV_DOCKER_3",
    references=(_USER,),
    notes="Base images that are known to name a user (nonroot, rootless, unprivileged, Chainguard's) pass. Confidence "
    "is medium, for others may name one too.",
)
def build_no_user(file: BuildFile, ctx: Context) -> Hits:
    if file.spec.windows or _last_user(file) is not None:
        return
    base = stage_at(file, next(reversed(lineage(file)), -1))
    stage = last_stage(file)
    if base.known and not _NOT_ROOT.search(base.image):
        confidence = Confidence.HIGH if base.image == "scratch" else Confidence.MEDIUM
        name = f" {stage.name!r}" if stage.name else ""
        yield Hit(f"the last stage{name} has no USER", place(stage.instruction), confidence=confidence)


@rule(
    "build-user-by-name",
    title="USER is a name, not a number",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Kubernetes cannot tell that a user known by name is not root: with runAsNonRoot the pod does not start, and "
    "people take the setting away.",
    remediation="Write the user's id: USER 10001.",
    references=("https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",),
    default=False,
)
def build_user_by_name(file: BuildFile, ctx: Context) -> Hits:
    last = _last_user(file)
    if last is not None and not file.spec.windows:
        user = last[1].words[0]
        name = user.value.partition(":")[0]
        if user.known and not name.isdecimal() and name != "root":
            yield Hit(f"the last USER is the name {shown(name)!r}", place(last[0], "words", 0))


@rule(
    "build-sudo",
    title="Build uses sudo",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="sudo in an image means that its user may become root without a password, and so may whoever takes over the "
    "program.",
    remediation="Do what needs root before USER, and leave sudo out; to start as another user take gosu or su-exec.",
    controls="nist-800-190:4.1.2 mitre-attack:T1548.003",
    aliases="DL3004 DS-0010 CKV2_DOCKER_1",
    references=("https://docs.docker.com/build/building/best-practices/#user",),
)
def build_sudo(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "sudo"):
        yield Hit(f"runs {brief(ran.command)}", ran.path)


@rule(
    "build-sudo-installed",
    title="Image holds sudo",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="sudo is a setuid program with a history of flaws; whoever is in the container as a plain user tries it first.",
    remediation="Leave it out; to start as another user take gosu or su-exec.",
    controls="nist-800-190:4.1.2 cis-docker-1.7:4.3 mitre-attack:T1548.003",
    references=("https://docs.docker.com/build/building/best-practices/#user",),
)
def build_sudo_installed(file: BuildFile, ctx: Context) -> Hits:
    for call in calls(file, "apt-get", "apt", "apk", "yum", "dnf", "microdnf", "zypper"):
        if call.action in ("install", "add", "in") and "sudo" in call.operands:
            yield Hit("installs sudo", call.ran.path)


@rule(
    "build-passwordless-sudo",
    title="User may become root without a password",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="NOPASSWD makes the image's user root in all but name: USER protects nothing any more.",
    remediation="Take the line out of sudoers, and do what needs root while the image is built.",
    controls="nist-800-190:4.1.2 cis-docker-1.7:4.1 mitre-attack:T1548.003",
    references=("https://www.sudo.ws/docs/man/sudoers.man/",),
)
def build_passwordless_sudo(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file):
        if "NOPASSWD" in ran.command.text and ran.command.program in ("echo", "printf", "sed", "tee"):
            yield Hit("allows sudo without a password", ran.path)


@rule(
    "build-sets-password",
    title="Build sets a password",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="Dockerfile",
    why="The password is the same in every container, stands in the image's history, and is there to log in with.",
    remediation="Leave users of images without a password; nobody logs in to a container.",
    controls="cis-docker-1.7:4.10 nist-800-190:4.1.4 mitre-attack:T1552.001 mitre-attack:T1078.003",
    aliases="CKV2_DOCKER_17",
    references=("https://man7.org/linux/man-pages/man8/chpasswd.8.html",),
)
def build_sets_password(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "chpasswd", "passwd", "useradd", "usermod"):
        command = ran.command
        if command.program == "chpasswd":
            sets = True
        elif command.program == "passwd":
            sets = any(word in ("--stdin", "-d") for word in command.words)
        else:
            given = [after for word, after in pairwise(command.words) if word in ("-p", "--password")]
            given += [word.partition("=")[2] for word in command.words if word.startswith("--password=")]
            # What begins with ! or * is no hash of any password: nobody logs in with it.
            sets = any(each[:1] not in ("!", "*") for each in given)
        if sets:
            yield Hit(f"sets a password with {command.program}", ran.path)


@rule(
    "build-high-user-id",
    title="useradd with a high id and without -l",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="useradd writes a log that is as long as the id is high: layers of many gigabytes that fill the nodes' disks.",
    remediation="Add -l (--no-log-init).",
    aliases="DL3046",
    references=("https://docs.docker.com/build/building/best-practices/#user",),
    default=False,
)
def build_high_user_id(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "useradd"):
        words = ran.command.words
        if any(word in ("--no-log-init", "-l") or re.match(r"-[a-zA-Z]*l", word) for word in words):
            continue
        ids = [after for word, after in pairwise(words) if word in ("-u", "--uid")]
        ids += [word.partition("=")[2] for word in words if word.startswith("--uid=")]
        if any(each.isdecimal() and len(each) > _HIGH_ID for each in ids):
            yield Hit(f"runs {brief(ran.command)}", ran.path)
