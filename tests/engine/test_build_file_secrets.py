"""Secrets in build files by their values: each told once, with its line, and never its value."""

from __future__ import annotations

import json
import random
import string
import subprocess
import sys
from pathlib import Path

import pytest

RND = random.Random(9)
PASSWORD = "Zk39dkkdPq7mQw82"
GITLAB = "glpat-" + "".join(RND.choices(string.ascii_letters + string.digits, k=20))
BEARER = "".join(RND.choices(string.ascii_letters + string.digits, k=36))
SECRETS = (PASSWORD, GITLAB, BEARER)


def scan(folder: Path, text: str, form: str = "json") -> str:
    file = folder / "Dockerfile"
    file.write_text(text)
    command = [sys.executable, "-m", "seawall", "scan", str(file), "--fail-on", "none", "--format", form]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def told(folder: Path, text: str) -> list[tuple[str, int]]:
    found = json.loads(scan(folder, text))["findings"]
    rules = ("secret-in-object", "build-secret-in-command", "build-secret-in-variable")
    return sorted((each["rule"], each["locations"][0]["line"]) for each in found if each["rule"] in rules)


@pytest.mark.parametrize(
    ("instruction", "line"),
    [
        (f"ENV A=b UPSTREAM={GITLAB}", 2),
        (f'ARG UPSTREAM="{GITLAB}"', 2),
        (f"RUN set -e && \\\n    redis-cli -h cache -a {PASSWORD} ping", 3),
        (f"RUN curl -H 'Authorization: Bearer {BEARER}' https://x.example", 2),
        (f"RUN echo {PASSWORD} | docker login -u ci --password-stdin r.example", 2),
        (f"RUN <<EOT\necho 'root:{PASSWORD}' | chpasswd\nEOT", 3),
        (f"COPY <<EOT /app/.env\nDB_PASSWORD={PASSWORD}\nEOT", 2),
        (f"HEALTHCHECK CMD curl -u admin:{PASSWORD} http://localhost", 2),
    ],
)
def test_values_are_told_where_they_stand(tmp_path: Path, instruction: str, line: int) -> None:
    assert told(tmp_path, f"FROM debian:12\n{instruction}\n") == [("secret-in-object", line)]


@pytest.mark.parametrize(
    ("instruction", "rule"),
    [
        (f"ENV DB_PASSWORD={PASSWORD}", "build-secret-in-variable"),
        (f"ARG GITLAB_TOKEN={GITLAB}", "build-secret-in-variable"),
        (f"RUN curl -u admin:{PASSWORD} https://x.example", "build-secret-in-command"),
        (f"RUN docker login -u ci -p {PASSWORD} r.example", "build-secret-in-command"),
        (f"RUN git clone https://ci:{PASSWORD}@git.example/a.git", "build-secret-in-command"),
    ],
)
def test_what_the_rules_by_names_tell_is_not_told_again(tmp_path: Path, instruction: str, rule: str) -> None:
    assert told(tmp_path, f"FROM debian:12\n{instruction}\n") == [(rule, 2)]


@pytest.mark.parametrize(
    "instruction",
    [
        "ENV UPSTREAM=$TOKEN PORT=80 NODE_VERSION=22.1.0",
        'RUN --mount=type=secret,id=token curl -H "Authorization: Bearer $(cat /run/secrets/token)" https://x.example',
        "RUN redis-cli -h cache -a $PASS ping",
        "RUN echo '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  a.tgz' | sha256sum -c",
    ],
)
def test_references_and_hashes_pass(tmp_path: Path, instruction: str) -> None:
    assert told(tmp_path, f"FROM debian:12\n{instruction}\n") == []


def test_no_report_holds_a_value(tmp_path: Path) -> None:
    text = (
        f"FROM debian:12\nENV UPSTREAM={GITLAB}\nRUN true && \\\n  redis-cli -a {PASSWORD} ping\n"
        f"RUN curl -H 'Authorization: Bearer {BEARER}' https://x.example\n"
        f"COPY <<EOT /x.env\nP_PASSWORD={PASSWORD}\nEOT\n"
    )
    for form in ("terminal", "json", "html", "sarif", "markdown", "csv", "junit", "github", "gitlab"):
        shown = scan(tmp_path, text, form)
        assert not [each for each in SECRETS if each in shown], form
