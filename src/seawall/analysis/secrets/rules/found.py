"""Secrets that the engine found in files, histories, logs and images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.images import FoundSecret, Image
    from seawall.model.kube.searched import Searched
    from seawall.model.rule import Context

_NIST = "https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-190.pdf"
_OWASP = "https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html"


def _found(secrets: tuple[FoundSecret, ...]) -> Hits:
    for index, each in numbered(secrets):
        path = ("spec", "secrets", index)
        yield Hit(each.says, path, severity=each.severity, confidence=each.confidence, secret=True)


@rule(
    "secret-in-file",
    title="Secret in a file",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="File",
    why="Everyone who can read the file has the secret, and files are copied: into repositories, images, backups and "
    "laptops.",
    remediation="Revoke the secret where it was issued and issue a new one, keep that in a store of secrets, and have "
    "the program read it from there.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    references=(_OWASP,),
    notes="Which detector saw it is in the evidence. A comment seawall:allow or gitleaks:allow on the line lets it "
    "pass. What lies in folders of tests, examples and documentation is told as low.",
)
def secret_in_file(file: Searched, ctx: Context) -> Hits:
    yield from _found(file.spec.secrets)


@rule(
    "secret-in-git-history",
    title="Secret in the history of a repository",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="History",
    why="Deleting a file takes it out of the newest commit alone: every clone has all that ever was, and whoever reads "
    "the repository reads the secret.",
    remediation="Revoke the secret where it was issued; rewriting the history comes second, as clones keep "
    "the old one.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    references=(_OWASP,),
    notes="Each content is looked at once, and told with the first commit that brought it.",
)
def secret_in_git_history(history: Searched, ctx: Context) -> Hits:
    yield from _found(history.spec.secrets)


@rule(
    "secret-in-log",
    title="Secret in a log",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Log",
    why="Logs are collected, searched and kept by many systems and people who have no right to the secret.",
    remediation="Revoke the secret and issue a new one, and keep the program from writing it: mask it before it logs.",
    controls="mitre-attack:T1552.001",
    references=("https://cheatsheetseries.owasp.org/cheatsheets/Logging_Cheat_Sheet.html",),
)
def secret_in_log(log: Searched, ctx: Context) -> Hits:
    yield from _found(log.spec.secrets)


@rule(
    "secret-in-image",
    title="Secret in an image",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="Image",
    why="Everyone who can pull the image has the secret, from any of its layers: what a later layer deletes is still "
    "there.",
    remediation="Revoke the secret and issue a new one; give it to builds with RUN --mount=type=secret and to "
    "workloads as a mounted Secret, and build the image anew.",
    controls="mitre-attack:T1552.001 nist-800-190:4.1.4 nsa-cisa:secrets",
    references=(_NIST,),
    notes="Files of all layers are looked at, and the configuration: variables, labels, commands and the history.",
)
def secret_in_image(image: Image, ctx: Context) -> Hits:
    yield from _found(image.spec.secrets)
