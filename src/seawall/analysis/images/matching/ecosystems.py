"""Which ecosystem's advisories a package is judged by."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from seawall.model.distro import DEBIAN_RELEASES
from seawall.model.images import OsRelease, Package

#: Types of package URLs, as OSV names their ecosystems.
_LANGUAGES = {
    "bitnami": "Bitnami",
    "cargo": "crates.io",
    "composer": "Packagist",
    "conan": "ConanCenter",
    "cran": "CRAN",
    "gem": "RubyGems",
    "github": "GitHub Actions",
    "githubactions": "GitHub Actions",
    "golang": "Go",
    "hackage": "Hackage",
    "hex": "Hex",
    "julia": "Julia",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pub": "Pub",
    "pypi": "PyPI",
    "swift": "SwiftURL",
}
_DISTRO_TYPES = frozenset({"deb", "apk", "rpm"})
_RPM = {
    "rhel": "Red Hat",
    "centos": "Red Hat",
    "rocky": "Rocky Linux",
    "almalinux": "AlmaLinux",
    "ol": "Oracle",
    "mageia": "Mageia",
}
#: The day of the last free fixes, as the distributions announce it.
_END = {
    "Debian:7": "2018-05-31", "Debian:8": "2020-06-30", "Debian:9": "2022-06-30", "Debian:10": "2024-06-30",
    "Debian:11": "2026-08-31", "Debian:12": "2028-06-30", "Debian:13": "2030-06-30",
    "Ubuntu:14.04": "2019-04-30", "Ubuntu:16.04": "2021-04-30", "Ubuntu:18.04": "2023-05-31",
    "Ubuntu:20.04": "2025-05-31", "Ubuntu:22.04": "2027-04-30", "Ubuntu:24.04": "2029-05-31",
    "Ubuntu:22.10": "2023-07-20", "Ubuntu:23.04": "2024-01-25", "Ubuntu:23.10": "2024-07-11",
    "Ubuntu:24.10": "2025-07-10", "Ubuntu:25.04": "2026-01-15",
    "Alpine:v3.8": "2020-05-01", "Alpine:v3.9": "2020-11-01", "Alpine:v3.10": "2021-05-01",
    "Alpine:v3.11": "2021-11-01", "Alpine:v3.12": "2022-05-01", "Alpine:v3.13": "2022-11-01",
    "Alpine:v3.14": "2023-05-01", "Alpine:v3.15": "2023-11-01", "Alpine:v3.16": "2024-05-23",
    "Alpine:v3.17": "2024-11-22", "Alpine:v3.18": "2025-05-09", "Alpine:v3.19": "2025-11-01",
    "Alpine:v3.20": "2026-04-01", "Alpine:v3.21": "2026-11-01", "Alpine:v3.22": "2027-05-01",
    "Red Hat:5": "2017-03-31", "Red Hat:6": "2020-11-30", "Red Hat:7": "2024-06-30", "Red Hat:8": "2029-05-31",
    "Red Hat:9": "2032-05-31", "Red Hat:10": "2035-05-31",
    "Rocky Linux:8": "2029-05-31", "Rocky Linux:9": "2032-05-31", "AlmaLinux:8": "2029-05-31",
    "AlmaLinux:9": "2032-05-31",
}  # fmt: skip
#: CentOS ended before the RHEL that its numbers are of.
_CENTOS_END = {"6": "2020-11-30", "7": "2024-06-30", "8": "2021-12-31"}


class Origin(NamedTuple):
    """An ecosystem, or the reason why there is none."""

    ecosystem: str
    reason: str = ""


def origin_of(package: Package, os: OsRelease | None) -> Origin:
    """The ecosystem of a package in an image with this distribution."""
    if package.type in _DISTRO_TYPES:
        return _distro(package.type, os)
    if ecosystem := _LANGUAGES.get(package.type):
        return Origin(ecosystem)
    return Origin("", f"there are no advisories for packages of type {package.type or 'unknown'}")


@lru_cache(maxsize=1024)
def _distro(type_: str, os: OsRelease | None) -> Origin:
    if os is None or not os.id:
        return Origin("", "the distribution is not known")
    ecosystem = {"deb": _deb, "apk": _apk, "rpm": _rpm}[type_](os)
    if ecosystem:
        return Origin(ecosystem)
    return Origin("", f"there are no advisories for {os.name or os.id} {os.version_id}".rstrip())


def _deb(os: OsRelease) -> str:
    if os.id == "ubuntu":
        return f"Ubuntu:{os.version_id}" if os.version_id else ""
    if os.id in ("debian", "raspbian"):
        number = os.version_id.partition(".")[0]
        if number.isdigit():
            return f"Debian:{number}"
        codename = os.codename or os.version_id.partition("/")[0]
        return f"Debian:{DEBIAN_RELEASES.get(codename, codename)}" if codename else ""
    return "Echo" if os.id == "echo" else ""


_ALPINE = re.compile(r"v?([0-9]+\.[0-9]+)(?P<rest>.*)")


def _apk(os: OsRelease) -> str:
    named = {"wolfi": "Wolfi", "chainguard": "Chainguard", "minimos": "MinimOS"}.get(os.id)
    if named:
        return named
    match = _ALPINE.match(os.version_id)
    if os.id != "alpine" or (match is None and os.version_id != "edge"):
        return ""
    return "Alpine:edge" if match is None or "_alpha" in match["rest"] else f"Alpine:v{match[1]}"


def _rpm(os: OsRelease) -> str:
    version = os.version_id
    major = version.partition(".")[0]
    if not major:
        return ""
    if name := _RPM.get(os.id):
        # CentOS Stream runs ahead of the RHEL whose number it has: its packages' releases mean other things.
        return "" if os.id == "centos" and "stream" in os.name.lower() else f"{name}:{major}"
    if os.id in ("sles", "sled", "sles_sap", "sle_hpc"):
        _, dot, pack = version.partition(".")
        return f"SUSE:Linux Enterprise Server {major}" + (f" SP{pack}" if dot and pack != "0" else "")
    if os.id == "opensuse-leap":
        return f"openSUSE:Leap {version}"
    if os.id == "opensuse-tumbleweed":
        return "openSUSE:Tumbleweed"
    if os.id == "openeuler":
        return f"openEuler:{version}" + ("-LTS" if "LTS" in os.name else "")
    if os.id in ("azurelinux", "mariner"):
        return f"Azure Linux:{major}"
    return {"photon": f"Photon OS:{version}", "amzn": f"Amazon:{major}"}.get(os.id, "")


_SLES = re.compile(r"SUSE:Linux Enterprise Server ([0-9]+)( SP[0-9]+)?").fullmatch
_SUSE_MODULES = (
    "Basesystem", "Server Applications", "Development Tools", "Web and Scripting", "Python 3", "Containers", "Legacy",
    "Public Cloud", "Desktop Applications", "Systems Management", "Package Hub", "Certifications",
)  # fmt: skip


@lru_cache(maxsize=64)
def modules_of(ecosystem: str) -> tuple[str, ...]:
    """The ecosystems of the modules that a release is made of; SUSE tells what it mends by module."""
    match = _SLES(ecosystem)
    if match is None:
        return ()
    release = f"{match[1]}{match[2] or ''}"
    return tuple(f"SUSE:Linux Enterprise Module for {name} {release}" for name in _SUSE_MODULES)


def end_of_life(os: OsRelease | None, today: str) -> str:
    """The day of the distribution's last free fixes if that is before ``today`` (YYYY-MM-DD); empty otherwise.

    Long-term support that everybody may use counts, support that is paid for does not.
    """
    if os is None:
        return ""
    if os.id == "centos":
        end = _CENTOS_END.get(os.version_id.partition(".")[0], "")
    else:
        maker = {"debian": _deb, "raspbian": _deb, "ubuntu": _deb, "alpine": _apk}.get(os.id, _rpm)
        end = _END.get(maker(os), "")
    return end if end and end < today else ""
