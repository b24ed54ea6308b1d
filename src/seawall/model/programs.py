"""Programs of the control plane and of nodes, told from the containers and kubeadm configurations that start them.

So that dozens of rules about their flags cost ordinary pods nothing, a container is looked at once: rules are called
with a :class:`Program` only where one of :data:`PROGRAMS` runs. Flags are read as the programs read them (pflag for
Kubernetes, Go's flag package for etcd).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from seawall.model.kube.base import numbered
from seawall.model.paths import Path
from seawall.model.version import KubernetesVersion, parse_version

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container

APISERVER, CONTROLLER_MANAGER, SCHEDULER = "kube-apiserver", "kube-controller-manager", "kube-scheduler"
ETCD, KUBELET, KUBE_PROXY = "etcd", "kubelet", "kube-proxy"
PROGRAMS = frozenset((APISERVER, CONTROLLER_MANAGER, SCHEDULER, ETCD, KUBELET, KUBE_PROXY))

#: The flag by which each program is given a file with its settings.
_CONFIG_FLAGS = {SCHEDULER: "config", ETCD: "config-file", KUBELET: "config", KUBE_PROXY: "config"}
_TRUE = frozenset(("1", "t", "true"))
_FALSE = frozenset(("0", "f", "false"))

_SHELLS = frozenset(("sh", "bash", "ash", "dash", "busybox"))
#: Programs that start another one, which is named among their arguments.
_STARTERS = _SHELLS | {
    *("catatonit", "chroot", "dumb-init", "env", "exec", "go-runner", "gosu", "hyperkube", "ionice", "nice", "nohup"),
    *("nsenter", "setpriv", "stdbuf", "su-exec", "sudo", "timeout", "tini", "unshare"),
}
#: What hyperkube calls the programs.
_HYPERKUBE = {
    "apiserver": APISERVER,
    "controller-manager": CONTROLLER_MANAGER,
    "scheduler": SCHEDULER,
    "proxy": KUBE_PROXY,
}
_KEYWORDS = frozenset(("if", "then", "elif", "else", "while", "until", "do", "time", "!", "{"))
# The patterns are compiled when they are first used: most scans meet no such program.
_OPERATOR = r"[;&|()<>]+\Z"
_ASSIGNMENT = r"[A-Za-z_]\w*="
_VARIABLE = r"\$\(([\w.-]+)\)"
#: Longer scripts are cut at white space instead of by a shell's rules, which take far longer.
_MAX_SCRIPT = 32 * 1024


class Flag(Struct, frozen=True):
    """A flag as it was given; ``path`` leads to it from the container (or from the kubeadm object)."""

    value: str
    path: Path

    @property
    def known(self) -> bool:
        """Whether the value is written out, rather than a variable that is filled in when the program starts."""
        return "$" not in self.value


class Program:
    """A program with its flags.

    ``flags`` holds each flag's occurrences in order, by its name with dashes. ``start`` leads to where a flag that is
    absent would be added. ``implied`` are the flags that whoever starts the program sets by itself (kubeadm).
    ``version`` is the program's own, where the image's tag or kubeadm tells it.
    """

    __slots__ = ("env", "flags", "implied", "name", "start", "version")

    def __init__(
        self,
        name: str,
        flags: Mapping[str, Sequence[Flag]],
        start: Path,
        env: Mapping[str, Flag] | None = None,
        implied: Mapping[str, str] | None = None,
        version: KubernetesVersion | None = None,
    ) -> None:
        self.name = name
        self.flags = flags
        self.start = start
        self.env = env or {}
        self.implied = implied or {}
        self.version = version

    def get(self, name: str) -> Flag | None:
        """The flag as it counts: the last occurrence, what etcd's environment says, or what is implied."""
        given = self.flags.get(name)
        if given:
            return given[-1]
        if name in self.env:
            return self.env[name]
        implied = self.implied.get(name)
        return Flag(implied, self.start) if implied is not None else None

    def text(self, name: str, default: str = "") -> str:
        """The flag's value, or the default where it is not given."""
        flag = self.get(name)
        return default if flag is None else flag.value

    def items(self, name: str) -> list[str]:
        """The values of a flag that takes a list: cut at commas, all occurrences together."""
        given = self.flags.get(name)
        values = [flag.value for flag in given] if given else [self.text(name)]
        return [item.strip() for value in values for item in value.split(",") if item.strip()]

    def switch(self, name: str, default: bool) -> bool | None:
        """The value of an on/off flag, or None where what was given is neither."""
        flag = self.get(name)
        if flag is None:
            return default
        word = flag.value.lower()
        return True if word in _TRUE else False if word in _FALSE else None

    def number(self, name: str, default: int) -> int | None:
        """The value of a flag that takes a whole number, or None where what was given is not one."""
        flag = self.get(name)
        if flag is None:
            return default
        return int(flag.value) if re.fullmatch(r"-?\d{1,18}", flag.value) else None

    def place(self, name: str) -> Path:
        """Where the flag stands, or would."""
        flag = self.get(name)
        return self.start if flag is None else flag.path

    @property
    def has_config(self) -> bool:
        """Whether a file, which is not at hand, may hold further settings."""
        return _CONFIG_FLAGS.get(self.name, "") in self.flags


