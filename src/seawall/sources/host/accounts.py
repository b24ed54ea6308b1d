"""Local users and groups. Of the file with passwords only whether one is locked is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from seawall.model.facts import Account
from seawall.sources.host.problems import Problems
from seawall.sources.host.root import Absent, HostError, Root

_MAX_ACCOUNTS = 20_000


class Names(NamedTuple):
    """Names by number, for owners of files."""

    users: dict[int, str]
    groups: dict[int, str]


def read_accounts(root: Root, problems: Problems) -> tuple[tuple[Account, ...], Names]:
    """The users of /etc/passwd with their groups, and the names that numbers have."""
    users = list(_rows(root, "/etc/passwd", 7, problems))
    groups = list(_rows(root, "/etc/group", 4, problems))
    locked = _locked(root, problems)
    members: dict[str, list[str]] = {}
    for name, _, _, listed in groups:
        for member in listed.split(","):
            if member:
                members.setdefault(member, []).append(name)
    accounts = []
    for name, _, uid, gid, _, home, shell in users:
        if uid.isdecimal() and gid.isdecimal():
            is_locked = None if locked is None else locked.get(name)
            accounts.append(
                Account(name, int(uid[:10]), int(gid[:10]), home, shell, tuple(members.get(name, ())), is_locked)
            )
    names = Names(
        {account.uid: account.name for account in reversed(accounts)},
        {int(row[2][:10]): row[0] for row in reversed(groups) if row[2].isdecimal()},
    )
    return tuple(accounts), names


def _rows(root: Root, path: str, width: int, problems: Problems) -> Iterator[list[str]]:
    try:
        content = root.read(path).decode("utf-8", "replace")
    except HostError as error:
        problems.add("accounts", f"{path} {error}")
        return
    for line in content.splitlines()[:_MAX_ACCOUNTS]:
        fields = line.split(":")
        if len(fields) == width and fields[0] and not fields[0].startswith("#"):
            yield fields


def _locked(root: Root, problems: Problems) -> dict[str, bool] | None:
    """Whether each user's password is locked or unset; None where that may not be read."""
    try:
        content = root.read("/etc/shadow").decode("utf-8", "replace")
    except Absent:
        return None
    except HostError as error:
        problems.add("accounts.locked", f"/etc/shadow {error}")
        return None
    found = {}
    for line in content.splitlines()[:_MAX_ACCOUNTS]:
        fields = line.split(":")
        if len(fields) > 1:
            found[fields[0]] = fields[1].startswith(("!", "*"))
    return found
