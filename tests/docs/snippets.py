"""Fenced blocks of the guide, and a repository to run them in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.sources.test_git import git

GUIDE = REPOSITORY / "docs" / "guide"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\ndata: {colour: blue}\n"
BAD = """\
apiVersion: v1
kind: Pod
metadata: {name: bad, namespace: shop}
spec:
  hostPID: true
  containers: [{name: a, image: "registry.example.com/a:1"}]
"""


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a page in a language, in order."""
    text = (GUIDE / page).read_text()
    return [body for name, body in _FENCE.findall(text) if name == language]


class Repository:
    """A Git repository with a clean manifest on main, and programs of ours first on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repo"
        self.bin = folder / "bin"
        self.installed = folder / "installed"
        self.bin.mkdir()
        self._program("seawall", f'exec {sys.executable} -m seawall "$@"')
        self._program("pip", f'echo "$@" >>{self.installed}')
        (self.folder / "deploy").mkdir(parents=True)
        git(self.folder, "init", "-q", "-b", "main")
        self.write("deploy/config.yaml", GOOD)
        self.commit()
        git(self.folder, "update-ref", "refs/remotes/origin/main", "HEAD")

    def _program(self, name: str, script: str) -> None:
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.folder / name).write_text(text)

    def commit(self) -> None:
        """Commit everything."""
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-qm", "x")

    def sh(self, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a script as CI systems do: bash, ending at the first failure."""
        path = f"{self.bin}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "GIT_CONFIG_GLOBAL": os.devnull, **env},
            capture_output=True,
            text=True,
            timeout=300,
        )