def find_program(container: Container) -> Program | None:
    """The program of :data:`PROGRAMS` that a container runs, or None.

    Raises:
        InvalidField: its command could not be read.
    """
    words = [*_words(container.command, "command"), *_words(container.args, "args")]
    if not words or (not container.command and words[0][0].startswith("-")):
        name = _image_name(container.image)
        return _program(name, words, container) if name in PROGRAMS else None
    if not any("kube" in text or "etcd" in text for text, _ in words):
        return None
    for command in _commands(words):
        found = _started(command)
        if found is not None:
            program = _program(found[0], command[found[1] :], container)
            return None if "version" in program.flags or "help" in program.flags else program
    return None


def _words(items: tuple[str, ...], field: str) -> list[tuple[str, Path]]:
    return [(text, (field, i)) for i, text in numbered(items)] if items else []


def _image_name(image: str) -> str:
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0]


Words = list[tuple[str, Path]]


def _commands(words: Words) -> Iterator[Words]:
    """The commands that the words make up: themselves, and those of the script that a shell is given."""
    yield words
    if posixpath.basename(words[0][0]) not in _STARTERS:
        return
    for index, (text, path) in enumerate(words[1:], 1):
        if not text.startswith("-") and any(space in text for space in " \n\t"):
            yield from _script(text, path)
            return
        if text in ("-c", "-ec", "-xc", "-exc", "-lc") and index + 1 < len(words):
            yield from _script(*words[index + 1])
            return


def _script(text: str, path: Path) -> Iterator[Words]:
    """The simple commands of a shell script, as far as they can be told without running it."""
    command: Words = []
    for word in _shell_words(text):
        if re.match(_OPERATOR, word):
            if command:
                yield command
            command = []
        elif command or not (word in _KEYWORDS or re.match(_ASSIGNMENT, word)):
            command.append((word, path))
    if command:
        yield command


def _shell_words(text: str) -> list[str]:
    if len(text) > _MAX_SCRIPT:
        return text.split()
    import shlex

    lexer = shlex.shlex(text.replace("\\\n", " ").replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        return text.split()


def _started(command: Words) -> tuple[str, int] | None:
    """The program that a command starts, and the index of its first argument."""
    first = posixpath.basename(command[0][0])
    if first in PROGRAMS:
        return first, 1
    if first not in _STARTERS:
        return None
    for index, (word, _) in enumerate(command[1:], 1):
        name = "" if word.startswith("-") or " " in word else posixpath.basename(word)
        name = _HYPERKUBE.get(name, name) if first == "hyperkube" else name
        if name in PROGRAMS:
            return name, index + 1
    return None


def _program(name: str, arguments: Words, container: Container) -> Program:
    values = {variable.name: variable.value for variable in container.env if variable.value_from is None}
    return Program(
        name,
        read_flags([(_expand(word, values), path) for word, path in arguments]),
        ("command",) if container.command else ("args",),
        _etcd_variables(container) if name == ETCD else None,
        version=None if name == ETCD else _image_version(container.image),
    )


def _image_version(image: str) -> KubernetesVersion | None:
    """The version of Kubernetes' own images (``registry.k8s.io/kube-apiserver:v1.36.1``, once ``-amd64``)."""
    name = _image_name(image)
    if name.removesuffix("-amd64").removesuffix("-arm64") not in PROGRAMS | {"hyperkube"}:
        return None
    return read_version(image.rpartition("/")[2].partition("@")[0].partition(":")[2])


def read_version(text: str) -> KubernetesVersion | None:
    """The version that a tag or a setting names, or None."""
    try:
        return parse_version(text)
    except ValueError:
        return None


def _expand(word: str, values: Mapping[str, str]) -> str:
    """Fill in ``$(NAME)`` as the kubelet does, where the value is written out."""
    return re.sub(_VARIABLE, lambda match: values.get(match[1], match[0]), word) if "$(" in word else word


def read_flags(words: Words) -> dict[str, list[Flag]]:
    """Read ``--flag=value``, ``--flag value`` and ``-flag``; one without a value is ``true``."""
    found: dict[str, list[Flag]] = {}
    for index, (word, path) in enumerate(words):
        if word == "--":
            break
        if not word.startswith("-"):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not equals:
            following = words[index + 1] if index + 1 < len(words) else None
            value = "true" if following is None or following[0].startswith("-") else following[0]
        found.setdefault(name.replace("_", "-"), []).append(Flag(value.strip("\"'"), path))
    return found


def _etcd_variables(container: Container) -> dict[str, Flag]:
    """etcd's flags as variables: ETCD_CLIENT_CERT_AUTH is --client-cert-auth; a flag beats its variable."""
    found = {}
    for index, variable in numbered(container.env):
        if variable.name.startswith("ETCD_"):
            name = variable.name.removeprefix("ETCD_").lower().replace("_", "-")
            value = "$" if variable.value_from is not None else variable.value
            found[name] = Flag(value, ("env", index))
    return found
