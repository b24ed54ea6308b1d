"""Escapes shown for real, as far as is safe: in namespaces of their own, where a process and a folder are the "node".

What a step needs is what the kernel asks for: each test has the case in which the kernel refuses, too.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SPACES = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc")
DROP = "setpriv --bounding-set=-all --inh-caps=-all"
#: What the code of every test has at hand. `node` is a process that stands for one of the node: it has a file in a file
#: system that only it sees.
HELPERS = """
import ctypes, os, socket, subprocess, sys, tempfile, time
libc = ctypes.CDLL(None, use_errno=True)
def run(*words):
    return subprocess.run(words, capture_output=True, text=True)
def tried(*words):
    done = run(*words)
    return done.stdout.strip() if done.returncode == 0 else "refused"
def node():
    code = ("mount -t tmpfs none /mnt && echo the-key > /mnt/key && echo ready && exec sleep 60")
    made = subprocess.Popen(["unshare", "--mount", "sh", "-c", code], stdout=subprocess.PIPE, text=True,
                            env={**os.environ, "PASSWORD": "in-the-environment"})
    assert made.stdout.readline() == "ready\\n"
    # While a program is being replaced by the next its environment reads as empty.
    for _ in range(2000):
        if open(f"/proc/{made.pid}/comm").read() == "sleep\\n" and open(f"/proc/{made.pid}/environ").read():
            return str(made.pid)
        time.sleep(0.005)
    sys.exit("the process that stands for the node never came to its sleep")
"""


def inside(code: str, *arguments: str) -> list[str]:
    """The lines that code prints in namespaces of its own, as their root."""
    if sys.platform != "linux" or any(shutil.which(each) is None for each in ("unshare", "setpriv", "nsenter")):
        pytest.skip("no unshare, setpriv or nsenter (util-linux) here")
    probe = subprocess.run([*SPACES, "true"], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"user namespaces are not permitted here: {probe.stderr.strip()}")
    text = HELPERS + textwrap.dedent(code)
    done = subprocess.run([*SPACES, sys.executable, "-c", text, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_shared_process_namespace_shows_files_and_variables_of_the_neighbour() -> None:
    """share-process-namespace, host-pid-neighbour: /proc/PID/root and environ of an equal."""
    lines = inside(f"""
        pid = node()
        print(os.path.exists("/mnt/key"))
        print(tried("cat", f"/proc/{{pid}}/root/mnt/key"))
        print("in-the-environment" in tried("cat", f"/proc/{{pid}}/environ"))
        print(tried(*"{DROP}".split(), "cat", f"/proc/{{pid}}/root/mnt/key"))
    """)
    assert lines == ["False", "the-key", "True", "refused"]


def test_a_user_namespace_keeps_its_root_out_of_processes_beside_it() -> None:
    """Why hostUsers: false cuts the steps by /proc, ptrace and nsenter: capabilities count in one's own namespace."""
    lines = inside("""
        pid = node()
        own = ("unshare", "--user", "--map-root-user")
        print(tried(*own, "sh", "-c", "id -u"))
        print(tried(*own, "cat", f"/proc/{pid}/root/mnt/key"))
        print(tried(*own, "nsenter", "-t", pid, "-m", "cat", "/mnt/key"))
    """)
    assert lines == ["0", "refused", "refused"]


def test_nsenter_needs_both_capabilities() -> None:
    """escape-nsenter: SYS_PTRACE to look at the process's namespaces, SYS_ADMIN (and SYS_CHROOT) to enter them."""
    lines = inside("""
        pid = node()
        enter = ("nsenter", "-t", pid, "-m", "cat", "/mnt/key")
        print(tried(*enter))
        for kept in ("-sys_admin", "-sys_ptrace"):
            print(tried("setpriv", f"--bounding-set={kept}", f"--inh-caps={kept}", *enter))
    """)
    assert lines == ["the-key", "refused", "refused"]


def test_ptrace_needs_its_capability() -> None:
    """escape-ptrace: attaching to a process with more capabilities than one's own takes SYS_PTRACE."""
    attach = "import ctypes, sys; sys.exit(ctypes.CDLL(None).ptrace(16, int(sys.argv[1]), 0, 0) != 0)"
    lines = inside(
        """
        attach = (sys.executable, "-c", sys.argv[1], node())
        without = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
        print(run(*attach).returncode, run(*without, *attach).returncode)
        """,
        attach,
    )
    assert lines == ["0 1"]


