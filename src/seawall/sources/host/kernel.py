"""What the kernel and the firmware tell: settings, mounts, modules, command line, protections."""

from __future__ import annotations

import os
import re

from seawall.model.facts import Host, HostSecurity, Mount
from seawall.sources.host.problems import Problems
from seawall.sources.host.processes import Proc
from seawall.sources.host.root import Absent, HostError, Root, text
from seawall.sources.host.scrub import scrub_argv

#: Settings that benchmarks and hardening guides ask for, as files below /proc/sys.
SYSCTLS = tuple(
    f"{folder}/{name}"
    for folder, names in {
        "kernel": "randomize_va_space kptr_restrict dmesg_restrict panic panic_on_oops keys/root_maxbytes "
        "keys/root_maxkeys yama/ptrace_scope unprivileged_bpf_disabled kexec_load_disabled sysrq perf_event_paranoid "
        "modules_disabled unprivileged_userns_clone apparmor_restrict_unprivileged_userns core_pattern "
        "io_uring_disabled core_uses_pid pid_max threads-max",
        "vm": "overcommit_memory panic_on_oom mmap_min_addr mmap_rnd_bits max_map_count unprivileged_userfaultfd "
        "swappiness",
        "fs": "protected_hardlinks protected_symlinks protected_fifos protected_regular suid_dumpable file-max "
        "inotify/max_user_watches inotify/max_user_instances",
        "user": "max_user_namespaces",
        "net/core": "bpf_jit_enable bpf_jit_harden somaxconn",
        "net/ipv4": "ip_forward conf/all/accept_redirects conf/default/accept_redirects conf/all/secure_redirects "
        "conf/all/send_redirects conf/default/send_redirects conf/all/accept_source_route conf/all/rp_filter "
        "conf/default/rp_filter conf/all/log_martians conf/all/route_localnet icmp_echo_ignore_broadcasts "
        "icmp_ignore_bogus_error_responses tcp_syncookies tcp_timestamps ip_unprivileged_port_start",
        "net/ipv6": "conf/all/forwarding conf/all/accept_redirects conf/default/accept_redirects "
        "conf/all/accept_source_route conf/all/accept_ra conf/default/accept_ra conf/all/disable_ipv6",
        "net/bridge": "bridge-nf-call-iptables bridge-nf-call-ip6tables",
    }.items()
    for name in names.split()
)
_EFI = "/sys/firmware/efi/efivars"
_SECURE_BOOT = f"{_EFI}/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_MAX_MOUNTS = 10_000
_OCTAL = re.compile(r"\\([0-7]{3})")


def sysctls(proc: Proc, problems: Problems) -> dict[str, str]:
    """Kernel settings by name with dots. Those of the network are left out where they are not the host's."""
    found = {}
    foreign = _is_foreign_network(proc)
    if foreign:
        problems.add("sysctls.net", "the collection ran in a network namespace of its own: use the host's network")
    for path in SYSCTLS:
        name = path.replace("/", ".")
        if foreign and path.startswith("net/"):
            continue
        try:
            found[name] = proc.read(f"sys/{path}", 4096).decode("utf-8", "replace").strip()
        except Absent:
            continue
        except HostError as error:
            problems.add(f"sysctls.{name}", f"/proc/sys/{path}: {error}")
    return found


def _is_foreign_network(proc: Proc) -> bool:
    """Whether this process sees another network than the host's first process: their tables are different files."""
    own, first = proc.inode("self/net/tcp"), proc.inode("1/net/tcp")
    return bool(own and first and own != first)


def mounts(proc: Proc, problems: Problems) -> tuple[Mount, ...]:
    """The mounts of the host's first process."""
    try:
        content = proc.read("1/mounts", 4 << 20).decode("utf-8", "replace")
    except HostError as error:
        problems.add("mounts", f"/proc/1/mounts: {error}")
        return ()
    return parse_mounts(content)


def parse_mounts(content: str) -> tuple[Mount, ...]:
    """The lines of /proc/mounts; octal escapes are filled in, passwords in options are not kept."""
    found = []
    for line in content.splitlines()[:_MAX_MOUNTS]:
        fields = line.split(" ")
        if len(fields) < 4:
            continue
        source, target = (_OCTAL.sub(lambda match: chr(int(match[1], 8)), field) for field in fields[:2])
        options = tuple(each for each in fields[3].split(",") if not each.startswith(("password=", "pass=", "secret=")))
        found.append(Mount(target, source, fields[2], options))
    return tuple(found)


