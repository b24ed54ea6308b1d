"""Probing endpoints: each gets its facts, within bounds, a few at a time."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from seawall.sources.probe.http import Got, Refused, get, refusal
from seawall.sources.probe.targets import PATHS, Target
from seawall.sources.probe.tls import Survey, open_context, open_tls, survey
from seawall.sources.probe.wire import Broken, Deadline, Silence, connect

_AT_ONCE = 8
#: An endpoint is left after so many timeouts' time, whatever is left to ask.
_BUDGET = 12


class ProbeOptions(Struct, frozen=True):
    """How to probe: ``timeout`` in seconds for each answer, ``authority`` (PEM) to judge certificates by."""

    timeout: float = 5.0
    authority: str | None = None


def probe(targets: Sequence[Target], options: ProbeOptions) -> Iterator[dict[str, Any]]:
    """The facts of each target (the ``spec`` of an Endpoint), in order."""
    with ThreadPoolExecutor(_AT_ONCE, "probe") as pool:
        yield from pool.map(lambda target: probe_one(target, options), targets)


def probe_one(target: Target, options: ProbeOptions) -> dict[str, Any]:
    """The facts of one target. ``state`` is ``open``, ``closed`` or ``broken`` (answers that cannot be understood)."""
    facts: dict[str, Any] = {
        "observed": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": target.host,
        "port": target.port,
        "role": target.role,
        "state": "open",
        "protocol": "",
        "requests": {},
        "problems": [],
    }
    budget = Deadline(options.timeout * _BUDGET)
    try:
        connect(target.host, target.port, Deadline(options.timeout, budget)).close()
    except Silence as error:
        return {**facts, "state": "closed", "reason": str(error)}
    found = _survey(target, options, budget, facts)
    if found is not None:
        facts["tls"] = found.facts
        facts["problems"] += found.facts.pop("problems")
    facts["protocol"] = "https" if found is not None else "http"
    _ask_all(target, options, budget, found, facts)
    return facts


def _survey(target: Target, options: ProbeOptions, budget: Deadline, facts: dict[str, Any]) -> Survey | None:
    try:
        return survey(target.host, target.port, options.authority, options.timeout, budget)
    except Silence as error:
        facts["problems"].append(f"it went away: {error}")
    except Broken as error:
        facts["reason"] = str(error)
    return None


def _ask_all(
    target: Target, options: ProbeOptions, budget: Deadline, found: Survey | None, facts: dict[str, Any]
) -> None:
    context = open_context(found.versions) if found is not None else None
    failures: list[str] = []
    for path in PATHS[target.role]:
        try:
            got = _ask(target, path, context, found, Deadline(options.timeout, budget))
        except Refused:
            facts["tls"]["clientCertificate"] = "required"
            return
        except (Broken, Silence) as error:
            failures.append(f"{path}: {error}")
            if not facts["requests"]:
                break
            continue
        facts["requests"][path] = {"status": got.status, "sort": got.sort}
        if got.version and got.status == 200:
            facts.setdefault("version", got.version)
    if failures and not facts["requests"] and found is None:
        facts |= {"state": "broken", "protocol": ""}
        told = facts.get("reason") or failures[0]
        failures = [f"speaks neither TLS nor HTTP that can be understood: {told}"]
    facts["problems"] += failures


def _ask(target: Target, path: str, context: ssl.SSLContext | None, found: Survey | None, deadline: Deadline) -> Got:
    asked = found is not None and found.asked
    if context is None:
        with connect(target.host, target.port, deadline) as connection:
            return get(connection, target.address, path, deadline)
    try:
        secure = open_tls(target.host, target.port, context, deadline)
    except ssl.SSLError as error:
        raise refusal(error, asked) from error
    except OSError as error:
        raise Broken(f"the connection broke: {error.strerror or error}") from error
    with secure:
        return get(secure, target.address, path, deadline, asked)
