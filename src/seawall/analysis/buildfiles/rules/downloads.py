"""What the build fetches and runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.analysis.buildfiles.asking import instructions, outer, pipelines, place, runs, shown
from seawall.model.finding import Confidence, Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.buildfile import BuildFile, Command, Instruction
    from seawall.model.rule import Context

_BEST = "https://docs.docker.com/build/building/best-practices/"
_CONTROLS = "cis-docker-1.7:4.11 nist-800-190:4.1.5 mitre-attack:T1195.002"
_FETCH = frozenset(("curl", "wget", "fetch", "aria2c", "http"))
_RUNS = frozenset(
    ["sh", "bash", "dash", "ash", "zsh", "ksh", "python", "python2", "python3", "perl", "ruby", "node", "php"]
)
_CHECKS = frozenset(
    [
        "sha256sum",
        "sha512sum",
        "sha1sum",
        "sha384sum",
        "shasum",
        "md5sum",
        "gpg",
        "gpgv",
        "cosign",
        "minisign",
        "signify",
        "openssl",
        "b2sum",
        "rekor-cli",
    ]
)
_PLAIN = re.compile(r"http://(?!localhost|127\.|\[::1\]|0\.0\.0\.0|host\.docker\.internal|\$)[^\s\"']+", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?|ftp)://[^\s\"')]+", re.IGNORECASE)
_BINARY = re.compile(
    r"\.(?:tar(?:\.\w+)?|tgz|tbz2|txz|zip|deb|rpm|apk|jar|war|run|bin|AppImage|whl|sh|gz|xz)(?:[?#]|\Z)", re.I
)


def address_in(command: Command) -> str:
    """The first address among the words, without credentials and query; empty where there is none."""
    for word in command.words[1:]:
        if match := _ADDRESS.search(word):
            return re.sub(r"//[^/@]*@", "//", match[0]).partition("?")[0]
    return ""


@rule(
    "build-pipes-download",
    title="Build runs what it has just downloaded",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Whoever controls the server, or the way to it, runs code in the build and is in every image; half a script is "
    "run too, where the connection breaks.",
    remediation="Download to a file, check its digest, then run it; or install a package of the distribution.",
    controls=_CONTROLS,
    references=(_BEST,),
    notes="curl or wget into a shell or an interpreter, by a pipe, $() or <(), or by way of a file that the same RUN "
    "runs and does not check. Of high severity over plain HTTP.",
)
def build_pipes_download(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "RUN"):
        for at, fetched in _run_downloads(made):
            address = address_in(fetched)
            severity = Severity.HIGH if _PLAIN.match(address) else None
            path = place(number, "commands", at)
            yield Hit(
                f"runs what {fetched.program} fetches{f' from {shown(address)}' if address else ''}",
                path,
                severity=severity,
            )


def _run_downloads(made: Instruction) -> Iterator[tuple[int, Command]]:
    for line in pipelines(made):
        fetches = [(at, command) for at, command in line if command.program in _FETCH]
        runners = [at for at, command in line if _reads_program(command)]
        if fetches and runners and fetches[0][0] < runners[-1]:
            yield fetches[0]
    for at, command in enumerate(made.commands):
        around = outer(made, command) if command.program in _FETCH else None
        if around is not None and command.pipeline != around.pipeline and _runs_substitution(around, command):
            yield at, command
    if not _is_checked(made):
        yield from _run_files(made)


def _run_files(made: Instruction) -> Iterator[tuple[int, Command]]:
    """Downloads to a file that a later command of the same RUN is, or that a shell or an interpreter runs."""
    waiting: dict[str, tuple[int, Command]] = {}
    for at, command in enumerate(made.commands):
        ran = command.words[0] if command.words else ""
        if command.program in _RUNS or ran in (".", "source"):
            ran = next((word for word in command.arguments if not word.startswith("-")), "")
        fetched = waiting.pop(ran.removeprefix("./"), None) if ran else None
        if fetched is not None:
            yield fetched
        name = _written(command) if command.program in ("curl", "wget") else ""
        if name:
            waiting[name.removeprefix("./")] = at, command


def _written(command: Command) -> str:
    """The file that curl or wget writes; empty where it is none, or not known."""
    option = ("-o", "--output") if command.program == "curl" else ("-O", "--output-document")
    words = command.arguments
    address = re.search(r"[a-z]{1,8}://[^\s\"'?#]{1,2000}/([^\s\"'/?#]{1,300})", " ".join(words))
    for at, word in enumerate(words):
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            if name == option[1]:
                return value if equals else " ".join(words[at + 1 : at + 2])
        elif word.startswith("-") and option[0][1] in word:
            value = word.partition(option[0][1])[2] or " ".join(words[at + 1 : at + 2])
            return "" if value == "-" else value
    named = command.program == "wget" or any(
        word == "--remote-name" or re.match(r"-[a-zA-Z]*O", word) for word in words
    )
    if address is not None and named:
        return address[1]
    return next((each.target for each in command.redirects if each.operator == ">"), "")


def _reads_program(command: Command) -> bool:
    """Whether a command runs what comes on its standard input: no script and no ``-c`` is named."""
    if command.program not in _RUNS:
        return False
    words = command.arguments
    for word in words:
        if word in ("-", "-s", "--", "/dev/stdin") or word.startswith("-s"):
            return True
        if word in ("-c", "-e", "-m") or (command.program not in ("python", "node") and re.match(r"-\w*[ce]c\Z", word)):
            return False
        if not word.startswith("-"):
            return "=" in word and command.program in ("env",)
    return True


def _runs_substitution(around: Command, fetched: Command) -> bool:
    """``sh -c "$(curl ...)"``, ``eval "$(...)"``, ``bash <(curl ...)``, ``source <(...)``."""
    for at, word in enumerate(around.words):
        if f"{fetched.program} " not in word:
            continue
        if word.startswith("<("):
            return around.program in _RUNS or around.program in ("source", ".")
        if word.lstrip().startswith(("$(", "`")):
            dashed = at > 0 and around.words[at - 1].startswith("-") and around.words[at - 1].endswith("c")
            return around.program == "eval" or (around.program in _RUNS and dashed) or at == 0
    return False


@rule(
    "build-plain-http-download",
    title="Build downloads over plain HTTP",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Anyone on the way changes what is fetched, and so is in the image.",
    remediation="Fetch over https, and check a digest or a signature.",
    controls=_CONTROLS,
    references=(_BEST,),
    notes="A RUN that checks a digest or a signature passes.",
)
def build_plain_http_download(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, *_FETCH):
        for word in ran.command.arguments:
            if (match := _PLAIN.search(word)) and not _is_checked(ran.made):
                address = re.sub(r"//[^/@]*@", "//", match[0]).partition("?")[0]
                yield Hit(f"{ran.command.program} fetches {shown(address)}", ran.path)
                break


def _is_checked(made: Instruction) -> bool:
    return any(command.program in _CHECKS for command in made.commands)


@rule(
    "build-unchecked-download",
    title="Downloaded program or archive is not checked",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Whoever gets into the server, or moves a release, is in the image, and nobody notices.",
    remediation="Check the file in the same RUN: sha256sum -c, or ADD --checksum.",
    controls=_CONTROLS,
    references=(_BEST,),
    default=False,
)
def build_unchecked_download(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "curl", "wget"):
        address = address_in(ran.command)
        if address and _BINARY.search(address) and not _is_checked(ran.made):
            yield Hit(f"does not check {shown(address)}", ran.path, confidence=Confidence.MEDIUM)


@rule(
    "build-wget-and-curl",
    title="Build uses both wget and curl",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Each program in an image is one more that can have flaws, and a tool of whoever gets in.",
    remediation="Use one of the two.",
    aliases="DL4001 DS-0014",
    references=(_BEST,),
    default=False,
)
def build_wget_and_curl(file: BuildFile, ctx: Context) -> Hits:
    first: dict[int, str] = {}
    for ran in runs(file, "wget", "curl"):
        known = first.setdefault(ran.made.stage, ran.command.program)
        if known not in (ran.command.program, ""):
            first[ran.made.stage] = ""
            yield Hit(f"uses {ran.command.program}, and {known} before", ran.path)


@rule(
    "build-wget-progress",
    title="wget shows its progress",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Build logs get so long that nobody reads them.",
    remediation="Add --progress=dot:giga, -q or -nv.",
    aliases="DL3047",
    references=(_BEST,),
    default=False,
)
def build_wget_progress(file: BuildFile, ctx: Context) -> Hits:
    quiet = ("--progress", "-q", "--quiet", "-nv", "--no-verbose", "-o", "--output-file", "-a", "--append-output")
    for ran in runs(file, "wget"):
        words = ran.command.arguments
        if not any(word.startswith(quiet) or re.match(r"-[a-zA-Z]*q", word) for word in words):
            yield Hit("runs wget without --progress or -q", ran.path)


@rule(
    "build-pipe-hides-failure",
    title="Pipe hides that a command failed",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Only the last command of a pipe counts: a download that failed or broke off goes into the image.",
    remediation='Begin the stage with SHELL ["/bin/bash", "-o", "pipefail", "-c"], or the RUN with set -o pipefail.',
    aliases="DL4006",
    references=("https://docs.docker.com/build/building/best-practices/#using-pipes",),
    default=False,
)
def build_pipe_hides_failure(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "RUN"):
        if made.exec_form or "pipefail" in made.shell or "pipefail" in made.text:
            continue
        piped = [at for at, command in enumerate(made.commands) if command.operator in ("|", "|&")]
        if piped and "pipefail" not in "".join(each.body for each in made.heredocs):
            yield Hit("pipes without pipefail", place(number, "commands", piped[0]))
