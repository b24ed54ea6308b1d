"""How packages of distributions are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.buildfiles.asking import brief, calls, runs, shown, stage_at
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.buildfile import BuildFile, Instruction
    from seawall.model.rule import Context

_APT = "https://docs.docker.com/build/building/best-practices/#apt-get"
_UPDATES = {
    "apt-get": ("update",),
    "apt": ("update",),
    "apk": ("update",),
    "yum": ("update", "makecache"),
    "dnf": ("makecache",),
}
_INSTALLS = frozenset(
    [
        "install",
        "add",
        "upgrade",
        "dist-upgrade",
        "full-upgrade",
        "build-dep",
        "source",
        "download",
        "reinstall",
        "groupinstall",
    ]
)
_MANAGERS = ("apt-get", "apt", "aptitude", "apk", "yum", "dnf", "microdnf", "zypper")


def _installs(made: Instruction) -> bool:
    """Whether a RUN installs packages, or starts a script, which may."""
    for command in made.commands:
        if command.program in _MANAGERS and _INSTALLS.intersection(command.words):
            return True
        name = command.program
        if name.endswith((".sh", ".py", ".pl")) or name in (
            "mk-build-deps",
            "gdebi",
            "make",
            "ansible-playbook",
            "apk-install",
        ):
            return True
        if name in ("sh", "bash") and any(word.endswith(".sh") for word in command.arguments):
            return True
    return False


@rule(
    "build-update-alone",
    title="Package lists are updated in a layer of their own",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The layer with the lists comes from the cache: later builds install old packages, with flaws that are known.",
    remediation="Update and install in one RUN.",
    controls="cis-docker-1.7:4.7",
    aliases="DS-0017 CKV_DOCKER_5",
    references=(_APT,),
)
def build_update_alone(file: BuildFile, ctx: Context) -> Hits:
    for call in calls(file, "apt-get", "apt", "apk"):
        if call.action in _UPDATES[call.manager] and not _installs(call.ran.made) and len(call.operands) == 0:
            yield Hit(f"runs {brief(call.ran.command)} and installs nothing", call.ran.path)


@rule(
    "build-apt-asks",
    title="apt-get install without -y",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="apt-get asks, nobody answers, and the build fails.",
    remediation="Add -y.",
    aliases="DL3014 DS-0021",
    references=(_APT,),
    default=False,
)
def build_apt_asks(file: BuildFile, ctx: Context) -> Hits:
    for call in calls(file, "apt-get", "apt"):
        if call.action == "install" and not _agrees(call.options):
            yield Hit(f"runs {brief(call.ran.command)}", call.ran.path)


def _agrees(options: tuple[str, ...]) -> bool:
    for option in options:
        if option in ("--yes", "--assume-yes", "-qq", "--quiet=2", "-q=2", "--force-yes", "--quiet --quiet"):
            return True
        if option[:1] == "-" != option[1:2] and ("y" in option or option.count("q") > 1):
            return True
        if "Assume-Yes" in option and option.rstrip("\"'").endswith(("true", "1", "yes")):
            return True
    return sum(option in ("-q", "--quiet") for option in options) > 1


@rule(
    "build-yum-asks",
    title="yum, dnf or zypper installs without -y",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The program asks, nobody answers, and the build fails.",
    remediation="Add -y (of zypper: -n).",
    aliases="DL3030 DL3034 DL3038",
    references=("https://docs.docker.com/build/building/best-practices/",),
    default=False,
)
def build_yum_asks(file: BuildFile, ctx: Context) -> Hits:
    for call in calls(file, "yum", "dnf", "microdnf"):
        if call.action in ("install", "groupinstall", "localinstall", "reinstall") and not call.has(
            "-y", "--assumeyes"
        ):
            yield Hit(f"runs {brief(call.ran.command)}", call.ran.path)
    for call in calls(file, "zypper"):
        if call.action in ("install", "in", "remove", "rm", "source-install", "si", "patch") and not call.has(
            "-n", "--non-interactive", "-y", "--no-confirm"
        ):
            yield Hit(f"runs {brief(call.ran.command)}", call.ran.path)


@rule(
    "build-recommended-packages",
    title="apt-get installs what is only recommended",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="The image holds programs that nobody asked for: each can have flaws, and is a tool of whoever gets in.",
    remediation="Add --no-install-recommends.",
    controls="cis-docker-1.7:4.3",
    aliases="DL3015 DS-0029",
    references=(_APT,),
    default=False,
)
def build_recommended_packages(file: BuildFile, ctx: Context) -> Hits:
    for call in calls(file, "apt-get", "apt"):
        off = call.has("--no-install-recommends") or any(
            "Install-Recommends" in option and option.rstrip("\"'").endswith(("false", "0", "no"))
            for option in call.options
        )
        if call.action == "install" and not off:
            yield Hit(f"runs {brief(call.ran.command)}", call.ran.path)


@rule(
    "build-package-lists-left",
    title="Lists of packages are left in the image",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="They make the image larger, and tell whoever gets in what can be installed.",
    remediation="Delete them in the same RUN: rm -rf /var/lib/apt/lists/*, or mount a cache there.",
    aliases="DL3009",
    references=(_APT,),
    default=False,
)
def build_package_lists_left(file: BuildFile, ctx: Context) -> Hits:
    for call in calls(file, "apt-get", "apt"):
        made = call.ran.made
        if call.action != "update" or (made.stage >= 0 and not stage_at(file, made.stage).reached):
            continue
        cached = any(flag.name == "mount" and "/var/lib/apt" in flag.value for flag in made.flags)
        if not cached and not _clears(made, "/var/lib/apt"):
            yield Hit("does not delete /var/lib/apt/lists", call.ran.path)


def _clears(made: Instruction, folder: str) -> bool:
    return any(
        command.program in ("rm", "find")
        and any(word.startswith((folder, "/var/lib/*", "/var/lib/{")) for word in command.arguments)
        for command in made.commands
    )


@rule(
    "build-apt-for-people",
    title="apt instead of apt-get",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="apt is for people: what it prints and takes changes between releases, and builds break.",
    remediation="Write apt-get or apt-cache.",
    aliases="DL3027 CKV_DOCKER_9",
    references=("https://manpages.debian.org/apt.8",),
    default=False,
)
def build_apt_for_people(file: BuildFile, ctx: Context) -> Hits:
    for ran in runs(file, "apt"):
        yield Hit(f"runs {brief(ran.command)}", ran.path)


@rule(
    "build-release-upgrade",
    title="Build upgrades the whole distribution",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="What is in the image depends on the day; a dist-upgrade may remove packages, and nobody tested the base "
    "image with it.",
    remediation="Take a newer base image.",
    aliases="DL3005 DL3035 DS-0024",
    references=(_APT,),
    default=False,
)
def build_release_upgrade(file: BuildFile, ctx: Context) -> Hits:
    for call in calls(file, "apt-get", "apt", "zypper"):
        if call.action in ("dist-upgrade", "full-upgrade", "dup"):
            yield Hit(f"runs {brief(call.ran.command)}", call.ran.path)


@rule(
    "build-package-cache-left",
    title="Cache of a package manager is left in the image",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="It makes the image larger, and its scans and pulls slower.",
    remediation="apk add --no-cache; dnf clean all, yum clean all, zypper clean in the same RUN; or mount a cache.",
    aliases="DL3019 DL3032 DL3036 DL3040 DS-0015 DS-0019 DS-0020 DS-0025",
    references=("https://docs.docker.com/build/building/best-practices/",),
    default=False,
)
def build_package_cache_left(file: BuildFile, ctx: Context) -> Hits:
    seen: set[tuple[int, str]] = set()
    for call in calls(file, "apk", "yum", "dnf", "microdnf", "zypper"):
        made = call.ran.made
        if call.manager == "apk":
            left = call.action == "add" and not call.has("--no-cache") and not _mounts(made, "/apk")
        else:
            left = call.action in (
                "install",
                "in",
                "update",
                "upgrade",
                "groupinstall",
                "localinstall",
            ) and not _cleans(made)
        if left and (call.ran.number, call.manager) not in seen:
            seen.add((call.ran.number, call.manager))
            yield Hit(f"{call.manager} leaves its cache", call.ran.path)


def _mounts(made: Instruction, folder: str) -> bool:
    return any(flag.name == "mount" and folder in flag.value for flag in made.flags)


def _cleans(made: Instruction) -> bool:
    if any(flag.name == "mount" and "type=cache" in flag.value for flag in made.flags):
        return True
    for command in made.commands:
        if command.program in ("yum", "dnf", "microdnf", "zypper") and {"clean", "cc"}.intersection(command.words):
            return True
        if command.program == "rm" and any(
            word.startswith(("/var/cache", "/var/cache/")) for word in command.arguments
        ):
            return True
    return False


@rule(
    "build-unpinned-packages",
    title="Packages without a version",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="Dockerfile",
    why="What is in the image depends on the day that it was built.",
    remediation="Name versions, or better build on a snapshot: base image by digest, repository by date.",
    aliases="DL3008 DL3018 DL3033 DL3037 DL3041",
    references=(_APT,),
    default=False,
    notes="A convention that many do not share: distributions delete old versions, and builds break.",
)
def build_unpinned_packages(file: BuildFile, ctx: Context) -> Hits:
    for call in calls(file, *_MANAGERS):
        if call.action not in ("install", "add", "in"):
            continue
        loose = [name for name in call.operands if _is_loose(call.manager, name)]
        if loose:
            yield Hit(
                f"installs {shown(loose[0])}{f' and {len(loose) - 1} more' * (len(loose) > 1)} without a version",
                call.ran.path,
            )


def _is_loose(manager: str, name: str) -> bool:
    if (
        name.startswith(("/", "http:", "https:", "$", ".", "@"))
        or name.endswith((".deb", ".rpm", ".apk"))
        or "$" in name
    ):
        return False
    if manager in ("apt-get", "apt", "aptitude"):
        return "=" not in name and "/" not in name
    if manager == "apk":
        return not any(sign in name for sign in "=<>~")
    if manager == "zypper":
        return not any(sign in name for sign in "=<>")
    return "-" not in name or not any(part[:1].isdigit() for part in name.split("-")[1:])
