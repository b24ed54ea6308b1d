"""Names of distributions: one spelling for those that are written in several ways."""

from __future__ import annotations

from seawall.model.images import OsRelease

#: What os-release says, where package URLs say otherwise.
_NAMESPACES = {
    "rhel": "redhat",
    "rhel-ubi": "redhat",
    "opensuse-leap": "opensuse",
    "opensuse-tumbleweed": "opensuse",
    "opensuse-microos": "opensuse",
    "sles": "suse",
    "sle_hpc": "suse",
    "sles_sap": "suse",
    "sled": "suse",
    "sl-micro": "suse",
    "suse-microos": "suse",
    "amzn": "amazon",
    "ol": "oracle",
}
#: Debian's releases by their code names.
DEBIAN_RELEASES = {
    "wheezy": "7",
    "jessie": "8",
    "stretch": "9",
    "buster": "10",
    "bullseye": "11",
    "bookworm": "12",
    "trixie": "13",
    "forky": "14",
}
_SAME = {
    "redhat": "rhel",
    "red hat enterprise linux": "rhel",
    "red hat enterprise linux server": "rhel",
    "redhatenterpriselinux": "rhel",
    "amazon": "amzn",
    "amazon linux": "amzn",
    "amazonlinux": "amzn",
    "oracle": "ol",
    "oraclelinux": "ol",
    "oracleserver": "ol",
    "alma": "almalinux",
    "rockylinux": "rocky",
    "centos-stream": "centos",
    "suse linux enterprise server": "sles",
    "opensuse.leap": "opensuse-leap",
    "opensuse leap": "opensuse-leap",
    "opensuse.tumbleweed": "opensuse-tumbleweed",
    "archlinux": "arch",
    "alpine linux": "alpine",
    "alpine-linux": "alpine",
    "cbl-mariner": "mariner",
    "photon os": "photon",
}


def normal_id(name: str) -> str:
    """A distribution's ``ID`` as its own os-release writes it, whatever tool or file names it."""
    lower = name.strip().strip("\"'").lower()
    return _SAME.get(lower, lower)


def purl_namespace(os: OsRelease | None) -> str:
    """The namespace of the package URLs of its packages; empty where nothing is known."""
    return _NAMESPACES.get(os.id, os.id) if os else ""


def purl_distro(os: OsRelease | None) -> str:
    """The qualifier ``distro``: ``debian-12``; ``debian-sid`` where there is no number."""
    if os is None or not os.id:
        return ""
    version = os.version_id or os.codename
    return f"{os.id}-{version}" if version else os.id
