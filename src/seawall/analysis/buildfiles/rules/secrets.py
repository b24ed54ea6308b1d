"""Credentials that a build leaves in the image, its history or the build file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.analysis.buildfiles.asking import instructions, outer, place, runs, shown
from seawall.model.credential_names import is_placeholder, names_credential
from seawall.model.finding import Confidence, Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.buildfile import BuildFile, Command, Instruction, Variable
    from seawall.model.rule import Context

_SECRETS = "https://docs.docker.com/build/building/secrets/"
_CONTROLS = "cis-docker-1.7:4.10 nist-800-190:4.1.4 mitre-attack:T1552.001"
#: Names that say credential and mean how one is handled.
_ABOUT = re.compile(
    r"(?:\A|[_-])(?:no|allow|skip|require|disable|enable|use|empty)[_-]|_(?:file|path|url|uri|name|length"
    r"|ttl|type|header|issuer|endpoint|expiry|policy)\Z",
    re.IGNORECASE,
)
_IN_URL = re.compile(r"[a-z][a-z0-9+.-]{1,15}://[^\s/:@'\"]{0,200}:([^\s/@'\"]{1,500})@", re.IGNORECASE)
_FLAG = re.compile(
    r"--?([\w-]*(?:password|passwd|secret|token|api-?key|apikey|access-?key))=(.+)\Z", re.IGNORECASE | re.DOTALL
)
_NAME_FLAG = re.compile(r"--[\w-]*(?:password|passwd|secret|token|api-?key|apikey|access-?key)\Z", re.IGNORECASE)
_WRITTEN = re.compile(
    r"(?:^|[\s;])(?:machine\s+\S+\s+login\s+\S+\s+password|//\S+:_(?:authToken|password|auth)\s*=|_authToken\s*=)\s*"
    r"[\"']?([^\s\"']+)",
)
#: Of these programs ``-p`` or ``-u user:password`` is a credential.
_PASSWORD_SHORT = {
    "docker": "login",
    "podman": "login",
    "buildah": "login",
    "skopeo": "login",
    "sshpass": "",
    "az": "login",
}
#: Where a file goes that everyone may read: certificates of authorities, and nowhere.
_PUBLIC = re.compile(r"ca-certificates|ca-trust|\.crt\Z|\.cer\Z|^/dev/")
_FETCHES = frozenset(("curl", "http", "https", "wget"))


#: What people write where a program wants some value, and none is needed.
_DUMMY = frozenset(
    [
        "dummy",
        "fake",
        "test",
        "testing",
        "example",
        "sample",
        "placeholder",
        "not",
        "no",
        "a",
        "the",
        "real",
        "used",
        "needed",
        "unused",
        "temp",
        "tmp",
        "build",
        "time",
        "buildtime",
        "ignored",
        "ignore",
        "secret",
        "password",
        "passwd",
        "pass",
        "token",
        "key",
        "value",
        "change",
        "changeme",
        "me",
        "insecure",
        "default",
        "only",
        "for",
        "just",
        "dev",
        "development",
        "ci",
        "local",
        "here",
        "foo",
        "bar",
        "this",
        "is",
    ]
)


def is_dummy(value: str) -> bool:
    """Whether a value is made of words that say that it is none (``dummy-secret-key``)."""
    words = [word for word in re.split("[^a-z]+", value.lower()) if word]
    return bool(words) and all(word in _DUMMY or not word.strip("x") for word in words)


def is_filled_later(value: str) -> bool:
    """Whether a value is no secret in clear: empty, a variable, a command, a blank to be filled in."""
    bare = value.strip().strip("'\"")
    return not bare or bare[:1] in "$`<{%" or "$(" in bare or "${" in bare or re.match(r"\$\w+\Z", bare) is not None


def is_literal_secret(value: str) -> bool:
    """Whether a value of a setting that is a credential by its name is one in clear."""
    return not is_filled_later(value) and not is_placeholder(value)


def _is_given(value: str) -> bool:
    return is_literal_secret(value) and not is_dummy(value)


def is_credential(name: str) -> bool:
    """Whether a variable of that name holds a credential."""
    return names_credential(name) and not _ABOUT.search(name)


@rule(
    "build-secret-in-variable",
    title="Credential in ENV, ARG or LABEL",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Dockerfile",
    why="Everyone who may pull the image reads it with `docker history` or `docker inspect`, and everyone who may read "
    "the repository; every process of the container has it too.",
    remediation="Change the credential. Give it to the build with RUN --mount=type=secret, and to the program when it "
    "starts.",
    controls=_CONTROLS,
    aliases="DS-0031",
    references=(_SECRETS, "https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/"),
    notes="Told by the variable's name, or by an address with a password; values that are plainly none (paths, "
    "numbers, blanks) pass, and words such as changeme are of medium severity.",
)
def build_secret_in_variable(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "ENV", "ARG", "LABEL"):
        for at, variable in enumerate(made.variables):
            held = _IN_URL.search(variable.value or "") if variable.literal else None
            if held is not None and _is_given(held[1]):
                message = f"{made.keyword} {shown(variable.name)} has an address with a credential in clear"
                yield Hit(message, place(number, "variables", at), secret=True)
            elif variable.value and is_credential(variable.name) and _literal(variable):
                message = f"{made.keyword} {shown(variable.name)} has a credential in clear"
                path = place(number, "variables", at)
                if is_dummy(variable.value):
                    yield Hit(message, path, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, secret=True)
                else:
                    yield Hit(message, path, secret=True)


def _literal(variable: Variable) -> bool:
    return variable.literal and variable.value is not None and is_literal_secret(variable.value)


@rule(
    "build-secret-argument",
    title="Credential is passed as a build argument",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="Dockerfile",
    why="The values of build arguments stand in the image's history, in provenance and in build caches: everyone who "
    "may pull the image reads them.",
    remediation="Take RUN --mount=type=secret,id=... and `docker build --secret` instead.",
    controls=_CONTROLS,
    aliases="DS-0031",
    references=(_SECRETS,),
)
def build_secret_argument(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "ARG"):
        for at, variable in enumerate(made.variables):
            if not variable.value and is_credential(variable.name):
                message = f"takes {shown(variable.name)} as a build argument"
                yield Hit(message, place(number, "variables", at), confidence=Confidence.MEDIUM)


@rule(
    "build-secret-kept-in-env",
    title="Build argument with a credential is kept in ENV",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Dockerfile",
    why="What is given for one build is in the configuration of the image, and in every container, for good.",
    remediation="Take RUN --mount=type=secret for the build; give the program its credential when it starts.",
    controls=_CONTROLS,
    aliases="DS-0031",
    references=(_SECRETS,),
)
def build_secret_kept_in_env(file: BuildFile, ctx: Context) -> Hits:
    arguments = {variable.name for _, made in instructions(file, "ARG") for variable in made.variables}
    for number, made in instructions(file, "ENV"):
        for at, variable in enumerate(made.variables):
            if not is_credential(variable.name):
                continue
            text = made.words[at].text.partition("=")[2] if at < len(made.words) else ""
            used = re.findall(r"\$\{?(\w+)", text or (made.words[1].text if len(made.words) > 1 else ""))
            if arguments.intersection(used):
                message = f"ENV {shown(variable.name)} keeps the build argument {shown(used[0])}"
                yield Hit(message, place(number, "variables", at), secret=True)


@rule(
    "build-secret-in-command",
    title="Credential in a command of the build",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Dockerfile",
    why="Commands stand in the image's history: everyone who may pull it, or read the repository, has the credential.",
    remediation="Change the credential, and read it from a file of RUN --mount=type=secret.",
    controls=_CONTROLS,
    references=(_SECRETS,),
    notes="Passwords in options and addresses, in variables set for a command, in settings that npm, aws and composer "
    "keep, and in what is written to .netrc and .npmrc. Variables pass here, and words such as dummy.",
)
def build_secret_in_command(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file):
        around = outer(ran.made, ran.command)
        if around is not None and any(_credentials(around)):
            continue  # told of the command that starts it
        for what in _credentials(ran.command):
            yield Hit(f"{shown(ran.command.program) or 'an assignment'} has a credential in clear: {what}", ran.path)


def _credentials(command: Command) -> Iterator[str]:
    """What holds a credential in a command; never the credential."""
    for given in command.assignments:
        if is_credential(given.name) and _is_given(given.value):
            yield f"the variable {shown(given.name)}"
    words = command.words
    setting = _setting(command)
    if setting is not None and _is_given(setting[1]):
        yield f"the setting {shown(setting[0])}"
    if command.program == "export":
        for word in words[1:]:
            name, _, value = word.partition("=")
            if is_credential(name) and _is_given(value):
                yield f"the variable {shown(name)}"
    for at, word in enumerate(words[1:], 1):
        after = words[at + 1] if at + 1 < len(words) else ""
        if match := _FLAG.match(word):
            if _is_given(match[2]):
                yield f"the option {shown(match[1])}"
        elif _NAME_FLAG.match(word) and not after.startswith("-") and _is_given(after):
            yield f"the option {word.lstrip('-')}"
        elif _short(command, word, after):
            yield f"the option {word[:2]}"
        if (match := _IN_URL.search(word)) and _is_given(match[1]):
            yield "an address"
        if (match := _WRITTEN.search(word)) and _is_given(match[1]):
            yield "a file of credentials"


def _setting(command: Command) -> tuple[str, str] | None:
    """Name and value of a credential that a tool is told to keep; the name without the host that it is for."""
    words = command.words
    if command.program in ("npm", "yarn", "pnpm") and words[1:3] == ("config", "set") and len(words) > 3:
        key, equals, value = words[3].partition("=")
        name = key.rpartition(":")[2]
        if name in ("_authToken", "_auth", "_password", "npmAuthToken"):
            return name, value if equals else " ".join(words[4:5])
    if command.program == "aws" and words[1:3] == ("configure", "set") and len(words) > 4:
        name = words[3].rpartition(".")[2]
        return (name, words[4]) if name in ("aws_secret_access_key", "aws_session_token") else None
    if command.program == "composer" and "config" in words:
        for at, word in enumerate(words):
            name = word.partition(".")[0]
            if name in ("github-oauth", "gitlab-token", "http-basic", "bearer") and "." in word and at + 1 < len(words):
                return name, words[-1]
    return None


def _short(command: Command, word: str, after: str) -> bool:
    program = command.program
    if program in _FETCHES and word in ("-u", "--user"):
        return ":" in after and _is_given(after.partition(":")[2])
    if program in _FETCHES and word.startswith("--user="):
        return _is_given(word.partition(":")[2])
    if program in _PASSWORD_SHORT and _PASSWORD_SHORT[program] in ("", *command.words[1:2]):
        if word == "-p":
            return _is_given(after)
        return program == "sshpass" and word.startswith("-p") and _is_given(word[2:])
    if program in ("mysql", "mysqladmin", "mysqldump", "mariadb") and word[:2] == "-p" and len(word) > 2:
        return _is_given(word[2:])
    return False


@rule(
    "build-secret-mount-copied",
    title="Secret of the build is copied into the image",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Dockerfile",
    why="A secret mount is there for one RUN only; a copy stays in the layer for everyone who may pull the image.",
    remediation="Read the file where it is mounted (target=...), and write nothing of it down.",
    controls=_CONTROLS,
    references=(_SECRETS,),
)
def build_secret_mount_copied(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "cp", "mv", "install", "cat", "tee"):
        targets = [f"/run/secrets/{name}" for name in _secret_mounts(ran.made, "id")]
        targets += _secret_mounts(ran.made, "target", "dst", "destination")
        command = ran.command
        if not any(word in targets for word in command.arguments):
            continue
        written = [each.target for each in command.redirects if each.operator in (">", ">>")]
        if command.program in ("cp", "mv", "install"):
            written = [word for word in command.arguments if word not in targets and not word.startswith("-")][-1:]
        kept = [each for each in written if not _PUBLIC.search(each) and not _is_removed(ran.made, each)]
        if kept:
            yield Hit(f"copies a secret to {shown(kept[0])}", ran.path)


def _is_removed(made: Instruction, name: str) -> bool:
    """Whether the same RUN takes a file away again: then it is in no layer."""
    return any(command.program in ("rm", "shred") and name in command.arguments for command in made.commands)


def _secret_mounts(made: Instruction, *keys: str) -> list[str]:
    found: list[str] = []
    for flag in made.flags:
        parts = [part.partition("=") for part in flag.value.split(",")]
        if flag.name == "mount" and ("type", "=", "secret") in parts:
            found += [value for key, _, value in parts if key in keys]
    return found
