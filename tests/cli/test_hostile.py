"""Hostile and very large input: bounded memory and time, a line with the place, nothing else lost."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MEMORY = 1 << 30
CPU_SECONDS = 10
GOOD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: good}\nspec:\n  hostPID: true\n"
    "  containers: [{name: a, image: 'x:1', securityContext: {privileged: true}}]\n"
)


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def scan(folder: Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "seawall", "scan", str(folder), "--format", "json"]
    return subprocess.run(command, capture_output=True, preexec_fn=limited, timeout=120)


def alias_bomb() -> bytes:
    lines = ["apiVersion: v1", "kind: Pod", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    return "\n".join(lines).encode()


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "alias bomb": ("x.yaml", alias_bomb),
    "yaml brackets": ("x.yaml", lambda: b"[" * 100_000),
    "yaml flow mappings": ("x.yaml", lambda: b"{a: " * 100_000),
    "yaml sequences on a line": ("x.yaml", lambda: b"- " * 100_000),
    "yaml question marks": ("x.yaml", lambda: b"? " * 100_000),
    "json brackets": ("x.json", lambda: b"[" * 100_000),
    "json objects": ("x.json", lambda: b'{"a":' * 100_000),
    "json objects that end": ("x.json", lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "json item of a list": ("x.json", lambda: b'{"kind":"List","apiVersion":"v1","items":[' + b'{"a":' * 100_000),
    "invalid utf-8": ("x.yaml", lambda: b"apiVersion: v1\nkind: Pod\nx: \xff\xfe\xfa\n"),
    "invalid utf-8 json": ("x.json", lambda: b'{"apiVersion":"v1","kind":"\xff"}'),
    "nul": ("x.yaml", lambda: b"apiVersion: v1\nkind: Pod\nx: \x00\n"),
    "nul json": ("x.json", lambda: b'{"apiVersion":"v1",\x00"kind":"Pod"}'),
    "long yaml number": ("x.yaml", lambda: b"apiVersion: v1\nkind: Pod\nx: " + b"9" * 10_000),
    "long json number": ("x.json", lambda: b'{"apiVersion":"v1","kind":"Pod","x":' + b"9" * 10_000 + b"}"),
    "truncated json": ("x.json", lambda: b'{"apiVersion":"v1","kind":"Pod","metadata":{"na'),
    "wrong types": (
        "x.yaml",
        lambda: b"apiVersion: v1\nkind: Pod\nmetadata: 5\nspec: [1, 2]\n---\napiVersion: v1\nkind: Service\nspec: x\n",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile(case: str, tmp_path: Path) -> None:
    name, make = HOSTILE[case]
    (tmp_path / name).write_bytes(make())
    (tmp_path / "good.yaml").write_text(GOOD)
    done = scan(tmp_path)
    assert done.returncode == 2, done.stderr.decode()[-2000:]
    message = done.stderr.decode()
    assert "Traceback" not in message
    line = next(line for line in message.splitlines() if name in line)
    assert f"{name}:" in line
    assert len(line) < 600
    document = json.loads(done.stdout)
    assert "privileged-container" in {finding["rule"] for finding in document["findings"]}
    assert any(error["source"].endswith(name) and error["where"] for error in document["errors"])
    assert document["summary"]["complete"] is False


def test_fifty_thousand_documents(tmp_path: Path) -> None:
    text = "---\n".join(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p{i}}}\nspec: {{}}\n" for i in range(50_000))
    (tmp_path / "many.yaml").write_text(text)
    done = scan(tmp_path)
    assert done.returncode in (0, 1), done.stderr.decode()[-2000:]
    assert json.loads(done.stdout)["summary"]["resources"] == 50_000


@pytest.mark.parametrize("name", ["long.yaml", "long.json"])
def test_one_line_of_ten_megabytes(name: str, tmp_path: Path) -> None:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "x " * 5_000_000}}
    text = json.dumps(document) if name.endswith("json") else f"a: {'x ' * 5_000_000}"
    if name.endswith("yaml"):
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{{text}}}\n"
    (tmp_path / name).write_text(text)
    done = scan(tmp_path)
    assert done.returncode in (0, 1), done.stderr.decode()[-2000:]
    assert json.loads(done.stdout)["summary"]["resources"] == 1


def test_a_list_with_many_items_of_one_name_stays_linear(tmp_path: Path) -> None:
    ports = ", ".join(["{containerPort: 1, hostPort: 1}"] * 20_000)
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: a, ports: [{ports}]}}]}}\n"
    (tmp_path / "ports.yaml").write_text(text)
    assert scan(tmp_path).returncode in (0, 1)