def modules(proc: Proc) -> tuple[str, ...]:
    """The names of the loaded modules, sorted."""
    return tuple(sorted({line.split(" ", 1)[0] for line in proc.text("modules").splitlines() if line}))


def host(root: Root, proc: Proc) -> Host:
    """The node: its name, distribution and kernel."""
    release = _release(root)
    version = proc.text("version").split()
    return Host(
        name=proc.text("sys/kernel/hostname").strip() if root.real else _first_line(root, "/etc/hostname"),
        os_id=release.get("ID", ""),
        os_version=release.get("VERSION_ID", ""),
        os_name=release.get("PRETTY_NAME", ""),
        kernel=version[2] if len(version) > 2 else "",
        architecture=os.uname().machine if proc.is_there else "",
        container=_is_container(root, proc),
        cmdline=scrub_argv(proc.text("cmdline").split(), 200),
    )


def _is_container(root: Root, proc: Proc) -> bool:
    """Whether these are the facts of a container: the root that was read has the marks that runtimes leave in one."""
    for path in ("/.dockerenv", "/run/.containerenv"):
        try:
            root.entry(path)
        except HostError:
            continue
        return True
    return root.real and ("kubepods" in proc.text("1/cgroup") or "KUBERNETES_SERVICE_HOST" in os.environ)


def _release(root: Root) -> dict[str, str]:
    from seawall.sources.host.units import parse_environment

    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            return parse_environment(root.read(path, 65536))
        except HostError:
            continue
    return {}


def _first_line(root: Root, path: str) -> str:
    return kernel_text(root, path).partition("\n")[0]


def kernel_text(root: Root, path: str) -> str:
    """A small file as text without the white space around it; empty where it cannot be had."""
    try:
        return text(root.read(path, 1 << 20).decode("utf-8", "replace")).strip()
    except HostError:
        return ""


def security(root: Root, proc: Proc, settings: dict[str, str], problems: Problems) -> HostSecurity:
    """Protections that are on; None where nothing tells."""
    limit = settings.get("user.max_user_namespaces", "")
    apparmor = kernel_text(root, "/sys/module/apparmor/parameters/enabled")
    return HostSecurity(
        selinux=_selinux(root),
        apparmor=apparmor == "Y" if apparmor else (False if kernel_text(root, "/sys/kernel/uevent_seqnum") else None),
        apparmor_profiles=_profiles(root, problems) if apparmor == "Y" else None,
        seccomp=_seccomp(proc),
        secure_boot=_secure_boot(root, problems),
        tpm=_tpm(root),
        lockdown=_lockdown(root),
        userns_limit=int(limit) if limit.isdecimal() else None,
    )


def _selinux(root: Root) -> str | None:
    enforce = kernel_text(root, "/sys/fs/selinux/enforce")
    if enforce:
        return "enforcing" if enforce == "1" else "permissive"
    return "disabled" if kernel_text(root, "/sys/kernel/uevent_seqnum") else None


def _profiles(root: Root, problems: Problems) -> int | None:
    path = "/sys/kernel/security/apparmor/profiles"
    try:
        return root.read(path).count(b"\n")
    except HostError as error:
        problems.add("security.apparmor_profiles", f"{path} {error}")
        return None


def _seccomp(proc: Proc) -> bool | None:
    status = proc.text("1/status") or proc.text("self/status")
    return "\nSeccomp:" in status if status else None


def _secure_boot(root: Root, problems: Problems) -> bool | None:
    try:
        data = root.read(_SECURE_BOOT, 4096)
    except Absent:
        return None
    except HostError as error:
        problems.add("security.secure_boot", f"{_SECURE_BOOT} {error}")
        return None
    return data[4] == 1 if len(data) > 4 else None


def _tpm(root: Root) -> str | None:
    major = kernel_text(root, "/sys/class/tpm/tpm0/tpm_version_major")
    if major:
        return "2.0" if major == "2" else "1.2"
    try:
        return "" if not root.names("/sys/class/tpm") else "unknown"
    except HostError:
        return None


def _lockdown(root: Root) -> str | None:
    match = re.search(r"\[(\w+)\]", kernel_text(root, "/sys/kernel/security/lockdown"))
    return match[1] if match else None
