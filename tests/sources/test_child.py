"""Children: every bound holds, and nothing of the person's surroundings reaches them."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from seawall.sources import child
from seawall.sources.child import Bounds, ChildFailed

PYTHON = [sys.executable, "-I", "-S", "-c"]


def run(code: str, bounds: Bounds | None = None, *, network: bool = True) -> child.Finished:
    return child.run([*PYTHON, code], bounds or Bounds(), child.environment("/"), network=network)


def test_output_and_code() -> None:
    done = run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (done.code, done.out, done.err) == (3, b"out\n", b"err\n")


@pytest.mark.parametrize(
    ("code", "seconds", "message"),
    [
        # A busy machine may take long to give it a second of its time.
        ("while True: pass", 300.0, "used more than 1 s of CPU"),
        ("import time; time.sleep(60)", 3.0, "ran longer than 3 s"),
        ("import os\nos.close(1); os.close(2)\nimport time; time.sleep(60)", 3.0, "ran longer than 3 s"),
        ("while True: print('x' * 100000)", 300.0, "wrote more than 1 MiB"),
        ("import os; os.kill(os.getpid(), 11)", 300.0, "died of SIGSEGV"),
    ],
)
def test_bounds(code: str, seconds: float, message: str) -> None:
    with pytest.raises(ChildFailed, match=message):
        run(code, Bounds(cpu=1, seconds=seconds, output=1 << 20))


def test_memory_and_files() -> None:
    assert run("x = 'x' * (1 << 30)", Bounds(memory=512 << 20)).code == 1
    with pytest.raises(ChildFailed, match="SIGXFSZ"):
        run(
            "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
            "import tempfile; tempfile.TemporaryFile(dir='/tmp').write(b'x' * (2 << 20))",
            Bounds(output=1 << 20),
        )


def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    code = (
        f"import subprocess; p = subprocess.Popen(['/bin/sleep', '60']); open('{tmp_path}/pid', 'w').write(str(p.pid))"
    )
    with pytest.raises(ChildFailed, match="ran longer"):
        run(f"{code}\nimport time; time.sleep(60)", Bounds(seconds=2.0))
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(pid, 0)
            threading.Event().wait(0.05)


def test_the_environment_is_bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("KUBECONFIG", "/root/.kube/config")
    out = run("import os; print(sorted(os.environ))").out.decode()
    assert "AWS" not in out and "KUBECONFIG" not in out


def test_there_is_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2); print('reached')"
        assert run(code, network=True).out == b"reached\n"
        if run("import os; print(os.readlink('/proc/self/ns/net'))", network=False).out.decode().strip() == os.readlink(
            "/proc/self/ns/net"
        ):
            pytest.skip("this kernel gives us no network namespace")
        assert run(code, network=False).out == b""


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(ChildFailed, match="cannot be started"):
        child.run(["/nonexistent"], Bounds(), {})
