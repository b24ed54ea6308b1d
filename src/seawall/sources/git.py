"""A revision of a Git repository, written to a folder of ours; the work tree is not touched, no hook or filter runs."""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from seawall.sources import child
from seawall.sources.child import Bounds, ChildFailed
from seawall.sources.scratch import scratch_folder

_BOUNDS = Bounds(cpu=120, seconds=120.0, memory=8 << 30, output=256 << 20)
#: Larger files are of no use to Helm or Kustomize, and are written only where they can be manifests.
_LARGE = 5 << 20
_MANIFESTS = (".yaml", ".yml", ".json")
_MOST_BYTES = 2 << 30
_MOST_FILES = 500_000
_BATCH = 64 << 20
#: Nothing that a repository's own configuration could start, fetch or leave out.
_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "protocol.allow=never",
    "safe.directory=*",
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}


class GitError(Exception):
    """A revision that cannot be read; the message says why and what to do."""


class Exported(Struct, frozen=True):
    """A revision in a folder: ``path`` is where what was asked for lies in it; submodules are not written."""

    folder: Path
    path: str
    submodules: tuple[str, ...]


class _Blob(Struct, frozen=True):
    digest: str
    size: int
    path: str
    link: bool


def export(path: str, revision: str) -> Exported:
    """Write a revision of the repository that ``path`` lies in; ``path`` itself need not exist any more.

    A tree is a revision too: ``git write-tree`` gives one of what is staged.

    Raises:
        GitError: there is no git, no repository, no such revision, or it is too large.
    """
    program = shutil.which("git")
    if program is None:
        raise GitError("reading a revision needs git on PATH")
    start = os.path.abspath(path)
    while not os.path.isdir(start):
        start = os.path.dirname(start)
    top = run_git(program, start, "rev-parse", "--show-toplevel").decode().rstrip("\n")
    if revision.startswith("-") or "\0" in revision or not revision:
        raise GitError(f"{revision!r} is no revision")
    name = f"{revision}^{{tree}}"
    tree = run_git(program, start, "rev-parse", "--verify", "--end-of-options", name).decode().strip()
    inner = os.path.relpath(os.path.join(os.path.realpath(start), os.path.relpath(path, start)), os.path.realpath(top))
    folder = scratch_folder()
    blobs, submodules = _listing(run_git(program, top, "ls-tree", "-r", "-z", "-l", "--full-tree", tree))
    for batch in _batches(blobs):
        _write(folder, batch, _contents(program, top, batch))
    _drop_links_out(folder, blobs)
    if not os.path.lexists(folder / inner):
        raise GitError(f"{path} is not in revision {revision}")
    return Exported(folder, "" if inner == "." else inner, submodules)


def run_git(program: str, folder: str, *arguments: str, stdin: Path | None = None) -> bytes:
    """What git says, run without anything that a repository could start.

    Raises:
        GitError: it cannot be run, or fails; the message has what it said.
    """
    settings = [part for setting in _CONFIG for part in ("-c", setting)]
    command = [program, "-C", folder, "--no-replace-objects", "--literal-pathspecs", *settings, *arguments]
    env = child.environment(os.devnull, {**_ENVIRONMENT, "PATH": os.path.dirname(program)})
    try:
        if stdin is None:
            done = child.run(command, _BOUNDS, env)
        else:
            with stdin.open("rb") as stream:
                done = child.run(command, _BOUNDS, env, stdin=stream)
    except ChildFailed as failed:
        raise GitError(f"git {failed}") from failed
    if done.code != 0:
        said = " ".join(done.err.decode("utf-8", "replace").split()).removeprefix("fatal: ")
        raise GitError(f"git: {said[:300]}")
    return done.out


def _listing(out: bytes) -> tuple[list[_Blob], tuple[str, ...]]:
    blobs: list[_Blob] = []
    submodules: list[str] = []
    total = 0
    for line in out.split(b"\0"):
        if not line:
            continue
        head, _, name = line.partition(b"\t")
        mode, kind, digest, size = head.decode().split()
        path = os.fsdecode(name)
        if kind == "commit":
            submodules.append(path)
        elif int(size) <= _LARGE or path.endswith(_MANIFESTS):
            total += int(size)
            blobs.append(_Blob(digest, int(size), path, mode == "120000"))
    if len(blobs) > _MOST_FILES or total > _MOST_BYTES:
        raise GitError(f"the revision has more than {_MOST_FILES} files or {_MOST_BYTES >> 30} GiB")
    return blobs, tuple(submodules)


def _batches(blobs: list[_Blob]) -> Iterator[list[_Blob]]:
    batch: list[_Blob] = []
    size = 0
    for blob in blobs:
        if batch and size + blob.size > _BATCH:
            yield batch
            batch, size = [], 0
        if blob.size > _BOUNDS.output // 2:
            raise GitError(f"{blob.path} is larger than {_BOUNDS.output >> 21} MiB")
        batch.append(blob)
        size += blob.size
    if batch:
        yield batch


def _contents(program: str, top: str, batch: list[_Blob]) -> bytes:
    wanted = scratch_folder() / "objects"
    wanted.write_text("".join(f"{blob.digest}\n" for blob in batch))
    return run_git(program, top, "cat-file", "--batch", "--buffer", stdin=wanted)


def _drop_links_out(folder: Path, blobs: list[_Blob]) -> None:
    """Remove links that lead out by way of other links."""
    top = os.path.join(os.path.realpath(folder), "")
    for blob in blobs:
        if blob.link and not os.path.join(os.path.realpath(folder / blob.path), "").startswith(top):
            (folder / blob.path).unlink(missing_ok=True)


def _write(folder: Path, batch: list[_Blob], data: bytes) -> None:
    position = 0
    for blob in batch:
        start = data.index(b"\n", position) + 1
        content = data[start : start + blob.size]
        position = start + blob.size + 1
        target = folder / blob.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not blob.link:
            target.write_bytes(content)
            continue
        # A link is kept where it plainly leads to another file of the revision, and left out elsewhere.
        leads = os.fsdecode(content)
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(blob.path), leads))
        if leads and not leads.startswith("/") and inside.split("/")[0] != ".." and "\0" not in leads:
            target.symlink_to(leads)