def test_a_writable_mount_changes_what_the_node_runs_and_a_read_only_one_does_not(tmp_path: Path) -> None:
    """host-write: a bind mount is the node's own folder; read-only is kept by the kernel, also from root."""
    (tmp_path / "cron.d").mkdir()
    lines = inside(
        """
        work = tempfile.mkdtemp()
        for name, options in (("rw", "bind"), ("ro", "bind,ro")):
            os.mkdir(f"{work}/{name}")
            subprocess.run(["mount", "--bind", f"{sys.argv[1]}/cron.d", f"{work}/{name}"], check=True)
            if name == "ro":
                subprocess.run(["mount", "-o", "remount,bind,ro", f"{work}/{name}"], check=True)
            try:
                open(f"{work}/{name}/{name}", "w").write("* * * * * root id")
                print("written")
            except OSError as error:
                print(error.strerror)
        """,
        str(tmp_path),
    )
    assert lines == ["written", "Read-only file system"]
    assert [each.name for each in (tmp_path / "cron.d").iterdir()] == ["rw"]


def test_a_read_only_mount_lets_one_connect_to_a_socket_in_it(tmp_path: Path) -> None:
    """runtime-socket-*: to connect is not to write to the file system."""
    (tmp_path / "run").mkdir()
    lines = inside(
        """
        server = socket.socket(socket.AF_UNIX)
        os.chdir(f"{sys.argv[1]}/run")
        server.bind("docker.sock")
        server.listen()
        work = tempfile.mkdtemp()
        subprocess.run(["mount", "--bind", f"{sys.argv[1]}/run", work], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", work], check=True)
        os.chdir(work)
        try:
            open("new", "w")
        except OSError as error:
            print(error.strerror)
        client = socket.socket(socket.AF_UNIX)
        client.connect("docker.sock")
        print("connected")
        """,
        str(tmp_path),
    )
    assert lines == ["Read-only file system", "connected"]


def test_a_link_in_the_logs_makes_the_kubelet_read_another_file(tmp_path: Path) -> None:
    """var-log-symlink: who reads the log follows the link in the node's file system, not the container's."""
    (tmp_path / "log").mkdir()
    (tmp_path / "shadow").write_text("root:hash")
    lines = inside(
        """
        work = tempfile.mkdtemp()
        os.mkdir(f"{work}/log")
        subprocess.run(["mount", "--bind", f"{sys.argv[1]}/log", f"{work}/log"], check=True)
        os.chroot(work)
        os.chdir("/")
        print(os.path.exists(f"{sys.argv[1]}/shadow"))
        os.symlink("../shadow", "/log/0.log")
        print(os.path.exists("/log/0.log"))
        """,
        str(tmp_path),
    )
    assert lines == ["False", "False"]
    assert (tmp_path / "log" / "0.log").read_text() == "root:hash"


def test_files_are_opened_by_handle_out_of_a_chroot_with_the_capability_alone(tmp_path: Path) -> None:
    """escape-open-by-handle: a handle opens any file of the file system, whatever part of it one sees."""
    (tmp_path / "jail").mkdir()
    (tmp_path / "key").write_text("the-key")
    code = """
import ctypes, os, sys
class Handle(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]
libc = ctypes.CDLL(None, use_errno=True)
handle, mount = Handle(size=128), ctypes.c_int()
if libc.name_to_handle_at(-100, f"{sys.argv[1]}/key".encode(), ctypes.byref(handle), ctypes.byref(mount), 0):
    sys.exit(f"no handles: {os.strerror(ctypes.get_errno())}")
os.chroot(f"{sys.argv[1]}/jail"); os.chdir("/")
place = os.open("/", os.O_RDONLY)
opened = libc.open_by_handle_at(place, ctypes.byref(handle), os.O_RDONLY)
print(os.read(opened, 99).decode() if opened >= 0 else os.strerror(ctypes.get_errno()))
"""
    words = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode or done.stdout != "the-key\n":
        pytest.skip(f"no root, no capability or no handles here: {done.stderr.strip() or done.stdout.strip()}")
    without = ["setpriv", "--bounding-set=-dac_read_search", "--inh-caps=-dac_read_search"]
    assert subprocess.run([*without, *words], capture_output=True, text=True).stdout == "Operation not permitted\n"
