"""What containers run: commands, probes and hooks that an attacker wrote or would be glad of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.analysis.posture.commandline import find_signs, signs_of
from seawall.analysis.posture.variables import OPTIONS, odd_variables
from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container
    from seawall.model.rule import Context

_PROBES = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/"
#: Programs that have no place in a probe or a hook: they reach the node, the runtime or the API server.
_FORBIDDEN_IN_HOOK = frozenset(
    ("nsenter", "chroot", "unshare", "mount", "insmod", "modprobe", "docker", "crictl", "ctr", "nerdctl", "runc")
)
# Compiled when they are first used: a scan of manifests without such commands never needs them.
_OWN_ADDRESS = r"https://(?:localhost|127\.0\.0\.1|\[::1\])[:/\s\"']"
_LOCAL = r"address=(?:localhost|127\.0\.0\.1|\[::1\])"


def _has_command(c: Container) -> object:
    return c.command or c.args


def _has_settings(c: Container) -> object:
    return c.command or c.args or odd_variables(c.env)


def _has_hooks(c: Container) -> bool:
    probed = c.liveness_probe or c.readiness_probe or c.startup_probe
    return probed is not None or c.lifecycle.post_start is not None or c.lifecycle.pre_stop is not None


def _hit(c: Container, what: str, sign: str, confidence: Confidence = Confidence.HIGH) -> Hit:
    """A hit at the argument that holds a sign, or at the command where several make it up."""
    shown = sign if len(sign) <= 80 else f"{sign[:80]}..."
    return Hit(f"container {c.name!r} {what}: {shown}", _place(c, sign), confidence=confidence)


def _place(c: Container, sign: str) -> str:
    for field, words in (("command", c.command), ("args", c.args)):
        for i, word in numbered(words):
            if sign in word:
                return f"{field}[{i}]"
    return "command" if c.command else "args"


@rule(
    "command-pipes-download",
    title="Command runs what it has just downloaded",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="Whoever controls the server, or the way to it, runs code in the container at every start; no image scan and "
    "no digest sees that code.",
    remediation="Build the script into the image, or check a digest before it is run.",
    controls="mitre-attack:T1059.004 mitre-attack:T1105",
    references=("https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/",),
    when=_has_command,
)
def command_pipes_download(c: Container, ctx: Context) -> Hits:
    if sign := signs_of(c).get("download"):
        yield _hit(c, "runs a download", sign)


@rule(
    "reverse-shell",
    title="Command opens a shell to another host",
    severity=Severity.CRITICAL,
    scope=Scope.WORKLOAD,
    on="container",
    why="The command connects a shell with a host outside: that is how an attacker works in a container.",
    remediation="Delete the workload, find out who made it, and replace what it could read.",
    controls="mitre-attack:T1059.004 mitre-attack:T1571",
    references=("https://attack.mitre.org/techniques/T1059/004/",),
    notes="/dev/tcp is also used to wait for a port; such a command is told with medium confidence.",
    when=_has_command,
)
def reverse_shell(c: Container, ctx: Context) -> Hits:
    sign = signs_of(c).get("shell")
    if sign is None or (sign.startswith("dev/") and not _feeds_a_shell(c)):
        return
    confidence = Confidence.MEDIUM if sign.startswith("dev/") else Confidence.HIGH
    yield _hit(c, "connects a shell", sign, confidence)


_FEEDS = r"sh\s{1,9}-\w{0,3}i|>&\s{0,3}/dev/|exec\s{1,9}\d{1,2}<>|0>&1|<&\d"


def _feeds_a_shell(c: Container) -> bool:
    """Whether a use of /dev/tcp joins it with a shell's input; a mere test of a port does not."""
    return re.search(_FEEDS, " ".join((*c.command, *c.args))) is not None


@rule(
    "command-enters-node",
    title="Command leaves the container for the node",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="The command enters the namespaces of the node's first process or changes into its files: it runs on the node, "
    "as root, unseen by what guards pods.",
    remediation="Do it on the node, by its own configuration; keep pods that must, in a namespace of their own.",
    controls="mitre-attack:T1611",
    references=("https://man7.org/linux/man-pages/man1/nsenter.1.html",),
    when=_has_command,
)
def command_enters_node(c: Container, ctx: Context) -> Hits:
    if sign := signs_of(c).get("escape"):
        yield _hit(c, "enters the node", sign)


@rule(
    "crypto-miner",
    title="Command mines cryptocurrency",
    severity=Severity.CRITICAL,
    scope=Scope.WORKLOAD,
    on="container",
    why="Miners are what most attackers run in a cluster that they got into: someone had the right to create pods.",
    remediation="Delete the workload, and find the way by which it came.",
    controls="mitre-attack:T1496",
    references=("https://attack.mitre.org/techniques/T1496/",),
)
def crypto_miner(c: Container, ctx: Context) -> Hits:
    sign = signs_of(c).get("miner")
    if sign:
        yield _hit(c, "mines", sign)
    elif "xmrig" in c.image:
        yield Hit(f"container {c.name!r} runs the miner {c.image!r}", "image")


@rule(
    "sudo-in-command",
    title="Command uses sudo",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="sudo in a container means that its user may become root without a password, and so may an attacker.",
    remediation="Remove sudo from the image; run as the user that the program needs.",
    controls="mitre-attack:T1548.003",
    aliases="C-0062",
    references=("https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",),
    when=_has_command,
)
def sudo_in_command(c: Container, ctx: Context) -> Hits:
    if sign := signs_of(c).get("sudo"):
        yield _hit(c, "uses sudo", sign)


