"""Every content that the history of a Git repository ever held, once each, with the commit that brought it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence

from msgspec import Struct

from seawall.sources.git import GitError, run_git
from seawall.sources.scratch import scratch_folder

_MOST_BLOBS = 5_000_000
_BATCH = 32 << 20
_BATCH_BLOBS = 20_000
#: Larger contents are told and not read.
LARGEST = 64 << 20
_LOG = (
    "log", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "--root", "-m", "--reverse",
    "--date-order", "--format=%x01%H%x00%an <%ae>%x00%aI%x00%B",
)  # fmt: skip


class Commit(Struct, frozen=True):
    """A commit: who wrote it and when (RFC 3339), and its message."""

    digest: str
    author: str
    date: str
    message: bytes


_NO_COMMIT = Commit("", "", "", b"")
#: In place of the path of what no commit has.
UNREFERENCED, TAG = "(unreferenced object)", "(message of a tag)"


class Blob(Struct, frozen=True):
    """A content: its digest, the first path that it stood at, the commit that brought it there."""

    digest: str
    path: str
    commit: Commit


class History(Struct, frozen=True):
    """A repository: its folder, the commits looked at, and the contents that they brought."""

    top: str
    program: str
    commits: tuple[Commit, ...]
    blobs: tuple[Blob, ...]


def read_history(folder: str, revisions: Sequence[str] = (), since: str = "") -> History:
    """The history of the repository that a folder lies in: all that it holds, or the revisions given.

    All is what references and their logs lead to, what is staged, the messages of tags, and objects that nothing leads
    to any more: those are brought by a commit without a digest.

    Raises:
        GitError: there is no git, no repository, or no such revision.
    """
    program = shutil.which("git")
    if program is None:
        raise GitError("reading a history needs git on PATH")
    if not os.path.isdir(folder):
        raise GitError(f"{folder} is no folder")
    for each in revisions:
        if each.startswith("-") or "\0" in each or not each:
            raise GitError(f"{each!r} is no revision")
    bare = run_git(program, folder, "rev-parse", "--is-bare-repository").strip() == b"true"
    top = folder if bare else run_git(program, folder, "rev-parse", "--show-toplevel").decode().rstrip("\n")
    limits = [f"--since={since}"] if since else []
    wanted = ["--end-of-options", *revisions] if revisions else ["--all", "--reflog"]
    commits: dict[str, Commit] = {}
    blobs: dict[str, Blob] = {}
    _parse(run_git(program, top, *_LOG, *limits, *wanted, "--"), commits, blobs)
    if not revisions and not since:
        _add_unreferenced(program, top, bare, commits, blobs)
    return History(top, program, tuple(commits.values()), tuple(blobs.values()))


def _add_unreferenced(program: str, top: str, bare: bool, commits: dict[str, Commit], blobs: dict[str, Blob]) -> None:
    """What is in the repository and no reference leads to: commits given up, what is staged or was, tags."""
    every = ("cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)", "--buffer")
    kinds: dict[str, list[str]] = {"commit": [], "blob": [], "tag": []}
    for line in run_git(program, top, *every).decode().splitlines():
        kind, _, digest = line.partition(" ")
        if kind in kinds and digest not in commits and digest not in blobs:
            kinds[kind].append(digest)
    if kinds["commit"]:
        wanted = scratch_folder() / "commits"
        wanted.write_text("".join(f"{digest}\n" for digest in kinds["commit"]))
        _parse(run_git(program, top, *_LOG, "--no-walk", "--stdin", stdin=wanted), commits, blobs)
    staged = {} if bare else _staged(run_git(program, top, "ls-files", "--stage", "-z"))
    for digest in kinds["blob"]:
        blobs.setdefault(digest, Blob(digest, staged.get(digest, UNREFERENCED), _NO_COMMIT))
    for digest in kinds["tag"]:
        blobs.setdefault(digest, Blob(digest, TAG, _NO_COMMIT))
    if len(blobs) > _MOST_BLOBS:
        raise GitError(f"the repository has more than {_MOST_BLOBS:,} contents; name a range with --rev")


def _staged(out: bytes) -> dict[str, str]:
    found = {}
    for entry in out.split(b"\0"):
        told, _, path = entry.partition(b"\t")
        if path:
            found[told.split()[1].decode()] = os.fsdecode(path)
    return found


def _parse(out: bytes, commits: dict[str, Commit], blobs: dict[str, Blob]) -> None:
    """Of the log: a commit begins with a byte of one; then raw lines and paths, each ended by NUL."""
    parts = iter(out.split(b"\0"))
    commit: Commit | None = None
    for part in parts:
        part = part.lstrip(b"\n")
        if part.startswith(b"\x01"):
            digest = part[1:].decode()
            author, date, message = next(parts, b""), next(parts, b""), next(parts, b"")
            commit = Commit(digest, author.decode("utf-8", "replace"), date.decode("utf-8", "replace"), message)
            # A merge comes once for each parent.
            commits.setdefault(digest, commit)
        elif part.startswith(b":") and commit is not None:
            _, mode, _, new, _ = part[1:].decode().split()
            path = os.fsdecode(next(parts, b""))
            if mode in ("100644", "100755", "120000") and new.strip("0") and new not in blobs:
                blobs[new] = Blob(new, path, commit)
                if len(blobs) > _MOST_BLOBS:
                    raise GitError(f"the history has more than {_MOST_BLOBS:,} contents; name a range with --rev")


def contents(history: History) -> Iterator[tuple[Blob, bytes | None, int]]:
    """Each content with its size; None in place of one that is too large to be read."""
    wanted = scratch_folder() / "blobs"
    wanted.write_text("".join(f"{blob.digest}\n" for blob in history.blobs))
    told = run_git(history.program, history.top, "cat-file", "--batch-check", "--buffer", stdin=wanted)
    sizes = {}
    for line in told.decode().splitlines():
        digest, _, rest = line.partition(" ")
        sizes[digest] = int(rest.rpartition(" ")[2]) if rest.startswith(("blob ", "tag ")) else -1
    batch: list[tuple[Blob, int]] = []
    total = 0
    for blob in history.blobs:
        size = sizes.get(blob.digest, -1)
        if size < 0 or size > LARGEST:
            yield blob, None, size
            continue
        if batch and (total + size > _BATCH or len(batch) >= _BATCH_BLOBS):
            yield from _read(history, batch)
            batch, total = [], 0
        batch.append((blob, size))
        total += size
    yield from _read(history, batch)


def _read(history: History, batch: Sequence[tuple[Blob, int]]) -> Iterator[tuple[Blob, bytes, int]]:
    if not batch:
        return
    wanted = scratch_folder() / "batch"
    wanted.write_text("".join(f"{blob.digest}\n" for blob, _ in batch))
    data = run_git(history.program, history.top, "cat-file", "--batch", "--buffer", stdin=wanted)
    position = 0
    for blob, size in batch:
        start = data.index(b"\n", position) + 1
        position = start + size + 1
        yield blob, data[start : start + size], size
