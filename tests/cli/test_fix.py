"""``seawall fix`` on files: what is written, how, and what is told."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from seawall.engine.rewrite import write_file
from tests.conftest import Run

POD = """\
# A pod.
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop}
spec:
  hostPID: true   # for the agent
  containers:
  - name: a
    image: k8s.gcr.io/pause:3.5   # frozen
"""
SAFE = POD.replace("k8s.gcr.io", "registry.k8s.io") + (
    "    securityContext:\n      allowPrivilegeEscalation: false\n      seccompProfile:\n        type: RuntimeDefault\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pod.yaml"
    path.write_text(POD)
    return path


def test_safe_fixes_are_written_and_told(run: Run, file: Path) -> None:
    file.chmod(0o640)
    done = run("fix", file.name, cwd=file.parent)
    assert file.read_text() == SAFE
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert "pod.yaml:9: deprecated-registry (medium): set spec.containers[0].image" in done.stdout
    assert "3 findings fixed in 1 file" in done.stdout
    assert "host-pid: a program made for the node's own view" in done.stdout
    assert done.returncode == 1  # host-pid is high, and stays
    assert sorted(os.listdir(file.parent)) == ["pod.yaml"]
    assert run("fix", "pod.yaml", "--fail-on", "critical", cwd=file.parent).returncode == 0
    assert file.read_text() == SAFE


def test_unsafe_fixes_need_a_word(run: Run, file: Path) -> None:
    done = run("fix", str(file), "--unsafe", "--rule", "host-pid")
    assert file.read_text() == POD.replace("hostPID: true", "hostPID: false")
    assert done.returncode == 0


def test_nothing_is_written_in_a_dry_run(run: Run, file: Path) -> None:
    done = run("fix", str(file), "--dry-run")
    assert "3 findings would be fixed in 1 file" in done.stdout
    assert file.read_text() == POD


@pytest.mark.parametrize("name", ["pod.yaml", "with space.yaml", "Ünïcode 'quoted\".yaml"])
@pytest.mark.parametrize("text", [POD, POD.rstrip("\n"), POD.replace("\n", "\r\n")])
def test_git_applies_the_patch(run: Run, tmp_path: Path, name: str, text: str) -> None:
    folder = tmp_path / "deploy"
    folder.mkdir()
    path = folder / name
    path.write_bytes(text.encode())
    done = subprocess.run(
        [sys.executable, "-m", "seawall", "fix", "deploy", "--format", "patch"], capture_output=True, cwd=tmp_path
    )
    assert path.read_bytes() == text.encode()
    patch = tmp_path / "fix.patch"
    patch.write_bytes(done.stdout)
    git = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PATH": os.environ["PATH"]}
    for command in (["git", "init", "-q"], ["git", "apply", "--whitespace=nowarn", "fix.patch"]):
        subprocess.run(command, cwd=tmp_path, check=True, env=git)
    patched = path.read_bytes()
    path.write_bytes(text.encode())
    run("fix", str(path))
    assert patched == path.read_bytes() != text.encode()


def test_findings_tell_their_fix(run: Run, file: Path) -> None:
    done = run("fix", str(file), "--dry-run", "--format", "json")
    findings = json.loads(done.stdout)["findings"]
    fixed = {each["rule"]: each for each in findings if each["status"] == "fixed"}
    assert fixed["deprecated-registry"]["fix"] == {
        "type": "patch",
        "changes": [{"op": "set", "path": "spec.containers[0].image", "value": "registry.k8s.io/pause:3.5"}],
        "caution": "",
    }
    assert {each["rule"] for each in findings if each["status"] == "open"} >= {"host-pid"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_encoding_stays(run: Run, file: Path, encoding: str) -> None:
    file.write_bytes(POD.replace("\n", "\r\n").encode(encoding))
    run("fix", str(file))
    assert file.read_bytes() == SAFE.replace("\n", "\r\n").encode(encoding)
    if encoding == "utf-16":
        file.write_bytes(POD.encode(encoding))
        done = run("fix", str(file), "--format", "patch")
        assert (done.returncode, "is not UTF-8" in done.stderr) == (2, True)


def test_json_and_lists_are_edited_too(run: Run, tmp_path: Path) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "é"}, "spec": {"hostPID": True, "containers": []}}
    path = tmp_path / "list.json"
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod, pod]}, indent=4, ensure_ascii=False)
    path.write_text(text)
    run("fix", str(path), "--unsafe", "--rule", "host-pid")
    assert path.read_text() == text.replace('"hostPID": true', '"hostPID": false')
    listed = tmp_path / "list.yaml"
    item = POD.partition("\n")[2].replace("\n", "\n  ").rstrip(" ")
    listed.write_text(f"apiVersion: v1\nkind: List\nitems:\n- {item}")
    before = listed.read_text()
    run("fix", str(listed), "--unsafe", "--rule", "host-pid")
    assert listed.read_text() == before.replace("hostPID: true", "hostPID: false")


def test_standard_input_leaves_by_standard_output(run: Run) -> None:
    done = run("fix", "-", stdin=POD.encode())
    assert done.stdout == SAFE
    assert "3 findings fixed" in done.stderr
    assert run("fix", "-", stdin=SAFE.encode()).stdout == SAFE


def test_a_link_stays_a_link(run: Run, file: Path) -> None:
    link = file.with_name("link.yaml")
    link.symlink_to(file.name)
    run("fix", str(link))
    assert link.is_symlink()
    assert file.read_text() == SAFE


def test_several_names_of_a_file_are_left_alone(run: Run, file: Path) -> None:
    os.link(file, file.with_name("other.yml"))
    done = run("fix", str(file))
    assert (done.returncode, file.read_text()) == (2, POD)
    assert "has several names" in done.stderr


def test_a_file_that_changed_meanwhile_is_left_alone(file: Path) -> None:
    problem = write_file(str(file), b"something else", b"new")
    assert problem is not None
    assert "changed meanwhile" in problem.message
    assert file.read_text() == POD


def test_wrong_usage_is_told(run: Run, file: Path) -> None:
    for arguments, told in (
        (["--rule", "nothing"], "no rule is called 'nothing'"),
        (["--rule", "liveness-probe"], "has no fix"),
        (["--interactive"], "--interactive asks on a terminal"),
        (["--format", "cake"], "there is no format 'cake'"),
    ):
        done = run("fix", str(file), *arguments)
        assert (done.returncode, told in done.stderr, file.read_text()) == (2, True, POD), done.stderr


def test_unreadable_files_are_told_and_others_fixed(run: Run, file: Path) -> None:
    file.with_name("broken.yaml").write_text("a: [")
    done = run("fix", str(file.parent))
    assert (done.returncode, file.read_text()) == (2, SAFE)
    assert "broken.yaml" in done.stderr


@pytest.mark.parametrize(
    ("answers", "expected"),
    [("q\n", POD), ("n\nn\nn\nq\n", POD), ("a\nq\n", SAFE)],
)
def test_each_fix_is_asked_for(file: Path, answers: str, expected: str) -> None:
    said = _on_terminal(
        [
            str(file),
            "--interactive",
            "--rule",
            "deprecated-registry",
            "--rule",
            "seccomp-profile",
            "--rule",
            "allow-privilege-escalation",
        ],
        answers,
    )
    assert "fix this?" in said
    assert re.search(r"^\+ +allowPrivilegeEscalation: false", said, re.MULTILINE)
    assert file.read_text() == expected


def test_fixes_that_can_break_are_asked_for_with_a_word_of_care(file: Path) -> None:
    said = _on_terminal([str(file), "--interactive", "--rule", "host-pid"], "y\n")
    assert "take care: a program made for the node" in said
    assert file.read_text() == POD.replace("hostPID: true", "hostPID: false")


def _on_terminal(arguments: list[str], answers: str) -> str:
    """What is said on a terminal where the answers are typed; fails where it takes over a minute."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "seawall", "fix", *arguments], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    waiting = answers.splitlines(keepends=True)
    asked = 0
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([ours], [], [], 1)[0]:
            continue
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        said += part
        while waiting and said.count(b"uit: ") > asked:
            os.write(ours, waiting.pop(0).encode())
            asked += 1
    os.close(ours)
    assert process.wait(timeout=10) in (0, 1), said.decode()
    return said.decode().replace("\r\n", "\n")


