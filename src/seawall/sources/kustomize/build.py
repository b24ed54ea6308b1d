"""Building an overlay with ``kustomize`` or the ``kubectl`` that embeds it, in a bounded child process."""

from __future__ import annotations

import json
import os
import re
import shutil

from msgspec import Struct, structs

from seawall.sources import child
from seawall.sources.child import Bounds, ChildFailed
from seawall.sources.kustomize.graph import Kustomization, KustomizeError
from seawall.sources.scratch import scratch_folder

LEAST = 5
_VERSION = re.compile(r"v?(\d+)\.\d+\.\d+")
_MAX_MESSAGE = 400
_DIVIDER = re.compile(r"^---\n", re.MULTILINE)
_ANNOTATIONS = re.compile(r"^metadata:\n  annotations:\n((?:    .*\n)+)", re.MULTILINE)
_ORIGIN = re.compile(r"^    config\.kubernetes\.io/origin: \|\n((?:      .*\n)+)", re.MULTILINE)
#: The alphabet of Kustomize's hashes.
_HASHED = re.compile(r"^metadata:\n(?:  .*\n)*?  name: ([a-z0-9.-]+)-([2456789bcdfghkmt]{10})$", re.MULTILINE)
_FIELD = re.compile(r"^      (path|configuredIn|repo): (.+)$", re.MULTILINE)


class NoKustomize(Exception):
    """There is no program to build with; the message says what to do."""


class Built(Struct, frozen=True):
    """An object of an overlay: its text without Kustomize's own annotations, and the file that it came from.

    ``origin`` is a real path. ``generated`` says that it is a kustomization whose generator made the object;
    ``remote`` is the repository of a remote base.
    """

    text: str
    origin: str
    generated: bool
    remote: str


class Kustomize:
    """A program that builds overlays; which one, and whether it is new enough, is found out at the first build."""

    def __init__(self, program: str | None, bounds: Bounds, *, allow_remote: bool) -> None:
        self._program, self._bounds, self._remote = program, bounds, allow_remote
        self._command: list[str] | None = None

    def build(self, overlay: Kustomization) -> list[Built]:
        """Build an overlay.

        Raises:
            NoKustomize: there is no such program, or it is too old.
            KustomizeError: it refused the overlay, or exceeded a bound.
        """
        if self._command is None:
            self._command = self._find()
        folder = os.path.realpath(scratch_folder())
        entry = os.path.relpath(os.path.realpath(overlay.folder), folder)
        # An overlay of ours on top asks for the origin of each object; theirs stays untouched.
        wrapper = {"resources": [entry], "buildMetadata": ["originAnnotations"]}
        with open(os.path.join(folder, "kustomization.yaml"), "w", encoding="utf-8") as file:
            json.dump(wrapper, file)
        try:
            done = child.run(
                [*self._command, folder], self._bounds, self._environment(folder), cwd=folder, network=self._remote
            )
        except ChildFailed as failed:
            raise KustomizeError(overlay.shown, f"kustomize {failed}") from failed
        if done.code != 0:
            raise KustomizeError(overlay.shown, f"cannot be built: {_said(done.err, folder)}")
        text = done.out.decode("utf-8", "replace")
        return _without_hashes([_built(document, folder) for document in _DIVIDER.split(text) if document.strip()])

    def _environment(self, home: str) -> dict[str, str]:
        extra = {"KUBECONFIG": os.devnull}
        if self._remote:
            kept = ("PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
            extra |= {name: os.environ[name] for name in kept if name in os.environ}
        return child.environment(home, extra)

    def _find(self) -> list[str]:
        if self._program is not None:
            found = shutil.which(self._program)
            if found is None:
                raise NoKustomize(f"--kustomize {self._program} is no program that can be run")
            candidates = [os.path.abspath(found)]
        else:
            candidates = [path for name in ("kustomize", "kubectl") if (path := shutil.which(name))]
        old: list[str] = []
        for program in candidates:
            is_kubectl = os.path.basename(program).startswith("kubectl")
            version = self._version(program, is_kubectl)
            if version is not None and version >= LEAST:
                return [program, "kustomize"] if is_kubectl else [program, "build"]
            old.append(f"{program} has {f'version {version}' if version is not None else 'no version that it tells'}")
        if old:
            raise NoKustomize(f"needs Kustomize {LEAST} or newer: {'; '.join(old)}")
        raise NoKustomize(f"needs `kustomize` {LEAST} or newer, or a `kubectl` with it: put one on PATH or name it")

    def _version(self, program: str, is_kubectl: bool) -> int | None:
        """The major version of Kustomize in a program; None where it cannot be run or does not say."""
        home = str(scratch_folder())
        command = [program, "version", "--client", "--output=json"] if is_kubectl else [program, "version"]
        try:
            done = child.run(command, self._bounds, self._environment(home), cwd=home)
        except ChildFailed:
            return None
        text = done.out.decode("utf-8", "replace")
        if is_kubectl:
            text = text.partition('"kustomizeVersion"')[2]
        match = _VERSION.search(text)
        return int(match[1]) if match is not None else None


def _built(document: str, folder: str) -> Built:
    """Take an object's origin out of its annotations. At that place of the text only annotations can stand."""
    block = _ANNOTATIONS.search(document)
    origin = _ORIGIN.search(block[1]) if block is not None else None
    if block is None or origin is None:
        return Built(document, "", False, "")
    rest = block[1][: origin.start()] + block[1][origin.end() :]
    kept = f"metadata:\n  annotations:\n{rest}" if rest else "metadata:\n"
    fields = {match[1]: match[2].strip("'\"") for match in _FIELD.finditer(origin[1])}
    path = fields.get("path") or fields.get("configuredIn", "")
    real = os.path.realpath(os.path.join(folder, path)) if path else ""
    text = document[: block.start()] + kept + document[block.end() :]
    return Built(text, real, "path" not in fields, fields.get("repo", ""))


def _without_hashes(built: list[Built]) -> list[Built]:
    """Take the hash of their content from the names of generated objects, and from what refers to them.

    With it every change of a setting would make another object, and all its findings new ones.
    """
    names = {
        f"{match[1]}-{match[2]}": match[1]
        for each in built
        if each.generated and (match := _HASHED.search(each.text)) is not None
    }
    if not names:
        return built
    hashed = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, names))})(?![\w.-])")
    return [structs.replace(each, text=hashed.sub(lambda match: names[match[0]], each.text)) for each in built]


def _said(err: bytes, folder: str) -> str:
    """Kustomize's complaint in one line, without the scratch folder."""
    lines = [line for line in err.decode("utf-8", "replace").splitlines() if not line.startswith("# Warning")]
    text = " ".join(" ".join(lines).split()).removeprefix("Error: ").removeprefix("error: ").replace(folder, ".")
    return text[-_MAX_MESSAGE:] or "kustomize failed without a word"
