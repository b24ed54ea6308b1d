"""Certificates and signatures that the build does not verify."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.analysis.buildfiles.asking import brief, calls, instructions, pipelines, place, runs, shown
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.buildfile import BuildFile, Command
    from seawall.model.rule import Context

_BEST = "https://docs.docker.com/build/building/best-practices/"
_CONTROLS = "cis-docker-1.7:4.11 nist-800-190:4.1.5 mitre-attack:T1557"
_LOCAL = re.compile(r"https://(?:localhost|127\.0\.0\.1|\[::1\])", re.IGNORECASE)
_OFF = frozenset(("0", "false", "no", "off"))
#: Variables that switch off verification, with the values that do (None: any).
_VARIABLES: dict[str, frozenset[str] | None] = {
    "NODE_TLS_REJECT_UNAUTHORIZED": frozenset(("0",)),
    "PYTHONHTTPSVERIFY": frozenset(("0",)),
    "GIT_SSL_NO_VERIFY": None,
    "NPM_CONFIG_STRICT_SSL": _OFF,
    "YARN_ENABLE_STRICT_SSL": _OFF,
    "PIP_TRUSTED_HOST": None,
    "GOINSECURE": None,
    "GONOSUMCHECK": None,
    "GONOSUMDB": None,
    "GOSUMDB": frozenset(("off",)),
    "CURL_INSECURE": None,
    "CONDA_SSL_VERIFY": _OFF,
    "COMPOSER_DISABLE_TLS": frozenset(("1", "true")),
    "APT_KEY_DONT_WARN_ON_DANGEROUS_USAGE": frozenset(()),
}
_SSL_OFF = re.compile(
    r"(?:strict-ssl|http\.sslverify|ssl_?verify|sslverify)[\s=]+[\"']?(?:false|0|no)\b", re.IGNORECASE
)
_MAVEN_OFF = re.compile(
    r"-D(?:maven\.wagon\.http\.ssl\.(?:insecure|allowall)=true|aether\.connector\.https\.securityMode=insecure)"
)
_UNSIGNED = re.compile(
    r"--allow-unauthenticated|--force-yes|--allow-insecure-repositories|Acquire::AllowInsecureRepositories=(?:true|1)"
    r"|APT::Get::AllowUnauthenticated=(?:true|1)|--allow-untrusted|--nogpgcheck|--no-gpg-checks?|--nosignature|--nodigest"
    r"|--no-verify-sig|SigLevel\s*=\s*Never",
    re.IGNORECASE,
)
_MANAGERS = frozenset(
    [
        "apt-get",
        "apt",
        "aptitude",
        "apk",
        "yum",
        "dnf",
        "microdnf",
        "tdnf",
        "rpm",
        "zypper",
        "pacman",
        "dpkg",
        "yum-config-manager",
    ]
)
_WRITTEN = re.compile(
    r"\[[^\]]*trusted\s*=\s*yes[^\]]*\]|\b(?:repo_)?gpgcheck\s*=\s*0|SigLevel\s*=\s*Never", re.IGNORECASE
)
_KEY = re.compile(r"\.(?:gpg|asc|key|pub|pgp)(?:[?#]|\Z)|gpg|keyring|/key", re.IGNORECASE)


@rule(
    "build-tls-off-download",
    title="Download does not verify certificates",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The connection is encrypted, but with whoever answers: an attacker on the way puts what they like into the "
    "image.",
    remediation="Leave the option out; copy the authority's certificate into the image where it is your own.",
    controls=_CONTROLS,
    aliases="CKV2_DOCKER_2 CKV2_DOCKER_3",
    references=(_BEST,),
)
def build_tls_off_download(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "curl", "wget"):
        words = ran.command.arguments
        if any(_LOCAL.match(word) for word in words):
            continue
        if ran.command.program == "wget":
            off = "--no-check-certificate" in words
        else:
            off = any(word in ("--insecure", "--proxy-insecure") or _short_k(word) for word in words)
        if off:
            yield Hit(f"{ran.command.program} takes any certificate", ran.path)


def _short_k(word: str) -> bool:
    """``-k``, also among others (``-fsSLk``); what follows an option with a value (``-okernel``) is none."""
    return re.match(r"-[#0-46afgGiIjJklLnNOpqRsSvVZ]*k", word) is not None


@rule(
    "build-tls-off-tool",
    title="Package manager or Git does not verify certificates",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="An attacker on the way hands out packages of their own, and their code runs when they are installed.",
    remediation="Leave the setting out; give the tool the authority's certificate where it is your own.",
    controls=_CONTROLS,
    aliases="CKV2_DOCKER_4 CKV2_DOCKER_13 CKV2_DOCKER_15",
    references=(_BEST,),
    notes="pip --trusted-host, npm, yarn and pnpm strict-ssl, git http.sslVerify, conda ssl_verify, yum sslverify, and "
    "what makes Maven take any certificate.",
)
def build_tls_off_tool(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file):
        command = ran.command
        if _is_off(command):
            yield Hit(f"{command.program} takes any certificate", ran.path)


def _is_off(command: Command) -> bool:
    program, text = command.program, command.text
    if program.startswith(("pip", "python")):
        return "--trusted-host" in text and "pip" in text
    if program in ("npm", "yarn", "pnpm", "git", "conda", "mamba", "yum", "dnf"):
        return _SSL_OFF.search(text) is not None or "--no-strict-ssl" in command.words
    if program == "composer":
        return "disable-tls" in text and "true" in text
    if program in ("mvn", "mvnw", "mvnd"):
        return _MAVEN_OFF.search(text) is not None
    return (
        program in ("echo", "printf") and re.search(r"\b(?:strict-ssl|sslverify)\s*=\s*(?:false|0)", text) is not None
    )


@rule(
    "build-tls-off-variable",
    title="Variable switches verification off",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Every connection of the program is with whoever answers, in the build and in every container.",
    remediation="Leave the variable out; give the program the authority's certificate (NODE_EXTRA_CA_CERTS, "
    "SSL_CERT_FILE).",
    controls=_CONTROLS,
    aliases="CKV2_DOCKER_5 CKV2_DOCKER_6 CKV2_DOCKER_12 CKV2_DOCKER_14 CKV2_DOCKER_16",
    references=("https://nodejs.org/api/cli.html#node_tls_reject_unauthorizedvalue",),
    notes="Of high severity in ENV, which every container has.",
)
def build_tls_off_variable(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "ENV", "ARG"):
        for at, variable in enumerate(made.variables):
            if variable.value is not None and _switches_off(variable.name, variable.value):
                severity = Severity.HIGH if made.keyword == "ENV" else None
                yield Hit(
                    f"{variable.name} is {shown(variable.value)!r}", place(number, "variables", at), severity=severity
                )
    for ran in runs(file):
        given = [(each.name, each.value) for each in ran.command.assignments]
        if ran.command.program == "export" or ran.command.words[:3] == ("go", "env", "-w"):
            given += [(name, value) for name, _, value in (word.partition("=") for word in ran.command.arguments)]
        for name, value in given:
            if _switches_off(name, value):
                yield Hit(f"{name} is {shown(value)!r}", ran.path)


def _switches_off(name: str, value: str) -> bool:
    name = name.upper() if name.lower().startswith(("npm_config", "pip_")) else name
    if name not in _VARIABLES or not value.strip():
        return False
    values = _VARIABLES[name]
    if values is None:
        return value.lower() not in _OFF
    return value.strip().lower() in values


@rule(
    "build-unsigned-packages",
    title="Packages are installed without their signatures",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Whoever is on the way, or runs a mirror, hands out packages of their own, and these run as root in the build.",
    remediation="Leave the option out, and add the repository's key where one is missing.",
    controls="cis-docker-1.7:4.11 cis-docker-1.7:4.12 nist-800-190:4.1.5 mitre-attack:T1195.002",
    aliases="CKV2_DOCKER_7 CKV2_DOCKER_8 CKV2_DOCKER_9 CKV2_DOCKER_10 CKV2_DOCKER_11",
    references=("https://wiki.debian.org/SecureApt",),
    notes="apk --allow-untrusted of a file that was built in the same build is told too, with the same words.",
)
def build_unsigned_packages(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file):
        command = ran.command
        if command.program in _MANAGERS and (match := _UNSIGNED.search(command.text)):
            yield Hit(f"{command.program} is told {match[0]}", ran.path)
        elif command.program in ("echo", "printf", "sed") and (match := _WRITTEN.search(command.text)):
            if match[0].startswith("[") and "file:" in command.text:
                continue  # packages that the same build has made
            yield Hit(f"writes {shown(match[0])}", ran.path)
    for number, made in instructions(file, "RUN", "COPY"):
        for at, heredoc in enumerate(made.heredocs):
            if not made.commands or made.commands[0].program not in ("sh", "bash"):
                match = _WRITTEN.search(heredoc.body)
                if match is not None and ".repo" in made.text + heredoc.body[:2000] + "sources.list":
                    yield Hit(f"writes {shown(match[0])}", place(number, "heredocs", at))


@rule(
    "build-key-over-http",
    title="Signing key is fetched over plain HTTP",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Anyone on the way hands out a key of their own, and then packages that it signs: the signatures protect "
    "nothing.",
    remediation="Fetch the key over https, or copy it into the image.",
    controls=_CONTROLS,
    references=("https://wiki.debian.org/DebianRepository/UseThirdParty",),
)
def build_key_over_http(file: BuildFile, ctx: Context) -> Hits:
    for number, made in instructions(file, "RUN"):
        for line in pipelines(made):
            adds = any(command.program in ("apt-key", "gpg", "rpm") for _, command in line)
            for at, command in line:
                if any(_is_plain_key(word, command, adds) for word in command.arguments):
                    yield Hit(f"{command.program} fetches a key over plain HTTP", place(number, "commands", at))


def _is_plain_key(word: str, command: Command, adds: bool) -> bool:
    if not word.lower().startswith("http://") or "$" in word[:9]:
        return False
    if command.program == "rpm":
        return "--import" in command.words
    if command.program in ("apt-key", "gpg"):
        return "--fetch-keys" in command.words
    return command.program in ("curl", "wget") and (
        adds or re.search(r"\.(?:gpg|asc|pgp)(?:[?#]|\Z)", word) is not None
    )


@rule(
    "build-apt-key",
    title="Key is trusted for every repository",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="A key that apt-key adds may sign packages of all repositories, also the distribution's own; apt-key itself is "
    "gone from Debian 13.",
    remediation="Write the key to /etc/apt/keyrings, and name it in the source's signed-by.",
    controls="cis-docker-1.7:4.11",
    references=("https://wiki.debian.org/DebianRepository/UseThirdParty",),
)
def build_apt_key(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "apt-key"):
        if any(word in ("add", "adv") for word in ran.command.arguments):
            yield Hit(f"runs {brief(ran.command)}", ran.path)


@rule(
    "build-ssh-host-unchecked",
    title="Host keys of SSH are not verified",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Whoever answers is taken for the host: the build fetches its sources from an attacker on the way.",
    remediation="Copy the host's key into known_hosts.",
    controls="nist-800-190:4.1.5 mitre-attack:T1557",
    references=("https://man.openbsd.org/ssh_config#StrictHostKeyChecking",),
)
def build_ssh_host_unchecked(file: BuildFile, ctx: Context) -> Hits:
    for path, text in _texts(file):
        if re.search(r"StrictHostKeyChecking[\s=]+\\?[\"']?no\b", text, re.IGNORECASE):
            yield Hit("switches StrictHostKeyChecking off", path)


def _texts(file: BuildFile) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for ran in runs(file):
        if ran.command.inside < 0:
            assigned = " ".join(each.value for each in ran.command.assignments)
            yield ran.path, f"{assigned} {ran.command.text}"
    for number, made in instructions(file, "ENV"):
        for at, variable in enumerate(made.variables):
            yield place(number, "variables", at), variable.value or ""


@rule(
    "build-install-from-http",
    title="Packages come from an index over plain HTTP",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="Language packages are not signed: anyone on the way hands out their own, and their code runs when they are "
    "installed.",
    remediation="Name the index by https.",
    controls=_CONTROLS,
    references=("https://pip.pypa.io/en/stable/topics/https-certificates/",),
)
def build_install_from_http(file: BuildFile, ctx: Context) -> Hits:
    for call in calls(file, "pip", "pip3", "npm", "yarn", "gem"):
        told = (*call.options, *(call.operands if call.manager == "gem" and call.action == "sources" else ()))
        words = [word for word in told if re.search(r"(?:^|=)http://(?!localhost|127\.)", word)]
        if words:
            yield Hit(f"{call.manager} installs from {shown(re.sub(r'//[^/@]*@', '//', words[0]))}", call.ran.path)
