"""Worked examples of rules: manifests that a rule fires on, and others that it lets pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from seawall.engine.catalogue import ANALYSES
from seawall.model.kube.buildfile import BuildContext
from seawall.model.version import KubernetesVersion, parse_version
from seawall.sources.manifests import InputFile, Loaded, load_stdin

_ANALYSES = Path(__file__).parent.parent / "analysis"

_BUILD_FILE = ".dockerfile"
STDIN = "<stdin>"
_HEADING = re.compile(r"^# (bad|good)(?: at (\S+))?[ \t]*(?:\n|\Z)", re.MULTILINE)


class Example(NamedTuple):
    """A section of a rule's examples: YAML documents that are judged together, or a build file.

    The rule fires on a ``bad`` example and not on a ``good`` one. ``version`` is the Kubernetes version to judge it
    at, or None for the newest. ``file`` is the name under which the text is read. Build files are taken to lie in a
    folder with a file .env, and no .dockerignore.
    """

    verdict: Literal["bad", "good"]
    version: KubernetesVersion | None
    text: str
    file: str = STDIN


def load_example(example: Example) -> Iterator[Loaded]:
    """What an example holds."""
    if example.file == STDIN:
        return load_stdin(example.text.encode())
    from seawall.sources.dockerfile.load import load_build_file

    context = BuildContext(True, "", (".env",))
    return load_build_file(InputFile(example.file, "", named=True), example.text.encode(), context)


def example_files() -> list[Path]:
    """All files of examples: one a rule, named by its id, beside the analysis that the rule belongs to."""
    folders = [_ANALYSES / analysis / "examples" for analysis in ANALYSES]
    return sorted(path for folder in folders for kind in ("*.yaml", f"*{_BUILD_FILE}") for path in folder.glob(kind))


def examples_of(rule_id: str) -> list[Example]:
    """The worked examples of a rule, in the order of its file; empty where it has none.

    Raises:
        ValueError: its file does not begin with a heading, a section is empty, or a version cannot be read.
    """
    found = [path for path in example_files() if path.stem == rule_id]
    if not found:
        return []
    try:
        examples = parse_examples(found[0].read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"examples of {rule_id}: {error}") from error
    return [each._replace(file="Dockerfile") for each in examples] if found[0].suffix == _BUILD_FILE else examples


def fact_check(rule_id: str) -> tuple[str, list[str]] | None:
    """The test that a rule puts to the facts of a node, and the changes to a good node that it fires on, as YAML.

    None for a rule that is about objects alone.
    """
    import msgspec

    from seawall.analysis.nodes import catalogue

    check = catalogue().checks.get(rule_id)
    if check is None:
        return None
    return _yaml(msgspec.yaml.encode(check.written)), [_yaml(msgspec.yaml.encode(bad)) for bad in check.examples.bad]


def _yaml(text: bytes) -> str:
    """The text, with modes of files as people write them."""
    return re.sub(r"\bmode: (\d+)", lambda match: f"mode: 0{int(match[1]):o}", text.decode().strip())


def parse_examples(text: str) -> list[Example]:
    """Cut a file of examples at its headings: ``# bad``, ``# good``, each with ``at 1.24`` where it needs a version.

    Raises:
        ValueError: as for :func:`examples_of`.
    """
    headings = list(_HEADING.finditer(text))
    if text[: headings[0].start() if headings else None].strip():
        raise ValueError("text before the first '# bad' or '# good'")
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    return [_section(heading, text[heading.end() : end]) for heading, end in zip(headings, ends, strict=True)]


def _section(heading: re.Match[str], body: str) -> Example:
    if not body.strip():
        raise ValueError(f"nothing under {heading[0].strip()!r}")
    version = parse_version(heading[2]) if heading[2] else None
    return Example("bad" if heading[1] == "bad" else "good", version, body.rstrip() + "\n")
