"""The .dockerignore that counts, and what it leaves in."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.sources.dockerfile.context import build_context, ignored, patterns
from seawall.sources.dockerfile.names import is_build_file
from seawall.sources.manifests import InputFile


@pytest.mark.parametrize(
    ("lines", "name", "out"),
    [
        (".env", ".env", True),
        ("# .env", ".env", False),
        ("*", ".git", True),
        ("*\n!.git", ".git", False),
        ("!.git\n*", ".git", True),
        ("**/.env", ".env", True),
        ("**/*.pem", "key.pem", True),
        ("*.pem", "key.key", False),
        (".git/", ".git", True),
        (".git/**", ".git", True),
        ("/.git", ".git", True),
        ("./.git", ".git", True),
        ("sub/.git", ".git", False),
        (".gi[s-t]", ".git", True),
        (".gi[^a]", ".git", True),
        ("?git", ".git", True),
        ("*a" * 200, "a" * 200, True),
        ("*a" * 200 + "b", "a" * 200, False),
    ],
)
def test_patterns(lines: str, name: str, out: bool) -> None:
    assert ignored(name, patterns(lines)) is out


def write(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")


def test_the_nearest_dockerignore_counts_and_tells_the_context(tmp_path: Path) -> None:
    write(tmp_path, "a/b/Dockerfile", ".env", "a/key.pem", "id_rsa")
    (tmp_path / ".dockerignore").write_text("id_*\n")
    context = build_context(InputFile(str(tmp_path / "a/b/Dockerfile"), "a/b"))
    assert (context.ignore_file, context.sensitive) == (str(tmp_path / ".dockerignore"), (".env",))


def test_a_dockerignore_of_the_file_itself_goes_first(tmp_path: Path) -> None:
    write(tmp_path, "app.Dockerfile", ".env", ".dockerignore")
    (tmp_path / "app.Dockerfile.dockerignore").write_text(".env\n")
    context = build_context(InputFile(str(tmp_path / "app.Dockerfile"), ""))
    assert (context.ignore_file, context.sensitive) == (str(tmp_path / "app.Dockerfile.dockerignore"), ())


def test_nothing_above_what_was_named_is_looked_at(tmp_path: Path) -> None:
    write(tmp_path, "a/Dockerfile", "a/.env.production", "a/.env.example", "a/main.go")
    (tmp_path / ".dockerignore").write_text("*\n")
    context = build_context(InputFile(str(tmp_path / "a/Dockerfile"), ""))
    assert (context.known, context.ignore_file, context.sensitive) == (True, "", (".env.production",))


def test_standard_input_has_no_context() -> None:
    assert not build_context(InputFile("<stdin>", "", named=True)).known


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Dockerfile", True),
        ("dockerfile", True),
        ("Containerfile", True),
        ("Dockerfile.prod", True),
        ("Dockerfile-alpine", True),
        ("Dockerfile.alpine-3.22", True),
        ("app.Dockerfile", True),
        ("web.dockerfile", True),
        ("Dockerfile.dockerignore", False),
        ("Dockerfile.md", False),
        ("dockerfile_parser.py", False),
        ("Dockerfile.yaml", False),
        ("Dockerfiles", False),
        ("MyDockerfile", False),
        ("Dockerfile~", False),
    ],
)
def test_names(name: str, is_one: bool) -> None:
    assert is_build_file(name) is is_one
