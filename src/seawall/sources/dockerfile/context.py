"""The folder that a build takes files from: its .dockerignore, and files with secrets that it does not leave out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import translate

from seawall.model.kube.buildfile import BuildContext
from seawall.sources.manifests.walk import InputFile

_MAX_BYTES = 1 << 20
_MAX_PATTERNS = 10_000
_MAX_PATTERN = 1_000
_MAX_ENTRIES = 5_000
#: Names that hold secrets wherever they lie, or (.git) all that ever was in the repository.
_SENSITIVE = re.compile(
    r"\.git|\.env(?:\.(?!example|sample|template|dist|test|defaults)[\w-]+)?|id_(?:rsa|dsa|ecdsa|ed25519)|\.npmrc|\.pypirc"
    r"|\.netrc|\.aws|\.ssh|\.docker|\.dockercfg|\.kube|kubeconfig|\.htpasswd|\.git-credentials|\.vault-token"
    r"|terraform\.tfstate|[\w.-]+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk)"
)


def build_context(file: InputFile) -> BuildContext:
    """What is known of the context of a build file; nothing of one that lies in no folder."""
    if not os.path.isfile(file.at):
        return BuildContext()
    folder = os.path.dirname(file.at)
    shown = os.path.dirname(file.path)
    own = f"{file.at}.dockerignore"
    if os.path.isfile(own):
        return _context(folder, own, f"{file.path}.dockerignore")
    # The context is often the top of the repository: the nearest .dockerignore tells where.
    for up in range(file.unit.count("/") + 2 if file.unit else 1):
        root = os.path.normpath(os.path.join(folder, *[".."] * up))
        for name in (".containerignore", ".dockerignore"):
            if os.path.isfile(os.path.join(root, name)):
                seen = os.path.normpath(os.path.join(shown, *[".."] * up, name))
                return _context(root, os.path.join(root, name), seen)
    return BuildContext(True, "", tuple(_sensitive(folder, [])))


def _context(root: str, ignore_file: str, shown: str) -> BuildContext:
    try:
        with open(ignore_file, "rb") as stream:
            text = stream.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return BuildContext(True, shown)
    return BuildContext(True, shown, tuple(_sensitive(root, patterns(text))))


def _sensitive(folder: str, left_out: list[tuple[re.Pattern[str], bool]]) -> Iterator[str]:
    """Names at the top of a context that hold secrets and that no pattern leaves out."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry, _ in zip(entries, range(_MAX_ENTRIES), strict=False))
    except OSError:
        return
    for name in names:
        if _SENSITIVE.fullmatch(name) and not ignored(name, left_out):
            yield name


def patterns(text: str) -> list[tuple[re.Pattern[str], bool]]:
    """The lines of a .dockerignore that can mean names at the top, each with whether it takes them in again (``!``)."""
    found: list[tuple[re.Pattern[str], bool]] = []
    for line in text.removeprefix("\ufeff").splitlines()[:_MAX_PATTERNS]:
        pattern = line.strip()
        if not pattern or pattern.startswith("#") or len(pattern) > _MAX_PATTERN:
            continue
        again = pattern.startswith("!")
        steps = [
            step for step in os.path.normpath(pattern.removeprefix("!").strip()).split("/") if step not in ("", ".")
        ]
        if len(steps) > 1 and steps[-1] in ("*", "**"):
            steps.pop()  # all that lies in a folder: nothing of the folder is left
        while len(steps) > 1 and steps[0] == "**":
            steps.pop(0)
        if len(steps) == 1:
            # fnmatch's expressions do not explode; moby negates classes with ^.
            found.append((re.compile(translate(steps[0].replace("[^", "[!"))), again))
    return found


def ignored(name: str, left_out: list[tuple[re.Pattern[str], bool]]) -> bool:
    """Whether patterns leave a name at the top out; the last that matches decides."""
    decided = False
    for pattern, again in left_out:
        if again == decided and pattern.match(name):
            decided = not again
    return decided
