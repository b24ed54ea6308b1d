"""What could not be had, told once each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seawall.model.facts import Problem
from seawall.sources.host.root import Absent, HostError

_MAX_PROBLEMS = 5_000
_MAX_REASON = 500


class Problems:
    """Collects problems by the place of the fact in the document."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def add(self, fact: str, reason: str) -> None:
        """Note why a fact could not be had; the first reason counts."""
        if len(self._found) < _MAX_PROBLEMS:
            clean = "".join(char if char.isprintable() else "?" for char in reason)
            self._found.setdefault(fact, clean[:_MAX_REASON])
        else:
            self._found["problems"] = f"there are more than {_MAX_PROBLEMS} problems"

    def first_of(self, kind: str) -> str:
        """The first reason of a kind of facts (``manifests``); empty where there is none."""
        return next((reason for fact, reason in self._found.items() if fact.startswith(f"{kind}.")), "")

    @contextmanager
    def noting(self, fact: str, path: str) -> Iterator[None]:
        """Note what goes wrong with a file within, and go on after it; one that is absent is no problem."""
        try:
            yield
        except Absent:
            pass
        except HostError as error:
            self.add(fact, f"{path} {error}")

    def all(self) -> tuple[Problem, ...]:
        """All problems, by fact."""
        return tuple(Problem(fact, self._found[fact]) for fact in sorted(self._found))