def test_what_could_not_be_written_is_not_told_as_fixed(run: Run, tmp_path: Path) -> None:
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: shop}\n"
        "spec: {containers: [{name: a, image: 'registry.example.com/a:1'}]}\n"
    )
    (tmp_path / "one.yaml").write_text(pod % "one")
    (tmp_path / "two.yaml").write_text(pod % "two")
    (tmp_path / "other.txt").hardlink_to(tmp_path / "two.yaml")
    done = run(
        "fix", ".", "--rule", "seccomp-profile", "--format", "json=out.json", "--format", "terminal", cwd=tmp_path
    )
    assert done.returncode == 2
    assert "two.yaml: has several names" in done.stderr
    assert "1 finding fixed in 1 file" in done.stdout
    found = json.loads((tmp_path / "out.json").read_text())["findings"]
    states = {each["resource"]["name"]: each["status"] for each in found if each["rule"] == "seccomp-profile"}
    assert states == {"one": "fixed", "two": "open"}
    assert (tmp_path / "two.yaml").read_text() == pod % "two"


BASE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
      - {name: cart, image: "registry.example.com/cart:1.4.2"}
"""


def _folder(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_overlays_get_patches_that_kustomize_takes(run: Run, tmp_path: Path, rendered: Any) -> None:
    _folder(
        tmp_path,
        {
            "base/kustomization.yaml": "resources: [d.yaml]\n",
            "base/d.yaml": BASE,
            "prod/kustomization.yaml": "namePrefix: prod-\nnamespace: shop\nresources: [../base]\n",
        },
    )
    done = run("fix", "prod", cwd=tmp_path)
    assert "2 findings of prod would go with:" in done.stdout
    assert (tmp_path / "base/d.yaml").read_text() == BASE
    text = done.stdout.partition("would go with:\n")[2].partition("\n")[2]
    lines = [line for line in text.splitlines() if not line.endswith("tells them")]
    _folder(tmp_path, {"mend/kustomization.yaml": "\n".join(lines).replace("- prod", "- ../prod") + "\n"})
    objects = rendered(tmp_path / "mend")
    context = objects[0]["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    assert context == {"allowPrivilegeEscalation": False, "seccompProfile": {"type": "RuntimeDefault"}}


def test_one_fix_that_uncovers_a_lesser_finding_does_not_hold_back_the_others(
    run: Run, tmp_path: Path, rendered: Any
) -> None:
    """Without the node's network the pod has no network policy: a lesser finding, but worse than other fixes."""
    _folder(
        tmp_path,
        {
            "prod/kustomization.yaml": "namespace: shop\nresources: [d.yaml]\n",
            "prod/d.yaml": BASE.replace("      containers", "      hostNetwork: true\n      containers"),
        },
    )
    done = run("fix", "prod", "--unsafe", cwd=tmp_path)
    assert "would bring" not in done.stdout
    assert "path: /spec/template/spec/hostNetwork" in done.stdout
    assert "path: /spec/template/spec/automountServiceAccountToken" in done.stdout