@rule(
    "command-installs-packages",
    title="Command installs packages at the start",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="What runs depends on what the repositories hold that day: a poisoned package is in at the next restart, and "
    "no image scan has seen it. It also needs root and a writable root filesystem.",
    remediation="Install the packages when the image is built.",
    controls="mitre-attack:T1195.002",
    references=("https://kubernetes.io/docs/concepts/containers/images/",),
    when=_has_command,
)
def command_installs_packages(c: Container, ctx: Context) -> Hits:
    if sign := signs_of(c).get("install"):
        yield _hit(c, "installs packages", sign)


@rule(
    "tls-verification-off-flag",
    title="Command does not verify certificates",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="The connection is encrypted, but with whoever answers: an attacker on the way reads and changes everything, "
    "credentials too.",
    remediation="Remove the flag and give the program the authority's certificate.",
    controls="mitre-attack:T1557",
    references=("https://kubernetes.io/docs/tasks/tls/managing-tls-in-a-cluster/",),
    notes="curl and wget that call the container itself pass.",
    when=_has_command,
)
def tls_verification_off_flag(c: Container, ctx: Context) -> Hits:
    sign = signs_of(c).get("unverified")
    if sign and not (sign.startswith(("curl", "wget")) and _calls_itself(c)):
        yield _hit(c, "does not verify certificates", sign)


def _calls_itself(c: Container) -> bool:
    return re.search(_OWN_ADDRESS, " ".join((*c.command, *c.args))) is not None


@rule(
    "docker-daemon-open",
    title="Docker daemon listens on the network",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="Whoever reaches the port starts privileged containers, without a password unless the daemon asks for "
    "certificates.",
    remediation="Listen on a socket in an emptyDir, or set --tlsverify with an authority of your own.",
    controls="mitre-attack:T1610 mitre-attack:T1133",
    references=("https://docs.docker.com/engine/security/protect-access/",),
    when=_has_command,
)
def docker_daemon_open(c: Container, ctx: Context) -> Hits:
    sign = signs_of(c).get("docker")
    if sign and not any("--tlsverify" in word for word in (*c.command, *c.args)):
        yield _hit(c, "opens a Docker daemon", sign)


@rule(
    "debug-port",
    title="Debugger listens for connections",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="Debuggers ask for no password: whoever reaches the port runs code in the process.",
    remediation="Remove the flag, or bind it to 127.0.0.1 and use kubectl port-forward.",
    controls="mitre-attack:T1059 mitre-attack:T1133",
    references=("https://nodejs.org/en/learn/getting-started/debugging",),
    notes="Java (JDWP), Node.js, Delve and debugpy, in the command and in the variables that these read options from.",
    when=_has_settings,
)
def debug_port(c: Container, ctx: Context) -> Hits:
    signs = signs_of(c)
    sign = signs.get("jdwp") or signs.get("inspect")
    if sign and not re.search(_LOCAL, sign):
        yield _hit(c, "lets a debugger in", sign)
    for i, name, found in _option_variables(c):
        sign = found.get("jdwp") or found.get("inspect")
        if sign and not re.search(_LOCAL, sign):
            yield Hit(f"container {c.name!r} lets a debugger in by {name}: {sign[:80]}", f"env[{i}].value")


@rule(
    "jmx-open",
    title="Java management without a password",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="Through JMX one loads code into the Java process; without authentication everyone who reaches the port may.",
    remediation="Set com.sun.management.jmxremote.authenticate=true with a password file, or remove the port.",
    controls="mitre-attack:T1133",
    references=(
        "https://docs.oracle.com/en/java/javase/21/management/monitoring-and-management-using-jmx-technology.html",
    ),
    when=_has_settings,
)
def jmx_open(c: Container, ctx: Context) -> Hits:
    if sign := signs_of(c).get("jmx"):
        yield _hit(c, "opens JMX", sign)
    for i, name, found in _option_variables(c):
        if "jmx" in found:
            yield Hit(f"container {c.name!r} opens JMX without a password by {name}", f"env[{i}].value")


def _option_variables(c: Container) -> Iterator[tuple[int, str, dict[str, str]]]:
    """Variables from which Java and Node.js read options, with the signs in them."""
    for i, variable in odd_variables(c.env):
        if variable.name in OPTIONS:
            yield i, variable.name, find_signs(variable.value)


@rule(
    "hook-command",
    title="Probe or hook runs a dangerous command",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="Probes and hooks run again and again without a trace in the logs: a quiet place for an attacker to keep a way "
    "in, or to work on the node from a container that may.",
    remediation="Test the program by httpGet, tcpSocket or grpc, and leave work on the node to the node.",
    controls="mitre-attack:T1609 mitre-attack:T1053",
    aliases="kyverno:deny-commands-in-exec-probe",
    references=(_PROBES,),
    when=_has_hooks,
)
def hook_command(c: Container, ctx: Context) -> Hits:
    for path, command in _hook_commands(c):
        text = " ".join(command)
        signs = find_signs(text)
        found = next((signs[name] for name in ("download", "shell", "escape", "miner") if name in signs), "")
        words = {word.rpartition("/")[2] for word in re.split(r"[\s;&|()`'\"]+", text)}
        bad = found or " ".join(sorted(words & _FORBIDDEN_IN_HOOK))
        if bad:
            yield Hit(f"container {c.name!r} runs {bad[:80]!r} in {path.partition('.exec')[0]}", path)


def _hook_commands(c: Container) -> Iterator[tuple[str, tuple[str, ...]]]:
    for path, handler in (
        ("livenessProbe", c.liveness_probe),
        ("readinessProbe", c.readiness_probe),
        ("startupProbe", c.startup_probe),
        ("lifecycle.postStart", c.lifecycle.post_start),
        ("lifecycle.preStop", c.lifecycle.pre_stop),
    ):
        if handler is not None and handler.exec is not None:
            yield f"{path}.exec.command", handler.exec.command
