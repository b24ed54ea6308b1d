"""Comments of build files that waive findings: Seawall's own, hadolint's, Trivy's and Checkov's.

``# seawall: ignore[rule, ...] reason`` and ``# hadolint ignore=DL3006`` stand before an instruction or within it;
before the first one Seawall's is for the whole file, as ``# hadolint global ignore=`` and ``# checkov:skip=`` are
anywhere.
"""

from __future__ import annotations

import re

from seawall.model.paths import Path
from seawall.model.resource import Suppression
from seawall.sources.dockerfile.lines import Comment

_OWN = re.compile(r"[ \t]*seawall:[ \t]*ignore(?![\w-])[ \t]*(?:\[([^\]]*)\])?(.*)")
_HADOLINT = re.compile(r"[ \t]*hadolint[ \t]+(global[ \t]+)?ignore[ \t]*=[ \t]*([A-Za-z0-9, \t]+)")
_TRIVY = re.compile(r"[ \t]*(?:trivy|tfsec):ignore:([\w-]+)")
_CHECKOV = re.compile(r"[ \t]*(?:checkov|bridgecrew|cortex):skip=([\w-]+)(?::(.*))?")
_HINT = "write it as `# seawall: ignore[rule, ...] reason`"


def suppressions(comments: list[Comment], file: str, count: int) -> list[Suppression]:
    """What comments waive, in a file with ``count`` instructions."""
    found: list[Suppression] = []
    for comment in comments:
        source = f"comment at {file}:{comment.line}"
        number = comment.before - 1 if comment.inside else comment.before
        path: Path = ("spec", "instructions", number)
        if match := _OWN.match(comment.text):
            if not comment.before:
                path = ()
            found.append(_own(match, source, path, number < count or not path))
        elif match := _HADOLINT.match(comment.text):
            # SC1234 is of ShellCheck, which hadolint asks about scripts.
            names = tuple(name for name in re.split(r"[,\s]+", match[2]) if name and not name.startswith("SC"))
            if match[1] and names:
                found.append(Suppression(names, "", source, ()))
            elif number < count and names:
                found.append(Suppression(names, "", source, path))
        elif match := _TRIVY.match(comment.text):
            if number < count:
                found.append(Suppression((match[1],), "", source, path))
        elif match := _CHECKOV.match(comment.text):
            found.append(Suppression((match[1],), (match[2] or "").strip(), source, ()))
    return found


def _own(match: re.Match[str], source: str, path: Path, placed: bool) -> Suppression:
    names = tuple(filter(None, (name.strip() for name in (match[1] or "").split(","))))
    if not names:
        return Suppression((), "", source, problem=f"names no rule; {_HINT}")
    if not placed:
        return Suppression((), "", source, problem="is followed by nothing that it could be for")
    return Suppression(names, match[2].strip(), source, path)
