"""The rules of the kernel's audit, as they are loaded at start: ``/etc/audit/audit.rules`` and ``rules.d``."""

from __future__ import annotations

from seawall.sources.host.problems import Problems
from seawall.sources.host.root import Absent, HostError, Root

_MAX_RULES = 10_000


def read_audit_rules(root: Root, problems: Problems) -> tuple[str, ...] | None:
    """The rules, one space between words; None where there are no such files.

    augenrules builds audit.rules from rules.d, so a rule that stands in both is told once.
    """
    paths = ["/etc/audit/audit.rules"]
    try:
        paths += [f"/etc/audit/rules.d/{name}" for name in root.names("/etc/audit/rules.d") if name.endswith(".rules")]
    except Absent:
        pass
    except HostError as error:
        problems.add("docker.audit_rules", f"/etc/audit/rules.d {error}")
        return None
    found: dict[str, None] = {}
    there = False
    for path in paths:
        try:
            content = root.read(path).decode("utf-8", "replace")
        except Absent:
            continue
        except HostError as error:
            problems.add("docker.audit_rules", f"{path} {error}")
            return None
        there = True
        for line in content.splitlines():
            rule = " ".join(line.split())
            if rule and not rule.startswith("#") and len(found) < _MAX_RULES:
                found[rule] = None
    return tuple(found) if there else None
