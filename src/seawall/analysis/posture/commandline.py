"""What a command line shows of its purpose: downloads that are run, shells to other hosts, debuggers, miners.

All patterns run over a command once, and what they find is kept, so that a rule costs one look-up a container.
Repetitions in them are bounded: a hostile command cannot make them slow.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container

_SHELL = r"(?:sudo\s{1,9})?(?:/(?:usr/)?bin/)?(?:env\s{1,9})?(?:ba|da|z|a|k)?sh\b"
_START = r"(?:^|[\s;&|(`'\"/])"

_SIGNS = {
    "download": rf"{_START}(?:curl|wget)\s[^|;&\n]{{0,400}}\|\s{{0,9}}{_SHELL}"
    rf"|{_SHELL}\s{{1,9}}(?:-c\s{{1,9}}[\"']?\$|<)\(\s{{0,9}}(?:curl|wget)\s",
    "shell": r"/dev/(?:tcp|udp)/[\w.$-]{1,200}/"
    rf"|{_START}(?:nc|ncat|netcat)\s(?:[\w.:$-]{{1,200}}\s{{1,9}}){{0,6}}-\w{{0,6}}[ec]\w{{0,6}}\s{{1,9}}/?\S{{0,40}}sh\b"
    rf"|{_START}socat\s[^;&\n]{{0,400}}\bexec:",
    "escape": rf"{_START}nsenter\s[^;&|\n]{{0,200}}(?:-t|--target)[\s=]{{0,3}}1\b"
    rf"|{_START}chroot\s{{1,9}}/(?:host|mnt|node|rootfs|hostfs)\b",
    "miner": r"stratum\+(?:tcp|ssl|tls)://|\bxmrig\b|\bminerd\b|\bcpuminer\b|--donate-level|\bnicehash\b",
    "sudo": rf"{_START}sudo\s",
    "install": rf"{_START}(?:apt-get|apt|yum|dnf|microdnf|zypper)\s(?:-\S{{1,40}}\s{{1,9}}){{0,5}}install\b"
    rf"|{_START}apk\s(?:-\S{{1,40}}\s{{1,9}}){{0,5}}add\b"
    rf"|{_START}(?:pip3?|npm|yarn|gem|cargo|go)\s(?:-\S{{1,40}}\s{{1,9}}){{0,5}}(?:install|add)\b(?!\s{{1,9}}(?:-e\s{{1,9}})?\.)",
    "unverified": rf"{_START}curl\s(?:[^|;&\n]{{0,200}}\s)?(?:-[a-zA-Z]{{0,8}}k[a-zA-Z]{{0,8}}|--insecure)(?:\s|$)"
    rf"|{_START}wget\s(?:[^|;&\n]{{0,200}}\s)?--no-check-certificate\b"
    r"|(?:^|\s)--?(?:insecure[-_]skip[-_](?:tls[-_])?verify|kubelet-insecure-tls|skip[-_]tls[-_]verify"
    r"|tls[-_]skip[-_]verify|insecure-skip-tls-verify-backend)(?:=true|\s{1,9}true|\s{1,9}-|\s{0,9}$)"
    r"|(?:^|\s)--?(?:tls[-_]verify|verify[-_]ssl|ssl[-_]verify)(?:=|\s{1,9})(?:false|0|no)\b",
    "docker": r"(?:-H|--host)[\s=]{1,3}tcp://(?:0\.0\.0\.0|\[::\]|:)\S{0,40}",
    "jdwp": r"(?:-agentlib:jdwp=|-Xrunjdwp:)\S{1,200}",
    "inspect": r"(?:^|\s)--inspect(?:-brk|-wait)?[=\s](?:0\.0\.0\.0|\[?::\]?)(?::\d{1,5})?"
    r"|(?:^|[\s/])dlv\s[^;&|\n]{0,200}--listen[=\s]{1,3}(?:0\.0\.0\.0)?:\d{1,5}"
    r"|\bdebugpy\s[^;&|\n]{0,100}--listen[=\s]{1,3}(?:0\.0\.0\.0)?:?\d{0,5}",
    "jmx": r"-Dcom\.sun\.management\.jmxremote\.authenticate=false",
}


#: Words without which a sign cannot be there: what most commands are spared by.
_TRIGGERS = (
    ("download", ("curl", "wget")),
    ("shell", ("/dev/tcp", "/dev/udp", "nc ", "ncat ", "netcat ", "socat ")),
    ("escape", ("nsenter", "chroot")),
    ("miner", ("stratum", "xmrig", "minerd", "cpuminer", "donate-level", "nicehash")),
    ("sudo", ("sudo",)),
    ("install", ("install", "add")),
    ("unverified", ("curl", "wget", "insecure", "verify")),
    ("docker", ("tcp://",)),
    ("jdwp", ("jdwp",)),
    ("inspect", ("--inspect", "dlv", "debugpy")),
    ("jmx", ("jmxremote",)),
)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(_SIGNS[name])


_NOTHING: dict[str, str] = {}


def signs_of(c: Container) -> dict[str, str]:
    """What the patterns find in a container's command line: sign -> the text that shows it."""
    return _found(c.command, c.args) if c.command or c.args else _NOTHING


@lru_cache(maxsize=1024)
def _found(command: tuple[str, ...], args: tuple[str, ...]) -> dict[str, str]:
    return find_signs(" ".join((*command, *args)))


def find_signs(text: str) -> dict[str, str]:
    """The signs in a command line, each with the text that shows it."""
    found: dict[str, str] = {}
    for name, words in _TRIGGERS:
        for word in words:
            if word in text:
                match = _pattern(name).search(text)
                if match is not None:
                    found[name] = match[0].strip(" ;&|(`'\"/")
                break
    return found
