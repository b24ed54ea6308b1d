"""What is copied into the image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.analysis.buildfiles.asking import instructions, is_kept, place, shown
from seawall.model.finding import Confidence, Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.buildfile import BuildFile, Instruction
    from seawall.model.paths import Path
    from seawall.model.rule import Context

_IGNORE = "https://docs.docker.com/build/concepts/context/#dockerignore-files"
_COPY = "https://docs.docker.com/reference/dockerfile/#copy"
_ADD = "https://docs.docker.com/reference/dockerfile/#add"
_ADDRESS = re.compile(r"(?:https?|ftp)://", re.IGNORECASE)
_GIT = re.compile(r"git@|(?:https?|ssh|git)://.*\.git(?:#|\Z)", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(?:tar|tgz|tbz2?|txz|tzst|tar\.\w+|gz|bz2|xz|zst|lzma)\Z", re.IGNORECASE)
_SECRET_FILE = re.compile(
    r"(?:.*/)?(?:\.env(?:\.(?!example|sample|template|dist|test|defaults)[\w-]+)?|id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|\.pypirc"
    r"|\.git-credentials|\.vault-token|\.htpasswd|\.dockercfg|\.docker/config\.json|kubeconfig|\.kube(?:/config)?"
    r"|\.aws(?:/credentials)?|\.ssh|\.npmrc|\.pgpass|service[_-]account[\w-]*\.json|terraform\.tfstate|credentials\.json"
    r"|[\w.-]+\.(?:p12|pfx|jks|kdbx|ppk)|[\w.-]*(?:private|server|tls|ssl|client)[\w-]*\.(?:key|pem))/?\Z",
    re.IGNORECASE,
)
_WORLD_WRITABLE = re.compile(r"(?:0?[0-7]?[0-7]{2}[2367]|.*(?:^|,)[ugo]*[oa][ugo]*[+=]\w*w.*|\+?\w*a\+\w*w\w*)\Z")


def sources(made: Instruction) -> Iterator[tuple[int, str]]:
    """What an ADD or COPY takes from the context, each with its place among the words; heredocs are none."""
    if made.flag("from") is not None:
        return
    for at, word in enumerate(made.words[:-1]):
        if not word.text.startswith("<<"):
            yield at, word.value


def _each(file: BuildFile, *keywords: str) -> Iterator[tuple[Path, Instruction, str]]:
    for number, made in instructions(file, *keywords):
        for at, source in sources(made):
            yield place(number, "words", at), made, source


def _is_whole(source: str) -> bool:
    return source.rstrip("/") in (".", "", "./*", "*")


@rule(
    "build-add-url",
    title="ADD fetches an address without a checksum",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Whoever controls the server, or the way to it, puts what they like into the image.",
    remediation="Add --checksum=sha256:..., or of a Git repository name the commit.",
    controls="cis-docker-1.7:4.9 cis-docker-1.7:4.11 nist-800-190:4.1.5 mitre-attack:T1195.002",
    references=(_ADD,),
    notes="Of high severity over plain HTTP.",
)
def build_add_url(file: BuildFile, ctx: Context) -> Hits:
    for path, made, source in _each(file, "ADD"):
        if _GIT.match(source):
            if made.flag("checksum") is None and not re.search(r"#[0-9a-f]{40}", source):
                yield Hit(
                    f"fetches {shown(_bare(source))} at no fixed commit", path, severity=Severity.LOW, secret=True
                )
        elif _ADDRESS.match(source) and made.flag("checksum") is None:
            plain = not source.lower().startswith("https")
            yield Hit(
                f"fetches {shown(_bare(source))} without a checksum",
                path,
                severity=Severity.HIGH if plain else None,
                secret=True,
            )


def _bare(address: str) -> str:
    """An address without the credentials and the query that it may hold."""
    return re.sub(r"//[^/@]*@", "//", address).partition("?")[0]


@rule(
    "build-add-file",
    title="ADD where COPY is enough",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="ADD also fetches addresses and unpacks archives: a file that is swapped for an archive lands anywhere.",
    remediation="Write COPY.",
    controls="cis-docker-1.7:4.9",
    aliases="DL3020 DS-0005 CKV_DOCKER_4",
    references=("https://docs.docker.com/build/building/best-practices/#add-or-copy",),
    notes="Archives and addresses pass: those need ADD.",
)
def build_add_file(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "ADD"):
        taken = [source for _, source in sources(made)]
        plain = [s for s in taken if not (_ADDRESS.match(s) or _GIT.match(s) or _ARCHIVE.search(s) or "$" in s)]
        if plain and len(plain) == len(taken):
            yield Hit(f"adds {shown(plain[0])}", place(number))


@rule(
    "build-copy-secret-file",
    title="File with credentials is copied into the image",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Dockerfile",
    why="Everyone who may pull the image has the file, also where a later instruction deletes it.",
    remediation="Change the credentials. Give the file to a RUN with --mount=type=secret, and to the program when it "
    "starts.",
    controls="cis-docker-1.7:4.10 nist-800-190:4.1.4 mitre-attack:T1552.001",
    references=("https://docs.docker.com/build/building/secrets/",),
    notes="Told by the file's name. Of medium severity in a stage that is not part of the image, for it stays in "
    "caches; and where it may hold none (.npmrc, certificates).",
)
def build_copy_secret_file(file: BuildFile, ctx: Context) -> Hits:
    for path, made, source in _each(file, "COPY", "ADD"):
        if _SECRET_FILE.match(source):
            likely = not source.endswith((".npmrc", ".pem"))
            severity = None if likely and is_kept(file, made) else Severity.MEDIUM
            yield Hit(
                f"copies {shown(source)}",
                path,
                severity=severity,
                confidence=Confidence.HIGH if likely else Confidence.MEDIUM,
            )


@rule(
    "build-copy-git",
    title="Git's history is copied into the image",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="Dockerfile",
    why="The whole history is in the image, with every credential that was ever committed, and with the address and "
    "token that it was fetched with.",
    remediation="Leave .git out in .dockerignore; pass the commit as a build argument.",
    controls="cis-docker-1.7:4.10 nist-800-190:4.1.4 mitre-attack:T1552.001",
    references=(_IGNORE,),
)
def build_copy_git(file: BuildFile, ctx: Context) -> Hits:
    for path, made, source in _each(file, "COPY", "ADD"):
        if source.rstrip("/").rpartition("/")[2] == ".git" and not _ADDRESS.match(source) and is_kept(file, made):
            yield Hit(f"copies {shown(source)}", path)


@rule(
    "build-no-dockerignore",
    title="Whole folder is copied without a .dockerignore",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="All that lies in the folder that day is in the image: .git, .env, keys, what a test left behind.",
    remediation="Copy what the program needs, or write a .dockerignore that begins with * and takes in what is needed.",
    controls="cis-docker-1.7:4.10 nist-800-190:4.1.4",
    references=(_IGNORE,),
    notes="Asked of files in a folder only. In a stage that is not part of the image it is not told.",
)
def build_no_dockerignore(file: BuildFile, ctx: Context) -> Hits:
    context = file.spec.context
    if not context.known or context.ignore_file:
        return
    for path, made, source in _each(file, "COPY", "ADD"):
        if _is_whole(source) and is_kept(file, made):
            yield Hit("copies the whole folder, and there is no .dockerignore", path)
            return


@rule(
    "build-context-secrets",
    title="Whole folder is copied with credentials in it",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Dockerfile",
    why="The file is in the image for everyone who may pull it.",
    remediation="Name it in .dockerignore, and change the credentials where an image was published.",
    controls="cis-docker-1.7:4.10 nist-800-190:4.1.4 mitre-attack:T1552.001",
    references=(_IGNORE,),
    notes="Of files at the top of the folder that the build file (or the nearest .dockerignore) lies in. Of low "
    "severity where it is Git's history alone, or a stage that is not part of the image.",
)
def build_context_secrets(file: BuildFile, ctx: Context) -> Hits:
    context = file.spec.context
    held = context.sensitive
    if not held:
        return
    for path, made, source in _each(file, "COPY", "ADD"):
        if _is_whole(source):
            mild = held == (".git",) or not is_kept(file, made)
            names = ", ".join(held[:4]) + (f" and {len(held) - 4} more" if len(held) > 4 else "")
            seen = f"that {context.ignore_file} does not leave out" if context.ignore_file else "that lie there"
            yield Hit(f"copies the folder with {shown(names)} {seen}", path, severity=Severity.LOW if mild else None)
            return


@rule(
    "build-copy-writable",
    title="Copied files may be changed by everyone",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Whoever takes over the program, as whatever user, changes what runs next.",
    remediation="Copy with --chmod=755 or less, and let root own what is only run.",
    controls="nist-800-190:4.1.2 mitre-attack:T1222.002",
    references=(_COPY,),
)
def build_copy_writable(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "COPY", "ADD"):
        for at, flag in enumerate(made.flags):
            if flag.name == "chmod" and _WORLD_WRITABLE.match(flag.value):
                yield Hit(f"copies with --chmod={shown(flag.value)}", place(number, "flags", at))
