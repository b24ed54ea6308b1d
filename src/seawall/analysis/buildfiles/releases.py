"""When releases of the usual base images stop getting fixes, after the projects' own announcements (endoflife.date)."""

from __future__ import annotations

import re
from datetime import date

from seawall.model.distro import DEBIAN_RELEASES

#: Release -> the last day with fixes for everybody. A release that is not here is taken to be supported.
_ENDS: dict[str, dict[str, str]] = {
    "debian": {
        "7": "2018-05-31", "8": "2020-06-30", "9": "2022-06-30", "10": "2024-06-30", "11": "2026-08-31",
        "12": "2028-06-30",
    },
    "ubuntu": {
        "12.04": "2017-04-28", "14.04": "2019-04-25", "16.04": "2021-04-30", "18.04": "2023-05-31",
        "19.04": "2020-01-23", "19.10": "2020-07-17", "20.04": "2025-05-31", "20.10": "2021-07-22",
        "21.04": "2022-01-20", "21.10": "2022-07-14", "22.10": "2023-07-20", "23.04": "2024-01-25",
        "23.10": "2024-07-11", "24.10": "2025-07-10", "25.04": "2026-01-15",
    },
    "alpine": {
        "3.9": "2020-11-01", "3.10": "2021-05-01", "3.11": "2021-11-01", "3.12": "2022-05-01", "3.13": "2022-11-01",
        "3.14": "2023-05-01", "3.15": "2023-11-01", "3.16": "2024-05-23", "3.17": "2024-11-22", "3.18": "2025-05-09",
        "3.19": "2025-11-01", "3.20": "2026-04-01", "3.21": "2026-11-01", "3.22": "2027-05-01",
    },
    "centos": {"5": "2017-03-31", "6": "2020-11-30", "7": "2024-06-30", "8": "2021-12-31"},
    "fedora": {
        "36": "2023-05-16", "37": "2023-12-05", "38": "2024-05-21", "39": "2024-11-26", "40": "2025-05-13",
        "41": "2025-12-15", "42": "2026-05-13",
    },
    "amazonlinux": {"1": "2023-12-31"},
    "python": {
        "2": "2020-01-01", "2.7": "2020-01-01", "3.4": "2019-03-18", "3.5": "2020-09-30", "3.6": "2021-12-23",
        "3.7": "2023-06-27", "3.8": "2024-10-07", "3.9": "2025-10-31", "3.10": "2026-10-31",
    },
    "node": {
        "4": "2018-04-30", "6": "2019-04-30", "8": "2019-12-31", "9": "2018-06-30", "10": "2021-04-30",
        "11": "2019-06-01", "12": "2022-04-30", "13": "2020-06-01", "14": "2023-04-30", "15": "2021-06-01",
        "16": "2023-09-11", "17": "2022-06-01", "18": "2025-04-30", "19": "2023-06-01", "20": "2026-04-30",
        "21": "2024-06-01", "23": "2025-06-01",
    },
    "ruby": {
        "2": "2023-03-31", "2.5": "2021-04-05", "2.6": "2022-04-12", "2.7": "2023-03-31", "3.0": "2024-04-23",
        "3.1": "2025-03-26", "3.2": "2026-03-31",
    },
    "php": {
        "5": "2019-01-10", "5.6": "2018-12-31", "7": "2022-11-28", "7.4": "2022-11-28", "8.0": "2023-11-26",
        "8.1": "2025-12-31",
    },
    "golang": {
        "1.17": "2022-08-02", "1.18": "2023-02-01", "1.19": "2023-09-06", "1.20": "2024-02-06", "1.21": "2024-08-13",
        "1.22": "2025-02-11", "1.23": "2025-08-12",
    },
    "postgres": {
        "9": "2021-11-11", "10": "2022-11-10", "11": "2023-11-09", "12": "2024-11-21", "13": "2025-11-13",
    },
    "mysql": {"5": "2023-10-31", "5.6": "2021-02-05", "5.7": "2023-10-31", "8.0": "2026-04-30"},
    "openjdk": {"9": "2018-03-20", "10": "2018-09-25", "12": "2019-09-17", "13": "2020-03-17", "14": "2020-09-16"},
}  # fmt: skip
_UBUNTU = {
    "trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "jammy": "22.04", "noble": "24.04",
}  # fmt: skip
_SHOWN = {"node": "Node.js", "php": "PHP", "golang": "Go", "postgres": "PostgreSQL", "mysql": "MySQL"}
_OFFICIAL = re.compile(r"(?:(?:index\.)?docker\.io/)?(?:library/)?([a-z0-9.-]+):([\w.-]+)(?:@.*)?\Z")
_NUMBER = re.compile(r"v?(\d+)(?:\.(\d+))?")
_CODE_NAMES = DEBIAN_RELEASES | _UBUNTU


def end_of_life(image: str) -> tuple[str, date] | None:
    """The release in an official image that ends first, and its last day; None where no end is known."""
    match = _OFFICIAL.match(image)
    if match is None:
        return None
    name, tag = match.groups()
    found = list(_own(name, tag)) + list(_below(tag if name not in ("debian", "ubuntu") else ""))
    return min(found, key=lambda each: each[1], default=None)


def _own(name: str, tag: str) -> list[tuple[str, date]]:
    releases = _ENDS.get(name)
    if releases is None:
        return []
    head = tag.partition("-")[0]
    codes = {"debian": DEBIAN_RELEASES, "ubuntu": _UBUNTU}.get(name, {})
    number = _NUMBER.match(codes.get(head, head))
    if number is None:
        return []
    full = f"{number[1]}.{number[2]}" if number[2] else number[1]
    ended = releases.get(full) or releases.get(number[1])
    return [(f"{_SHOWN.get(name, name.capitalize())} {full}", date.fromisoformat(ended))] if ended else []


def _below(tag: str) -> list[tuple[str, date]]:
    """The distribution that a tag names behind the version: ``3.12-slim-buster``, ``20-alpine3.17``."""
    found: list[tuple[str, date]] = []
    for part in tag.split("-"):
        if part in DEBIAN_RELEASES:
            found += _own("debian", DEBIAN_RELEASES[part])
        elif part in _UBUNTU:
            found += _own("ubuntu", _UBUNTU[part])
        elif part.startswith("alpine") and part[6:]:
            found += _own("alpine", part[6:])
    return found
