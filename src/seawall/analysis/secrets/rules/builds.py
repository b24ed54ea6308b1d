"""Secrets in build files, by their values: what the rules over build files tell by names is left to those."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.model.credential_names import is_placeholder, names_credential
from seawall.model.rule import Hits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from seawall.analysis.secrets.rules.objects import Found
    from seawall.model.kube.buildfile import BuildFile, Instruction
    from seawall.model.paths import Path
    from seawall.model.rule import Hit
    from seawall.model.secrets import SecretHit

#: What stands before a value that `build-secret-in-command` tells of.
_TOLD = re.compile(
    r"(?:--?[\w-]*(?:password|passwd|secret|token|api-?key|apikey|access-?key)[= ]"
    r"|\b(?:docker|podman|buildah|skopeo|az) login\b.*\s-p |\bsshpass\s.*-p ?"
    r"|\b(?:mysql|mysqladmin|mysqldump|mariadb)\b.*\s-p|\b(?:curl|http|https|wget)\b.*\s(?:-u|--user)[= ][\"']?\S*:"
    r"|://[^\s/:@'\"]*:|\bpassword\s+|_(?:authToken|password|auth)\s*=\s*"
    r"|(?:^|[\s;&(])(?P<name>\w+)=)[\"']?\Z",
    re.IGNORECASE | re.DOTALL,
)
_GENERIC = frozenset(("password-setting", "credential-setting"))


def in_build_file(
    file: BuildFile, seen: Callable[[str, str], Iterable[Found]], hit: Callable[[SecretHit, str, Path], Hit]
) -> Hits:
    """The secrets of known forms in variables, commands and here-documents, each where its instruction or command is.

    ``seen`` looks at a text of a kind of file, ``hit`` makes what is told of it.
    """
    for number, made in enumerate(file.spec.instructions):
        path: Path = ("spec", "instructions", number)
        if made.keyword in ("ENV", "ARG", "LABEL"):
            for at, variable in enumerate(made.variables):
                value = variable.value or ""
                if len(value) < 8 or not variable.literal or _is_told_by_name(variable.name, value):
                    continue
                for each in seen(f"{variable.name}={value}", "x.env"):
                    if each.hit.detector not in _GENERIC and not _TOLD.search(
                        value[: each.start - len(variable.name) - 1]
                    ):
                        yield hit(each.hit, f"{made.keyword} {variable.name}", (*path, "variables", at))
        elif made.keyword in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"):
            yield from _in_command(made, path, seen, hit)
        if made.keyword in ("COPY", "ADD"):
            target = made.words[-1].value if made.words else ""
            for document in made.heredocs:
                for each in seen(document.body, target if "." in target else "x.conf"):
                    yield hit(each.hit, f"{made.keyword} {target}, line {document.line + each.hit.line - 1}", path)


def _in_command(
    made: Instruction,
    path: Path,
    seen: Callable[[str, str], Iterable[Found]],
    hit: Callable[[SecretHit, str, Path], Hit],
) -> Hits:
    for text in (*(each.body for each in made.heredocs), made.text):
        data = text.encode("utf-8", "surrogatepass")
        for each in seen(text, "x.sh"):
            before = data[: each.start].decode("utf-8", "replace")
            value = data[each.start : each.end].decode("utf-8", "replace")
            before = before[max(before.rfind("\n"), before.rfind(";"), before.rfind("&"), before.rfind("|")) + 1 :]
            told = _TOLD.search(before) if made.keyword == "RUN" else None
            if told is not None and (not told["name"] or names_credential(told["name"])):
                continue
            commands = [at for at, made_of in enumerate(made.commands) if value and value in made_of.text]
            yield hit(each.hit, made.keyword, (*path, "commands", commands[0]) if commands else path)


def _is_told_by_name(name: str, value: str) -> bool:
    return names_credential(name) and not is_placeholder(value)
