"""Environment variables: settings that switch protection off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.analysis.posture.variables import DEBUG, LOADER, OPEN, UNVERIFIED, YES, odd_variables, skips_verification
from seawall.model.command_credentials import FILLED_IN, URL_CREDENTIAL, credentials_in
from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container
    from seawall.model.rule import Context

_VARIABLES = "https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/"
# Compiled when they are first used.
_LEGACY_GODEBUG = r"(?:^|,)(?:x509sha1=1|x509ignoreCN=0|tls3des=1|tlsrsakex=1|tls10server=1)(?:,|\Z)"


def _has_odd_variables(c: Container) -> object:
    return odd_variables(c.env)


@rule(
    "tls-verification-off-env",
    title="Variable switches the verification of certificates off",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="Every connection of the program is encrypted with whoever answers: an attacker on the way reads and changes "
    "what passes, credentials too.",
    remediation="Remove the variable, and give the program the authority's certificate (SSL_CERT_FILE, "
    "NODE_EXTRA_CA_CERTS).",
    controls="mitre-attack:T1557",
    references=("https://nodejs.org/api/cli.html#node_tls_reject_unauthorizedvalue",),
    when=_has_odd_variables,
)
def tls_verification_off_env(c: Container, ctx: Context) -> Hits:
    for i, variable in odd_variables(c.env):
        name = variable.name
        values = UNVERIFIED.get(name, YES if skips_verification(name) else ())
        if variable.value.strip().lower() in values:
            yield Hit(f"container {c.name!r} sets {name}={variable.value}", f"env[{i}].value")


@rule(
    "legacy-tls-env",
    title="Variable lets broken cryptography in",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="GODEBUG settings of this sort bring back SHA-1 signatures, old versions of TLS and ciphers that attackers on "
    "the way can break or forge.",
    remediation="Remove the setting from GODEBUG and mend the peer that needs it.",
    controls="mitre-attack:T1557",
    references=("https://go.dev/doc/godebug",),
    when=_has_odd_variables,
)
def legacy_tls_env(c: Container, ctx: Context) -> Hits:
    for i, variable in odd_variables(c.env):
        if variable.name == "GODEBUG" and re.search(_LEGACY_GODEBUG, variable.value):
            yield Hit(f"container {c.name!r} sets GODEBUG={variable.value}", f"env[{i}].value")


@rule(
    "loader-env",
    title="Variable puts a file of a volume into every program",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="The loader or interpreter runs what the variable names in each process that starts: who can write that file "
    "has the whole container, and rootkits are installed this way.",
    remediation="Put the library into the image, or set the variable for the one process that needs it.",
    controls="mitre-attack:T1574.006",
    references=("https://man7.org/linux/man-pages/man8/ld.so.8.html",),
    notes="Judged where the file lies on a mounted volume or in a directory for temporary files; others are part of "
    "the image.",
    when=_has_odd_variables,
)
def loader_env(c: Container, ctx: Context) -> Hits:
    for i, variable in odd_variables(c.env):
        if variable.name in LOADER:
            folders = (*_TEMPORARY, *(mount.mount_path for mount in c.volume_mounts))
            if any(_lies_in(variable.value, folder) for folder in folders):
                yield Hit(f"container {c.name!r} sets {variable.name}={variable.value[:80]}", f"env[{i}].value")


_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - paths in manifests


def _lies_in(value: str, folder: str) -> bool:
    return any(part.startswith(f"{folder.rstrip('/')}/") for part in re.split(r"[\s:]+", value))


@rule(
    "authentication-off",
    title="Service started without authentication",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="The setting lets everyone who reaches the port in, to read, change and often to run code.",
    remediation="Remove the variable and give the service a password from a Secret.",
    controls="mitre-attack:T1078 mitre-attack:T1190",
    aliases="C-0274",
    references=("https://hub.docker.com/_/postgres#postgres_host_auth_method",),
    notes="Told by variables of well-known images (PostgreSQL, MySQL, Grafana, OpenSearch, Neo4j, Bitnami's).",
    when=_has_odd_variables,
)
def authentication_off(c: Container, ctx: Context) -> Hits:
    yield from _listed(c, OPEN)


def _listed(c: Container, table: dict[str, frozenset[str]]) -> Hits:
    """A hit for each variable that has one of its values in a table."""
    for i, variable in odd_variables(c.env):
        if variable.value.strip().lower() in table.get(variable.name, ()):
            yield Hit(f"container {c.name!r} sets {variable.name}={variable.value}", f"env[{i}].value")


@rule(
    "debug-mode",
    title="Web framework in its debug mode",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="Debug pages show settings, variables and code, and some of them, such as Werkzeug's console, run whatever is "
    "typed into them.",
    remediation="Set the variable to its value for production.",
    controls="mitre-attack:T1190",
    references=("https://flask.palletsprojects.com/en/stable/debugging/",),
    when=_has_odd_variables,
)
def debug_mode(c: Container, ctx: Context) -> Hits:
    yield from _listed(c, DEBUG)


@rule(
    "credential-in-url",
    title="Password in an address",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="container",
    why="Everyone who can read the manifest, its history or the pod has the password, and programs write such "
    "addresses into their logs.",
    remediation="Build the address in the program from a Secret, and replace the password.",
    controls="cis:5.4.1 mitre-attack:T1552.001 nsa-cisa:secrets",
    aliases="C-0012 kyverno:check-env-vars",
    references=("https://kubernetes.io/docs/concepts/security/secrets-good-practices/",),
    notes="Placeholders and references such as $(PASSWORD) pass.",
    when=_has_odd_variables,
)
def credential_in_url(c: Container, ctx: Context) -> Hits:
    for i, variable in odd_variables(c.env):
        if "@" in variable.value:
            match = re.search(URL_CREDENTIAL, variable.value)
            if match is not None and not re.search(FILLED_IN, match[1]):
                message = f"container {c.name!r} has a password in the address {variable.name}"
                yield Hit(message, f"env[{i}].value", confidence=Confidence.MEDIUM, secret=True)


def _has_command(c: Container) -> object:
    return c.command or c.args


@rule(
    "credential-in-argument",
    title="Password or token in a command",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="container",
    why="Everyone who can read the manifest, its history or the pod has the credential, and so has every process on "
    "the node that lists the others.",
    remediation="Put the value into a Secret, read it into a variable or a file, and name that: "
    "--password=$(DB_PASSWORD). Replace the credential.",
    controls="cis:5.4.1 mitre-attack:T1552.001 nsa-cisa:secrets",
    references=("https://kubernetes.io/docs/concepts/security/secrets-good-practices/",),
    notes="Options that are credentials by their name, addresses with a password, and variables set in a script; not "
    "options of one letter. Paths, numbers and references such as $(PASSWORD) pass.",
    when=_has_command,
)
def credential_in_argument(c: Container, ctx: Context) -> Hits:
    for field, words in (("command", c.command), ("args", c.args)):
        for i, what in credentials_in([word for _, word in numbered(words)]):
            yield Hit(
                f"container {c.name!r} is started with a credential: {what}",
                f"{field}[{i}]",
                confidence=Confidence.MEDIUM,
                secret=True,
            )


@rule(
    "duplicate-env-var",
    title="Variable given more than once",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="Only the last of two equal names counts. A setting that a reviewer read, of a protection perhaps, may be "
    "undone further down.",
    remediation="Keep one of them.",
    aliases="C-0295 kube-linter:duplicate-env-var kube-score:environment-variable-key-duplication",
    references=(_VARIABLES,),
)
def duplicate_env_var(c: Container, ctx: Context) -> Hits:
    if len(c.env) < 2 or len({variable.name for variable in c.env}) == len(c.env):
        return
    seen: set[str] = set()
    for i, variable in numbered(c.env):
        if variable.name in seen:
            yield Hit(f"container {c.name!r} is given {variable.name} more than once", f"env[{i}].name")
        seen.add(variable.name)
