"""What a walk leaves out: globs in the manner of .gitignore, and .gitignore files themselves when asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from pathspec import GitIgnoreSpec


def ignore_rules(root: str, globs: Sequence[str], gitignore: bool) -> Callable[[str, bool], bool]:
    """A predicate over (path relative to root, is directory). With ``gitignore`` nested .gitignore files count too."""
    own = GitIgnoreSpec.from_lines(globs)
    specs: dict[str, GitIgnoreSpec | None] = {}

    def spec_of(directory: str) -> GitIgnoreSpec | None:
        if directory not in specs:
            specs[directory] = _read(os.path.join(root, directory, ".gitignore"))
        return specs[directory]

    def ignored(path: str, is_directory: bool) -> bool:
        shown = f"{path}/" if is_directory else path
        if own.match_file(shown):
            return True
        if not gitignore:
            return False
        parts = path.split("/")
        for depth in range(len(parts) - 1, -1, -1):
            spec = spec_of("/".join(parts[:depth]))
            relative = "/".join(parts[depth:]) + ("/" if is_directory else "")
            verdict = spec.check_file(relative).include if spec is not None else None
            if verdict is not None:
                return verdict
        return False

    return ignored


def _read(path: str) -> GitIgnoreSpec | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return GitIgnoreSpec.from_lines(file)
    except OSError:
        return None
