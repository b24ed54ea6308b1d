"""Rights that the build takes, and those that it leaves in the image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.analysis.buildfiles.asking import calls, instructions, is_kept, place, runs, shown
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.buildfile import BuildFile
    from seawall.model.rule import Context

_RUN = "https://docs.docker.com/reference/dockerfile/#run"
_SSH_SERVERS = frozenset(("openssh-server", "openssh", "dropbear", "dropbear-bin", "tinyssh"))
_STRONG = re.compile(
    r"cap_(?:sys_admin|sys_ptrace|sys_module|dac_override|dac_read_search|setuid|setgid|net_admin|sys_rawio|bpf)", re.I
)
_REMOTE_PORTS = {
    22: "SSH", 23: "Telnet", 512: "rexec", 513: "rlogin", 514: "rsh", 2375: "Docker without TLS", 3389: "RDP",
    5900: "VNC",
}  # fmt: skip


@rule(
    "build-setuid",
    title="Build makes a program setuid or setgid",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Whoever is in the container as a plain user becomes root by one flaw of that program.",
    remediation="Take the bit away; give the file the one capability that it needs, or start it as its user.",
    controls="cis-docker-1.7:4.8 nist-800-190:4.1.2 mitre-attack:T1548.001",
    references=("https://docs.docker.com/engine/security/",),
    notes="Sticky folders (1777) and setgid folders alone pass.",
)
def build_setuid(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "chmod"):
        mode = next((word for word in ran.command.arguments if not re.match(r"-[a-zA-Z-]", word)), "")
        if is_kept(file, ran.made) and _sets(mode):
            yield Hit(f"runs chmod {shown(mode)}", ran.path)
    for number, made in instructions(file, "COPY", "ADD"):
        for at, flag in enumerate(made.flags):
            if flag.name == "chmod" and is_kept(file, made) and _sets(flag.value):
                yield Hit(f"copies with --chmod={shown(flag.value)}", place(number, "flags", at))


def _sets(mode: str) -> bool:
    """Whether a mode sets the bit for the user, or (4000, 6000) in numbers; ``g+s`` is usual for folders."""
    if mode.isdecimal():
        return re.match(r"0?[4567][0-7]{3}\Z", mode) is not None
    return any(re.match(r"(?:[goa]*u[goa]*|a|)[+=]\w*s", part) for part in mode.split(","))


@rule(
    "build-world-writable",
    title="Everyone may change files of the image",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Whoever takes over the program, as whatever user, changes what runs next.",
    remediation="Give the files to the user that must write them, with 755 or less.",
    controls="nist-800-190:4.1.2 mitre-attack:T1222.002",
    references=("https://docs.docker.com/build/building/best-practices/#user",),
    notes="Sticky folders (1777) pass.",
)
def build_world_writable(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "chmod"):
        mode = next((word for word in ran.command.arguments if not re.match(r"-[a-zA-Z-]", word)), "")
        if is_kept(file, ran.made) and _opens(mode):
            yield Hit(f"runs chmod {shown(mode)}", ran.path)


def _opens(mode: str) -> bool:
    if mode.isdecimal():
        return re.match(r"(?:0?[02-7])?[0-7]{2}[2367]\Z", mode) is not None
    return any(re.match(r"(?:[ugoa]*[oa][ugoa]*)[+=]\w*w", part) for part in mode.split(","))


@rule(
    "build-strong-capability",
    title="Program gets a strong capability",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The program has that right whoever starts it: a plain user of the container gets as far as root would.",
    remediation="Leave setcap out; cap_net_bind_service is enough for low ports, and not needed in Kubernetes.",
    controls="cis-docker-1.7:4.8 nist-800-190:4.1.2 mitre-attack:T1548",
    references=("https://man7.org/linux/man-pages/man7/capabilities.7.html",),
)
def build_strong_capability(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "setcap"):
        match = _STRONG.search(ran.command.text)
        if match is not None and is_kept(file, ran.made):
            yield Hit(f"gives {match[0].lower()}", ran.path)


@rule(
    "build-ssh-server",
    title="Image holds an SSH server",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="It is one more way in, with its own users and keys, and nobody sees in Kubernetes' audit log who came by it.",
    remediation="Leave it out; go in with `kubectl exec` or an ephemeral container.",
    controls="cis-docker-1.7:4.3 nist-800-190:4.1.2 mitre-attack:T1021.004",
    references=("https://kubernetes.io/docs/tasks/debug/debug-application/debug-running-pod/",),
)
def build_ssh_server(file: BuildFile, ctx: Context) -> Hits:
    for call in calls(file, "apt-get", "apt", "apk", "yum", "dnf", "microdnf", "zypper"):
        # Of Debian's and Red Hat's packages "openssh" alone is the client or a source.
        known = _SSH_SERVERS if call.manager in ("apk", "zypper") else _SSH_SERVERS - {"openssh"}
        found = [name for name in call.operands if name.partition("=")[0] in known]
        if found and call.action in ("install", "add", "in") and is_kept(file, call.ran.made):
            yield Hit(f"installs {shown(found[0])}", call.ran.path)


@rule(
    "build-exposes-remote-login",
    title="Image offers a port to log in by",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The port belongs to a program that gives a shell or the whole machine to whoever knows or guesses a password.",
    remediation="Take the program and the EXPOSE out; go in with `kubectl exec`.",
    controls="nist-800-190:4.1.2 mitre-attack:T1021",
    aliases="DS-0004 CKV_DOCKER_1",
    references=("https://docs.docker.com/reference/dockerfile/#expose",),
    notes="22, 23, 512 to 514, 2375, 3389 and 5900, alone or in a range.",
)
def build_exposes_remote_login(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "EXPOSE"):
        for at, word in enumerate(made.words):
            port, _, protocol = word.value.partition("/")
            first, _, last = port.partition("-")
            if not word.known or protocol.lower() == "udp" or not first.isdecimal() or len(first) > 5:
                continue
            end = int(last) if last.isdecimal() and len(last) < 6 else int(first)
            for known, name in _REMOTE_PORTS.items():
                if int(first) <= known <= end and end - int(first) < 1000:
                    yield Hit(f"exposes {known} ({name})", place(number, "words", at))


@rule(
    "build-insecure-run",
    title="Build command runs with all rights",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="RUN --security=insecure is a privileged container on the machine that builds: whoever changes the build file, "
    "or what it fetches, takes that machine.",
    remediation="Leave the flag out, and do not allow the entitlement security.insecure.",
    controls="nist-800-190:4.1.2 mitre-attack:T1611",
    references=("https://docs.docker.com/reference/dockerfile/#run---security",),
)
def build_insecure_run(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "RUN"):
        for at, flag in enumerate(made.flags):
            if flag.name == "security" and flag.value == "insecure":
                yield Hit("runs with --security=insecure", place(number, "flags", at))


@rule(
    "build-host-network",
    title="Build command uses the network of the machine",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="What the build fetches and runs reaches services that listen on the building machine alone, and its metadata "
    "service.",
    remediation="Leave the flag out, and do not allow the entitlement network.host.",
    controls="nist-800-190:4.1.2 mitre-attack:T1046",
    references=("https://docs.docker.com/reference/dockerfile/#run---network",),
)
def build_host_network(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "RUN"):
        for at, flag in enumerate(made.flags):
            if flag.name == "network" and flag.value == "host":
                yield Hit("runs with --network=host", place(number, "flags", at))
