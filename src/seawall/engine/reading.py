"""Reading what a person named into resources, with an account of everything that was passed over or failed."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator

from msgspec import Struct

from seawall.model.finding import SourceError
from seawall.model.paths import format_path
from seawall.model.resource import Inventory, Resource
from seawall.sources.manifests import InputFile, Skipped, Unrendered, load_file, load_stdin, walk


class ReadOptions(Struct, frozen=True):
    """What to read. ``paths`` may hold ``-`` for standard input; ``exclude`` are globs as in .gitignore."""

    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    gitignore: bool = False


class Reading:
    """One pass over what was named.

    Iterate :meth:`resources` once; each resource holds its decoded object until the next is asked for. The account
    is complete when the iteration has ended. ``texts`` holds what cannot be read again: standard input.
    """

    def __init__(self, options: ReadOptions) -> None:
        self.options = options
        self.errors: list[SourceError] = []
        self.skipped: Counter[str] = Counter()
        self.unrendered: list[tuple[str, str]] = []
        self.texts: dict[str, bytes] = {}
        self.files = 0

    def resources(self) -> Iterator[Resource]:
        """Everything that could be read; fields of the wrong type are noted among the errors."""
        for path in self.options.paths:
            for resource in self._read(path):
                self._note_problems(resource)
                yield resource

    def inventory(self) -> Inventory:
        """All of it at once, for analyses that judge things together."""
        return Inventory(self.resources())

    def _read(self, path: str) -> Iterator[Resource]:
        if path == "-":
            self.files += 1
            self.texts["<stdin>"] = sys.stdin.buffer.read()
            yield from self._account(load_stdin(self.texts["<stdin>"]))
            return
        for entry in walk(path, self._ignore(path)):
            if isinstance(entry, InputFile):
                self.files += 1
                yield from self._account(self._load(entry))
            elif isinstance(entry, Skipped):
                self.skipped[entry.reason] += 1
            elif isinstance(entry, Unrendered):
                self.unrendered.append((entry.path, entry.what))
            else:
                self.errors.append(entry)

    def _load(self, file: InputFile) -> Iterator[Resource | SourceError | Skipped]:
        if not file.named or os.path.isfile(file.path):
            return load_file(file)
        try:
            with open(file.path, "rb") as stream:
                data = self.texts[file.path] = stream.read()
        except OSError as error:
            return iter([SourceError(file.path, "", f"cannot be read: {error.strerror}", unreadable=True)])
        return load_stdin(data, file.path)

    def _account(self, loaded: Iterator[Resource | SourceError | Skipped]) -> Iterator[Resource]:
        for item in loaded:
            if isinstance(item, Resource):
                yield item
            elif isinstance(item, Skipped):
                self.skipped[item.reason] += 1
            else:
                self.errors.append(item)

    def _ignore(self, root: str) -> Callable[[str, bool], bool]:
        if not self.options.exclude and not self.options.gitignore:
            return lambda path, is_directory: False
        from seawall.sources.manifests.ignore import ignore_rules

        return ignore_rules(root, self.options.exclude, self.options.gitignore)

    def _note_problems(self, resource: Resource) -> None:
        if not resource.problems:
            return
        places = resource.origin.locate([problem.path for problem in resource.problems])
        for problem, place in zip(resource.problems, places, strict=True):
            where = f"{place.line}:{place.column}"
            message = f"{resource.ref}: {format_path(problem.path)}: {problem.message}"
            self.errors.append(SourceError(place.file, where, message))