@pytest.fixture
def rendered() -> Any:
    """Renders an overlay with the program at hand."""
    program = shutil.which("kustomize") or shutil.which("kubectl")
    if program is None:
        pytest.skip("no kustomize and no kubectl")
    command = [program, "build" if program.endswith("kustomize") else "kustomize"]

    def call(folder: Path) -> list[Any]:
        done = subprocess.run([*command, str(folder)], capture_output=True, check=True)
        return list(yaml.load_all(done.stdout, yaml.CSafeLoader))

    return call


def test_charts_get_values_that_were_rendered(run: Run, tmp_path: Path) -> None:
    template = """\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  hostPID: {{ .Values.hostPID }}
  hostIPC: {{ or .Values.hostIPC true }}
  containers:
  - name: a
    image: registry.example.com/a:1
"""
    _folder(
        tmp_path,
        {
            "c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
            "c/values.yaml": "hostPID: true\nhostIPC: true\n",
            "c/templates/d.yaml": template,
        },
    )
    done = run("fix", "c", "--unsafe", "--rule", "host-pid", "--rule", "host-ipc", cwd=tmp_path)
    if "needs rendering" in done.stderr:
        pytest.skip("no Helm")
    assert "1 finding of c would go with:\n# values of the chart c\nhostPID: false\n" in done.stdout
    assert "by hand, in c/templates/d.yaml:6: set spec.hostIPC to false of Pod a" in done.stdout
    assert (tmp_path / "c/templates/d.yaml").read_text() == template
